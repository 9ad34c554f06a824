"""What a `/` command may ask of the console it is typed into: the full screen or the plain lines."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from twisted.internet.defer import Deferred

from onionchat.api import types as t
from onionchat.tui.render import Line, Look

ScreenName = Literal[
    "help",
    "compare",
    "requests",
    "connection",
    "jump",
    "search",
    "settings",
    "export",
    "passwd",
    "devices",
    "link",
    "untrust",
]


class Desk(Protocol):
    """The console, as the commands see it."""

    @property
    def current(self) -> str | None:
        """The conversation that is open."""

    def look(self) -> Look:
        """How lines are made now."""

    def call(self, name: str, params: t.Params) -> "Deferred[Any]":
        """A method of the local API."""

    def run(self, arguments: Sequence[str]) -> "Deferred[str]":
        """What a command of the command line prints on this profile."""

    def say(self, text: str) -> None:
        """One calm line."""

    def show_lines(self, title: str, make: Callable[[int], list[Line]]) -> None:
        """Some lines with a title, made for a width."""

    def show_invitation(self, invitation: t.Invitation) -> None:
        """A link with its QR code."""

    def open_screen(self, name: ScreenName, argument: str = "") -> None:
        """One of the screens."""

    def open_conversation(self, name: str) -> None:
        """Shows a conversation."""

    def ask(self, question: str, answers: Sequence[tuple[str, Callable[[], None]]]) -> None:
        """A question with answers; the last one is `no`."""

    def do(self, work: Any) -> None:
        """Runs a coroutine; what goes wrong becomes a calm line."""

    def lock(self) -> None:
        """Locks."""

    def wipe(self) -> None:
        """Destroys the profile at once, and leaves."""

    def quit(self) -> None:
        """Leaves."""
