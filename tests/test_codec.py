"""The codec: round trips, strictness, canonical form, and nothing but RemoteError from hostile bytes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.codec import Bytes32, Record, Unsigned, decode, decode_canonical, encode
from onionchat.errors import RemoteError


class Sample(Record, frozen=True):
    name: str
    key: Bytes32
    number: Unsigned
    rest: tuple[bytes, ...] = ()


SAMPLE = Sample("x", b"k" * 32, 5)


@given(st.text(), st.binary(min_size=32, max_size=32), st.integers(0, 2**63 - 1), st.lists(st.binary()))
def test_values_survive_the_journey(name: str, key: bytes, number: int, rest: list[bytes]) -> None:
    value = Sample(name, key, number, tuple(rest))
    assert decode_canonical(encode(value), Sample, 10**6) == value


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xc0",
        encode(SAMPLE)[:-1],
        encode(SAMPLE) + b"\x00",
        encode(("x", b"k" * 31, 5, ())),
        encode(("x", b"k" * 32, -1, ())),
        encode(("x", b"k" * 32, 2**63, ())),
        encode(("x", "k" * 32, 5, ())),
        encode(("x", b"k" * 32, 5, (), "more")),
        encode({"name": "x"}),
        b"\x94\xa1\xff" + encode(SAMPLE)[3:],  # not UTF-8
        b"\x91" * 5000,
    ],
)
def test_each_wrong_value_is_refused(raw: bytes) -> None:
    with pytest.raises(RemoteError):
        decode(raw, Sample, 10**6)


def test_the_cap_is_in_bytes_and_comes_first() -> None:
    raw = encode(SAMPLE)
    assert decode(raw, Sample, len(raw)) == SAMPLE
    with pytest.raises(RemoteError, match="at most"):
        decode(raw, Sample, len(raw) - 1)


def test_only_one_encoding_of_a_value_is_canonical() -> None:
    raw = encode(SAMPLE)
    for other in (
        raw.replace(b"\xa1x", b"\xd9\x01x"),
        raw.replace(b"\x05\x90", b"\xcc\x05\x90"),
        encode(("x", b"k" * 32, 5)),
    ):
        assert decode(other, Sample, 1000) == SAMPLE
        with pytest.raises(RemoteError, match="canonical"):
            decode_canonical(other, Sample, 1000)


def test_an_error_does_not_quote_what_a_stranger_sent() -> None:
    with pytest.raises(RemoteError) as caught:
        decode(encode(("secret\x1b", 1)), Sample, 1000)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@given(st.binary(max_size=300))
def test_garbage_raises_only_remote_error(raw: bytes) -> None:
    with suppress(RemoteError):
        assert isinstance(decode(raw, Sample, 200), Sample)
