"""The files of a profile: their names, the lock, and writing that survives a crash."""

import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path

from onionchat.crypto.vault import FILE_MAX_BYTES
from onionchat.errors import LocalError, StoreError
from onionchat.store.store import DATABASE_NAME

KEY_NAME = "key"
LOCK_NAME = "lock"
NEW = ".new"
"""Ends the names of files that are being written: worthless after a crash."""
NEXT = ".next"
"""Ends the names of a key and a database that take the place of the present ones (`finish_exchange`)."""
IMPORT_NAME = "import.db" + NEW
TOR_FOLDER = "tor"
SOCKET_NAME = "api.sock"
_LOG_SUFFIXES = ("-wal", "-shm", "-journal")
_PID_MAX_BYTES = 16


def key_path(directory: Path) -> Path:
    """The vault file."""
    return directory / KEY_NAME


def database_path(directory: Path) -> Path:
    """The database."""
    return directory / DATABASE_NAME


def with_logs(database: Path) -> list[Path]:
    """A database and the files that SQLite puts beside it."""
    return [database, *(database.with_name(database.name + suffix) for suffix in _LOG_SUFFIXES)]


class FolderLock:
    """The kernel's lock on a profile: it goes when the process goes, however that ends."""

    def __init__(self, directory: Path) -> None:
        """LocalError when another process holds it."""
        path = directory / LOCK_NAME
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise LocalError(
                f"{path} cannot be opened ({error.strerror}); check owner and permissions of the profile's folder"
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._descriptor, _PID_MAX_BYTES, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            who = f"process {holder}" if holder.isdecimal() else "another process"
            raise LocalError(
                f"the profile in {directory} is in use by another onionchat ({who}); close that first"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let others in. Doing it twice is harmless."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def make_folder(directory: Path) -> None:
    """Make a profile's folder, for this user alone. LocalError when that cannot be."""
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)
        if stat.S_IMODE(directory.stat().st_mode) != 0o700:
            directory.chmod(0o700)
    except OSError as error:
        raise LocalError(f"{directory} cannot be a profile's folder ({error.strerror}); choose another") from None


def sync_folder(directory: Path) -> None:
    """Put the names in a folder on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Put a file's content on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_private(path: Path) -> None:
    """An empty file for this user alone; LocalError when something is there."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    except FileExistsError:
        raise LocalError(f"{path} exists already; choose another file") from None
    except OSError as error:
        raise LocalError(f"{path} cannot be written ({error.strerror}); choose another place") from None


def write_file(path: Path, content: bytes) -> None:
    """Write a small file whole or not at all, and on the disk. StoreError when the disk is full or read-only."""
    new = path.with_name(path.name + NEW)
    try:
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        new.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}); nothing was changed") from None


def read_key(directory: Path) -> bytes:
    """The content of the vault file. LocalError when there is no profile."""
    try:
        with key_path(directory).open("rb") as opened:
            return opened.read(FILE_MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        if database_path(directory).exists():
            raise StoreError(
                f"{key_path(directory)} is missing, and nothing else opens {DATABASE_NAME}: put it back from a backup"
            ) from None
        raise LocalError(f"there is no profile in {directory}; make one with `onionchat init --name NAME`") from None
    except OSError as error:
        raise LocalError(f"{key_path(directory)} cannot be read ({error.strerror}); check its owner") from None


def replace_key(directory: Path, put: Callable[[], None]) -> None:
    """Let `put` rename another vault file onto the present one, then overwrite the old content where it stood."""
    descriptor = os.open(key_path(directory), os.O_WRONLY | os.O_NOFOLLOW)
    try:
        put()
        overwrite(descriptor)
    finally:
        os.close(descriptor)


def overwrite(descriptor: int) -> None:
    """Zeros over an open file. Flash may keep a copy all the same: the manual says so."""
    length = os.fstat(descriptor).st_size
    os.pwrite(descriptor, bytes(length), 0)
    os.fsync(descriptor)


def finish_exchange(directory: Path) -> None:
    """After a crash while database and key were exchanged: go on, or go back. The lock must be held.

    `onionchat.db.next` is whole before `key.next` is there, and takes its place before `key.next` does. So with both
    of them, or the database alone, nothing was exchanged yet; `key.next` alone is the key of the present database.
    """
    remove_unfinished(directory)
    key, database = directory / (KEY_NAME + NEXT), directory / (DATABASE_NAME + NEXT)
    if database.exists():
        key.unlink(missing_ok=True)
        for path in with_logs(database):
            path.unlink(missing_ok=True)
    elif key.exists():
        replace_key(directory, lambda: exchange_key(directory))


def remove_unfinished(directory: Path) -> None:
    """Remove what was being written when a crash came. The lock must be held."""
    for name in (KEY_NAME + NEW, KEY_NAME + NEXT + NEW):
        (directory / name).unlink(missing_ok=True)
    for name in (DATABASE_NAME + NEW, IMPORT_NAME):
        for path in with_logs(directory / name):
            path.unlink(missing_ok=True)


def exchange_key(directory: Path) -> None:
    """Put `key.next` in the place of `key`."""
    (directory / (KEY_NAME + NEXT)).rename(key_path(directory))
    sync_folder(directory)
