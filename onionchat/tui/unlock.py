"""The passphrase at the start: the lock screen alone, before there is a backend."""

import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from onionchat.errors import OnionchatError
from onionchat.tui.backend import Backend, Options, Unlock
from onionchat.tui.render import Look, one_line, zone_of
from onionchat.tui.screens.curtain import LockScreen
from onionchat.tui.stage import Stage
from onionchat.tui.terminal import Terminal


def run(unlock: Unlock, reactor: Any, options: Options | None = None) -> "Deferred[Backend | None]":
    """Asks until the passphrase is right. Fires with what `unlock` gave, or None when the user left."""
    options = options or Options()
    done: Deferred[Backend | None] = Deferred()
    glyphs = Terminal.glyphs(options)

    def finish(backend: Backend | None) -> None:
        terminal.stop()
        if not done.called:
            done.callback(backend)

    def look() -> Look:
        return Look(glyphs, zone_of(options.utc_offset_seconds), int(time.time() * 1000))

    def tried(passphrase: str) -> None:
        unlock(passphrase).addCallbacks(finish, refused)

    def refused(failure: Failure) -> None:
        error = failure.value
        known = isinstance(error, OnionchatError)
        screen.say(one_line(str(error)) if known else f"It cannot be opened ({type(error).__name__}): onionchat doctor")
        terminal.draw_soon()

    screen = LockScreen(look, tried, lambda: finish(None))
    stage = Stage(screen, lambda key: False, lambda columns: [])
    stage.curtain = screen
    terminal = Terminal(reactor, options, gone=lambda: finish(None))
    terminal.start(stage, lambda paste: screen.paste(paste.text))
    return done
