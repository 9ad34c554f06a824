"""Links over streams in memory and over loopback: records, faults on either side, limits, dialling, listening."""

import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import globalLogPublisher

from onionchat import limits
from onionchat.errors import LocalError, RemoteError
from onionchat.net import peer
from onionchat.net.failure import DialError, DialFailure
from onionchat.net.peer import COLLECTED_RECORDS_MAX, LINGER_SECONDS, PeerLink, PeerListener, dial
from onionchat.testing.memory import MemoryTransport, settle
from onionchat.wire.channel import State
from onionchat.wire.records import Ack, Batch, Ready
from tests.wire.stream import (
    ALICE,
    BOB,
    CAROL,
    INVITATION,
    INVITATION_CREDENTIALS,
    INVITATION_EXPECTED,
    counting_random,
    responder,
)

ADDRESS = "a" * 56
RECORD = Ack(b"c" * 32, ())
BIG = Batch(b"c" * 32, (b"x" * 40_000,))


class Observer:
    """Writes down what it hears, and does what the test wants then."""

    def __init__(self):
        self.heard = []
        self.links = []
        self.on = {}

    def _hear(self, what, link, *arguments):
        self.heard.append((what, *arguments))
        if what in self.on:
            self.on[what](link, *arguments)

    def channel_authenticated(self, link):
        self.links.append(link)
        self._hear("authenticated", link)

    def record_received(self, link, record):
        self._hear("record", link, record)

    def drained(self, link):
        self._hear("drained", link)

    def channel_closed(self, link, reason, remote_fault):
        self._hear("closed", link, reason, remote_fault)

    def of(self, what):
        return [event[1:] for event in self.heard if event[0] == what]


class Stream(MemoryTransport):
    """As TCP's: takes a producer, counts writes; `is_stuck` lets nothing through and pauses at once."""

    def __init__(self, clock):
        super().__init__(clock)
        self.no_delay = False
        self.producer = None
        self.is_stuck = False
        self.writes = 0
        self.was_aborted = False

    def setTcpNoDelay(self, enabled):
        self.no_delay = enabled

    def registerProducer(self, producer, streaming):
        assert streaming
        self.producer = producer

    def unregisterProducer(self):
        self.producer = None

    def write(self, data):
        self.writes += 1
        if not self.is_stuck:
            super().write(data)
        elif self.producer is not None:
            self.producer.pauseProducing()

    def loseConnection(self):
        if not self.is_stuck:
            super().loseConnection()

    def abortConnection(self):
        self.was_aborted = True
        super().abortConnection()


class Reactor(MemoryReactorClock):
    """Ports in `taken` are somebody else's."""

    taken = ()

    def listenTCP(self, port, factory, backlog=50, interface=""):
        if port in self.taken:
            raise CannotListenError(interface, port, OSError())
        return super().listenTCP(port, factory, backlog, interface)


class World:
    """Alice dials; Bob listens. `connect` is what Tor does."""

    def __init__(self, credentials=lambda: BOB.credentials):
        self.clock = Reactor()
        self.alice, self.bob = Observer(), Observer()
        self.listener = PeerListener(credentials, self.bob, "bob's onion", random=counting_random())
        self.listener.start(self.clock, "127.0.0.1")
        self.asked = []
        self.answer = None
        self.streams = []
        self.results = []

    def connect(self, address, port, isolation_user, protocol, timeout_seconds, fresh):
        self.asked.append((address, port, isolation_user, timeout_seconds, fresh))
        if self.answer is not None:
            return self.answer
        self.join(protocol)
        return succeed(protocol)

    def join(self, protocol):
        near, far = Stream(self.clock), Stream(self.clock)
        server = self.listener.buildProtocol(None)
        self.streams.append((near, far))
        if server is None:
            near.join(protocol, None)
            near.loseConnection()
            return
        far.join(server, near)
        near.join(protocol, far)

    def dial(self, expected=BOB.expected, credentials=ALICE.credentials, **options):
        dialling = dial(
            self, self.clock, credentials, expected, ADDRESS, 16600, "bob", self.alice, "bob", **options
        )  # fmt: skip
        dialling.addBoth(self.results.append)
        return dialling

    def settle(self):
        settle(self.clock, 40)
        return self

    def open(self, **options):
        self.dial(**options)
        self.settle()
        assert self.alice.heard == self.bob.heard == [("authenticated",)]
        self.a, self.b = self.alice.links[0], self.bob.links[0]
        self.near, self.far = self.streams[0]
        return self

    @property
    def failure(self):
        [result] = self.results
        assert isinstance(result.value, DialError)
        return result.value.failure


@pytest.fixture
def world():
    return World()


@pytest.fixture
def logged():
    events = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


# --- two links -------------------------------------------------------------------------------------


def test_two_devices_find_each_other_and_know_whom(world):
    world.clock.advance(5)
    world.open(fresh=True)
    assert world.results == [world.a]
    assert world.asked == [(ADDRESS, 16600, "bob", limits.DIAL_TIMEOUT_SECONDS, True)]
    assert (world.a.peer.device, world.b.peer.device) == (BOB.id, ALICE.id)
    assert (world.a.outgoing, world.b.outgoing) == (True, False)
    assert (world.a.service, world.b.service) == ("bob", "bob's onion")
    assert world.a.opened_at == world.b.opened_at == 5
    assert world.near.no_delay and world.far.no_delay


def test_an_invitation_is_dialled_like_a_device():
    world = World(lambda: INVITATION_CREDENTIALS).open(expected=INVITATION_EXPECTED)
    assert world.a.peer.invitation == INVITATION.public
    assert world.b.peer.device == ALICE.id


def test_records_go_both_ways_in_order(world):
    world.open()
    world.a.send([Ready(), RECORD])
    world.a.send([BIG])
    world.b.send([RECORD])
    world.settle()
    assert world.bob.of("record") == [(Ready(),), (RECORD,), (BIG,)]
    assert world.alice.of("record") == [(RECORD,)]


def test_a_burst_of_one_turn_is_one_write(world):
    world.open()
    before = world.near.writes
    for _ in range(COLLECTED_RECORDS_MAX - 1):
        world.a.send([RECORD])
    assert world.near.writes == before
    world.settle()
    assert world.near.writes == before + 1
    assert len(world.bob.of("record")) == COLLECTED_RECORDS_MAX - 1


def test_a_flush_does_not_wait_for_the_turn_s_end(world):
    world.open()
    before = world.near.writes
    world.a.send([RECORD])
    world.a.flush()
    assert world.near.writes == before + 1
    world.settle()
    assert world.near.writes == before + 1


def test_not_more_is_collected_than_fits_the_send_buffer(world):
    world.open()
    world.near.is_stuck = True
    sent = 0
    while not world.a.is_congested:
        world.a.send([BIG])
        sent += 1
    assert sent == COLLECTED_RECORDS_MAX


def test_nothing_is_sent_to_who_has_not_authenticated(world):
    link = PeerLink(world.clock, responder(), world.bob, None)
    with pytest.raises(LocalError):
        link.send([RECORD])


def test_records_may_be_sent_as_soon_as_it_is_authenticated(world):
    world.alice.on["authenticated"] = lambda link: link.send([Ready()])
    world.dial()
    world.settle()
    assert world.bob.heard == [("authenticated",), ("record", Ready())]


def test_a_renewal_loses_nothing(world):
    world.open()
    world.a.renew()
    for _ in range(3):
        world.a.send([RECORD])
        world.b.send([RECORD])
        world.clock.advance(0)
    world.settle()
    assert len(world.bob.of("record")) == len(world.alice.of("record")) == 3
    assert world.a.channel.state is world.b.channel.state is State.OPEN
    assert not world.a.closed


def test_heartbeats_keep_it_up_and_a_dead_peer_ends_it(world):
    world.open()
    for _ in range(40):
        world.clock.advance(10)
        settle(world.clock, 10)
    assert not world.a.closed and world.a.channel.rtt_seconds is not None
    world.far.write = lambda data: None  # nothing is heard of Bob any more
    for _ in range(15):
        world.clock.advance(10)
    assert world.alice.of("closed") == [("the other side no longer answers", False)]


# --- the end ---------------------------------------------------------------------------------------


def test_a_close_sends_what_was_collected_and_says_goodbye(world):
    world.open()
    world.a.send([RECORD])
    world.a.close("done")
    assert world.a.closed and world.alice.of("closed") == [("done", False)]
    world.settle()
    assert world.bob.heard[1:] == [("record", RECORD), ("closed", "the other side said goodbye: done", False)]
    assert not world.near.was_aborted and not world.near.is_open


def test_after_the_end_everything_is_harmless(world):
    world.open()
    world.a.close("done")
    world.settle()
    heard = list(world.alice.heard)
    world.a.send([RECORD])
    world.a.flush()
    world.a.renew()
    world.a.restrict(1, 1)
    world.a.close("done")
    world.a.drop("done")
    world.a.dataReceived(b"x")
    world.a.pauseProducing()
    world.a.resumeProducing()
    world.a.stopProducing()
    world.a.connectionLost()
    assert world.a.is_congested
    assert world.alice.heard == heard
    assert world.clock.getDelayedCalls() == []


def test_a_drop_says_nothing(world):
    world.open()
    world.a.send([RECORD])
    world.a.drop("blocked")
    world.settle()
    assert world.near.was_aborted
    assert world.bob.heard[1:] == [("closed", "the connection was lost", False)]


def test_a_lost_connection_is_told_once_on_each_side(world):
    world.open()
    world.a.send([RECORD])
    world.near.abortConnection()
    world.settle()
    for observer in (world.alice, world.bob):
        assert observer.of("closed") == [("the connection was lost", False)]
    assert world.clock.getDelayedCalls() == []


def test_an_end_that_is_not_taken_is_cut_short(world):
    world.open()
    world.near.is_stuck = True
    world.a.close("done")
    world.clock.advance(LINGER_SECONDS - 1)
    assert not world.near.was_aborted
    world.clock.advance(1)
    world.settle()
    assert world.near.was_aborted and not world.near.is_open


def test_garbage_in_a_session_is_the_other_side_s_fault(world):
    world.open()
    world.near.write(b"\x17\x03\x03\x00\x20" + bytes(32))
    world.settle()
    [(_, remote_fault)] = world.bob.of("closed")
    assert remote_fault and world.far.was_aborted


def test_a_stranger_s_caps_hold(world):
    world.open()
    world.b.restrict(limits.STRANGER_RECORD_MAX_BYTES, limits.STRANGER_TOTAL_MAX_BYTES)
    world.a.send([BIG])
    world.settle()
    assert world.bob.of("record") == []
    assert world.bob.of("closed")[0][1]


# --- an observer that fails, or ends it --------------------------------------------------------------


def test_what_the_observer_refuses_ends_the_link_as_the_peer_s_fault(world, logged):
    def refuse(link, record):
        raise RemoteError("a batch out of order")

    world.open()
    world.bob.on["record"] = refuse
    world.a.send([RECORD, RECORD])
    world.settle()
    assert world.bob.heard[1:] == [("record", RECORD), ("closed", "a batch out of order", True)]
    assert world.far.was_aborted
    assert world.alice.of("closed") == [("the connection was lost", False)]
    assert logged == []


@pytest.mark.parametrize("what", ["authenticated", "record", "drained"])
def test_a_fault_of_the_observer_ends_that_link_alone(world, logged, what):
    def break_down(link, *arguments):
        raise KeyError("secret text")

    world.bob.on[what] = break_down
    world.dial()
    world.settle()
    world.alice.links[0].send([RECORD])
    world.settle()
    if what == "drained":
        world.bob.links[0].pauseProducing()
        world.bob.links[0].resumeProducing()
        world.settle()
    assert world.bob.of("closed") == [("error", False)]
    assert world.alice.of("closed") == [("the other side said goodbye: error", False)]
    [event] = logged
    assert event["kind"] == "KeyError" and "secret" not in str(event)


def test_a_fault_while_hearing_of_the_end_is_logged_and_no_more(world, logged):
    def break_down(link, *arguments):
        raise KeyError

    world.open()
    world.bob.on["closed"] = break_down
    world.b.close("done")
    world.settle()
    assert len(world.bob.of("closed")) == 1
    assert [event["kind"] for event in logged] == ["KeyError"]


def test_a_fault_of_ours_in_the_channel_ends_the_link(world, logged):
    world.open()
    world.a.send([Batch(b"c" * 32, (b"secret" * 20_000,))])  # longer than any frame
    world.settle()
    assert world.alice.of("closed") == [("error", False)]
    [event] = logged
    assert event["kind"] == "LocalError" and "secret" not in str(event)


def test_nothing_is_heard_of_a_link_that_the_observer_has_closed(world):
    world.open()
    world.bob.on["record"] = lambda link, record: link.close("full")
    world.a.send([RECORD, RECORD, RECORD])
    world.settle()
    assert world.bob.heard[1:] == [("record", RECORD), ("closed", "full", False)]
    assert world.alice.of("closed") == [("the other side said goodbye: full", False)]


def test_the_last_records_of_a_peer_that_leaves_are_heard_and_may_be_answered(world):
    world.open()
    world.bob.on["record"] = lambda link, record: link.send([Ready()])
    world.a.send([RECORD, RECORD])
    world.a.close("done")
    world.settle()
    assert [event[0] for event in world.bob.heard[1:]] == ["record", "record", "closed"]


# --- a peer that does not read -----------------------------------------------------------------------


def test_it_is_congested_until_the_buffer_is_empty(world):
    world.open()
    assert not world.a.is_congested
    world.near.producer.pauseProducing()
    assert world.a.is_congested
    world.near.producer.resumeProducing()
    assert not world.a.is_congested
    assert world.alice.of("drained") == [()]
    world.clock.advance(limits.SEND_STALL_SECONDS)
    assert "the other side does not take what is sent" not in [reason for reason, _ in world.alice.of("closed")]


class Readable:
    """What TCP's transport has for its reader."""

    def __init__(self, stream):
        self.said, self.stream = [], stream
        stream.pauseProducing = lambda: self.said.append("pause")
        stream.resumeProducing = lambda: self.said.append("resume")


@pytest.fixture
def work(monkeypatch):
    """How much processor time each piece of bytes costs, as the test says."""
    spent = [0.0, 0.0]

    def thread_time():
        spent[0] += spent[1]
        return spent[0]

    monkeypatch.setattr(peer.time, "thread_time", thread_time)
    return spent


def test_who_costs_much_work_rests_as_long(world, work):
    world.open()
    far = Readable(world.far)
    work[1] = limits.TURN_SECONDS_MAX / 2
    world.a.send([RECORD])
    world.settle()
    assert far.said == []
    work[1] = 0.25
    world.a.send([RECORD])
    world.settle()
    assert far.said == ["pause"] and not world.b.closed
    world.clock.advance(0.2)
    assert far.said == ["pause"]
    world.clock.advance(0.06)
    assert far.said == ["pause", "resume"]


def test_who_rests_at_the_end_is_read_again(world, work):
    """Else nobody would notice that the other side has closed, too."""
    world.open()
    far = Readable(world.far)
    work[1] = 0.25
    world.a.send([RECORD])
    world.settle()
    world.b.close("done")
    assert far.said == ["pause", "resume"]
    world.clock.advance(1)
    assert far.said == ["pause", "resume"]


def test_what_a_renewal_holds_counts_as_congestion(world):
    world.open()
    world.a.renew()
    for _ in range(limits.SEND_BUFFER_MAX_BYTES // limits.FRAME_MAX_BYTES + 1):
        world.a.send([BIG])
    world.a.flush()
    assert world.a.is_congested
    world.settle()
    assert not world.a.is_congested
    assert world.alice.of("drained") == [()]
    assert len(world.bob.of("record")) == limits.SEND_BUFFER_MAX_BYTES // limits.FRAME_MAX_BYTES + 1


def test_a_peer_that_takes_nothing_for_long_is_dropped(world):
    world.open()
    world.b.pauseProducing()
    for _ in range(int(limits.SEND_STALL_SECONDS // 10)):
        assert not world.b.closed
        world.clock.advance(10)
        settle(world.clock, 5)
    assert world.bob.of("closed") == [("the other side does not take what is sent", False)]


def test_a_peer_that_asks_and_never_reads_cannot_fill_the_memory(world):
    world.open()
    world.far.is_stuck = True
    sent = 0
    while not world.b.closed:
        world.b.send([BIG])
        world.b.flush()
        sent += 1
    assert sent <= limits.SEND_BUFFER_FULL_BYTES // limits.FRAME_MAX_BYTES + 2
    assert world.bob.of("closed") == [("the other side does not take what is sent", False)]


# --- listening ---------------------------------------------------------------------------------------


class Silent(PeerLink):
    """A stranger that connects and says nothing."""

    def __init__(self):
        self.is_open = True

    def connectionMade(self):
        pass

    def dataReceived(self, data):
        pass

    def connectionLost(self, reason=None):
        self.is_open = False


def test_the_oldest_half_open_is_dropped_first(world):
    strangers = [Silent() for _ in range(limits.HALF_OPEN_MAX + 2)]
    for stranger in strangers:
        world.join(stranger)
    world.settle()
    assert [stranger.is_open for stranger in strangers] == [False, False] + [True] * limits.HALF_OPEN_MAX
    assert world.bob.heard == [("closed", "too many connections before authentication", False)] * 2


def test_who_has_authenticated_makes_room(world):
    world.open()
    for _ in range(limits.HALF_OPEN_MAX + 5):
        world.join(Silent())
    world.settle()
    assert not world.b.closed


def test_a_squatter_has_a_minute(world):
    stranger = Silent()
    world.join(stranger)
    world.clock.advance(limits.PRE_AUTH_TIMEOUT_SECONDS)
    world.settle()
    assert not stranger.is_open
    assert world.bob.of("closed") == [("the handshake took too long", True)]


def test_garbage_before_authentication_gets_no_answer(world):
    stranger = Silent()
    world.join(stranger)
    world.streams[0][0].write(b"GET / HTTP/1.1\r\n\r\n")
    world.settle()
    assert not stranger.is_open and world.streams[0][1].writes == 0


def test_the_first_free_port_of_the_range_is_taken(world):
    world.clock.taken = (16600, 16601)
    listener = PeerListener(lambda: BOB.credentials, world.bob, None)
    assert listener.start(world.clock, "0.0.0.0", range(16600, 16650)) == 16602
    with pytest.raises(LocalError, match="already"):
        listener.start(world.clock, "0.0.0.0")


def test_no_free_port_is_said(world):
    world.clock.taken = (16600, 16601)
    listener = PeerListener(lambda: BOB.credentials, world.bob, None)
    with pytest.raises(LocalError, match="16600 to 16601 are in use"):
        listener.start(world.clock, "127.0.0.1", range(16600, 16602))


def test_stopping_drops_who_has_not_authenticated(world):
    world.open()
    stranger = Silent()
    world.join(stranger)
    stopped = []
    world.listener.stop().addCallback(stopped.append)
    world.settle()
    assert stopped == [None] and not stranger.is_open and not world.b.closed
    assert world.listener.buildProtocol(None) is None
    world.listener.stop().addCallback(stopped.append)
    assert stopped == [None, None]


def test_each_start_has_a_certificate_of_its_own(world):
    before = world.listener._tls
    world.listener.stop()
    world.listener.start(world.clock, "127.0.0.1")
    assert world.listener._tls is not before


def test_credentials_are_asked_for_at_each_stream_and_may_be_missing(logged):
    def locked():
        raise LocalError("locked")

    world = World(locked)
    world.dial()
    world.settle()
    assert world.failure is DialFailure.LOST
    assert [event["kind"] for event in logged] == ["LocalError"]


# --- dialling ----------------------------------------------------------------------------------------


def test_a_dial_that_tor_cannot_make_fails_with_its_reason(world):
    world.answer = fail(DialError(DialFailure.NO_DESCRIPTOR))
    world.dial()
    assert world.failure is DialFailure.NO_DESCRIPTOR
    assert world.alice.heard == [] and world.clock.getDelayedCalls() == []


def test_another_device_than_the_dialled_one_is_rejected(world):
    world.dial(expected=CAROL.expected)
    world.settle()
    assert world.failure is DialFailure.REJECTED
    assert world.alice.heard == [("closed", "another device answered", True)]


def test_a_stream_that_breaks_in_the_handshake_is_lost(world):
    world.dial()
    world.streams[0][1].abortConnection()
    world.settle()
    assert world.failure is DialFailure.LOST
    assert world.alice.of("closed") == [("the connection was lost", False)]


def test_an_answer_that_never_comes_times_out(world):
    world.answer = Deferred()
    world.dial(timeout_seconds=20)
    world.clock.advance(19)
    assert world.results == []
    world.clock.advance(1)
    assert world.failure is DialFailure.TIMED_OUT
    assert world.alice.heard == []


@pytest.mark.parametrize("timeout_seconds", [20, limits.PRE_AUTH_TIMEOUT_SECONDS, 600])
def test_a_handshake_that_never_ends_times_out(world, timeout_seconds):
    world.dial(timeout_seconds=timeout_seconds)
    world.streams[0][0].is_open = False  # nothing reaches it any more
    world.streams[0][1].is_open = False
    world.clock.advance(min(timeout_seconds, limits.PRE_AUTH_TIMEOUT_SECONDS))
    assert world.failure is DialFailure.TIMED_OUT
    assert len(world.alice.of("closed")) == 1


def test_a_dial_may_be_cancelled_before_there_is_a_stream(world):
    cancelled = []
    world.answer = Deferred(lambda _: cancelled.append(True))
    dialling = world.dial()
    dialling.cancel()
    assert world.failure is DialFailure.CANCELLED
    assert cancelled == [True] and world.alice.heard == [] and world.clock.getDelayedCalls() == []


def test_a_dial_may_be_cancelled_in_the_handshake(world):
    dialling = world.dial()
    dialling.cancel()
    world.settle()
    assert world.failure is DialFailure.CANCELLED
    assert [event[0] for event in world.alice.heard] == ["closed"]
    assert [event[0] for event in world.bob.heard] == ["closed"]


def test_a_stream_that_comes_after_the_cancellation_is_dropped(world):
    links = []
    world.answer = Deferred(lambda _: None)
    world.answer.addErrback(lambda reason: reason.trap(CancelledError))
    connect = world.connect
    world.connect = lambda *arguments: links.append(arguments[3]) or connect(*arguments)
    world.dial().cancel()
    world.join(links[0])
    world.settle()
    assert world.streams[0][0].was_aborted and world.alice.heard == []


def test_the_dial_is_told_before_the_observer(world):
    order = []
    world.alice.on["authenticated"] = lambda link: order.append("observer")
    world.dial().addCallback(lambda _: order.append("dial"))
    world.settle()
    assert order == ["dial", "observer"]


def test_who_dialled_may_close_it_at_once(world):
    dial(
        world, world.clock, ALICE.credentials, BOB.expected, ADDRESS, 16600, "bob", world.alice, None
    ).addCallback(lambda link: link.close("replaced"))  # fmt: skip
    world.settle()
    assert world.alice.heard == [("closed", "replaced", False)]


# --- real sockets --------------------------------------------------------------------------------------


class Loopback:
    """Connects to a port of this machine, whatever onion was asked for."""

    def __init__(self, reactor, port):
        self.reactor, self.port = reactor, port

    def connect(self, address, port, isolation_user, protocol, timeout_seconds, fresh):
        return connectProtocol(TCP4ClientEndpoint(self.reactor, "127.0.0.1", self.port), protocol)


@pytest_twisted.ensureDeferred
async def test_over_tcp_many_records_pass_under_back_pressure():
    from twisted.internet import reactor

    alice, bob = Observer(), Observer()
    listener = PeerListener(lambda: BOB.credentials, bob, None)
    port = listener.start(reactor, "127.0.0.1")
    total, left, ended = 400, 400, Deferred()

    def produce(link):
        nonlocal left
        while left and not link.is_congested:
            link.send([BIG])
            left -= 1

    def count(link, record):
        if len(bob.of("record")) == total:
            link.close("done")

    bob.on["record"] = count
    alice.on["drained"] = produce
    alice.on["closed"] = lambda link, *_: ended.callback(None)
    tor = Loopback(reactor, port)
    link = await dial(tor, reactor, ALICE.credentials, BOB.expected, ADDRESS, 16600, "b", alice, None)
    produce(link)
    assert left > 0
    await ended
    await listener.stop()
    assert len(bob.of("record")) == total
    assert len(alice.of("drained")) > 1
    assert alice.of("closed") == [("the other side said goodbye: done", False)]
