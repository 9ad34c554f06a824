"""Where passphrases come from: a terminal, a file or a file descriptor; never the arguments or the environment."""

import getpass
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from onionchat.errors import LocalError, LockedError, UsageError

_MAX_BYTES = 4096  # longer than anyone types; a wrong file is noticed
_WEAK = 2  # zxcvbn's scores go from 0 to 4
_NEEDED = "a passphrase is needed and there is no terminal to ask on: give --passphrase-file or --passphrase-fd"


@dataclass(frozen=True)
class Source:
    """What the options said. `ask` reads a line from the terminal without showing it."""

    file: Path | None = None
    fd: int | None = None
    ask: Callable[[str], str] = getpass.getpass

    def given(self) -> str | None:
        """The passphrase from the file or descriptor, None when neither was named."""
        if self.file is not None and self.fd is not None:
            raise UsageError("give --passphrase-file or --passphrase-fd, not both")
        if self.file is not None:
            return read_file(self.file)
        return None if self.fd is None else read_fd(self.fd)

    def can_ask(self) -> bool:
        """Whether there is a terminal to ask on."""
        return can_ask()

    def existing(self, prompt: str = "Passphrase: ") -> str:
        """The passphrase of a profile that exists. LockedError when nobody can be asked."""
        given = self.given()
        if given is not None:
            return given
        if not can_ask():
            raise LockedError(_NEEDED)
        return _asked(self.ask, prompt)

    def new(self, what: str = "passphrase", file: Path | None = None) -> str:
        """A new passphrase: from `file`, else from where this source says, else asked for twice."""
        given = read_file(file) if file is not None else self.given()
        if given is not None:
            return _not_empty(given)
        return self.asked_twice(what)

    def asked_twice(self, what: str) -> str:
        """Ask for a new one, with a word on its strength. LockedError when nobody can be asked."""
        if not can_ask():
            raise LockedError(_NEEDED)
        first = _not_empty(_asked(self.ask, f"New {what}: "))
        score, advice = strength(first)
        if score <= _WEAK:
            sys.stderr.write(f"That one is easily guessed. {advice}".rstrip() + "\n")
        if _asked(self.ask, f"The {what} again: ") != first:
            raise LocalError("the two were not the same; nothing was changed")
        return first


def can_ask() -> bool:
    """Whether there is a terminal to ask on."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return sys.stdin is not None and sys.stdin.isatty()
    return True


def read_file(path: Path, what: str = "the passphrase file") -> str:
    """A secret in a file, without one newline at its end. `what` it is, for errors."""
    try:
        with path.open("rb") as file:
            return _decoded(file.read(_MAX_BYTES + 1))
    except OSError as error:
        raise LocalError(f"{what} cannot be read ({error.strerror}): {path}") from None


def read_fd(fd: int, what: str = "the passphrase") -> str:
    """A secret from an open descriptor, read to its end. `what` it is, for errors."""
    data = b""
    try:
        while len(data) <= _MAX_BYTES and (more := os.read(fd, _MAX_BYTES)):
            data += more
    except OSError as error:
        raise LocalError(f"{what} cannot be read from descriptor {fd} ({error.strerror})") from None
    return _decoded(data)


def strength(passphrase: str) -> tuple[int, str]:
    """0 (worthless) to 4 (strong), and one line of advice (may be empty)."""
    from zxcvbn import zxcvbn  # slow to import, and seldom needed

    found = zxcvbn(passphrase[:72])  # its time grows fast with the length
    feedback = found["feedback"]
    advice = feedback["warning"] or next(iter(feedback["suggestions"]), "")
    return int(found["score"]), str(advice)


def _asked(ask: Callable[[str], str], prompt: str) -> str:
    try:
        return ask(prompt)
    except EOFError:
        raise LockedError("no passphrase was given") from None


def _decoded(data: bytes) -> str:
    if len(data) > _MAX_BYTES:
        raise LocalError("that is too long; is it the right file?")
    try:
        return data.decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        raise LocalError("that is not UTF-8 text; is it the right file?") from None


def _not_empty(passphrase: str) -> str:
    if not passphrase:
        raise LocalError("an empty passphrase protects nothing; give another one")
    return passphrase
