"""Labels keep hashes of different things apart."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from onionchat.crypto.hashing import HASH_BYTES, keyed_hash, labelled, labelled_hash

labels = st.binary(max_size=20).filter(lambda label: b"\x00" not in label)


def test_a_hash_is_blake2b_of_prefix_label_zero_message() -> None:
    expected = hashlib.blake2b(b"onionchat/1 entry\x00abc", digest_size=32).digest()
    assert labelled_hash(b"entry", b"abc") == expected and len(expected) == HASH_BYTES
    keyed = hashlib.blake2b(b"onionchat/1 entry\x00abc", digest_size=8, key=b"k" * 16).digest()
    assert keyed_hash(b"k" * 16, b"entry", b"abc", 8) == keyed


@given(labels, st.binary(max_size=40), labels, st.binary(max_size=40))
def test_different_things_are_never_the_same_bytes(a: bytes, x: bytes, b: bytes, y: bytes) -> None:
    assert ((a, x) == (b, y)) == (labelled(a, x) == labelled(b, y))


def test_a_key_changes_the_hash() -> None:
    assert len({keyed_hash(bytes([key]) * 32, b"l", b"m") for key in range(1, 20)} | {labelled_hash(b"l", b"m")}) == 20
