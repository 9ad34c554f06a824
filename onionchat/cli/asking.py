"""Questions that need a yes."""

import select
import sys
from collections.abc import Callable

from onionchat.errors import LocalError

LOOK_SECONDS = 0.3


def confirm(question: str, is_sure: bool) -> None:
    """Go on only after a yes. LocalError without one, and without a terminal unless `--yes` was given."""
    if is_sure:
        return
    if not sys.stdin.isatty():
        raise LocalError("that needs a yes, and there is no terminal to ask on: give --yes")
    if not ask_yes(question):
        raise LocalError("nothing was done")


def can_be_asked() -> bool:
    """Whether a question would reach a person."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask_while(question: str, is_void: Callable[[], bool]) -> bool | None:
    """As `ask_yes`; None when the question has become void before there was an answer."""
    sys.stderr.write(f"{question} [yes/no] ")
    sys.stderr.flush()
    while not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
        if is_void():
            sys.stderr.write("\n")
            return None
    return _is_yes(sys.stdin.readline())


def ask_yes(question: str) -> bool:
    """Ask on the terminal; anything but yes is no."""
    sys.stderr.write(f"{question} [yes/no] ")
    sys.stderr.flush()
    return _is_yes(sys.stdin.readline())


def _is_yes(line: str) -> bool:
    return line.strip().lower() in ("y", "yes")
