"""Calling for attention, without saying who or what: the bell and the title; and the lock when nobody is there."""

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall

from onionchat.api import types as t
from onionchat.errors import UsageError
from onionchat.tui.words import parse_seconds

if TYPE_CHECKING:
    from onionchat.tui.app import Console

LOCK_AFTER = "lock-after"  # settings of the account, shared by all its devices
NOTIFY = "notify"
NOTIFY_VALUES = ("both", "bell", "title", "none")
LOCK_VALUES = ("never", "5m", "15m", "1h", "4h")
RING_EVERY_SECONDS = 5.0  # a burst of messages rings once
LOCK_SECONDS_MIN = 30


class Attention:
    """Rings, names the window, locks when idle. What `console.toml` says is put in by the options."""

    def __init__(self, console: "Console") -> None:
        options = console.options
        self._console = console
        self._bell, self._title = options.bell, options.title
        self._lock_after = options.lock_after_seconds
        self._lock_due: IDelayedCall | None = None
        self._last_key = console.reactor.seconds()
        self._rang: float | None = None
        self._shown = ""
        self._watch()

    # --- settings ---
    async def ask_settings(self) -> None:
        """What the account has set; the file of this machine counts more."""
        lock: t.SettingValue = await self._console.call("setting.get", t.Setting(key=LOCK_AFTER))
        notify: t.SettingValue = await self._console.call("setting.get", t.Setting(key=NOTIFY))
        self.use(LOCK_AFTER, lock.value or "never")
        self.use(NOTIFY, notify.value or "both")

    def use(self, key: str, value: str) -> None:
        """A setting has this value now; a value that makes no sense changes nothing."""
        options = self._console.options
        if key == NOTIFY and value in NOTIFY_VALUES:
            self._bell = options.bell and value in ("both", "bell")
            self._title = options.title and value in ("both", "title")
            self.show_unread()
        elif key == LOCK_AFTER and options.lock_after_seconds is None:
            try:
                self._lock_after = None if value == "never" else max(parse_seconds(value), LOCK_SECONDS_MIN)
            except UsageError:
                return
            self._watch()

    # --- idle ---
    def key_pressed(self) -> None:
        """Somebody is there."""
        self._last_key = self._console.reactor.seconds()

    def unlocked(self) -> None:
        """Whoever typed the passphrase is there."""
        self.key_pressed()
        self._watch()

    def _watch(self) -> None:
        """One timer for the whole wait, not one a key."""
        self._cancel()
        if self._lock_after is not None and not self._console.locked:
            idle = self._console.reactor.seconds() - self._last_key
            self._lock_due = self._console.reactor.callLater(max(self._lock_after - idle, 0.0), self._idle)

    def _idle(self) -> None:
        self._lock_due = None
        if self._console.locked or self._lock_after is None:
            return
        if self._console.reactor.seconds() - self._last_key >= self._lock_after:
            self._console.lock()
        else:
            self._watch()

    # --- bell and title ---
    def on_event(self, event: t.Event) -> None:
        """A message or a request that is not being looked at rings."""
        conversation = self._console.conversation
        from_other = event.event == "message" and event.sender != "me" and event.kind != "notice"
        seen = event.conversation == conversation.name and conversation.attentive and conversation.view.following
        asked = event.event == "request" and event.direction == "incoming"
        if asked or (from_other and not seen):
            self._ring()

    def _ring(self) -> None:
        now = self._console.reactor.seconds()
        if (
            self._bell
            and self._console.stage.curtain is None
            and (self._rang is None or now - self._rang >= RING_EVERY_SECONDS)
        ):
            self._rang = now
            self._console.ring()

    def show_unread(self) -> None:
        """The title: a number, no names."""
        unread = sum(c.unread for c in self._console.model.conversations if not c.blocked)
        quiet = not self._title or self._console.locked or self._console.stage.curtain is not None
        self._name("" if quiet else f"({unread}) onionchat" if unread else "onionchat")

    def _name(self, title: str) -> None:
        if title != self._shown:
            self._shown = title
            self._console.name_window(title)

    def hushed(self) -> None:
        """Locked or hidden: the title says nothing, and nobody waits to lock."""
        self._name("")
        self._watch()

    def _cancel(self) -> None:
        if self._lock_due is not None and self._lock_due.active():
            self._lock_due.cancel()
        self._lock_due = None

    def stop(self) -> None:
        """No timers after this, and no title."""
        self._cancel()
        self._name("")
