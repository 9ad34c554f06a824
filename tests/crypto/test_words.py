"""BIP-39's vectors, what people make of 24 words, and words to compare."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic

from onionchat.crypto.words import comparison_words, parse_recovery_words, recovery_words, sas_words
from onionchat.errors import LocalError

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "words.json").read_text())
LEGAL = VECTORS["recovery"][2][1]
LIST = set(Mnemonic("english").wordlist)


@pytest.mark.parametrize(("entropy", "words"), VECTORS["recovery"])
def test_bip_39_vectors(entropy: str, words: str) -> None:
    assert " ".join(recovery_words(bytes.fromhex(entropy))) == words
    assert parse_recovery_words(words).hex() == entropy


@pytest.mark.parametrize(("digest", "words"), VECTORS["comparison"])
def test_comparison_vectors(digest: str, words: str) -> None:
    assert " ".join(comparison_words(bytes.fromhex(digest))) == words and len(words.split()) == 12


@pytest.mark.parametrize(("digest", "words"), VECTORS["linking"])
def test_linking_vectors(digest: str, words: str) -> None:
    assert " ".join(sas_words(bytes.fromhex(digest))) == words and len(words.split()) == 6


@given(st.binary(min_size=32, max_size=32))
def test_words_give_back_the_key(entropy: bytes) -> None:
    words = recovery_words(entropy)
    assert len(words) == 24 and set(words) <= LIST
    assert parse_recovery_words("\n".join(words)) == entropy


@pytest.mark.parametrize(
    "typed",
    [
        LEGAL.upper(),
        "  " + LEGAL.replace(" ", "\n\t ") + " \n",
        LEGAL.replace(" ", ", "),
        " ".join(f"{number}. {word}" for number, word in enumerate(LEGAL.split(), 1)),
        " ".join(f"{number}) {word}" for number, word in enumerate(LEGAL.split(), 1)),
        " ".join(word[:4] for word in LEGAL.split()),
    ],
    ids=["upper case", "wrapped", "commas", "numbered", "numbered otherwise", "four letters each"],
)
def test_words_as_people_type_them(typed: str) -> None:
    assert parse_recovery_words(typed).hex() == "7f" * 32


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "there are 0 words"),
        (LEGAL.rsplit(" ", 1)[0], "there are 23 words"),
        (LEGAL + " title", "there are 25 words"),
        (LEGAL.replace("thank", "thankful", 1), "word 3 is not"),
        (LEGAL.replace("winner", "winnner", 1), "word 2 is not"),
        (LEGAL.replace("legal", "le", 1), "word 1 is not"),
        (LEGAL.replace("legal", "\U0001f600", 1), "word 1 is not"),
        (LEGAL.replace("title", "zoo"), "do not belong together"),
        ("winner legal" + LEGAL.removeprefix("legal winner"), "do not belong together"),
    ],
)
def test_what_is_wrong_is_said(typed: str, says: str) -> None:
    with pytest.raises(LocalError, match=says) as caught:
        parse_recovery_words(typed)
    assert not {"legal", "winner", "thank"} & set(str(caught.value).split()), "a message holds no secret"


@given(st.text(max_size=300))
def test_any_text_is_words_or_a_local_error(text: str) -> None:
    with pytest.raises(LocalError):
        parse_recovery_words(text)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 255))
def test_words_to_compare_depend_on_every_bit(digest: bytes, bit: int) -> None:
    other = (int.from_bytes(digest) ^ 1 << bit).to_bytes(32)
    assert comparison_words(digest) != comparison_words(other)
    assert sas_words(digest) != sas_words(other)
    assert comparison_words(digest)[:6] != sas_words(digest), "one kind cannot stand for the other"


def test_only_32_bytes_make_recovery_words() -> None:
    with pytest.raises(ValueError):
        recovery_words(bytes(16))
