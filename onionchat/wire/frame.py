"""Records to frames and back. The bytes: docs/spec/channel.md, "Frames".

length (3)  big-endian: all that follows, so that 3 + length is a step of the ladder
size (2)    big-endian: the bytes of the body
body        msgpack: an array of records
padding     zero bytes up to the end
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import msgspec

from onionchat import limits
from onionchat.codec import encode
from onionchat.errors import LocalError, RemoteError
from onionchat.wire.records import AnyRecord, Ping, Pong

LENGTH_BYTES = 3
SIZE_BYTES = 2
HEADER_BYTES = LENGTH_BYTES + SIZE_BYTES
BODY_MAX_BYTES = limits.FRAME_MAX_BYTES - HEADER_BYTES
_ARRAY_HEADER_MAX_BYTES = 3
RECORD_MAX_BYTES = BODY_MAX_BYTES - _ARRAY_HEADER_MAX_BYTES
"""The longest record, encoded."""

_LADDER = limits.FRAME_LADDER_BYTES
_STEPS = frozenset(_LADDER)
_ZEROS = bytes(limits.FRAME_MAX_BYTES)
_LIVENESS = (Ping, Pong)
_decoder = msgspec.msgpack.Decoder(list[AnyRecord])


def encode_frame(records: Sequence[AnyRecord]) -> list[bytes]:
    """The frames that carry these records in order, as few as possible. LocalError for a record that fits in none."""
    frames: list[bytes] = []
    group: list[bytes] = []
    room = RECORD_MAX_BYTES
    for record in records:
        encoded = encode(record)
        if len(encoded) > RECORD_MAX_BYTES:
            raise LocalError(f"that is too much for one record: {len(encoded)} bytes, at most {RECORD_MAX_BYTES}")
        if len(encoded) > room:
            frames.append(_frame(group))
            group, room = [], RECORD_MAX_BYTES
        group.append(encoded)
        room -= len(encoded)
    if group:
        frames.append(_frame(group))
    return frames


def _frame(encoded: list[bytes]) -> bytes:
    count = len(encoded)
    header = bytes((0x90 | count,)) if count < 16 else b"\xdc" + count.to_bytes(2)
    body = header + b"".join(encoded)
    total = _LADDER[bisect_left(_LADDER, HEADER_BYTES + len(body))]
    padding = _ZEROS[: total - HEADER_BYTES - len(body)]
    return b"".join(((total - LENGTH_BYTES).to_bytes(LENGTH_BYTES), len(body).to_bytes(SIZE_BYTES), body, padding))


class FrameReader:
    """Bytes to records. Holds at most one unfinished frame; refuses a bad frame at its first 5 bytes where it can."""

    __slots__ = ("_body_max_bytes", "_buffer", "carried_bytes")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body_max_bytes = BODY_MAX_BYTES
        self.carried_bytes = 0
        """Bytes of all frames so far, those apart that hold nothing but heartbeats."""

    @property
    def waiting_bytes(self) -> int:
        """Bytes of an unfinished frame."""
        return len(self._buffer)

    def restrict(self, record_max_bytes: int) -> None:
        """From now on a frame carries one record of so many bytes, or several that are no more together."""
        self._body_max_bytes = min(BODY_MAX_BYTES, record_max_bytes + _ARRAY_HEADER_MAX_BYTES)

    def feed(self, data: bytes) -> list[AnyRecord]:
        """All records that are complete with this. RemoteError for whatever is not exactly a frame."""
        buffer = self._buffer
        buffer += data
        records: list[AnyRecord] = []
        while len(buffer) >= HEADER_BYTES:
            total = LENGTH_BYTES + int.from_bytes(buffer[:LENGTH_BYTES])
            size = int.from_bytes(buffer[LENGTH_BYTES:HEADER_BYTES])
            self._require_sizes(total, size)
            if len(buffer) < total:
                break
            records += self._records(buffer[HEADER_BYTES:total], size)
            del buffer[:total]
        return records

    def _require_sizes(self, total: int, size: int) -> None:
        if total not in _STEPS:
            raise RemoteError("a frame whose length is no step of the ladder")
        if HEADER_BYTES + size > total:
            raise RemoteError("a frame that is shorter than what it carries")
        if size > self._body_max_bytes:
            raise RemoteError("a record that is longer than allowed here")

    def _records(self, rest: bytearray, size: int) -> list[AnyRecord]:
        if rest[size:] != _ZEROS[: len(rest) - size]:
            raise RemoteError("a frame whose padding is not zero")
        try:
            records = _decoder.decode(memoryview(rest)[:size])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError):
            raise RemoteError("a frame that holds something else than known records") from None
        if not records:
            raise RemoteError("a frame without a record")
        if not _is_heartbeat(records):
            self.carried_bytes += HEADER_BYTES + len(rest)
        return records


def _is_heartbeat(records: Iterable[AnyRecord]) -> bool:
    return all(isinstance(record, _LIVENESS) for record in records)
