"""Pages, search, counts: what the screen asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.errors import LocalError
from onionchat.kinds.account import Read
from onionchat.kinds.chat import Text
from onionchat.kinds.fold import Place
from onionchat.log.entry import direct_id
from onionchat.store import messages
from onionchat.store.reader import StoreReader
from onionchat.store.rows import find_conversation
from tests.store.stores import NOW, Log, Person, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def busy() -> World:
    """Ten messages of both sides, in turn: their texts are 0 to 9."""
    world = World()
    log = world.log()
    for n in range(10):
        if n % 2:
            world.take([log.write(Text(f"w{n}"), NOW + n)])
        else:
            world.say(Text(f"w{n}"), NOW + n)
    return world


def words(world: World, **where: object) -> str:
    return " ".join(line.text or "-" for line in world.lines(**where))  # type: ignore[arg-type]


# --- pages ---------------------------------------------------------------------------------------------
def test_the_last_lines_in_the_order_of_the_screen(busy: World) -> None:
    assert words(busy, limit=3) == "w7 w8 w9"
    assert [line.mine for line in busy.lines(3)] == [False, True, False]


def test_pages_before_and_after_a_line_meet(busy: World) -> None:
    lines = busy.lines()
    assert words(busy, limit=3, before=lines[5].id) == "w2 w3 w4"
    assert words(busy, limit=3, after=lines[5].id) == "w6 w7 w8"
    assert words(busy, limit=3, after=lines[9].id) == ""
    assert words(busy, limit=3, before=lines[0].id) == ""


def test_a_cursor_misses_nothing_that_came_late(busy: World) -> None:
    cursor = busy.lines()[-1].n
    late = busy.log(77)
    busy.take([late.write(Text("late"), NOW - 1000)])
    assert words(busy, since=cursor) == "late"
    assert words(busy, limit=1) == "w9"
    assert words(busy, limit=2, since=0) == "w0 w1"


def test_a_line_in_its_surroundings(busy: World) -> None:
    row = find_conversation(busy.c, busy.direct)
    assert row is not None
    lines = busy.lines()
    assert [line.text for line in messages.around(busy.c, row, lines[4].id, 5)] == ["w2", "w3", "w4", "w5", "w6"]
    assert [line.text for line in messages.around(busy.c, row, lines[0].id, 5)] == ["w0", "w1", "w2", "w3", "w4"]


def test_unknown_ids_are_refused_or_left_out(busy: World) -> None:
    row = find_conversation(busy.c, busy.direct)
    assert row is not None
    note = busy.say(Text("a note"), place=busy.self_id)
    for unknown in (bytes(32), note.id):
        with pytest.raises(LocalError, match="no such message"):
            busy.lines(before=unknown)
        assert messages.by_ids(busy.c, row, [unknown]) == []
    assert [line.text for line in messages.by_numbers(busy.c, [3, 10**9, 1])] == ["w2", "w0"]


def test_an_answer_and_what_is_missing_before(world: World) -> None:
    log = world.log()
    first = world.say(Text("question"))
    answer = log.write(Text("answer", first.id), NOW + 1, seen=(first.id,))
    lost = log.write(Text("and more"), NOW + 2, seen=(b"\x09" * 32,))
    world.take([answer, lost])
    lines = world.lines()
    assert (lines[1].reply_to, lines[1].missing_before, lines[2].missing_before) == (first.id, False, True)


def test_order_of_equal_times_is_the_same_everywhere() -> None:
    logs = []
    for order in ((5, 6, 7), (7, 5, 6), (6, 7, 5)):
        world = World()
        for seed in order:
            log = world.log(seed)
            world.take([log.write(Text(f"s{seed}"), NOW)])
        logs.append(world.texts())
    assert logs[0] == logs[1] == logs[2]


# --- search --------------------------------------------------------------------------------------------
def find(world: World, query: str, here: bool = False) -> list[str | None]:
    row = find_conversation(world.c, world.direct) if here else None
    return [line.text for line in messages.search(world.c, query, row, 50)]


def test_search_finds_words_phrases_beginnings(world: World) -> None:
    for n, text in enumerate(("red apples", "green apples and pears", "Äpfel", "ampersand & co")):
        world.say(Text(text), NOW + n)
    world.say(Text("apples in a note"), NOW + 9, world.self_id)
    assert find(world, "apples", here=True) == ["green apples and pears", "red apples"]
    assert len(find(world, "apples")) == 3
    assert find(world, '"red apples"') == ["red apples"]
    assert find(world, "apples green") == ["green apples and pears"]
    assert find(world, "pea*") == ["green apples and pears"]
    assert find(world, "apfel") == ["Äpfel"]
    assert find(world, "nothing") == []


@pytest.mark.parametrize("one_by_one, newest", [(200, 5000), (0, 5000), (0, 3), (3, 1)])
def test_a_search_in_one_conversation_finds_the_same_by_every_way(
    world: World, monkeypatch: pytest.MonkeyPatch, one_by_one: int, newest: int
) -> None:
    """Which way is quick hangs on how much there is here and elsewhere; what is found does not."""
    monkeypatch.setattr(messages, "SEARCH_ONE_BY_ONE_MAX", one_by_one)
    monkeypatch.setattr(messages, "SEARCH_NEWEST", newest)
    for n in range(12):
        world.say(Text(f"tea number{n}"), NOW + 2 * n, world.direct if n % 3 == 0 else world.self_id)
    world.say(Text("tea at last"), NOW + 100, world.self_id)
    assert find(world, "tea", here=True) == [f"tea number{n}" for n in (9, 6, 3, 0)]
    assert find(world, "number3", here=True) == ["tea number3"]
    assert find(world, "num* tea", here=True) == [f"tea number{n}" for n in (9, 6, 3, 0)]
    assert find(world, "number1 tea", here=True) == find(world, "last", here=True) == []
    row = find_conversation(world.c, world.direct)
    assert [line.text for line in messages.search(world.c, "tea", row, 2)] == ["tea number9", "tea number6"]


@given(st.text(max_size=30))
def test_any_query_is_answered_or_refused_in_words(query: str) -> None:
    world = _SHARED
    try:
        assert isinstance(find(world, query), list)
    except LocalError as error:
        assert "word" in str(error)


_SHARED = World()
_SHARED.say(Text("NEAR AND OR NOT text: {a} ^b * + -c"))


def test_operators_of_the_index_are_only_words() -> None:
    assert find(_SHARED, "NOT AND") == ["NEAR AND OR NOT text: {a} ^b * + -c"]
    assert messages.match_expression('a "b c" d*') == '"a" "b c" "d"*'


@pytest.mark.parametrize("query", ["", "  ", '"', '""', "*", '"*'])
def test_an_empty_search_is_refused(query: str) -> None:
    with pytest.raises(LocalError, match="at least one word"):
        messages.match_expression(query)


# --- counts --------------------------------------------------------------------------------------------
def test_unread_is_what_others_wrote_above_the_marks(busy: World) -> None:
    row = find_conversation(busy.c, busy.direct)
    assert row is not None
    assert messages.unread_count(busy.c, row.n) == 5
    (theirs,) = {line.log for line in busy.lines() if not line.mine}
    (log_id,) = busy.row("SELECT id FROM log WHERE n = ?", theirs)
    busy.say(Read(busy.direct, ((log_id, 3),)), NOW, busy.self_id)
    assert messages.unread_count(busy.c, row.n) == 2
    assert [line.text for line in busy.lines() if line.unread] == ["w7", "w9"]
    busy.say(Read(busy.direct, ((log_id, 1),)), NOW, busy.self_id)
    assert messages.unread_count(busy.c, row.n) == 2


def test_what_waits_is_what_no_device_of_the_contact_has(busy: World) -> None:
    assert messages.queued_after(busy.c, busy.own.account, lambda log: 0) == 5
    device = bytes(busy.contact.device)
    assert messages.queued_after(busy.c, busy.own.account, lambda log: 3) == 2
    row = find_conversation(busy.c, busy.direct)
    assert row is not None
    assert messages.waiting_for(busy.c, busy.own.account, row.n, device, lambda log: {device: 1}) == 4
    assert messages.waiting_for(busy.c, busy.own.account, row.n, b"other", lambda log: {device: 1}) == 5


def test_what_is_still_to_come_is_counted_without_a_look_at_what_is_here(world: World) -> None:
    log = world.log()
    entries = [log.write(Text(str(n)), NOW + n) for n in range(3000)]
    for first in range(2700, 0, -300):
        world.gate.prepend(world.c, world.direct, entries[first : first + 300], NOW)
    steps: list[int] = []
    world.c.set_progress_handler(lambda: steps.append(1), 10)
    left = messages.history_left(world.c, NOW)
    unfinished = StoreReader(world.c, world.own).unfinished()
    world.c.set_progress_handler(None, 0)
    assert left == 300 and unfinished == frozenset()
    assert len(steps) < 30
    assert messages.history_left(world.c, NOW + 301) == 0


def test_notes_to_oneself_wait_for_nobody(world: World) -> None:
    world.say(Text("a note"), place=world.self_id)
    assert messages.queued_after(world.c, world.own.account, lambda log: 0) == 0


def test_a_line_belongs_to_its_conversation(world: World) -> None:
    other = Person(61)
    place = direct_id(world.own.account, other.account)
    world.gate.open_conversation(world.c, place, Place.DIRECT, other.account)
    log = Log(other.device, place, 62)
    world.gate.admit(world.c, log.admission())
    entry = log.write(Text("elsewhere"), NOW)
    world.take([entry], place=place)
    assert world.texts() == []
    row = find_conversation(world.c, world.direct)
    assert row is not None
    assert messages.by_ids(world.c, row, [entry.id]) == []
