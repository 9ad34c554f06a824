"""What a node does every few seconds: what expires, what is late, who may write again."""

from typing import TYPE_CHECKING, Any

from onionchat.ids import ConversationId
from onionchat.node import forgetting
from onionchat.node.events import ConversationChanged
from onionchat.store.db import DatabaseError, explain

if TYPE_CHECKING:
    from onionchat.node.node import Node

CHORES_SECONDS = 5.0


class Chores:
    """See the module."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._call: Any = None
        self._over_quota: set[ConversationId] = set()

    def start(self) -> None:
        """From now on, every few seconds."""
        self._call = self._node.reactor.callLater(CHORES_SECONDS, self._do)

    def stop(self) -> None:
        """No more."""
        if self._call is not None and self._call.active():
            self._call.cancel()

    def _do(self) -> None:
        """Every few seconds: what expires, what is late."""
        self._call = self._node.reactor.callLater(CHORES_SECONDS, self._do)
        try:
            self._do_now()
        except DatabaseError as error:
            self._node.warn(str(explain(error)))

    def _do_now(self) -> None:
        now_ms = self._node.now_ms()
        if self._has_expired(now_ms):
            self._node.through_gate(lambda c, gate: gate.expire(c, now_ms)).addCallbacks(
                self._expired, self._node.report
            )
        self._node.deliveries.flush().addErrback(self._node.report)
        forgetting.tidy(self._node)
        self._allow_more()
        self._node.peers.tidy()
        self._node.services.drop_old()
        self._node.untrusting.look()
        if any(i.state == "open" and 0 < i.expires_ms <= now_ms for i in self._node.book.invitations.values()):
            self._node.services.expire()

    async def wipe_expired(self) -> None:
        """What disappeared while the program was off or locked goes before anybody can look at it."""
        now_ms = self._node.now_ms()
        gone = False
        while self._node.is_unlocked and self._has_expired(now_ms):
            await self._node.through_gate(lambda c, gate: gate.expire(c, now_ms))
            gone = True
        if gone:
            self._node.empty_write_ahead_log()

    def _has_expired(self, now_ms: int) -> bool:
        row = self._node.store.reads.execute("SELECT 1 FROM entry WHERE expires <= ? LIMIT 1", (now_ms,)).fetchone()
        return row is not None

    def _expired(self, conversations: set[bytes]) -> None:
        for conversation in conversations:
            self._node.emit(ConversationChanged(ConversationId(conversation)))
        self._node.empty_write_ahead_log()

    def quota_reached(self, conversation: ConversationId) -> None:
        """A contact has written all that it may for now: tell the user once, look again now and then."""
        if conversation not in self._over_quota:
            self._over_quota.add(conversation)
            self._node.noticed(conversation, "this contact has used up its room here for now; `quota` gives it more")

    def _allow_more(self) -> None:
        now = float(self._node.reactor.seconds())
        for conversation in list(self._over_quota):
            budget = self._node.budget(conversation)
            if budget:
                self._over_quota.discard(conversation)
                self._node.syncing.each(conversation, lambda session, more=budget: session.allow(more, now))  # type: ignore[misc]
