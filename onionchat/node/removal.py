"""Forgetting a contact's conversation, for good. Our own log's head stays: a number is never given twice."""

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
    nameless = msgspec.structs.replace(
        person.value, name="", remote_name="", introduced_by="", state="removed", owed=b""
    )
    bodies = [*ranges_of(c, person.conversation), *_cards_of(c, self_id, person.account), nameless, *more]
    conversation = person.conversation

    def notices(c: Connection) -> None:
        c.execute(
            "DELETE FROM entry WHERE log = 0 AND conversation = (SELECT n FROM conversation WHERE id = ?)",
            (conversation,),
        )
        people.drop_account(c, person.account)

    return node.append_self(bodies, also=notices)


def resume_removals(node: "Node") -> None:
    """At start: what a crash cut off between a contact's removal and forgetting what was said."""
    for person in list(node.book.people.values()):
        if person.value.state == "removed" and _has_lines(node.store.reads, person.conversation):
            forget_contact(node, person, []).addErrback(node.report)


def _has_lines(c: Connection, conversation: bytes) -> bool:
    row = c.execute(
        "SELECT 1 FROM entry WHERE conversation = (SELECT n FROM conversation WHERE id = ?) AND shown > 0"
        " AND content IS NOT NULL LIMIT 1",
        (conversation,),
    ).fetchone()
    return row is not None
