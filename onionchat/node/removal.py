"""Forgetting a contact's conversation, for good. Our own log's head stays: a number is never given twice."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from twisted.internet.defer import Deferred

from onionchat import limits
from onionchat.codec import decode
from onionchat.kinds import account as kinds
from onionchat.kinds.fold import parse_body
from onionchat.log.entry import Content
from onionchat.node.book import Person
from onionchat.store import people
from onionchat.store.db import Connection

if TYPE_CHECKING:
    from onionchat.node.node import Node


def ranges_of(c: Connection, conversation: bytes) -> list[kinds.Forget]:
    """What has to be forgotten: every log whose entries stand there (an import's too), from its first to its newest."""
    rows = c.execute(
        "SELECT id, seq FROM log WHERE seq > 0 AND n IN"
        " (SELECT log FROM entry WHERE conversation = (SELECT n FROM conversation WHERE id = ?))",
        (conversation,),
    )
    return [kinds.Forget(conversation, bytes(log), ((1, seq),)) for log, seq in rows]


def _cards_of(c: Connection, self_id: bytes, account: bytes) -> list[kinds.Forget]:
    """The entries of *self* that hold an account's statements and cards."""
    rows = c.execute(
        "SELECT log.id, entry.seq, entry.content FROM entry JOIN log ON log.n = entry.log WHERE entry.conversation ="
        " (SELECT n FROM conversation WHERE id = ?) AND entry.content IS NOT NULL",
        (self_id,),
    )
    found = []
    for log, seq, raw in rows:
        body = parse_body(decode(raw, Content, limits.ENTRY_MAX_BYTES))
        if isinstance(body, kinds.Card) and body.account == account:
            found.append(kinds.Forget(self_id, bytes(log), ((seq, seq),)))
    return found


def forget_contact(node: "Node", person: Person, more: list[Any]) -> "Deferred[None]":
    """Drop all that is known of a removed contact: its conversation, statements, cards and names.

    `more` is written in the same transaction.
    """
    c, self_id = node.store.reads, node.store.self_id
    bodies = [*ranges_of(c, person.conversation), *_cards_of(c, self_id, person.account)]
    return node.append_self([*bodies, *_nameless(c, person), *more], also=lambda c: _drop_rest(c, person))


def _nameless(c: Connection, person: Person) -> list[Any]:
    bodies: list[Any] = [
        msgspec.structs.replace(
            person.value, name="", remote_name="", introduced_by="", state="removed", owed=b"", dead=()
        )
    ]
    if people.register(c, "choice", person.account + b"name") is not None:
        bodies.append(kinds.Choice(person.account, "name", ""))
    return bodies


def _drop_rest(c: Connection, person: Person) -> None:
    """What is in no log."""
    c.execute(
        "DELETE FROM entry WHERE log = 0 AND conversation = (SELECT n FROM conversation WHERE id = ?)",
        (person.conversation,),
    )
    people.drop_account(c, person.account)


def finish_removals(node: "Node") -> None:
    """Removed contacts of whom something is left here: a crash came between, or another device of ours removed them.

    What this device alone had, because it was written or came while the devices were apart, is forgotten on all.
    """
    c = node.store.reads
    for person in sorted(node.book.people.values(), key=lambda person: person.account):
        if person.value.state != "removed":
            continue
        if _has_lines(c, person.conversation):
            forget_contact(node, person, []).addErrback(node.report)
        elif person.value.name or person.value.remote_name:
            node.append_self(_nameless(c, person), also=_dropping(person)).addErrback(node.report)
        elif people.devices_of(c, person.account) or people.statements_of(c, person.account):
            node.store.write(_dropping(person)).addErrback(node.report)


def _dropping(person: Person) -> Callable[[Connection], None]:
    return lambda c: _drop_rest(c, person)


def _has_lines(c: Connection, conversation: bytes) -> bool:
    row = c.execute(
        "SELECT 1 FROM entry WHERE conversation = (SELECT n FROM conversation WHERE id = ?) AND shown > 0"
        " AND content IS NOT NULL AND log != 0 LIMIT 1",
        (conversation,),
    ).fetchone()
    return row is not None
