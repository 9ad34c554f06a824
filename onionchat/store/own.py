"""What this device is: its keys, kept in the table `meta` and in memory while unlocked."""

from collections.abc import Callable
from dataclasses import dataclass, field

from onionchat import limits
from onionchat.codec import Record, Unsigned, decode, encode
from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import StoreError
from onionchat.identity.account import account_id, make_genesis
from onionchat.identity.device import issue_certificate
from onionchat.ids import AccountId, DeviceId
from onionchat.store.db import Connection


def get_meta(c: Connection, key: str) -> bytes | None:
    """A value of the table `meta`."""
    row = c.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else bytes(row[0])


def set_meta(c: Connection, key: str, value: bytes) -> None:
    """Write a value of the table `meta`."""
    c.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


LINKING = "linking"
"""Stands in `meta` until this device knows that it was admitted to its account."""
HISTORY = "history"
"""Of a device that was linked: its `HistoryWish`."""


class HistoryWish(Record, frozen=True):
    """What of the time before a device was linked is brought to it: messages from `not_before_ms` on (0: all)."""

    not_before_ms: Unsigned
    linked_ms: Unsigned


@dataclass
class Own:
    """The keys of this device. `statics`: private halves by the certificate serial they were used with.

    `history`: of a device that was linked to others. `is_linking`: it does not know yet that it was admitted.
    `is_out`: it was removed from its account.
    """

    identity: SigningKey = field(repr=False)
    account: AccountId
    statics: dict[int, ExchangeKey] = field(repr=False)
    history: HistoryWish | None = None
    is_linking: bool = False
    is_out: bool = False

    @property
    def device(self) -> DeviceId:
        """The public identity key."""
        return DeviceId(self.identity.public)

    @property
    def serial(self) -> int:
        """The serial of the newest certificate."""
        return max(self.statics)

    def statics_for(self, serial: int) -> list[ExchangeKey]:
        """The static key of a serial; of one that an old disk does not know, all there are: moving keeps the key."""
        found = self.statics.get(serial)
        return [found] if found is not None else list({key.private: key for key in self.statics.values()}.values())

    @property
    def static(self) -> ExchangeKey:
        """The static key in use."""
        return self.statics[self.serial]


FIRST_SERIAL = 1


@dataclass(frozen=True)
class DeviceKeys:
    """What a device is born with, before it belongs to an account. The address is an Ed25519 key, too."""

    identity: SigningKey = field(repr=False)
    static: ExchangeKey = field(repr=False)
    address: SigningKey = field(repr=False)

    @classmethod
    def generate(cls, random: Callable[[int], bytes]) -> "DeviceKeys":
        """New keys."""
        return cls(SigningKey(random(32)), ExchangeKey(random(32)), SigningKey(random(32)))

    @property
    def certificate(self) -> bytes:
        """The device's first certificate, signed."""
        return issue_certificate(self.identity, self.address.public, self.static.public, FIRST_SERIAL)


def create_own(
    c: Connection, random: Callable[[int], bytes], recovery_public: bytes | None, keys: DeviceKeys | None = None
) -> Own:
    """Make the genesis statement of a new account of one device, and its keys when there are none."""
    keys = keys if keys is not None else DeviceKeys.generate(random)
    genesis = make_genesis(keys.identity, random(32), recovery_public)
    set_meta(c, "genesis", genesis)
    return write_own(c, keys, account_id(genesis))


def write_own(c: Connection, keys: DeviceKeys, account: AccountId) -> Own:
    """Make this database that of a device of an account."""
    set_meta(c, "identity", keys.identity.seed)
    set_meta(c, "account", account)
    return Own(keys.identity, account, {add_serial(c, keys.static): keys.static})


def begin_linking(c: Connection, own: Own, wish: HistoryWish) -> None:
    """This device waits for being admitted by another one of its account."""
    set_meta(c, LINKING, b"")
    set_meta(c, HISTORY, encode(wish))
    own.history, own.is_linking = wish, True


def end_linking(c: Connection) -> None:
    """It was admitted. `Own.is_linking` follows after the commit."""
    c.execute("DELETE FROM meta WHERE key = ?", (LINKING,))


def add_serial(c: Connection, static: ExchangeKey, least: int = 0) -> int:
    """Number the next certificate, which names this static key. `Own.statics` gets it after the commit."""
    keys = [key for (key,) in c.execute("SELECT key FROM meta WHERE key LIKE 'static:%'")]
    serial = max(least, max((int(key.partition(":")[2]) for key in keys), default=0) + 1)
    set_meta(c, f"static:{serial}", static.private)
    return serial


def load_own(c: Connection) -> Own:
    """Read the keys back. StoreError when they are missing (an export holds none)."""
    identity, account = get_meta(c, "identity"), get_meta(c, "account")
    rows = c.execute("SELECT key, value FROM meta WHERE key LIKE 'static:%'").fetchall()
    if identity is None or account is None or not rows:
        raise StoreError("this database holds no keys of a device; make a profile with `onionchat init`")
    statics = {int(key.partition(":")[2]): ExchangeKey(bytes(value)) for key, value in rows}
    raw = get_meta(c, HISTORY)
    history = None if raw is None else decode(raw, HistoryWish, limits.KIB)
    return Own(SigningKey(identity), AccountId(account), statics, history, get_meta(c, LINKING) is not None)
