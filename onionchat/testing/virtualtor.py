"""One onion network without sockets, on one clock: what several nodes take for their reactor and for their Tor.

Time stands still until a test moves it. The writers' threads are real; `VirtualReactor.settle` waits for what they
have to do, so that a test sees the same at every run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from onionchat.crypto.keys import ExchangeKey
from onionchat.net.failure import DialError, DialFailure
from onionchat.net.find import TorKind, TorPlace
from onionchat.net.onions import OnionService, OnionState
from onionchat.net.tor import TorListener, TorState, TorStatus
from onionchat.testing.memory import MemoryTransport

TURNS_MAX = 200_000  # more is a loop that feeds itself
THREAD_SECONDS_MAX = 30.0


class _Port:
    """What `listenTCP` gives."""

    def __init__(self, reactor: "VirtualReactor", number: int) -> None:
        self._reactor, self._number = reactor, number

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", self._number)

    def stopListening(self) -> None:
        self._reactor.listening.pop(self._number, None)


class VirtualReactor(Clock):
    """A clock with ports and a queue for what other threads have done."""

    def __init__(self) -> None:
        super().__init__()
        self.listening: dict[int, Any] = {}
        self.jobs_underway = 0
        """What threads were given and have not answered; whoever gives it counts it (`counted`)."""
        self._last_port = 20_000
        self._done: SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]]] = SimpleQueue()

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> _Port:
        """No socket: `VirtualTor` finds the factory by the port's number."""
        self._last_port += 1
        self.listening[self._last_port] = factory
        return _Port(self, self._last_port)

    def callFromThread(self, callable: Callable[..., object], *args: Any, **kw: Any) -> None:
        """Runs at the next `settle`, on its thread."""
        self._done.put((callable, args))

    def counted(self, job: "Deferred[Any]") -> "Deferred[Any]":
        """`settle` waits for this job of a thread."""
        self.jobs_underway += 1

        def ended(result: Any) -> Any:
            self.jobs_underway -= 1
            return result

        return job.addBoth(ended)

    def settle(self) -> None:
        """Let everything happen that is under way and needs no time."""
        for _ in range(TURNS_MAX):
            while self.jobs_underway or not self._done.empty():
                call, arguments = self._done.get(timeout=THREAD_SECONDS_MAX)
                call(*arguments)
            if not self.calls or self.calls[0].getTime() > self.seconds():
                return
            due = self.calls.pop(0)  # one at a time: `advance` would run those that it starts, too
            due.called = 1
            due.func(*due.args, **due.kw)
        raise AssertionError("it does not come to rest")

    def pass_time(self, seconds: float) -> None:
        """Let time pass, moment by moment: what one call starts has ended before the next is due."""
        end = self.seconds() + seconds
        self.settle()
        while self.calls and self.calls[0].getTime() <= end:
            self.rightNow = max(self.rightNow, self.calls[0].getTime())
            self.settle()
        self.rightNow = max(self.rightNow, end)


@dataclass
class Stream:
    """A connection between two Tors, and what was dialled. `near` is the dialler's end."""

    dialler: "VirtualTor"
    owner: "VirtualTor"
    address: str
    user: str
    near: MemoryTransport
    far: MemoryTransport


class OnionNetwork:
    """All onions that are up, and all streams there ever were."""

    def __init__(self, reactor: VirtualReactor) -> None:
        self.reactor = reactor
        self.onions: dict[str, tuple[VirtualTor, OnionService]] = {}
        self.streams: list[Stream] = []
        self.dials: list[tuple[str, DialFailure | None]] = []

    def reach(self, dialler: "VirtualTor", address: str) -> "VirtualTor":
        """Who publishes it. DialError as Tor would fail."""
        if not dialler.is_up:
            raise DialError(DialFailure.TOR_AWAY)
        owner, service = self.onions.get(address, (None, None))
        if owner is None or service is None:
            raise DialError(DialFailure.NO_DESCRIPTOR)
        if service.client_keys:
            private = dialler.keys.held.get(address)
            if private is None:
                raise DialError(DialFailure.KEY_MISSING)
            if ExchangeKey(private).public not in service.client_keys:
                raise DialError(DialFailure.KEY_WRONG)
        if not owner.is_up:
            raise DialError(DialFailure.INTRODUCTION_FAILED)
        return owner

    def break_streams(self, tor: "VirtualTor") -> None:
        """Every stream that begins or ends there."""
        for stream in self.streams:
            if tor in (stream.dialler, stream.owner) and stream.near.is_open:
                stream.near.abortConnection()


class VirtualKeys:
    """`Tor.keys`: what this Tor can find. `held`: address -> private half."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    async def grant(self, address: str, private_key: bytes) -> None:
        """See `DiscoveryKeys`."""
        self.held[address] = private_key

    async def revoke(self, address: str) -> None:
        """See `DiscoveryKeys`."""
        self.held.pop(address, None)


class VirtualOnions:
    """`Tor.onions`: what this Tor publishes."""

    def __init__(self, tor: "VirtualTor", network: OnionNetwork) -> None:
        self._tor, self._network = tor, network
        self.own: dict[str, OnionService] = {}

    async def publish(self, service: OnionService) -> None:
        """It can be reached at once."""
        self.own[service.address] = service
        self._network.onions[service.address] = (self._tor, service)
        if service.probe_key is not None:
            await self._tor.keys.grant(service.address, service.probe_key)
        self._tor.listener.on_onion_state(service.address, OnionState.REACHABLE)

    async def unpublish(self, address: str) -> None:
        """Its descriptor is gone."""
        if self.own.pop(address, None) is not None:
            self._network.onions.pop(address, None)
            self._tor.listener.on_onion_state(address, OnionState.UNPUBLISHED)

    def forget_all(self) -> None:
        """See `OnionServices`."""
        for address in self.own:
            self._network.onions.pop(address, None)
        self.own.clear()

    def state(self, address: str) -> OnionState:
        """See `OnionServices`."""
        is_reachable = address in self.own and self._tor.is_up
        return OnionState.REACHABLE if is_reachable else OnionState.UNPUBLISHED

    def is_restricted(self, address: str) -> bool:
        """See `OnionServices`."""
        return address in self.own and bool(self.own[address].client_keys)

    def problem(self, address: str) -> str | None:
        """See `OnionServices`: this Tor refuses nothing."""
        return None


class VirtualTor:
    """As `net.tor.Tor` towards its node. `cut` takes it off the network, `restore` brings it back."""

    def __init__(self, network: OnionNetwork, listener: TorListener) -> None:
        self.listener = listener
        self.keys = VirtualKeys()
        self.onions = VirtualOnions(self, network)
        self.place = TorPlace(TorKind.EXPLICIT, None, None)
        self.is_running = self.is_cut = False
        self._network = network

    @property
    def is_up(self) -> bool:
        """Whether streams can begin and end here."""
        return self.is_running and not self.is_cut

    @property
    def status(self) -> TorStatus:
        """See `Tor`."""
        if not self.is_running:
            return TorStatus()
        state = TorState.WAITING if self.is_cut else TorState.READY
        return TorStatus(state, TorKind.EXPLICIT, 0 if self.is_cut else 100, "Done", "0.4.8.16")

    def start(self) -> None:
        """Ready at the next turn."""
        self.is_running = True
        self._network.reactor.callLater(0, self._ready)

    def _ready(self) -> None:
        if self.is_up:
            self.listener.on_connected()
            self.listener.on_ready()

    async def stop(self) -> None:
        """See `Tor`."""
        self.is_running = False
        self.keys.held.clear()
        self.onions.forget_all()

    def cut(self) -> None:
        """No network any more."""
        self.is_cut = True
        self._network.break_streams(self)
        self.listener.on_lost("there is no network")

    def restore(self) -> None:
        """The network is back."""
        self.is_cut = False
        self._ready()

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
        done: Deferred[Any] = Deferred()
        call = self._network.reactor.callLater(0, self._connect, address, isolation_user, protocol, done)
        done._canceller = lambda _: call.cancel() if call.active() else None
        return done

    def _connect(self, address: str, user: str, protocol: Any, done: "Deferred[Any]") -> None:
        network = self._network
        try:
            owner = network.reach(self, address)
        except DialError as error:
            network.dials.append((address, error.failure))
            done.errback(error)
            return
        factory = network.reactor.listening.get(owner.onions.own[address].local_port)
        server = None if factory is None else factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 0))
        if server is None:
            network.dials.append((address, DialFailure.TARGET_REFUSED))
            done.errback(DialError(DialFailure.TARGET_REFUSED))
            return
        network.dials.append((address, None))
        near, far = MemoryTransport(network.reactor), MemoryTransport(network.reactor)
        network.streams.append(Stream(self, owner, address, user, near, far))
        far.join(server, near)
        near.join(protocol, far)
        done.callback(protocol)
