"""Questions that need a yes."""

import sys

from onionchat.errors import LocalError


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


def ask_yes(question: str) -> bool:
    """Ask on the terminal; anything but yes is no."""
    sys.stderr.write(f"{question} [yes/no] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
