"""What the console knows at the moment, and how it asks again: as seldom as possible, never twice at once."""

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from onionchat.api import types as t

SETTLE_SECONDS = 0.05  # events of one burst are answered by one question
BETWEEN_SECONDS = 0.15  # from one question to the next while events go on and on
STATUS_BETWEEN_SECONDS = 0.5  # of the status line: nobody reads it faster


class Asked:
    """Something that is asked for again when it may have changed: at most one question is under way."""

    def __init__(
        self,
        reactor: IReactorTime,
        ask: Callable[[], Awaitable[None]],
        run: Callable[[Any], None],
        between_seconds: float = BETWEEN_SECONDS,
    ) -> None:
        self._reactor, self._ask, self._run, self._between = reactor, ask, run, between_seconds
        self._asked: float | None = None  # when
        self._wanted: IDelayedCall | None = None
        self._busy = False
        self._again = False

    def soon(self) -> None:
        """Asks in a moment, once for all that want it until then."""
        if self._busy:
            self._again = True
        elif self._wanted is None:
            since = None if self._asked is None else self._reactor.seconds() - self._asked
            pause = 0.0 if since is None else self._between - since
            self._wanted = self._reactor.callLater(max(SETTLE_SECONDS, pause), self._begin)

    def _begin(self) -> None:
        self._wanted = None
        self._busy = True
        self._asked = self._reactor.seconds()
        self._run(self._go())

    async def _go(self) -> None:
        try:
            await self._ask()
        finally:
            self._busy = False
            if self._again:
                self._again = False
                self.soon()

    def cancel(self) -> None:
        """No more questions from before."""
        if self._wanted is not None:
            self._wanted.cancel()
            self._wanted = None
        self._again = False


class Model:
    """Status, conversations, requests. `run` takes coroutines; `changed` is called after every answer."""

    def __init__(
        self,
        call: Callable[[str, t.Params], "Deferred[Any]"],
        reactor: IReactorTime,
        run: Callable[[Any], None],
        changed: Callable[[], None],
    ) -> None:
        self._call, self._changed = call, changed
        self.status: t.Status | None = None
        self.conversations: list[t.Conversation] = []
        self.requests: list[t.ContactRequest] = []
        self._status = Asked(reactor, self._ask_status, run, STATUS_BETWEEN_SECONDS)
        self._conversations = Asked(reactor, self._ask_conversations, run)
        self._requests = Asked(reactor, self._ask_requests, run)

    def refresh(self) -> None:
        """Everything."""
        for asked in (self._status, self._conversations, self._requests):
            asked.soon()

    def on_event(self, event: t.Event) -> None:
        """Asks again for what the event may have changed."""
        if event.event in ("tor", "online", "offline", "delivered", "message", "device", "request", "changed"):
            self._status.soon()
        if event.event in ("message", "online", "offline", "trust", "device", "changed", "request"):
            self._conversations.soon()
        if event.event == "request":
            self._requests.soon()

    def forget(self) -> None:
        """For the lock: nothing is known any more."""
        for asked in (self._status, self._conversations, self._requests):
            asked.cancel()
        self.conversations, self.requests = [], []

    def conversation(self, name: str | None) -> t.Conversation | None:
        """By name."""
        return next((c for c in self.conversations if c.name == name), None)

    @property
    def incoming(self) -> list[t.ContactRequest]:
        """Requests that wait for an answer."""
        return [r for r in self.requests if r.direction == "incoming" and r.state == "waiting"]

    def next_unread(self, after: str | None) -> str | None:
        """The next conversation with something unread, round the list."""
        names = [c.name for c in self.conversations]
        start = names.index(after) + 1 if after in names else 0
        for conversation in [*self.conversations[start:], *self.conversations[:start]]:
            if conversation.unread and not conversation.blocked and conversation.name != after:
                return conversation.name
        return None

    async def _ask_status(self) -> None:
        self.status = await self._call("status.get", t.Nothing())
        self._changed()

    async def _ask_conversations(self) -> None:
        found: list[t.Conversation] = await self._call("conversation.list", t.Nothing())
        self.conversations = found
        self._changed()

    async def _ask_requests(self) -> None:
        self.requests = await self._call("request.list", t.Nothing())
        self._changed()
