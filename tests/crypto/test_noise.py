"""The published vectors through our own wrapper, and messages that are not what they should be."""

import gc
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from noise.backends.default.keypairs import KeyPair25519
from noise.connection import NoiseConnection
from noise.state import HandshakeState

from onionchat.crypto.keys import ExchangeKey
from onionchat.crypto.noise import MESSAGE_OVERHEAD_BYTES, NoiseXX
from onionchat.errors import RemoteError

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "noise_xx.json").read_text())["vectors"]
I_STATIC, R_STATIC = ExchangeKey(b"i" * 32), ExchangeKey(b"r" * 32)


def pair(prologue: bytes = b"p", other_prologue: bytes = b"p") -> tuple[NoiseXX, NoiseXX]:
    return (
        NoiseXX(initiator=True, static=I_STATIC, prologue=prologue),
        NoiseXX(initiator=False, static=R_STATIC, prologue=other_prologue),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=["cacophony", "another prologue"])
def test_published_vectors(vector: dict[str, str]) -> None:
    ends = []
    for name in ("init", "resp"):
        static = ExchangeKey(bytes.fromhex(vector[f"{name}_static"]))
        end = NoiseXX(initiator=name == "init", static=static, prologue=bytes.fromhex(vector["prologue"]))
        # the one thing that the wrapper leaves to chance
        end._state.e = KeyPair25519.from_private_bytes(bytes.fromhex(vector[f"{name}_ephemeral"]))
        ends.append(end)
    for number, (payload, message) in enumerate(zip(vector["payloads"], vector["messages"], strict=True)):
        writer, reader = ends[number % 2], ends[1 - number % 2]
        assert writer.write_message(bytes.fromhex(payload)).hex() == message
        assert reader.read_message(bytes.fromhex(message)).hex() == payload
        assert len(message) // 2 - len(payload) // 2 == MESSAGE_OVERHEAD_BYTES[number]
    for end, other in zip(ends, reversed(ends), strict=True):
        assert end.finished and end.handshake_hash.hex() == vector["handshake_hash"]
        assert end.remote_static is not None and end.remote_static != other.remote_static


def test_each_learns_the_other_s_static_key_in_turn() -> None:
    i, r = pair()
    r.read_message(i.write_message())
    assert i.remote_static is None and r.remote_static is None
    assert i.read_message(r.write_message(b"two")) == b"two"
    assert i.remote_static == R_STATIC.public and r.remote_static is None and not i.finished
    assert r.read_message(i.write_message(b"three")) == b"three"
    assert r.remote_static == I_STATIC.public
    assert i.finished and r.finished and i.handshake_hash == r.handshake_hash


def finished() -> tuple[NoiseXX, NoiseXX]:
    i, r = pair()
    r.read_message(i.write_message())
    i.read_message(r.write_message(b"two"))
    r.read_message(i.write_message(b"three"))
    return i, r


def test_keys_are_gone_at_the_end_without_waiting_for_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        ends = finished()
        assert all(end._noise is None and end._state is None for end in ends)
        left = [value for value in gc.get_objects() if isinstance(value, (NoiseConnection, HandshakeState))]
        assert left == []
    finally:
        gc.enable()


def test_nothing_follows_the_third_message() -> None:
    for end in finished():
        with pytest.raises(RemoteError):
            end.write_message(b"more")
        with pytest.raises(RemoteError):
            end.read_message(bytes(100))


def test_another_prologue_fails() -> None:
    i, r = pair(b"p", b"q")
    r.read_message(i.write_message())
    with pytest.raises(RemoteError):
        i.read_message(r.write_message(b"two"))


def test_turns_are_kept() -> None:
    i, r = pair()
    with pytest.raises(RemoteError):
        i.read_message(bytes(32))
    with pytest.raises(RemoteError):
        r.write_message()


@given(st.binary(max_size=200), st.integers(0, 2))
def test_garbage_is_a_remote_error(data: bytes, step: int) -> None:
    i, r = pair()
    reader = r
    if step > 0:
        r.read_message(i.write_message())
        reader = i
    if step > 1:
        i.read_message(r.write_message(b"two"))
        reader = r
        i.write_message(b"three")
    try:
        reader.read_message(data)
    except RemoteError:
        return
    assert step == 0 and len(data) >= 32, "only the first message is not authenticated"


@given(st.integers(0, 1), st.data())
def test_every_byte_counts(step: int, data: st.DataObject) -> None:
    i, r = pair()
    r.read_message(i.write_message())
    message, reader = r.write_message(b"two"), i
    if step:
        i.read_message(message)
        message, reader = i.write_message(b"three"), r
    changed = bytearray(message)
    changed[data.draw(st.integers(0, len(message) - 1))] ^= data.draw(st.integers(1, 127))
    with pytest.raises(RemoteError):
        reader.read_message(bytes(changed))


def test_no_key_shows() -> None:
    assert repr(pair()[0]) == "NoiseXX(finished=False)"
