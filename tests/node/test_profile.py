"""Making, opening, locking, another passphrase, wiping; and a kill at any touch of a file."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onionchat.codec import decode
from onionchat.crypto.vault import Cost
from onionchat.crypto.words import parse_recovery_words
from onionchat.errors import LocalError, LockedError, StoreError
from onionchat.identity.account import fold
from onionchat.ids import id_text
from onionchat.kinds.account import Setting
from onionchat.log.entry import self_id
from onionchat.node import profile
from onionchat.node.profile import Profile
from onionchat.store import people
from onionchat.store.db import Connection
from onionchat.store.own import load_own
from onionchat.store.people import OWN_SLOT
from tests.node.worlds import PASSPHRASE, make_profile, opened

ROOT = Path(__file__).parent.parent.parent


class Reactor:
    def callFromThread(self, call: Any, *arguments: Any) -> None:
        call(*arguments)


def create(directory: Path, recovery: Any = "keep", name: str = "Bob") -> list[str]:
    return profile.create_profile(directory, name, PASSPHRASE, recovery, Cost.TESTS)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    create(tmp_path / "p")
    return tmp_path / "p"


# --- making ----------------------------------------------------------------------------------------------
def test_a_new_profile_is_an_account_of_one_device(directory: Path) -> None:
    c = opened(directory)
    own = load_own(c)
    assert fold(people.statements_of(c, own.account), own.account).active == frozenset({own.device})
    (row,) = people.devices_of(c, own.account)
    (address,) = people.addresses(c)
    assert (row.id, row.certificate.address, row.certificate.serial) == (own.device, address.key, 1)
    assert row.discovery == people.discovery_keys(c, address.key)[OWN_SLOT].private
    settings = [decode(value, Setting, 10**4) for _, value in people.registers(c, "setting")]
    assert {s.key: s.value for s in settings} == {"name": "Bob", f"device:{id_text(own.device)}": "device 1"}
    assert c.execute("SELECT id FROM conversation").fetchall() == [(self_id(own.account),)]


def test_only_its_owner_may_look(directory: Path) -> None:
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in directory.iterdir()} == {
        "key": 0o600, "lock": 0o600, "onionchat.db": 0o600
    }  # fmt: skip


def test_nothing_readable_is_on_the_disk(directory: Path) -> None:
    raw = b"".join(path.read_bytes() for path in directory.iterdir())
    for word in (b"SQLite", b"Bob", b"identity", b"device 1", PASSPHRASE.encode()):
        assert word not in raw


def test_the_words_are_the_recovery_key_s_and_kept_until_settled(tmp_path: Path) -> None:
    words = create(tmp_path / "p")
    assert len(words) == 24
    c = opened(tmp_path / "p")
    assert profile.recovery_words(c) == words
    own = load_own(c)
    roster = fold(people.statements_of(c, own.account), own.account)
    from onionchat.crypto.keys import SigningKey

    assert roster.recovery_public == SigningKey(parse_recovery_words(" ".join(words))).public
    profile.settle_recovery(c)
    assert profile.recovery_words(c) == []


def test_declined_words_are_never_made(tmp_path: Path) -> None:
    assert create(tmp_path / "p", "decline") == []
    c = opened(tmp_path / "p")
    assert profile.recovery_words(c) == []
    own = load_own(c)
    assert fold(people.statements_of(c, own.account), own.account).recovery_public is None


def test_nothing_is_overwritten(directory: Path) -> None:
    before = (directory / "key").read_bytes()
    with pytest.raises(LocalError, match=r"already.*wipe"):
        create(directory)
    (directory / "key").rename(directory.parent / "key")
    with pytest.raises(LocalError, match="put that back"):
        create(directory)
    (directory.parent / "key").rename(directory / "key")
    assert (directory / "key").read_bytes() == before
    Profile.open(directory, PASSPHRASE).close()


@pytest.mark.parametrize(("name", "passphrase"), [("", "x"), ("a\u202eb", "x"), ("Bob", "")])
def test_what_is_refused_leaves_nothing(tmp_path: Path, name: str, passphrase: str) -> None:
    with pytest.raises(LocalError):
        profile.create_profile(tmp_path / "p", name, passphrase, "keep", Cost.TESTS)
    assert not (tmp_path / "p").exists()


def test_a_folder_with_the_user_s_own_files_will_do(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "config.toml").write_text("")
    create(tmp_path / "p")
    assert profile.profile_exists(tmp_path / "p")


# --- opening ---------------------------------------------------------------------------------------------
def test_an_open_profile_is_nobody_else_s(directory: Path) -> None:
    first = Profile.open(directory, PASSPHRASE)
    for deed in (
        lambda: Profile.open(directory, PASSPHRASE),
        lambda: profile.change_passphrase(directory, PASSPHRASE, "n", False, Cost.TESTS),
        lambda: profile.wipe_profile(directory),
        lambda: profile.export_profile(directory, PASSPHRASE, directory / "x", "e", cost=Cost.TESTS),
    ):
        with pytest.raises(LocalError, match="in use"):
            deed()
    first.close()
    first.close()
    Profile.open(directory, PASSPHRASE).close()


def test_a_wrong_passphrase_locks_nobody_out(directory: Path) -> None:
    with pytest.raises(LockedError):
        Profile.open(directory, "wrong")
    Profile.open(directory, PASSPHRASE).close()


def test_no_profile_says_how_to_make_one(tmp_path: Path) -> None:
    assert not profile.profile_exists(tmp_path)
    with pytest.raises(LocalError, match="onionchat init"):
        Profile.open(tmp_path, PASSPHRASE)
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_opened_and_locked(directory: Path) -> None:
    mine = Profile.open(directory, PASSPHRASE)
    store = mine.open_store(Reactor())
    device = store.own.device
    store.close()
    mine.lock()
    assert mine.is_locked
    with pytest.raises(LockedError):
        mine.open_store(Reactor())
    with pytest.raises(LocalError, match="in use"):
        Profile.open(directory, PASSPHRASE)
    with pytest.raises(LockedError):
        mine.unlock("wrong")
    mine.unlock(PASSPHRASE)
    store = mine.open_store(Reactor())
    assert store.own.device == device
    store.close()
    mine.close()


def test_damage_is_told_from_a_wrong_passphrase(directory: Path) -> None:
    database = directory / "onionchat.db"
    raw = database.read_bytes()
    database.write_bytes(os.urandom(4096) + raw[4096:])
    with pytest.raises(StoreError, match="damaged"):
        Profile.open(directory, PASSPHRASE)
    database.unlink()
    with pytest.raises(StoreError, match="missing"):
        Profile.open(directory, PASSPHRASE)
    assert not database.exists()
    database.write_bytes(raw)
    (directory / "key").write_bytes(b"onionchat vault\n" + bytes(50))
    with pytest.raises(StoreError, match="damaged"):
        Profile.open(directory, PASSPHRASE)


# --- another passphrase ----------------------------------------------------------------------------------
def rows(c: Connection) -> dict[str, object]:
    """All tables, and what is said of the database itself."""
    names = [row[0] for row in c.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'words'")]
    found: dict[str, object] = {name: c.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    return found | {name: c.execute(f"PRAGMA {name}").fetchall() for name in ("user_version", "application_id")}


@pytest.mark.parametrize("rekey", [False, True])
def test_only_the_new_passphrase_opens_and_nothing_is_lost(tmp_path: Path, rekey: bool) -> None:
    directory = tmp_path / "p"
    make_profile(directory)
    old_vault, old_database = (directory / "key").read_bytes(), (directory / "onionchat.db").read_bytes()
    before = rows(opened(directory))
    profile.change_passphrase(directory, PASSPHRASE, "new one", rekey, Cost.TESTS)
    with pytest.raises(LockedError):
        Profile.open(directory, PASSPHRASE)
    c = opened(directory, "new one")
    assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert c.execute("SELECT count(*) FROM words WHERE words MATCH 'marmalade'").fetchone() == (1,)
    assert rows(c) == before
    c.close()
    mine = Profile.open(directory, "new one")
    mine.open_store(Reactor()).close()
    mine.close()
    assert sorted(path.name for path in directory.iterdir()) == ["key", "lock", "onionchat.db"]
    from onionchat.crypto.vault import unwrap_key

    same = unwrap_key(old_vault, PASSPHRASE) == unwrap_key((directory / "key").read_bytes(), "new one")
    assert same != rekey
    assert (old_database[:16] == (directory / "onionchat.db").read_bytes()[:16]) != rekey


def test_a_wrong_or_empty_passphrase_changes_nothing(directory: Path) -> None:
    for rekey in (False, True):
        with pytest.raises(LockedError):
            profile.change_passphrase(directory, "wrong", "n", rekey, Cost.TESTS)
        with pytest.raises(LocalError):
            profile.change_passphrase(directory, PASSPHRASE, "", rekey, Cost.TESTS)
    Profile.open(directory, PASSPHRASE).close()
    assert sorted(path.name for path in directory.iterdir()) == ["key", "lock", "onionchat.db"]


# --- wiping ----------------------------------------------------------------------------------------------
def test_a_wipe_takes_all_that_is_ours_and_names_the_rest(directory: Path) -> None:
    os.link(directory / "key", directory.parent / "same file")
    (directory / "tor" / "keys").mkdir(parents=True)
    (directory / "tor" / "state").write_text("x")
    (directory / "api.sock").write_text("")
    (directory / "onionchat.db-wal").write_bytes(b"x")
    (directory / "config.toml").write_text("mine")
    (directory / "picture.png").write_text("mine too")
    assert profile.wipe_profile(directory) == ["config.toml", "picture.png"]
    assert sorted(path.name for path in directory.iterdir()) == ["config.toml", "picture.png"]
    assert not any((directory.parent / "same file").read_bytes())
    create(directory)


def test_a_wiped_folder_goes_when_it_is_empty(directory: Path) -> None:
    assert profile.wipe_profile(directory) == []
    assert not directory.exists()
    with pytest.raises(LocalError, match="no profile"):
        profile.wipe_profile(directory)


def test_an_open_profile_is_destroyed_at_once_and_removed_later(directory: Path) -> None:
    os.link(directory / "key", directory.parent / "same file")
    mine = Profile.open(directory, PASSPHRASE)
    store = mine.open_store(Reactor())
    mine.destroy()
    assert not any((directory.parent / "same file").read_bytes())
    assert [path.name for path in directory.iterdir() if path.name.startswith("onionchat.db")] == []
    with pytest.raises(StoreError):
        changed_while(mine, lambda: None)
    store.close()
    assert mine.remove() == []
    assert not directory.exists() and mine.is_locked
    mine.close()


def test_a_key_that_cannot_be_destroyed_is_not_said_to_be(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(profile, "overwrite", refuse)
    with pytest.raises(LocalError, match="could not be destroyed"):
        profile.wipe_profile(directory)
    monkeypatch.undo()
    Profile.open(directory, PASSPHRASE).close()


def changed_while(mine: Profile, meanwhile: Any) -> None:
    """Change the passphrase, and let something happen while the new key file is made."""

    def random(count: int) -> bytes:
        meanwhile()
        return os.urandom(count)

    mine.change_passphrase(PASSPHRASE, "new", Cost.TESTS, random)


def test_the_passphrase_of_an_open_profile(directory: Path) -> None:
    mine = Profile.open(directory, PASSPHRASE)
    with pytest.raises(LockedError):
        mine.change_passphrase("wrong", "new", Cost.TESTS)
    changed_while(mine, lambda: None)
    mine.lock()
    with pytest.raises(LockedError):
        mine.unlock(PASSPHRASE)
    mine.unlock("new")
    mine.close()


def test_a_wipe_while_the_passphrase_is_changed_wins(directory: Path) -> None:
    mine = Profile.open(directory, PASSPHRASE)
    with pytest.raises((LocalError, StoreError)):
        changed_while(mine, mine.destroy)
    assert not any((directory / "key").read_bytes())
    assert mine.remove() == []


def test_of_two_changes_at_once_one_is_refused(directory: Path) -> None:
    mine = Profile.open(directory, PASSPHRASE)
    others = [lambda: mine.change_passphrase(PASSPHRASE, "other", Cost.TESTS)]
    with pytest.raises(LocalError, match="changed meanwhile"):
        changed_while(mine, lambda: others.pop()() if others else None)
    mine.unlock("other")
    mine.close()


# --- crashes ---------------------------------------------------------------------------------------------
def crash(folder: Path, deed: str) -> list[Path]:
    """What is left by kills at each touch of a file; the last one came through."""
    command = [sys.executable, "-m", "tests.node.crashing", str(folder), deed]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    left = [Path(line) for line in done.stdout.splitlines()]
    assert len(left) > 5
    return left


@pytest.mark.parametrize("deed", ["create", "import"])
def test_a_half_made_profile_never_looks_whole(tmp_path: Path, deed: str) -> None:
    left = crash(tmp_path, deed)
    assert profile.profile_exists(left[-1])
    for directory in left:
        if not profile.profile_exists(directory):
            create(directory)
        mine = Profile.open(directory, PASSPHRASE)
        mine.open_store(Reactor()).close()
        mine.close()
        assert sorted(path.name for path in directory.iterdir()) == ["key", "lock", "onionchat.db"]


@pytest.mark.parametrize("deed", ["passwd", "rekey"])
def test_one_of_two_passphrases_opens_always(tmp_path: Path, deed: str) -> None:
    left = crash(tmp_path, deed)
    opened_by = []
    for directory in left:
        try:
            mine = Profile.open(directory, PASSPHRASE)
            opened_by.append("old")
        except LockedError:
            mine = Profile.open(directory, "new")
            opened_by.append("new")
        store = mine.open_store(Reactor())
        assert store.reads.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert store.reads.execute("SELECT count(*) FROM words WHERE words MATCH 'marmalade'").fetchone() == (1,)
        store.close()
        mine.close()
        assert not [path for path in directory.iterdir() if "next" in path.name]
    assert opened_by == sorted(opened_by, reverse=True)
    assert set(opened_by) == {"old", "new"}


def test_a_wipe_that_was_cut_off_can_be_done_again(tmp_path: Path) -> None:
    for directory in crash(tmp_path, "wipe"):
        if profile.profile_exists(directory):
            assert profile.wipe_profile(directory) == []
        assert not directory.exists() or {path.name for path in directory.iterdir()} <= {"lock"}
