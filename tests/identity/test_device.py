"""Certificates: the good one, one for each way to be wrong, and garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.codec import encode
from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import RemoteError
from onionchat.identity.device import Certificate, SignedCertificate, issue_certificate, newest, parse_certificate

IDENTITY, ADDRESS = SigningKey(b"i" * 32), SigningKey(b"a" * 32)
STATIC = ExchangeKey(b"s" * 32)
RAW = issue_certificate(IDENTITY, ADDRESS.public, STATIC.public, 7)


def signed(certificate: object, label: bytes = b"certificate", by: SigningKey = IDENTITY) -> bytes:
    body = encode(certificate)
    return encode(SignedCertificate(body, by.sign(label, body)))


def test_a_certificate_survives_the_journey() -> None:
    assert parse_certificate(RAW) == Certificate(IDENTITY.public, ADDRESS.public, STATIC.public, 7)
    assert len(parse_certificate(RAW).address_text) == 56
    assert issue_certificate(IDENTITY, ADDRESS.public, STATIC.public, 7) == RAW


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        RAW + b"\x00",
        RAW * 4,
        signed(Certificate(IDENTITY.public, ADDRESS.public, STATIC.public, 7), by=ADDRESS),
        signed(Certificate(IDENTITY.public, ADDRESS.public, STATIC.public, 7), label=b"invitation certificate"),
        signed((IDENTITY.public, ADDRESS.public, STATIC.public, -1)),
        signed((IDENTITY.public, ADDRESS.public, STATIC.public, 2**63)),
        signed((IDENTITY.public, ADDRESS.public, STATIC.public[:31], 7)),
        signed((IDENTITY.public, ADDRESS.public, STATIC.public, 7, 0)),
        signed((IDENTITY.public, ADDRESS.public, STATIC.public)),
    ],
)
def test_each_wrong_certificate_is_refused(raw: bytes) -> None:
    with pytest.raises(RemoteError):
        parse_certificate(raw)


@pytest.mark.parametrize("static", [bytes(32), b"\x01" + bytes(31), (2**255 - 19).to_bytes(32, "little")])
def test_a_static_key_without_a_secret_is_refused(static: bytes) -> None:
    with pytest.raises(RemoteError, match="static key"):
        parse_certificate(signed(Certificate(IDENTITY.public, ADDRESS.public, static, 7)))


def test_another_encoding_of_the_same_is_refused() -> None:
    body = encode(Certificate(IDENTITY.public, ADDRESS.public, STATIC.public, 7))
    long_number = body[:-1] + b"\xcc\x07"
    with pytest.raises(RemoteError, match="canonical"):
        parse_certificate(encode(SignedCertificate(long_number, IDENTITY.sign(b"certificate", long_number))))


@given(st.integers(0, len(RAW) - 1), st.integers(0, 7))
def test_no_bit_can_be_changed(index: int, bit: int) -> None:
    changed = RAW[:index] + bytes([RAW[index] ^ 1 << bit]) + RAW[index + 1 :]
    with pytest.raises(RemoteError):
        parse_certificate(changed)


@given(st.binary(max_size=600))
def test_garbage_raises_only_remote_error(raw: bytes) -> None:
    with pytest.raises(RemoteError):
        parse_certificate(raw)


def test_the_newest_is_the_same_for_all() -> None:
    old, new = (parse_certificate(issue_certificate(IDENTITY, ADDRESS.public, STATIC.public, n)) for n in (1, 2))
    twin = parse_certificate(issue_certificate(IDENTITY, b"z" * 32, STATIC.public, 2))
    assert newest(old, new) == newest(new, old) == new
    assert newest(new, twin) == newest(twin, new)
    with pytest.raises(ValueError, match="two devices"):
        newest(new, parse_certificate(issue_certificate(ADDRESS, b"z" * 32, STATIC.public, 2)))
