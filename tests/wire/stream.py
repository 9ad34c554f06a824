"""Two channels, and the stream between them in the test's hands."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from OpenSSL import SSL

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.crypto.tls import TlsIdentity
from onionchat.identity.device import issue_certificate
from onionchat.identity.link import prove_invitation
from onionchat.ids import DeviceId
from onionchat.wire.channel import Channel, State
from onionchat.wire.commands import Closed, Command, PeerAuthenticated, RecordReceived, SendBytes, WakeAt
from onionchat.wire.handshake import (
    GROUP,
    Credentials,
    DeviceCredentials,
    DeviceExpected,
    Expected,
    InvitationCredentials,
    InvitationExpected,
    Role,
)
from onionchat.wire.records import AnyRecord

Cut = Callable[[bytes], Iterable[bytes]]


def counting_random() -> Callable[[int], bytes]:
    """Bytes that never repeat and are the same in every run."""
    calls = 0

    def random(size: int) -> bytes:
        nonlocal calls
        calls += 1
        return calls.to_bytes(size)

    return random


@dataclass(frozen=True)
class Device:
    """A device with keys made from one number."""

    number: int
    serial: int = 1

    @property
    def identity(self) -> SigningKey:
        return SigningKey(bytes([self.number]) * 32)

    @property
    def id(self) -> DeviceId:
        return DeviceId(self.identity.public)

    @property
    def address(self) -> bytes:
        return SigningKey(bytes([self.number, self.serial]) * 16).public

    @property
    def static(self) -> ExchangeKey:
        return ExchangeKey(bytes([self.number, self.serial, 7, 7]) * 8)

    @property
    def certificate(self) -> bytes:
        return issue_certificate(self.identity, self.address, self.static.public, self.serial)

    @property
    def credentials(self) -> DeviceCredentials:
        return DeviceCredentials(self.certificate, self.static)

    @property
    def expected(self) -> DeviceExpected:
        return DeviceExpected(self.id, self.address)


ALICE, BOB, CAROL = Device(1), Device(2), Device(3)
INVITATION = SigningKey(b"invitation" * 3 + b"..")
INVITATION_STATIC = ExchangeKey(b"invitation" * 3 + b"!!")
INVITATION_CREDENTIALS = InvitationCredentials(
    prove_invitation(INVITATION, INVITATION_STATIC.public), INVITATION_STATIC
)
INVITATION_EXPECTED = InvitationExpected(INVITATION.public)
# made once: a new one for each test would only cost time
CLIENT_TLS, SERVER_TLS = TlsIdentity.generate(), TlsIdentity.generate()


def only_groups(identity: TlsIdentity, groups: bytes) -> TlsIdentity:
    """The same, offering and taking these groups alone. pyOpenSSL has no public way."""
    for context in (identity.client_context, identity.server_context):
        assert SSL._lib.SSL_CTX_set1_curves_list(context._context, groups) == 1  # type: ignore[attr-defined]
    return identity


def initiator(
    credentials: Credentials = ALICE.credentials, expected: Expected = BOB.expected, **options: object
) -> Channel:
    return Channel(Role.INITIATOR, credentials, expected, **_options(CLIENT_TLS, options))  # type: ignore[arg-type]


def responder(credentials: Credentials = BOB.credentials, **options: object) -> Channel:
    return Channel(Role.RESPONDER, credentials, None, **_options(SERVER_TLS, options))  # type: ignore[arg-type]


def _options(tls: TlsIdentity, options: dict[str, object]) -> dict[str, object]:
    return {"tls": tls, "random": counting_random(), "group": GROUP, **options}


@dataclass
class End:
    """One channel, what it has said, and the bytes on their way to it."""

    channel: Channel
    commands: list[Command] = field(default_factory=list)
    written: bytes = b""
    arriving: bytes = b""

    @property
    def records(self) -> list[AnyRecord]:
        return [command.record for command in self.commands if isinstance(command, RecordReceived)]

    @property
    def closed(self) -> Closed | None:
        ends = [command for command in self.commands if isinstance(command, Closed)]
        assert len(ends) <= 1 and (not ends or self.commands[-1] is ends[0]), "Closed comes once, and last"
        return ends[0] if ends else None

    @property
    def authenticated(self) -> list[PeerAuthenticated]:
        return [command for command in self.commands if isinstance(command, PeerAuthenticated)]

    @property
    def wakes(self) -> list[float]:
        return [command.at for command in self.commands if isinstance(command, WakeAt)]


class Stream:
    """Carries the bytes between two ends when `settle` is called, cut as the test wants."""

    def __init__(self, first: Channel | None = None, second: Channel | None = None, cut: Cut = lambda data: [data]):
        self.i = End(first or initiator())
        self.r = End(second or responder())
        self.cut = cut
        self.now = 0.0

    def start(self) -> "Stream":
        self.take(self.i, self.i.channel.connection_made(self.now))
        self.take(self.r, self.r.channel.connection_made(self.now))
        return self

    def open(self) -> "Stream":
        self.start().settle()
        assert self.i.channel.state is State.OPEN and self.r.channel.state is State.OPEN
        return self

    def take(self, end: End, commands: Sequence[Command]) -> None:
        """Carry out what one end asks for: bytes go on their way to the other."""
        other = self.r if end is self.i else self.i
        for command in commands:
            end.commands.append(command)
            if isinstance(command, SendBytes):
                end.written += command.data
                other.arriving += command.data

    def deliver(self, end: End) -> None:
        data, end.arriving = end.arriving, b""
        for piece in self.cut(data):
            self.take(end, end.channel.receive_bytes(piece, self.now))

    def settle(self) -> "Stream":
        while self.i.arriving or self.r.arriving:
            for end in (self.r, self.i):
                if end.arriving:
                    self.deliver(end)
        return self

    def send(self, end: End, *records: AnyRecord) -> None:
        self.take(end, end.channel.send_records(records, self.now))

    def wake(self, now: float) -> "Stream":
        self.now = now
        for end in (self.i, self.r):
            self.take(end, end.channel.wake(now))
        return self


def tls_records(data: bytes) -> list[tuple[int, bytes]]:
    """Offset and bytes of every TLS record in a stream."""
    found, start = [], 0
    while start < len(data):
        end = start + 5 + int.from_bytes(data[start + 3 : start + 5])
        found.append((start, data[start:end]))
        start = end
    return found
