"""Forgetting a contact's conversation, for good. Our own log's head stays: a number is never given twice."""

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from onionchat.kinds import account as kinds
from onionchat.node.book import Person
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


def forget_contact(node: "Node", person: Person, more: list[Any]) -> "Deferred[None]":
    """Drop all bodies, and the notices, of a removed contact's conversation; write `more` in the same transaction."""
    bodies = [*ranges_of(node.store.reads, person.conversation), *more]
    conversation = person.conversation

    def notices(c: Connection) -> None:
        c.execute(
            "DELETE FROM entry WHERE log = 0 AND conversation = (SELECT n FROM conversation WHERE id = ?)",
            (conversation,),
        )

    return node.append_self(bodies, also=notices)
