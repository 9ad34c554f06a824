"""Wiping the profile in a hurry: one key hides the screen and asks, another one does it."""

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall

from onionchat.api import types as t
from onionchat.errors import OnionchatError
from onionchat.tui.keys import key_shown
from onionchat.tui.render import one_line
from onionchat.tui.screens.curtain import HiddenScreen, LockScreen, WipeScreen

if TYPE_CHECKING:
    import urwid

    from onionchat.tui.app import Console

BETWEEN_SECONDS = 0.3  # a second key that comes sooner was not meant: keys that are held, a paste without marks
ASKED_SECONDS = 15.0  # then what was there before comes back


class Panic:
    """The two steps. It works where the console is locked or hidden, too: no passphrase is asked for."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._curtain: WipeScreen | None = None
        self._before: urwid.Widget | None = None
        self._asked_at = 0.0
        self.busy = False
        self._due: IDelayedCall | None = None

    def ask(self) -> None:
        """The first key: nothing is to be seen any more, and a question stands there."""
        console = self._console
        if self._curtain is not None and console.stage.curtain is self._curtain:
            return
        names = next((row.names for row in console.keymap.rows if row.action == "wipe"), ())
        if not names:
            console.say("No key does the second step: console.toml took it away. /wipe asks, too.")
            return
        self._before, self._asked_at = console.stage.curtain, console.reactor.seconds()
        self._curtain = WipeScreen(console.look, key_shown(names[0]), self._key)
        self._show(self._curtain)
        self._due = console.reactor.callLater(ASKED_SECONDS, self._back)

    def _show(self, curtain: "urwid.Widget | None") -> None:
        console = self._console
        console.stage.curtain = curtain
        if curtain is None:
            console.attention.show_unread()
        else:
            console.attention.hushed()
        console.wipe_screen()
        console.redraw()

    def _key(self, key: str) -> None:
        if self.busy:
            return
        if self._console.keymap.action_for("wiping", key) != "wipe":
            self._back()
        elif self._console.reactor.seconds() - self._asked_at >= BETWEEN_SECONDS:
            self._console.actions.wipe()

    def _back(self) -> None:
        self._cancel()
        curtain, self._curtain = self._curtain, None
        if curtain is not None and self._console.stage.curtain is curtain:
            self._show(self._what_was_before())

    def _what_was_before(self) -> "urwid.Widget | None":
        """Not a lock that is no longer one, and not what was seen before it was locked meanwhile."""
        before, self._before = self._before, None
        if isinstance(before, HiddenScreen) or isinstance(before, LockScreen) == self._console.locked:
            return before
        return self._console.lock_screen() if self._console.locked else None

    def wipe(self) -> None:
        """The second key, or `/wipe` after its question: at once, and out."""
        self._cancel()
        self.busy = True
        if self._curtain is None:
            self._before = self._console.stage.curtain
            self._curtain = WipeScreen(self._console.look, "", self._key)
        self._curtain.say("Wiping …")
        self._show(self._curtain)
        self._console.do(self._wipe())

    async def _wipe(self) -> None:
        try:
            await self._console.call("profile.wipe", t.ProfileWipe(sure="wipe"))
        except OnionchatError as error:
            self.busy = False
            if self._curtain is not None:
                self._curtain.say(f"{one_line(str(error))} Any key goes back.", "danger")
            self._console.redraw()
            return
        self._console.wiped()

    def _cancel(self) -> None:
        if self._due is not None and self._due.active():
            self._due.cancel()
        self._due = None

    def stop(self) -> None:
        """No timers after this."""
        self._cancel()
