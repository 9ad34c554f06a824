"""Words for people: recovery words (BIP-39), words to compare by voice, words at linking.

All come from the English BIP-39 list: 2048 words, 11 bits each, told apart by their first four letters.
"""

import unicodedata
from functools import cache

from mnemonic import Mnemonic

from onionchat.crypto.hashing import labelled_hash
from onionchat.errors import LocalError

ENTROPY_BYTES = 32
RECOVERY_WORDS = 24
COMPARISON_WORDS = 12
SAS_WORDS = 6
BITS_PER_WORD = 11
PREFIX_CHARACTERS = 4  # BIP-39: four letters are enough to know a word


@cache
def _mnemonic() -> Mnemonic:
    return Mnemonic("english")


@cache
def _by_prefix() -> dict[str, str]:
    return {word[:PREFIX_CHARACTERS]: word for word in _mnemonic().wordlist}


def recovery_words(entropy: bytes) -> tuple[str, ...]:
    """The 24 words of BIP-39 for 32 bytes; the last word holds an 8-bit checksum."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError("32 bytes of entropy make 24 words")
    return tuple(_mnemonic().to_mnemonic(entropy).split())


def parse_recovery_words(text: str) -> bytes:
    """The 32 bytes behind 24 words as a person types them: any case, commas, numbers, four letters of each.

    LocalError says how many words there are, which one is unknown, or that the checksum is wrong; it quotes none.
    """
    typed = unicodedata.normalize("NFKD", text).lower().replace(",", " ").split()
    words = [word for word in typed if not word.rstrip(".:)").isdecimal()]
    if len(words) != RECOVERY_WORDS:
        raise LocalError(
            f"there are {len(words)} words, but recovery words are {RECOVERY_WORDS}: type them all, in order"
        )
    known = [_word(word.strip(".;:"), number) for number, word in enumerate(words, 1)]
    if not _mnemonic().check(" ".join(known)):
        raise LocalError("these words do not belong together: one is wrong, or two changed places; check each")
    return bytes(_mnemonic().to_entropy(known))


def _word(typed: str, number: int) -> str:
    found = _by_prefix().get(typed[:PREFIX_CHARACTERS])
    if found is None or not found.startswith(typed):
        raise LocalError(f"word {number} is not one of the recovery words' list: check how it is spelled")
    return found


def comparison_words(digest: bytes) -> tuple[str, ...]:
    """12 words (132 bits) for a 32-byte identifier, to be read to each other."""
    return _words(labelled_hash(b"comparison words", digest), COMPARISON_WORDS)


def sas_words(handshake_hash: bytes) -> tuple[str, ...]:
    """6 words (66 bits) that are equal at both ends of one channel, for linking a device."""
    return _words(labelled_hash(b"linking words", handshake_hash), SAS_WORDS)


def _words(digest: bytes, count: int) -> tuple[str, ...]:
    """The first `count` groups of 11 bits, most significant first."""
    number = int.from_bytes(digest) >> (8 * len(digest) - BITS_PER_WORD * count)
    shifts = range(BITS_PER_WORD * (count - 1), -1, -BITS_PER_WORD)
    return tuple(_mnemonic().wordlist[number >> shift & (1 << BITS_PER_WORD) - 1] for shift in shifts)
