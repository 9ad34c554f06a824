"""Control ports for tests: a simulated Tor, or (`controlforward`) a real one, bare or behind the filter.

`SimulatedTor` keeps onions and discovery keys as Tor does, and can be made to restart, hang, or know less.
`ControlServer` is the connection that a client sees; with `rules` it answers 510 to what a shipped profile
does not allow, drops a client whose lines are too long, and stays up when Tor restarts, as onion-grater does.
"""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import nacl.bindings
from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from onionchat.ids import onion_address
from onionchat.testing.controlfilter import LINE_MAX_BYTES, REFUSAL, FilterRules

_ADD = re.compile(
    r"ED25519-V3:([A-Za-z0-9+/]{86}==)(?: Flags=(\S+))?(?: PoWDefensesEnabled=1)?(?: MaxStreams=[0-9]+)?"
    r" Port=(\d+),(\S+)((?: ClientAuthV3=\S+)*)$"
)


class Session(Protocol):
    """A controller's connection to a Tor."""

    def command(self, line: str) -> "Deferred[list[str]]":
        """The lines of the answer."""

    def close(self) -> None:
        """The controller is gone."""


class Backend(Protocol):
    """Something that control connections can be opened to."""

    def open(self, on_event: Callable[[str], None], on_closed: Callable[[], None], is_filtered: bool) -> Session:
        """`on_event` gets event lines; `on_closed` is called when Tor closes the connection."""


def address_of(expanded_key: bytes) -> str:
    """The onion address of a 64-byte expanded key."""
    return onion_address(nacl.bindings.crypto_scalarmult_ed25519_base_noclamp(expanded_key[:32]))


class SimulatedTor:
    """The state of a Tor: what was added over which connection, and what it was made to refuse."""

    def __init__(self) -> None:
        self.onions: dict[str, SimulatedSession] = {}
        self.targets: dict[str, str] = {}
        self.clients: dict[str, int] = {}
        self.discovery_keys: dict[str, str] = {}
        self.refusals: dict[str, str] = {}
        self.lines: list[str] = []
        self.has_circuits = True
        self.progress = 100
        self.is_hanging = False
        self.cookie_path: Path | None = None
        self.sessions: list[SimulatedSession] = []

    def open(
        self, on_event: Callable[[str], None], on_closed: Callable[[], None], is_filtered: bool
    ) -> "SimulatedSession":
        session = SimulatedSession(self, on_event, on_closed, is_filtered)
        self.sessions.append(session)
        return session

    def restart(self) -> None:
        """All that was added is gone. A bare connection breaks; one behind a filter does not notice."""
        self.onions.clear()
        self.clients.clear()
        self.discovery_keys.clear()
        for session in list(self.sessions):
            if not session.is_filtered:
                self.sessions.remove(session)
                session.on_closed()

    def upload(self, address: str, times: int = 1) -> None:
        """Tell everyone that the descriptor of an onion is at some directories."""
        for number in range(times):
            self.tell(f"650 HS_DESC UPLOADED {address} UNKNOWN ${number:040X}~relay{number}")

    def tell(self, line: str) -> None:
        """Send an event to all who listen for it."""
        name = line.split(" ", 2)[1]
        for session in list(self.sessions):
            if name in session.events:
                session.on_event(line)


class SimulatedSession:
    """One connection to a simulated Tor."""

    def __init__(
        self, tor: SimulatedTor, on_event: Callable[[str], None], on_closed: Callable[[], None], is_filtered: bool
    ) -> None:
        self.tor = tor
        self.on_event, self.on_closed, self.is_filtered = on_event, on_closed, is_filtered
        self.events: set[str] = set()

    def close(self) -> None:
        for address in [address for address, owner in self.tor.onions.items() if owner is self]:
            del self.tor.onions[address]
        if self in self.tor.sessions:
            self.tor.sessions.remove(self)

    def command(self, line: str) -> "Deferred[list[str]]":
        self.tor.lines.append(line)
        if self.tor.is_hanging:
            return Deferred()
        for start, answer in self.tor.refusals.items():
            if re.match(start, line):
                return succeed([answer])
        name, _, arguments = line.partition(" ")
        answer_to = getattr(self, f"_{name.lower()}", None)
        return succeed(answer_to(arguments) if answer_to else [f'510 Unrecognized command "{name}"'])

    def _protocolinfo(self, _: str) -> list[str]:
        auth = f'COOKIE COOKIEFILE="{self.tor.cookie_path}"' if self.tor.cookie_path else "NULL"
        return ["250-PROTOCOLINFO 1", f"250-AUTH METHODS={auth}", '250-VERSION Tor="0.4.9.11"', "250 OK"]

    def _authenticate(self, arguments: str) -> list[str]:
        expected = self.tor.cookie_path.read_bytes().hex() if self.tor.cookie_path else ""
        return ["250 OK"] if arguments.lower() == expected else ["515 Authentication failed"]

    def _getinfo(self, key: str) -> list[str]:
        match key:
            case "version":
                return ["250-version=0.4.9.11", "250 OK"]
            case "onions/current":
                mine = [address for address, owner in self.tor.onions.items() if owner is self]
                if len(mine) < 2:
                    return [f"250-onions/current={''.join(mine)}", "250 OK"]
                return ["250+onions/current=", *mine, ".", "250 OK"]
            case "status/bootstrap-phase":
                phase = f'NOTICE BOOTSTRAP PROGRESS={self.tor.progress} TAG=x SUMMARY="Phase {self.tor.progress}"'
                return [f"250-status/bootstrap-phase={phase}", "250 OK"]
            case "status/circuit-established":
                return [f"250-status/circuit-established={int(self.tor.has_circuits)}", "250 OK"]
        return [f'552 Unrecognized key "{key}"']

    def _setevents(self, names: str) -> list[str]:
        self.events = set(names.split())
        return ["250 OK"]

    def _add_onion(self, arguments: str) -> list[str]:
        match = _ADD.match(arguments)
        if match is None:
            return ["512 Invalid argument"]
        clients = match.group(5).split()
        if ("V3Auth" in (match.group(2) or "")) != bool(clients):
            return ["512 No auth clients specified"]
        address = address_of(base64.b64decode(match.group(1)))
        if address in self.tor.onions:
            return ["550 Onion address collision"]
        self.tor.onions[address] = self
        self.tor.targets[address] = f"{match.group(3)},{match.group(4)}"
        self.tor.clients[address] = len(clients)
        return [f"250-ServiceID={address}", *(f"250-{client}" for client in clients), "250 OK"]

    def _del_onion(self, address: str) -> list[str]:
        if self.tor.onions.get(address) is not self:
            return ["552 Unknown Onion Service id"]
        del self.tor.onions[address]
        return ["250 OK"]

    def _onion_client_auth_add(self, arguments: str) -> list[str]:
        address, key = arguments.split()[:2]
        known = address in self.tor.discovery_keys
        self.tor.discovery_keys[address] = key
        return ["251 Client for onion existed and replaced" if known else "250 OK"]

    def _onion_client_auth_remove(self, address: str) -> list[str]:
        return ["250 OK" if self.tor.discovery_keys.pop(address, None) else "251 No credentials for that"]

    def _hsfetch(self, _: str) -> list[str]:
        return ["250 OK"]


class ControlServer(LineOnlyReceiver):
    """What a controller is connected to. Commands are answered strictly in order."""

    MAX_LENGTH = 2**20

    def __init__(self, backend: Backend, rules: FilterRules | None = None) -> None:
        self._rules = rules
        self._backend = backend
        self._session: Session | None = None
        self._last: Deferred[None] = succeed(None)

    def connectionMade(self) -> None:
        self._session = self._backend.open(self._event, self._closed, self._rules is not None)

    def connectionLost(self, reason: Failure | None = None) -> None:
        if self._session is not None:
            self._session.close()

    def _closed(self) -> None:
        assert self.transport is not None
        self.transport.loseConnection()

    def _event(self, line: str) -> None:
        seen = line if self._rules is None else self._rules.event(line)
        if seen:
            self.sendLine(seen.encode())  # type: ignore[no-untyped-call]

    def lineReceived(self, line: bytes) -> None:
        if self._rules is not None and len(line) > LINE_MAX_BYTES:
            self._closed()
            return
        text = line.decode("ascii")
        self._last.addCallback(lambda _: ensureDeferred(self._answer(text)))

    async def _answer(self, line: str) -> None:
        for answer in await self._answer_lines(line):
            self.sendLine(answer.encode())  # type: ignore[no-untyped-call]

    async def _answer_lines(self, line: str) -> list[str]:
        assert self._session is not None
        rules = self._rules
        if rules is None:
            return await self._session.command(line)
        name, *words = line.split()
        match name.upper():
            case "PROTOCOLINFO":
                return ["250-PROTOCOLINFO 1", "250-AUTH METHODS=NULL", '250-VERSION Tor="0.4.9.11"', "250 OK"]
            case "AUTHENTICATE":
                return ["250 OK"]
            case "SETEVENTS" if rules.may_listen(words):
                heard = rules.heard(words)
                return await self._session.command("SETEVENTS " + " ".join(heard)) if heard else ["250 OK"]
        passed = rules.command(line)
        if passed is None:
            return [REFUSAL]
        return rules.answer(passed.rule, await self._session.command(passed.line))


class ControlServerFactory(Factory):
    """Listens in a real Tor's place, on a Unix socket or loopback."""

    noisy = False

    def __init__(self, backend: Backend, rules: FilterRules | None = None) -> None:
        self._backend, self._rules = backend, rules

    def buildProtocol(self, addr: object) -> ControlServer:
        return ControlServer(self._backend, self._rules)
