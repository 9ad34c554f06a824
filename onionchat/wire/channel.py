"""A channel between two devices: handshake, records, heartbeats, renewal, end. No I/O. docs/spec/channel.md.

States and what leads from one to the next:

    CREATED      connection_made                            → HANDSHAKE
    HANDSHAKE    TLS, then Noise; both have proven          → OPEN
    OPEN         our own proposal of new keys is sent       → PROPOSED
    OPEN         the other side's came; accepted, closed    → ENDING
    PROPOSED     accepted, or a crossed proposal; closed    → ENDING
    ENDING       the other side's close_notify came         → REHANDSHAKE
    REHANDSHAKE  the same two have proven anew              → OPEN
    any          an end, a fault, a deadline                → CLOSED

From PROPOSED on nothing but the close of the old session is written to it; what is to be sent is held until OPEN.
A stream carries one TLS session after the other and never two at once: after ENDING the next TLS record belongs to
the new one. In CLOSED every method returns [].
"""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto

from onionchat import limits
from onionchat.crypto.tls import TlsIdentity, TlsRecords, TlsSession
from onionchat.errors import LocalError, RemoteError
from onionchat.ids import DeviceId
from onionchat.wire.commands import (
    Closed,
    Command,
    PeerAuthenticated,
    PeerIdentity,
    RecordReceived,
    SendBytes,
    WakeAt,
)
from onionchat.wire.frame import FrameReader, encode_frame
from onionchat.wire.handshake import (
    GROUP,
    Credentials,
    DeviceExpected,
    Expected,
    Handshake,
    InvitationCredentials,
    InvitationExpected,
    Role,
    require_same_peer,
)
from onionchat.wire.heartbeat import Heartbeat
from onionchat.wire.records import AnyRecord, Goodbye, Ping, Pong, RenewalAccepted, RenewalProposed

GOODBYE_REASONS = frozenset(
    [
        "done",
        "stopping",
        "locked",
        "replaced",
        "moved",
        "idle",
        "unknown",
        "removed",
        "blocked",
        "full",
        "error",
        "refused",
    ]
)
"""What a `Goodbye` may say; anything else is sent, and read, as "other"."""
OTHER_REASON = "other"

_OWN_RECORDS = frozenset({Ping, Pong, RenewalProposed, RenewalAccepted, Goodbye})


class State(Enum):
    """See the table at the top."""

    CREATED = auto()
    HANDSHAKE = auto()
    OPEN = auto()
    PROPOSED = auto()
    ENDING = auto()
    REHANDSHAKE = auto()
    CLOSED = auto()


_SHAKING_HANDS = frozenset({State.HANDSHAKE, State.REHANDSHAKE})
_RENEWING = frozenset({State.PROPOSED, State.ENDING, State.REHANDSHAKE})


class Channel:
    """One end of one stream. Methods return commands to be carried out in order; times are seconds."""

    __slots__ = (
        "_commands", "_deadline", "_early_renewals", "_frames", "_group", "_handshake", "_handshake_bytes",
        "_heartbeat", "_held", "_output", "_pre_auth_max_bytes", "_pre_auth_timeout", "_random", "_renewal_bytes",
        "_renewal_deadline", "_renewal_seconds", "_session_bytes", "_session_started", "_silent_records", "_tls",
        "_tls_identity", "_tls_records", "_total_max_bytes", "_wake_at", "bytes_received", "bytes_sent",
        "credentials", "exporter", "handshake_hash", "held_bytes", "peer", "role", "state",
    )  # fmt: skip

    def __init__(
        self,
        role: Role,
        credentials: Credentials,
        expected: Expected | None,
        tls: TlsIdentity,
        random: Callable[[int], bytes],
        group: bytes = GROUP,
        *,
        pre_auth_max_bytes: int = limits.PRE_AUTH_MAX_BYTES,
        pre_auth_timeout_seconds: float = limits.PRE_AUTH_TIMEOUT_SECONDS,
        renewal_seconds: float = limits.RENEWAL_SECONDS,
        renewal_bytes: int = limits.RENEWAL_BYTES,
    ) -> None:
        """`expected` is for the initiator alone. At an invitation's address the stranger's caps hold from the start."""
        self.role = role
        self.credentials = credentials
        """What the next handshake shows: may be replaced by a newer certificate of the same device at any time."""
        self._tls_identity = tls
        self._random = random
        self._group = group
        self._pre_auth_max_bytes = pre_auth_max_bytes
        self._pre_auth_timeout = pre_auth_timeout_seconds
        self._renewal_seconds = renewal_seconds
        self._renewal_bytes = renewal_bytes

        self.state = State.CREATED
        self.peer: PeerIdentity | None = None
        self.exporter = b""
        """The TLS exporter of the first session, 32 bytes once authenticated."""
        self.handshake_hash = b""
        """The Noise handshake hash of the first session, 32 bytes once authenticated."""
        self.bytes_sent = 0
        self.bytes_received = 0
        self.held_bytes = 0
        """What waits for the end of a renewal, in bytes of frames."""

        self._handshake: Handshake | None = Handshake(role, credentials, expected, tls, group)
        self._start_empty()
        self._total_max_bytes: int | None = None
        if isinstance(credentials, InvitationCredentials):
            self._frames.restrict(limits.STRANGER_RECORD_MAX_BYTES)
            self._total_max_bytes = limits.STRANGER_TOTAL_MAX_BYTES

    def _start_empty(self) -> None:
        self._tls_records = TlsRecords()
        self._tls: TlsSession | None = None
        self._frames = FrameReader()
        self._heartbeat: Heartbeat | None = None
        self._held: list[bytes] = []
        self._handshake_bytes = 0
        self._silent_records = 0
        self._session_bytes = 0
        self._session_started = 0.0
        self._early_renewals = 0
        self._deadline = 0.0
        self._renewal_deadline = 0.0
        self._wake_at: float | None = None
        self._commands: list[Command] = []
        self._output: list[bytes] = []

    # --- what the owner calls ------------------------------------------------------------------------
    @property
    def rtt_seconds(self) -> float | None:
        """Round-trip time of the last heartbeat that was answered."""
        return self._heartbeat.rtt_seconds if self._heartbeat else None

    def connection_made(self, now: float) -> list[Command]:
        """The stream is there."""
        if self.state is not State.CREATED:
            return []
        self.state = State.HANDSHAKE
        return self._guarded(self._start_handshake, now)

    def receive_bytes(self, data: bytes, now: float) -> list[Command]:
        """What came from the stream, cut anywhere."""
        if self.state in (State.CREATED, State.CLOSED):
            return []
        self.bytes_received += len(data)
        self._tls_records.feed(data)
        return self._guarded(self._take_tls_records, now)

    def send_records(self, records: Sequence[AnyRecord], now: float) -> list[Command]:
        """Send in order; held while renewing. LocalError before the peer is authenticated and for a too long record."""
        if self.state is State.CLOSED or not records:
            return []
        if self.state in (State.CREATED, State.HANDSHAKE):
            raise LocalError("this channel is not open yet: nothing can be sent to a peer that is not authenticated")
        data = b"".join(encode_frame(records))
        if self.state is State.OPEN:
            return self._guarded(lambda now: self._write(data, now), now)
        self._held.append(data)
        self.held_bytes += len(data)
        if self.held_bytes > limits.RENEWAL_HELD_MAX_BYTES:
            return self._end("too much waits for new session keys", now, remote_fault=False)
        return []

    def wake(self, now: float) -> list[Command]:
        """The time of the last `WakeAt` has come; calling it at any other time is harmless."""
        if self.state in (State.CREATED, State.CLOSED):
            return []
        self._wake_at = None
        return self._guarded(self._look_at_clock, now)

    def renew(self, now: float) -> list[Command]:
        """New session keys, now. Nothing happens unless the channel is open."""
        if self.state is not State.OPEN:
            return []
        return self._guarded(self._propose, now)

    def restrict(self, record_max_bytes: int, total_bytes: int) -> list[Command]:
        """Caps for a stranger: one record, and all frames since authentication (heartbeats apart).

        Calling it again replaces them: that is also how somebody ceases to be a stranger.
        """
        if self.state is State.CLOSED:
            return []
        self._frames.restrict(record_max_bytes)
        self._total_max_bytes = total_bytes
        return self._guarded(lambda _: self._require_total(), 0.0)

    def close(self, reason: str, now: float) -> list[Command]:
        """An orderly end. `reason` goes to the other side when it is one of GOODBYE_REASONS."""
        if self.state is State.CLOSED:
            return []
        return self._guarded(lambda now: self._say_goodbye(reason), now)

    def connection_lost(self, now: float) -> list[Command]:
        """The stream is gone."""
        return self._end("the connection was lost", now, remote_fault=False)

    # --- one frame round every call --------------------------------------------------------------------
    def _guarded(self, act: Callable[[float], object], now: float) -> list[Command]:
        """Do it, turn the other side's faults into the end, and hand out what came together."""
        try:
            act(now)
        except RemoteError as fault:
            # whatever waits for being sent would tell a stranger how far it got
            self._output.clear()
            self._dispose(str(fault), remote_fault=True)
        return self._hand_out()

    def _end(self, reason: str, now: float, *, remote_fault: bool) -> list[Command]:
        if self.state is State.CLOSED:
            return []
        self._dispose(reason, remote_fault=remote_fault)
        return self._hand_out()

    def _hand_out(self) -> list[Command]:
        data = b"".join(self._output)
        self._output.clear()
        commands, self._commands = self._commands, []
        if data:
            self.bytes_sent += len(data)
            # before all else: nothing that the owner does on the other commands may overtake it
            commands.insert(0, SendBytes(data))
        if self.state is not State.CLOSED:
            self._schedule(commands)
        return commands

    def _schedule(self, commands: list[Command]) -> None:
        """A `WakeAt` when the next deadline is earlier than the one that was asked for."""
        at = self._next_deadline()
        if self._wake_at is None or at < self._wake_at:
            self._wake_at = at
            commands.append(WakeAt(at))

    def _next_deadline(self) -> float:
        if self.state is State.HANDSHAKE:
            return self._deadline
        if self.state is State.REHANDSHAKE:
            return min(self._deadline, self._renewal_deadline)
        if self.state in _RENEWING:
            return self._renewal_deadline
        assert self._heartbeat is not None
        return min(self._heartbeat.next_at, self._session_started + self._renewal_seconds)

    def _look_at_clock(self, now: float) -> None:
        if self.state in _SHAKING_HANDS and now >= self._deadline:
            self._dispose("the handshake took too long", remote_fault=True)
        elif self.state in _RENEWING and now >= self._renewal_deadline:
            self._dispose("the renewal of the session keys took too long", remote_fault=True)
        elif self.state is State.OPEN:
            self._look_at_heartbeat(now)

    def _look_at_heartbeat(self, now: float) -> None:
        assert self._heartbeat is not None
        ping = self._heartbeat.due(now)
        if self._heartbeat.dead:
            self._dispose("the other side no longer answers", remote_fault=False)
            return
        if ping is not None:
            self._write_records([ping], now)
        if self.state is State.OPEN and now >= self._session_started + self._renewal_seconds:
            self._propose(now)

    def _dispose(self, reason: str, *, remote_fault: bool) -> None:
        """The end: keys and buffers go, `peer`, `exporter` and `handshake_hash` stay."""
        self.state = State.CLOSED
        self._tls = None
        self._handshake = None
        self._tls_records = TlsRecords()
        self._frames = FrameReader()
        self._held.clear()
        self.held_bytes = 0
        self._commands.append(Closed(reason, remote_fault))

    # --- handshake -------------------------------------------------------------------------------------
    def _start_handshake(self, now: float) -> None:
        assert self._handshake is not None
        self._handshake_bytes = 0
        self._deadline = now + self._pre_auth_timeout
        self._handshake.start()
        self._flush()

    def _take_tls_records(self, now: float) -> None:
        while (record := self._tls_records.take()) is not None:
            if self.state in _SHAKING_HANDS:
                self._shake_hands(record, now)
            else:
                self._receive_in_session(record, now)
            if self.state is State.CLOSED:
                return
        if self.state in _SHAKING_HANDS:
            self._require_handshake_bytes(self._tls_records.waiting_bytes)

    def _require_handshake_bytes(self, waiting: int) -> None:
        if self._handshake_bytes + waiting > self._pre_auth_max_bytes:
            raise RemoteError("too many bytes before authentication")

    def _shake_hands(self, record: bytes, now: float) -> None:
        handshake = self._handshake
        assert handshake is not None
        self._require_handshake_bytes(len(record))
        self._handshake_bytes += len(record)
        handshake.receive_record(record)
        self._output.append(handshake.tls.output())
        if handshake.done:
            self._open(handshake, now)

    def _open(self, handshake: Handshake, now: float) -> None:
        peer = handshake.peer
        assert peer is not None
        if self.peer is None:
            self.exporter = handshake.exporter
            self.handshake_hash = handshake.handshake_hash
            self._heartbeat = Heartbeat(now, self._random, yields=self.role is Role.RESPONDER)
            self._commands.append(PeerAuthenticated(peer))
        else:
            require_same_peer(self.peer, peer)
        self.peer = peer
        self._tls = handshake.tls
        self._handshake = None
        self.state = State.OPEN
        self._session_started = now
        self._session_bytes = 0
        self._silent_records = 0
        self._release_held(now)
        self._receive_plaintext(handshake.take_early(), now)

    def _release_held(self, now: float) -> None:
        held = b"".join(self._held)
        self._held.clear()
        self.held_bytes = 0
        if held:
            self._write(held, now)

    # --- records ---------------------------------------------------------------------------------------
    def _receive_in_session(self, record: bytes, now: float) -> None:
        tls = self._tls
        assert tls is not None
        plaintext = tls.read(record)
        if tls.closed_by_peer:
            self._session_closed(now)
            return
        if not plaintext:
            self._silent_records += 1
            if self._silent_records > limits.SILENT_TLS_RECORDS_MAX:
                raise RemoteError("a flood of TLS records without data")
            return
        self._receive_plaintext(plaintext, now)

    def _receive_plaintext(self, plaintext: bytes, now: float) -> None:
        assert self._heartbeat is not None
        self._heartbeat.heard(now)
        if not plaintext:
            return
        self._session_bytes += len(plaintext)
        records = self._frames.feed(plaintext)
        self._require_total()
        self._receive_records(records, now)
        if self._session_bytes >= self._renewal_bytes and self.state is State.OPEN:
            self._propose(now)

    def _require_total(self) -> None:
        if self._total_max_bytes is not None and self._frames.carried_bytes > self._total_max_bytes:
            raise RemoteError("more than a stranger may send")

    def _receive_records(self, records: Iterable[AnyRecord], now: float) -> None:
        received = self._commands.append
        for record in records:
            if self.state is State.CLOSED:
                return
            if self.state is State.ENDING:
                raise RemoteError("a record after the last one of its session")
            if type(record) in _OWN_RECORDS:
                self._receive_own(record, now)
            else:
                received(RecordReceived(record))

    def _receive_own(self, record: AnyRecord, now: float) -> None:
        assert self._heartbeat is not None
        match record:
            case Ping():
                pong = self._heartbeat.answer(record, now)
                if self.state is State.OPEN:  # our proposal is a sign of life as well
                    self._write_records([pong], now)
            case Pong():
                self._heartbeat.answered(record, now)
            case RenewalProposed():
                self._receive_proposal(now)
            case RenewalAccepted() if self.state is State.PROPOSED:
                self._end_session()
            case RenewalAccepted():
                raise RemoteError("an acceptance of nothing")
            case Goodbye():
                self._receive_goodbye(record)

    def _write_records(self, records: Sequence[AnyRecord], now: float) -> None:
        self._write(b"".join(encode_frame(records)), now)

    def _write(self, frames: bytes, now: float) -> None:
        assert self._tls is not None
        self._tls.write(frames)
        self._flush()
        self._session_bytes += len(frames)
        if self._session_bytes >= self._renewal_bytes and self.state is State.OPEN:
            self._propose(now)

    def _flush(self) -> None:
        tls = self._tls or (self._handshake.tls if self._handshake else None)
        if tls is not None:
            self._output.append(tls.output())

    # --- renewal ---------------------------------------------------------------------------------------
    def _propose(self, now: float) -> None:
        self.state = State.PROPOSED
        self._renewal_deadline = now + limits.RENEWAL_TIMEOUT_SECONDS
        self._write_records([RenewalProposed()], now)

    def _receive_proposal(self, now: float) -> None:
        if self.state is State.OPEN:
            self._require_patience(now)
            self._renewal_deadline = now + limits.RENEWAL_TIMEOUT_SECONDS
            self.state = State.PROPOSED  # so that writing the acceptance proposes nothing
            self._write_records([RenewalAccepted()], now)
        self._end_session()

    def _require_patience(self, now: float) -> None:
        """A handshake costs more than anything else that a peer can ask for with one record."""
        is_used = 2 * self._session_bytes >= self._renewal_bytes
        if now - self._session_started < limits.RENEWAL_EARLY_SECONDS and not is_used:
            self._early_renewals += 1
            if self._early_renewals > limits.RENEWALS_EARLY_MAX:
                raise RemoteError("new session keys, again and again")

    def _end_session(self) -> None:
        """Our close of the old session; what may still come in it is the other side's."""
        assert self._tls is not None
        self.state = State.ENDING
        self._tls.close()
        self._flush()

    def _session_closed(self, now: float) -> None:
        """The other side's close_notify: between two sessions, or an end without a word."""
        if self.state is not State.ENDING:
            self._say_nothing_more("the other side closed the channel")
            return
        if self._frames.waiting_bytes:
            raise RemoteError("a session that ends within a frame")
        self._tls = None
        self.state = State.REHANDSHAKE
        expected = self._expected_again()
        self._handshake = Handshake(self.role, self.credentials, expected, self._tls_identity, self._group)
        self._start_handshake(now)

    def _expected_again(self) -> Expected | None:
        """The initiator expects whoever it has talked to; the certificate may be newer, the address with it."""
        peer = self.peer
        assert peer is not None
        if self.role is Role.RESPONDER:
            return None
        if peer.invitation is not None:
            return InvitationExpected(peer.invitation)
        assert peer.certificate is not None
        return DeviceExpected(DeviceId(peer.certificate.device), None, peer.certificate.serial)

    # --- the end ---------------------------------------------------------------------------------------
    def _say_goodbye(self, reason: str) -> None:
        if self.state is State.OPEN:
            assert self._tls is not None
            code = reason if reason in GOODBYE_REASONS else OTHER_REASON
            self._tls.write(b"".join(encode_frame([Goodbye(code)])))
        if self.state in (State.OPEN, State.PROPOSED):
            self._close_tls()
        self._dispose(reason, remote_fault=False)

    def _receive_goodbye(self, goodbye: Goodbye) -> None:
        code = goodbye.reason if goodbye.reason in GOODBYE_REASONS else OTHER_REASON
        self._say_nothing_more(f"the other side said goodbye: {code}")

    def _say_nothing_more(self, reason: str) -> None:
        if self.state in (State.OPEN, State.PROPOSED):
            self._close_tls()
        self._dispose(reason, remote_fault=False)

    def _close_tls(self) -> None:
        assert self._tls is not None
        self._tls.close()
        self._flush()
