"""Ed25519 and X25519 against the RFCs, and everything that is not a signature or a key."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings

from onionchat.crypto.keys import ExchangeKey, SigningKey, is_equal, is_exchange_public, is_signed, verify
from onionchat.errors import RemoteError

# RFC 8032, 7.1, test 1, and RFC 7748, 6.1
ED25519_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
ED25519_PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
X25519_PRIVATE = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
X25519_PUBLIC = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
SMALL_ORDER = [
    bytes(32),
    (1).to_bytes(32, "little"),
    (2**255 - 20).to_bytes(32, "little"),
    (2**255 - 19).to_bytes(32, "little"),
    (2**255 - 18).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
]

KEY = SigningKey(b"k" * 32)
SIGNATURE = KEY.sign(b"certificate", b"message")


def test_public_keys_are_the_rfcs() -> None:
    assert ExchangeKey(X25519_PRIVATE).public == X25519_PUBLIC
    assert SigningKey(ED25519_SEED).public == ED25519_PUBLIC


def test_a_signature_is_ed25519_over_label_and_message() -> None:
    assert len(SIGNATURE) == 64
    assert bindings.crypto_sign_open(SIGNATURE + b"onionchat/1 certificate\x00message", KEY.public)
    assert is_signed(KEY.public, b"certificate", b"message", SIGNATURE)
    verify(KEY.public, b"certificate", b"message", SIGNATURE)


@pytest.mark.parametrize(
    ("public", "label", "message", "signature"),
    [
        (KEY.public, b"statement", b"message", SIGNATURE),
        (KEY.public, b"certificate", b"messagf", SIGNATURE),
        (SigningKey(b"l" * 32).public, b"certificate", b"message", SIGNATURE),
        (KEY.public, b"certificate", b"message", SIGNATURE[:-1]),
        (KEY.public, b"certificate", b"message", b""),
        (KEY.public[:-1], b"certificate", b"message", SIGNATURE),
        (bytes(32), b"certificate", b"message", SIGNATURE),
        (KEY.public, b"certificate", b"message", bytes(64)),
    ],
)
def test_nothing_else_is_a_signature(public: bytes, label: bytes, message: bytes, signature: bytes) -> None:
    assert not is_signed(public, label, message, signature)
    with pytest.raises(RemoteError, match="wrong signature"):
        verify(public, label, message, signature)


@given(st.integers(0, 511))
def test_every_bit_of_a_signature_counts(bit: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[bit // 8] ^= 1 << bit % 8
    assert not is_signed(KEY.public, b"certificate", b"message", bytes(changed))


def test_the_expanded_key_belongs_to_the_public_one() -> None:
    """Tor's form: the clamped scalar, whose multiple of the base point is the public key, and the nonce prefix."""
    expanded = KEY.expanded()
    assert bindings.crypto_scalarmult_ed25519_base_noclamp(expanded[:32]) == KEY.public
    assert expanded[32:] == hashlib.sha512(KEY.seed).digest()[32:]
    assert expanded[0] & 7 == 0 and expanded[31] >> 6 == 1


@pytest.mark.parametrize("public", SMALL_ORDER)
def test_keys_of_small_order_are_none(public: bytes) -> None:
    assert not is_exchange_public(public)


@given(st.binary(min_size=32, max_size=32))
def test_every_pair_s_public_key_is_one(private: bytes) -> None:
    assert is_exchange_public(ExchangeKey(private).public)


def test_comparison() -> None:
    assert is_equal(b"abc", b"abc") and is_equal(b"", b"")
    assert not is_equal(b"abc", b"abd") and not is_equal(b"abc", b"ab") and not is_equal(b"", b"a")


def test_no_secret_shows() -> None:
    for key, secret in ((KEY, KEY.seed), (ExchangeKey(X25519_PRIVATE), X25519_PRIVATE)):
        assert secret.hex()[:8] not in repr(key) and repr(secret) not in repr(key)
        assert "public" in repr(key)
