"""Exports: all that was said, no private key, a passphrase of their own, never over another file."""

import stat
from pathlib import Path

import pytest

from onionchat.codec import decode
from onionchat.crypto.vault import Cost, wrap_key
from onionchat.errors import LocalError, LockedError, StoreError
from onionchat.kinds.account import Contact
from onionchat.node import profile
from onionchat.node.export import TRAILER_BYTES, Exported, _append_trailer, copy_contents, unwrap_export
from onionchat.node.profile import Profile, export_profile
from onionchat.store import people
from onionchat.store.db import SCHEMA_VERSION, Connection, connect, migrate
from onionchat.store.own import load_own
from tests.node.worlds import PASSPHRASE, Friend, counting, make_profile, opened
from tests.store.pages import plain_pages

OTHER = "a passphrase of its own"


@pytest.fixture(params=["plain", "forked"])
def friend(tmp_path: Path, request: pytest.FixtureRequest) -> Friend:
    return make_profile(tmp_path / "p", forked=request.param == "forked")


def export(folder: Path, salvage: bool = False, name: str = "export") -> Exported:
    return export_profile(folder / "p", PASSPHRASE, folder / name, OTHER, salvage, Cost.TESTS)


def contents(folder: Path) -> Connection:
    """The database of the export in a folder."""
    key = unwrap_export(folder / "export", OTHER)
    copy_contents(folder / "export", folder / "copy")
    c = connect(folder / "copy", key)
    assert migrate(c) == SCHEMA_VERSION
    return c


def test_what_people_said_is_in_it(tmp_path: Path, friend: Friend) -> None:
    exported = export(tmp_path)
    assert (exported.messages, exported.contacts, exported.lost) == (4, 1, {})
    assert exported.summary == "4 messages and 1 contacts; all could be read"
    c = contents(tmp_path)
    text = b"".join(row[0] for row in c.execute("SELECT content FROM entry WHERE content IS NOT NULL"))
    for words in (b"first words of mine", b"an answer about marmalade", b"second thoughts", b"a note to myself"):
        assert words in text
    (value,) = [value for _, value in people.registers(c, "contact")]
    contact = decode(value, Contact, 10**4)
    assert (contact.name, contact.owed) == ("Ann", b"")
    assert people.statements_of(c, friend.account) == [friend.genesis]


def test_no_private_key_is_in_it(tmp_path: Path, friend: Friend) -> None:
    source = opened(tmp_path / "p")
    own = load_own(source)
    secrets = {
        "identity": own.identity.seed,
        "static": own.static.private,
        "recovery": bytes(source.execute("SELECT value FROM meta WHERE key = 'recovery'").fetchone()[0]),
        "contact's discovery": friend.discovery,
        "invitation's seed": b"\x22" * 32,
        "invitation's static": b"\x33" * 32,
    }
    secrets |= {f"log {n}": seed for n, seed in source.execute("SELECT n, seed FROM log WHERE seed IS NOT NULL")}
    secrets |= {f"slot {n}": private for n, private in source.execute("SELECT slot, private FROM slot")}
    secrets |= {"address": source.execute("SELECT seed FROM address").fetchone()[0]}
    assert len(secrets) > 130
    source.close()
    there = plain_pages(tmp_path / "p" / "onionchat.db", _key(tmp_path / "p"))
    assert all(secret in there for secret in secrets.values())  # else this could not fail
    export(tmp_path)
    contents(tmp_path).close()
    plain = plain_pages(tmp_path / "copy", unwrap_export(tmp_path / "export", OTHER))
    assert [name for name, secret in secrets.items() if secret in plain] == []
    assert b"marmalade" in plain


def _key(directory: Path) -> bytes:
    from onionchat.crypto.vault import unwrap_key

    return unwrap_key((directory / "key").read_bytes(), PASSPHRASE)


def test_the_file_is_private_alone_and_unreadable(tmp_path: Path, friend: Friend) -> None:
    export(tmp_path)
    assert stat.S_IMODE((tmp_path / "export").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export", "p"]
    raw = (tmp_path / "export").read_bytes()
    assert b"SQLite" not in raw
    assert b"marmalade" not in raw
    with pytest.raises(LockedError):
        unwrap_export(tmp_path / "export", PASSPHRASE)


def test_no_file_is_overwritten(tmp_path: Path, friend: Friend) -> None:
    (tmp_path / "export").write_text("precious")
    with pytest.raises(LocalError, match="exists already"):
        export(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(LocalError, match="exists already"):
        export(tmp_path, name="link")
    assert (tmp_path / "export").read_text() == "precious"
    with pytest.raises(LocalError, match="empty passphrase"):
        export_profile(tmp_path / "p", PASSPHRASE, tmp_path / "x", "", cost=Cost.TESTS)
    assert not (tmp_path / "x").exists()
    Profile.open(tmp_path / "p", PASSPHRASE).close()


def test_what_is_no_whole_export_is_refused(tmp_path: Path, friend: Friend) -> None:
    export(tmp_path)
    raw = (tmp_path / "export").read_bytes()
    for cut in (b"", b"x" * 100, raw[:-1], raw[:-TRAILER_BYTES], raw[: len(raw) // 2]):
        (tmp_path / "cut").write_bytes(cut)
        with pytest.raises((LocalError, StoreError)):
            unwrap_export(tmp_path / "cut", OTHER)
    with pytest.raises(LocalError):
        unwrap_export(tmp_path / "none", OTHER)
    damaged = bytearray(raw)
    damaged[-TRAILER_BYTES + 40] ^= 1
    (tmp_path / "damaged").write_bytes(damaged)
    with pytest.raises(StoreError, match="damaged"):
        unwrap_export(tmp_path / "damaged", OTHER)


def _many(folder: Path, count: int = 1500) -> None:
    """More messages, so that pages can be damaged one by one."""
    from onionchat.kinds.chat import Text
    from onionchat.store.gate import Gate
    from tests.node.worlds import NOW, counting

    c = opened(folder / "p")
    own = load_own(c)
    (direct,) = c.execute("SELECT id FROM conversation WHERE place = 'direct'").fetchone()
    gate = Gate(own, counting(9))
    c.execute("BEGIN")
    for n in range(count):
        gate.append_own(c, direct, Text(f"message number {n}"), NOW + 100 + n)
    c.execute("COMMIT")
    c.close()


def test_a_damaged_database_is_exported_only_as_salvage(tmp_path: Path, friend: Friend) -> None:
    _many(tmp_path)
    database = tmp_path / "p" / "onionchat.db"
    raw = bytearray(database.read_bytes())
    pages = len(raw) // 4096
    for number in range(pages // 2, pages, 9):
        raw[number * 4096 + 50] ^= 1
    database.write_bytes(raw)
    with pytest.raises(StoreError, match="salvage"):
        export(tmp_path)
    assert not (tmp_path / "export").exists()
    exported = export(tmp_path, salvage=True)
    assert 0 < exported.lost["entry"] < 1000
    total = exported.messages
    assert 500 < total < 1504
    assert "could be read; lost rows:" in exported.summary
    c = contents(tmp_path)
    (kept,) = c.execute("SELECT count(*) FROM entry WHERE shown > 0").fetchone()
    assert kept == total
    c.close()
    profile.import_profile(tmp_path / "q", tmp_path / "export", OTHER, None, "new", Cost.TESTS)
    Profile.open(tmp_path / "q", "new").close()


def test_salvage_of_what_is_whole_is_all_of_it(tmp_path: Path, friend: Friend) -> None:
    plain, salvaged = export(tmp_path), export(tmp_path, salvage=True, name="salvaged")
    assert plain == salvaged


def test_salvage_needs_the_first_page(tmp_path: Path, friend: Friend) -> None:
    database = tmp_path / "p" / "onionchat.db"
    raw = bytearray(database.read_bytes())
    raw[100] ^= 1
    database.write_bytes(raw)
    with pytest.raises(StoreError):
        export(tmp_path, salvage=True)
    assert not (tmp_path / "export").exists()


def test_a_vault_that_ends_with_zeros_opens_too(tmp_path: Path) -> None:
    """The padding behind it was once taken off by looks: one export in 256 could not be opened."""
    endings = set()
    for number in range(2000):
        vault = wrap_key(bytes(32), OTHER, counting(number), Cost.TESTS)
        endings.add(vault[-1])
        if vault[-1] == 0:
            break
    assert 0 in endings
    target = tmp_path / "export"
    target.write_bytes(b"database")
    _append_trailer(target, vault)
    assert unwrap_export(target, OTHER) == bytes(32)
