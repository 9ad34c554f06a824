"""Which messages are chosen to be forgotten: few ranges, the timer's entry apart, never more than was meant."""

from onionchat.api.choosing import chosen_before, chosen_lines, lines_after, lines_between
from onionchat.store import messages as pages
from onionchat.store.rows import find_conversation


def place(actor, name="Bob"):
    c = actor.node.store.reads
    return c, find_conversation(c, actor.node.book.find(name).conversation)


def talk(world, friends, count=6):
    alice, bob = friends
    for n in range(count):
        (alice, bob)[n % 2].send(("Bob", "Alice")[n % 2], str(n))
        world.pass_time(10)
    return alice, bob


def test_all_is_one_range_a_log(world, friends):
    alice, _ = talk(world, friends)
    c, row = place(alice)
    found = chosen_before(c, row, None)
    assert found.count == 6 and [body.ranges for body in found.bodies] == [((1, 3),), ((1, 3),)]
    assert [line.text for line in found.unsent] == ["0", "2", "4"]


def test_before_a_time_ends_between_two_messages(world, friends):
    alice, _ = talk(world, friends)
    c, row = place(alice)
    middle = alice.log("Bob")[3].time
    assert sorted(body.ranges for body in chosen_before(c, row, middle).bodies) == [((1, 1),), ((1, 2),)]
    assert chosen_before(c, row, 0).bodies == []


def test_the_entry_that_holds_the_timer_stays(world, friends):
    alice, _ = talk(world, friends)
    alice.do("conversation.timer", name="Bob", seconds=60)
    alice.do("conversation.timer", name="Bob", seconds=3600)
    alice.send("Bob", "after")
    c, row = place(alice)
    ranges = [body.ranges for body in chosen_before(c, row, None).bodies]
    assert ((1, 4), (6, 6)) in ranges and len(ranges) == 2


def test_lines_and_their_runs(world, friends):
    alice, _ = talk(world, friends)
    c, row = place(alice)
    lines = pages.page(c, row, 50)
    found = chosen_lines(c, row, [lines[0], lines[2], lines[3]])
    assert found.count == 3 and sorted(body.ranges for body in found.bodies) == [((1, 2),), ((2, 2),)]
    between = lines_between(c, row, lines[1].n, lines[4].n)
    assert [line.text for line in between] == ["1", "2", "3", "4"]
    assert [line.text for line in lines_after(c, row, lines[4].ms, None)] == ["4", "5"]
    assert [line.text for line in lines_after(c, row, lines[1].ms, lines[3].ms)] == ["1", "2"]
