"""Secrets in memory: no core dumps, no debugger, no swap, wiped when done. As far as Python and the system let us.

Not `mlockall`: unprivileged programs may lock a few MiB, and with `MCL_FUTURE` the 256 MiB of Argon2id and every later
allocation would fail. Pages of secrets are locked one by one instead; copies that Python makes elsewhere are not
(the threat model says so).
"""

import ctypes
import gc
import mmap
import resource
from types import TracebackType

from nacl import _sodium  # PyNaCl offers these three functions nowhere else

from onionchat.crypto.keys import is_equal

PR_SET_DUMPABLE = 4  # prctl(2)
M_PERTURB = -6  # mallopt(3), glibc alone: freed memory is overwritten
M_ARENA_MAX = -8  # with one arena, what a thread let go of is used again by the others
LOCKED_MIN_BYTES = 64 * 1024  # room for the few keys that live as long as the process
SMALL_MAX_BYTES = 512  # CPython's own allocator serves objects up to this; larger ones come from the C library
BYTES_HEADER_BYTES = 33  # of a `bytes` object, its final zero included
ONE_SIZE_BYTES = 2 * 2**20  # more than is free of one size in a node
ALL_SIZES_BYTES = 16 * 2**20  # the pools that are free for any size


def harden_process() -> list[str]:
    """Switch core dumps and debuggers off for this process. What could not be done, one sentence each."""
    _overwrite_what_is_freed()
    faults = [_forbid_core_dumps(), _forbid_debuggers(), _look_at_lock_limit()]
    return [fault for fault in faults if fault is not None]


def _forbid_core_dumps() -> str | None:
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return "core dumps could not be switched off: a crash may write keys to the disk"
    return None


def _forbid_debuggers() -> str | None:
    try:
        refused = ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        refused = -1
    if refused:
        return "other programs of this user may read the memory of this process (prctl was refused)"
    return None


def _overwrite_what_is_freed() -> None:
    """Only what is larger than a KiB: the C library's own cache of small blocks is left out by it."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library; nothing that a user could do about it
    mallopt(M_PERTURB, 0xFF)
    mallopt(M_ARENA_MAX, 1)


def _look_at_lock_limit() -> str | None:
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if soft != resource.RLIM_INFINITY and soft < LOCKED_MIN_BYTES:
        return "keys may be written to swap: the limit of locked memory is too low (ulimit -l)"
    return None


class SecretBytes:
    """A secret on memory pages of its own: kept out of swap and dumps, wiped by `wipe()`, `with`, or at the end.

    `locked` says whether the system allowed the lock. `reveal()` makes an ordinary copy: keep it short-lived.
    """

    __slots__ = ("_length", "_pages", "locked")

    def __init__(self, secret: bytes | bytearray) -> None:
        self._length = len(secret)
        # pages of its own: unlocking one secret would unlock its neighbours on the page
        self._pages: mmap.mmap | None = mmap.mmap(-1, max(1, self._length))
        with _sodium.ffi.from_buffer(self._pages) as address:
            self.locked = _sodium.lib.sodium_mlock(address, len(self._pages)) == 0
        self._pages[: self._length] = bytes(secret)

    def reveal(self) -> bytes:
        """A copy of the secret. ValueError after `wipe`."""
        if self._pages is None:
            raise ValueError("the secret was wiped")
        return self._pages[: self._length]

    def wipe(self) -> None:
        """Overwrite and unlock. Doing it twice is harmless."""
        pages, self._pages = self._pages, None
        if pages is None:
            return
        with _sodium.ffi.from_buffer(pages) as address:
            _sodium.lib.sodium_memzero(address, len(pages))
            _sodium.lib.sodium_munlock(address, len(pages))
        pages.close()

    @property
    def wiped(self) -> bool:
        return self._pages is None

    def __enter__(self) -> "SecretBytes":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.wipe()

    def __del__(self) -> None:
        if getattr(self, "_pages", None) is not None:
            self.wipe()

    def __len__(self) -> int:
        return self._length

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretBytes):
            return NotImplemented
        return is_equal(self.reveal(), other.reveal())

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be copied or stored")

    def __repr__(self) -> str:
        return "SecretBytes(…)"


def overwrite_let_go() -> None:
    """Overwrite what Python's allocator keeps of small objects that are gone: keys, names, texts.

    By using its free blocks once, size by size. Best effort: it takes so many of each size, and leaves what is in use.
    """
    gc.collect()
    for block_bytes in range(48, SMALL_MAX_BYTES + 1, 16):
        count = (ALL_SIZES_BYTES if block_bytes == SMALL_MAX_BYTES else ONE_SIZE_BYTES) // block_bytes
        zeros = [bytes(block_bytes - BYTES_HEADER_BYTES) for _ in range(count)]
        del zeros


def wipe_buffer(buffer: bytearray) -> None:
    """Overwrite a buffer with zeros in a way that is not optimised away."""
    if buffer:
        with _sodium.ffi.from_buffer(buffer) as address:
            _sodium.lib.sodium_memzero(address, len(buffer))
