"""What a contact writes is counted, by day and in all; what we write is not."""

from onionchat.kinds.chat import Text
from onionchat.store import quota
from tests.store.stores import NOW, World


def conversation(world: World) -> int:
    return int(world.row("SELECT n FROM conversation WHERE id = ?", world.direct)[0])


def test_entries_of_a_contact_cost_their_content_and_what_storing_them_takes():
    world = World()
    log = world.log()
    world.take([log.write(Text("x" * 1000), NOW)])
    used = quota.used_in_all(world.c, conversation(world))
    assert used >= 1000 + quota.ENTRY_COST_BYTES
    assert quota.used_today(world.c, conversation(world), NOW) == used


def test_entries_of_ours_are_free():
    world = World()
    world.say(Text("x" * 1000))
    assert quota.used_in_all(world.c, conversation(world)) == 0
    assert quota.used_today(world.c, conversation(world), NOW) == 0


def test_receiving_twice_costs_once():
    world = World()
    log = world.log()
    entry = log.write(Text("once"), NOW)
    world.take([entry])
    used = quota.used_in_all(world.c, conversation(world))
    world.take([entry])
    assert quota.used_in_all(world.c, conversation(world)) == used


def test_a_day_begins_at_midnight_and_the_total_goes_on():
    world = World()
    log = world.log()
    world.take([log.write(Text("today"), NOW)], NOW)
    first = quota.used_today(world.c, conversation(world), NOW)
    tomorrow = NOW + quota.DAY_MS
    assert first > 0
    assert quota.used_today(world.c, conversation(world), tomorrow) == 0
    world.take([log.write(Text("tomorrow"), tomorrow)], tomorrow)
    assert quota.used_today(world.c, conversation(world), tomorrow) > 0
    in_all = quota.used_in_all(world.c, conversation(world))
    assert in_all == first + quota.used_today(world.c, conversation(world), tomorrow)


def test_empty_entries_are_not_free_either():
    """Else a contact could fill the disk with reactions of a few bytes."""
    world = World()
    log = world.log()
    world.take([log.raw("unknown.kind", b"", NOW + i) for i in range(10)])
    assert quota.used_in_all(world.c, conversation(world)) >= 10 * quota.ENTRY_COST_BYTES
