"""An account, as the rest of the program uses it: statements, their fold, and what others are told of it.

The parts: statements.py (bytes), history.py (what counts), roster.py (what it comes to).
"""

from collections.abc import Iterable

from onionchat.identity.roster import Removal, Roster, fold, fold_parsed, roster_fingerprint
from onionchat.identity.statements import (
    Add,
    Cut,
    Genesis,
    Remove,
    Statement,
    accept_add,
    account_id,
    countersign,
    make_add,
    make_genesis,
    make_remove,
    parse_statement,
    revealing,
    statement_id,
    unsigned_add,
)
from onionchat.ids import LogId

__all__ = [
    "Add",
    "Cut",
    "Genesis",
    "Removal",
    "Remove",
    "Roster",
    "Statement",
    "accept_add",
    "account_id",
    "countersign",
    "fold",
    "fold_parsed",
    "make_add",
    "make_genesis",
    "make_remove",
    "parse_statement",
    "roster_fingerprint",
    "statement_id",
    "statements_admitting",
    "statements_for_contact",
    "unsigned_add",
]


def statements_for_contact(
    roster: Roster, known_devices: Iterable[bytes], logs: Iterable[bytes] = ()
) -> tuple[bytes, ...]:
    """What a contact has to know: its fold, also with all that it was told before, gives the same active devices.

    `known_devices`: every device of this account that the contact was ever told of. `logs`: those of the
    conversations with this contact; only their cuts are told. Cuts that a contact is shown prove to third parties
    that the log was the removed device's: tell none where that matters more than their effect.
    """
    chosen = _about(roster, roster.active | frozenset(known_devices))
    if not _says_the_same(roster, chosen):
        chosen = roster.parsed
    shown = frozenset(LogId(log) for log in logs)
    return tuple(revealing(statement, shown).raw for statement in chosen)


def statements_admitting(roster: Roster, device: bytes) -> tuple[bytes, ...]:
    """What shows someone who knows the account that an active device belongs to it: as little as does it."""
    chosen = _about(roster, frozenset({device}))
    if device in roster.active and device not in fold_parsed(chosen).active:
        chosen = roster.parsed
    return tuple(revealing(statement, ()).raw for statement in chosen)


def _about(roster: Roster, devices: frozenset[bytes]) -> tuple[Statement, ...]:
    """All statements about these devices, about those that signed them, and so on; and the genesis."""
    about, size = set(devices), -1
    while size != len(about):
        size = len(about)
        about |= {s.signer for s in roster.parsed if s.subject in about and s.signer != roster.recovery_public}
    return tuple(s for s in roster.parsed if s.subject in about or isinstance(s.body, Genesis))


def _says_the_same(roster: Roster, chosen: tuple[Statement, ...]) -> bool:
    told = fold_parsed(chosen)
    return (
        told.active == roster.active
        and told.disputed == roster.disputed
        and all(roster.removed.get(device) == removal for device, removal in told.removed.items())
        and told.devices_voided <= roster.devices_voided
        and all(roster.admitted_by.get(device) == admitter for device, admitter in told.admitted_by.items())
    )
