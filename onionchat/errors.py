"""Errors. Layer 0.

The message of an error is what a person reads: one line that says what is wrong and what to do.
It never holds a key, a passphrase, a message text or remote text that was not made safe.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line (a contract with scripts)."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    LOCKED = 3
    NO_NODE = 4
    NO_TOR = 5


class OnionchatError(Exception):
    """Something did not work; the text says what, and what to do about it."""

    exit_code = ExitCode.REFUSED


class LocalError(OnionchatError):
    """What you asked for cannot be done, or is wrong. Nothing was changed."""


class UsageError(LocalError):
    """The command or the method was called in a way that it does not know."""

    exit_code = ExitCode.USAGE


class LockedError(LocalError):
    """The profile is locked, or the passphrase is wrong."""

    exit_code = ExitCode.LOCKED


class RemovedError(LocalError):
    """This device was removed from its account: it can be read, and nothing else."""


class NoNodeError(LocalError):
    """No onionchat node is running on this profile. Start one with `onionchat run`."""

    exit_code = ExitCode.NO_NODE


class RemoteError(OnionchatError):
    """A peer sent something that must be refused. It is disconnected; nothing of it is kept."""


class StoreError(OnionchatError):
    """The database cannot be opened, read or written (damaged, foreign, newer, disk full)."""


class TorError(OnionchatError):
    """Tor cannot be found, reached or used as needed."""

    exit_code = ExitCode.NO_TOR
