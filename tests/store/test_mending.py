"""Our own forked logs: taken back only what hangs on ours and is signed, written again once, whatever is cut off."""

import pytest

from onionchat.codec import encode
from onionchat.crypto.keys import SigningKey
from onionchat.errors import RemoteError
from onionchat.kinds.account import Contact
from onionchat.kinds.again import AGAIN, original_of
from onionchat.kinds.chat import Text
from onionchat.kinds.fold import body_bytes
from onionchat.log.entry import Content, Entry, WireEntry, is_signed, make_entry, parse_entry
from onionchat.store import mending
from onionchat.store.gate import Gate
from onionchat.store.mending import is_taken, pending_conversations
from onionchat.store.reader import StoreReader
from onionchat.store.rows import find_log, logs_of
from tests.store.stores import NOW, Log, World, seeded


@pytest.fixture
def world() -> World:
    return World()


class Branch:
    """What this device wrote after `before`, in a life that the disk here does not know."""

    def __init__(self, world: World, before: Entry) -> None:
        row = find_log(world.c, before.log)
        assert row is not None and row.seed is not None
        self.key, self.entries, self._last = SigningKey(row.seed), list[Entry](), before
        self._random = seeded(len(before.id))

    def say(self, text: str, ms: int) -> Entry:
        content = Content(self._random(16), (), "text", 0, body_bytes(Text(text)))
        self._last = make_entry(self.key, self._last.seq + 1, self._last.id, (ms, 0), content)
        self.entries.append(self._last)
        return self._last


def forged(entry: Entry) -> Entry:
    return parse_entry(encode(WireEntry(entry.header_raw, bytes(64), entry.content_raw)))


def mend(world: World) -> int:
    """All portions; how many there were."""
    for count in range(1, 100):
        if not world.gate.mend(world.c, world.direct, NOW + 10_000).mending:
            return count
    raise AssertionError("it does not end")


def written_again(world: World) -> list[Entry]:
    """The old entries in the logs of ours that are not frozen, in their order."""
    (log,) = [row for row in logs_of(world.c, world.direct) if not row.head.frozen and row.seed is not None]
    raws = StoreReader(world.c, world.own).read(world.direct, log.head.log, 1, 10_000, 10**9)
    found = [parse_entry(raw) for raw in raws]
    olds = [original_of(entry.content) for entry in found if entry.content and entry.content.kind == AGAIN]
    assert all(old is not None for old in olds)
    return [old for old in olds if old is not None]


def fork(world: World, theirs: int = 3, ours: int = 3) -> tuple[Branch, list[Entry]]:
    common = world.say(Text("common"), NOW)
    branch = Branch(world, common)
    for n in range(theirs):
        branch.say(f"theirs {n}", NOW + 100 + n)
    return branch, [world.say(Text(f"ours {n}"), NOW + 1000 + n) for n in range(ours)]


TEXTS = ["common", "theirs 0", "theirs 1", "theirs 2", "ours 0", "ours 1", "ours 2"]


def test_both_branches_stand_in_a_new_log_once(world: World) -> None:
    branch, ours = fork(world)
    result = world.take(branch.entries, NOW + 2000)
    assert result.mending and len(result.added) == 1 and [head.frozen for head in result.frozen] == [True]
    assert mend(world) == 1
    assert world.texts() == TEXTS
    assert {entry.id for entry in written_again(world)} == {entry.id for entry in branch.entries + ours}
    world.take(branch.entries, NOW + 3000)
    mend(world)
    assert len(written_again(world)) == 6
    assert world.say(Text("on"), NOW + 4000).log != ours[0].log
    assert pending_conversations(world.c) == []
    assert all(is_taken(world.c, entry.id) for entry in branch.entries) and not is_taken(world.c, ours[0].id)


def test_the_newest_time_of_what_came_is_told(world: World) -> None:
    """So that the node can tell a past of ours from a copy that is in use now."""
    branch, _ = fork(world)
    assert world.take(branch.entries[:1]).copied_ms == NOW + 100
    assert world.take(branch.entries[1:]).copied_ms == NOW + 102
    loose = Branch(world, branch.entries[-1])
    loose.say("skipped", NOW + 500)
    assert world.take([forged(loose.say("loose", NOW + 600))]).copied_ms == 0
    assert world.take([world.log().write(Text("x"), NOW + 700)]).copied_ms == 0


def test_what_hangs_on_nothing_waits(world: World) -> None:
    branch, _ = fork(world)
    world.take(branch.entries[2:])
    mend(world)
    assert not any(row.head.seq for row in logs_of(world.c, world.direct) if not row.head.frozen)
    assert "theirs 2" not in world.texts()
    world.take(branch.entries[:1])
    world.take(branch.entries[2:])
    assert "theirs 2" not in world.texts()
    world.take(branch.entries[1:])
    mend(world)
    assert world.texts() == TEXTS


def test_a_false_branch_is_refused_and_nothing_of_it_kept(world: World) -> None:
    branch, _ = fork(world)
    world.c.execute("SAVEPOINT job")
    with pytest.raises(RemoteError, match="signature"):
        world.take([forged(branch.entries[0])])
    world.c.execute("ROLLBACK TO job")
    world.take(branch.entries[:1])
    for run in ([forged(branch.entries[1])], [branch.entries[1], forged(branch.entries[2])]):
        world.c.execute("SAVEPOINT job")
        with pytest.raises(RemoteError, match="signature"):
            world.take(run)
        world.c.execute("ROLLBACK TO job")
    mend(world)
    assert world.texts() == ["common", "theirs 0", "ours 0", "ours 1", "ours 2"]


def test_signatures_that_a_relay_broke_are_made_anew(world: World) -> None:
    """Inside a run ids vouch; but every entry that is written again is looked at alone."""
    branch, _ = fork(world)
    world.take(branch.entries[:1], NOW + 2000)
    world.take([forged(branch.entries[0]), forged(branch.entries[1]), branch.entries[2]], NOW + 2000)
    mend(world)
    assert all(is_signed(entry) for entry in written_again(world))
    assert world.texts() == TEXTS


@pytest.mark.parametrize("portion", [1, 2, 4])
def test_it_goes_on_where_it_was_cut_off(world: World, monkeypatch: pytest.MonkeyPatch, portion: int) -> None:
    monkeypatch.setattr(mending, "PORTION_ENTRIES", portion)
    branch, _ = fork(world, ours=7)
    world.take(branch.entries)
    portions = 0
    while pending_conversations(world.c):
        world.gate = Gate(world.own, seeded(portions))  # killed after each
        world.gate.mend(world.c, world.direct, NOW + 10_000)
        portions += 1
    assert portions == -(-7 // portion)
    assert len(written_again(world)) == 10
    assert world.texts()[:4] == TEXTS[:4] and len(world.texts()) == 11


def test_a_third_branch_from_further_down(world: World) -> None:
    common = world.say(Text("common"), NOW)
    low, middle = Branch(world, common), world.say(Text("middle"), NOW + 10)
    high = Branch(world, middle)
    world.say(Text("ours"), NOW + 1000)
    high.say("high", NOW + 20)
    low.say("low", NOW + 15)
    world.take(high.entries)
    mend(world)
    assert {e.id for e in written_again(world)} >= {high.entries[0].id} and len(written_again(world)) == 2
    world.take(low.entries)
    mend(world)
    assert len(written_again(world)) == 4
    assert world.texts() == ["common", "middle", "low", "high", "ours"]


def test_a_fork_at_the_first_entry(world: World) -> None:
    first = world.say(Text("ours"), NOW + 5)
    branch = Branch(world, first)
    branch.entries = [make_entry(branch.key, 1, bytes(32), (NOW, 0), first.content or Content(b"", (), "", 0, b""))]
    world.take(branch.entries)
    mend(world)
    assert [line.text for line in world.lines()] == ["ours", "ours"] and len(written_again(world)) == 2


def test_a_new_log_that_forks_too_holds_no_wrapper_in_a_wrapper(world: World) -> None:
    branch, ours = fork(world)
    world.take(branch.entries)
    mend(world)
    (second,) = [row for row in logs_of(world.c, world.direct) if not row.head.frozen]
    raws = StoreReader(world.c, world.own).read(world.direct, second.head.log, 1, 100, 10**9)
    other = Branch(world, parse_entry(raws[0]))
    other.say("of the second log", NOW + 200)
    world.take(other.entries)
    mend(world)
    olds = written_again(world)
    assert {e.id for e in olds} == {e.id for e in [*branch.entries[1:], *ours, *other.entries]}
    assert all(old.content is not None and old.content.kind == "text" for old in olds)
    assert sorted(str(text) for text in world.texts()) == sorted([*TEXTS, "of the second log"])


def test_wiped_bodies_are_named_and_not_brought_back(world: World) -> None:
    branch, ours = fork(world)
    world.c.execute("UPDATE entry SET content = NULL, flags = 4 WHERE n = (SELECT max(n) FROM entry)")
    world.take([branch.entries[0].tombstone(), *branch.entries[1:]])
    mend(world)
    lacking = {entry.id for entry in written_again(world) if entry.content is None}
    assert lacking == {ours[-1].id, branch.entries[0].id}
    world.take(branch.entries)  # another peer has the body
    assert [e.content is not None for e in written_again(world) if e.id == branch.entries[0].id] == [False, True]
    assert world.texts()[1] == "theirs 0"


def test_a_contact_cannot_make_us_write(world: World) -> None:
    """A contact that forks its own log costs us a tombstone of evidence; a cut log of ours is not mended."""
    log, twin = world.log(5), Log(world.contact.device, world.direct, 5)
    twin.random(1)
    world.take([log.write(Text("one"), NOW)])
    result = world.take([twin.write(Text("another"), NOW + 1)])
    assert not result.mending and result.stored == [] and pending_conversations(world.c) == []
    (raw,) = world.row("SELECT raw FROM branch")
    assert parse_entry(raw).content is None and parse_entry(raw).id == twin.entries[0].id
    branch, _ = fork(world)
    world.c.execute("UPDATE log SET cut_seq = 1 WHERE seed IS NOT NULL")
    assert not world.take(branch.entries).mending


def test_a_removed_contact_s_conversation_is_mended_all_the_same(world: World) -> None:
    branch, _ = fork(world)
    gone = Contact(world.contact.account, "Ann", "", "removed", NOW)
    world.say(gone, NOW, world.self_id)
    world.take(branch.entries)
    mend(world)
    assert world.texts() == TEXTS


def test_what_came_as_evidence_is_not_whole_until_its_body_came(world: World) -> None:
    branch, _ = fork(world, theirs=1)
    (entry,) = branch.entries
    read = StoreReader(world.c, world.own)
    assert not read.is_taken_whole(entry.id)
    world.take([entry.tombstone()])
    assert read.is_taken(entry.id) and not read.is_taken_whole(entry.id)
    world.take([entry])
    assert read.is_taken_whole(entry.id)
