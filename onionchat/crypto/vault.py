"""The file that holds the database key, wrapped by a passphrase. The bytes: docs/spec/vault.md.

Argon2id (RFC 9106) makes a key of the passphrase; XChaCha20-Poly1305 wraps the database key with it, the file's
other fields being authenticated too. A checksum that needs no key tells a damaged file from a wrong passphrase.
"""

import unicodedata
from collections.abc import Callable
from enum import Enum
from typing import Annotated

import msgspec
import nacl.bindings
import nacl.exceptions
import nacl.pwhash.argon2id

from onionchat.codec import Bytes16, Bytes32, Record, decode_canonical, encode
from onionchat.crypto.hashing import labelled, labelled_hash
from onionchat.crypto.keys import is_equal
from onionchat.errors import LocalError, LockedError, RemoteError, StoreError

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 24
VERSION = 1
MAGIC = b"onionchat vault\n"
FILE_MAX_BYTES = 512
# What a file may ask of this machine: somebody may have changed it to make it choke.
OPERATIONS_MAX = 16
MEMORY_MAX_BYTES = 2**31

_LONGEST_CHARACTERS = 72  # zxcvbn's own limit; whatever is longer is judged by its start
GOOD_SCORE = 3
_FALLBACK_ADVICE = "use five or six random words"

_LABEL = b"vault"
_CHECKSUM_LABEL = b"vault checksum"


class Cost(Enum):
    """What a guess costs: passes over so many bytes of memory (libsodium's presets; a core of 2020)."""

    INTERACTIVE = (nacl.pwhash.argon2id.OPSLIMIT_INTERACTIVE, nacl.pwhash.argon2id.MEMLIMIT_INTERACTIVE)  # 0.1 s
    MODERATE = (nacl.pwhash.argon2id.OPSLIMIT_MODERATE, nacl.pwhash.argon2id.MEMLIMIT_MODERATE)  # 0.5 s, 256 MiB
    SENSITIVE = (nacl.pwhash.argon2id.OPSLIMIT_SENSITIVE, nacl.pwhash.argon2id.MEMLIMIT_SENSITIVE)  # 3 s, 1 GiB
    TESTS = (1, 8 * 1024)
    """No protection at all: for tests only."""


class _Parameters(Record, frozen=True):
    """All that is not secret; authenticated by the wrapping."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31)]
    operations: Annotated[int, msgspec.Meta(ge=1, le=2**31)]
    memory_bytes: Annotated[int, msgspec.Meta(ge=1, le=2**40)]
    salt: Bytes16
    nonce: Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]


class _Vault(Record, frozen=True):
    """The file after the magic line."""

    parameters: bytes
    wrapped: Annotated[bytes, msgspec.Meta(min_length=KEY_BYTES + 16, max_length=KEY_BYTES + 16)]
    checksum: Bytes32


def wrap_key(database_key: bytes, passphrase: str, random: Callable[[int], bytes], cost: Cost = Cost.MODERATE) -> bytes:
    """The content of the vault file (below FILE_MAX_BYTES). Slow and in need of memory by intention: use a thread.

    LocalError when the passphrase is empty or there is not enough memory for `cost`.
    """
    if len(database_key) != KEY_BYTES:
        raise ValueError("a database key has 32 bytes")
    if not passphrase:
        raise LocalError("an empty passphrase protects nothing: choose a few random words")
    operations, memory_bytes = cost.value
    parameters = _Parameters(VERSION, operations, memory_bytes, random(SALT_BYTES), random(NONCE_BYTES))
    raw = encode(parameters)
    wrapped: bytes = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        database_key, labelled(_LABEL, raw), parameters.nonce, _stretch(passphrase, parameters)
    )
    return MAGIC + encode(_Vault(raw, wrapped, _checksum(raw, wrapped)))


def unwrap_key(content: bytes, passphrase: str) -> bytes:
    """The database key, 32 bytes. LockedError: wrong passphrase. StoreError: damaged, foreign or newer file."""
    vault, parameters = _parse(content)
    try:
        key: bytes = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            vault.wrapped, labelled(_LABEL, vault.parameters), parameters.nonce, _stretch(passphrase, parameters)
        )
    except nacl.exceptions.CryptoError:
        raise LockedError("wrong passphrase: try again (nobody can recover a forgotten one)") from None
    return key


def rewrap_key(
    content: bytes, passphrase: str, new_passphrase: str, random: Callable[[int], bytes], cost: Cost = Cost.MODERATE
) -> bytes:
    """The same database key under another passphrase; errors of both. The old file keeps opening with the old one."""
    return wrap_key(unwrap_key(content, passphrase), new_passphrase, random, cost)


def _parse(content: bytes) -> tuple[_Vault, _Parameters]:
    if not content.startswith(MAGIC):
        raise StoreError("this is not a vault file of onionchat: restore it from a backup")
    try:
        vault = decode_canonical(content[len(MAGIC) :], _Vault, FILE_MAX_BYTES)
        parameters = decode_canonical(vault.parameters, _Parameters, FILE_MAX_BYTES)
    except RemoteError:
        raise StoreError("the vault file is damaged, or of a newer version: restore it from a backup") from None
    if not is_equal(vault.checksum, _checksum(vault.parameters, vault.wrapped)):
        raise StoreError("the vault file is damaged: restore it from a backup")
    if parameters.version != VERSION:
        raise StoreError("the vault file is of a newer version: use a newer onionchat")
    if parameters.operations > OPERATIONS_MAX or parameters.memory_bytes > MEMORY_MAX_BYTES:
        raise StoreError("the vault file asks for more work than any onionchat does: restore it from a backup")
    return vault, parameters


def _checksum(parameters: bytes, wrapped: bytes) -> bytes:
    return labelled_hash(_CHECKSUM_LABEL, encode((parameters, wrapped)))


def _stretch(passphrase: str, parameters: _Parameters) -> bytes:
    """Argon2id; NFC first, so that one keyboard's ü is every keyboard's."""
    typed = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    try:
        key: bytes = nacl.pwhash.argon2id.kdf(
            KEY_BYTES, typed, parameters.salt, opslimit=parameters.operations, memlimit=parameters.memory_bytes
        )
    except (MemoryError, nacl.exceptions.RuntimeError):
        raise LocalError(
            f"there is not enough memory: opening the vault takes {parameters.memory_bytes >> 20} MiB for a moment"
        ) from None
    except nacl.exceptions.ValueError:
        raise StoreError("the vault file is damaged: restore it from a backup") from None
    return key


def strength(passphrase: str) -> tuple[int, str]:
    """Score 0 (guessed at once) to 4 (not to be guessed), and advice in plain words (empty when it is good)."""
    if not passphrase:
        return 0, _FALLBACK_ADVICE
    from zxcvbn import zxcvbn  # its word lists take a moment and 20 MB to load: only who asks pays

    found = zxcvbn(passphrase[:_LONGEST_CHARACTERS], max_length=_LONGEST_CHARACTERS)
    score = int(found["score"])
    if score >= GOOD_SCORE:
        return score, ""
    hints = [found["feedback"]["warning"], *found["feedback"]["suggestions"]]
    sentences = [hint.strip().rstrip(".") for hint in hints if hint.strip()]
    return score, ". ".join(sentences) or _FALLBACK_ADVICE
