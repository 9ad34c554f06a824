"""History for a new device: newest first, block by block."""

from typing import Any

from onionchat import limits
from onionchat.ids import LogId
from onionchat.log.commands import AdmitLog, AppendEntries, PrependBlock, SendRecord, WakeAt
from onionchat.log.history import FIRST_BLOCK_ENTRIES, Goal
from onionchat.log.log import LogHead
from onionchat.testing.playbook import Playbook
from onionchat.wire.records import Ack, Batch, BodiesRequested, Frontier, Request
from tests.log.chains import KEY, LOG, chain
from tests.log.desk import ANN, BEN, CHAT, MY_OTHER, Desk, offer, position

ENTRIES = chain(300)


def ask(first: int, last: int) -> SendRecord:
    return SendRecord(Request(CHAT, LOG, first, last))


def batch(*entries: Any) -> Batch:
    return Batch(CHAT, tuple(entry.raw for entry in entries))


def new_device(goal: Goal | None = None, count: int = 300) -> tuple[Desk, Playbook]:
    """A new device that was offered a log by its sister; the log is on the disk, without entries."""
    desk = Desk(known=False)
    play = desk.open(MY_OTHER, position(ENTRIES[:count]), history=goal or Goal())
    admit = play.given(offer(vouched=True)).take(AdmitLog)
    desk.store.admit(admit)
    return desk, play


def brought(desk: Desk, play: Playbook, first: int, last: int) -> LogHead:
    """The peer answers a request and the block is put on the disk."""
    block = play.given(batch(*ENTRIES[first - 1 : last])).take(Ack)
    assert block.positions[0].log == LOG
    entries = play.take(PrependBlock).entries
    head = desk.store.prepend(CHAT, entries)
    session: Any = play.core
    play.when(lambda: session.block_committed(head, 0.0))
    return head


def test_blocks_come_newest_first_and_grow() -> None:
    desk, play = new_device()
    play.expect(ask(300 - FIRST_BLOCK_ENTRIES + 1, 300)).expect_no_more()
    head = brought(desk, play, 237, 300)
    assert (head.seq, head.floor_seq) == (300, 236)
    play.expect(ask(236 - 2 * FIRST_BLOCK_ENTRIES + 1, 236)).expect_no_more()
    brought(desk, play, 109, 236)
    play.expect(ask(1, 108)).expect_no_more()
    assert brought(desk, play, 1, 108).floor_seq == 0
    play.expect_no_more()
    assert [entry.seq for entry in desk.store.shown(CHAT)] == list(range(1, 301))


def test_what_is_new_waits_for_the_first_block_and_no_longer() -> None:
    desk, play = new_device(count=299)
    play.expect(ask(236, 299))
    play.given(batch(ENTRIES[299])).expect(Ack).expect_no_more()
    play.given(batch(*ENTRIES[235:299])).expect(Ack)
    head = desk.store.prepend(CHAT, play.take(PrependBlock).entries)
    session: Any = play.core
    play.when(lambda: session.block_committed(head, 0.0)).expect(AppendEntries(CHAT, [ENTRIES[299]]), Request)


def test_a_goal_in_time_stops_it() -> None:
    desk, play = new_device(Goal(not_before_ms=ENTRIES[250].header.ms))
    play.expect(Request)
    brought(desk, play, 237, 300)
    play.expect_no_more()


def test_a_goal_in_entries_stops_it() -> None:
    desk, play = new_device(Goal(entries_max=FIRST_BLOCK_ENTRIES))
    play.expect(Request)
    brought(desk, play, 237, 300)
    play.expect_no_more()


def test_a_peer_whose_copy_begins_later_ends_the_block_there() -> None:
    desk, play = new_device()
    play.expect(Request)
    assert brought(desk, play, 280, 300).floor_seq == 279


def test_duplicates_and_what_was_not_asked_for_do_no_harm() -> None:
    desk, play = new_device()
    play.expect(Request)
    play.given(batch(*ENTRIES[236:270])).expect(Ack).expect_no_more()
    play.given(batch(*ENTRIES[240:250])).expect(Ack).expect_no_more()
    play.given(batch(*ENTRIES[:5])).expect(AppendEntries)  # the gate judges these: they may begin the log
    assert brought(desk, play, 271, 300).floor_seq == 236


def test_a_block_is_bounded_in_bytes_and_the_rest_asked_for_again() -> None:
    size = 40_000
    count = limits.HISTORY_BLOCK_MAX_BYTES // size + 5
    big = chain(count, size_bytes=size)
    desk = Desk(known=False)
    play = desk.open(MY_OTHER, position(big), history=Goal())
    first = FIRST_BLOCK_ENTRIES
    desk.store.admit(play.given(offer(vouched=True)).take(AdmitLog))
    play.expect(ask(count - first + 1, count))
    for entry in big[count - first : -1]:
        play.given(batch(entry)).expect(Ack).expect_no_more()
    play.given(batch(big[-1])).expect(Ack)
    desk.store.prepend(CHAT, play.take(PrependBlock).entries)
    session: Any = play.core
    play.when(lambda: session.block_committed(desk.head(), 0.0)).expect(ask(1, count - first))
    for entry in big[: count - first - 1]:
        play.given(batch(entry)).expect(Ack).expect_no_more()
    taken = play.given(batch(big[count - first - 1])).expect(Ack).take(PrependBlock).entries
    assert sum(entry.size_bytes for entry in taken) <= limits.HISTORY_BLOCK_MAX_BYTES


def test_two_sisters_are_not_asked_for_the_same_block() -> None:
    desk, play = new_device()
    play.expect(Request)
    session = desk.session(MY_OTHER, history=Goal())

    session.start(0.0)
    other = Playbook(session).given(Frontier(CHAT, (position(ENTRIES),)))
    other.expect(WakeAt).expect_no_more()
    assert LogId(KEY.public) == LOG


def test_an_author_hears_that_its_history_is_here() -> None:
    """Blocks are answered before they are on the disk: when they are, whoever wrote them is told."""
    desk = Desk(known=False)
    play = desk.open(ANN, position(ENTRIES[:3]), history=Goal())
    desk.store.admit(play.given(offer()).take(AdmitLog))
    play.expect(ask(1, 3))
    answered = play.given(batch(*ENTRIES[:3])).take(Ack)
    assert answered.positions[0].seq == 0
    head = desk.store.prepend(CHAT, play.take(PrependBlock).entries)
    session: Any = play.core
    play.when(lambda: session.log_changed(head, 0.0)).expect(SendRecord(Frontier(CHAT, (position(ENTRIES[:3]),))))


def test_bodies_that_the_first_block_lacks_are_asked_of_the_others() -> None:
    """Its author has forgotten them; a device that has only these entries has them still."""
    desk = Desk(known=False)
    desk.admit(offer())
    play = desk.open(BEN, position(ENTRIES[:1]), history=Goal())
    desk.store.prepend(CHAT, [ENTRIES[0].tombstone(), *ENTRIES[1:3]])
    session: Any = play.core
    asked = SendRecord(BodiesRequested(CHAT, LOG, ((1, 1),)))
    assert asked in session.log_changed(desk.head(), 0.0)
