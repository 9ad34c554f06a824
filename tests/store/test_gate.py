"""The gate: what gets into logs, in which order, what is refused, and that own and foreign entries take one way."""

import msgspec
import pytest

from onionchat import limits
from onionchat.codec import encode
from onionchat.errors import LocalError, RemoteError
from onionchat.ids import EntryId
from onionchat.kinds import chat
from onionchat.kinds.account import Contact, Forget
from onionchat.kinds.changes import Shown
from onionchat.kinds.chat import Edit, Text
from onionchat.kinds.fold import Place
from onionchat.log.certificate import Belief
from onionchat.log.entry import WireEntry, is_signed, parse_entry
from onionchat.log.log import judge_run
from onionchat.store.quota import ENTRY_COST_BYTES
from onionchat.store.rows import Flag, find_conversation, find_log, logs_of
from tests.store.stores import NOW, Log, Person, World

HOUR = 3_600_000


@pytest.fixture
def world() -> World:
    return World()


def seqs(world: World, log: bytes) -> list[int]:
    rows = world.c.execute(
        "SELECT entry.seq FROM entry JOIN log ON log.n = entry.log WHERE log.id = ? ORDER BY entry.seq", (log,)
    )
    return [row[0] for row in rows]


# --- our own entries -----------------------------------------------------------------------------------
def test_our_entries_chain_and_are_signed(world: World) -> None:
    entries = [world.say(Text(str(n))) for n in range(20)]
    (row,) = logs_of(world.c, world.direct)
    judged = judge_run(msgspec.structs.replace(row.head, seq=0, id=EntryId(bytes(32)), ms=0, counter=0), entries)
    assert judged.accepted == entries
    assert judged.new_head == row.head
    assert all(is_signed(entry) for entry in entries)
    assert [line.text for line in world.lines()] == [str(n) for n in range(20)]


def test_a_clock_that_goes_back_does_not_break_the_order(world: World) -> None:
    first = world.say(Text("first"), NOW)
    second = world.say(Text("second"), NOW - HOUR)
    assert second.time > first.time
    assert world.texts() == ["first", "second"]


def test_an_entry_names_what_it_has_seen_once(world: World) -> None:
    log = world.log()
    theirs = log.write(Text("hello"), NOW)
    world.take([theirs])
    answer, more = world.say(Text("hi"), NOW + 1), world.say(Text("how are you"), NOW + 2)
    assert answer.content is not None
    assert more.content is not None
    assert answer.content.seen == (theirs.id,)
    assert more.content.seen == ()
    assert answer.time > theirs.time


def test_no_more_than_the_cap_is_seen(world: World) -> None:
    for n in range(limits.SEEN_MAX + 5):
        log = world.log(100 + n)
        world.take([log.write(Text("x"), NOW + n)])
    first, second = world.say(Text("a"), NOW + HOUR), world.say(Text("b"), NOW + HOUR)
    assert first.content is not None
    assert second.content is not None
    assert len(first.content.seen) == limits.SEEN_MAX
    assert len(second.content.seen) == 5


def test_a_time_far_ahead_is_shown_but_neither_seen_nor_in_our_clock(world: World) -> None:
    log = world.log()
    ahead = log.write(Text("from the future"), NOW + HOUR)
    world.take([ahead], NOW)
    ours = world.say(Text("now"), NOW)
    assert ours.content is not None
    assert ours.content.seen == ()
    assert ours.header.ms == NOW
    assert world.lines()[-1].flags == Flag.FUTURE
    due = world.say(Text("later"), NOW + HOUR)
    assert due.content is not None
    assert due.content.seen == (ahead.id,)


def test_what_is_too_long_leaves_no_gap(world: World) -> None:
    world.say(Text("a"))
    world.c.execute("SAVEPOINT job")
    with pytest.raises(LocalError, match="too long"):
        world.say(Text("x" * limits.ENTRY_MAX_BYTES))
    world.c.execute("ROLLBACK TO job")
    assert world.say(Text("b")).seq == 2


def test_nothing_is_written_where_there_is_no_conversation(world: World) -> None:
    with pytest.raises(LocalError, match="no such conversation"):
        world.gate.append_own(world.c, world.direct[::-1], Text("a"), NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["removed", "imported"])
def test_former_contacts_are_only_to_read(world: World, state: str) -> None:
    world.say(Text("before"))
    world.say(Contact(world.contact.account, "Ann", "", state, NOW), NOW, world.self_id)  # type: ignore[arg-type]
    with pytest.raises(LocalError, match="only to read"):
        world.say(Text("after"))
    assert world.texts() == ["before"]
    world.say(Contact(world.contact.account, "Ann", "", "active", NOW), NOW + 1, world.self_id)
    assert world.say(Text("again")).seq == 2


def test_an_archive_is_only_to_read(world: World) -> None:
    archive = world.direct[::-1]
    world.gate.open_conversation(world.c, archive, Place.ARCHIVE, b"")  # type: ignore[arg-type]
    with pytest.raises(LocalError, match="only to read"):
        world.gate.append_own(world.c, archive, Text("a"), NOW)  # type: ignore[arg-type]


def test_opening_a_conversation_twice_changes_nothing(world: World) -> None:
    world.say(Text("a"))
    world.gate.open_conversation(world.c, world.direct, Place.DIRECT, world.contact.account)
    assert world.row("SELECT count(*) FROM conversation WHERE id = ?", world.direct) == (1,)
    assert world.texts() == ["a"]


def test_a_frozen_log_of_ours_gets_a_successor(world: World) -> None:
    world.say(Text("a"))
    world.c.execute("UPDATE log SET frozen = 1")
    result = world.gate.append_own(world.c, world.direct, Text("b"), NOW)
    assert [head.log for head in result.added] == [result.entries[0].log]
    assert result.entries[0].seq == 1
    assert world.texts() == ["a", "b"]


# --- others' entries -----------------------------------------------------------------------------------
def test_receiving_twice_changes_nothing(world: World) -> None:
    log = world.log()
    entries = [log.write(Text(str(n)), NOW + n) for n in range(5)]
    world.take(entries)
    again = world.take(entries)
    assert again.stored == []
    assert world.texts() == ["0", "1", "2", "3", "4"]
    assert world.row("SELECT count(*) FROM words WHERE words MATCH '3'") == (1,)


def test_entries_of_unknown_logs_and_conversations_are_refused(world: World) -> None:
    stranger = Log(b"\1" * 32, world.direct, 77)
    entry = stranger.write(Text("x"), NOW)
    with pytest.raises(RemoteError, match="not offered"):
        world.take([entry])
    with pytest.raises(RemoteError, match="not there"):
        world.take([entry], place=world.direct[::-1])  # type: ignore[arg-type]
    log = world.log()
    with pytest.raises(RemoteError, match="not offered"):
        world.take([log.write(Text("x"), NOW)], place=world.self_id)
    with pytest.raises(RemoteError, match="not offered"):
        world.gate.prepend(world.c, world.self_id, log.entries, NOW)
    assert world.row("SELECT count(*) FROM entry") == (0,)


def test_a_wrong_signature_is_refused(world: World) -> None:
    log = world.log()
    entry = log.write(Text("x"), NOW)
    forged = parse_entry(encode(WireEntry(entry.header_raw, bytes(64), entry.content_raw)))
    with pytest.raises(RemoteError):
        world.take([forged])
    assert world.texts() == []


def test_a_gap_is_held_back_not_stored(world: World) -> None:
    log = world.log()
    first, _, third = (log.write(Text(str(n)), NOW + n) for n in range(3))
    world.take([first, third])
    assert seqs(world, log.id) == [1]
    world.take(log.entries)
    assert seqs(world, log.id) == [1, 2, 3]


def test_a_fork_freezes_the_log_and_keeps_evidence(world: World) -> None:
    log = world.log()
    world.take([log.write(Text("one"), NOW)])
    other = Log(world.contact.device, world.direct, 5)
    assert other.id == log.id
    other.random(1)
    result = world.take([other.write(Text("another"), NOW + 1)])
    assert [head.log for head in result.frozen] == [log.id]
    row = find_log(world.c, log.id)
    assert row is not None
    assert row.head.frozen
    assert world.texts() == ["one"]
    assert world.row("SELECT count(*) FROM branch") == (1,)
    world.take([log.write(Text("two"), NOW + 2)])
    assert world.texts() == ["one"]


def test_evidence_has_a_cap(world: World) -> None:
    log = world.log()
    world.take([log.write(Text("one"), NOW)])
    row = find_log(world.c, log.id)
    assert row is not None
    for n in range(limits.FORK_BRANCHES_MAX + 3):
        other = Log(world.contact.device, world.direct, 5)
        other.random(n + 1)
        world.c.execute("UPDATE log SET frozen = 0 WHERE id = ?", (log.id,))
        world.take([other.write(Text("another"), NOW + 1 + n)])
    assert world.row("SELECT count(*) FROM branch") == (limits.FORK_BRANCHES_MAX,)


def test_a_block_of_history_goes_under_the_floor(world: World) -> None:
    log = world.log()
    entries = [log.write(Text(str(n)), NOW + n) for n in range(6)]
    world.gate.prepend(world.c, world.direct, entries[3:], NOW + 9)
    assert seqs(world, log.id) == [4, 5, 6]
    world.gate.prepend(world.c, world.direct, entries[:3], NOW + 9)
    assert world.texts() == ["0", "1", "2", "3", "4", "5"]
    row = find_log(world.c, log.id)
    assert row is not None
    assert (row.head.seq, row.head.floor_seq) == (6, 0)


def test_a_block_of_another_branch_is_evidence(world: World) -> None:
    log = world.log()
    entries = [log.write(Text(str(n)), NOW + n) for n in range(4)]
    world.gate.prepend(world.c, world.direct, entries[2:], NOW)
    other = Log(world.contact.device, world.direct, 5)
    other.random(3)
    branch = [other.write(Text("x"), NOW + n) for n in range(2)]
    result = world.gate.prepend(world.c, world.direct, branch, NOW)
    assert [head.frozen for head in result.frozen] == [True]
    assert world.row("SELECT count(*) FROM branch") == (1,)


def test_a_body_fills_its_tombstone(world: World) -> None:
    log = world.log()
    entry = log.write(Text("what it said"), NOW)
    world.take([entry.tombstone()])
    assert world.texts() == []
    world.take([entry])
    assert world.texts() == ["what it said"]
    assert world.row("SELECT count(*) FROM words WHERE words MATCH 'said'") == (1,)
    row = world.row("SELECT bytes FROM conversation WHERE id = ?", world.direct)
    assert row == (len(entry.content_raw or b"") + ENTRY_COST_BYTES,)


def test_a_tombstone_does_not_take_a_body_away(world: World) -> None:
    log = world.log()
    entry = log.write(Text("kept"), NOW)
    world.take([entry])
    world.take([entry.tombstone()])
    assert world.texts() == ["kept"]


def test_what_was_forgotten_is_refused_for_ever(world: World) -> None:
    log = world.log()
    entries = [log.write(Text(str(n)), NOW + n) for n in range(3)]
    world.take(entries[:1])
    world.say(Forget(world.direct, log.id, ((1, 2),)), NOW, world.self_id)
    world.take(entries)
    assert [(line.text, Flag.FORGOTTEN in line.flags) for line in world.lines()] == [(None, True), ("2", False)]
    assert seqs(world, log.id) == [1, 2, 3]
    stored = world.row("SELECT content FROM entry WHERE seq = 2 AND log = 1")
    assert stored == (None,)


def test_meaning_never_rejects(world: World) -> None:
    log = world.log()
    bodies = [("text", b"\xc1garbage"), ("text", b""), ("from.later", b"\x00"), ("contact", b"\x90"), ("edit", b"\x92")]
    world.take([log.raw(kind, body, NOW + n) for n, (kind, body) in enumerate(bodies)])
    assert seqs(world, log.id) == [1, 2, 3, 4, 5]
    assert [line.shown for line in world.lines()] == [Shown.NEWER]


def test_a_contact_cannot_write_into_our_registers(world: World) -> None:
    log = world.log()
    world.take([log.write(Contact(b"\1" * 32, "Mallory", "", "active", NOW), NOW)])
    assert world.row("SELECT count(*) FROM register") == (0,)


def test_late_entries_are_marked(world: World) -> None:
    fast, slow = world.log(5), world.log(6)
    old = slow.write(Text("old"), NOW)
    world.take([fast.write(Text("new"), NOW + 5)])
    world.take([old])
    assert [(line.text, line.flags) for line in world.lines()] == [("old", Flag.LATE), ("new", Flag.NONE)]


def test_bodies_of_others_count_against_their_quota(world: World) -> None:
    log = world.log()
    world.say(Text("ours is free"))
    entry = log.write(Text("x" * 1000), NOW)
    world.take([entry])
    row = world.row("SELECT bytes FROM conversation WHERE id = ?", world.direct)
    assert row == (len(entry.content_raw or b"") + ENTRY_COST_BYTES,)


# --- logs ----------------------------------------------------------------------------------------------
def test_belief_only_grows(world: World) -> None:
    log = world.log()
    world.gate.admit(world.c, log.admission(Belief.PROVISIONAL))
    row = find_log(world.c, log.id)
    assert row is not None
    assert row.belief == Belief.DIRECT


def test_a_conversation_holds_so_many_logs(world: World) -> None:
    for n in range(limits.LOGS_PER_CONVERSATION_MAX):
        world.gate.admit(world.c, Log(world.contact.device, world.direct, 1000 + n).admission())
    with pytest.raises(RemoteError, match="too many logs"):
        world.gate.admit(world.c, Log(world.contact.device, world.direct, 999).admission())


def test_a_log_of_no_conversation_is_not_admitted(world: World) -> None:
    with pytest.raises(RemoteError):
        world.gate.admit(world.c, Log(world.contact.device, b"\7" * 32, 3).admission())


# --- time ----------------------------------------------------------------------------------------------
def test_what_expires_is_dropped_read_or_not(world: World) -> None:
    log = world.log()
    world.take([log.write(Text("soon gone"), NOW, NOW + 10), log.write(Text("stays"), NOW + 1)])
    world.say(Text("ours too"), NOW + 2, expires=NOW + 10)
    assert world.gate.expire(world.c, NOW + 9) == set()
    assert world.gate.expire(world.c, NOW + 10) == {world.direct}
    assert world.texts() == [None, "stays", None]
    assert world.row("SELECT count(*) FROM words WHERE words MATCH 'gone'") == (0,)
    assert world.gate.expire(world.c, NOW + 11) == set()
    world.take(log.entries)
    assert world.texts() == [None, "stays", None]


def test_what_came_too_late_is_never_shown(world: World) -> None:
    log = world.log()
    entry = log.write(Text("over"), NOW, NOW + 10)
    world.take([entry], NOW + 10)
    assert world.texts() == []
    assert world.row("SELECT content, flags FROM entry") == (None, int(Flag.FINAL | Flag.EXPIRED))


def test_a_notice_is_in_no_log_and_comes_last(world: World) -> None:
    world.say(Text("a"), NOW + 5)
    world.gate.notice(world.c, world.direct, "something happened", NOW)
    world.gate.notice(world.c, world.direct, "and more", NOW)
    world.gate.notice(world.c, b"\0" * 32, "nowhere", NOW)  # type: ignore[arg-type]
    assert world.texts() == ["a", "something happened", "and more"]
    assert world.row("SELECT max(seq) FROM log") == (1,)
    notice = world.lines()[-1]
    assert [line.text for line in world.lines(before=notice.id)] == ["a", "something happened"]


def test_the_latest_time_survives_in_the_conversation(world: World) -> None:
    world.take([world.log().write(Text("a"), NOW + 7)])
    row = find_conversation(world.c, world.direct)
    assert row is not None
    assert (row.ms, row.counter) == (NOW + 7, 0)


def test_another_s_edit_of_our_message_changes_nothing(world: World) -> None:
    ours = world.say(Text("mine"))
    world.take([world.log().write(Edit(ours.id, "hijacked"), NOW + 1)])
    assert world.texts() == ["mine"]
    assert world.row("SELECT count(*) FROM words WHERE words MATCH 'hijacked'") == (0,)


def test_a_timer_is_a_line_and_a_register(world: World) -> None:
    world.take([world.log().write(chat.Timer(60), NOW)])
    assert world.row("SELECT key, value FROM register WHERE kind = 'timer'") == (world.direct, (60).to_bytes(8, "big"))
    assert world.texts() == ["60"]


def test_people_apart_from_ours_are_not_us(world: World) -> None:
    stranger = Person(55)
    log = Log(stranger.device, world.direct, 3)
    world.gate.admit(world.c, log.admission())
    world.take([log.write(Text("x"), NOW)])
    assert not world.lines()[0].mine


def test_an_answer_stands_after_what_was_far_ahead_when_it_came(world: World) -> None:
    """Its author's clock is a little ahead of ours; when it came, ours was far behind."""
    log = world.log()
    ahead = log.write(Text("a little ahead"), NOW + HOUR // 12)
    world.take([ahead], NOW - HOUR)
    answer = world.say(Text("an answer"), NOW)
    assert answer.content is not None and answer.content.seen == (ahead.id,)
    assert answer.time > ahead.time
    assert world.texts() == ["a little ahead", "an answer"]
