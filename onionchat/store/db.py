"""Opening the database, its settings, its migrations; errors of SQLite in words for people."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import sqlcipher3

from onionchat.errors import LockedError, OnionchatError, StoreError

if TYPE_CHECKING:  # the same interface, and it is typed
    from sqlite3 import Connection as Connection
else:
    from sqlcipher3 import Connection as Connection

APPLICATION_ID = 0x6F6E6368  # "onch"
SETTINGS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # an entry that was sent and then lost would be written again under its number: a fork
    "secure_delete=ON",
    "temp_store=MEMORY",
    "foreign_keys=ON",
    "cache_size=-16000",
    "journal_size_limit=4194304",
)
_MIGRATION = re.compile(r"(\d{3})\.sql")

DatabaseError = sqlcipher3.Error
OperationalError = sqlcipher3.OperationalError


def schema_scripts() -> dict[int, str]:
    """All migrations by their number."""
    folder = resources.files("onionchat.store") / "schema"
    found = ((_MIGRATION.fullmatch(file.name), file) for file in folder.iterdir())
    return {int(match[1]): file.read_text(encoding="utf-8") for match, file in found if match}


SCHEMA_VERSION = max(schema_scripts())


def explain(error: BaseException) -> OnionchatError:
    """What a database error means, and what to do. Never quotes values."""
    text = str(error).lower()
    code = str(getattr(error, "sqlite_errorname", ""))
    if "full" in text:
        return StoreError("the disk is full: free some space, then try again; nothing was lost")
    if "not a database" in text or "hmac" in text:
        return StoreError("the database is damaged or not of this profile; try `onionchat export --salvage FILE`")
    if "disk i/o" in text:  # a full disk that cannot even take the index of the log, a failing one, or a cut file
        return StoreError(
            "the disk is full or fails, or the database is damaged: free some space and try again; if that does not"
            " help, save what is readable with `onionchat export --salvage FILE`"
        )
    if "malformed" in text or "corrupt" in text or code.startswith("SQLITE_CORRUPT"):
        return StoreError("the database is damaged; save what is readable with `onionchat export --salvage FILE`")
    if "locked" in text or "busy" in text:
        return StoreError("the database is in use by another program; close that first")
    if "readonly" in text or "unable to open" in text:
        return StoreError("the database cannot be written; check owner and permissions of the profile's folder")
    return StoreError(f"the database reports {type(error).__name__}; `onionchat doctor` may know more")


@contextmanager
def explained() -> Iterator[None]:
    """Turns errors of SQLite into StoreError."""
    try:
        yield
    except (DatabaseError, OverflowError) as error:
        raise explain(error) from None


def connect(path: Path | str, key: bytes, *, read_only: bool = False) -> Connection:
    """A connection with all settings. `path` may be ":memory:" in tests. StoreError says what is wrong."""
    with explained():
        connection: Connection = sqlcipher3.connect(
            str(path), isolation_level=None, check_same_thread=False, cached_statements=256
        )
        # the key's hexadecimal form cannot be given as a parameter of a PRAGMA
        connection.execute("PRAGMA cipher_log_level=NONE")
        # `cipher_memory_security` stays off: with it full text is twenty times slower, and once on it stays on for the
        # life of the process. SQLCipher wipes its keys all the same, and `harden_process` has freed pages overwritten
        connection.execute(f"PRAGMA key=\"x'{key.hex()}'\"")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        for setting in SETTINGS:
            connection.execute(f"PRAGMA {setting}")
        connection.execute("PRAGMA busy_timeout=10000")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
    return connection


def migrate(connection: Connection) -> int:
    """Bring the schema up to date; the version before. StoreError for a foreign or newer database."""
    with explained():
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        application = int(connection.execute("PRAGMA application_id").fetchone()[0])
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"this profile was written by a newer onionchat (schema {version}, this one knows {SCHEMA_VERSION}):"
            " install the newer version"
        )
    if (version or tables) and application != APPLICATION_ID:
        raise StoreError("that database is not onionchat's; choose another profile folder")
    scripts = schema_scripts()
    for number in range(version + 1, SCHEMA_VERSION + 1):
        with explained():
            connection.executescript(
                f"BEGIN IMMEDIATE;{scripts[number]};PRAGMA application_id={APPLICATION_ID};"
                f"PRAGMA user_version={number};COMMIT;"
            )
    return version


def check_key(path: Path, key: bytes) -> None:
    """LockedError when the key does not open the database."""
    try:
        connect(path, key, read_only=True).close()
    except StoreError as error:
        if "not of this profile" in str(error):
            raise LockedError("the key does not open this profile's database") from None
        raise
