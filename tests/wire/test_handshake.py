"""Handshakes with somebody who does not keep the rules: the other end is made by hand of TLS and Noise alone."""

import pytest
from noise.backends.default.keypairs import KeyPair25519
from OpenSSL import SSL

from onionchat import limits
from onionchat.crypto.keys import ExchangeKey
from onionchat.crypto.noise import NoiseXX
from onionchat.crypto.tls import EXPORTER_BYTES, EXPORTER_LABEL, TlsIdentity
from onionchat.errors import RemoteError
from onionchat.identity.link import prove_invitation
from onionchat.wire.channel import Channel, State
from onionchat.wire.commands import Closed, Command, PeerAuthenticated, SendBytes
from onionchat.wire.handshake import (
    GROUP,
    DeviceCredentials,
    Handshake,
    Role,
)
from tests.wire.stream import (
    ALICE,
    BOB,
    CAROL,
    CLIENT_TLS,
    INVITATION,
    INVITATION_CREDENTIALS,
    INVITATION_EXPECTED,
    INVITATION_STATIC,
    SERVER_TLS,
    initiator,
    only_groups,
    responder,
)

TICKET_OFFER_BYTES = 95  # the client does ask for its old session
SMALL_ORDER = [
    bytes(32),
    (1).to_bytes(32, "little"),
    (2**255 - 20).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
]


class ByHand:
    """One end of the stream without any of our checks, and a channel at the other end."""

    def __init__(self, victim: Channel, *, client: bool, tls: TlsIdentity | None = None) -> None:
        identity = tls or (CLIENT_TLS if client else SERVER_TLS)
        self.connection = SSL.Connection(identity.client_context if client else identity.server_context, None)
        if client:
            self.connection.set_connect_state()
        else:
            self.connection.set_accept_state()
        self.victim = victim
        self.client = client
        self.commands: list[Command] = []
        self.written_by_victim = 0
        self.before = 0
        self.take(victim.connection_made(0))

    def take(self, commands: list[Command]) -> None:
        self.commands += commands
        for command in commands:
            if isinstance(command, SendBytes):
                self.written_by_victim += len(command.data)
                self.connection.bio_write(command.data)

    def flush(self) -> None:
        try:
            data = self.connection.bio_read(2**16)
        except SSL.WantReadError:
            return
        self.take(self.victim.receive_bytes(data, 0))

    def shake_hands(self) -> "ByHand":
        for _ in range(4):
            try:
                self.connection.do_handshake()
            except SSL.WantReadError:
                self.flush()
        self.flush()
        return self

    def noise(self, static: ExchangeKey, group: bytes = GROUP) -> NoiseXX:
        exporter = self.connection.export_keying_material(EXPORTER_LABEL, EXPORTER_BYTES, b"")
        return NoiseXX(initiator=self.client, static=static, prologue=group + exporter)

    def send(self, message: bytes) -> None:
        self.connection.send(len(message).to_bytes(2) + message)
        self.flush()

    def receive(self) -> bytes:
        data = self.connection.recv(2**16)
        assert int.from_bytes(data[:2]) == len(data) - 2
        return data[2:]

    @property
    def refused(self) -> bool:
        """Closed as a fault, nobody authenticated."""
        assert not any(isinstance(command, PeerAuthenticated) for command in self.commands)
        return isinstance(self.commands[-1], Closed) and self.commands[-1].remote_fault


def dial(noise_static: ExchangeKey, certificate: bytes, public: bytes | None = None) -> ByHand:
    """Bob is called by someone with this key and certificate, who may claim another public key than its own."""
    end = ByHand(responder(), client=True).shake_hands()
    noise = end.noise(noise_static)
    if public is not None:
        claim(noise, public)
    end.send(noise.write_message())
    noise.read_message(end.receive())
    end.before = end.written_by_victim
    end.send(noise.write_message(certificate))
    return end


def answer(
    noise_static: ExchangeKey, payload: bytes, public: bytes | None = None, victim: Channel | None = None
) -> ByHand:
    """Alice's call to Bob is answered by someone with this key and payload."""
    end = ByHand(victim or initiator(), client=False).shake_hands()
    noise = end.noise(noise_static)
    if public is not None:
        claim(noise, public)
    noise.read_message(end.receive())
    end.before = end.written_by_victim
    end.send(noise.write_message(payload))
    return end


def claim(noise: NoiseXX, public: bytes) -> None:
    """Send this public key in place of the one that belongs to the private key."""
    pair = noise._state.s
    noise._state.s = KeyPair25519(pair.private, pair.public, public)


def assert_silent_refusal(end: ByHand) -> None:
    """Refused, and not a byte more was written: no failure can be told from another."""
    assert end.refused and end.written_by_victim == end.before


# --- the way it should be ---------------------------------------------------------------------------
def test_who_keeps_the_rules_gets_in() -> None:
    assert dial(ALICE.static, ALICE.certificate).victim.state is State.OPEN
    assert answer(BOB.static, BOB.certificate).victim.state is State.OPEN


# --- keys and certificates --------------------------------------------------------------------------
def forged(certificate: bytes) -> bytes:
    return certificate[:-1] + bytes([certificate[-1] ^ 1])


@pytest.mark.parametrize(
    "payload",
    [CAROL.certificate, forged(ALICE.certificate), b"", b"x" * 512, INVITATION_CREDENTIALS.proof],
    ids=["stolen", "forged", "none", "garbage", "an invitation"],
)
def test_the_responder_refuses_a_certificate_without_its_key(payload: bytes) -> None:
    assert_silent_refusal(dial(ALICE.static, payload))


@pytest.mark.parametrize(
    "payload",
    [BOB.certificate, forged(BOB.certificate), b"", b"x" * 512, INVITATION_CREDENTIALS.proof],
    ids=["stolen", "forged", "none", "garbage", "an invitation"],
)
def test_the_initiator_refuses_a_certificate_without_its_key(payload: bytes) -> None:
    assert_silent_refusal(answer(CAROL.static, payload))


def test_the_initiator_refuses_an_invitation_without_its_key() -> None:
    caller = initiator(expected=INVITATION_EXPECTED)
    assert_silent_refusal(answer(CAROL.static, INVITATION_CREDENTIALS.proof, victim=caller))
    caller = initiator(expected=INVITATION_EXPECTED)
    by_another = prove_invitation(CAROL.identity, CAROL.static.public)
    assert_silent_refusal(answer(CAROL.static, by_another, victim=caller))
    caller = initiator(expected=INVITATION_EXPECTED)
    assert answer(INVITATION_STATIC, INVITATION_CREDENTIALS.proof, victim=caller).victim.state is State.OPEN
    assert INVITATION.public == INVITATION_EXPECTED.invitation


def test_nobody_comes_with_our_own_static_key() -> None:
    assert_silent_refusal(dial(BOB.static, BOB.certificate))
    assert_silent_refusal(dial(BOB.static, ALICE.certificate))
    assert_silent_refusal(answer(ALICE.static, ALICE.certificate))


def test_key_compromise_does_not_let_others_impersonate_towards_the_victim() -> None:
    """A thief of Bob's static key poses as Alice towards Bob; a thief of Alice's as Bob towards Alice: Tox's fault."""
    assert_silent_refusal(dial(BOB.static, ALICE.certificate, public=ALICE.static.public))
    assert_silent_refusal(answer(ALICE.static, BOB.certificate, public=BOB.static.public))
    assert_silent_refusal(dial(CAROL.static, ALICE.certificate, public=ALICE.static.public))
    assert_silent_refusal(answer(CAROL.static, BOB.certificate, public=BOB.static.public))


@pytest.mark.parametrize("public", SMALL_ORDER)
def test_static_keys_of_small_order_are_refused(public: bytes) -> None:
    """With such a key everybody could compute the shared secret."""
    end = ByHand(responder(), client=True).shake_hands()
    noise = end.noise(ALICE.static)
    claim(noise, public)
    end.send(noise.write_message())
    noise.read_message(end.receive())
    noise._noise.noise_protocol.dh_fn.dh = lambda private, public: bytes(32)
    end.send(noise.write_message(ALICE.certificate))
    assert end.refused


@pytest.mark.parametrize("public", SMALL_ORDER)
def test_ephemeral_keys_of_small_order_are_refused(public: bytes) -> None:
    end = ByHand(responder(), client=True).shake_hands()
    end.send(public)
    assert end.refused
    caller = ByHand(initiator(), client=False).shake_hands()
    caller.receive()
    caller.send(public + bytes(200))
    assert caller.refused


# --- the binding ------------------------------------------------------------------------------------
def test_noise_counts_in_its_own_tls_session_alone() -> None:
    """A man in the middle of two TLS sessions cannot pass Noise messages from one to the other."""
    to_bob = ByHand(responder(), client=True).shake_hands()
    to_alice = ByHand(initiator(), client=False).shake_hands()
    to_bob.send(to_alice.receive())
    to_alice.send(to_bob.receive())
    assert to_alice.refused


def test_another_group_is_refused() -> None:
    end = ByHand(responder(), client=True).shake_hands()
    noise = end.noise(ALICE.static, b"onionchat/2")
    end.send(noise.write_message())
    with pytest.raises(RemoteError):
        noise.read_message(end.receive())


# --- TLS --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("groups", [b"X25519", b"P-256", b"X25519:P-256"])
def test_a_client_without_the_hybrid_group_is_refused_before_noise(groups: bytes) -> None:
    classical = only_groups(TlsIdentity.generate(), groups)
    end = ByHand(responder(), client=True, tls=classical).shake_hands()
    assert end.refused and end.victim.exporter == b""


def test_a_client_that_stops_in_tls_is_told_nothing() -> None:
    """Not even a TLS alert: a scanner learns that the stream ended."""
    channel = responder()
    channel.connection_made(0)
    commands = channel.receive_bytes(bytes((22, 3, 1, 0, 4, 1, 0, 0, 0)), 0)
    assert [type(command) for command in commands] == [Closed]


def test_a_client_s_session_is_not_resumed() -> None:
    """OpenSSL offers tickets in spite of OP_NO_TICKET; nothing stands behind them: the next handshake is a full one."""
    first = ByHand(responder(), client=True).shake_hands()
    noise = first.noise(ALICE.static)
    first.send(noise.write_message())
    first.receive()
    session = first.connection.get_session()
    assert session is not None
    again = ByHand(responder(), client=True)
    again.connection.set_session(session)
    assert len(client_hello(again)) == len(client_hello(ByHand(responder(), client=True))) + TICKET_OFFER_BYTES
    again.shake_hands()
    noise = again.noise(ALICE.static)
    again.send(noise.write_message())
    # with certificate and its signature: a resumed handshake is 300 bytes shorter
    assert again.written_by_victim == first.written_by_victim


def client_hello(end: ByHand) -> bytes:
    with pytest.raises(SSL.WantReadError):
        end.connection.do_handshake()
    hello = end.connection.bio_read(2**16)
    end.take(end.victim.receive_bytes(hello, 0))
    return hello


# --- messages ---------------------------------------------------------------------------------------
def test_the_first_message_carries_nothing() -> None:
    end = ByHand(responder(), client=True).shake_hands()
    end.send(end.noise(ALICE.static).write_message(b"hello"))
    assert end.refused


@pytest.mark.parametrize("length", [0, 1, 31])
def test_short_messages_are_refused(length: int) -> None:
    end = ByHand(responder(), client=True).shake_hands()
    end.send(bytes(length))
    assert end.refused


def test_a_long_message_is_refused_by_its_length() -> None:
    end = ByHand(initiator(), client=False).shake_hands()
    end.receive()
    end.connection.send((96 + limits.CERTIFICATE_MAX_BYTES + 1).to_bytes(2))
    end.flush()
    assert end.refused


def test_the_session_may_not_end_within_the_handshake() -> None:
    end = ByHand(responder(), client=True).shake_hands()
    end.connection.shutdown()
    end.flush()
    assert end.refused


def test_messages_may_come_in_pieces_and_with_frames_behind() -> None:
    end = ByHand(responder(), client=True).shake_hands()
    noise = end.noise(ALICE.static)
    for byte in b"\x00\x20" + noise.write_message():
        end.connection.send(bytes((byte,)))
        end.flush()
    noise.read_message(end.receive())
    last = noise.write_message(ALICE.certificate)
    end.connection.send(len(last).to_bytes(2) + last + b"\x00\x01\xfd")
    end.flush()
    assert end.victim.state is State.OPEN


# --- how it is called -------------------------------------------------------------------------------
def test_roles_are_checked() -> None:
    with pytest.raises(ValueError, match="expects"):
        Handshake(Role.INITIATOR, ALICE.credentials, None, CLIENT_TLS, GROUP)
    with pytest.raises(ValueError, match="expects"):
        Handshake(Role.RESPONDER, ALICE.credentials, BOB.expected, SERVER_TLS, GROUP)
    with pytest.raises(ValueError, match="is a device"):
        Handshake(Role.INITIATOR, INVITATION_CREDENTIALS, BOB.expected, CLIENT_TLS, GROUP)


def test_credentials_belong_together() -> None:
    assert ALICE.credentials.device == ALICE.id
    with pytest.raises(ValueError, match="another static key"):
        DeviceCredentials(ALICE.certificate, BOB.static)
    with pytest.raises(ValueError, match="not valid"):
        DeviceCredentials(forged(ALICE.certificate), ALICE.static)
