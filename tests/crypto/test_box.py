"""crypto_box against NaCl's vector, and boxes that do not open."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.crypto.box import BOX_OVERHEAD_BYTES, open_box, seal_box
from onionchat.crypto.keys import ExchangeKey
from onionchat.errors import RemoteError

TEXT = json.loads((Path(__file__).parent.parent / "vectors" / "crypto_box.json").read_text())
VECTOR = {name: bytes.fromhex(value) for name, value in TEXT.items() if name != "about"}
ALICE, BOB, CAROL = ExchangeKey(b"a" * 32), ExchangeKey(b"b" * 32), ExchangeKey(b"c" * 32)


def nonce(size: int) -> bytes:
    return b"n" * size


def test_nacl_s_vector() -> None:
    v = VECTOR
    box = seal_box(v["alice_private"], v["bob_public"], lambda size: v["nonce"], v["message"])
    assert box == v["nonce"] + v["box"]
    assert open_box(v["bob_private"], v["alice_public"], box) == v["message"]


@given(st.binary(max_size=300))
def test_a_box_opens_for_its_pair_alone(message: bytes) -> None:
    box = seal_box(ALICE.private, BOB.public, nonce, message)
    assert len(box) == len(message) + BOX_OVERHEAD_BYTES
    assert open_box(BOB.private, ALICE.public, box) == message
    for private, public in ((BOB.private, CAROL.public), (CAROL.private, ALICE.public), (CAROL.private, BOB.public)):
        with pytest.raises(RemoteError):
            open_box(private, public, box)


@given(st.binary(max_size=100))
def test_garbage_is_a_remote_error(box: bytes) -> None:
    with pytest.raises(RemoteError):
        open_box(BOB.private, ALICE.public, box)


@given(st.data())
def test_every_bit_counts(data: st.DataObject) -> None:
    box = bytearray(seal_box(ALICE.private, BOB.public, nonce, b"hash" * 8))
    box[data.draw(st.integers(0, len(box) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(RemoteError):
        open_box(BOB.private, ALICE.public, bytes(box))


def test_a_key_of_small_order_is_refused() -> None:
    with pytest.raises(RemoteError):
        seal_box(ALICE.private, bytes(32), nonce, b"x")
    with pytest.raises(RemoteError):
        open_box(ALICE.private, bytes(32), bytes(60))
