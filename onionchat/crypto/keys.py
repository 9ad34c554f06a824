"""Ed25519 and X25519 keys, from 32-byte seeds (libsodium by PyNaCl)."""

import hashlib

import nacl.bindings
import nacl.exceptions

from onionchat.crypto.hashing import labelled
from onionchat.errors import RemoteError

SEED_BYTES = 32
SIGNATURE_BYTES = 64
_ANY_SCALAR = b"\x08" * 32


class SigningKey:
    """An Ed25519 key pair (RFC 8032). `repr` shows the public half only."""

    __slots__ = ("_secret", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self.public, self._secret = nacl.bindings.crypto_sign_seed_keypair(seed)

    def sign(self, label: bytes, message: bytes) -> bytes:
        """64 bytes: detached signature over the labelled message."""
        return nacl.bindings.crypto_sign(labelled(label, message), self._secret)[:SIGNATURE_BYTES]

    def expanded(self) -> bytes:
        """The 64-byte expanded secret key that Tor's ADD_ONION takes: clamped SHA-512 of the seed."""
        digest = bytearray(hashlib.sha512(self.seed).digest())
        digest[0] &= 248
        digest[31] = (digest[31] & 127) | 64
        return bytes(digest)

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public.hex()[:16]}…)"


def is_signed(public: bytes, label: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is `public`'s over the labelled message. False for anything malformed."""
    if len(public) != SEED_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        nacl.bindings.crypto_sign_open(signature + labelled(label, message), public)
    except nacl.exceptions.CryptoError:
        return False
    return True


def verify(public: bytes, label: bytes, message: bytes, signature: bytes) -> None:
    """RemoteError unless `is_signed`."""
    if not is_signed(public, label, message, signature):
        raise RemoteError(f"wrong signature on a {label.decode('ascii', 'replace')}")


class ExchangeKey:
    """An X25519 key pair (RFC 7748): static keys and discovery keys. `repr` shows the public half only."""

    __slots__ = ("private", "public")

    def __init__(self, private: bytes) -> None:
        self.private = private
        self.public: bytes = nacl.bindings.crypto_scalarmult_base(private)

    def __repr__(self) -> str:
        return f"ExchangeKey(public={self.public.hex()[:16]}…)"


def is_exchange_public(public: bytes) -> bool:
    """Whether this is an X25519 public key that gives a secret. False for a small order: all would share one secret."""
    try:
        nacl.bindings.crypto_scalarmult(_ANY_SCALAR, public)
    except (nacl.exceptions.CryptoError, RuntimeError):
        return False
    return True


def is_equal(left: bytes, right: bytes) -> bool:
    """Constant-time comparison; lengths are not secret."""
    return len(left) == len(right) and nacl.bindings.sodium_memcmp(left, right)
