"""A network between Tors that is slow, breaks, and falls apart. Each stream keeps its order, as Tor's do."""

import random as dice
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure

from onionchat import limits
from onionchat.net.failure import DialError, DialFailure
from onionchat.net.onions import OnionService
from onionchat.net.tor import TorListener
from onionchat.testing.sim.clock import EventQueue, Machine
from onionchat.testing.virtualtor import OnionNetwork, VirtualKeys, VirtualOnions, VirtualTor

BUFFER_BYTES = 96 * limits.KIB  # small, so that back-pressure happens
NOTICE_SECONDS = 20.0  # until an end learns that its stream is gone, if it ever does
TOR_SECONDS = 0.2  # for an answer of Tor's control port


class StreamEnd:
    """One end of a stream, as Twisted's transport. What is written arrives in order, some time later."""

    def __init__(self, machine: Machine, network: "SimulatedNetwork") -> None:
        self._machine, self._network = machine, network
        self._protocol: Any = None
        self._producer: Any = None
        self._peer: StreamEnd | None = None
        self._arrives_at = 0.0
        self._underway_bytes = 0
        self._is_paused = False
        self.is_open = True
        self.is_cut = False
        self.disconnecting = False

    def join(self, protocol: Any, peer: "StreamEnd") -> None:
        """Begin, unless it is over already."""
        if self.is_open:
            self._protocol, self._peer = protocol, peer
            protocol.makeConnection(self)

    # --- as a transport ------------------------------------------------------------------------------------
    def write(self, data: bytes) -> None:
        """Send."""
        if not self.is_open or self.disconnecting or self._peer is None:
            return
        self._underway_bytes += len(data)
        peer = self._peer
        self._later("deliver", lambda: self._deliver(peer, data))
        if self._underway_bytes > BUFFER_BYTES and not self._is_paused and self._producer is not None:
            self._is_paused = True
            self._producer.pauseProducing()

    def writeSequence(self, parts: list[bytes]) -> None:
        """Send."""
        self.write(b"".join(parts))

    def _later(self, kind: str, action: Any) -> None:
        """An event of the other end's machine, after all that was sent before."""
        assert self._peer is not None
        queue = self._network.queue
        self._arrives_at = max(self._arrives_at, queue.now + self._network.latency())
        if not self.is_cut:
            queue.schedule_at(self._arrives_at, self._peer._machine, kind, action)

    def _deliver(self, peer: "StreamEnd", data: bytes) -> None:
        if peer.is_open and not peer.is_cut and peer._protocol is not None:
            self._underway_bytes -= len(data)
            peer._protocol.dataReceived(data)
            if self._is_paused and self._underway_bytes < BUFFER_BYTES // 2:
                self._is_paused = False
                self._machine.after(0, "drained", self._resume)

    def _resume(self) -> None:
        if self.is_open and self._producer is not None and not self._is_paused:
            self._producer.resumeProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """See ITransport."""
        self._producer = producer

    def unregisterProducer(self) -> None:
        """See ITransport."""
        self._producer = None

    def loseConnection(self) -> None:
        """An orderly end, after what was written."""
        if self.is_open and not self.disconnecting:
            self.disconnecting = True
            peer = self._peer
            if peer is not None:
                self._later("deliver", lambda: peer.lost(ConnectionDone()))
            self._machine.after(0, "deliver", lambda: self.lost(ConnectionDone()))

    abortConnection = loseConnection

    def getPeer(self) -> IPv4Address:
        """See ITransport."""
        return IPv4Address("TCP", "127.0.0.1", 0)

    getHost = getPeer

    # --- the end -------------------------------------------------------------------------------------------
    def lost(self, reason: Exception) -> None:
        """This end learns that the stream is gone."""
        if self.is_open:
            self.is_open = False
            protocol, self._protocol, self._producer = self._protocol, None, None
            if protocol is not None:
                protocol.connectionLost(Failure(reason))  # type: ignore[no-untyped-call]

    def cut(self, notice_seconds: float | None) -> None:
        """Nothing passes here any more; this end learns of it after so long, or never."""
        self.is_cut = True
        if notice_seconds is not None and self.is_open:
            self._machine.after(notice_seconds, "deliver", lambda: self.lost(ConnectionLost()))

    @property
    def machine(self) -> Machine:
        """Where this end is."""
        return self._machine


class SimulatedNetwork(OnionNetwork):
    """All onions and all streams. `sides`: who is on which side of a partition, by the machine's name."""

    def __init__(self, queue: EventQueue, random: dice.Random) -> None:
        self.queue, self.dice = queue, random
        self.onions: dict[str, tuple[VirtualTor, OnionService]] = {}
        self.open: list[tuple[StreamEnd, StreamEnd]] = []
        self.sides: dict[str, int] = {}
        self.refused_share = 0.0
        """Of the dials, so many fail for no reason."""
        self.latency_seconds = 0.6
        self.connections = 0

    def latency(self) -> float:
        """Seconds for what is sent now."""
        return self.dice.uniform(0.05, self.latency_seconds)

    def are_apart(self, one: str, other: str) -> bool:
        """Whether a partition is between two machines."""
        return self.sides.get(one, 0) != self.sides.get(other, 0)

    def meet(self, near: StreamEnd, far: StreamEnd) -> None:
        """A stream has begun."""
        self.connections += 1
        self.open = [pair for pair in self.open if pair[0].is_open or pair[1].is_open]
        self.open.append((near, far))

    def break_some(self, share: float) -> None:
        """Lose some streams."""
        for pair in self.open:
            if self.dice.random() < share:
                self._break(pair)

    def divide(self, sides: dict[str, int]) -> None:
        """A partition: streams across it are lost."""
        self.sides = sides
        for pair in self.open:
            if self.are_apart(pair[0].machine.name, pair[1].machine.name):
                self._break(pair)

    def break_streams(self, tor: VirtualTor) -> None:
        """See `OnionNetwork`."""
        assert isinstance(tor, SimulatedTor)
        for pair in self.open:
            if tor.machine in (pair[0].machine, pair[1].machine):
                self._break(pair)

    def machine_gone(self, machine: Machine) -> None:
        """A machine ended without a word. What it had sent still arrives, or not."""
        for near, far in self.open:
            if machine in (near.machine, far.machine):
                other = far if near.machine is machine else near
                if self.dice.random() < 0.5:
                    other.machine.after(self.latency(), "deliver", lambda end=other: end.lost(ConnectionLost()))  # type: ignore[misc]
                else:
                    self._break((near, far))
        self.open = [pair for pair in self.open if machine not in (pair[0].machine, pair[1].machine)]

    def _break(self, pair: tuple[StreamEnd, StreamEnd]) -> None:
        for end in pair:
            is_told = self.dice.random() < 0.8
            end.cut(self.dice.uniform(0, NOTICE_SECONDS) if is_told else None)


class _SlowKeys(VirtualKeys):
    """Keys, through a control port that takes its time."""

    def __init__(self, tor: "SimulatedTor") -> None:
        super().__init__()
        self._tor = tor

    async def grant(self, address: str, private_key: bytes) -> None:
        """See `DiscoveryKeys`."""
        await self._tor.pause()
        await super().grant(address, private_key)

    async def revoke(self, address: str) -> None:
        """See `DiscoveryKeys`."""
        await self._tor.pause()
        await super().revoke(address)


class _SlowOnions(VirtualOnions):
    """Onions, through a control port that takes its time."""

    def __init__(self, tor: "SimulatedTor", network: OnionNetwork) -> None:
        super().__init__(tor, network)
        self._slow_tor = tor

    async def publish(self, service: OnionService) -> None:
        """See `OnionServices`."""
        await self._slow_tor.pause()
        if self._slow_tor.is_running:
            await super().publish(service)

    async def unpublish(self, address: str) -> None:
        """See `OnionServices`."""
        await self._slow_tor.pause()
        await super().unpublish(address)


class SimulatedTor(VirtualTor):
    """The Tor of one life of a machine."""

    def __init__(self, network: SimulatedNetwork, listener: TorListener, machine: Machine) -> None:
        super().__init__(network, listener)
        self.machine, self._slow_network = machine, network
        self.keys = _SlowKeys(self)
        self.onions = _SlowOnions(self, network)

    def pause(self) -> "Deferred[None]":
        """Fires when Tor has answered."""
        done: Deferred[None] = Deferred()
        self.machine.after(self._slow_network.dice.uniform(0, TOR_SECONDS), "tor", lambda: done.callback(None))
        return done

    def start(self) -> None:
        """Ready after a while."""
        self.is_running = True
        self.machine.after(self._slow_network.dice.uniform(0.5, 5), "tor", self._ready)

    async def stop(self) -> None:
        """See `Tor`."""
        await self.pause()
        await super().stop()

    def end(self) -> None:
        """Its machine was killed: its onions cannot be reached any more."""
        self.is_running = False
        self.onions.forget_all()

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
        network = self._slow_network
        call = self.machine.after(
            network.dice.uniform(0.2, 4), "dial", lambda: self._connected(address, protocol, done)
        )
        done._canceller = lambda _: call.cancel() if call.active() else None
        return done

    def _connected(self, address: str, protocol: Any, done: "Deferred[Any]") -> None:
        network = self._slow_network
        try:
            owner = network.reach(self, address)
            assert isinstance(owner, SimulatedTor)
            if network.are_apart(self.machine.name, owner.machine.name):
                raise DialError(DialFailure.INTRODUCTION_FAILED)
            if network.dice.random() < network.refused_share:
                raise DialError(network.dice.choice((DialFailure.TIMED_OUT, DialFailure.NO_DESCRIPTOR)))
        except DialError as error:
            done.errback(error)
            return
        factory = owner.machine.listening.get(owner.onions.own[address].local_port)
        server = None if factory is None else factory.buildProtocol(None)
        if server is None:
            done.errback(DialError(DialFailure.TARGET_REFUSED))
            return
        near, far = StreamEnd(self.machine, network), StreamEnd(owner.machine, network)
        network.meet(near, far)
        owner.machine.after(0, "deliver", lambda: far.join(server, near))
        near.join(protocol, far)
        done.callback(protocol)
