"""Noise_XX_25519_ChaChaPoly_BLAKE2s (Noise Protocol Framework, revision 34), by the noiseprotocol library.

Three handshake messages with a payload each; the transport keys that come out are dropped unused, because the
records travel in TLS. Payloads of message 1 are in the clear, of message 2 encrypted to whoever asked, of
message 3 encrypted to the authenticated responder.
"""

from cryptography.exceptions import InvalidTag
from noise.connection import Keypair, NoiseConnection
from noise.exceptions import NoiseHandshakeError, NoiseInvalidMessage, NoiseValueError

from onionchat.crypto.keys import ExchangeKey, is_exchange_public
from onionchat.errors import RemoteError

PROTOCOL_NAME = b"Noise_XX_25519_ChaChaPoly_BLAKE2s"
KEY_BYTES = 32
TAG_BYTES = 16
# What each handshake message adds to its payload.
MESSAGE_OVERHEAD_BYTES = (KEY_BYTES, KEY_BYTES + KEY_BYTES + 2 * TAG_BYTES, KEY_BYTES + 2 * TAG_BYTES)

_FAILURES = (InvalidTag, ValueError, NoiseHandshakeError, NoiseInvalidMessage, NoiseValueError)


class NoiseXX:
    """One handshake. RemoteError whenever the other side's bytes do not fit; the object is of no use after it."""

    __slots__ = ("_noise", "_state")

    def __init__(self, *, initiator: bool, static: ExchangeKey, prologue: bytes) -> None:
        noise = NoiseConnection.from_name(PROTOCOL_NAME)
        if initiator:
            noise.set_as_initiator()
        else:
            noise.set_as_responder()
        noise.set_keypair_from_private_bytes(Keypair.STATIC, static.private)
        noise.set_prologue(prologue)
        noise.start_handshake()
        self._noise = noise
        # the library forgets it at the end, and with it the other side's static key
        self._state = noise.noise_protocol.handshake_state

    def write_message(self, payload: bytes = b"") -> bytes:
        """The next handshake message of ours with this payload."""
        try:
            return bytes(self._noise.write_message(payload))
        except _FAILURES:
            raise RemoteError("the Noise handshake failed") from None

    def read_message(self, message: bytes) -> bytes:
        """The payload of the other side's next message. RemoteError for a wrong, short or forged one."""
        try:
            payload = bytes(self._noise.read_message(message))
        except _FAILURES:
            raise RemoteError("the Noise handshake failed") from None
        static = self.remote_static
        if static is not None and not is_exchange_public(static):
            raise RemoteError("a static key that gives no secret")
        return payload

    @property
    def remote_static(self) -> bytes | None:
        """The other side's static public key, 32 bytes, once its message with it was read."""
        key: bytes | None = getattr(self._state.rs, "public_bytes", None)
        return key

    @property
    def finished(self) -> bool:
        """Whether all three messages have passed."""
        return bool(self._noise.handshake_finished)

    @property
    def handshake_hash(self) -> bytes:
        """32 bytes that name this handshake; equal on both sides. Only when finished."""
        value: bytes = self._noise.get_handshake_hash()
        return value

    def __repr__(self) -> str:
        return f"NoiseXX(finished={self.finished})"
