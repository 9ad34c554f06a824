"""What sessions read: only what is there, in order, within sizes."""

import pytest

from onionchat import limits
from onionchat.crypto.keys import ExchangeKey
from onionchat.ids import ConversationId, DeviceId, LogId
from onionchat.kinds.account import Forget
from onionchat.kinds.chat import Text
from onionchat.kinds.fold import Place
from onionchat.log.certificate import Belief, make_box
from onionchat.log.entry import parse_entry
from onionchat.store.own import HistoryWish
from onionchat.store.reader import StoreReader
from tests.store.stores import NOW, Log, Person, World, seeded

NOWHERE = ConversationId(b"\0" * 32)


@pytest.fixture
def world() -> World:
    return World()


OTHER = DeviceId(b"o" * 32)


def reader(world: World) -> StoreReader:
    return StoreReader(world.c, world.own)


def test_heads_and_own_logs(world: World) -> None:
    ours, log = world.say(Text("a")), world.log()
    heads = {head.log: head.seq for head in reader(world).heads(world.direct)}
    assert heads == {ours.log: 1, log.id: 0}
    assert reader(world).own_logs(world.direct) == [ours.log]
    assert reader(world).heads(NOWHERE) == []
    assert reader(world).own_logs(NOWHERE) == []


def test_entries_are_read_as_they_were_taken(world: World) -> None:
    log = world.log()
    entries = [log.write(Text("x" * 100), NOW + n) for n in range(10)]
    world.take(entries)
    raws = reader(world).read(world.direct, log.id, 3, 8, 10**6)
    assert raws == [entry.raw for entry in entries[2:8]]
    assert reader(world).id_at(world.direct, log.id, 4) == entries[3].id


def test_a_batch_stays_below_its_size(world: World) -> None:
    log = world.log()
    entries = [log.write(Text("x" * 100), NOW + n) for n in range(10)]
    world.take(entries)
    for size in (0, 10, 300, 1000, 2000):
        raws = reader(world).read(world.direct, log.id, 1, 10, size)
        assert sum(map(len, raws)) <= size
    assert reader(world).read(world.direct, log.id, 1, 10, 10) == []


def test_what_is_not_there_is_nothing(world: World) -> None:
    log = world.log()
    assert reader(world).read(world.direct, log.id, 1, 5, 10**6) == []
    assert reader(world).id_at(world.direct, log.id, 1) is None
    assert reader(world).read(world.direct, LogId(bytes(32)), 1, 5, 10**6) == []
    assert reader(world).known_log(LogId(bytes(32))) is None
    assert reader(world).log_device(LogId(bytes(32))) is None
    assert reader(world).branches(world.direct, log.id) == []


def test_a_read_never_jumps_a_gap(world: World) -> None:
    log = world.log()
    entries = [log.write(Text(str(n)), NOW + n) for n in range(6)]
    world.gate.prepend(world.c, world.direct, entries[3:], NOW)
    assert reader(world).read(world.direct, log.id, 2, 6, 10**6) == []
    assert len(reader(world).read(world.direct, log.id, 4, 6, 10**6)) == 3


def test_only_tombstones_that_would_take_a_body_are_told(world: World) -> None:
    log = world.log()
    entries = [log.write(Text(str(n)), NOW + n) for n in range(8)]
    world.take([e.tombstone() if n in (1, 2, 5) else e for n, e in enumerate(entries)])
    assert reader(world).tombstoned(world.direct, log.id, 1) == [(2, 3), (6, 6)]
    assert reader(world).tombstoned(world.direct, log.id, 3) == [(3, 3), (6, 6)]
    world.say(Forget(world.direct, log.id, ((3, 8),)), NOW, world.self_id)
    assert reader(world).tombstoned(world.direct, log.id, 1) == [(2, 2)]


def test_what_positions_do_not_show_is_told(world: World) -> None:
    log = world.log()
    entries = [log.write(Text(str(n)), NOW + n) for n in range(3)]
    world.take([entries[0], entries[1].tombstone(), entries[2]])
    assert reader(world).unfinished() == {world.direct}
    world.say(Forget(world.direct, log.id, ((2, 2),)), NOW, world.self_id)
    assert reader(world).unfinished() == frozenset()


def test_history_from_before_linking_is_unfinished_until_it_is_older_than_wanted(world: World) -> None:
    log = world.log()
    older = [log.write(Text(str(n)), NOW + n) for n in range(8)]
    world.gate.prepend(world.c, world.direct, older[4:], NOW)
    assert reader(world).unfinished() == frozenset()
    world.own.history = HistoryWish(NOW + 4, NOW)
    assert reader(world).unfinished() == {world.direct}
    world.own.history = HistoryWish(NOW + 5, NOW)
    assert reader(world).unfinished() == frozenset()


def test_heads_of_all_are_those_of_each(world: World) -> None:
    log = world.log()
    world.take([log.write(Text("a"), NOW)])
    found = reader(world)
    assert found.heads_of_all() == {name: found.heads(name) for name in found.conversations()}
    assert world.direct in found.heads_of_all() and world.self_id in found.heads_of_all()


def test_so_many_ranges_at_most(world: World) -> None:
    log = world.log()
    count = 2 * limits.RANGES_MAX + 20
    entries = [log.write(Text("x"), NOW + n) for n in range(count)]
    world.take([e.tombstone() if n % 2 else e for n, e in enumerate(entries)])
    ranges = reader(world).tombstoned(world.direct, log.id, 1)
    assert len(ranges) == limits.RANGES_MAX
    assert ranges[0] == (2, 2)


def test_an_offer_tells_boxes_and_whether_we_vouch(world: World) -> None:
    ours = world.say(Text("a"))
    offer = reader(world).offer(world.direct, ours.log)
    assert offer.vouched
    assert {box.to for box in offer.boxes} == {world.contact.device, world.own.device}
    other = Log(world.contact.device, world.direct, 9)
    world.gate.admit(world.c, other.admission(Belief.PROVISIONAL))
    assert not reader(world).offer(world.direct, other.id).vouched


def test_archives_are_nobody_s_conversations(world: World) -> None:
    world.gate.open_conversation(world.c, ConversationId(b"\5" * 32), Place.ARCHIVE, b"")
    assert set(reader(world).conversations()) == {world.self_id, world.direct}


def test_members_are_ours_and_the_contact_s(world: World) -> None:
    read, stranger = reader(world), Person(50)
    assert read.member_account(world.direct, world.own.device) == world.own.account
    assert read.member_account(world.direct, world.contact.device) == world.contact.account
    assert read.member_account(world.self_id, world.contact.device) is None
    assert read.member_account(world.direct, stranger.device) is None
    assert read.member_account(NOWHERE, world.contact.device) is None


def test_a_known_log_is_told_with_its_belief(world: World) -> None:
    log = world.log()
    known = reader(world).known_log(log.id)
    assert known is not None
    assert (known.conversation, known.device, known.belief) == (world.direct, world.contact.device, Belief.DIRECT)
    assert reader(world).log_device(log.id) == world.contact.device


def test_only_a_box_made_for_us_opens(world: World) -> None:
    log, them, us = world.log(), world.contact, world.own
    box = make_box(log.certificate, them.static, 1, us.device, us.static.public, 1, seeded())
    assert reader(world).box_opens(them.device, log.certificate, box)
    assert not reader(world).box_opens(them.device, log.certificate[::-1], box)
    assert not reader(world).box_opens(Person(50).device, log.certificate, box)
    import msgspec

    for change in ({"to": them.device}, {"to_serial": 2}, {"from_serial": 2}, {"box": bytes(len(box.box))}):
        assert not reader(world).box_opens(them.device, log.certificate, msgspec.structs.replace(box, **change))


def test_a_box_of_a_serial_that_never_came_opens_with_a_key_that_is_known(world: World) -> None:
    """They have moved and we have an old disk, or we have: the static keys are the same, the serials are not."""
    log, them, us = world.log(), world.contact, world.own
    for theirs, ours in ((7, 1), (1, 7), (7, 7)):
        box = make_box(log.certificate, them.static, theirs, us.device, us.static.public, ours, seeded())
        assert reader(world).box_opens(them.device, log.certificate, box)
    for made_by, made_for in ((ExchangeKey(b"\x11" * 32), us.static), (them.static, ExchangeKey(b"\x11" * 32))):
        box = make_box(log.certificate, made_by, 7, us.device, made_for.public, 7, seeded())
        assert not reader(world).box_opens(them.device, log.certificate, box)


def test_evidence_is_told(world: World) -> None:
    log = world.log()
    world.take([log.write(Text("one"), NOW)])
    other = Log(world.contact.device, world.direct, 5)
    other.random(1)
    branch = other.write(Text("another"), NOW + 1)
    world.take([branch])
    (raw,) = reader(world).branches(world.direct, log.id)
    assert parse_entry(raw).id == branch.id


def test_a_forked_log_is_settled_when_its_newest_was_written_again(world: World) -> None:
    """Own devices compare branches of their own logs, until these are mended; of others' logs never."""
    ours = world.say(Text("mine"))
    log = world.log()
    world.take([log.write(Text("theirs"), NOW)])
    assert reader(world).unsettled(OTHER) == frozenset()
    world.c.execute("UPDATE log SET frozen = 1")
    assert reader(world).unsettled(OTHER) == {ours.log}
    assert reader(world).unsettled(world.contact.device) == {ours.log, log.id}
    world.c.execute("INSERT INTO mending SELECT n, 1 FROM log WHERE seed IS NOT NULL")
    world.gate.mend(world.c, world.direct, NOW)
    assert reader(world).unsettled(OTHER) == frozenset()
    world.c.execute("UPDATE log SET frozen = 1")  # the new log is forked too
    assert len(reader(world).unsettled(OTHER)) == 1
