"""What the console needs of the rest: two small protocols, and its own options."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from twisted.internet.defer import Deferred

from onionchat.api import types as t

Colours = Literal["auto", "256", "16", "none"]
Theme = Literal["dark", "light"]
RightToLeft = Literal["auto", "terminal", "reorder"]
EventListener = Callable[[t.Event], None]


class Backend(Protocol):
    """A node, in this process or behind its socket: the methods of `api.methods` and the events."""

    def call(self, name: str, params: t.Params) -> "Deferred[Any]":
        """Calls one method. The Deferred fails with an OnionchatError whose text is for people."""

    def subscribe(self, on_event: EventListener) -> None:
        """Every event from now on goes to `on_event`, on the reactor's thread."""


class JoinListener(Protocol):
    """Who shows what joining does."""

    def join_progress(self, text: str) -> None:
        """A line: what it is waiting for."""

    def join_words(self, words: Sequence[str]) -> None:
        """Both devices show these words now."""


class Joiner(Protocol):
    """This device on its way into an account. `done` fires with the backend of the new profile, or fails."""

    done: "Deferred[Backend]"

    def confirm(self, is_equal: bool) -> None:
        """What the user says of the words."""

    def cancel(self) -> None:
        """The user has enough of it."""


class Founder(Protocol):
    """What the first run needs before there is a profile."""

    def strength(self, passphrase: str) -> tuple[int, str]:
        """0 (worthless) to 4 (strong), and one line of advice (may be empty)."""

    def create_profile(self, name: str, passphrase: str) -> "Deferred[Backend]":
        """Makes the profile and starts its node."""

    def require_joinable(self, code: str, label: str) -> None:
        """LocalError when that is no code of another device, or no name for this one."""

    def join(self, code: str, label: str, passphrase: str, not_before_ms: int, listener: JoinListener) -> Joiner:
        """Begins to make this a further device of an account, with its messages since a time (ms since 1970)."""


class Outside(Protocol):
    """What the command line does for a console: it knows commands that the local API does not have."""

    def strength(self, passphrase: str) -> tuple[int, str]:
        """0 (worthless) to 4 (strong), and one line of advice (may be empty)."""

    def run(self, arguments: Sequence[str]) -> "Deferred[str]":
        """What a command of onionchat prints on this profile. Fails with an OnionchatError."""


Unlock = Callable[[str], "Deferred[Backend]"]
"""Opens the profile with a passphrase; fails with LockedError when it is the wrong one."""


@dataclass(frozen=True)
class Options:
    """How the console looks. `ascii_only` None: by the locale. `utc_offset_seconds` None: by the system's zone."""

    colours: Colours = "auto"
    ascii_only: bool | None = None
    plain: bool = False
    mouse: bool = True
    paste_lines_max: int = 12  # more lines than this are asked about
    utc_offset_seconds: int | None = None
    theme: Theme = "dark"
    styles: Mapping[str, str] = field(default_factory=dict)  # style: its foreground among 256 colours
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # action: names of keys
    lock_after_seconds: int | None = None  # without a key for so long it locks; None: the account's setting
    bell: bool = True  # rings when a message comes that is not being read
    copy: bool = True  # copying sends the text to the terminal's clipboard (OSC 52)
    right_to_left: RightToLeft = "auto"  # who puts Hebrew, Arabic … into the order of the screen
    from_file: bool = False  # `console.toml` was read
    title: bool = True  # the terminal's title says how many are unread; never who or what
