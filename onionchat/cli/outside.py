"""What the command line does for the console: the commands that the local API does not have."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from onionchat.cli.passphrase import strength
from onionchat.errors import LocalError

RUN_SECONDS = 60.0  # `doctor` waits for Tor, a few seconds a question
OUTPUT_MAX_BYTES = 256 * 1024


class CommandLine:
    """Runs commands of onionchat as programs of their own, on the same profile and with the same Tor options."""

    def __init__(self, profile: Path, options: argparse.Namespace, reactor: Any) -> None:
        self._reactor = reactor
        self._base = [sys.executable, "-m", "onionchat", "--profile", str(profile), *tor_arguments(options)]

    def strength(self, passphrase: str) -> tuple[int, str]:
        """0 (worthless) to 4 (strong), and one line of advice."""
        return strength(passphrase)

    def run(self, arguments: Sequence[str]) -> "Deferred[str]":
        """What it prints, and what it complains of. LocalError when it does not end, or prints nothing."""
        running = _Running(self._reactor, arguments)
        self._reactor.spawnProcess(running, sys.executable, [*self._base, *arguments], env=dict(os.environ))
        return running.done


def tor_arguments(options: argparse.Namespace) -> list[str]:
    """The options about Tor, as they were given to this program."""
    found: list[str] = []
    for name in ("tor", "control", "socks", "onion_port"):
        value = getattr(options, name, None)
        if value is not None:
            found += [f"--{name.replace('_', '-')}", str(value)]
    for line in getattr(options, "tor_option", None) or ():
        found += ["--tor-option", line]
    return found


class _Running(ProcessProtocol):
    def __init__(self, reactor: Any, arguments: Sequence[str]) -> None:
        self.done: Deferred[str] = Deferred()
        self._arguments = arguments
        self._output = b""
        self._due = reactor.callLater(RUN_SECONDS, self._too_long)

    def connectionMade(self) -> None:
        self.transport.closeStdin()  # type: ignore[union-attr]

    def childDataReceived(self, descriptor: int, data: bytes) -> None:
        self._output = (self._output + data)[:OUTPUT_MAX_BYTES]

    def _too_long(self) -> None:
        self.transport.signalProcess("KILL")  # type: ignore[union-attr]

    def processEnded(self, reason: Failure) -> None:
        is_late = not self._due.active()
        if not is_late:
            self._due.cancel()
        text = self._output.decode("utf-8", "replace").strip("\n")
        if is_late or (not text and not isinstance(reason.value, ProcessDone)):
            self.done.errback(LocalError(f"type it in a shell: onionchat {' '.join(self._arguments)}"))
        else:
            self.done.callback(text)
