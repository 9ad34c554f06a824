"""Noise_XX_25519_ChaChaPoly_BLAKE2s (Noise Protocol Framework, revision 34), by the noiseprotocol library.

Three handshake messages with a payload each; the transport keys that come out are dropped unused, because the
records travel in TLS. Payloads of message 1 are in the clear, of message 2 encrypted to whoever asked, of
message 3 encrypted to the authenticated responder.
"""

from typing import Any

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

    __slots__ = ("_noise", "_state", "handshake_hash", "remote_static")

    def __init__(self, *, initiator: bool, static: ExchangeKey, prologue: bytes) -> None:
        noise = NoiseConnection.from_name(PROTOCOL_NAME)
        if initiator:
            noise.set_as_initiator()
        else:
            noise.set_as_responder()
        noise.set_keypair_from_private_bytes(Keypair.STATIC, static.private)
        noise.set_prologue(prologue)
        noise.start_handshake()
        self._noise: Any = noise
        # the library forgets it at the end, and with it the other side's static key
        self._state: Any = noise.noise_protocol.handshake_state
        self.remote_static: bytes | None = None
        """The other side's static public key, 32 bytes, once its message with it was read."""
        self.handshake_hash = b""
        """32 bytes that name this handshake, equal on both sides, once finished."""

    @property
    def finished(self) -> bool:
        """Whether all three messages have passed."""
        return bool(self.handshake_hash)

    def write_message(self, payload: bytes = b"") -> bytes:
        """The next handshake message of ours with this payload."""
        if self._noise is None:
            raise RemoteError("the Noise handshake is over")
        try:
            message = bytes(self._noise.write_message(payload))
        except _FAILURES:
            raise RemoteError("the Noise handshake failed") from None
        self._forget_when_finished()
        return message

    def read_message(self, message: bytes) -> bytes:
        """The payload of the other side's next message. RemoteError for a wrong, short or forged one."""
        if self._noise is None:
            raise RemoteError("the Noise handshake is over")
        try:
            payload = bytes(self._noise.read_message(message))
        except _FAILURES:
            raise RemoteError("the Noise handshake failed") from None
        self.remote_static = getattr(self._state.rs, "public_bytes", None)
        if self.remote_static is not None and not is_exchange_public(self.remote_static):
            raise RemoteError("a static key that gives no secret")
        self._forget_when_finished()
        return payload

    def _forget_when_finished(self) -> None:
        """Drop all keys. The library's objects refer to each other: unless the rings are cut, keys stay for a while."""
        if not self._noise.handshake_finished:
            return
        self.handshake_hash = bytes(self._noise.get_handshake_hash())
        self._noise._next_fn = None
        self._noise.noise_protocol = None
        self._state.noise_protocol = None
        self._state.symmetric_state.noise_protocol = None
        self._noise = self._state = None

    def __repr__(self) -> str:
        return f"NoiseXX(finished={self.finished})"
