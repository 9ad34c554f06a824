"""Forgetting a contact's conversation, for good. Our own log's head stays: a number is never given twice."""

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

from onionchat.kinds import account as kinds
from onionchat.node.book import Person
from onionchat.store.db import Connection
from onionchat.store.rows import logs_of

if TYPE_CHECKING:
    from onionchat.node.node import Node


def ranges_of(c: Connection, conversation: bytes) -> list[kinds.Forget]:
    """What has to be forgotten: every log of the conversation, from its first to its newest entry."""
    return [
        kinds.Forget(conversation, row.head.log, ((1, row.head.seq),))
        for row in logs_of(c, conversation)
        if row.head.seq
    ]


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
