"""A profile: making, opening, locking, another passphrase, destroying. What stands in its folder: folder.py."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

from onionchat.crypto.memory import SecretBytes, harden_process, overwrite_let_go
from onionchat.crypto.vault import KEY_BYTES, Cost, rewrap_key, unwrap_key, wrap_key
from onionchat.crypto.words import ENTROPY_BYTES
from onionchat.crypto.words import recovery_words as words_of
from onionchat.errors import LocalError, LockedError, StoreError
from onionchat.node.export import Exported, copy_contents, export_database, unwrap_export
from onionchat.node.folder import (
    IMPORT_NAME,
    KEY_NAME,
    LOCK_NAME,
    NEW,
    NEXT,
    SOCKET_NAME,
    TOR_FOLDER,
    FolderLock,
    create_private,
    database_path,
    exchange_key,
    finish_exchange,
    key_path,
    make_folder,
    overwrite,
    read_key,
    remove_unfinished,
    replace_key,
    sync_file,
    sync_folder,
    with_logs,
    write_file,
)
from onionchat.node.founding import RECOVERY, Membership, found_account, found_member
from onionchat.node.importing import bring_in, exported_name
from onionchat.store.db import Connection, connect, explained, migrate
from onionchat.store.gate import Gate
from onionchat.store.own import get_meta
from onionchat.store.people import discovery_for
from onionchat.store.store import DATABASE_NAME, Store
from onionchat.text import clean_name, remote_name

Random = Callable[[int], bytes]
Found = Callable[[Connection, Random, int], object]
"""A job that fills a new database before anybody sees it; the last argument is now, in ms."""


def profile_exists(directory: Path) -> bool:
    """Whether there is a profile: `key` is written last. LocalError where the system cannot tell."""
    try:
        return key_path(directory).exists()
    except OSError as error:
        raise LocalError(f"{directory} cannot be a profile's folder ({error.strerror}); choose another") from None


# --- making one ---------------------------------------------------------------------------------------------
def create_profile(
    directory: Path,
    name: str,
    passphrase: str,
    recovery: Literal["keep", "decline"],
    cost: Cost = Cost.MODERATE,
    random: Random = os.urandom,
) -> list[str]:
    """Make a profile: an account of one device. The 24 recovery words, none when declined.

    LocalError when there is a profile already,
    or a database whose key file is gone. A crash leaves nothing that looks like a profile.
    """
    _require_none(directory)
    clean_name(name)
    key = random(KEY_BYTES)
    vault = wrap_key(key, passphrase, random, cost)
    entropy = random(ENTROPY_BYTES) if recovery == "keep" else None
    with _making(directory):
        _make(directory, key, vault, random, partial(found_account, name, entropy))
    return [] if entropy is None else list(words_of(entropy))


def create_member(
    directory: Path,
    membership: Membership,
    passphrase: str,
    cost: Cost = Cost.MODERATE,
    random: Random = os.urandom,
) -> bytes:
    """Make the profile of a further device of an account. LocalError as `create_profile`.

    Returns the discovery private half by which the account's other devices find it.
    """
    _require_none(directory)
    key = random(KEY_BYTES)
    vault = wrap_key(key, passphrase, random, cost)
    discovery = b""

    def found(c: Connection, random: Random, now: int) -> None:
        nonlocal discovery
        own = found_member(membership, c, random, now)
        discovery = discovery_for(c, membership.keys.address.public, own.account)

    with _making(directory):
        _make(directory, key, vault, random, found)
    return discovery


def import_profile(
    directory: Path,
    source: Path,
    export_passphrase: str,
    name: str | None,
    passphrase: str,
    cost: Cost = Cost.MODERATE,
    random: Random = os.urandom,
) -> None:
    """Make a profile, another account's, with the history and the contacts of an export. Its recovery words are kept.

    LocalError: a profile is there, or no export. LockedError: wrong passphrase of the export. StoreError: damaged.
    """
    _require_none(directory)
    if name is not None:
        clean_name(name)
    export_key = unwrap_export(source, export_passphrase)
    key = random(KEY_BYTES)
    vault, entropy = wrap_key(key, passphrase, random, cost), random(ENTROPY_BYTES)
    with _making(directory):
        copy = directory / IMPORT_NAME
        copy_contents(source, copy)
        export = connect(copy, export_key)
        try:
            migrate(export)
            called = name if name is not None else remote_name(exported_name(export))

            def found(c: Connection, random: Random, now: int) -> None:
                own = found_account(called, entropy, c, random, now)
                bring_in(export, c, own, Gate(own, random), now)

            _make(directory, key, vault, random, found)
        finally:
            export.close()


def _require_none(directory: Path) -> None:
    if profile_exists(directory):
        raise LocalError(f"there is a profile in {directory} already; use another --profile, or `onionchat wipe` it")


@contextmanager
def _making(directory: Path) -> Iterator[None]:
    """The folder, locked, and free of what a crash left; of what is half made after an error, too."""
    make_folder(directory)
    lock = FolderLock(directory)
    try:
        _require_none(directory)
        _clear_half_made(directory)
        yield
    finally:
        remove_unfinished(directory)
        lock.release()


def _make(directory: Path, key: bytes, vault: bytes, random: Random, found: Found) -> None:
    new, half = directory / (DATABASE_NAME + NEW), directory / (KEY_NAME + NEXT)
    fill_database(new, key, random, found)
    write_file(half, vault)  # so that the next attempt knows the database for what it is
    new.rename(database_path(directory))
    sync_folder(directory)
    half.rename(key_path(directory))
    sync_folder(directory)


def _clear_half_made(directory: Path) -> None:
    """Remove what a crash left of an earlier attempt; never a database that may be somebody's history."""
    half, database = directory / (KEY_NAME + NEXT), database_path(directory)
    if database.exists() and not half.exists():
        raise LocalError(
            f"{database} is there, but not its file `{KEY_NAME}`: put that back, or move the database away first"
        )
    remove_unfinished(directory)
    for path in (*with_logs(database), half):  # in this order: without `half` nobody would know the database
        path.unlink(missing_ok=True)


def fill_database(path: Path, key: bytes, random: Random, found: Found) -> None:
    """Make a new database under this key, with what `found` puts there; it is on the disk afterwards."""
    create_private(path)
    connection = connect(path, key)
    try:
        migrate(connection)
        with explained():
            connection.execute("BEGIN IMMEDIATE")
            found(connection, random, now_ms())
            connection.execute("COMMIT")
    finally:
        connection.close()
    sync_file(path)


def now_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


# --- recovery words -----------------------------------------------------------------------------------------
def recovery_words(c: Connection) -> list[str]:
    """The 24 words while they are kept, else none."""
    entropy = get_meta(c, RECOVERY)
    return [] if entropy is None else list(words_of(entropy))


def settle_recovery(c: Connection) -> None:
    """The words are written down, or declined: drop the private half. A job of the writer."""
    c.execute("DELETE FROM meta WHERE key = ?", (RECOVERY,))


# --- opening one --------------------------------------------------------------------------------------------
@cache
def _harden_once() -> tuple[str, ...]:
    return tuple(harden_process())


class Profile:
    """An opened profile: holds the kernel's lock until `close`, and the database key while unlocked."""

    def __init__(self, directory: Path, lock: FolderLock, key: SecretBytes) -> None:
        self.directory = directory
        self.warnings = list(_harden_once())
        self._lock, self._key = lock, key
        self._changing = threading.Lock()  # of the key file
        self._is_wiped = False

    @classmethod
    def open(cls, directory: Path, passphrase: str) -> "Profile":
        """LocalError: no profile, or in use. LockedError: wrong passphrase. StoreError: damaged."""
        key, lock = take(directory, passphrase)
        try:
            _require_database(directory, key)
            return cls(directory, lock, SecretBytes(key))
        except BaseException:
            lock.release()
            raise

    @property
    def is_locked(self) -> bool:
        """Whether the key is wiped."""
        return self._key.wiped

    def open_store(self, reactor: Any, random: Random = os.urandom) -> Store:
        """The store, with a writer of its own. LockedError while locked; StoreError for a newer schema."""
        if self.is_locked:
            raise LockedError("the profile is locked: unlock it with `onionchat unlock`")
        return Store(database_path(self.directory), self._key.reveal(), reactor, random)

    def lock(self) -> None:
        """Wipe the key; the profile stays ours. The caller has closed its store and let go of it."""
        self._key.wipe()
        overwrite_let_go()

    def unlock(self, passphrase: str) -> None:
        """Take the key again; errors of `open`."""
        key = unwrap_key(read_key(self.directory), passphrase)
        _require_database(self.directory, key)
        self._key.wipe()
        self._key = SecretBytes(key)

    def change_passphrase(self, old: str, new: str, cost: Cost = Cost.MODERATE, random: Random = os.urandom) -> None:
        """Wrap the key anew while the profile is open; it takes a second, and may run in any thread.

        LockedError: `old` is wrong. LocalError: `new` is empty, or the key file has changed meanwhile.
        """
        before = read_key(self.directory)
        content = rewrap_key(before, old, new, random, cost)
        with self._changing:
            if self._is_wiped or read_key(self.directory) != before:
                raise LocalError("the key file has changed meanwhile; nothing was done, try it once more")
            replace_key(self.directory, lambda: write_file(key_path(self.directory), content))

    def destroy(self) -> None:
        """Make the profile worthless at once, whatever is still open on it; `remove` takes the rest away.

        LocalError when the system does not let us.
        """
        with self._changing:
            self._is_wiped = True
            _destroy(self.directory)

    def remove(self) -> list[str]:
        """Delete what is left of a destroyed profile, when nothing of it is open any more, and let go of it.

        The names of files that are not ours and stay. Errors of `destroy`.
        """
        self._key.wipe()
        try:
            return _remove(self.directory)
        finally:
            self._lock.release()

    def close(self) -> None:
        """Wipe the key and let others in. Doing it twice is harmless."""
        self._key.wipe()
        self._lock.release()

    def __repr__(self) -> str:
        return f"Profile({str(self.directory)!r})"


def take(directory: Path, passphrase: str) -> tuple[bytes, FolderLock]:
    """The database key and the lock of a profile; the database is not looked at."""
    if not profile_exists(directory):
        read_key(directory)
    lock = FolderLock(directory)
    try:
        _harden_once()
        finish_exchange(directory)
        return unwrap_key(read_key(directory), passphrase), lock
    except BaseException:
        lock.release()
        raise


def _database_of(directory: Path) -> Path:
    """Its path; StoreError when it is not there (SQLite would make an empty one)."""
    path = database_path(directory)
    if not path.is_file():
        raise StoreError(f"{path} is missing: put it back from a backup, or `onionchat wipe` what is left")
    if path.stat().st_size == 0:  # SQLite would take it for a new one
        raise StoreError(f"{path} is empty: put it back from a backup, or `onionchat wipe` what is left")
    return path


def _require_database(directory: Path, key: bytes) -> None:
    connect(_database_of(directory), key, read_only=True).close()


# --- exports ------------------------------------------------------------------------------------------------
def export_profile(
    directory: Path,
    passphrase: str,
    target: Path,
    export_passphrase: str,
    salvage: bool = False,
    cost: Cost = Cost.MODERATE,
    random: Random = os.urandom,
) -> Exported:
    """Export a profile that nobody has open; errors of `take` and of `export_database`."""
    key, lock = take(directory, passphrase)
    try:
        reopen = partial(connect, _database_of(directory), key, read_only=True)
        source = reopen()
        try:
            return export_database(
                source, target, export_passphrase, now_ms(), reopen if salvage else None, cost, random
            )
        finally:
            source.close()
    finally:
        lock.release()


# --- another passphrase -------------------------------------------------------------------------------------
def change_passphrase(
    directory: Path, old: str, new: str, rekey: bool, cost: Cost = Cost.MODERATE, random: Random = os.urandom
) -> None:
    """Wrap the key anew; with `rekey`, give the database a new key, so that copies of the old file open nothing."""
    key, lock = take(directory, old)
    try:
        if rekey:
            _rekey(directory, key, new, cost, random)
        else:
            content = rewrap_key(read_key(directory), old, new, random, cost)
            replace_key(directory, lambda: write_file(key_path(directory), content))
    finally:
        lock.release()


def _rekey(directory: Path, key: bytes, passphrase: str, cost: Cost, random: Random) -> None:
    _require_database(directory, key)
    database = database_path(directory)
    exchange_store(directory, passphrase, lambda copy, new: copy_database(database, key, copy, new), cost, random)


def exchange_store(
    directory: Path, passphrase: str, fill: Callable[[Path, bytes], None], cost: Cost, random: Random
) -> None:
    """Another database under a new key takes the present one's place; `finish_exchange` explains the order.

    `fill` makes it, given its path and its key. The lock must be held, and nobody have the database open afterwards.
    """
    new_key = random(KEY_BYTES)
    vault = wrap_key(new_key, passphrase, random, cost)
    database, copy = database_path(directory), directory / (DATABASE_NAME + NEXT)
    try:
        fill(copy, new_key)
        write_file(directory / (KEY_NAME + NEXT), vault)
    except BaseException:
        finish_exchange(directory)  # there is a copy, so this goes back
        raise
    for path in with_logs(database)[1:]:
        path.unlink(missing_ok=True)  # of the old database; they are empty since it was closed
    copy.rename(database)
    sync_folder(directory)
    replace_key(directory, lambda: exchange_key(directory))


def copy_database(source: Path, key: bytes, target: Path, new_key: bytes) -> None:
    """All of a database under another key, in a new file that is on the disk afterwards."""
    create_private(target)
    connection = connect(source, key)
    try:
        with explained():
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("ATTACH DATABASE ? AS copy KEY " + f"\"x'{new_key.hex()}'\"", (str(target),))
            connection.execute("SELECT sqlcipher_export('copy')")
            for pragma in ("user_version", "application_id"):
                (value,) = connection.execute(f"PRAGMA main.{pragma}").fetchone()
                connection.execute(f"PRAGMA copy.{pragma}={int(value)}")
            connection.execute("DETACH DATABASE copy")
    finally:
        connection.close()
    connect(target, new_key, read_only=True).close()
    sync_file(target)
    sync_folder(target.parent)


def discard_attempt(directory: Path) -> None:
    """Remove what an attempt that made no profile has left: Tor's folder, the lock, the folder when it is empty."""
    if profile_exists(directory):
        return
    shutil.rmtree(directory / TOR_FOLDER, ignore_errors=True)
    with suppress(OSError):
        (directory / LOCK_NAME).unlink(missing_ok=True)
        directory.rmdir()


# --- destroying one -----------------------------------------------------------------------------------------
def wipe_profile(directory: Path) -> list[str]:
    """Destroy the key, then everything of ours. The names of files that are not ours and stay.

    The key file goes last, empty of any key: a wipe that was interrupted can be done again.
    """
    read_key(directory)
    lock = FolderLock(directory)
    try:
        _destroy(directory)
        return _remove(directory)
    finally:
        lock.release()


def _destroy(directory: Path) -> None:
    """Overwrite the key, unlink the database (a connection that is open goes on without a name)."""
    try:
        for name in (KEY_NAME, KEY_NAME + NEXT, KEY_NAME + NEW, KEY_NAME + NEXT + NEW):
            _overwrite(directory / name)
    except OSError as error:
        raise LocalError(f"the key could not be destroyed ({error.strerror}); destroy the disk, or try again") from None
    try:
        remove_unfinished(directory)
        for name in (DATABASE_NAME, DATABASE_NAME + NEXT):
            for path in with_logs(directory / name):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise _not_all_deleted(directory, error) from None


def _remove(directory: Path) -> list[str]:
    try:
        shutil.rmtree(directory / TOR_FOLDER, ignore_errors=True)
        for name in (SOCKET_NAME, KEY_NAME + NEXT, KEY_NAME, LOCK_NAME):
            (directory / name).unlink(missing_ok=True)
        sync_folder(directory)
    except OSError as error:
        raise _not_all_deleted(directory, error) from None
    left = sorted(path.name for path in directory.iterdir())
    if not left:
        directory.rmdir()
    return left


def _not_all_deleted(directory: Path, error: OSError) -> LocalError:
    return LocalError(
        f"not all could be deleted ({error.strerror}); the key is destroyed: delete the rest of {directory} by hand"
    )


def _overwrite(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        overwrite(descriptor)
    finally:
        os.close(descriptor)
