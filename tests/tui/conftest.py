"""The console without a terminal: keys go in, the text of the canvas comes out."""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urwid
from twisted.internet.task import Clock

from onionchat.testing.fakeservice import FakeService
from onionchat.testing.fakeworld import START_MS
from onionchat.tui.app import Console
from onionchat.tui.backend import Options
from onionchat.tui.glyphs import ASCII, UNICODE
from onionchat.tui.render import Look, zone_of

JOINERS = "\u200d\ufe0f"


def is_hostile(character: str) -> bool:
    """What must never reach a terminal, wherever it came from."""
    category = unicodedata.category(character)
    return character not in JOINERS and category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


class Trial:
    """A console on a made-up node, with a clock that only moves when told."""

    def __init__(
        self, service: FakeService | None, columns: int, rows: int, ascii_only: bool, options: Options
    ) -> None:
        self.clock = Clock()
        self.size = (columns, rows)
        self.copied: list[str] = []
        self.left = 0
        self.wiped = 0
        self.service = service or FakeService(self.now)
        self.service._now = self.now
        self.console = Console(self.service, self.clock, options, ASCII if ascii_only else UNICODE, self.now)
        self.console.copy = self.copied.append
        self.console.leave = self._leave
        self.console.wipe_screen = self._wipe
        self.console.start()
        self.settle()

    def now(self) -> float:
        return START_MS / 1000 + self.clock.seconds()

    def _leave(self) -> None:
        self.left += 1

    def _wipe(self) -> None:
        self.wiped += 1

    def settle(self, seconds: float = 0.2) -> None:
        """Lets what was asked for be answered."""
        for _ in range(4):
            self.render()
            self.clock.advance(seconds / 4)

    def press(self, *names: str) -> "Trial":
        """Keys by urwid's names; a name of several letters that is no key is typed."""
        for name in names:
            known = len(name) == 1 or " " in name or name in KEYS
            for key in [name] if known else list(name):
                self.console.stage.keypress(self.size, key)
        self.settle()
        return self

    def type(self, text: str) -> "Trial":
        """Letter by letter."""
        for letter in text:
            self.console.stage.keypress(self.size, letter)
        self.settle()
        return self

    def render(self) -> urwid.Canvas:
        return self.console.stage.render(self.size, True)

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return [bytes(line).decode().rstrip() for line in self.render().text]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def log(self) -> str:
        """What is right of the list, at 80 columns."""
        return "\n".join(line[25:] for line in self.lines)

    @property
    def cursor(self) -> tuple[int, int] | None:
        return self.render().cursor

    def asked(self, name: str) -> list[Any]:
        """The parameters of every call of a method."""
        return [params for called, params in self.service.calls if called == name]


KEYS = {"enter", "newline", "tab", "esc", "up", "down", "left", "right", "home", "end", "backspace", "delete"} | {
    f"f{number}" for number in range(1, 13)
}


@pytest.fixture(autouse=True)
def _utf8() -> Iterator[None]:
    urwid.set_encoding("utf8")
    yield
    urwid.set_encoding("utf8")


@pytest.fixture
def open_console() -> Iterator[Callable[..., Trial]]:
    """Makes consoles; what they left undone ends with the test."""
    made: list[Trial] = []

    def make(
        columns: int = 80, rows: int = 24, service: FakeService | None = None, ascii_only: bool = False, **options: Any
    ) -> Trial:
        trial = Trial(service, columns, rows, ascii_only, Options(utc_offset_seconds=0, **options))
        made.append(trial)
        return trial

    yield make
    for trial in made:
        trial.console.stop()


@pytest.fixture
def look() -> Look:
    """Unicode, UTC, Friday 20 November 2026, 21:41."""
    return Look(UNICODE, zone_of(0), START_MS)


@pytest.fixture
def hostile() -> Callable[[str], list[str]]:
    """The characters of a text that must not reach a terminal (newlines apart)."""
    return lambda text: [character for character in text if character != "\n" and is_hostile(character)]


@pytest.fixture
def plain() -> Callable[[list[Any]], list[str]]:
    """Lines without their styles."""
    return lambda lines: ["".join(text for _, text in line).rstrip() for line in lines]
