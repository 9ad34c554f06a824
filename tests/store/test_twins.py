"""One entry in several logs: shown once, wiped everywhere, and nothing of anybody else's can be brought again."""

import pytest

from onionchat.codec import encode
from onionchat.kinds.account import Forget, Setting
from onionchat.kinds.again import AGAIN, again
from onionchat.kinds.chat import Edit, Reaction, Retract, Text
from onionchat.kinds.fold import body_bytes
from onionchat.log.entry import Entry, WireEntry, parse_entry
from onionchat.store.changes import find_entry
from onionchat.store.people import add_card
from onionchat.store.rows import Flag
from onionchat.store.twins import again_places, any_again, rows_of, standing_id, twins_of
from tests.store.stores import NOW, Log, Person, World


@pytest.fixture
def world() -> World:
    return World()


def bring(log: Log, old: Entry, ms: int = NOW + 1000, expires: int | None = None) -> Entry:
    """An entry of `log` that brings another again."""
    own = old.content.expires if old.content is not None else 0
    return log.raw(AGAIN, body_bytes(again(old)), ms, own if expires is None else expires)


def contents(world: World) -> int:
    return int(world.row("SELECT count(*) FROM entry WHERE content IS NOT NULL AND log > 0")[0])


# --- once ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("old_first", [True, False])
def test_it_is_shown_once_in_its_old_place_under_its_old_id(world: World, old_first: bool) -> None:
    dead, new = world.log(5), world.log(6)
    old = dead.write(Text("said once"), NOW)
    world.say(Text("in between"), NOW + 10)
    runs = [[old], [bring(new, old)]]
    for run in runs if old_first else reversed(runs):
        world.take(run)
    (line, _) = world.lines()
    assert (line.id, line.ms, line.text) == (old.id, NOW, "said once")
    assert world.texts() == ["said once", "in between"]
    assert world.row("SELECT count(*) FROM words WHERE words MATCH 'once'") == (1,)
    assert len(rows_of(world.c, old.id)) == 2 and contents(world) == 3
    assert any_again(world.c) and find_entry(world.c, old.id) == line.n
    assert [line.id for line in world.lines(after=old.id)] == [world.lines()[1].id]


def test_twice_in_one_run_is_once_on_the_screen(world: World) -> None:
    dead, new = world.log(5), world.log(6)
    old = dead.write(Text("once"), NOW)
    world.take([bring(new, old), bring(new, old, NOW + 1001)])
    world.take([bring(new, old, NOW + 1002)])
    assert world.texts() == ["once"]
    assert world.row("SELECT count(*) FROM words WHERE words MATCH 'once'") == (1,)
    world.say(Forget(world.direct, new.id, ((2, 2),)), NOW + 5000, world.self_id)
    assert contents(world) == 1  # the deletion's own


def test_what_came_late_is_marked_as_late(world: World) -> None:
    dead, new = world.log(5), world.log(6)
    world.say(Text("shown already"), NOW + 10)
    world.take([bring(new, dead.write(Text("claims to be older"), NOW))])
    assert [line.flags for line in world.lines()] == [Flag.LATE, Flag.NONE]
    assert world.lines()[0].unread


def test_our_own_line_moves_to_where_it_is_delivered(world: World) -> None:
    ours = world.say(Text("mine"))
    world.c.execute("UPDATE log SET frozen = 1")
    conversation = world.direct
    world.c.execute("INSERT INTO mending VALUES (1, 1)")
    result = world.gate.mend(world.c, conversation, NOW + 1000)
    (line,) = world.lines()
    assert (line.id, line.text, line.seq) == (ours.id, "mine", 1)
    assert line.n == result.stored[0].n and result.effects.conversations == {conversation}
    assert not result.stored[0].shown  # nobody is told of a new message
    assert world.row("SELECT count(*) FROM words WHERE words MATCH 'mine'") == (1,)


# --- what speaks of it ---------------------------------------------------------------------------------
@pytest.mark.parametrize("marks_first", [True, False])
def test_marks_find_it_by_its_old_id(world: World, marks_first: bool) -> None:
    dead, new, other = world.log(5), world.log(6), world.log(7)
    old = dead.write(Text("wrogn"), NOW)
    marks = [other.write(Edit(old.id, "right"), NOW + 5), other.write(Reaction(old.id, "👍"), NOW + 6)]
    runs = [marks, [bring(new, old)]]
    for run in runs if marks_first else reversed(runs):
        world.take(run)
    (line,) = world.lines()
    assert (line.text, line.edited, [emoji for emoji, _ in line.reactions]) == ("right", True, ["👍"])
    assert world.row("SELECT count(*) FROM words WHERE words MATCH 'right'") == (1,)
    answer = world.say(Text("answer", line.id), NOW + 2000)
    assert [line.reply_to for line in world.lines()] == [b"", old.id] and answer.seq == 1


def test_an_edit_that_comes_again_counts_as_what_it_was(world: World) -> None:
    """Its old time stands: a later edit wins, although the other was written again after it."""
    dead, new, other = world.log(5), world.log(6), world.log(7)
    text = other.write(Text("first"), NOW)
    first, last = dead.write(Edit(text.id, "second"), NOW + 1), other.write(Edit(text.id, "third"), NOW + 2)
    world.take([text, last])
    world.take([bring(new, first)])
    assert world.texts() == ["third"]
    assert world.row("SELECT content FROM entry WHERE log = (SELECT n FROM log WHERE id = ?)", new.id) == (None,)


# --- gone is gone --------------------------------------------------------------------------------------
@pytest.mark.parametrize("old_first", [True, False])
@pytest.mark.parametrize("way", ["retract", "forget new", "forget old", "expire"])
def test_what_is_wiped_is_wiped_wherever_it_stands(world: World, way: str, old_first: bool) -> None:
    dead, new = world.log(5), world.log(6)
    old = dead.write(Text("secret"), NOW, NOW + 50 if way == "expire" else 0)
    runs = [[old], [bring(new, old)]]
    for run in runs if old_first else reversed(runs):
        world.take(run, NOW + 20)
    match way:
        case "retract":
            world.take([dead.write(Retract(old.id), NOW + 30)], NOW + 30)
        case "expire":
            world.gate.expire(world.c, NOW + 50)
        case _:
            log = new.id if way == "forget new" else dead.id
            world.say(Forget(world.direct, log, ((1, 1),)), NOW + 30, world.self_id)
    assert world.texts() == [None]
    assert world.row("SELECT count(*) FROM entry WHERE content IS NOT NULL AND instr(content, 'secret')") == (0,)
    assert world.row("SELECT count(*) FROM words WHERE words MATCH 'secret'") == (0,)
    third = world.log(8)
    world.take([bring(third, old)], NOW + 100)
    assert world.texts() == [None]
    assert world.row("SELECT count(*) FROM entry WHERE content IS NOT NULL AND instr(content, 'secret')") == (0,)


@pytest.mark.parametrize("way", ["retract", "forget"])
def test_what_was_wiped_before_does_not_come_again(world: World, way: str) -> None:
    dead, new = world.log(5), world.log(6)
    old = dead.write(Text("secret"), NOW)
    world.take([old])
    if way == "retract":
        world.take([dead.write(Retract(old.id), NOW + 1)])
    else:
        world.say(Forget(world.direct, dead.id, ((1, 1),)), NOW + 30, world.self_id)
    world.take([bring(new, old)])
    assert world.texts() == [None]
    assert world.row("SELECT count(*) FROM entry WHERE content IS NOT NULL AND instr(content, 'secret')") == (0,)


def test_forgetting_a_number_spares_the_other_branch(world: World) -> None:
    """What was forgotten under a number is what stood there; another branch's entry under it was never seen."""
    dead, twin, new = world.log(5), Log(world.contact.device, world.direct, 5), world.log(6)
    twin.random(1)
    world.take([dead.write(Text("seen and forgotten"), NOW)])
    world.say(Forget(world.direct, dead.id, ((1, 1),)), NOW + 30, world.self_id)
    world.take([bring(new, twin.write(Text("of the other branch"), NOW + 1))])
    assert world.texts() == [None, "of the other branch"]


def test_a_tombstone_that_comes_again_says_nothing_until_the_body_comes(world: World) -> None:
    dead, new = world.log(5), world.log(6)
    old = dead.write(Text("body"), NOW)
    world.take([bring(new, old.tombstone())])
    assert world.texts() == [] and again_places(world.c, old.id) != []
    world.take([bring(new, old, NOW + 1001)])
    assert world.texts() == ["body"]


@pytest.mark.parametrize("withheld", ["old", "new"])
def test_a_body_that_was_withheld_may_come_by_either(world: World, withheld: str) -> None:
    dead, new = world.log(5), world.log(6)
    old = dead.write(Text("body"), NOW)
    wrapped = bring(new, old)
    world.take([old.tombstone()])
    if withheld == "new":
        world.take([wrapped.tombstone()])
        assert world.texts() == []
    world.take([wrapped])
    world.take([old])
    assert world.texts() == ["body"]
    assert [(line.id, line.ms) for line in world.lines()] == [(old.id, NOW)]
    assert world.row("SELECT count(*) FROM words WHERE words MATCH 'body'") == (1,)


# --- what may not be brought again -----------------------------------------------------------------------
def test_nothing_of_anybody_else_can_be_brought_again(world: World) -> None:
    """Neither ours, nor of another device of the same contact, nor of another conversation, nor of nobody's log."""
    tablet = Person(98)
    add_card(world.c, world.contact.account, tablet.card, b"")
    ours = world.say(Text("ours"), NOW)
    foreign = Log(tablet.device, world.direct, 20)
    world.gate.admit(world.c, foreign.admission())
    elsewhere = Log(world.contact.device, world.self_id, 21)
    unknown = Log(world.contact.device, world.direct, 22)
    mallory = world.log(6)
    stolen = [
        ours,
        foreign.write(Text("of the tablet"), NOW + 1),
        elsewhere.write(Text("of another talk"), NOW + 2),
        unknown.write(Text("of an unknown log"), NOW + 3),
    ]
    world.take([bring(mallory, entry, NOW + 100 + n) for n, entry in enumerate(stolen)])
    assert world.texts() == ["ours"]
    assert not any_again(world.c)


def test_forgeries_show_nothing(world: World) -> None:
    dead, new = world.log(5), world.log(6)
    old = dead.write(Text("never signed"), NOW)
    forged = parse_entry(encode(WireEntry(old.header_raw, bytes(64), old.content_raw)))
    itself = new.write(Text("of the same log"), NOW)
    world.take([itself, bring(new, forged), bring(new, itself, NOW + 1001), bring(new, old, NOW + 1002, NOW + 10**9)])
    assert world.texts() == ["of the same log"]
    assert not any_again(world.c)


# --- registers -------------------------------------------------------------------------------------------
def test_a_register_that_comes_again_stands_until_it_is_superseded(world: World) -> None:
    """On the device that has the value already, the new entry keeps its body: others get it from there."""
    second = Person(97)
    add_card(world.c, world.own.account, second.card, b"")
    dead, new = (Log(second.device, world.self_id, seed) for seed in (30, 31))
    for log in (dead, new):
        world.gate.admit(world.c, log.admission())
    old = dead.write(Setting("name", "Ann"), NOW)
    world.take([old], place=world.self_id)
    wrapped = bring(new, old)
    world.take([wrapped], place=world.self_id)
    assert contents(world) == 2
    world.say(Setting("name", "Annie"), NOW + 5000, world.self_id)
    assert contents(world) == 1
    assert world.row("SELECT count(*) FROM register WHERE kind = 'setting'") == (1,)


def test_an_older_value_does_not_win_by_coming_again(world: World) -> None:
    second = Person(97)
    add_card(world.c, world.own.account, second.card, b"")
    dead, new = (Log(second.device, world.self_id, seed) for seed in (30, 31))
    for log in (dead, new):
        world.gate.admit(world.c, log.admission())
    world.say(Setting("name", "newer"), NOW + 10, world.self_id)
    world.take([bring(new, dead.write(Setting("name", "older"), NOW))], place=world.self_id)
    (value,) = world.row("SELECT value FROM register WHERE kind = 'setting'")
    assert b"newer" in value


def test_two_branches_in_one_place_come_to_one_value() -> None:
    """The same time, log and number: whichever comes first."""
    values = set()
    for first in (0, 1):
        world, second = World(), Person(97)
        add_card(world.c, world.own.account, second.card, b"")
        logs = [Log(second.device, world.self_id, 30) for _ in range(2)]
        logs[1].random(1)
        carrier = Log(second.device, world.self_id, 31)
        for log in (logs[0], carrier):
            world.gate.admit(world.c, log.admission())
        entries = [log.write(Setting("name", name), NOW) for log, name in zip(logs, ("one", "two"), strict=True)]
        for n in (first, 1 - first):
            world.take([bring(carrier, entries[n], NOW + 100 + n if not first else NOW + 102 - n)], place=world.self_id)
        values.add(bytes(world.row("SELECT value FROM register WHERE kind = 'setting'")[0]))
    assert len(values) == 1


def test_an_entry_without_twins_stands_for_itself(world: World) -> None:
    entry = world.say(Text("a"))
    (n, header) = world.row("SELECT n, header FROM entry")
    assert twins_of(world.c, n) == [n]
    assert standing_id(world.c, n, header) == entry.id
    assert again_places(world.c, entry.id) == [] and rows_of(world.c, bytes(32)) == []
