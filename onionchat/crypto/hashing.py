"""Labelled BLAKE2b-256: nothing that is hashed or signed can be taken for another thing."""

import hashlib

HASH_BYTES = 32
LABEL_PREFIX = b"onionchat/1 "


def labelled(label: bytes, message: bytes) -> bytes:
    """The bytes that are hashed or signed: prefix, label, a zero byte, message. Labels hold no zero byte."""
    return LABEL_PREFIX + label + b"\x00" + message


def labelled_hash(label: bytes, message: bytes) -> bytes:
    """BLAKE2b-256 (RFC 7693) of the labelled message, 32 bytes."""
    return hashlib.blake2b(labelled(label, message), digest_size=HASH_BYTES).digest()


def keyed_hash(key: bytes, label: bytes, message: bytes, size: int = HASH_BYTES) -> bytes:
    """Keyed BLAKE2b of the labelled message, `size` bytes; `key` up to 64 bytes."""
    return hashlib.blake2b(labelled(label, message), digest_size=size, key=key).digest()
