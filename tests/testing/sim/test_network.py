"""The network between simulated Tors: order, loss, back-pressure, partitions."""

import random as dice
from typing import Any

from twisted.internet.defer import ensureDeferred

from onionchat.net.failure import DialError, DialFailure
from onionchat.net.onions import OnionService
from onionchat.testing.sim.clock import EventQueue, Machine
from onionchat.testing.sim.network import BUFFER_BYTES, SimulatedNetwork, SimulatedTor, StreamEnd


class Talker:
    """A protocol that writes down what it hears; as a producer, too."""

    def __init__(self) -> None:
        self.heard, self.ends, self.pauses = b"", 0, list[str]()
        self.transport: Any = None

    def makeConnection(self, transport: Any) -> None:
        self.transport = transport

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Any) -> None:
        self.ends += 1

    def pauseProducing(self) -> None:
        self.pauses.append("pause")

    def resumeProducing(self) -> None:
        self.pauses.append("resume")


class Pair:
    """Two machines with a stream between them."""

    def __init__(self, seed: int = 1) -> None:
        self.queue = EventQueue()
        self.network = SimulatedNetwork(self.queue, dice.Random(seed))
        self.near, self.far = Machine(self.queue, "near"), Machine(self.queue, "far")
        self.here, self.there = Talker(), Talker()
        self.ends = StreamEnd(self.near, self.network), StreamEnd(self.far, self.network)
        self.network.meet(*self.ends)
        self.ends[0].join(self.here, self.ends[1])
        self.ends[1].join(self.there, self.ends[0])


def test_what_is_written_arrives_in_order_and_later() -> None:
    pair = Pair()
    for number in range(100):
        pair.here.transport.write(b"%03d" % number)
        pair.queue.run_until(pair.queue.now + 0.01)
    assert pair.there.heard != b"".join(b"%03d" % number for number in range(100))
    pair.queue.run_until(60)
    assert pair.there.heard == b"".join(b"%03d" % number for number in range(100))


def test_an_orderly_end_comes_after_what_was_written() -> None:
    pair = Pair()
    pair.here.transport.writeSequence([b"last ", b"words"])
    pair.here.transport.loseConnection()
    pair.here.transport.write(b"too late")
    pair.queue.run_until(60)
    assert pair.there.heard == b"last words" and (pair.here.ends, pair.there.ends) == (1, 1)


def test_whoever_writes_too_much_is_paused_until_it_has_arrived() -> None:
    pair = Pair()
    pair.here.transport.registerProducer(pair.here, True)
    pair.here.transport.write(bytes(BUFFER_BYTES + 1))
    assert pair.here.pauses == ["pause"]
    pair.queue.run_until(60)
    assert pair.here.pauses == ["pause", "resume"]


def test_a_broken_stream_delivers_nothing_and_most_ends_learn_of_it() -> None:
    ended = 0
    for seed in range(20):
        pair = Pair(seed)
        pair.here.transport.write(b"x")
        pair.network.break_some(1.0)
        pair.here.transport.write(b"y")
        pair.queue.run_until(60)
        assert pair.there.heard == b""
        ended += pair.here.ends + pair.there.ends
    assert 20 < ended < 40  # some never do: they have to find out themselves


def test_a_partition_breaks_what_is_across_it_and_nothing_else() -> None:
    for sides, ends in (({"near": 0, "far": 0}, 0), ({"near": 0, "far": 1}, 1)):
        pair = Pair(3)
        pair.network.divide(sides)
        pair.here.transport.write(b"x")
        pair.queue.run_until(60)
        assert pair.there.heard == (b"" if ends else b"x")
    assert pair.network.are_apart("near", "far")


def test_a_machine_that_is_gone_takes_its_streams_with_it() -> None:
    learnt = 0
    for seed in range(20):
        pair = Pair(seed)
        pair.far.is_dead = True
        pair.network.machine_gone(pair.far)
        pair.queue.run_until(60)
        learnt += pair.here.ends
        assert pair.network.open == []
    assert 10 < learnt <= 20


class Listener:
    """Of a Tor, or a factory of protocols."""

    def __init__(self) -> None:
        self.said = list[str]()
        self.talker = Talker()

    def buildProtocol(self, address: object) -> Talker:
        return self.talker

    def on_connected(self) -> None:
        self.said.append("connected")

    def on_ready(self) -> None:
        self.said.append("ready")

    def on_lost(self, reason: str) -> None:
        self.said.append("lost")

    def on_bootstrap(self, progress: int, summary: str) -> None:
        self.said.append("bootstrap")

    def on_onion_state(self, address: str, state: object) -> None:
        self.said.append("onion")


def dialled(refused_share: float = 0.0, is_apart: bool = False, is_up: bool = True) -> Any:
    """What comes of a dial from one Tor to an onion at another."""
    queue = EventQueue()
    network = SimulatedNetwork(queue, dice.Random(1))
    machines = Machine(queue, "near"), Machine(queue, "far")
    listeners = Listener(), Listener()
    tors = [SimulatedTor(network, who, machine) for who, machine in zip(listeners, machines, strict=True)]
    for tor in tors:
        tor.start()
    queue.run_until(10)
    assert listeners[0].said == ["connected", "ready"]
    port: Any = machines[1].listenTCP(0, listeners[1])
    service = OnionService("address", b"", port.getHost().port, (), None)
    ensureDeferred(tors[1].onions.publish(service))
    queue.run_until(20)
    network.refused_share = refused_share
    if is_apart:
        network.divide({"near": 1})
    if not is_up:
        tors[1].end()
    outcome: list[Any] = []
    tors[0].connect("address", 1, "user", Talker()).addBoth(outcome.append)
    assert outcome == []
    queue.run_until(60)
    return getattr(outcome[0], "value", outcome[0])


def test_a_dial_leads_to_a_stream_or_fails_as_tor_would() -> None:
    assert isinstance(dialled(), Talker)
    apart = dialled(is_apart=True)
    assert isinstance(apart, DialError) and apart.failure is DialFailure.INTRODUCTION_FAILED
    off = dialled(is_up=False)
    assert isinstance(off, DialError) and off.failure is DialFailure.NO_DESCRIPTOR
    assert isinstance(dialled(refused_share=1.0), DialError)


def test_a_tor_that_is_cut_loses_its_streams() -> None:
    pair = Pair()
    listener = Listener()
    tor = SimulatedTor(pair.network, listener, pair.near)
    tor.is_running = True
    tor.cut()
    pair.here.transport.write(b"x")
    pair.queue.run_until(60)
    assert listener.said == ["lost"] and pair.there.heard == b""
    tor.restore()
    assert listener.said[-1] == "ready"
