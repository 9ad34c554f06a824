"""Where removals end logs: the same state in whatever order entries and removals come."""

from itertools import permutations

import pytest

from onionchat.crypto.keys import SigningKey
from onionchat.identity.account import make_add, make_remove, statement_id
from onionchat.kinds import account as kinds
from onionchat.kinds.chat import Edit, Reaction, Retract, Text, Timer
from onionchat.log.entry import NO_ENTRY
from onionchat.store.cutting import complete_mark
from onionchat.store.own import get_meta
from onionchat.store.rows import find_log
from tests.store.stores import NOW, Log, Person, World

THIEF = Person(55)


def removal(genesis, account, signer: SigningKey, cuts, reason="stolen", complete=False):
    """The admission of the thief by a device, and its removal."""
    add = make_add(account, [statement_id(genesis)], THIEF.identity, signer)
    marks = [(complete_mark(account), 0, NO_ENTRY)] if complete else []
    return add, make_remove(account, [statement_id(add)], THIEF.device, reason, (), [*cuts, *marks], signer)


class Own(World):
    """A store of our account, to which the thief's device belongs, too."""

    def __init__(self) -> None:
        super().__init__()
        genesis = get_meta(self.c, "genesis")
        self.genesis, self.account = genesis, self.own.account
        self.add = make_add(self.account, [statement_id(genesis)], THIEF.identity, self.own.identity)
        card = kinds.Card(self.account, (genesis, self.add), ((THIEF.card, b"\x03" * 32),))
        self.say(card, place=self.self_id)

    def remove(self, *cuts, reason="stolen", complete=True) -> None:
        """The thief's device is out."""
        made = removal(self.genesis, self.account, self.own.identity, cuts, reason, complete)[1]
        self.say(kinds.Card(self.account, (made,), ()), NOW + 900, self.self_id)

    def thieves(self, place, seed=21) -> Log:
        log = Log(THIEF.device, place, seed)
        self.gate.admit(self.c, log.admission())
        return log

    def head(self, log: Log):
        row = find_log(self.c, log.id)
        assert row is not None
        return row.head


def cut(log: Log, seq: int):
    """After so many entries."""
    return (log.id, seq, log.entries[seq - 1].id if seq else NO_ENTRY)


def state(world: World):
    """All that a user could see, without the numbers of rows."""
    c = world.c
    lines = [(line.id, line.text, line.edited, sorted(line.reactions)) for line in world.lines()]
    registers = c.execute("SELECT kind, key, value FROM register WHERE kind != 'read' ORDER BY kind, key").fetchall()
    marks = c.execute("SELECT target, mark, account, value FROM mark ORDER BY target, mark").fetchall()
    heads = c.execute("SELECT id, seq, head, cut_seq, cut_id FROM log WHERE seed IS NULL ORDER BY id").fetchall()
    reads = c.execute("SELECT id, read_seq FROM log WHERE seed IS NULL ORDER BY id").fetchall()
    gone = c.execute("SELECT log, first, last FROM forgotten ORDER BY log, first").fetchall()
    words = c.execute("SELECT count(*) FROM words WHERE words MATCH 'forged OR thief'").fetchone()
    return lines, registers, marks, heads, reads, gone, words


def test_what_is_past_the_cut_goes_and_no_more_is_taken():
    world = Own()
    log = world.thieves(world.direct)
    kept, first, second = (log.write(Text(text), NOW + n) for n, text in enumerate(["kept", "thief 1", "thief 2"]))
    world.take([kept, first])
    world.remove(cut(log, 1))
    assert world.texts() == ["kept"] and (world.head(log).seq, world.head(log).id) == (1, kept.id)
    world.take([kept, first, second])
    assert world.texts() == ["kept"]
    assert b"thief" not in b"".join(
        row[0] for row in world.c.execute("SELECT content FROM entry WHERE content NOT NULL")
    )


@pytest.mark.parametrize("order", list(permutations(["entries", "removal", "marks"])))
def test_the_order_does_not_matter(order):
    world = Own()
    ours = world.say(Text("mine"), NOW)
    theirs = world.log(31)
    hello, again = theirs.write(Text("hello"), NOW + 1), theirs.write(Text("again"), NOW + 2)
    world.take([hello, again])
    log = world.thieves(world.direct)
    kept = log.write(Text("kept"), NOW + 3)
    edited = log.write(Edit(kept.id, "kept too"), NOW + 4)
    liked = log.write(Reaction(hello.id, "👍"), NOW + 5)
    forged = [
        log.write(Edit(ours.id, "forged"), NOW + 6),
        log.write(Edit(kept.id, "forged"), NOW + 7),
        log.write(Reaction(hello.id, "💩"), NOW + 8),
        log.write(Retract(kept.id), NOW + 9),
        log.write(Timer(60), NOW + 10),
        log.write(Text("thief"), NOW + 11),
    ]
    steps = {
        "entries": lambda: world.take([kept, edited, liked]),
        "marks": lambda: world.take([kept, edited, liked, *forged]),
        "removal": lambda: world.remove(cut(log, 3)),
    }
    for step in order:
        steps[step]()
    world.take([kept, edited, liked])  # bodies that are asked for come again from whoever has them
    lines, registers, marks, heads, _, _, words = state(world)
    assert [text for _, text, _, _ in lines] == ["mine", "hello", "again", "kept too"]
    assert [reactions for _, text, _, reactions in lines if text == "hello"] == [[("👍", world.own.account)]]
    assert not any(kind == "timer" for kind, _, _ in registers)
    assert words == (0,) and (log.id, 3, liked.id, 3, liked.id) in [tuple(map(_plain, row)) for row in heads]
    assert len(marks) == 2


def _plain(value):
    return bytes(value) if isinstance(value, bytes) else value


@pytest.mark.parametrize("removed_first", [False, True])
def test_state_of_self_is_what_stands(removed_first):
    """Trust, names, read marks and deletions after the cut are as if they had not been."""
    world = Own()
    bob = world.contact.account
    theirs = world.log(31)
    world.take([theirs.write(Text(f"m{n}"), NOW + n) for n in range(4)])
    mine = [
        world.say(kinds.Contact(bob, "Bob", "Bobby", "active", NOW), NOW + 10, world.self_id),
        world.say(kinds.TrustSet(bob, "validated"), NOW + 11, world.self_id),
        world.say(kinds.Read(world.direct, ((theirs.id, 2),)), NOW + 12, world.self_id),
        world.say(kinds.Forget(world.direct, theirs.id, ((1, 1),)), NOW + 13, world.self_id),
    ]
    log = world.thieves(world.self_id)
    kept = log.write(kinds.Setting("name", "Alice"), NOW + 14)
    bad = [
        log.write(kinds.TrustSet(bob, "compromised"), NOW + 20),
        log.write(kinds.Contact(bob, "Mallory", "", "blocked", NOW), NOW + 21),
        log.write(kinds.Contact(bytes(32), "Accomplice", "", "active", NOW), NOW + 22),
        log.write(kinds.Read(world.direct, ((theirs.id, 4),)), NOW + 23),
        log.write(kinds.Forget(world.direct, theirs.id, ((1, 3),)), NOW + 24),
        log.write(kinds.Restore((mine[3].id,)), NOW + 25),
        log.write(kinds.Setting("name", "Mallory"), NOW + 26),
    ]
    if removed_first:
        world.remove(cut(log, 1))
    world.take([kept, *bad], place=world.self_id)
    if not removed_first:
        world.remove(cut(log, 1))
        # the removing device had none of it, and so has every body that this wiped here
        own = find_log(world.c, mine[0].log)
        world.c.execute("UPDATE log SET seed = NULL WHERE n = ?", (own.n,))
        world.take(mine, place=world.self_id)
        world.take([kept], place=world.self_id)
        world.take(theirs.entries)
        world.c.execute("UPDATE log SET seed = x'00' WHERE n = ?", (own.n,))
    lines, registers, _, _, reads, gone, _ = state(world)
    values = {(kind, bytes(key)): bytes(value) for kind, key, value in registers}
    assert b"Bob" in values["contact", bob] and b"validated" in values["trust", bob]
    assert ("contact", bytes(32)) not in values and b"Alice" in values["setting", b"name"]
    assert [text for _, text, _, _ in lines] == [None, "m1", "m2", "m3"]
    assert [tuple(map(_plain, row)) for row in gone] == [(theirs.id, 1, 1)]
    assert {bytes(log): seq for log, seq in reads}[theirs.id] == 2


def test_a_log_that_no_cut_names_ends_before_it_begins_where_all_cuts_are_known():
    world = Own()
    log = world.thieves(world.direct)
    world.take([log.write(Text("thief"), NOW)])
    world.remove(complete=False)  # a copy without its cuts, as contacts have it
    assert world.texts() == ["thief"]
    world.take([log.write(Text("thief too"), NOW + 1)])
    assert world.texts() == ["thief"]
    world.remove()
    assert world.texts() == [] and world.head(log).seq == 0
    later = world.thieves(world.direct, 77)
    assert later.write(Text("thief again"), NOW) and world.take(later.entries).stored == []


def test_a_retired_device_is_not_cut_off():
    world = Own()
    log = world.thieves(world.direct)
    world.remove(reason="retired", complete=False)
    world.take([log.write(Text("written before, came late"), NOW)])
    assert world.texts() == ["written before, came late"]


def test_another_branch_than_that_of_the_cut_does_not_count():
    world = Own()
    log = world.thieves(world.direct)
    world.take([log.write(Text("both"), NOW), log.write(Text("thief's branch"), NOW + 1)])
    other = Log(THIEF.device, world.direct, 21)
    other.entries = log.entries[:1]
    right = other.write(Text("what the others have"), NOW + 2)
    world.remove((log.id, 2, right.id))
    assert world.texts() == ["both"] and world.head(log).seq == 1
    world.take([right])
    assert world.texts() == ["both", "what the others have"]


def test_a_cut_below_what_a_new_device_has_begun_with():
    world = Own()
    log = world.thieves(world.direct)
    entries = [log.write(Text(f"t{n}"), NOW + n) for n in range(6)]
    world.gate.prepend(world.c, world.direct, entries[3:], NOW)
    world.remove(cut(log, 2))
    assert world.texts() == [] and (world.head(log).seq, world.head(log).floor_seq) == (2, 2)
    world.gate.prepend(world.c, world.direct, entries[:2], NOW)
    assert world.texts() == ["t0", "t1"]


def test_a_device_that_is_out_itself_drops_nothing():
    world = Own()
    log = world.thieves(world.direct)
    world.take([log.write(Text("a"), NOW), log.write(Text("b"), NOW + 1)])
    out = make_remove(
        world.account, [statement_id(world.add)], world.own.device, "stolen", (), [cut(log, 0)], THIEF.identity
    )
    world.say(kinds.Card(world.account, (out,), ()), NOW + 2, world.self_id)
    world.remove(cut(log, 1))
    assert world.texts() == ["a", "b"]
    world.take([log.write(Text("c"), NOW + 3)])
    assert world.texts() == ["a", "b"]
