"""Canonical msgpack of typed records. Layer 0.

Encoding is msgspec's msgpack of `Record` classes as arrays. What is signed or hashed is accepted only when
encoding the decoded value again gives the same bytes (`decode_canonical`), because msgpack has several
encodings of one value and msgspec accepts them all.
"""

from typing import Annotated, Any, TypeVar

import msgspec

from onionchat.errors import RemoteError

T = TypeVar("T")

Bytes32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Bytes16 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Bytes64 = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
Unsigned = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


class Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of all that is encoded: an immutable struct written as an array, no unknown fields."""


def encode(value: object) -> bytes:
    """The canonical bytes of a value."""
    return _encoder.encode(value)


def decode(raw: bytes, kind: type[T], max_bytes: int) -> T:
    """Decode bytes from outside. RemoteError when they are too long or not exactly such a value."""
    if len(raw) > max_bytes:
        raise RemoteError(f"{len(raw)} bytes where at most {max_bytes} are allowed")
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
    try:
        value: T = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError):
        # the cause is dropped on purpose: it may quote what a stranger sent
        raise RemoteError(f"malformed {getattr(kind, '__name__', 'record')}") from None
    return value


def decode_canonical(raw: bytes, kind: type[T], max_bytes: int) -> T:
    """As `decode`, and RemoteError unless encoding the value again gives `raw`."""
    value = decode(raw, kind, max_bytes)
    if _encoder.encode(value) != raw:
        raise RemoteError(f"non-canonical {getattr(kind, '__name__', 'record')}")
    return value
