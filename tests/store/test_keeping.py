"""How judged entries are stored: their place on the screen, marks that came early, bodies that came late."""

from onionchat.kinds.chat import Edit, Retract, Text
from onionchat.store.messages import search
from onionchat.store.rows import Flag
from tests.store.stores import NOW, World


def test_the_order_of_the_screen_is_by_time_not_by_arrival():
    world = World()
    log = world.log()
    early, late = log.write(Text("first"), NOW - 5000), log.write(Text("third"), NOW + 5000)
    world.say(Text("second"), NOW)
    world.take([early, late], NOW + 6000)
    assert world.texts() == ["first", "second", "third"]


def test_what_comes_when_newer_ones_were_shown_is_marked_late():
    world = World()
    log = world.log()
    world.say(Text("mine"), NOW)
    world.take([log.write(Text("before"), NOW - 1000), log.write(Text("after"), NOW + 1000)], NOW + 2000)
    flags = {line.text: line.flags for line in world.lines()}
    assert flags["before"] & Flag.LATE
    assert not flags["after"] & Flag.LATE


def test_a_time_far_ahead_is_marked_and_does_not_move_our_clock():
    world = World()
    log = world.log()
    world.take([log.write(Text("from the future"), NOW + 86_400_000)], NOW)
    mine = world.say(Text("now"), NOW + 1)
    assert world.lines()[-1].flags & Flag.FUTURE
    assert mine.header.ms == NOW + 1


def test_an_edit_that_came_before_its_message_is_shown_and_indexed_at_once():
    """Meaning never waits: two logs of one author may come in any order."""
    world = World()
    first, second = world.log(5), world.log(6)
    message = first.write(Text("wrong"), NOW)
    world.take([second.write(Edit(message.id, "right"), NOW + 1)], NOW + 2)
    world.take([message], NOW + 3)
    assert world.texts() == ["right"]
    assert [line.text for line in search(world.c, "right", None, 10)] == ["right"]
    assert search(world.c, "wrong", None, 10) == []


def test_a_retraction_that_came_before_its_message_wipes_it_on_arrival():
    world = World()
    first, second = world.log(5), world.log(6)
    message = first.write(Text("never mind"), NOW)
    world.take([second.write(Retract(message.id), NOW + 1)], NOW + 2)
    world.take([message], NOW + 3)
    assert world.texts() == [None]
    assert search(world.c, "never", None, 10) == []
    assert world.row("SELECT content FROM entry WHERE seq = 1 AND log = 1") == (None,)


def test_somebody_else_cannot_edit_or_take_back_what_we_wrote():
    world = World()
    log = world.log()
    mine = world.say(Text("mine"))
    world.take([log.write(Edit(mine.id, "forged"), NOW + 1), log.write(Retract(mine.id), NOW + 2)], NOW + 3)
    assert world.texts() == ["mine"]


def test_a_body_that_came_after_its_tombstone_is_shown_and_found():
    world = World()
    log = world.log()
    entry = log.write(Text("came later"), NOW)
    world.take([entry.tombstone()])
    assert world.texts() == []
    world.take([entry])
    assert world.texts() == ["came later"]
    assert len(search(world.c, "later", None, 10)) == 1


def test_numbers_go_on_after_a_notice():
    """Notices take numbers of the same table; an entry after one must not collide with it."""
    world = World()
    world.say(Text("one"), NOW)
    world.gate.notice(world.c, world.direct, "said by the program", NOW + 1)
    world.say(Text("two"), NOW + 2)
    assert sorted(world.texts()) == ["one", "said by the program", "two"]
    numbers = [line.n for line in world.lines()]
    assert len(set(numbers)) == 3
