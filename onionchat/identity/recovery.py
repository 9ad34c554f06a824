"""What the recovery key says when the owner of an account speaks: who is out, who is in. docs/spec/identity.md.

Removals come first and the admission last, so that it has seen them: of two recovery statements that do not know each
other the careful one counts.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from onionchat import limits
from onionchat.crypto.keys import SigningKey, is_equal
from onionchat.errors import LocalError
from onionchat.identity.account import (
    Add,
    Genesis,
    Roster,
    Statement,
    fold_parsed,
    make_add,
    make_remove,
    parse_statement,
)
from onionchat.identity.statements import Reason
from onionchat.ids import DeviceId, StatementId

Ends = tuple[tuple[bytes, int, bytes], ...]
"""(log, seq, id) of the last entry that is still accepted, for each log of a stolen device."""


@dataclass(frozen=True)
class Removing:
    """How a device is to be removed. `ends` only of a stolen one."""

    reason: Reason
    ends: Ends = ()


@dataclass(frozen=True)
class Spoken:
    """What was said, in order, and the roster that it comes to."""

    statements: tuple[bytes, ...]
    roster: Roster


def require_recovery_key(roster: Roster, key: SigningKey) -> None:
    """LocalError unless this is the recovery key of that account."""
    if roster.recovery_public is None:
        raise LocalError("this account was made without recovery words: nothing can recover it")
    if not is_equal(roster.recovery_public, key.public):
        raise LocalError("these are the recovery words of another account; check that you have the right ones")


def speak(
    statements: Iterable[bytes],
    key: SigningKey,
    device: SigningKey,
    removals: Mapping[DeviceId, Removing],
    keep: Collection[DeviceId] = (),
) -> Spoken:
    """The statements by which the recovery key takes devices out, and makes `device` one of the account.

    `keep`: devices that are the owner's; what a removed one did to them is void, what it did for them stands.
    It is admitted also when it seems to be in: who was put out need not have heard of it. Nothing is said twice.
    LocalError: another account's key; `device` was reported as stolen, or is to be removed; the account stays disputed.
    """
    roster = fold_parsed(map(parse_statement, statements))
    require_recovery_key(roster, key)
    own = DeviceId(device.public)
    if own in removals:
        raise LocalError("a device cannot remove itself; use another one, or `onionchat wipe` this one")
    wanted = frozenset(keep) | {own}
    said: list[bytes] = []
    for target, how in sorted(removals.items()):
        keeps = _keeps(roster, target, how.reason, wanted, wanted | _origins(roster, own))
        ends = how.ends if how.reason == "stolen" else ()
        raw = make_remove(roster.account, roster.heads, target, how.reason, keeps, ends, key)
        said.append(raw)
        roster = _with(roster, raw)
    if said or not _is_said(roster, own):
        _refuse_stolen(roster, own)
        raw = make_add(roster.account, roster.heads, device, key)
        said.append(raw)
        roster = _with(roster, raw)
    if not roster.is_member(own) or roster.disputed:
        raise LocalError("this account was flooded by one of its devices: remove that one with --remove, as stolen")
    if len(roster.statements_of(key.public)) >= limits.STATEMENTS_PER_SIGNER_MAX:
        raise LocalError("the recovery words of this account were used too often: begin another account")
    return Spoken(tuple(said), roster)


def _is_said(roster: Roster, own: DeviceId) -> bool:
    """Whether the last that is known of the account is that its recovery key admitted this device."""
    last = [s for s in roster.statements_of(roster.recovery_public or b"") if s.id in roster.heads]
    return len(roster.heads) == 1 == len(last) and isinstance(last[0].body, Add) and last[0].subject == own


def _refuse_stolen(roster: Roster, own: DeviceId) -> None:
    """Whoever had it may have its keys: it comes back under others."""
    removal = roster.removed.get(own)
    if removal is not None and removal.reason == "stolen":
        raise LocalError(
            "this device was reported as stolen, so its keys may be in other hands: `onionchat export` it, `wipe` it,"
            " `import` the export, and recover that. If the report was a thief's, name the thief's device with --remove"
        )


def _keeps(
    roster: Roster, target: DeviceId, reason: Reason, wanted: frozenset[DeviceId], linked: frozenset[DeviceId]
) -> list[StatementId]:
    """What a removed device said that stands: removals of all but `wanted`, admissions of `linked`, or of all.

    A device that is out stays out, whoever put it out, unless it is the owner's.
    """

    def stands(statement: Statement) -> bool:
        if isinstance(statement.body, Add):
            return reason == "retired" or statement.subject in linked
        return statement.subject not in wanted and not isinstance(statement.body, Genesis)

    return [s.id for s in roster.statements_of(target) if stands(s)][: limits.STATEMENTS_PER_SIGNER_MAX]


def _origins(roster: Roster, device: DeviceId) -> frozenset[DeviceId]:
    """The devices that this one's membership comes from, for their admissions; none while it is out."""
    found: set[DeviceId] = set()
    last: DeviceId | None = device if roster.is_member(device) else None
    while last is not None and last not in found:
        found.add(last)
        last = roster.admitted_by.get(last)
    return frozenset(found)


def _with(roster: Roster, raw: bytes) -> Roster:
    ignored = map(parse_statement, roster.ignored)
    return fold_parsed((*roster.parsed, *ignored, parse_statement(raw)), roster.account)
