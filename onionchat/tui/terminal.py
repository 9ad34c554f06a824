"""The terminal: urwid's screen and main loop on a Twisted reactor that others run.

It is given back as it was found, whatever ends the console: leaving, a signal, or the terminal going away.
"""

import base64
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

import urwid
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from onionchat.tui.backend import Options, RightToLeft
from onionchat.tui.canvas import reorder_right_to_left
from onionchat.tui.glyphs import Glyphs, glyphs_for
from onionchat.tui.keyboard import KeyReader, Paste
from onionchat.tui.render import one_line
from onionchat.tui.theme import colour_count, palette

DRAW_AFTER_SECONDS = 0.02  # changes of one moment are one picture
EXPLICIT_ORDER, IMPLICIT_ORDER = "\x1b[8l", "\x1b[8h"  # ECMA-48 BDSM: shall the terminal turn texts round, too?
TURNING_TERMINALS = ("KONSOLE_VERSION", "MLTERM")  # in the environment of those that turn texts, and know no BDSM
COPY_BYTES_MAX = 72 * 1024  # terminals drop longer OSC 52 sequences

_log = Logger()


def reorders_here(wanted: RightToLeft, environment: Mapping[str, str]) -> bool:
    """Whether we put what is written from right to left into the order of the screen. Most terminals do not."""
    if wanted == "auto":
        return not any(name in environment for name in TURNING_TERMINALS)
    return wanted == "reorder"


class TerminalScreen(urwid.display.raw.Screen):
    """urwid's screen, with Enter told from Ctrl-J, flow control and interrupt as keys, and an end when it is gone."""

    def __init__(self, colours: int, gone: Callable[[], None], explicit_order: bool) -> None:
        self._gone = gone
        self._explicit_order = explicit_order
        super().__init__(bracketed_paste_mode=True, focus_reporting=False)
        self.set_terminal_properties(colors=colours, bright_is_bold=False)  # type: ignore[arg-type]

    def _start(self, *arguments: Any, **named: Any) -> None:
        super()._start(*arguments, **named)
        with contextlib.suppress(OSError, ValueError):
            self.tty_signal_keys(intr="undefined", quit="undefined", start="undefined", stop="undefined")
            self._keep_carriage_returns()
        if self._explicit_order:
            self.write(EXPLICIT_ORDER)

    def _stop(self) -> None:
        if self._explicit_order:
            self.write(IMPLICIT_ORDER)
        super()._stop()

    @staticmethod
    def _keep_carriage_returns() -> None:
        import termios

        fd = sys.stdin.fileno()
        if os.isatty(fd):
            settings = termios.tcgetattr(fd)
            settings[0] &= ~termios.ICRNL
            termios.tcsetattr(fd, termios.TCSANOW, settings)

    def _detect_terminal_modes(self) -> None:
        """Asks the terminal nothing: an answer that comes late would be typed into the shell."""

    def get_available_raw_input(self) -> list[int]:
        """What was typed; nothing more when the terminal is gone."""
        try:
            return super().get_available_raw_input()
        except (OSError, RuntimeError):
            self._gone()
            return []

    def write(self, data: str) -> None:
        """Draws; a terminal that is gone takes nothing."""
        try:
            super().write(data)
        except (OSError, ValueError):
            self._gone()

    def flush(self) -> None:
        """As `write`."""
        try:
            super().flush()
        except (OSError, ValueError):
            self._gone()


class Terminal:
    """One full-screen session. `gone` is called once when the terminal disappears (or a hang-up comes)."""

    def __init__(self, reactor: Any, options: Options, gone: Callable[[], None]) -> None:
        self._reactor, self._options = reactor, options
        self._gone_callback = gone
        self._gone = False
        self._keys = KeyReader()
        self._loop: urwid.MainLoop | None = None
        self._screen: TerminalScreen | None = None
        self._draw_due: IDelayedCall | None = None
        self._paste: Callable[[Paste], None] = lambda paste: None
        self._old_hangup: Any = None
        self._trigger: Any = None
        self._titled = False

    @staticmethod
    def glyphs(options: Options) -> Glyphs:
        """The set that the terminal can draw."""
        return glyphs_for(options.ascii_only, os.environ)

    def start(self, widget: urwid.Widget, on_paste: Callable[[Paste], None]) -> None:
        """Takes the terminal."""
        glyphs = self.glyphs(self._options)
        urwid.set_encoding("utf8" if glyphs.unicode else "ascii")
        self._paste = on_paste
        reorders = glyphs.unicode and reorders_here(self._options.right_to_left, os.environ)
        reorder_right_to_left(reorders)
        self._screen = screen = TerminalScreen(colour_count(self._options.colours, os.environ), self._lost, reorders)
        screen.register_palette(palette(self._options.theme, self._options.styles))
        event_loop = urwid.TwistedEventLoop(self._reactor, manage_reactor=False)
        self._loop = urwid.MainLoop(
            widget,
            screen=screen,
            handle_mouse=self._options.mouse,
            event_loop=event_loop,
            input_filter=self._filter,
        )
        self._old_hangup = signal.signal(signal.SIGHUP, self._hung_up)
        self._trigger = self._reactor.addSystemEventTrigger("before", "shutdown", self.stop)
        self._loop.start()

    def stop(self) -> None:
        """Clears it and gives it back."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        if self._draw_due is not None and self._draw_due.active():
            self._draw_due.cancel()
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            loop.stop()
        with contextlib.suppress(Exception):
            self._reactor.removeSystemEventTrigger(self._trigger)
        if self._old_hangup is not None:
            signal.signal(signal.SIGHUP, self._old_hangup)

    def draw_soon(self) -> None:
        """Draws in a moment, once for all that want it until then."""
        if self._loop is not None and (self._draw_due is None or not self._draw_due.active()):
            self._draw_due = self._reactor.callLater(DRAW_AFTER_SECONDS, self._draw)

    def _draw(self) -> None:
        if self._loop is not None and self._screen is not None and self._screen.started:
            with self._fault_logged():
                self._loop.draw_screen()

    @contextlib.contextmanager
    def _fault_logged(self) -> Iterator[None]:
        """A fault of ours goes to the log, by kind and place alone: a traceback must not hit the screen."""
        try:
            yield
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{os.path.basename(frame.filename)}:{frame.lineno}"
            _log.error("console: {kind} at {place}", kind=type(error).__name__, place=place)

    def wipe(self) -> None:
        """Nothing of the old picture stays, at once."""
        if self._loop is not None and self._screen is not None and self._screen.started:
            self._screen.clear()
            self._loop.draw_screen()

    def copy(self, text: str) -> None:
        """To the terminal's clipboard (OSC 52)."""
        if self._screen is not None and self._screen.started:
            code = base64.b64encode(text.encode()[:COPY_BYTES_MAX]).decode("ascii")
            self._say(f"\x1b]52;c;{code}\x07")

    def ring(self) -> None:
        """The terminal's bell."""
        self._say("\x07")

    def name_window(self, title: str) -> None:
        """The terminal's title; with none, the one it had before comes back (where the terminal keeps it)."""
        if title and not self._titled:
            self._say("\x1b[22;2t")
            self._titled = True
        if title:
            self._say(f"\x1b]2;{one_line(title)}\x07")
        elif self._titled:
            self._titled = False
            self._say("\x1b]2;\x07\x1b[23;2t")

    def _say(self, sequence: str) -> None:
        if self._screen is not None and self._screen.started:
            self._screen.write(sequence)
            self._screen.flush()

    def _filter(self, keys: Any, raw: Any) -> Any:
        """All keys go through the reader; pastes go their own way, in their order."""
        loop = self._loop
        if loop is None:
            return []
        for key in self._keys.read(keys, raw):
            with self._fault_logged():
                if isinstance(key, Paste):
                    self._paste(key)
                else:
                    loop.process_input([key])
            if self._loop is None:
                return []
        if "window resize" in keys:
            loop.screen_size = None
        self._draw()  # now: urwid's own drawing waits for four milliseconds
        return []

    def _hung_up(self, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self._lost)

    def _lost(self) -> None:
        if not self._gone:
            self._gone = True
            self._reactor.callLater(0, self._gone_callback)
