"""The part of a conversation that is in memory: a window that pages in and out at both ends. Pure.

However long the conversation is, at most `WINDOW_MAX` messages are held. Rows (what the log shows) have keys that stay
the same when the window changes: that is how the log keeps its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from onionchat.api import types as t
from onionchat.tui.render import Look, day, local

PAGE = 100  # messages asked for at once
WINDOW_MAX = 500  # messages held; more than two screens of one-line messages at 200×60, several times over

RowKind = Literal["message", "day", "new", "gap", "start"]


@dataclass(frozen=True)
class Row:
    """One row of the log. `text` is for rows without a message."""

    key: str
    kind: RowKind
    message: t.Message | None = None
    text: str = ""


class Window:
    """Consecutive messages in the order of the screen."""

    def __init__(self) -> None:
        self.messages: list[t.Message] = []
        self.at_start = False  # nothing is older than the first one
        self.at_end = True  # nothing is newer than the last one
        self.new_from: str | None = None  # the new line stands above this message

    def show_last(self, page: Sequence[t.Message], limit: int) -> None:
        """The end of the conversation."""
        self.messages, self.at_end, self.at_start = list(page), True, len(page) < limit

    def show_around(self, page: Sequence[t.Message]) -> None:
        """Some place within it; both ends are unknown."""
        self.messages, self.at_start, self.at_end = list(page), False, False

    def add_older(self, page: Sequence[t.Message], limit: int) -> None:
        """What stands before the first one. The other end is let go when there is too much."""
        known = {message.id for message in self.messages}
        self.messages[:0] = [message for message in page if message.id not in known]
        self.at_start = len(page) < limit
        if len(self.messages) > WINDOW_MAX:
            del self.messages[WINDOW_MAX:]
            self.at_end = False

    def add_newer(self, page: Sequence[t.Message], limit: int) -> None:
        """What stands after the last one."""
        known = {message.id for message in self.messages}
        self.messages += [message for message in page if message.id not in known]
        self.at_end = len(page) < limit
        if len(self.messages) > WINDOW_MAX:
            del self.messages[: len(self.messages) - WINDOW_MAX]
            self.at_start = False

    def index(self, message_id: str) -> int | None:
        """Where it is."""
        for index in range(len(self.messages) - 1, -1, -1):
            if self.messages[index].id == message_id:
                return index
        return None

    def find(self, message_id: str) -> t.Message | None:
        """The message, when it is in the window."""
        index = self.index(message_id)
        return None if index is None else self.messages[index]

    def mark_new(self) -> None:
        """Puts the new line above the first unread message."""
        for message in self.messages:
            if message.unread and message.sender not in ("me", ""):
                self.new_from = message.id
                return
        self.new_from = None


def rows(window: Window, look: Look) -> list[Row]:
    """What the log shows: messages with the day, the new line and gaps between them."""
    shown: list[Row] = []
    if window.at_start and window.messages:
        shown.append(Row("start", "start", text="the conversation begins here"))
    last_day = None
    for message in window.messages:
        date = local(message.time, look).date()
        if date != last_day:
            # dates are nearly always in order; where a wrong clock breaks that, the message makes the key unique
            shown.append(Row(f"day {date} {message.id}", "day", text=day(message.time, look)))
            last_day = date
        if message.id == window.new_from:
            shown.append(Row("new", "new", text="new"))
        if message.missing_before:
            shown.append(Row(f"gap {message.id}", "gap", text="something that was written before is not here yet"))
        shown.append(Row(f"message {message.id}", "message", message))
    return shown
