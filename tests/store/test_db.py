"""Opening, settings, migrations; what is said of databases that cannot be used."""

import shutil
import sqlite3
from pathlib import Path

import pytest
import sqlcipher3

from onionchat.errors import LockedError, StoreError
from onionchat.store.db import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    check_key,
    connect,
    explain,
    explained,
    migrate,
    schema_scripts,
)
from onionchat.store.messages import page, search
from onionchat.store.own import load_own
from onionchat.store.rows import find_conversation
from tests.store.golden.make import GOLDEN, GOLDEN_KEY, TEXTS
from tests.store.stores import KEY


def make(path: Path) -> None:
    c = connect(path, KEY)
    migrate(c)
    c.execute("INSERT INTO meta VALUES ('a', x'00')")
    c.close()


def test_a_new_database_gets_every_setting(tmp_path: Path) -> None:
    c = connect(tmp_path / "db", KEY)
    assert migrate(c) == 0
    assert migrate(c) == SCHEMA_VERSION
    settings = {name: c.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert settings == {"journal_mode": "wal", "synchronous": 2}
    numbers = {"secure_delete": 1, "foreign_keys": 1, "temp_store": 2, "application_id": APPLICATION_ID}
    for name, value in numbers.items():
        assert c.execute(f"PRAGMA {name}").fetchone()[0] == value
    assert c.execute("SELECT v FROM words_config WHERE k = 'secure-delete'").fetchone() == (1,)


def test_schemas_are_numbered_without_a_gap() -> None:
    assert sorted(schema_scripts()) == list(range(1, SCHEMA_VERSION + 1))


def test_nothing_is_readable_without_the_key(tmp_path: Path) -> None:
    make(tmp_path / "db")
    assert b"SQLite format" not in (tmp_path / "db").read_bytes()
    with pytest.raises(StoreError, match="not of this profile"):
        connect(tmp_path / "db", b"\x00" * 32)
    with pytest.raises(LockedError):
        check_key(tmp_path / "db", b"\x00" * 32)
    check_key(tmp_path / "db", KEY)


def test_a_read_only_connection_does_not_write(tmp_path: Path) -> None:
    make(tmp_path / "db")
    c = connect(tmp_path / "db", KEY, read_only=True)
    with pytest.raises(StoreError, match="cannot be written"), explained():
        c.execute("DELETE FROM meta")


def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    make(tmp_path / "db")
    c = connect(tmp_path / "db", KEY)
    c.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    with pytest.raises(StoreError, match=r"newer onionchat.*install the newer"):
        migrate(c)
    assert c.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION + 1


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    plain = sqlite3.connect(tmp_path / "plain")
    plain.execute("CREATE TABLE t (a)")
    plain.close()
    with pytest.raises(StoreError):
        connect(tmp_path / "plain", KEY)
    other = connect(tmp_path / "other", KEY)
    other.executescript("CREATE TABLE t (a); PRAGMA user_version=1; PRAGMA application_id=7;")
    with pytest.raises(StoreError, match="not onionchat's"):
        migrate(other)


def test_a_foreign_database_without_a_version_is_refused(tmp_path: Path) -> None:
    other = connect(tmp_path / "other", KEY)
    other.execute("CREATE TABLE t (a)")
    with pytest.raises(StoreError, match="not onionchat's"):
        migrate(other)
    assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)


def test_garbage_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"\xff" * 9000)
    with pytest.raises(StoreError, match="salvage"):
        connect(tmp_path / "db", KEY)


def test_a_damaged_page_is_said_to_be_damage(tmp_path: Path) -> None:
    c = connect(tmp_path / "db", KEY)
    migrate(c)
    c.executemany("INSERT INTO branch VALUES (1, ?, zeroblob(3000))", ((n.to_bytes(4, "big"),) for n in range(200)))
    c.close()
    raw = bytearray((tmp_path / "db").read_bytes())
    for page_number in range(len(raw) // 4096 // 2, len(raw) // 4096):
        raw[page_number * 4096 + 100] ^= 1
    (tmp_path / "db").write_bytes(raw)
    c = connect(tmp_path / "db", KEY)
    with pytest.raises(StoreError, match="damaged"), explained():
        c.execute("SELECT sum(length(raw)) FROM branch").fetchone()


def test_a_missing_folder_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        connect(tmp_path / "none" / "db", KEY)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("database or disk is full", "disk is full"),
        ("file is not a database", "damaged or not of this profile"),
        ("database disk image is malformed", "damaged"),
        ("disk I/O error", "damaged"),
        ("database is locked", "in use"),
        ("attempt to write a readonly database", "permissions"),
        ("no such table: x", "doctor"),
    ],
)
def test_every_error_says_what_to_do(said: str, expected: str) -> None:
    error = explain(sqlcipher3.OperationalError(said))
    assert isinstance(error, StoreError)
    assert expected in str(error)
    assert "\n" not in str(error)


def test_errors_quote_no_values() -> None:
    assert "secret" not in str(explain(sqlcipher3.IntegrityError("UNIQUE constraint failed: secret")))


# --- the golden database of schema 001 --------------------------------------------------------------------
def test_the_golden_database_opens_and_reads(tmp_path: Path) -> None:
    shutil.copy(GOLDEN, tmp_path / "db")
    c = connect(tmp_path / "db", GOLDEN_KEY)
    assert migrate(c) == 1
    assert c.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    own = load_own(c)
    assert own.serial == 1
    (direct,) = c.execute("SELECT id FROM conversation WHERE place = 'direct'").fetchone()
    conversation = find_conversation(c, direct)
    assert conversation is not None
    assert [line.text for line in page(c, conversation, 100)] == TEXTS
    assert [line.text for line in search(c, "golden", None, 10)] == [TEXTS[0]]
    assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)
