"""An import: another account, with history to read and contacts to know, and nothing that can be sent."""

from pathlib import Path
from typing import Any

import pytest

from onionchat.crypto.vault import Cost
from onionchat.errors import LocalError, LockedError, StoreError
from onionchat.kinds.account import Contact
from onionchat.kinds.chat import Text
from onionchat.log.entry import direct_id, self_id
from onionchat.node import profile
from onionchat.node.profile import Profile, import_profile
from onionchat.store import people
from onionchat.store.db import Connection
from onionchat.store.gate import Gate
from onionchat.store.messages import Line, page, queued_after, search, unread_count
from onionchat.store.own import Own, get_meta, load_own
from onionchat.store.reader import StoreReader
from onionchat.store.rows import find_conversation
from tests.node.worlds import NOW, PASSPHRASE, Friend, counting, make_profile, opened

OTHER = "a passphrase of its own"


class Imported:
    """A profile with history, exported and brought into another one."""

    def __init__(self, folder: Path, name: str | None = None, forked: bool = False) -> None:
        self.friend: Friend = make_profile(folder / "p", forked=forked)
        before = opened(folder / "p")
        self.old: Own = load_own(before)
        before.close()
        profile.export_profile(folder / "p", PASSPHRASE, folder / "export", OTHER, cost=Cost.TESTS)
        import_profile(folder / "q", folder / "export", OTHER, name, "new", Cost.TESTS)
        self.c: Connection = opened(folder / "q", "new")
        self.own = load_own(self.c)
        self.direct = direct_id(self.own.account, self.friend.account)
        self.gate = Gate(self.own, counting(50))

    def lines(self, place: Any = None) -> list[Line]:
        row = find_conversation(self.c, place or self.direct)
        assert row is not None
        return page(self.c, row, 100)


@pytest.fixture(params=["plain", "forked"])
def imported(tmp_path: Path, request: pytest.FixtureRequest) -> Imported:
    return Imported(tmp_path, forked=request.param == "forked")


def test_it_is_another_account_and_device(imported: Imported) -> None:
    assert imported.own.account != imported.old.account
    assert imported.own.device != imported.old.device
    assert imported.own.static.private != imported.old.static.private
    assert get_meta(imported.c, "former_account") == imported.old.account
    assert len(profile.recovery_words(imported.c)) == 24


def test_history_is_read_as_it_was(imported: Imported) -> None:
    lines = imported.lines()
    assert [(line.text, line.mine, line.edited) for line in lines] == [
        ("second thoughts of mine", True, True),
        ("an answer about marmalade", False, False),
        ("3600", False, False),
    ]
    assert lines[1].reactions == [("👍", imported.own.account)]
    assert [line.text for line in imported.lines(self_id(imported.own.account))] == ["a note to myself"]
    row = find_conversation(imported.c, imported.direct)
    assert row is not None
    assert [line.text for line in search(imported.c, "marmalade", row, 10)] == ["an answer about marmalade"]
    assert [line.text for line in search(imported.c, "thoughts", None, 10)] == ["second thoughts of mine"]
    assert search(imported.c, "first", None, 10) == []
    assert unread_count(imported.c, row.n) == 0
    assert not any(line.unread for line in lines)


def test_contacts_are_known_but_not_reached(imported: Imported) -> None:
    contact = people.contact_of(imported.c, imported.friend.account)
    assert contact is not None
    assert (contact.name, contact.state) == ("Ann", "imported")
    (device,) = people.devices_of(imported.c, imported.friend.account)
    assert device.discovery == b""
    assert people.register(imported.c, "trust", imported.friend.account) is not None
    assert people.register(imported.c, "timer", imported.direct) == (3600).to_bytes(8, "big")


def test_nothing_can_be_sent_and_nothing_waits(imported: Imported) -> None:
    with pytest.raises(LocalError, match="only to read"):
        imported.gate.append_own(imported.c, imported.direct, Text("x"), NOW)
    assert queued_after(imported.c, imported.own.account, lambda log: {}) == 0
    reader = StoreReader(imported.c, imported.own)
    assert set(reader.conversations()) == {imported.direct, self_id(imported.own.account)}
    assert reader.heads(imported.direct) == []
    assert imported.c.execute("SELECT count(*) FROM log WHERE seed IS NOT NULL").fetchone() == (1,)
    for (archive,) in imported.c.execute("SELECT id FROM conversation WHERE place = 'archive'"):
        assert reader.member_account(archive, imported.friend.device) is None


def test_a_contact_that_is_added_anew_goes_on_where_it_was(imported: Imported) -> None:
    assert people.add_card(imported.c, imported.friend.account, imported.friend.card, b"\x09" * 32)
    (device,) = people.devices_of(imported.c, imported.friend.account)
    assert device.discovery == b"\x09" * 32
    again = Contact(imported.friend.account, "Ann", "", "active", NOW)
    imported.gate.append_own(imported.c, self_id(imported.own.account), again, 2 * NOW)
    entry = imported.gate.append_own(imported.c, imported.direct, Text("hello again"), NOW).entries[0]
    assert entry.seq == 1
    assert imported.lines()[-1].text == "hello again"


def test_an_import_can_be_exported_and_imported_again(imported: Imported, tmp_path: Path) -> None:
    imported.c.close()
    profile.export_profile(tmp_path / "q", "new", tmp_path / "second", OTHER, cost=Cost.TESTS)
    import_profile(tmp_path / "r", tmp_path / "second", OTHER, "Rob", "third", Cost.TESTS)
    c = opened(tmp_path / "r", "third")
    row = find_conversation(c, direct_id(load_own(c).account, imported.friend.account))
    assert row is not None
    assert [line.text for line in page(c, row, 100)] == [
        "second thoughts of mine",
        "an answer about marmalade",
        "3600",
    ]


@pytest.mark.parametrize(("given", "expected"), [(None, "Bob"), ("Rob", "Rob")])
def test_the_name_is_the_given_one_or_the_old_one(tmp_path: Path, given: str | None, expected: str) -> None:
    imported = Imported(tmp_path, given)
    from onionchat.codec import decode
    from onionchat.kinds.account import Setting

    value = people.register(imported.c, "setting", b"name")
    assert value is not None
    assert decode(value, Setting, 10**4).value == expected
    labels = [key for key, _ in people.registers(imported.c, "setting") if key.startswith(b"device:")]
    assert len(labels) == 2  # the other one is the former device's


def test_what_cannot_be_imported_leaves_no_profile(tmp_path: Path) -> None:
    make_profile(tmp_path / "p")
    profile.export_profile(tmp_path / "p", PASSPHRASE, tmp_path / "export", OTHER, cost=Cost.TESTS)
    target = tmp_path / "q"
    with pytest.raises(LockedError, match="of the export"):
        import_profile(target, tmp_path / "export", "wrong", None, "new", Cost.TESTS)
    with pytest.raises(LocalError):
        import_profile(target, tmp_path / "export", OTHER, "a\x1bb", "new", Cost.TESTS)
    with pytest.raises(LocalError, match="not an export"):
        import_profile(target, tmp_path / "p" / "onionchat.db", OTHER, None, "new", Cost.TESTS)
    raw = bytearray((tmp_path / "export").read_bytes())
    for at in range(4096 + 50, len(raw) - 4096, 4096):
        raw[at] ^= 1
    (tmp_path / "damaged").write_bytes(raw)
    raw[100] ^= 1
    (tmp_path / "worse").write_bytes(raw)
    for name in ("damaged", "worse"):
        with pytest.raises(StoreError, match="damaged"):
            import_profile(target, tmp_path / name, OTHER, None, "new", Cost.TESTS)
        assert not profile.profile_exists(target)
    assert [path.name for path in target.iterdir()] == ["lock"]
    import_profile(target, tmp_path / "export", OTHER, None, "new", Cost.TESTS)
    with pytest.raises(LocalError, match="already"):
        import_profile(target, tmp_path / "export", OTHER, None, "new", Cost.TESTS)
    Profile.open(target, "new").close()
