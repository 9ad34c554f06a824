"""The fold: from a set of statements to the devices of an account. Rules 2 to 6 of docs/spec/identity.md.

The difficulty is that removals may take away each other's ground. It is met by asking twice in an order that has no
circles: by a removal's past, whether its signer was a member then; by what has seen it, whether the signer's
membership was voided by someone who knew what that would undo.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from onionchat import limits
from onionchat.codec import encode
from onionchat.crypto.hashing import labelled_hash
from onionchat.identity.history import History
from onionchat.identity.statements import Add, Cut, Reason, Remove, Statement, parse_statement
from onionchat.ids import AccountId, DeviceId, LogId, StatementId

FINGERPRINT_LABEL = b"roster fingerprint"


@dataclass(frozen=True, slots=True)
class Removal:
    """Why a device is out: what all effective removals of it come to. `by` is None for the recovery key."""

    reason: Reason
    by: DeviceId | None
    cuts: Mapping[LogId, Cut]


@dataclass(frozen=True, slots=True)
class Roster:
    """What a set of statements comes to. Equal for equal sets, in whatever order they came."""

    account: AccountId
    recovery_public: bytes | None
    active: frozenset[DeviceId]
    removed: Mapping[DeviceId, Removal]
    devices_voided: frozenset[DeviceId]  # admitted by someone who was not entitled to, as it turned out
    devices_surplus: frozenset[DeviceId]  # beyond DEVICES_PER_ACCOUNT_MAX
    disputed: bool  # members took each other out, or somebody flooded the account: nothing may be sent to it
    admitted_by: Mapping[DeviceId, DeviceId]  # not for the genesis device, nor those that the recovery key admitted
    heads: tuple[StatementId, ...]
    parsed: tuple[Statement, ...]  # what counts, genesis first
    ignored: tuple[bytes, ...]  # what does not: by strangers (as far as is known), or beyond a cap

    @property
    def statements(self) -> tuple[bytes, ...]:
        """The encoded statements that count: what is worth keeping and passing on to own devices."""
        return tuple(statement.raw for statement in self.parsed)

    @property
    def devices(self) -> frozenset[DeviceId]:
        """Every device that was ever claimed to be of this account, active or not."""
        return frozenset(s.subject for s in self.parsed if not isinstance(s.body, Remove))

    def is_member(self, device: bytes) -> bool:
        """Whether the device is active."""
        return device in self.active

    def is_full(self) -> bool:
        """Whether no further device can be admitted until one is removed."""
        return len(self.active) >= limits.DEVICES_PER_ACCOUNT_MAX

    def cut_for(self, device: bytes, log: bytes) -> Cut | None:
        """The last entry of this log that is accepted of a stolen device; None when nothing is known of such an end."""
        removal = self.removed.get(DeviceId(device))
        return removal.cuts.get(LogId(log)) if removal else None

    def statements_of(self, device: bytes) -> tuple[Statement, ...]:
        """What a device signed: what `untrust --stolen` lists."""
        return tuple(s for s in self.parsed if s.signer == device)

    def heads_before(self, *devices: bytes) -> tuple[StatementId, ...]:
        """Heads that know of no removal by these: for the answer of one that they removed. All of them will be out."""
        tainted = {s.id for device in devices for s in self.statements_of(device) if isinstance(s.body, Remove)}
        while fresh := {s.id for s in self.parsed if s.id not in tainted and not tainted.isdisjoint(s.heads)}:
            tainted |= fresh
        clean = [s for s in self.parsed if s.id not in tainted]
        named = {head for s in clean for head in s.heads}
        return tuple(s.id for s in clean if s.id not in named)[: limits.HEADS_MAX]

    def adds_of(self, device: bytes) -> tuple[StatementId, ...]:
        """Ids of a device's own admissions of others: the `keeps` of a removal that undoes nothing."""
        return tuple(s.id for s in self.statements_of(device) if isinstance(s.body, Add))


def fold(statements: Iterable[bytes], account: AccountId | None = None) -> Roster:
    """The roster of these encoded statements, in any order, repeated or not; of `account` when it is given.

    RemoteError when one is malformed or wrongly signed, when there is not exactly one genesis, or one is foreign.
    """
    return fold_parsed(map(parse_statement, statements), account)


def fold_parsed(statements: Iterable[Statement], account: AccountId | None = None) -> Roster:
    """As `fold`, of statements that were parsed, and so verified, before."""
    history = History(statements, account)
    return _Fold(history).roster()


def roster_fingerprint(roster: Roster) -> bytes:
    """32 bytes, the same for the account and all its contacts that are up to date: to be compared with the words."""
    state = (roster.account, sorted(roster.active), roster.disputed)
    return labelled_hash(FINGERPRINT_LABEL, encode(state))


class _Removals(NamedTuple):
    """Removals taken as effective, by target, and the admissions that stand then."""

    by_target: Mapping[bytes, list[Statement]]
    standing: frozenset[StatementId]


class _Fold:
    """One fold. The questions are those of the specification, in its words."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._admissions: dict[DeviceId, list[Statement]] = defaultdict(list)
        self._adds_by: dict[bytes, list[Statement]] = defaultdict(list)
        self._removes: list[Statement] = []
        for statement in history.counted:
            if isinstance(statement.body, Remove):
                self._removes.append(statement)  # who was never admitted is barred by it too
            elif statement.subject != history.recovery_public:
                self._admissions[statement.subject].append(statement)
                if isinstance(statement.body, Add):
                    self._adds_by[statement.signer].append(statement)
        self._origins = {device: self._origins_of(device) for device in self._admissions}
        self._carried_by, self._closed = self._ways()
        self._closes = {remove.id: self._closed_by(remove) for remove in self._removes}
        self._standing: dict[int, frozenset[StatementId]] = {}
        self._settled: dict[tuple[StatementId, ...], tuple[list[Statement], _Removals]] = {}

    # --- rule 2 -------------------------------------------------------------------------------------
    def _cancels(self, remove: Statement, admission: Statement) -> bool:
        history = self._history
        if not history.is_recovery(admission):
            return True
        if history.is_recovery(remove):
            return not history.has_seen(admission, remove)
        return history.has_seen(remove, admission)

    # --- rule 3 -------------------------------------------------------------------------------------
    def _origins_of(self, device: DeviceId) -> frozenset[DeviceId]:
        """The device and those that its membership comes from, each nearer to the genesis than the one before.

        Else a thief could have the device that it stole admitted anew by one that it made up, and so get that kept.
        """
        level = self._history.level
        found, waiting = {device}, [device]
        while waiting:
            last = waiting.pop()
            admitters = {DeviceId(s.signer) for s in self._admissions.get(last, ()) if level[s.signer] < level[last]}
            admitters -= found
            found |= admitters
            waiting += admitters
        return frozenset(found)

    def _keeps(self, remove: Statement, add: Statement) -> bool:
        assert isinstance(remove.body, Remove)
        return add.id in remove.body.keeps or add.subject in self._origins.get(DeviceId(remove.signer), ())

    def _is_of_this_life(self, admission: Statement, statement: Statement) -> bool:
        """An admission by the recovery key begins a life; what was signed before does not belong to it."""
        return not self._history.is_recovery(admission) or self._history.has_seen(statement, admission)

    def _ways(self) -> tuple[dict[StatementId, list[tuple[Statement, int]]], int]:
        """For each admission the `add`s of its device, each way with a bit of its own; and the ways never open."""
        ways: dict[StatementId, list[tuple[Statement, int]]] = defaultdict(list)
        bit, closed = 1, 0
        for device, admissions in self._admissions.items():
            for admission in admissions:
                for add in self._adds_by.get(device, ()):
                    ways[admission.id].append((add, bit))
                    closed |= 0 if self._is_of_this_life(admission, add) else bit
                    bit <<= 1
        return ways, closed

    def _closed_by(self, remove: Statement) -> int:
        """The ways, as bits, on which this removal does not let its target's admissions carry its `add`s."""
        closed = 0
        for admission in self._admissions.get(remove.subject, ()):
            if self._cancels(remove, admission):
                closed |= sum(
                    bit for add, bit in self._carried_by.get(admission.id, ()) if not self._keeps(remove, add)
                )
        return closed

    def _taken(self, removes: Iterable[Statement]) -> _Removals:
        """What stands when exactly these removals are effective."""
        by_target: dict[bytes, list[Statement]] = defaultdict(list)
        closed = self._closed
        for remove in removes:
            by_target[remove.subject].append(remove)
            closed |= self._closes[remove.id]
        if closed not in self._standing:
            self._standing[closed] = self._reached(closed)
        return _Removals(by_target, self._standing[closed])

    def _reached(self, closed: int) -> frozenset[StatementId]:
        """The admissions that are reached from the genesis and the recovery key on ways that are open."""
        history = self._history
        every = (admission for some in self._admissions.values() for admission in some)
        waiting = [admission for admission in every if admission is history.genesis or history.is_recovery(admission)]
        standing = {admission.id for admission in waiting}
        while waiting:
            for add, bit in self._carried_by.get(waiting.pop().id, ()):
                if add.id not in standing and not closed & bit:
                    standing.add(add.id)
                    waiting.append(add)
        return frozenset(standing)

    # --- rule 4 -------------------------------------------------------------------------------------
    def _is_supported(self, remove: Statement, taken: _Removals) -> bool:
        """Whether the signer has ground to stand on; removals of the signer itself by members do not touch that."""
        overruling = [r for r in taken.by_target.get(remove.signer, ()) if self._history.is_recovery(r)]
        return any(
            admission.id in taken.standing
            and self._is_of_this_life(admission, remove)
            and all(_names(r, remove) for r in overruling if self._cancels(r, admission))
            for admission in self._admissions.get(DeviceId(remove.signer), ())
        )

    def _settle(self, timely: list[Statement]) -> tuple[list[Statement], _Removals]:
        """The effective ones among these removals, sorted by past, and what they come to.

        A removal falls only to the recovery key and to removals that have seen it. Otherwise a thief could take the
        ground from a removal of itself by pretending not to know it.
        """
        key = tuple(remove.id for remove in timely)
        if key not in self._settled:
            history = self._history
            effective = [remove for remove in timely if history.is_recovery(remove)]
            for remove in reversed(timely):
                if not history.is_recovery(remove):
                    above = [r for r in effective if history.is_recovery(r) or history.has_seen(r, remove)]
                    if self._is_supported(remove, self._taken(above)):
                        effective.append(remove)
            self._settled[key] = (effective, self._taken(effective))
        return self._settled[key]

    def _timely(self) -> list[Statement]:
        """Removals whose signer was a member in what the removal has seen. The past of each is judged before it."""
        timely: list[Statement] = []
        for remove in sorted(self._removes, key=lambda r: (self._history.past_size(r), r.id)):
            past = [earlier for earlier in timely if self._history.has_seen(remove, earlier)]
            if self._history.is_recovery(remove) or self._is_in(DeviceId(remove.signer), self._settle(past)[1], remove):
                timely.append(remove)
        return timely

    # --- rule 5 -------------------------------------------------------------------------------------
    def _holding(self, device: DeviceId, taken: _Removals) -> list[Statement]:
        """The admissions of a device that stand and are not cancelled."""
        against = taken.by_target.get(device, [])
        return [
            admission
            for admission in self._admissions.get(device, ())
            if admission.id in taken.standing and not any(self._cancels(remove, admission) for remove in against)
        ]

    def _is_in(self, device: DeviceId, taken: _Removals, signing: Statement) -> bool:
        return any(self._is_of_this_life(admission, signing) for admission in self._holding(device, taken))

    def roster(self) -> Roster:
        history = self._history
        effective, taken = self._settle(self._timely())
        holding = {device: found for device in self._admissions if (found := self._holding(device, taken))}
        nearest = sorted(holding, key=lambda device: (history.level[device], min(a.id for a in holding[device])))
        active = frozenset(nearest[: limits.DEVICES_PER_ACCOUNT_MAX])
        removed = {
            d: self._removal(taken.by_target[d])
            for d in self._admissions
            if taken.by_target.get(d) and d not in holding
        }
        return Roster(
            account=history.account,
            recovery_public=history.recovery_public,
            active=active,
            removed=removed,
            devices_voided=frozenset(self._admissions.keys() - holding.keys() - removed.keys()),
            devices_surplus=frozenset(holding.keys() - active),
            disputed=self._is_disputed(effective, holding.keys()),
            admitted_by=self._admitters(taken.standing),
            heads=history.heads(),
            parsed=history.counted,
            ignored=tuple(statement.raw for statement in history.ignored),
        )

    def _admitters(self, standing: frozenset[StatementId]) -> dict[DeviceId, DeviceId]:
        admitters: dict[DeviceId, DeviceId] = {}
        for device, admissions in self._admissions.items():
            first = min((a for a in admissions if a.id in standing), key=self._nearness, default=None)
            if first is not None and first is not self._history.genesis and not self._history.is_recovery(first):
                admitters[device] = DeviceId(first.signer)
        return admitters

    def _nearness(self, statement: Statement) -> tuple[bool, int, StatementId]:
        return (statement is not self._history.genesis, self._history.level[statement.signer], statement.id)

    def _removal(self, removes: list[Statement]) -> Removal:
        ends: dict[LogId, Cut] = {}
        for cut in (cut for remove in removes for cut in remove.cuts):
            other = ends.get(LogId(cut.log), cut)
            ends[LogId(cut.log)] = min(cut, other, key=lambda end: (end.seq, end.id))
        stolen = any(isinstance(remove.body, Remove) and remove.body.stolen for remove in removes)
        first = min(removes, key=self._nearness)
        by = None if self._history.is_recovery(first) else DeviceId(first.signer)
        return Removal("stolen" if stolen else "retired", by, ends)

    # --- rule 6 -------------------------------------------------------------------------------------
    def _is_disputed(self, effective: list[Statement], holding: Collection[DeviceId]) -> bool:
        history = self._history
        if history.is_overfull:
            return True
        spoken = [s for s in history.counted if history.is_recovery(s)]
        hits: dict[bytes, set[bytes]] = defaultdict(set)
        for remove in effective:
            heard = history.is_recovery(remove) or any(history.has_seen(s, remove) for s in spoken)
            if not heard and remove.signer not in holding:
                hits[remove.signer] |= self._taken_out_by(remove) - set(holding) - {remove.signer}
        return any(_reaches(hits, target, signer) for signer in list(hits) for target in hits[signer])

    def _taken_out_by(self, remove: Statement) -> set[bytes]:
        """The devices that this removal alone would take out."""
        taken = self._taken([remove])
        return {device for device in self._admissions if not self._holding(device, taken)}


def _names(remove: Statement, statement: Statement) -> bool:
    return isinstance(remove.body, Remove) and statement.id in remove.body.keeps


def _reaches(edges: Mapping[bytes, set[bytes]], start: bytes, goal: bytes) -> bool:
    found, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        if node == goal:
            return True
        fresh = edges.get(node, set()) - found
        found |= fresh
        waiting += fresh
    return False
