"""The conversation that is open: its pages, its place, what of it was read."""

from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from onionchat.api import types as t
from onionchat.errors import OnionchatError
from onionchat.tui.logview import LogView
from onionchat.tui.model import Asked
from onionchat.tui.render import Look
from onionchat.tui.window import PAGE, WINDOW_MAX, Window, rows

FOLLOWED_MAX = 200  # messages kept while the end is followed
ATTENTIVE_SECONDS = 60.0  # without a key for so long, nobody is taken to be reading

Call = Callable[[str, t.Params], "Deferred[Any]"]
Run = Callable[[Any], None]


class OpenConversation:
    """One conversation on the screen. `changed` is called when something is to be drawn."""

    def __init__(
        self, call: Call, reactor: IReactorTime, run: Run, look: Callable[[], Look], changed: Callable[[], None]
    ) -> None:
        self._call, self._reactor, self._run, self._look, self._changed = call, reactor, run, look, changed
        self.name: str | None = None
        self.window = Window()
        self.view = LogView(look, lambda: self._near("before"), lambda: self._near("after"))
        self._again = Asked(reactor, self._ask_again, run)
        self._paging = False
        self._places: dict[str, str] = {}  # conversations that were left in the middle, and the message there
        self._last_key = reactor.seconds()

    # --- opening ---
    def open(self, name: str, unread: int) -> None:
        """Shows a conversation where it was left; where something came since, or at its end, that."""
        self._keep_place()
        place = None if unread else self._places.pop(name, None)
        self._clear()
        self.name = name
        self._run(self._open(name, unread) if place is None else self._open_at(name, place))

    def _keep_place(self) -> None:
        place = self._place()
        if self.name is None:
            return
        if self.view.following or place is None:
            self._places.pop(self.name, None)
        else:
            self._places[self.name] = place

    async def _open_at(self, name: str, place: str) -> None:
        try:
            page = await self._call("message.log", t.MessageLog(name=name, around=place, limit=PAGE))
        except OnionchatError:  # it was forgotten meanwhile
            await self._open(name, 0)
            return
        if self.name != name:
            return
        self.view.following = False
        self.window.show_around(page)
        self._draw()
        self.view.go_to(f"message {place}")
        await self._call("conversation.opened", t.ConversationOpened(name=name))

    async def _open(self, name: str, unread: int) -> None:
        limit = min(max(PAGE, unread + PAGE // 2), WINDOW_MAX)
        page: list[t.Message] = await self._call("message.log", t.MessageLog(name=name, limit=limit))
        if self.name != name:
            return
        self.window.show_last(page, limit)
        self.window.mark_new()
        self._draw()
        if self.window.new_from is not None and self.view.go_to("new", "top"):
            self.view.following = self.view.at_end()
        self._read_when_seen()
        await self._call("conversation.opened", t.ConversationOpened(name=name))

    def go_to(self, name: str, message_id: str) -> None:
        """Shows the place of a message."""
        if self.name != name:
            self._keep_place()
            self._clear()
            self.name = name
        self._run(self._go_to(name, message_id))

    async def _go_to(self, name: str, message_id: str) -> None:
        if self.window.find(message_id) is None:
            page = await self._call("message.log", t.MessageLog(name=name, around=message_id, limit=PAGE))
            if self.name != name:
                return
            self.view.following = False
            self.window.show_around(page)
            self._draw()
        self.view.go_to(f"message {message_id}")
        self.view.choose_here(f"message {message_id}")
        self._changed()

    def go_start(self) -> None:
        """To the oldest message."""
        self._run(self._go_start())

    async def _go_start(self) -> None:
        name = self.name
        if name is None:
            return
        if not self.window.at_start:
            first: list[t.Message] = await self._call("message.log", t.MessageLog(name=name, since=0, limit=1))
            if not first or self.name != name:
                return
            page = await self._call("message.log", t.MessageLog(name=name, around=first[0].id, limit=PAGE))
            if not page or self.name != name:
                return
            older = await self._call("message.log", t.MessageLog(name=name, before=page[0].id, limit=PAGE))
            self.view.following = False
            self.window.show_around(page)
            self.window.add_older(older, PAGE)
            self._draw()
        if self.view.walker.keys:
            self.view.go_to(self.view.walker.keys[0], "top")
        self._changed()

    def go_end(self) -> None:
        """To the newest message."""
        self.view.following = True
        if self.window.at_end:
            self.view.go_end()
            self._changed()
        else:
            self._again.soon()

    def forget(self) -> None:
        """Nothing of it stays in memory."""
        self._places.clear()
        self._clear()

    def _clear(self) -> None:
        self._again.cancel()
        self.name = None
        self.window = Window()
        self.view.following = True
        self.view.show([], [])

    # --- pages ---
    def _near(self, direction: str) -> None:
        at_limit = self.window.at_start if direction == "before" else self.window.at_end
        if not at_limit and not self._paging and self.name is not None and self.window.messages:
            self._paging = True
            self._reactor.callLater(0, lambda: self._run(self._page(direction)))

    async def _page(self, direction: str) -> None:
        try:
            name, window = self.name, self.window
            if name is None or not window.messages:
                return
            older = direction == "before"
            edge = window.messages[0 if older else -1].id
            before, after = (edge, None) if older else (None, edge)
            params = t.MessageLog(name=name, limit=PAGE, before=before, after=after)
            page: list[t.Message] = await self._call("message.log", params)
            if self.window is window:
                (window.add_older if older else window.add_newer)(page, PAGE)
                self._draw()
        finally:
            self._paging = False

    # --- changes ---
    def on_event(self, event: t.Event) -> None:
        """Asks again when this conversation may look different now."""
        if self.name is not None and event.event in ("message", "delivered", "changed", "online", "trust"):
            about = event.conversation
            if about is msgspec.UNSET or about == self.name:
                self._again.soon()

    def refresh(self) -> None:
        """Asks again."""
        if self.name is not None:
            self._again.soon()

    async def _ask_again(self) -> None:
        name, window = self.name, self.window
        if name is None:
            return
        held = len(window.messages)
        if self.view.following or window.at_end:
            limit = max(PAGE, min(held, FOLLOWED_MAX)) if self.view.following else min(held + PAGE // 2, WINDOW_MAX)
            page: list[t.Message] = await self._call("message.log", t.MessageLog(name=name, limit=limit))
            place = self._place()
            if self.window is window and (self.view.following or place is None or any(m.id == place for m in page)):
                window.show_last(page, limit)
                self._drawn_again()
                return
        middle = self._place() or (window.messages[held // 2].id if held else None)
        if middle is not None:
            page = await self._call("message.log", t.MessageLog(name=name, around=middle, limit=max(PAGE, held)))
            if self.window is window:
                window.show_around(page)
                self._drawn_again()

    def _place(self) -> str | None:
        """The message that is being looked at."""
        key = self.view.walker.focus
        return key.removeprefix("message ") if key is not None and key.startswith("message ") else None

    def _drawn_again(self) -> None:
        if self.window.new_from is None and not (self.view.following and self.attentive):
            self.window.mark_new()
        self._draw()
        self._read_when_seen()

    def _draw(self) -> None:
        self.view.show(rows(self.window, self._look()), self.window.messages)
        self._changed()

    # --- reading ---
    @property
    def attentive(self) -> bool:
        """Whether a key was pressed lately."""
        return self._reactor.seconds() - self._last_key < ATTENTIVE_SECONDS

    def key_pressed(self) -> None:
        """Somebody is there."""
        self._last_key = self._reactor.seconds()
        self._read_when_seen()

    def sent(self) -> None:
        """After an own message the new line has done its work, and the end is what is wanted."""
        self.window.new_from = None
        self.go_end()

    def _read_when_seen(self) -> None:
        messages = self.window.messages
        if self.name is None or not (self.view.following and self.attentive and self.window.at_end):
            return
        if any(message.unread for message in messages[-FOLLOWED_MAX:]):
            for message in messages:
                message.unread = False  # asked for once; the answer to the next question says how it is
            self._run(self._read(self.name))

    async def _read(self, name: str) -> None:
        await self._call("message.read", t.ReadMark(name=name))
