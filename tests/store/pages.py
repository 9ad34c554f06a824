"""The pages of a SQLCipher file as they are under the encryption, free ones and slack too (SQLCipher 4 layout)."""

from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE_BYTES = 4096
RESERVED_BYTES = 80  # IV and HMAC-SHA512 at a page's end
SALT_BYTES = 16  # in front of the first page, not encrypted
_WAL_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24


def _plain(page: bytes, key: bytes, skip: int = 0) -> bytes:
    iv = page[PAGE_BYTES - RESERVED_BYTES :][:16]
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return decryptor.update(page[skip : PAGE_BYTES - RESERVED_BYTES]) + decryptor.finalize()


def plain_pages(path: Path, key: bytes) -> bytes:
    """All of a database file, decrypted."""
    raw = path.read_bytes()
    starts = range(0, len(raw), PAGE_BYTES)
    return b"".join(_plain(raw[at : at + PAGE_BYTES], key, 0 if at else SALT_BYTES) for at in starts)


def plain_wal(path: Path, key: bytes) -> bytes:
    """All frames of a write-ahead log, decrypted; nothing when it is empty or gone."""
    raw = path.read_bytes()[_WAL_HEADER_BYTES:] if path.exists() else b""
    size = _FRAME_HEADER_BYTES + PAGE_BYTES
    plain = b""
    for at in range(0, len(raw) - size + 1, size):
        page_number = int.from_bytes(raw[at : at + 4], "big")
        plain += _plain(raw[at + _FRAME_HEADER_BYTES : at + size], key, SALT_BYTES if page_number == 1 else 0)
    return plain
