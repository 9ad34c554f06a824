"""Accounts to play with: devices that know some statements and sign new ones."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from onionchat.crypto.keys import SigningKey
from onionchat.identity.account import Roster, fold, make_add, make_genesis, make_remove, statement_id
from onionchat.ids import AccountId, StatementId


def key(name: str) -> SigningKey:
    """The key of a device, always the same for a name."""
    return SigningKey(name.encode().ljust(32, b"."))


def device_names(devices: Iterable[bytes], names: Iterable[str]) -> str:
    """The names, sorted, of those devices: a set that reads well in an assertion."""
    return "".join(sorted(name for name in names if key(name).public in set(devices)))


@dataclass
class Play:
    """One account, its statements written as in a play: `add("B", by="A")`. Each has seen all before it, or `seen`."""

    first: str = "A"
    recovery: str | None = "words"
    raws: list[bytes] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        recovery = key(self.recovery).public if self.recovery else None
        self.raws.append(make_genesis(key(self.first), b"n" * 16, recovery))
        self.names.add(self.first)

    @property
    def account(self) -> AccountId:
        return AccountId(statement_id(self.raws[0]))

    @property
    def genesis(self) -> StatementId:
        return statement_id(self.raws[0])

    def add(self, name: str, by: str, seen: Iterable[bytes] | None = None) -> StatementId:
        self.names.add(name)
        return self._said(make_add(self.account, self._heads(seen), key(name), key(by)))

    def remove(
        self,
        name: str,
        by: str,
        seen: Iterable[bytes] | None = None,
        keeps: Iterable[bytes] = (),
        stolen: bool = False,
        cuts: Iterable[tuple[bytes, int, bytes]] = (),
    ) -> StatementId:
        reason = "stolen" if stolen or cuts else "retired"
        heads = self._heads(seen)
        return self._said(make_remove(self.account, heads, key(name).public, reason, keeps, cuts, key(by)))

    def roster(self) -> Roster:
        return fold(self.raws)

    def active(self) -> str:
        return device_names(self.roster().active, self.names)

    def _heads(self, seen: Iterable[bytes] | None) -> list[bytes]:
        return list(fold(self.raws).heads) if seen is None else list(seen)

    def _said(self, raw: bytes) -> StatementId:
        self.raws.append(raw)
        return statement_id(raw)
