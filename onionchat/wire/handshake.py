"""The handshake of one session: TLS, the group check, then Noise inside TLS. Pure; fed one TLS record at a time.

The rules that it keeps:
1. Nothing of Noise is said before TLS 1.3 with X25519MLKEM768 is established.
2. The prologue is the group and the TLS exporter: a Noise handshake is of use in this TLS session alone.
3. The responder proves itself first; the initiator says who it is only when that is who it dialled.
4. A certificate counts only together with the Noise static key that it names; one's own keys are nobody else's.
5. Every failure looks the same from outside: silence, and the stream ends.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from onionchat import limits
from onionchat.crypto.keys import ExchangeKey, is_equal
from onionchat.crypto.noise import MESSAGE_OVERHEAD_BYTES, NoiseXX
from onionchat.crypto.tls import TlsIdentity, TlsSession
from onionchat.errors import RemoteError
from onionchat.identity.device import Certificate, parse_certificate
from onionchat.identity.link import parse_invitation_proof
from onionchat.ids import DeviceId
from onionchat.wire.commands import PeerIdentity

GROUP = b"onionchat/1"
"""Who can talk to whom at all: another value is another network (tests, forks)."""
LENGTH_BYTES = 2


class Role(Enum):
    """Which end of the stream: the initiator dialled."""

    INITIATOR = auto()
    RESPONDER = auto()


@dataclass(frozen=True, slots=True)
class DeviceCredentials:
    """Proves a device: its signed certificate and the static key that the certificate names; else ValueError."""

    certificate: bytes = field(repr=False)
    static: ExchangeKey
    device: DeviceId = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            own = parse_certificate(self.certificate)
        except RemoteError as fault:
            raise ValueError("our own certificate is not valid") from fault
        if not is_equal(own.static, self.static.public):
            raise ValueError("our own certificate names another static key")
        object.__setattr__(self, "device", DeviceId(own.device))

    @property
    def payload(self) -> bytes:
        return self.certificate


@dataclass(frozen=True, slots=True)
class InvitationCredentials:
    """Proves an invitation and nothing else: `identity.link.prove_invitation` and a static key of its own."""

    proof: bytes = field(repr=False)
    static: ExchangeKey

    @property
    def payload(self) -> bytes:
        return self.proof


@dataclass(frozen=True, slots=True)
class DeviceExpected:
    """The initiator dialled this device.

    `address`: what its certificate must name (32 bytes). `serial`: that of the certificate that we know; an older one
    is refused, and a newer one may name another address: the device has moved.
    """

    device: DeviceId
    address: bytes | None = None
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class InvitationExpected:
    """The initiator dialled this invitation (its public key, which is its address)."""

    invitation: bytes


Credentials = DeviceCredentials | InvitationCredentials
Expected = DeviceExpected | InvitationExpected


class _Step(Enum):
    """What is awaited."""

    TLS = auto()
    NOISE_1 = auto()
    NOISE_2 = auto()
    NOISE_3 = auto()
    NOTHING = auto()


_NOISE_MAX_BYTES = {
    _Step.NOISE_1: MESSAGE_OVERHEAD_BYTES[0],
    _Step.NOISE_2: MESSAGE_OVERHEAD_BYTES[1] + limits.CERTIFICATE_MAX_BYTES,
    _Step.NOISE_3: MESSAGE_OVERHEAD_BYTES[2] + limits.CERTIFICATE_MAX_BYTES,
}


class Handshake:
    """One handshake. RemoteError from any method means: drop the stream. `tls.output()` holds what is to be sent."""

    __slots__ = (
        "_credentials", "_expected", "_group", "_inbox", "_noise", "_role", "_step",
        "exporter", "handshake_hash", "peer", "tls",
    )  # fmt: skip

    def __init__(
        self, role: Role, credentials: Credentials, expected: Expected | None, identity: TlsIdentity, group: bytes
    ) -> None:
        if (role is Role.INITIATOR) == (expected is None):
            raise ValueError("an initiator expects someone, a responder nobody")
        if role is Role.INITIATOR and not isinstance(credentials, DeviceCredentials):
            raise ValueError("an initiator is a device")
        self._role = role
        self._credentials = credentials
        self._expected = expected
        self._group = group
        self._inbox = bytearray()
        self._noise: NoiseXX | None = None
        self._step = _Step.TLS
        self.tls = TlsSession(identity, client=role is Role.INITIATOR)
        self.peer: PeerIdentity | None = None
        self.exporter = b""
        self.handshake_hash = b""

    @property
    def done(self) -> bool:
        """Whether `peer`, `exporter` and `handshake_hash` are there, and the session is `tls`."""
        return self._step is _Step.NOTHING

    def start(self) -> None:
        """The initiator speaks first."""
        if self._role is Role.INITIATOR:
            self.tls.start()

    def receive_record(self, record: bytes) -> None:
        """One whole TLS record of the other side."""
        if self._step is _Step.TLS:
            if self.tls.receive_handshake(record):
                self._start_noise()
            return
        self._inbox += self.tls.read(record)
        if self.tls.closed_by_peer:
            raise RemoteError("the other side ended the handshake")
        while (message := self._take_message()) is not None:
            self._receive_message(message)

    def take_early(self) -> bytes:
        """What came in the session behind the last handshake message."""
        early = bytes(self._inbox)
        self._inbox.clear()
        return early

    def _start_noise(self) -> None:
        initiator = self._role is Role.INITIATOR
        self.exporter = self.tls.exporter()
        prologue = self._group + self.exporter
        self._noise = NoiseXX(initiator=initiator, static=self._credentials.static, prologue=prologue)
        self._step = _Step.NOISE_2 if initiator else _Step.NOISE_1
        if initiator:
            self._write_message(self._noise, b"")

    def _write_message(self, noise: NoiseXX, payload: bytes) -> None:
        message = noise.write_message(payload)
        self.tls.write(len(message).to_bytes(LENGTH_BYTES) + message)

    def _take_message(self) -> bytes | None:
        """The next Noise message, refused by its length before it is there."""
        if self._step is _Step.NOTHING or len(self._inbox) < LENGTH_BYTES:
            return None
        end = LENGTH_BYTES + int.from_bytes(self._inbox[:LENGTH_BYTES])
        if end > LENGTH_BYTES + _NOISE_MAX_BYTES[self._step]:
            raise RemoteError("a handshake message that is too long")
        if len(self._inbox) < end:
            return None
        message = bytes(self._inbox[LENGTH_BYTES:end])
        del self._inbox[:end]
        return message

    def _receive_message(self, message: bytes) -> None:
        noise = self._noise
        assert noise is not None
        payload = noise.read_message(message)
        if self._step is _Step.NOISE_1:
            self._write_message(noise, self._credentials.payload)
            self._step = _Step.NOISE_3
            return
        static = noise.remote_static
        assert static is not None
        if is_equal(static, self._credentials.static.public):
            raise RemoteError("the other side uses our own static key")
        peer = self._judge_responder(static, payload) if self._step is _Step.NOISE_2 else _device(static, payload)
        self._refuse_ourselves(peer)
        if self._step is _Step.NOISE_2:
            self._write_message(noise, self._credentials.payload)
        self._finish(noise, peer)

    def _judge_responder(self, static: bytes, payload: bytes) -> PeerIdentity:
        if isinstance(self._expected, InvitationExpected):
            return _invitation(static, payload, self._expected)
        peer = _device(static, payload)
        assert isinstance(self._expected, DeviceExpected) and peer.certificate is not None
        require_expected(self._expected, peer.certificate)
        return peer

    def _refuse_ourselves(self, peer: PeerIdentity) -> None:
        own = self._credentials
        if isinstance(own, DeviceCredentials) and peer.device is not None and is_equal(own.device, peer.device):
            raise RemoteError("the other side is this very device")

    def _finish(self, noise: NoiseXX, peer: PeerIdentity) -> None:
        self.peer = peer
        self.handshake_hash = noise.handshake_hash
        self._noise = None  # with the transport keys
        self._step = _Step.NOTHING


def require_expected(expected: DeviceExpected, certificate: Certificate) -> None:
    """RemoteError unless this certificate is the dialled device's, not rolled back, and names the right address."""
    if not is_equal(certificate.device, expected.device):
        raise RemoteError("another device answered")
    if expected.serial is not None and certificate.serial < expected.serial:
        raise RemoteError("the device showed an older certificate than we know")
    moved = expected.serial is not None and certificate.serial > expected.serial
    if expected.address is not None and not moved and not is_equal(certificate.address, expected.address):
        raise RemoteError("the device answered at an address that is not its own")


def require_same_peer(before: PeerIdentity, now: PeerIdentity) -> None:
    """RemoteError unless a renewed session is with the same device or invitation, and no certificate is rolled back."""
    if before.certificate is not None and now.certificate is not None:
        same = is_equal(before.certificate.device, now.certificate.device)
        if same and now.certificate.serial >= before.certificate.serial:
            return
    elif before.invitation is not None and now.invitation is not None and is_equal(before.invitation, now.invitation):
        return
    raise RemoteError("someone else answered the renewal")


def _device(static: bytes, payload: bytes) -> PeerIdentity:
    certificate = parse_certificate(payload)
    if not is_equal(certificate.static, static):
        raise RemoteError("the certificate names another static key")
    return PeerIdentity(static, DeviceId(certificate.device), certificate, payload)


def _invitation(static: bytes, payload: bytes, expected: InvitationExpected) -> PeerIdentity:
    proof = parse_invitation_proof(payload)
    if not is_equal(proof.invitation, expected.invitation):
        raise RemoteError("another invitation answered")
    if not is_equal(proof.static, static):
        raise RemoteError("the invitation's proof names another static key")
    return PeerIdentity(static, invitation=proof.invitation)
