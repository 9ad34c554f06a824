"""Tor as the node sees it: find or launch one, keep a control connection, onions and keys, and dial.

It never gives up: with no Tor it waits, says so, and tries again. Everything that was asked for (onions,
discovery keys) is given to Tor again whenever a connection to it is made anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred, ensureDeferred, fail
from twisted.internet.protocol import Protocol as StreamProtocol
from twisted.python.failure import Failure

from onionchat.errors import OnionchatError, TorError
from onionchat.limits import DIAL_TIMEOUT_SECONDS
from onionchat.net.control import ControlLost, CookieNotYet, TorControl, connect_control
from onionchat.net.discovery import DiscoveryKeys
from onionchat.net.endpoint import client_endpoint
from onionchat.net.failure import DialError, DialFailure
from onionchat.net.find import TorKind, TorOptions, TorPlace, find_places, permission_advice
from onionchat.net.launch import LaunchedTor
from onionchat.net.onions import VIRTUAL_PORT, OnionServices, OnionState
from onionchat.net.pause import Pause
from onionchat.net.socks import connect_onion

POLL_SECONDS = 15.0
BOOTSTRAP_POLL_SECONDS = 0.5
RETRY_FIRST_SECONDS = 0.5
RETRY_MAX_SECONDS = 30.0
STARTING_RETRY_SECONDS = 0.1  # a Tor that starts shows its socket, then its cookie, within moments
STARTING_TRIES = 300
CONNECT_TIMEOUT_SECONDS = 10.0
PROBE_TIMEOUT_SECONDS = 25.0


class TorState(Enum):
    """What Tor is doing; the values are shown in `status`."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    WAITING = "waiting"
    BOOTSTRAPPING = "bootstrapping"
    READY = "ready"


@dataclass(frozen=True)
class TorStatus:
    """For `status` and the console. `bootstrap` is percent; `problem` is a line for people."""

    state: TorState = TorState.STOPPED
    kind: TorKind | None = None
    bootstrap: int = 0
    summary: str = ""
    version: str = ""
    missing: tuple[str, ...] = ()
    problem: str | None = None


class TorListener(Protocol):
    """Who hears of changes. Called on the reactor thread."""

    def on_connected(self) -> None:
        """The control port answers; onions are being published."""

    def on_ready(self) -> None:
        """Tor has circuits: dialling makes sense."""

    def on_lost(self, reason: str) -> None:
        """No Tor, and why (once for each reason); it is tried again by itself."""

    def on_bootstrap(self, progress: int, summary: str) -> None:
        """Tor's start went on, `progress` in percent."""

    def on_onion_state(self, address: str, state: OnionState) -> None:
        """An onion of ours changed."""


class _ProbeProtocol(StreamProtocol):
    """A probe ends as soon as it is through, before anything is said."""

    def connectionMade(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()


class Tor:
    """The one Tor of a node. `reactor` gives time, TCP, Unix sockets and processes.

    `endpoint_for(reactor, place, timeout_seconds)` gives a client endpoint; tests give another than sockets.
    Every `poll_seconds` it is checked that Tor still has what we gave it.
    """

    def __init__(
        self,
        reactor: Any,
        options: TorOptions,
        profile: Path,
        listener: TorListener,
        env: Mapping[str, str],
        root: Path = Path("/"),
        endpoint_for: Callable[..., Any] = client_endpoint,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._reactor = reactor
        self._options = options
        self._profile = profile
        self._listener = listener
        self._env = env
        self._endpoint_for = endpoint_for
        self._poll_seconds = poll_seconds
        self._places = find_places(options, env, root)
        self._status = TorStatus()
        self._place: TorPlace = self._places[0]
        self._has_place = False
        self._control: TorControl | None = None
        self._launched: LaunchedTor | None = None
        self._launch_problem: str | None = None
        self._pause = Pause(reactor)
        self._is_running = False
        self._run: Deferred[Any] | None = None
        self._probes = 0
        self._told: str | None = None
        self.keys = DiscoveryKeys()
        self.onions = OnionServices(reactor, self.keys, self._probe, listener.on_onion_state)

    # --- for the node ------------------------------------------------------------------------------

    @property
    def status(self) -> TorStatus:
        """What is to be shown now."""
        missing = set(self.onions.missing)
        if self._control is not None:
            missing |= self._control.missing
        return replace(self._status, missing=tuple(sorted(missing)))

    @property
    def place(self) -> TorPlace:
        """The Tor in use, or the first candidate: says where to listen for onions."""
        return self._place

    def start(self) -> None:
        """Begin; progress comes through the listener. Does nothing when it runs already."""
        if not self._is_running:
            self._is_running = True
            self._pause = Pause(self._reactor)
            self._run = ensureDeferred(self._keep_connected())
            self._run.addErrback(self._broke)

    async def stop(self) -> None:
        """Take our keys back, take the onions down, end a Tor of our own. Nothing is wanted any more."""
        if not self._is_running:
            return
        self._is_running = False
        try:
            await self.keys.revoke_all()
        finally:
            self.onions.forget_all()
            self._drop_control()
            self._pause.end()
            if self._launched is not None:
                await self._launched.stop()
                self._launched = None
            self._set(TorStatus())

    def connect(
        self,
        address: str,
        port: int,
        isolation_user: str,
        protocol: StreamProtocol,
        timeout_seconds: float = DIAL_TIMEOUT_SECONDS,
        fresh: bool = False,
    ) -> "Deferred[StreamProtocol]":
        """Dial an onion; fires with `protocol` when it is connected, fails with DialError. May be cancelled.

        `fresh`: have Tor fetch the descriptor anew, where it may, since the one it has may be old.
        """
        if self._place.socks is None or not self._is_running or not self._has_place:
            return fail(DialError(DialFailure.TOR_AWAY))
        if fresh:
            ensureDeferred(self.refresh(address)).addErrback(lambda _: None)  # the dial itself says what is wrong
        endpoint = self._endpoint_for(self._reactor, self._place.socks, CONNECT_TIMEOUT_SECONDS)
        return connect_onion(self._reactor, endpoint, address, port, protocol, isolation_user, timeout_seconds)

    async def refresh(self, address: str) -> bool:
        """Have Tor fetch a descriptor anew; False where it may not be told to."""
        return self._control is not None and await self._control.hsfetch(address)

    # --- keeping a connection ----------------------------------------------------------------------

    async def _keep_connected(self) -> None:
        delay = RETRY_FIRST_SECONDS
        pause = self._pause
        while not pause.has_ended():
            self._set(replace(self._status, state=TorState.CONNECTING))
            control, problem = await self._connect_somewhere()
            if control is not None:
                delay = RETRY_FIRST_SECONDS
                problem = await self._session(control)
            if pause.has_ended():
                return
            self._set(TorStatus(state=TorState.WAITING, kind=self._place.kind, problem=problem))
            self._tell_lost(problem)
            await pause.sleep(delay)
            delay = min(RETRY_MAX_SECONDS, delay * 2)

    def _tell_lost(self, problem: str) -> None:
        """Once for each thing that is wrong, not at every try."""
        if problem != self._told:
            self._told = problem
            self._listener.on_lost(problem)

    async def _connect_somewhere(self) -> tuple[TorControl | None, str]:
        """The first candidate that lets us in. Later only that one: onions do not move about between Tors."""
        problems: list[str] = []
        for place in self._places:
            try:
                control = await self._connect_to(place)
            except OnionchatError as error:
                problems.append(str(error))
                continue
            if self._is_running:
                self._places = [place]
            return control, ""
        # a Tor that is there and refuses says more than one that is not there
        return None, next((text for text in problems if "cannot be reached" not in text), problems[0])

    async def _connect_to(self, place: TorPlace) -> TorControl:
        if place.kind is not TorKind.LAUNCHED:
            return await self._open(place)
        if self._launched is None:
            self._launch_problem = None
            self._launched = LaunchedTor(
                self._reactor, self._profile, self._options.tor_options, self._env, self._launched_ended
            )
        for _ in range(STARTING_TRIES):
            if self._launched is None or not self._is_running:
                break
            try:
                own = self._launched.place
                return await self._open(replace(own, socks=place.socks or own.socks, onion_ports=place.onion_ports))
            except (ControlLost, CookieNotYet):
                await self._pause.sleep(STARTING_RETRY_SECONDS)
        raise TorError(f"the Tor that was started ended: {self._launch_problem or 'it does not answer'}")

    def _launched_ended(self, complaint: str) -> None:
        self._launched = None
        self._launch_problem = complaint

    async def _open(self, place: TorPlace) -> TorControl:
        assert place.control is not None
        endpoint = self._endpoint_for(self._reactor, place.control, CONNECT_TIMEOUT_SECONDS)
        control = await connect_control(endpoint, self._reactor, permission_advice(place.kind))
        self._place, self._has_place = place, True
        return control

    # --- while connected ---------------------------------------------------------------------------

    async def _session(self, control: TorControl) -> str:
        """From a new connection to its loss; what to tell people."""
        self._control = control
        self._told = None
        control.when_lost(self._pause.poke)
        self._set(TorStatus(TorState.BOOTSTRAPPING, self._place.kind, version=control.version))
        self._listener.on_connected()
        try:
            await control.listen(self._event)
            await self.keys.connected(control)
            await self.onions.connected(control, self._place.onion_target_host)
            while self._is_running and not control.is_lost:
                await self._look(control)
                is_ready = self._status.state is TorState.READY
                await self._pause.sleep(self._poll_seconds if is_ready else BOOTSTRAP_POLL_SECONDS)
        except TorError as error:
            problem = str(error)
        else:
            problem = "the connection to Tor's control port was lost"
        if self._control is control:
            self._drop_control()
        return self._launch_problem or problem

    async def _look(self, control: TorControl) -> None:
        """One round: is Tor up, are our onions still there?"""
        progress, summary = await control.bootstrap()
        has_circuits = await control.circuit_established()
        if control.is_lost:
            return
        was_ready = self._status.state is TorState.READY
        if (progress, summary) != (self._status.bootstrap, self._status.summary):
            self._listener.on_bootstrap(progress, summary)
        state = TorState.READY if has_circuits else TorState.BOOTSTRAPPING
        self._set(replace(self._status, state=state, bootstrap=progress, summary=summary))
        if has_circuits and not was_ready:
            self._listener.on_ready()
        await self.onions.mend()

    def _event(self, name: str, line: str) -> None:
        if name == "STATUS_CLIENT":  # a Tor that has restarted says so: look at once what it still has
            self._pause.poke()
        else:
            self.onions.event(name, line)

    def _drop_control(self) -> None:
        control, self._control = self._control, None
        self.onions.disconnected()
        self.keys.disconnected()
        if control is not None:
            control.close()

    def _probe(self, address: str) -> "Deferred[Any]":
        """Reach our own onion, each time by circuits of its own."""
        self._probes += 1
        return self.connect(address, VIRTUAL_PORT, f"probe-{self._probes}", _ProbeProtocol(), PROBE_TIMEOUT_SECONDS)

    def _set(self, status: TorStatus) -> None:
        self._status = status

    def _broke(self, reason: Failure) -> None:
        """A fault of ours must be seen, not sit in a Deferred that nobody reads."""
        self._drop_control()
        self._set(
            TorStatus(TorState.WAITING, problem=f"onionchat's part for Tor failed: {type(reason.value).__name__}")
        )
        self._listener.on_lost("onionchat's part for Tor failed; please report this")
        reason.raiseException()
