"""Runs the console on a backend: full screen, or plain lines where there is no terminal for it."""

import gc
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from onionchat.tui import plain
from onionchat.tui.app import Console
from onionchat.tui.backend import Backend, Options, Outside
from onionchat.tui.terminal import Terminal

FREEZE_AFTER_SECONDS = 2.0


def _freeze() -> None:
    """What has been made until now stays: the collector need not look through it again while somebody types."""
    gc.collect()
    gc.freeze()


def wants_plain(options: Options) -> bool:
    """Whether lines are all there is room for: asked for, a dumb terminal, or none at all."""
    dumb = os.environ.get("TERM", "") in ("", "dumb")
    return options.plain or dumb or not (sys.stdin.isatty() and sys.stdout.isatty())


def run(
    backend: Backend,
    reactor: Any,
    options: Options | None = None,
    now: Callable[[], float] = time.time,
    outside: Outside | None = None,
    until: "Deferred[None] | None" = None,
) -> "Deferred[None]":
    """The console. Fires when the user leaves or the terminal is gone; the backend is not stopped.

    `now`: seconds since 1970. `until`: when it fires the console is left as by the user; what is being written is kept.
    """
    options = options or Options()
    if wants_plain(options):
        return plain.run(backend, reactor, options, outside, until)
    left: Deferred[None] = Deferred()
    console = Console(backend, reactor, options, Terminal.glyphs(options), now, outside)
    terminal = Terminal(reactor, options, gone=console.quit)

    def leave() -> None:
        terminal.stop()
        if not left.called:
            left.callback(None)

    console.draw = terminal.draw_soon
    console.copy = terminal.copy
    console.wipe_screen = terminal.wipe
    console.ring, console.name_window = terminal.ring, terminal.name_window
    console.leave = leave
    terminal.start(console.stage, console.paste)
    if until is not None:
        until.addCallback(lambda _: console.quit())
    reactor.callLater(0, console.start)
    reactor.callLater(FREEZE_AFTER_SECONDS, _freeze)
    return left
