"""What entries change: the same state whatever the order in which they come; bodies that really go."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onionchat.kinds import account as kinds
from onionchat.kinds.chat import Edit, Reaction, Retract, Text, Timer
from onionchat.log.entry import Entry
from onionchat.store.changes import find_entry, is_forgotten, own_text, shown_text
from onionchat.store.own import Own
from onionchat.store.rows import Flag
from tests.store.stores import NOW, Log, Person, World


@pytest.fixture
def world() -> World:
    return World()


def found(world: World, word: str) -> int:
    """How many texts the index finds."""
    return int(world.row("SELECT count(*) FROM words WHERE words MATCH ?", word)[0])


def contents(world: World) -> bytes:
    """Every body and mark that is stored."""
    rows = world.c.execute("SELECT content FROM entry WHERE content IS NOT NULL").fetchall()
    marks = world.c.execute("SELECT value FROM mark").fetchall()
    return b"".join(row[0] for row in rows) + "".join(row[0] for row in marks).encode()


# --- edits, reactions, retractions -----------------------------------------------------------------------
def test_an_edit_replaces_text_and_index(world: World) -> None:
    ours = world.say(Text("apples"))
    world.say(Edit(ours.id, "pears"))
    assert world.texts() == ["pears"]
    assert (found(world, "apples"), found(world, "pears")) == (0, 1)
    assert world.lines()[0].edited


def test_the_last_edit_counts_whichever_comes_first(world: World) -> None:
    log = world.log()
    text = log.write(Text("apples"), NOW)
    first, second = log.write(Edit(text.id, "pears"), NOW + 1), log.write(Edit(text.id, "plums"), NOW + 2)
    world.take([text, first, second])
    assert world.texts() == ["plums"]
    assert [found(world, word) for word in ("apples", "pears", "plums")] == [0, 0, 1]


@pytest.mark.parametrize("order", ["emt", "etm", "mte", "met", "tem", "tme"])
def test_marks_may_come_before_what_they_are_about(world: World, order: str) -> None:
    """Three devices of the contact: one writes, one edits, one takes it back."""
    logs = {name: world.log(seed) for name, seed in zip("emt", (11, 12, 13), strict=True)}
    text = logs["m"].write(Text("apples"), NOW)
    entries = {
        "m": text,
        "e": logs["e"].write(Edit(text.id, "pears"), NOW + 1),
        "t": logs["t"].write(Retract(text.id), NOW + 2),
    }
    for name in order:
        world.take([entries[name]])
    (line,) = world.lines()
    assert (line.text, Flag.RETRACTED in line.flags) == (None, True)
    assert b"apples" not in contents(world)
    assert b"pears" not in contents(world)
    assert found(world, "apples") == found(world, "pears") == 0


def test_only_the_author_edits_or_retracts(world: World) -> None:
    theirs = world.log().write(Text("theirs"), NOW)
    world.take([theirs])
    world.say(Edit(theirs.id, "ours"))
    world.say(Retract(theirs.id))
    assert world.texts() == ["theirs"]
    assert found(world, "theirs") == 1


def test_one_reaction_a_person_and_empty_takes_it_away(world: World) -> None:
    log = world.log()
    text = log.write(Text("hello"), NOW)
    world.take([text, log.write(Reaction(text.id, "🎉"), NOW + 1)])
    world.say(Reaction(text.id, "👍"), NOW + 2)
    world.say(Reaction(text.id, "👎"), NOW + 3)
    both = {("🎉", bytes(world.contact.account)), ("👎", bytes(world.own.account))}
    assert set(world.lines()[0].reactions) == both
    world.say(Reaction(text.id, ""), NOW + 4)
    assert world.lines()[0].reactions == [("🎉", world.contact.account)]


def test_an_edit_of_what_is_no_text_changes_nothing(world: World) -> None:
    timer = world.say(Timer(60))
    world.say(Edit(timer.id, "text"))
    assert world.texts() == ["60"]
    assert found(world, "text") == 0


# --- forgetting ------------------------------------------------------------------------------------------
def forget(world: World, entry: Entry) -> None:
    world.say(kinds.Forget(world.direct, entry.log, ((entry.seq, entry.seq),)), NOW, world.self_id)


def test_forgetting_takes_all_edits_along(world: World) -> None:
    log = world.log()
    text = log.write(Text("apples"), NOW)
    edits = [log.write(Edit(text.id, word), NOW + 1 + n) for n, word in enumerate(("pears", "plums", "quinces"))]
    world.take([text, *edits[:2]])
    world.say(Reaction(text.id, "👍"))
    answer = world.say(Text("an answer that has seen it"))
    forget(world, text)
    assert world.texts() == [None, "an answer that has seen it"]
    world.take(edits)
    for word in (b"apples", b"pears", b"plums", b"quinces"):
        assert word not in contents(world)
        assert found(world, word.decode()) == 0
    assert find_entry(world.c, answer.id) is not None


def test_an_edit_that_came_before_its_forgotten_text_goes_too(world: World) -> None:
    first, second = world.log(11), world.log(12)
    text = first.write(Text("apples"), NOW)
    world.take([second.write(Edit(text.id, "pears"), NOW + 1)])
    forget(world, text)
    world.take([text])
    assert b"pears" not in contents(world)
    assert b"apples" not in contents(world)
    assert is_forgotten(world.c, text.log, text.seq)
    assert not is_forgotten(world.c, text.log, text.seq + 1)


def test_forgetting_twice_and_overlapping_holds(world: World) -> None:
    entries = [world.say(Text(f"word{n}"), NOW + n) for n in range(6)]
    for ranges in (((2, 3),), ((2, 5),), ((1, 2),)):
        world.say(kinds.Forget(world.direct, entries[0].log, ranges), NOW, world.self_id)
    assert world.texts() == [None] * 5 + ["word5"]
    assert [is_forgotten(world.c, entries[0].log, seq) for seq in range(1, 7)] == [True] * 5 + [False]


def test_the_chain_still_verifies_after_forgetting(world: World) -> None:
    from onionchat.log.entry import parse_entry
    from onionchat.log.log import LogHead, judge_run
    from onionchat.store.reader import StoreReader

    entries = [world.say(Text(f"word{n}"), NOW + n) for n in range(6)]
    forget(world, entries[2])
    raws = StoreReader(world.c, world.own).read(world.direct, entries[0].log, 1, 6, 10**6)
    judged = judge_run(LogHead(entries[0].log), [parse_entry(raw) for raw in raws])
    assert [entry.id for entry in judged.accepted] == [entry.id for entry in entries]
    assert [entry.content is None for entry in judged.accepted] == [False, False, True, False, False, False]


# --- registers and read marks -------------------------------------------------------------------------------
def test_what_is_superseded_in_self_loses_its_body(world: World) -> None:
    for n in range(3):
        world.say(kinds.Setting("name", f"name{n}"), NOW + n, world.self_id)
    assert b"name2" in contents(world)
    assert b"name0" not in contents(world)
    assert b"name1" not in contents(world)


def test_a_timer_of_a_conversation_keeps_its_lines(world: World) -> None:
    world.say(Timer(60))
    world.say(Timer(120))
    assert world.texts() == ["60", "120"]


def test_a_read_mark_stays_for_other_devices_until_another_covers_it(world: World) -> None:
    def bodies() -> list[int]:
        rows = world.c.execute("SELECT seq FROM entry WHERE content IS NOT NULL ORDER BY seq")
        return [row[0] for row in rows]

    def read(**marks: int) -> None:
        pairs = tuple((name.encode() * 32, seq) for name, seq in marks.items())
        world.say(kinds.Read(world.direct, pairs), NOW, world.self_id)

    read(a=3)
    assert bodies() == [1]
    read(a=5)
    assert bodies() == [2]
    read(b=1)
    assert bodies() == [2, 3]  # neither covers the other
    read(a=9, b=9)
    assert bodies() == [2, 4]
    read(a=2)
    assert bodies() == [2, 4]
    marks = dict(world.c.execute("SELECT log, seq FROM read_mark").fetchall())
    assert marks == {b"a" * 32: 9, b"b" * 32: 9}


def test_read_marks_wait_for_their_logs(world: World) -> None:
    log = Log(world.contact.device, world.direct, 31)
    world.say(kinds.Read(world.direct, ((log.id, 2),)), NOW, world.self_id)
    world.gate.admit(world.c, log.admission())
    world.take([log.write(Text(str(n)), NOW + n) for n in range(3)])
    assert [line.unread for line in world.lines()] == [False, False, True]


def test_own_and_shown_text_of_odd_bodies(world: World) -> None:
    assert own_text(None) is None
    assert own_text(b"garbage") is None
    timer = world.say(Timer(60))
    n = find_entry(world.c, timer.id)
    assert n is not None
    assert shown_text(world.c, n) is None
    assert shown_text(world.c, 10**6) is None
    assert find_entry(world.c, bytes(32)) is None


# --- any order ---------------------------------------------------------------------------------------------
class Device:
    """Another device of our account, with a log in *self* of a world that only it knows."""

    def __init__(self, account: World, seed: int) -> None:
        person = Person(seed)
        self.world = World(own=Own(person.identity, account.own.account, {1: person.static}), seed=seed)
        self.person = person
        self.log: Log | None = None


KEYS = st.sampled_from([b"\1" * 32, b"\2" * 32])
BODIES: st.SearchStrategy[Callable[[], object]] = st.one_of(
    st.builds(lambda k, v: kinds.Setting(k.hex()[:4], v), KEYS, st.sampled_from("abc")),
    st.builds(lambda k, n: kinds.Contact(k, n, "", "active", NOW), KEYS, st.sampled_from(["Ann", "Bea", "Cleo"])),
    st.builds(lambda k, v: kinds.TrustSet(k, v), KEYS, st.sampled_from(["validated", "compromised"])),
    st.builds(lambda k, n: kinds.Read(b"\7" * 32, ((k, n),)), KEYS, st.integers(1, 5)),
    st.builds(lambda k, n: kinds.Forget(b"\7" * 32, k, ((1, n),)), KEYS, st.integers(1, 5)),
)


def state(world: World) -> tuple[object, ...]:
    """All that registers, marks and forgetting come to; not the bodies."""
    registers = world.c.execute("SELECT kind, key, value FROM register WHERE kind != 'read' ORDER BY kind, key")
    marks = world.c.execute("SELECT log, seq FROM read_mark ORDER BY log")
    gone = {(k, seq) for k in (b"\1" * 32, b"\2" * 32) for seq in range(8) if is_forgotten(world.c, k, seq)}
    return registers.fetchall(), marks.fetchall(), gone


def entries_of(body_lists: Sequence[Sequence[tuple[object, int]]], account: World) -> list[Log]:
    logs = []
    for n, bodies in enumerate(body_lists):
        log = Log(Person(200 + n).device, account.self_id, 300 + n)
        ms = NOW
        for body, step in bodies:
            ms += step
            log.write(body, ms)  # type: ignore[arg-type]
        logs.append(log)
    return logs


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.tuples(BODIES, st.integers(1, 3)), max_size=5), min_size=2, max_size=3),
    st.randoms(use_true_random=False),
)
def test_devices_come_to_the_same_state_in_any_order(
    body_lists: list[list[tuple[object, int]]],
    shuffled: "st.random.Random",  # type: ignore[name-defined]
) -> None:
    states = []
    for _ in range(2):
        world = World()
        logs = entries_of(body_lists, world)
        for log in logs:
            world.gate.admit(world.c, log.admission())
        waiting = [list(log.entries) for log in logs if log.entries]
        while waiting:
            which = shuffled.choice(waiting)
            count = shuffled.randint(1, len(which))
            world.take(which[:count], place=world.self_id)
            del which[:count]
            waiting = [rest for rest in waiting if rest]
        states.append(state(world))
        world.c.close()
    assert states[0] == states[1]


def test_a_copy_of_self_without_superseded_bodies_comes_to_the_same_state() -> None:
    """What another device of ours gets from us, tombstones and all, tells it all that holds."""
    first = World()
    for n in range(4):
        first.say(kinds.Setting("name", f"n{n}"), NOW + n, first.self_id)
        first.say(kinds.Read(b"\7" * 32, ((b"\1" * 32, n),)), NOW + n, first.self_id)
    from onionchat.log.entry import parse_entry
    from onionchat.store.reader import StoreReader

    reader = StoreReader(first.c, first.own)
    (log,) = reader.own_logs(first.self_id)
    raws = reader.read(first.self_id, log, 1, 100, 10**6)
    person = Person(200)
    second = World(own=Own(person.identity, first.own.account, {1: person.static}))
    source = Log(first.own.device, first.self_id, 1)
    source.certificate = reader.offer(first.self_id, log).certificate
    second.gate.admit(second.c, source.admission())
    second.take([parse_entry(raw) for raw in raws], place=second.self_id)
    assert state(second) == state(first)
