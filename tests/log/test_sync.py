"""Playbooks of `SyncSession`: every transition, and every way in which a peer can misbehave."""

from typing import Any

import msgspec
import pytest

from onionchat import limits
from onionchat.codec import encode
from onionchat.crypto.keys import SigningKey
from onionchat.ids import LogId
from onionchat.log.certificate import Belief
from onionchat.log.commands import (
    AdmitLog,
    AppendEntries,
    Close,
    ConflictNoticed,
    QuotaReached,
    RecordAcknowledged,
    SendRecord,
    WakeAt,
)
from onionchat.log.entry import NO_ENTRY, Content, WireEntry, make_entry
from onionchat.log.sync import State, SyncSession, conversation_of
from onionchat.testing.playbook import Playbook
from onionchat.wire.records import (
    Ack,
    Batch,
    BodiesRequested,
    ConversationUnknown,
    Frontier,
    LogOffered,
    Ping,
    Position,
    Request,
)
from tests.log.chains import KEY, LOG, chain, unsigned
from tests.log.desk import ANN, BEN, CHAT, ME, MY_OTHER, STRANGER, Desk, offer, position

ENTRIES = chain(12)
EMPTY = Position(LOG, 0, bytes(32))


def batch(*entries: Any) -> Batch:
    return Batch(CHAT, tuple(entry.raw for entry in entries))


def ask(first: int, last: int) -> SendRecord:
    return SendRecord(Request(CHAT, LOG, first, last))


def acked(entries: list[Any]) -> SendRecord:
    return SendRecord(Ack(CHAT, (position(entries),)))


# --- greeting --------------------------------------------------------------------------------------
def test_we_greet_with_all_positions() -> None:
    session = Desk(ENTRIES[:3]).session()
    Playbook(session).when(lambda: session.start(0.0)).expect(
        SendRecord(Frontier(CHAT, (position(ENTRIES[:3]),)))
    ).expect_no_more()
    assert session.state is State.GREETED


def test_a_peer_that_greets_first_is_greeted_back() -> None:
    session = Desk(ENTRIES[:3]).session()
    play = Playbook(session).given(Frontier(CHAT, (position(ENTRIES[:3]),)))
    play.expect(SendRecord(Frontier(CHAT, (position(ENTRIES[:3]),))), RecordAcknowledged).expect_no_more()
    assert session.state is State.OPEN


def test_peer_ahead_of_us_is_asked_for_exactly_the_gap() -> None:
    session = Desk(ENTRIES[:2]).session()
    session.start(0.0)
    Playbook(session).given(Frontier(CHAT, (position(ENTRIES[:4]),))).expect(ask(3, 4)).expect_no_more()


def test_a_level_peer_is_left_alone_but_told_what_it_has() -> None:
    session = Desk(ENTRIES[:2]).session()
    session.start(0.0)
    play = Playbook(session).given(Frontier(CHAT, (position(ENTRIES[:2]),)))
    play.expect(RecordAcknowledged(CHAT, (position(ENTRIES[:2]),))).expect_no_more()


def test_a_log_that_the_peer_does_not_name_is_offered_and_nothing_of_it_is_sent_unasked() -> None:
    session = Desk(ENTRIES[:2]).session()
    session.start(0.0)
    Playbook(session).given(Frontier(CHAT, ())).expect(SendRecord(offer())).expect_no_more()


def test_our_own_log_is_always_offered() -> None:
    desk = Desk(known=False)
    entry = desk.store.write(CHAT, b"mine", 1000)
    session = desk.session()
    session.start(0.0)
    play = Playbook(session).given(Frontier(CHAT, (Position(entry.log, 1, entry.id),)))
    play.expect(RecordAcknowledged, LogOffered).expect_no_more()


def test_vouching_is_for_own_devices_only() -> None:
    desk = Desk(ENTRIES[:1])
    for peer, vouched in ((MY_OTHER, True), (BEN, False)):
        session = desk.session(peer)
        session.start(0.0)
        sent = Playbook(session).given(Frontier(CHAT, ())).take(LogOffered)
        assert sent.vouched is vouched


def test_what_was_written_between_greeting_and_answer_is_sent() -> None:
    desk = Desk(known=False)
    first = desk.store.write(CHAT, b"one", 1000)
    session = desk.session()
    session.start(0.0)
    second = desk.store.write(CHAT, b"two", 2000)
    session.entries_appended([second], 0.0)
    play = Playbook(session).given(Frontier(CHAT, (Position(first.log, 1, first.id),)))
    play.expect(RecordAcknowledged, LogOffered, SendRecord(batch(second))).expect_no_more()


def test_an_unknown_conversation_is_left_until_the_peer_learns_of_it() -> None:
    session = Desk(ENTRIES[:2]).session()
    session.start(0.0)
    play = Playbook(session).given(ConversationUnknown(CHAT))
    play.expect_no_more()
    assert session.state is State.UNKNOWN
    play.when(lambda: session.entries_appended(ENTRIES[2:3], 0.0)).expect_no_more()
    play.given(Frontier(CHAT, ())).expect(Frontier, LogOffered).expect_no_more()
    assert session.state is State.OPEN


def test_level_digests_open_without_frontiers_and_push_what_came_since() -> None:
    desk = Desk(known=False)
    first = desk.store.write(CHAT, b"one", 1000)
    heads = desk.store.heads(CHAT)
    second = desk.store.write(CHAT, b"two", 2000)
    session = desk.session(MY_OTHER)
    play = Playbook(session).when(lambda: session.start_level(heads, 0.0))
    play.expect(LogOffered, SendRecord(batch(second))).expect_no_more()
    assert first.seq == 1 and session.state is State.OPEN


# --- receiving -------------------------------------------------------------------------------------
def test_a_batch_is_committed_and_then_acknowledged() -> None:
    desk = Desk(ENTRIES[:2])
    play = desk.open(ANN, position(ENTRIES[:4]))
    play.given(batch(*ENTRIES[2:4])).expect(AppendEntries(CHAT, ENTRIES[2:4])).expect_no_more()
    heads = desk.commit(ENTRIES[2:4])
    session: Any = play.core
    play.when(lambda: session.committed(heads, 0.0)).expect(acked(ENTRIES[:4])).expect_no_more()


def test_nothing_is_acknowledged_before_the_commit() -> None:
    play = Desk(ENTRIES[:2]).open(ANN, position(ENTRIES[:4]))
    play.given(batch(ENTRIES[2])).expect(AppendEntries)
    play.given(batch(ENTRIES[3])).expect(AppendEntries).expect_no_more()


def test_twice_received_changes_nothing() -> None:
    desk = Desk(ENTRIES[:4])
    play = desk.open(ANN, position(ENTRIES[:4]))
    play.given(batch(*ENTRIES[:4])).expect(AppendEntries)
    before = desk.store.snapshot()
    heads = desk.commit(ENTRIES[:4])
    assert desk.store.snapshot() == before
    session: Any = play.core
    play.when(lambda: session.committed(heads, 0.0)).expect(acked(ENTRIES[:4])).expect_no_more()


def test_an_entry_beyond_a_gap_is_held_and_the_gap_asked_for() -> None:
    play = Desk(ENTRIES[:2]).open(ANN, position(ENTRIES[:2]))
    play.given(batch(ENTRIES[5])).expect(acked(ENTRIES[:2]), ask(3, 6)).expect_no_more()
    play.given(batch(*ENTRIES[2:5])).expect(AppendEntries(CHAT, ENTRIES[2:6])).expect_no_more()


def test_what_is_held_has_a_cap_and_the_rest_is_asked_for_again() -> None:
    many = chain(limits.HELD_ENTRIES_MAX + 10)
    play = Desk().open(ANN, EMPTY)
    play.given(batch(*many[1:600])).expect(Ack, ask(1, 600)).expect_no_more()
    play.given(batch(*many[600:])).expect(Ack).expect_no_more()
    said = play.given(batch(many[0])).take(AppendEntries)
    assert [entry.seq for entry in said.entries] == list(range(1, limits.HELD_ENTRIES_MAX + 2))
    play.expect(ask(limits.HELD_ENTRIES_MAX + 2, len(many))).expect_no_more()


def test_what_was_held_is_released_when_another_session_brings_the_rest() -> None:
    desk = Desk(ENTRIES[:2])
    play = desk.open(ANN, position(ENTRIES[:2]))
    play.given(batch(ENTRIES[3])).expect(Ack, ask(3, 4))
    desk.commit([ENTRIES[2]])
    session: Any = play.core
    play.when(lambda: session.entries_appended([ENTRIES[2]], 0.0)).expect(AppendEntries(CHAT, [ENTRIES[3]]))


def test_several_logs_share_a_batch_in_any_order() -> None:
    other = SigningKey(b"o" * 32)
    theirs = chain(2, key=other)
    desk = Desk()
    desk.admit(offer(other))
    play = desk.open(ANN, EMPTY)
    play.given(batch(ENTRIES[0], theirs[0], ENTRIES[1], theirs[1]))
    play.expect(AppendEntries(CHAT, [ENTRIES[0], theirs[0], ENTRIES[1], theirs[1]])).expect_no_more()


def test_what_the_gate_did_not_take_is_asked_for_again() -> None:
    desk = Desk(ENTRIES[:2])
    play = desk.open(ANN, position(ENTRIES[:4]))
    play.given(batch(*ENTRIES[2:4])).expect(AppendEntries)
    session: Any = play.core
    play.when(lambda: session.committed([desk.head()], 0.0)).expect(acked(ENTRIES[:2]), ask(3, 4))


def test_a_frozen_log_is_not_asked_for_and_its_evidence_is_shown() -> None:
    desk = Desk(ENTRIES[:4])
    branch = chain(1, after=ENTRIES[2], tag=b"b")
    desk.commit(branch)
    session = desk.session()
    session.start(0.0)
    play = Playbook(session).given(Frontier(CHAT, (position(ENTRIES[:6]),)))
    play.expect(SendRecord(batch(branch[0]))).expect_no_more()


def test_a_position_with_another_id_makes_us_ask_for_the_evidence() -> None:
    branch = chain(1, after=ENTRIES[2], tag=b"b")
    for mine in (4, 6):
        session = Desk(ENTRIES[:mine]).session()
        session.start(0.0)
        play = Playbook(session).given(Frontier(CHAT, (position(branch),)))
        play.expect(ask(4, 4)).expect_no_more()


# --- offers ----------------------------------------------------------------------------------------
def test_a_log_of_the_peer_itself_is_believed_and_asked_for() -> None:
    play = Desk(known=False).open(ANN, position(ENTRIES[:3]))
    admit = play.given(offer()).take(AdmitLog)
    assert admit.belief is Belief.DIRECT
    play.expect(ask(1, 3)).expect_no_more()


def test_beliefs_by_who_offers() -> None:
    desk = Desk(known=False)
    own = SigningKey(b"w" * 32)
    cases = [
        (BEN, offer(), Belief.PROVISIONAL),
        (MY_OTHER, offer(vouched=True), Belief.VOUCHED),
        (BEN, offer(own, MY_OTHER, boxes=[desk.box_for_me(MY_OTHER, offer(own, MY_OTHER).certificate)]), Belief.BOXED),
    ]
    for peer, offered, belief in cases:
        assert desk.open(peer).given(offered).take(AdmitLog).belief is belief


def test_what_cannot_be_believed_is_put_aside_without_blame() -> None:
    own = SigningKey(b"w" * 32)
    written = chain(2, key=own)
    play = Desk(known=False).open(BEN, position(written))
    play.given(offer(own, MY_OTHER)).expect_no_more()  # a contact cannot say what our own device wrote
    play.given(offer(own, MY_OTHER, vouched=True)).expect_no_more()  # nor vouch for it
    play.given(batch(*written)).expect(SendRecord(Ack(CHAT, ()))).expect_no_more()


def test_a_device_outside_the_rosters_is_put_aside_until_it_is_a_member() -> None:
    desk = Desk(known=False)
    play = desk.open(BEN, position(ENTRIES[:1]))
    play.given(offer(KEY, STRANGER)).expect_no_more()
    people = desk.directory.people
    people[STRANGER] = people[ANN]
    session: Any = play.core
    play.when(lambda: session.members_changed(0.0)).expect(AdmitLog, ask(1, 1)).expect_no_more()


def test_a_second_owner_is_a_conflict_and_the_first_stays() -> None:
    play = Desk(ENTRIES[:1]).open(BEN, position(ENTRIES[:1]))
    play.given(offer(KEY, BEN)).expect(ConflictNoticed(CHAT, LOG, ANN, BEN)).expect_no_more()


def test_a_stronger_belief_is_kept() -> None:
    desk = Desk(known=False)
    desk.admit(offer(), Belief.PROVISIONAL)
    play = desk.open(ANN, EMPTY)
    assert play.given(offer()).take(AdmitLog).belief is Belief.DIRECT
    play.expect_no_more()


# --- sending ---------------------------------------------------------------------------------------
def test_a_request_is_answered_oldest_first() -> None:
    play = Desk(ENTRIES).open(ANN, EMPTY)
    play.given(Request(CHAT, LOG, 3, 7)).expect(SendRecord(batch(*ENTRIES[2:7]))).expect_no_more()


def test_a_request_beyond_our_head_gets_what_there_is() -> None:
    play = Desk(ENTRIES[:2]).open(ANN, EMPTY)
    play.given(Request(CHAT, LOG, 2, 99)).expect(SendRecord(batch(ENTRIES[1]))).expect_no_more()
    play.given(Request(CHAT, LOG, 50, 99)).expect_no_more()


def test_the_window_bounds_what_is_under_way() -> None:
    many = chain(400, size_bytes=4000)
    play = Desk(many).open(ANN, EMPTY)
    play.given(Request(CHAT, LOG, 1, 400))
    seqs = 0
    for _ in range(limits.WINDOW_BATCHES):
        record = play.take(Batch)
        assert sum(map(len, record.entries)) <= limits.BATCH_MAX_BYTES
        assert len(encode(record)) < limits.FRAME_MAX_BYTES
        seqs += len(record.entries)
    play.expect_no_more()
    play.given(Ack(CHAT, (position(many[:10]),))).expect(RecordAcknowledged, Batch).expect_no_more()
    assert seqs < 400


def test_a_new_entry_is_pushed_at_once() -> None:
    desk = Desk(ENTRIES[:2])
    play = desk.open(BEN, position(ENTRIES[:2]))
    desk.commit(ENTRIES[2:3])
    session: Any = play.core
    play.when(lambda: session.entries_appended(ENTRIES[2:3], 0.0)).expect(SendRecord(batch(ENTRIES[2])))
    play.expect_no_more()


def test_nothing_is_pushed_to_whom_it_came_from() -> None:
    desk = Desk(ENTRIES[:2])
    play = desk.open(ANN, position(ENTRIES[:2]))
    play.given(batch(ENTRIES[2])).expect(AppendEntries)
    heads = desk.commit(ENTRIES[2:3])
    session: Any = play.core
    play.when(lambda: session.committed(heads, 0.0)).expect(acked(ENTRIES[:3]))
    play.when(lambda: session.entries_appended(ENTRIES[2:3], 0.0)).expect_no_more()


def test_a_push_moves_the_end_of_a_running_request() -> None:
    desk = Desk(ENTRIES[:2])
    play = desk.open(BEN, EMPTY)
    session: SyncSession = play.core  # type: ignore[assignment]
    session.pause()
    play.given(Request(CHAT, LOG, 1, 2)).expect_no_more()
    desk.commit(ENTRIES[2:3])
    play.when(lambda: session.entries_appended(ENTRIES[2:3], 0.0)).expect_no_more()
    play.when(lambda: session.resume(0.0)).expect(SendRecord(batch(*ENTRIES[:3]))).expect_no_more()


def test_much_that_others_wrote_is_announced_instead() -> None:
    many = chain(limits.RELAYED_PUSH_MAX + 1)
    desk = Desk()
    play = desk.open(BEN, EMPTY)
    desk.commit(many)
    session: Any = play.core
    play.when(lambda: session.entries_appended(many, 0.0))
    play.expect(SendRecord(Frontier(CHAT, (position(many),)))).expect_no_more()


def test_a_new_log_is_offered_before_its_first_entry() -> None:
    desk = Desk(known=False)
    play = desk.open(BEN)
    session: Any = play.core
    mine = desk.store.write(CHAT, b"hello", 1000)
    play.when(lambda: session.log_added(desk.head(mine.log), 0.0) + session.entries_appended([mine], 0.0))
    play.expect(LogOffered)


def test_nothing_is_produced_while_the_channel_is_full() -> None:
    desk = Desk(ENTRIES)
    play = desk.open(BEN, EMPTY)
    session: Any = play.core
    session.pause()
    play.given(Request(CHAT, LOG, 1, 12)).expect_no_more()
    play.when(lambda: session.resume(0.0)).expect(Batch).expect_no_more()


def test_a_tail_that_the_peer_could_not_verify_waits_for_an_entry_that_vouches() -> None:
    """A relay once gave us an entry whose own signature is broken; its successor proves it."""
    desk = Desk()
    desk.commit([*ENTRIES[:3], unsigned(ENTRIES[3]), ENTRIES[4]])
    play = desk.open(BEN, EMPTY)
    play.given(Request(CHAT, LOG, 1, 4)).expect(SendRecord(batch(*ENTRIES[:3])))
    sent = play.take(Batch)
    assert [raw == wanted.raw for raw, wanted in zip(sent.entries, ENTRIES[3:5], strict=True)] == [False, True]


# --- bodies ----------------------------------------------------------------------------------------
def test_bodies_are_asked_of_others_once() -> None:
    desk = Desk([ENTRIES[0], ENTRIES[1].tombstone(), ENTRIES[2]])
    session = desk.session(BEN)
    session.start(0.0)
    wanted = SendRecord(BodiesRequested(CHAT, LOG, ((2, 2),)))
    play = Playbook(session).given(Frontier(CHAT, (position(ENTRIES[:3]),)))
    play.expect(RecordAcknowledged, wanted).expect_no_more()
    play.given(Frontier(CHAT, (position(ENTRIES[:3]),))).expect(RecordAcknowledged).expect_no_more()
    play.given(batch(ENTRIES[1])).expect(AppendEntries(CHAT, [ENTRIES[1]])).expect_no_more()


def test_what_we_forgot_is_not_asked_for() -> None:
    desk = Desk(ENTRIES[:3])
    desk.store.forget(CHAT, LOG, 2)
    session = desk.session(BEN)
    session.start(0.0)
    Playbook(session).given(Frontier(CHAT, (position(ENTRIES[:3]),))).expect(RecordAcknowledged).expect_no_more()


def test_bodies_are_given_of_what_we_show() -> None:
    desk = Desk(ENTRIES[:5])
    desk.store.forget(CHAT, LOG, 2)
    play = desk.open(BEN, position(ENTRIES[:5]))
    play.given(BodiesRequested(CHAT, LOG, ((1, 2), (4, 99))))
    play.expect(SendRecord(batch(ENTRIES[0])), SendRecord(batch(*ENTRIES[3:5]))).expect_no_more()


# --- two sessions ----------------------------------------------------------------------------------
def test_two_peers_are_not_asked_for_the_same() -> None:
    desk = Desk(ENTRIES[:2])
    first, second = desk.session(ANN), desk.session(BEN)
    for session in (first, second):
        session.start(0.0)
    Playbook(first).given(Frontier(CHAT, (position(ENTRIES[:6]),)), now=1.0).expect(ask(3, 6)).expect_no_more()
    play = Playbook(second).given(Frontier(CHAT, (position(ENTRIES[:6]),)), now=1.0)
    play.expect(WakeAt(1.0 + limits.REQUEST_STALL_SECONDS)).expect_no_more()
    first.stopped()
    play.when(lambda: second.wake(2.0)).expect(ask(3, 6)).expect_no_more()


def test_a_peer_that_does_not_deliver_is_replaced() -> None:
    desk = Desk(ENTRIES[:2])
    desk.open(ANN, position(ENTRIES[:6]))
    play = desk.open(BEN, position(ENTRIES[:6]))
    session: Any = play.core
    play.when(lambda: session.wake(limits.REQUEST_STALL_SECONDS)).expect(ask(3, 6)).expect_no_more()


# --- quota -----------------------------------------------------------------------------------------
def test_a_quota_stops_taking_and_loses_nothing() -> None:
    desk = Desk(ENTRIES[:2])
    play = desk.open(ANN, position(ENTRIES[:3]))
    session: Any = play.core
    play.when(lambda: session.allow(1, 0.0)).expect_no_more()
    play.given(batch(ENTRIES[2])).expect(AppendEntries)  # the one that crosses the line
    heads = desk.commit(ENTRIES[2:3])
    play.when(lambda: session.committed(heads, 0.0)).expect(Ack)
    play.given(batch(ENTRIES[3])).expect(QuotaReached(CHAT)).expect_no_more()
    play.given(batch(ENTRIES[4])).expect_no_more()
    play.when(lambda: session.allow(10**6, 0.0))
    play.expect(SendRecord(Ack(CHAT, ())), SendRecord(Ack(CHAT, ())), ask(4, 5)).expect_no_more()


# --- misbehaviour ----------------------------------------------------------------------------------
FOREIGN = chain(2, key=SigningKey(b"f" * 32))
MISBEHAVIOUR: dict[str, Any] = {
    "an answer to nothing": Ack(CHAT, ()),
    "a log named twice": Frontier(CHAT, (position(ENTRIES[:1]), position(ENTRIES[:2]))),
    "a position beyond all logs": Frontier(CHAT, (Position(LOG, limits.SEQ_MAX + 1, b"i" * 32),)),
    "a position without an id": Frontier(CHAT, (Position(LOG, 1, bytes(32)),)),
    "an id without a position": Frontier(CHAT, (Position(LOG, 0, b"i" * 32),)),
    "a request for an unknown log": Request(CHAT, FOREIGN[0].log, 1, 2),
    "a request from zero": Request(CHAT, LOG, 0, 2),
    "a request backwards": Request(CHAT, LOG, 3, 2),
    "bodies of an unknown log": BodiesRequested(CHAT, FOREIGN[0].log, ((1, 2),)),
    "bodies in overlapping ranges": BodiesRequested(CHAT, LOG, ((1, 3), (3, 4))),
    "bodies backwards": BodiesRequested(CHAT, LOG, ((3, 1),)),
    "entries of a log that was not offered": batch(*FOREIGN),
    "entries out of order": batch(ENTRIES[3], ENTRIES[2]),
    "an entry twice in a batch": batch(ENTRIES[2], ENTRIES[2]),
    "garbage as an entry": Batch(CHAT, (b"garbage",)),
    "a body that is not the one": Batch(
        CHAT, (encode(WireEntry(ENTRIES[2].header_raw, ENTRIES[2].signature, chain(1, tag=b"z")[0].content_raw)),)
    ),
    "garbage as a certificate": LogOffered(b"garbage", (), False),
    "a log of another conversation": offer(conversation=b"z" * 32),  # type: ignore[arg-type]
    "a record of the channel": Ping(1),
}


@pytest.mark.parametrize("record", MISBEHAVIOUR.values(), ids=MISBEHAVIOUR.keys())
def test_misbehaviour_closes(record: Any) -> None:
    play = Desk(ENTRIES[:2]).open(ANN, position(ENTRIES[:2]))
    play.given(record).expect(Close).expect_no_more()
    session: Any = play.core
    assert session.state is State.CLOSED
    play.given(batch(ENTRIES[2])).expect_no_more()
    play.when(lambda: session.entries_appended(ENTRIES[2:3], 0.0)).expect_no_more()


@pytest.mark.parametrize("record", [batch(ENTRIES[0]), Ack(CHAT, ()), Request(CHAT, LOG, 1, 1), offer()])
def test_nothing_comes_before_the_frontier(record: Any) -> None:
    session = Desk().session()
    session.start(0.0)
    Playbook(session).given(record).expect(Close).expect_no_more()


def test_more_logs_than_a_conversation_may_have() -> None:
    def names(round_: int) -> Frontier:
        logs = [bytes([round_]) * 30 + n.to_bytes(2, "big") for n in range(limits.LOGS_PER_CONVERSATION_MAX)]
        return Frontier(CHAT, tuple(Position(log, 1, b"i" * 32) for log in logs))

    play = Desk(ENTRIES[:1]).open(ANN, position(ENTRIES[:1]))
    play.given(names(1)).expect_no_more()
    play.given(names(2)).expect(Close)


def test_routing() -> None:
    for record in (*MISBEHAVIOUR.values(), offer()):
        if isinstance(record, Frontier | Request | Batch | Ack | BodiesRequested):
            assert conversation_of(record) == CHAT
    assert conversation_of(offer()) == CHAT
    assert conversation_of(Ping(1)) is None
    assert LogId(KEY.public) == LOG and ME != ANN


def test_whoever_passes_our_own_entry_on_to_us_has_it() -> None:
    """It may have it from another device, before we could show it; afterwards there is no need to."""
    desk = Desk(known=False)
    mine = [desk.store.write(CHAT, b"mine", 1000), desk.store.write(CHAT, b"more", 1001)]
    play = desk.open(ANN, position(mine[:1]))
    play.given(batch(mine[1]))
    play.expect(RecordAcknowledged(CHAT, (position(mine),)))


def test_an_entry_under_our_number_that_we_never_wrote_says_nothing() -> None:
    desk = Desk(known=False)
    mine = desk.store.write(CHAT, b"mine", 1000)
    (key,) = [log.key for log in desk.store._logs[CHAT].values() if log.key is not None]
    other = make_entry(key, 1, NO_ENTRY, (1, 0), Content(bytes(16), (), "text", 0, b"not mine"))
    assert (other.log, other.seq) == (mine.log, mine.seq) and other.id != mine.id
    desk.open(ANN, Position(mine.log, 0, bytes(32))).given(batch(other)).expect(AppendEntries).expect_no_more()


def test_an_author_hears_that_we_have_its_entry_when_another_brought_it() -> None:
    """It has shown us its position, and leaves it to us to ask; we have asked somebody else."""
    desk = Desk(ENTRIES[:1])
    play = desk.open(ANN, position(ENTRIES[:2]))
    desk.commit(ENTRIES[1:2])
    play.when(lambda: play.core.entries_appended(ENTRIES[1:2], 0.0))
    play.expect(SendRecord(Frontier(CHAT, (position(ENTRIES[:2]),)))).expect_no_more()
    play.when(lambda: play.core.entries_appended(ENTRIES[1:2], 0.0)).expect_no_more()


def test_an_author_hears_so_too_when_it_came_while_we_greeted() -> None:
    desk = Desk(ENTRIES[:1])
    session = desk.session()
    session.start(0.0)
    desk.commit(ENTRIES[1:2])
    assert session.entries_appended(ENTRIES[1:2], 0.0) == []
    said = session.receive_record(Frontier(CHAT, (position(ENTRIES[:2]),)), 0.0)
    assert SendRecord(Frontier(CHAT, (position(ENTRIES[:2]),))) in said


def test_only_the_author_hears_it() -> None:
    desk = Desk(ENTRIES[:1])
    play = desk.open(BEN, position(ENTRIES[:2]))
    desk.commit(ENTRIES[1:2])
    play.when(lambda: play.core.entries_appended(ENTRIES[1:2], 0.0)).expect_no_more()


def test_an_answered_batch_says_it_already() -> None:
    desk = Desk(ENTRIES[:1])
    play = desk.open(ANN, position(ENTRIES[:1]))
    play.given(batch(ENTRIES[1])).expect(AppendEntries)
    heads = desk.commit(ENTRIES[1:2])
    play.when(lambda: play.core.committed(heads, 0.0)).expect(acked(ENTRIES[:2])).expect_no_more()
    play.when(lambda: play.core.entries_appended(ENTRIES[1:2], 0.0)).expect_no_more()


# --- cuts ------------------------------------------------------------------------------------------
def test_a_log_that_is_cut_is_sent_and_asked_for_up_to_there_only() -> None:
    desk = Desk(ENTRIES[:8])
    session = desk.session()
    session.start(0.0)
    session.receive_record(Frontier(CHAT, (position(ENTRIES[:10]),)), 0.0)
    head = session._levels.ours[LOG]
    cut = msgspec.structs.replace(head, seq=3, id=ENTRIES[2].id, cut_seq=3, cut_id=ENTRIES[2].id)
    out = session.log_cut(cut, 1.0)
    assert not any(isinstance(command, SendRecord) and isinstance(command.record, Request) for command in out)
    out = session.receive_record(batch(*ENTRIES[8:10]), 2.0)
    assert session._levels.ours[LOG].seq == 3 and session.state is State.OPEN
    grown = msgspec.structs.replace(cut, cut_seq=5, cut_id=ENTRIES[4].id)
    asked = [command for command in session.log_cut(grown, 70.0) if command == ask(4, 5)]
    assert asked == [ask(4, 5)]
