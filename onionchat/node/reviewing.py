"""What a device of ours did: admitted, wrote, deleted; and how each of it is undone when the device goes.

What is listed is what stands. A trust or a name that somebody has set anew since is not: its body is gone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twisted.internet.defer import Deferred, ensureDeferred, succeed

from onionchat import limits
from onionchat.errors import LocalError
from onionchat.identity.account import Add
from onionchat.ids import AccountId, DeviceId, id_text
from onionchat.kinds import account as kinds
from onionchat.kinds.again import plain
from onionchat.kinds.fold import parse_body
from onionchat.node.founding import DEVICE_SETTING
from onionchat.node.removal import forget_contact
from onionchat.store.twins import standing_id
from onionchat.text import safe_line

if TYPE_CHECKING:
    from onionchat.node.node import Node

ALL, NONE = "all", "none"
DeedKind = Literal["device", "contact", "trust", "forget", "invitation"]
NAME_CHARACTERS = 64


@dataclass(frozen=True)
class Deed:
    """One thing that a device did. `id`: of its entry or statement. `ms`: 0 where nobody knows when.

    `is_undone_with_all`: what `all` means; a contact goes only when it is named.
    """

    id: bytes
    kind: DeedKind
    ms: int
    text: str
    is_undone_with_all: bool
    body: Any = None
    device: DeviceId | None = None


def review(node: "Node", device: DeviceId) -> list[Deed]:
    """What a device did, the newest first, REVIEW_MAX at most."""
    deeds = [*_admissions(node, device), *_written(node, device)]
    return sorted(deeds, key=lambda deed: -deed.ms)[: limits.REVIEW_MAX]


def _admissions(node: "Node", device: DeviceId) -> Iterator[Deed]:
    roster = node.book.own_roster
    for statement in roster.statements_of(device) if roster is not None else ():
        if isinstance(statement.body, Add):
            label = safe_line(node.book.device_label(statement.subject))[:NAME_CHARACTERS]
            text, ms = f"linked the device “{label}”", _linked_ms(node, statement.subject)
            yield Deed(statement.id, "device", ms, text, True, device=statement.subject)


def _linked_ms(node: "Node", device: DeviceId) -> int:
    """When the device got its label: that is done when it is linked."""
    row = node.store.reads.execute(
        "SELECT ms FROM register WHERE kind = 'setting' AND key = ?", ((DEVICE_SETTING + id_text(device)).encode(),)
    ).fetchone()
    return 0 if row is None else int(row[0])


def _written(node: "Node", device: DeviceId) -> Iterator[Deed]:
    rows = node.store.reads.execute(
        "SELECT entry.n, entry.ms, header, content FROM entry JOIN log ON log.n = entry.log WHERE log.device = ?"
        " AND entry.conversation = (SELECT n FROM conversation WHERE id = ?) AND shown = 0 AND content IS NOT NULL"
        " ORDER BY entry.ms DESC, entry.seq DESC",
        (device, node.store.self_id),
    )
    found = 0
    for n, ms, header, raw in rows:
        body = parse_body(plain(raw))
        deed = _deed(node, standing_id(node.store.reads, n, header), ms, body, device)
        if deed is not None:
            yield deed
            found += 1
        if found >= limits.REVIEW_MAX:
            rows.close()
            return


def _deed(node: "Node", entry: bytes, ms: int, body: object, device: DeviceId) -> Deed | None:
    match body:
        case kinds.TrustSet(account, trust):
            return Deed(entry, "trust", ms, f"marked {_name(node, account)} as {trust}", True, body)
        case kinds.Contact(state="active"):
            text = f"added or changed the contact {_quoted(body.name)}; undoing that removes it"
            return Deed(entry, "contact", ms, text, False, body)
        case kinds.Choice(account, "state", "blocked"):
            return Deed(entry, "contact", ms, f"blocked {_name(node, account)}", True, body)
        case kinds.Choice(_, "state", "removed"):
            return Deed(entry, "contact", ms, "removed a contact; only a new link brings it back", False, body)
        case kinds.Choice(_, "name", name) if name:
            return Deed(entry, "contact", ms, f"called a contact {_quoted(name)}", False, body)
        case kinds.Forget(conversation, _, ranges):
            count = sum(last - first + 1 for first, last in ranges)
            messages = "1 message" if count == 1 else f"{count} messages"
            return Deed(entry, "forget", ms, f"deleted {messages} {_with(node, conversation)}", True, body)
        case kinds.Invitation() if body.device == device and body.state in ("open", "closed"):
            kind = "an open link" if body.reusable else "a one-time link"
            return Deed(entry, "invitation", ms, f"made {kind}, which is {body.state} now", False, body)
        case _:
            return None


def _quoted(name: str) -> str:
    return f"“{safe_line(name)[:NAME_CHARACTERS]}”"


def _name(node: "Node", account: bytes) -> str:
    person = node.book.people.get(AccountId(account))
    return "somebody who is no contact" if person is None else _quoted(person.name)


def _with(node: "Node", conversation: bytes) -> str:
    if conversation == node.store.self_id:
        return "of your notes"
    person = node.book.by_conversation(conversation)
    return "of somebody who is no contact" if person is None else f"with {_name(node, person.account)}"


# --- undoing ----------------------------------------------------------------------------------------------
def chosen(deeds: Sequence[Deed], undo: Sequence[str] | str) -> list[Deed]:
    """The deeds that are to be undone. LocalError for an id that is not among them."""
    if isinstance(undo, str):
        if undo not in (ALL, NONE):
            raise LocalError("say `all`, `none`, or the ids that the review gives")
        return [deed for deed in deeds if deed.is_undone_with_all] if undo == ALL else []
    by_id = {id_text(deed.id): deed for deed in deeds}
    if any(each not in by_id for each in undo):
        raise LocalError("the device did nothing with that id; look at the review again")
    return [by_id[each] for each in dict.fromkeys(undo)]


def repairs(deeds: Sequence[Deed]) -> list[Any]:
    """Bodies for *self* that undo these, but for devices, which go with the removal, and for contacts' removal."""
    bodies: list[Any] = []
    forgets = [deed.id for deed in deeds if deed.kind == "forget"]
    for start in range(0, len(forgets), limits.RANGES_MAX):
        bodies.append(kinds.Restore(tuple(forgets[start : start + limits.RANGES_MAX])))
    for deed in deeds:
        if deed.kind == "trust":
            bodies.append(kinds.TrustSet(deed.body.account, "unvalidated"))
        elif isinstance(deed.body, kinds.Choice) and deed.body.what == "name":
            bodies.append(kinds.Choice(deed.body.account, "name", ""))
        elif isinstance(deed.body, kinds.Choice) and deed.body.value == "blocked":
            bodies.append(kinds.Choice(deed.body.account, "state", "active"))
    return bodies


def remove_contacts(node: "Node", deeds: Sequence[Deed]) -> "Deferred[None]":
    """Remove the contacts among these, one after the other."""
    accounts = [AccountId(deed.body.account) for deed in deeds if isinstance(deed.body, kinds.Contact)]
    return ensureDeferred(_remove_all(node, accounts))


async def _remove_all(node: "Node", accounts: Sequence[AccountId]) -> None:
    for account in accounts:
        await _remove_contact(node, account)


def _remove_contact(node: "Node", account: AccountId) -> "Deferred[None]":
    person = node.book.people.get(account)
    if person is None or person.value.state == "removed":
        return succeed(None)
    return forget_contact(node, person, [kinds.Choice(account, "state", "removed")])
