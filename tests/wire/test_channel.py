"""Two channels over a stream that is cut, changed, replayed, downgraded, lied on and left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onionchat import limits
from onionchat.crypto.tls import TlsIdentity, TlsSession
from onionchat.errors import LocalError
from onionchat.wire.channel import OTHER_REASON, Channel, State
from onionchat.wire.commands import Closed, PeerAuthenticated, RecordReceived, SendBytes, WakeAt
from onionchat.wire.frame import encode_frame
from onionchat.wire.handshake import DeviceExpected
from onionchat.wire.records import (
    AnyRecord,
    Batch,
    ConversationUnknown,
    Goodbye,
    Ping,
    Pong,
    Ready,
    RenewalAccepted,
    RenewalProposed,
)
from tests.wire.stream import (
    ALICE,
    BOB,
    CAROL,
    INVITATION,
    INVITATION_CREDENTIALS,
    INVITATION_EXPECTED,
    Device,
    End,
    Stream,
    counting_random,
    initiator,
    only_groups,
    responder,
    tls_records,
)

NEWER_BOB = Device(BOB.number, serial=2)


def unknown(number: int) -> ConversationUnknown:
    return ConversationUnknown(number.to_bytes(32))


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def inject(stream: Stream, end: End, plaintext: bytes) -> None:
    """What a dishonest, authenticated other side could send to `end`: any plaintext in a good TLS session."""
    other = stream.r if end is stream.i else stream.i
    session = other.channel._tls
    assert session is not None
    session.write(plaintext)
    end.arriving += session.output()
    stream.deliver(end)


# --- the handshake ----------------------------------------------------------------------------------
def test_both_ends_prove_who_they_are_and_share_the_binding() -> None:
    stream = Stream().open()
    i, r = stream.i.channel, stream.r.channel
    assert [command.peer.device for command in stream.i.authenticated] == [BOB.id]
    assert [command.peer.device for command in stream.r.authenticated] == [ALICE.id]
    assert i.peer is not None and i.peer.certificate_raw == BOB.certificate and i.peer.static == BOB.static.public
    assert len(i.exporter) == len(i.handshake_hash) == 32
    assert (i.exporter, i.handshake_hash) == (r.exporter, r.handshake_hash)
    assert i.exporter != i.handshake_hash


def test_two_channels_of_one_pair_share_nothing() -> None:
    one, two = Stream().open().i.channel, Stream().open().i.channel
    assert one.exporter != two.exporter and one.handshake_hash != two.handshake_hash


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100, 1000])
def test_the_stream_may_be_cut_anywhere(size: int) -> None:
    stream = Stream(cut=lambda data: [data[at : at + size] for at in range(0, len(data), size)]).open()
    stream.send(stream.i, Ready(), unknown(1))
    stream.send(stream.r, unknown(2))
    stream.settle()
    assert stream.r.records == [Ready(), unknown(1)] and stream.i.records == [unknown(2)]


@settings(max_examples=20)
@given(cuts=st.lists(st.integers(1, 2000), min_size=1, max_size=30))
def test_cuts_of_any_size_change_nothing(cuts: list[int]) -> None:
    def cut(data: bytes) -> list[bytes]:
        pieces, at = [], 0
        for size in cuts:
            pieces.append(data[at : at + size])
            at += size
        return [piece for piece in (*pieces, data[at:]) if piece]

    stream = Stream(cut=cut).open()
    stream.send(stream.i, unknown(1))
    stream.take(stream.r, stream.r.channel.renew(stream.now))
    stream.send(stream.r, unknown(2))
    stream.settle()
    assert stream.r.records == [unknown(1)] and stream.i.records == [unknown(2)]


def test_records_behind_the_last_handshake_message_arrive_after_the_peer() -> None:
    """The initiator may speak at once; its records then arrive together with its proof."""
    stream = Stream().start()
    stream.deliver(stream.r)
    stream.deliver(stream.i)
    stream.deliver(stream.r)
    stream.deliver(stream.i)
    assert stream.i.channel.state is State.OPEN and stream.r.channel.state is State.HANDSHAKE
    stream.send(stream.i, Ready())
    stream.settle()
    kinds = [type(command) for command in stream.r.commands if not isinstance(command, (SendBytes, WakeAt))]
    assert kinds == [PeerAuthenticated, RecordReceived]


def test_nothing_can_be_sent_before_the_peer_is_known() -> None:
    channel = responder()
    with pytest.raises(LocalError):
        channel.send_records([Ready()], 0)
    channel.connection_made(0)
    with pytest.raises(LocalError):
        channel.send_records([Ready()], 0)


def assert_initiator_kept_silent(stream: Stream) -> None:
    """It refused, and its certificate never left."""
    assert stream.i.closed is not None and stream.i.closed.remote_fault
    assert stream.i.authenticated == [] and stream.r.authenticated == []
    assert stream.r.channel.state is State.HANDSHAKE


@pytest.mark.parametrize(
    "expected",
    [
        CAROL.expected,
        DeviceExpected(BOB.id, CAROL.address),
        DeviceExpected(BOB.id, BOB.address, serial=2),
        DeviceExpected(BOB.id, CAROL.address, serial=1),
        INVITATION_EXPECTED,
    ],
    ids=[
        "another device",
        "another address",
        "rolled back",
        "another address, not newer",
        "a device for an invitation",
    ],
)
def test_the_initiator_refuses_whom_it_did_not_dial(expected: DeviceExpected) -> None:
    assert_initiator_kept_silent(Stream(initiator(expected=expected)).start().settle())


@pytest.mark.parametrize(
    "expected",
    [DeviceExpected(BOB.id), DeviceExpected(BOB.id, BOB.address, 1), DeviceExpected(BOB.id, BOB.address, 0)],
)
def test_the_initiator_takes_what_fits(expected: DeviceExpected) -> None:
    Stream(initiator(expected=expected)).open()


def test_a_device_that_has_moved_says_so_in_a_newer_certificate() -> None:
    expected = DeviceExpected(BOB.id, BOB.address, BOB.serial)
    stream = Stream(initiator(expected=expected), responder(NEWER_BOB.credentials)).open()
    assert stream.i.channel.peer is not None and stream.i.channel.peer.certificate is not None
    assert stream.i.channel.peer.certificate.address == NEWER_BOB.address


def test_a_device_refuses_itself_on_both_sides() -> None:
    """A reflected connection, and one's own identity with another static key (a restored copy)."""
    same = Stream(initiator(BOB.credentials), responder()).start().settle()
    assert_initiator_kept_silent(same)
    copy = Stream(initiator(NEWER_BOB.credentials), responder()).start().settle()
    assert_initiator_kept_silent(copy)


def test_a_reflected_stream_ends() -> None:
    """Every byte of the initiator comes back to it."""
    channel = initiator()
    commands = channel.connection_made(0)
    for command in commands:
        if isinstance(command, SendBytes):
            assert isinstance(channel.receive_bytes(command.data, 0)[-1], Closed)


def test_at_an_invitation_no_device_shows() -> None:
    stream = Stream(initiator(expected=INVITATION_EXPECTED), responder(INVITATION_CREDENTIALS)).open()
    peer = stream.i.channel.peer
    assert peer is not None and peer.device is None and peer.certificate is None
    assert peer.invitation == INVITATION.public
    assert stream.r.channel.peer is not None and stream.r.channel.peer.device == ALICE.id


def test_an_invitation_does_not_pass_for_a_device_or_another_invitation() -> None:
    assert_initiator_kept_silent(Stream(initiator(), responder(INVITATION_CREDENTIALS)).start().settle())
    other = type(INVITATION_EXPECTED)(CAROL.address)
    assert_initiator_kept_silent(Stream(initiator(expected=other), responder(INVITATION_CREDENTIALS)).start().settle())


def test_another_group_is_another_network() -> None:
    stream = Stream(initiator(group=b"onionchat/1"), responder(group=b"onionchat/2")).start().settle()
    assert_initiator_kept_silent(stream)


# --- an enemy on the way ------------------------------------------------------------------------------
def test_a_responder_without_the_hybrid_group_is_refused() -> None:
    """The other direction, where the initiator has only X25519: test_handshake."""
    classical = only_groups(TlsIdentity.generate(), b"X25519")
    stream = Stream(initiator(), responder(tls=classical)).start().settle()
    assert stream.i.closed is not None and stream.i.channel.exporter == b""
    assert stream.i.authenticated == stream.r.authenticated == []


def test_tls_1_2_is_refused() -> None:
    from OpenSSL import SSL

    old = TlsIdentity.generate()
    for context in (old.client_context, old.server_context):
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
    stream = Stream(initiator(tls=old), responder()).start().settle()
    assert stream.r.closed is not None and stream.r.written == b""
    stream = Stream(initiator(), responder(tls=old)).start().settle()
    assert stream.i.authenticated == [] and stream.r.authenticated == []


def test_a_recorded_stream_opens_nothing_when_replayed() -> None:
    recorded = Stream().open()
    recorded.send(recorded.i, Ready())
    recorded.settle()
    victim = responder()
    victim.connection_made(0)
    commands = victim.receive_bytes(recorded.i.written, 0)
    assert isinstance(commands[-1], Closed) and not any(isinstance(c, PeerAuthenticated) for c in commands)
    dialler = initiator()
    dialler.connection_made(0)
    assert isinstance(dialler.receive_bytes(recorded.r.written, 0)[-1], Closed)


def test_a_truncated_handshake_ends_at_the_deadline() -> None:
    whole = Stream().open()
    lengths = (len(whole.i.written), len(whole.r.written))
    for length in range(0, lengths[0], 97):
        stream = Stream(cut=lambda data: [data]).start()
        stream.r.arriving = stream.r.arriving[:length]
        stream.settle()
        stream.wake(limits.PRE_AUTH_TIMEOUT_SECONDS)
        if length < 1400:  # within the first flight
            assert stream.i.closed is not None and stream.r.closed is not None


@pytest.mark.parametrize("side", ["initiator", "responder"])
def test_no_byte_of_the_handshake_can_be_changed(side: str) -> None:
    """Whatever is changed: nobody is authenticated wrongly, and nothing raises. Encrypted bytes: never both open."""
    whole = Stream().open()
    total = len((whole.i if side == "initiator" else whole.r).written)
    for at in range(0, total, 7):
        stream = Stream()
        victim, sender = (stream.r, stream.i) if side == "initiator" else (stream.i, stream.r)
        _run_with_changed_byte(stream, victim, sender, at)
        both = stream.i.channel.state is State.OPEN and stream.r.channel.state is State.OPEN
        for end, peer in ((stream.i, BOB), (stream.r, ALICE)):
            assert all(command.peer.device == peer.id for command in end.authenticated)
        if both:
            assert stream.i.channel.exporter == stream.r.channel.exporter
            assert _is_plain(sender.written, at)


def _run_with_changed_byte(stream: Stream, victim: End, sender: End, at: int) -> None:
    passed = 0
    stream.start()
    while stream.i.arriving or stream.r.arriving:
        for end in (stream.r, stream.i):
            if end is victim and passed <= at < passed + len(end.arriving):
                changed = bytearray(end.arriving)
                changed[at - passed] ^= 0x15
                end.arriving = bytes(changed)
            if end is victim:
                passed += len(end.arriving)
            stream.deliver(end)


def _is_plain(written: bytes, at: int) -> bool:
    return any(start <= at < start + len(record) and record[0] != 23 for start, record in tls_records(written))


def test_a_changed_byte_ends_an_open_channel() -> None:
    clean = Stream().open()
    clean.send(clean.i, unknown(1))
    size = len(clean.r.arriving)
    for at in range(0, size, 23):
        stream = Stream().open()
        stream.send(stream.i, unknown(1))
        changed = bytearray(stream.r.arriving)
        changed[at] ^= 1
        stream.r.arriving = bytes(changed)
        stream.deliver(stream.r)
        assert stream.r.records == []
        if stream.r.closed is None:  # only a length that has grown still waits for its end
            assert at in (3, 4)


def test_a_repeated_or_dropped_record_ends_an_open_channel() -> None:
    stream = Stream().open()
    stream.send(stream.i, unknown(1))
    stream.r.arriving *= 2
    stream.settle()
    assert stream.r.records == [unknown(1)] and stream.r.closed is not None and stream.r.closed.remote_fault
    stream = Stream().open()
    stream.send(stream.i, unknown(1))
    stream.r.arriving = b""
    stream.send(stream.i, unknown(2))
    stream.settle()
    assert stream.r.records == [] and stream.r.closed is not None


@settings(max_examples=100)
@given(data=st.binary(max_size=3000), size=st.integers(1, 500), dialled=st.booleans())
def test_garbage_before_authentication_only_closes(data: bytes, size: int, dialled: bool) -> None:
    channel = initiator() if dialled else responder()
    channel.connection_made(0)
    for at in range(0, len(data), size):
        for command in channel.receive_bytes(data[at : at + size], 0):
            assert isinstance(command, (Closed, WakeAt))
    assert channel._tls_records.waiting_bytes <= limits.PRE_AUTH_MAX_BYTES


@settings(max_examples=100)
@given(data=st.binary(min_size=1, max_size=3000))
def test_garbage_of_an_authenticated_peer_only_closes(data: bytes) -> None:
    stream = Stream().open()
    inject(stream, stream.r, data)
    assert stream.r.records == []
    assert stream.r.channel.state in (State.OPEN, State.CLOSED)
    assert stream.r.channel._frames.waiting_bytes <= limits.FRAME_MAX_BYTES


def test_a_stranger_may_not_send_more_than_the_cap() -> None:
    """One TLS record that is announced long, and many whole ones."""
    channel = responder()
    channel.connection_made(0)
    header = bytes((22, 3, 1)) + (2**14).to_bytes(2)
    assert channel.receive_bytes(header + bytes(10_000), 0) == []
    assert channel.receive_bytes(bytes(6379), 0) == []
    assert isinstance(channel.receive_bytes(bytes(1), 0)[-1], Closed)
    small = responder(pre_auth_max_bytes=1000)
    stream = Stream(initiator(), small).start().settle()
    assert stream.r.closed == Closed("too many bytes before authentication", True)


@pytest.mark.parametrize("role", [initiator, responder])
def test_who_is_silent_before_authentication_is_dropped(role: type) -> None:
    channel: Channel = role(pre_auth_timeout_seconds=5.0)
    wakes = [command.at for command in channel.connection_made(100.0) if isinstance(command, WakeAt)]
    assert wakes == [105.0]
    assert channel.wake(104.9) == [WakeAt(105.0)]
    assert channel.wake(105.0) == [Closed("the handshake took too long", True)]


def test_an_unknown_record_is_a_fault_of_the_other_side() -> None:
    import msgspec

    stream = Stream().open()
    body = msgspec.msgpack.encode([[99]])
    inject(stream, stream.r, (509).to_bytes(3) + len(body).to_bytes(2) + body + bytes(507 - len(body)))
    assert stream.r.closed is not None and stream.r.closed.remote_fault
    assert stream.r.commands[-1] is stream.r.closed


def test_key_updates_without_end_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS records that carry nothing cost us and tell us nothing."""
    stream = Stream().open()
    monkeypatch.setattr(TlsSession, "read", lambda session, record: b"")
    for number in range(limits.SILENT_TLS_RECORDS_MAX + 1):
        assert stream.r.closed is None
        stream.send(stream.i, unknown(number))
        stream.settle()
    assert stream.r.closed is not None and stream.r.closed.remote_fault


# --- records ------------------------------------------------------------------------------------------
def test_small_records_share_a_frame_and_one_write() -> None:
    stream = Stream().open()
    before = stream.i.channel.bytes_sent
    commands = stream.i.channel.send_records([unknown(number) for number in range(10)], 0)
    assert [type(command) for command in commands] == [SendBytes]
    assert stream.i.channel.bytes_sent - before == 512 + 22
    stream.take(stream.i, commands)
    stream.settle()
    assert stream.r.records == [unknown(number) for number in range(10)]


def test_a_hundred_thousand_bytes_arrive_in_order() -> None:
    stream = Stream().open()
    records: list[AnyRecord] = [Batch(number.to_bytes(32), (bytes(40_000),)) for number in range(10)]
    stream.send(stream.i, *records)
    stream.settle()
    assert stream.r.records == records


def test_bytes_are_counted() -> None:
    stream = Stream().open()
    assert stream.i.channel.bytes_sent == len(stream.i.written) == stream.r.channel.bytes_received


def test_a_record_that_fits_no_frame_is_refused_and_changes_nothing() -> None:
    stream = Stream().open()
    with pytest.raises(LocalError):
        stream.i.channel.send_records([Batch(bytes(32), (bytes(40_000), bytes(40_000)))], 0)
    stream.send(stream.i, unknown(1))
    stream.settle()
    assert stream.r.records == [unknown(1)]


# --- strangers ----------------------------------------------------------------------------------------
def test_a_restricted_peer_sends_no_long_record() -> None:
    stream = Stream().open()
    assert stream.r.channel.restrict(1000, 10_000) == []
    stream.send(stream.i, Batch(bytes(32), (bytes(900),)))
    stream.settle()
    assert len(stream.r.records) == 1
    stream.send(stream.i, Batch(bytes(32), (bytes(1100),)))
    stream.settle()
    assert len(stream.r.records) == 1 and stream.r.closed is not None and stream.r.closed.remote_fault


def test_a_restricted_peer_sends_no_more_than_its_total_but_may_live() -> None:
    stream = Stream().open()
    stream.r.channel.restrict(1000, 2048)
    for number in range(30):
        stream.now += 1
        inject(stream, stream.r, encode_frame([Ping(number)])[0])
    for number in range(4):
        stream.send(stream.i, unknown(number))
        stream.settle()
    assert len(stream.r.records) == 4 and stream.r.closed is None
    stream.send(stream.i, unknown(5))
    stream.settle()
    assert len(stream.r.records) == 4 and stream.r.closed is not None


def test_a_restriction_counts_what_came_before_it() -> None:
    stream = Stream().open()
    stream.send(stream.i, *(Batch(bytes(32), (bytes(900),)) for _ in range(10)))
    stream.settle()
    assert isinstance(stream.r.channel.restrict(1000, 4096)[-1], Closed)


def test_at_an_invitation_the_caps_hold_by_themselves() -> None:
    stream = Stream(initiator(expected=INVITATION_EXPECTED), responder(INVITATION_CREDENTIALS)).open()
    stream.send(stream.i, Batch(bytes(32), (bytes(limits.STRANGER_RECORD_MAX_BYTES - 200),)))
    stream.settle()
    assert len(stream.r.records) == 1
    stream.send(stream.i, Batch(bytes(32), (bytes(limits.STRANGER_RECORD_MAX_BYTES),)))
    stream.settle()
    assert stream.r.closed is not None and stream.r.closed.remote_fault


# --- heartbeats ---------------------------------------------------------------------------------------
def test_silence_is_broken_by_a_heartbeat_that_gives_the_round_trip_time() -> None:
    stream = Stream().open()
    assert stream.i.wakes[-1] == limits.HEARTBEAT_SECONDS
    stream.now = limits.HEARTBEAT_SECONDS
    stream.take(stream.i, stream.i.channel.wake(stream.now))
    stream.deliver(stream.r)
    stream.now += 0.25
    stream.deliver(stream.i)
    assert stream.i.channel.rtt_seconds == pytest.approx(0.25)
    assert stream.i.records == stream.r.records == []
    assert stream.i.wakes[-1] > stream.now


def test_two_lost_heartbeats_are_the_end() -> None:
    stream = Stream().open()
    now = 0.0
    for _ in range(limits.HEARTBEATS_LOST_MAX + 1):
        now = stream.i.wakes[-1]
        stream.take(stream.i, stream.i.channel.wake(now))
    assert now == limits.HEARTBEAT_SECONDS + 2 * limits.HEARTBEAT_TIMEOUT_SECONDS
    assert stream.i.closed == Closed("the other side no longer answers", False)


def test_whatever_arrives_is_a_sign_of_life() -> None:
    stream = Stream().open()
    for step in range(1, 20):
        stream.now = step * 40.0
        stream.send(stream.r, unknown(step))
        stream.settle()
        written = len(stream.i.written)
        stream.take(stream.i, stream.i.channel.wake(stream.now))
        assert len(stream.i.written) == written
    assert stream.i.closed is None


def test_a_machine_that_slept_asks_before_it_gives_up() -> None:
    stream = Stream().open()
    stream.wake(90_000.0 - 86_400.0)
    stream.settle()
    assert stream.i.closed is None and stream.r.closed is None


def test_a_flood_of_heartbeats_is_a_fault() -> None:
    stream = Stream().open()
    for number in range(limits.PINGS_AT_ONCE_MAX):
        inject(stream, stream.r, encode_frame([Ping(number)])[0])
    assert stream.r.closed is None
    inject(stream, stream.r, encode_frame([Ping(1)])[0])
    assert stream.r.closed is not None and stream.r.closed.remote_fault


def test_an_answer_to_nothing_says_nothing() -> None:
    stream = Stream().open()
    inject(stream, stream.r, encode_frame([Pong(5)])[0])
    assert stream.r.closed is None and stream.r.channel.rtt_seconds is None


# --- renewal ------------------------------------------------------------------------------------------
def session_of(end: End) -> bytes:
    assert end.channel._tls is not None
    return end.channel._tls.exporter()


@pytest.mark.parametrize("who", ["initiator", "responder", "both"])
@pytest.mark.parametrize("cut", [lambda data: [data], one_by_one], ids=["whole", "byte by byte"])
def test_renewal_gives_new_keys_on_the_same_stream(who: str, cut: object) -> None:
    """Close of the old session and first bytes of the new one may arrive in one piece."""
    stream = Stream(cut=cut).open()  # type: ignore[arg-type]
    first, bound = session_of(stream.i), (stream.i.channel.exporter, stream.i.channel.handshake_hash)
    for _ in range(3):
        for end in (stream.i, stream.r):
            if who == "both" or end is (stream.i if who == "initiator" else stream.r):
                stream.take(end, end.channel.renew(stream.now))
        stream.settle()
        assert stream.i.channel.state is State.OPEN and stream.r.channel.state is State.OPEN
        assert session_of(stream.i) == session_of(stream.r) != first
    assert (stream.i.channel.exporter, stream.i.channel.handshake_hash) == bound
    assert (stream.r.channel.exporter, stream.r.channel.handshake_hash) == bound
    assert len(stream.i.authenticated) == len(stream.r.authenticated) == 1
    stream.send(stream.i, unknown(1))
    stream.send(stream.r, unknown(2))
    stream.settle()
    assert stream.r.records == [unknown(1)] and stream.i.records == [unknown(2)]


def test_who_wants_new_keys_again_and_again_is_dropped() -> None:
    """Each costs a handshake. At its own wish an end renews as often as it likes: it is the other that judges."""
    stream = Stream().open()
    for _ in range(limits.RENEWALS_EARLY_MAX):
        stream.take(stream.i, stream.i.channel.renew(stream.now))
        stream.settle()
        assert stream.r.channel.state is State.OPEN
    stream.take(stream.i, stream.i.channel.renew(stream.now))
    stream.settle()
    assert stream.r.closed is not None and stream.r.closed.remote_fault


def test_new_keys_in_time_may_come_for_ever() -> None:
    stream = Stream().open()
    for number in range(3 * limits.RENEWALS_EARLY_MAX):
        stream.now += limits.RENEWAL_EARLY_SECONDS
        stream.take(stream.i, stream.i.channel.renew(stream.now))
        stream.settle()
        assert stream.r.channel.state is State.OPEN, number


def test_what_is_written_while_renewing_is_held_and_keeps_its_order() -> None:
    stream = Stream().open()
    stream.send(stream.i, unknown(1))
    stream.take(stream.i, stream.i.channel.renew(0))
    written = len(stream.i.written)
    stream.send(stream.i, unknown(2))
    stream.send(stream.i, unknown(3), unknown(4))
    stream.send(stream.r, unknown(5))
    assert len(stream.i.written) == written and stream.i.channel.held_bytes == 1024
    stream.settle()
    assert stream.r.records == [unknown(number) for number in (1, 2, 3, 4)]
    assert stream.i.records == [unknown(5)] and stream.i.channel.held_bytes == 0


def test_what_is_written_at_every_moment_of_a_renewal_arrives_once_and_in_order() -> None:
    stream = Stream(cut=one_by_one).open()
    stream.take(stream.i, stream.i.channel.renew(0))
    sent = 0
    while stream.i.arriving or stream.r.arriving:
        for end in (stream.r, stream.i):
            data, end.arriving = end.arriving, b""
            for at in range(0, len(data), 50):
                stream.take(end, end.channel.receive_bytes(data[at : at + 50], 0))
                if sent < 60:
                    sent += 1
                    stream.send(stream.i, unknown(sent))
                    stream.send(stream.r, unknown(sent))
    expected = [unknown(number) for number in range(1, sent + 1)]
    assert sent == 60 and stream.i.records == expected and stream.r.records == expected


def test_keys_are_renewed_after_an_hour() -> None:
    stream = Stream(initiator(renewal_seconds=100.0), responder()).open()
    first = session_of(stream.i)
    stream.wake(45.0).settle()
    stream.wake(99.0).settle()
    assert session_of(stream.i) == first
    stream.wake(100.0).settle()
    assert session_of(stream.i) == session_of(stream.r) != first
    assert stream.i.closed is None and stream.i.wakes[-1] <= 200.0


@pytest.mark.parametrize("direction", ["sent", "received"])
def test_keys_are_renewed_after_so_many_bytes(direction: str) -> None:
    stream = Stream(initiator(renewal_bytes=10_000), responder()).open()
    first = session_of(stream.i)
    for number in range(19):
        stream.send(stream.i if direction == "sent" else stream.r, unknown(number))
    stream.settle()
    assert session_of(stream.i) == first
    stream.send(stream.i if direction == "sent" else stream.r, unknown(19))
    stream.settle()
    assert session_of(stream.i) != first
    assert len((stream.r if direction == "sent" else stream.i).records) == 20


def test_both_at_once_with_traffic_is_one_renewal() -> None:
    stream = Stream(initiator(renewal_bytes=4096), responder(renewal_bytes=4096)).open()
    for number in range(100):
        stream.send(stream.i, unknown(number))
        stream.send(stream.r, unknown(number))
    stream.settle()
    expected = [unknown(number) for number in range(100)]
    assert stream.i.records == expected and stream.r.records == expected
    assert stream.i.closed is None and stream.r.closed is None


def test_a_newer_certificate_may_show_at_a_renewal_and_an_older_may_not() -> None:
    stream = Stream().open()
    stream.r.channel.credentials = NEWER_BOB.credentials
    stream.take(stream.i, stream.i.channel.renew(0))
    stream.settle()
    peer = stream.i.channel.peer
    assert peer is not None and peer.certificate is not None and peer.certificate.serial == NEWER_BOB.serial
    stream.r.channel.credentials = BOB.credentials
    stream.take(stream.i, stream.i.channel.renew(0))
    stream.settle()
    assert stream.i.closed is not None and stream.i.closed.remote_fault


@pytest.mark.parametrize("who", ["initiator", "responder"])
def test_nobody_else_may_answer_a_renewal(who: str) -> None:
    stream = Stream().open()
    liar, honest = (stream.i, stream.r) if who == "initiator" else (stream.r, stream.i)
    liar.channel.credentials = CAROL.credentials
    stream.take(stream.i, stream.i.channel.renew(0))
    stream.settle()
    assert honest.closed is not None and honest.closed.remote_fault
    assert len(honest.authenticated) == 1


def test_a_renewal_at_an_invitation_proves_the_invitation_again() -> None:
    stream = Stream(initiator(expected=INVITATION_EXPECTED), responder(INVITATION_CREDENTIALS)).open()
    stream.take(stream.r, stream.r.channel.renew(0))
    stream.settle()
    assert stream.i.channel.state is State.OPEN
    stream.r.channel.credentials = BOB.credentials
    stream.take(stream.r, stream.r.channel.renew(0))
    stream.settle()
    assert stream.i.closed is not None and stream.i.closed.remote_fault


def test_a_renewal_that_is_not_answered_ends_at_its_deadline() -> None:
    stream = Stream().open()
    stream.take(stream.i, stream.i.channel.renew(10.0))
    end = 10.0 + limits.RENEWAL_TIMEOUT_SECONDS
    assert stream.i.channel.wake(end - 1) == [WakeAt(end)]
    assert stream.i.channel.wake(end) == [Closed("the renewal of the session keys took too long", True)]


def test_a_renewed_handshake_that_stops_ends_at_its_deadline() -> None:
    stream = Stream().open()
    stream.take(stream.i, stream.i.channel.renew(0))
    stream.deliver(stream.r)
    stream.deliver(stream.i)
    assert stream.i.channel.state is State.REHANDSHAKE
    at = limits.PRE_AUTH_TIMEOUT_SECONDS
    assert isinstance(stream.i.channel.wake(at)[-1], Closed)


def test_what_is_held_has_a_cap() -> None:
    stream = Stream().open()
    stream.take(stream.i, stream.i.channel.renew(0))
    big = Batch(bytes(32), (bytes(40_000),))
    for _ in range(limits.RENEWAL_HELD_MAX_BYTES // limits.FRAME_MAX_BYTES):
        stream.send(stream.i, big)
    assert stream.i.closed is None
    stream.send(stream.i, big)
    assert stream.i.closed is not None and not stream.i.closed.remote_fault
    assert stream.i.channel.held_bytes == 0


@pytest.mark.parametrize(
    "records",
    [[RenewalAccepted()], [RenewalProposed(), Ready()], [RenewalProposed(), RenewalProposed()]],
    ids=["accepted nothing", "a record behind the proposal", "proposed twice"],
)
def test_a_renewal_out_of_turn_is_a_fault(records: list[AnyRecord]) -> None:
    stream = Stream().open()
    inject(stream, stream.r, b"".join(encode_frame(records)))
    assert stream.r.closed is not None and stream.r.closed.remote_fault and stream.r.records == []


def test_a_session_that_is_closed_within_a_frame_is_a_fault() -> None:
    stream = Stream().open()
    inject(stream, stream.r, encode_frame([RenewalProposed()])[0] + b"\x00")
    other = stream.i.channel._tls
    assert other is not None
    other.close()
    stream.r.arriving = other.output()
    stream.deliver(stream.r)
    assert stream.r.closed is not None and stream.r.closed.remote_fault


# --- the end ------------------------------------------------------------------------------------------
def test_an_orderly_end_says_why_on_both_sides() -> None:
    stream = Stream().open()
    stream.send(stream.i, unknown(1))
    stream.take(stream.i, stream.i.channel.close("locked", 0))
    stream.settle()
    assert stream.i.closed == Closed("locked", False)
    assert stream.r.records == [unknown(1)]
    assert stream.r.closed == Closed("the other side said goodbye: locked", False)


def test_only_reasons_of_the_list_travel() -> None:
    stream = Stream().open()
    stream.take(stream.i, stream.i.channel.close("my name is Alice", 0))
    stream.settle()
    assert stream.r.closed == Closed(f"the other side said goodbye: {OTHER_REASON}", False)
    stream = Stream().open()
    inject(stream, stream.r, encode_frame([Goodbye("\x1b[31m boo")])[0])
    assert stream.r.closed == Closed(f"the other side said goodbye: {OTHER_REASON}", False)


def test_a_close_without_a_word_is_no_fault() -> None:
    stream = Stream().open()
    session = stream.i.channel._tls
    assert session is not None
    session.close()
    stream.r.arriving = session.output()
    stream.deliver(stream.r)
    assert stream.r.closed == Closed("the other side closed the channel", False)


@pytest.mark.parametrize("moment", ["created", "handshake", "open", "proposed", "rehandshake"])
def test_a_channel_can_be_closed_at_any_moment_and_is_silent_after(moment: str) -> None:
    stream = Stream()
    if moment == "handshake":
        stream.start()
        stream.deliver(stream.r)
    elif moment != "created":
        stream.open()
    if moment in ("proposed", "rehandshake"):
        stream.take(stream.i, stream.i.channel.renew(0))
    if moment == "rehandshake":
        stream.deliver(stream.r)
        stream.deliver(stream.i)
    channel = stream.i.channel
    arriving = stream.i.arriving
    commands = channel.close("done", 0)
    assert commands[-1] == Closed("done", False) and channel.state is State.CLOSED
    assert channel._tls is None and channel._handshake is None
    assert channel.connection_made(1) == channel.receive_bytes(arriving + b"x", 1) == channel.wake(1) == []
    assert channel.send_records([Ready()], 1) == channel.renew(1) == channel.close("done", 1) == []
    assert channel.restrict(1, 1) == channel.connection_lost(1) == []


def test_a_lost_stream_is_the_end_and_no_fault() -> None:
    stream = Stream().open()
    assert stream.i.channel.connection_lost(5.0) == [Closed("the connection was lost", False)]


def test_a_channel_shows_no_key() -> None:
    stream = Stream().open()
    shown = repr(stream.i.channel) + repr(stream.i.commands) + repr(stream.i.channel.credentials)
    assert ALICE.static.private.hex() not in shown and repr(ALICE.static.private) not in shown


def test_nothing_happens_before_the_stream_is_there() -> None:
    channel = responder(random=counting_random())
    assert channel.receive_bytes(b"x", 0) == channel.wake(0) == channel.renew(0) == []
    assert channel.state is State.CREATED


# --- anything at any time -----------------------------------------------------------------------------
STEPS = st.lists(
    st.tuples(
        st.booleans(), st.sampled_from(["send", "send many", "renew", "wake", "carry", "carry"]), st.integers(1, 900)
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(steps=STEPS)
def test_whatever_two_honest_ends_do_everything_arrives_once_and_in_order(
    steps: list[tuple[bool, str, int]],
) -> None:
    stream = Stream(initiator(renewal_bytes=20_000), responder(renewal_bytes=30_000)).open()
    sent: dict[bool, list[AnyRecord]] = {True: [], False: []}
    number = 0
    for dialled, step, size in steps:
        end = stream.i if dialled else stream.r
        if step in ("send", "send many"):
            records: list[AnyRecord] = [unknown(number + offset) for offset in range(1 if step == "send" else size)]
            number += len(records)
            sent[dialled] += records
            stream.send(end, *records)
        elif step == "renew":
            stream.take(end, end.channel.renew(stream.now))
        elif step == "wake":
            stream.now += size / 100
            stream.take(end, end.channel.wake(stream.now))
        else:
            piece, end.arriving = end.arriving[:size], end.arriving[size:]
            stream.take(end, end.channel.receive_bytes(piece, stream.now))
    stream.settle()
    assert stream.i.closed is None and stream.r.closed is None
    assert stream.r.records == sent[True] and stream.i.records == sent[False]
    assert stream.i.channel.state is State.OPEN and stream.r.channel.state is State.OPEN
