"""The vault opens with its passphrase and says plainly what is wrong otherwise."""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onionchat.codec import encode
from onionchat.crypto import vault
from onionchat.crypto.vault import (
    FILE_MAX_BYTES,
    MAGIC,
    Cost,
    rewrap_key,
    strength,
    unwrap_key,
    wrap_key,
)
from onionchat.errors import LocalError, LockedError, StoreError

GOLDEN = json.loads((Path(__file__).parent.parent / "vectors" / "vault.json").read_text())
KEY = bytes(range(32))
PASSPHRASE = "correct horse battery staple"


def random(size: int) -> bytes:
    return b"r" * size


def counting() -> Callable[[int], bytes]:
    numbers = iter(range(1, 1000))
    return lambda size: bytes([next(numbers)]) * size


CONTENT = wrap_key(KEY, PASSPHRASE, random, Cost.TESTS)


def test_the_golden_file_opens_and_is_made_again() -> None:
    content = bytes.fromhex(GOLDEN["file"])
    assert unwrap_key(content, GOLDEN["passphrase"]).hex() == GOLDEN["key"]
    assert wrap_key(bytes.fromhex(GOLDEN["key"]), GOLDEN["passphrase"], counting(), Cost.TESTS) == content


def test_the_default_cost_is_moderate() -> None:
    assert unwrap_key(wrap_key(KEY, PASSPHRASE, random), PASSPHRASE) == KEY
    assert wrap_key(KEY, PASSPHRASE, random) == wrap_key(KEY, PASSPHRASE, random, Cost.MODERATE)
    assert Cost.MODERATE.value == (3, 256 * 1024 * 1024)


@settings(max_examples=50)
@given(st.text(min_size=1, max_size=50))
def test_any_passphrase_opens_what_it_closed(passphrase: str) -> None:
    content = wrap_key(KEY, passphrase, random, Cost.TESTS)
    assert unwrap_key(content, passphrase) == KEY
    with pytest.raises(LockedError):
        unwrap_key(content, passphrase + "x")


def test_the_same_letters_from_another_keyboard() -> None:
    composed, decomposed = unicodedata.normalize("NFC", "Zürich"), unicodedata.normalize("NFD", "Zürich")
    assert composed != decomposed
    assert unwrap_key(wrap_key(KEY, composed, random, Cost.TESTS), decomposed) == KEY


@pytest.mark.parametrize("wrong", ["", "Correct horse battery staple", PASSPHRASE + " ", "\x00", "\ud800"])
def test_a_wrong_passphrase_is_called_so(wrong: str) -> None:
    with pytest.raises(LockedError, match="wrong passphrase"):
        unwrap_key(CONTENT, wrong)


def test_every_changed_byte_is_damage_never_a_wrong_passphrase() -> None:
    for at in range(len(CONTENT)):
        changed = bytearray(CONTENT)
        changed[at] ^= 1
        with pytest.raises(StoreError):
            unwrap_key(bytes(changed), PASSPHRASE)


@pytest.mark.parametrize(
    "content", [b"", MAGIC, CONTENT[:-1], CONTENT + b"\x00", b"SQLite format 3\x00", MAGIC + bytes(FILE_MAX_BYTES + 1)]
)
def test_what_is_no_vault_is_damaged_or_foreign(content: bytes) -> None:
    with pytest.raises(StoreError):
        unwrap_key(content, PASSPHRASE)


@given(st.binary(max_size=300))
def test_garbage_is_a_store_error(data: bytes) -> None:
    with pytest.raises(StoreError):
        unwrap_key(MAGIC + data, PASSPHRASE)


def crafted(version: int = 1, operations: int = 1, memory_bytes: int = 8192) -> bytes:
    """A file that is whole, by somebody who has changed its parameters."""
    raw = encode(vault._Parameters(version, operations, memory_bytes, bytes(16), bytes(24)))
    wrapped = bytes(48)
    return MAGIC + encode(vault._Vault(raw, wrapped, vault._checksum(raw, wrapped)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (crafted(version=2), "newer version"),
        (crafted(operations=17), "more work"),
        (crafted(operations=2**31), "more work"),
        (crafted(memory_bytes=2**31 + 1), "more work"),
        (crafted(memory_bytes=1), "damaged"),
    ],
)
def test_parameters_are_bounded(content: bytes, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        unwrap_key(content, PASSPHRASE)


def test_parameters_are_authenticated() -> None:
    """The cheaper parameters of one file do not pass with the wrapped key of another."""
    parsed, _ = vault._parse(CONTENT)
    other = encode(vault._Parameters(1, 2, 8192, b"r" * 16, b"r" * 24))
    content = MAGIC + encode(vault._Vault(other, parsed.wrapped, vault._checksum(other, parsed.wrapped)))
    with pytest.raises(LockedError):
        unwrap_key(content, PASSPHRASE)


def test_lack_of_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **named: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr("nacl.pwhash.argon2id.kdf", fail)
    with pytest.raises(LocalError, match="256 MiB"):
        wrap_key(KEY, PASSPHRASE, random)


def test_the_passphrase_can_be_changed() -> None:
    content = rewrap_key(CONTENT, PASSPHRASE, "new", counting(), Cost.TESTS)
    assert unwrap_key(content, "new") == KEY
    with pytest.raises(LockedError):
        unwrap_key(content, PASSPHRASE)
    with pytest.raises(LockedError):
        rewrap_key(CONTENT, "wrong", "new", random, Cost.TESTS)
    with pytest.raises(LocalError, match="empty"):
        rewrap_key(CONTENT, PASSPHRASE, "", random, Cost.TESTS)


def test_neither_key_nor_passphrase_stands_in_the_file() -> None:
    assert KEY not in CONTENT and PASSPHRASE.encode() not in CONTENT
    with pytest.raises(ValueError, match="32 bytes"):
        wrap_key(b"short", PASSPHRASE, random, Cost.TESTS)


@pytest.mark.parametrize("weak", ["", "password", "aaaaaaaa", "123456", "\x00", "\ud800"])
def test_weak_passphrases_get_advice(weak: str) -> None:
    score, advice = strength(weak)
    assert score <= 1 and advice and "\n" not in advice


def test_good_passphrases_get_none() -> None:
    assert strength("violet ranch anvil scoop torch") == (4, "")
    assert strength("violet ranch anvil scoop torch" * 100)[0] == 4


@settings(max_examples=50)
@given(st.text(max_size=100))
def test_any_text_has_a_strength(text: str) -> None:
    assert 0 <= strength(text)[0] <= 4
