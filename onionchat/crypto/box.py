"""Authenticated encryption between two X25519 keys: libsodium's crypto_box (X25519, XSalsa20, Poly1305).

Whoever holds either private key can make and open a box of the pair: it convinces the receiver and nobody else.
"""

from collections.abc import Callable

import nacl.bindings
import nacl.exceptions

from onionchat.errors import RemoteError

NONCE_BYTES = 24
TAG_BYTES = 16
BOX_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES


def seal_box(private: bytes, public: bytes, nonce_random: Callable[[int], bytes], message: bytes) -> bytes:
    """Nonce (24 random bytes), then the box. RemoteError for a public key of small order."""
    nonce = nonce_random(NONCE_BYTES)
    try:
        return nonce + nacl.bindings.crypto_box(message, nonce, public, private)
    except nacl.exceptions.CryptoError:
        raise RemoteError("a box cannot be made for that key") from None


def open_box(private: bytes, public: bytes, box: bytes) -> bytes:
    """The message in a box that `public`'s owner made for `private`'s. RemoteError for anything else."""
    if len(box) < BOX_OVERHEAD_BYTES:
        raise RemoteError("a box that is too short")
    try:
        return nacl.bindings.crypto_box_open(box[NONCE_BYTES:], box[:NONCE_BYTES], public, private)
    except (nacl.exceptions.CryptoError, nacl.exceptions.ValueError):
        raise RemoteError("a box that does not open") from None
