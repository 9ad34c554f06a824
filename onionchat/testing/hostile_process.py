"""A hostile peer in a process of its own, against a real node.

It goes past Tor, to the ports where the node listens for its onions. That is more than anybody can do from outside,
where Tor's circuits are in the way. It is told what to do on its standard input, a line each, and answers with a line:

    python -m onionchat.testing.hostile_process LINK_THAT_ACCEPTS OPEN_LINK PORT PORT PORT
    < frontiers 2.5
    > frontiers 1234        (so many steps in 2.5 seconds)
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self, cast

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from onionchat.errors import LocalError, OnionchatError, TorError
from onionchat.identity.link import parse_link
from onionchat.ids import onion_address
from onionchat.net.failure import DialError, DialFailure
from onionchat.testing.hostile import FLOODS, Hostile, Victim
from onionchat.testing.people import environment, leashed

WAIT_SECONDS = 60.0
TURN_SECONDS = 0.002
READY = "ready"
LISTENING = "0A"


class LiveWorld:
    """As `nodes.World` towards a stranger, on the real reactor, which turns when the stranger waits."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.network = None
        reactor.startRunning(installSignalHandlers=False)

    def settle(self) -> None:
        """A few turns."""
        self.reactor.iterate(TURN_SECONDS)
        self.reactor.iterate(0)

    def wait(self, deferred: "Deferred[Any]") -> Any:
        """Its result, or its error raised. LocalError when it takes too long."""
        outcome: list[Any] = []
        deferred.addBoth(outcome.append)
        end = time.monotonic() + WAIT_SECONDS
        while not outcome:
            if time.monotonic() > end:
                raise LocalError("it does not answer")
            self.settle()
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]


class DirectTor:
    """Connects to ports of this machine where `net.tor.Tor` would go to onions. `ports`: by address."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.ports: dict[str, int] = {}

    def connect(
        self,
        address: str,
        port: int,
        isolation_user: str,
        protocol: Any,
        timeout_seconds: float = 60.0,
        fresh: bool = False,
    ) -> "Deferred[Any]":
        """See `Tor`."""
        place = TCP4ClientEndpoint(self._reactor, "127.0.0.1", self.ports[address], timeout=timeout_seconds)
        factory = Factory.forProtocol(lambda: protocol)
        factory.noisy = False

        def failed(_: Failure) -> None:
            raise DialError(DialFailure.TARGET_REFUSED)

        return place.connect(factory).addErrback(failed)


class Attacker:
    """What runs in the process."""

    def __init__(self, accepting: str, link: str, ports: Sequence[int]) -> None:
        from twisted.internet import reactor

        self._world = cast(Any, LiveWorld(reactor))
        self._tor = DirectTor(reactor)
        self._mallory = Hostile(self._world, int.from_bytes(os.urandom(4)), "Mallory", self._tor)
        self._link = link
        self._ports = ports
        self._at(parse_link(accepting), accepting)
        self._victim: Victim = self._mallory.befriend(accepting)
        self._at(parse_link(link), link)
        self._find_device()

    def _at(self, key: bytes, link: str) -> None:
        """Find the port of an invitation by trying."""
        for port in self._ports:
            self._tor.ports[onion_address(key)] = port
            try:
                self._mallory.dial_link(link).close("done")
            except TorError:
                continue
            return
        raise LocalError("the invitation is at none of the ports")

    def _find_device(self) -> None:
        for port in self._ports:
            self._tor.ports[self._victim.address] = port
            try:
                self._mallory.arrive(self._victim).close("done")
            except TorError:
                continue
            return
        raise LocalError("the device is at none of the ports")

    def flood(self, name: str, seconds: float) -> int:
        """One flood for so long; how many steps that were."""
        steps = 0
        end = time.monotonic() + seconds
        for _ in FLOODS[name](self._mallory, self._victim, self._link):
            self._world.settle()
            steps += 1
            if time.monotonic() > end:
                break
        return steps


class HostileProcess:
    """Seen from who starts it. It gets what processor time is left: a real one would have a machine of its own."""

    def __init__(self, accepting: str, link: str, ports: Iterable[int]) -> None:
        """Start it; LocalError when it does not become a contact of its victim."""
        command = [sys.executable, "-m", "onionchat.testing.hostile_process", accepting, link, *map(str, ports)]
        self._process = subprocess.Popen(
            ["nice", "-n", "19", *leashed(command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        if self._line() != READY:
            self.stop()
            raise LocalError("the hostile peer did not become a contact")

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def begin(self, flood: str, seconds: float) -> None:
        """Let it go."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{flood} {seconds}\n")
        self._process.stdin.flush()

    def steps(self) -> int:
        """Wait until it has done; how many steps it made. LocalError when it has ended."""
        _, _, steps = self._line().partition(" ")
        if not steps:
            raise LocalError("the hostile peer has ended")
        return int(steps)

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def listening_ports(pid: int) -> list[int]:
    """TCP ports of 127.0.0.1 at which a process listens (Linux)."""
    own = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(os.readlink(entry))
        except OSError:
            continue  # closed meanwhile
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [int(row[1].partition(":")[2], 16) for row in rows if row[3] == LISTENING and f"socket:[{row[9]}]" in own]


def main(arguments: Sequence[str]) -> int:
    """Become a contact, then do what is asked for until there is no more input."""
    accepting, link, *ports = arguments
    try:
        attacker = Attacker(accepting, link, [int(port) for port in ports])
    except OnionchatError as error:
        print(error, file=sys.stderr)
        return 1
    print(READY, flush=True)
    for line in sys.stdin:
        flood, seconds = line.split()
        print(flood, attacker.flood(flood, float(seconds)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
