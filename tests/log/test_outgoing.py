"""The sending half: turns, priority, bounded effort."""

import pytest

from onionchat import limits
from onionchat.crypto.keys import SigningKey
from onionchat.errors import RemoteError
from onionchat.ids import LogId
from onionchat.log.entry import parse_entry
from onionchat.log.frontier import Levels, heads_by_log
from onionchat.log.outgoing import OFFERS_PER_PUMP, Outflow, acknowledgement
from onionchat.wire.records import Ack, Batch, LogOffered
from tests.log.chains import LOG, chain
from tests.log.desk import CHAT, Desk, offer

OTHER = SigningKey(b"o" * 32)
LONG, SHORT = chain(200, size_bytes=4000), chain(3, key=OTHER)


def outflow() -> Outflow:
    desk = Desk(LONG)
    desk.admit(offer(OTHER))
    desk.commit(SHORT)
    return Outflow(CHAT, desk.store, Levels(heads_by_log(desk.store.heads(CHAT))), vouch=False)


def sent(flow: Outflow) -> list[list[tuple[bytes, int]]]:
    batches = [command.record for command in flow.pump()]
    return [[(e.log, e.seq) for e in map(parse_entry, b.entries)] for b in batches if isinstance(b, Batch)]


def test_a_long_log_does_not_hold_up_a_short_one() -> None:
    flow = outflow()
    flow.stream(LOG, 1, 200)
    flow.stream(LogId(OTHER.public), 1, 3)
    first, second, *_ = sent(flow)
    assert {log for log, _ in first} == {LOG}
    assert [(OTHER.public, n) for n in (1, 2, 3)] == second[:3]


def test_what_is_new_goes_before_what_was_requested() -> None:
    flow = outflow()
    flow.stream(LOG, 1, 200)
    flow.push(LogId(OTHER.public), SHORT[2:])
    assert sent(flow)[0] == [(OTHER.public, 3)]


def test_a_second_request_loses_nothing_of_the_first() -> None:
    flow = outflow()
    flow.ready_for_more = False
    flow.stream(LogId(OTHER.public), 2, 3)
    flow.stream(LogId(OTHER.public), 1, 1)
    flow.ready_for_more = True
    assert sent(flow) == [[(OTHER.public, 1), (OTHER.public, 2), (OTHER.public, 3)]]


def test_the_window_opens_by_answers_alone() -> None:
    flow = outflow()
    flow.stream(LOG, 1, 200)
    assert len(sent(flow)) == limits.WINDOW_BATCHES
    assert sent(flow) == [] and not flow.has_more
    flow.answered()
    assert len(sent(flow)) == 1
    for _ in range(limits.WINDOW_BATCHES):
        flow.answered()
    with pytest.raises(RemoteError):
        flow.answered()


def test_many_offers_go_in_turns() -> None:
    flow = outflow()
    for _ in range(3):
        flow.offer(LOG)
    assert [type(command.record) for command in flow.pump()] == [LogOffered]
    assert OFFERS_PER_PUMP < limits.LOGS_PER_CONVERSATION_MAX


def test_a_request_for_many_tombstones_costs_a_bounded_effort() -> None:
    desk = Desk(LONG)
    for entry in LONG:
        desk.store.forget(CHAT, LOG, entry.seq)
    flow = Outflow(CHAT, desk.store, Levels(heads_by_log(desk.store.heads(CHAT))), vouch=False)
    flow.send_bodies(LOG, [(n, n) for n in range(1, 200, 2)])
    assert flow.pump() == [] and flow.has_more
    for _ in range(20):
        assert flow.pump() == []
    assert not flow.has_more


def test_an_answer_names_committed_positions_of_known_logs() -> None:
    levels = Levels(heads_by_log(Desk(LONG[:2]).store.heads(CHAT)))
    record = acknowledgement(CHAT, levels, [LOG, LogId(b"u" * 32)]).record
    assert isinstance(record, Ack) and [(p.log, p.seq) for p in record.positions] == [(LOG, 2)]
