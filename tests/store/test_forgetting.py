"""Taking back what was forgotten: bodies are wanted again, whichever came first."""

import pytest

from onionchat.kinds import account as kinds
from onionchat.kinds.chat import Edit, Text
from onionchat.store.changes import is_forgotten
from tests.store.stores import NOW, Log, World


def test_a_deletion_that_is_taken_back_lets_the_bodies_come_again():
    world = World()
    log = world.log()
    entries = [log.write(Text(f"t{n}"), NOW + n) for n in range(4)]
    entries.append(log.write(Edit(entries[1].id, "t1 better"), NOW + 9))
    world.take(entries)
    forget = world.say(kinds.Forget(world.direct, log.id, ((1, 3),)), NOW, world.self_id)
    other = world.say(kinds.Forget(world.direct, log.id, ((3, 3),)), NOW, world.self_id)
    assert world.texts() == [None, None, None, "t3"]
    restored = world.gate.append_own(world.c, world.self_id, kinds.Restore((forget.id,)), NOW)
    assert restored.effects.wanted == {world.direct}
    assert [is_forgotten(world.c, log.id, seq) for seq in (1, 2, 3, 4)] == [False, False, True, False]
    world.take(entries)
    assert world.texts() == ["t0", "t1 better", None, "t3"]
    assert world.row("SELECT count(*) FROM words WHERE words MATCH 'better'") == (1,)
    world.say(kinds.Restore((other.id,)), NOW, world.self_id)
    world.take(entries)
    assert world.texts() == ["t0", "t1 better", "t2", "t3"]


@pytest.mark.parametrize("restore_first", [True, False])
def test_the_order_does_not_matter(restore_first):
    """The deletion is of another device of ours, whose entry may come after the one that takes it back."""
    world = World()
    theirs, log = world.log(31), world.log(5)
    world.take([theirs.write(Text("hello"), NOW)])
    by = Log(world.contact.device, world.self_id, 8)
    forget = by.write(kinds.Forget(world.direct, theirs.id, ((1, 1),)), NOW + 1)
    world.gate.admit(world.c, by.admission())
    steps = [
        lambda: world.say(kinds.Restore((forget.id, bytes(32))), NOW, world.self_id),
        lambda: world.take([forget], place=world.self_id),
    ]
    for step in steps if restore_first else reversed(steps):
        step()
    world.take(theirs.entries)
    assert world.texts() == ["hello"] and not is_forgotten(world.c, theirs.id, 1)
    assert log.entries == []
