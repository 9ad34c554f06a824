"""The receiving half: what it remembers is bounded, and follows the gate."""

import pytest

from onionchat import limits
from onionchat.crypto.keys import SigningKey
from onionchat.ids import LogId
from onionchat.log.branches import BranchPull
from onionchat.log.frontier import Levels, heads_by_log
from onionchat.log.incoming import Inflow
from onionchat.log.scheduler import RequestScheduler
from onionchat.testing.simulator_replica import Members
from onionchat.wire.records import Position
from tests.log.chains import LOG, chain
from tests.log.desk import ANN, CHAT, ME, OURS, STRANGER, Desk, offer

ENTRIES = chain(20)


def inflow(desk: Desk) -> Inflow:
    levels = Levels(heads_by_log(desk.store.heads(CHAT)))
    members = Members(desk.directory, desk.directory.people[ME], desk.store)
    scheduler = RequestScheduler()
    branches = BranchPull(CHAT, desk.store, levels, scheduler)
    return Inflow(CHAT, ANN, levels, members, OURS, scheduler, None, branches)


def test_it_runs_ahead_of_the_commits_and_falls_back_with_them() -> None:
    flow = inflow(Desk(ENTRIES[:2]))
    flow.take([entry.raw for entry in ENTRIES[2:5]], 0.0)
    flow.take([entry.raw for entry in ENTRIES[5:7]], 0.0)
    assert flow.expected(LOG) == 7
    flow.committed()
    assert flow.expected(LOG) == 7
    flow.committed()
    assert flow.expected(LOG) == 2  # the gate took nothing of it
    with pytest.raises(ValueError, match="without"):
        flow.committed()


def test_held_bytes_are_bounded() -> None:
    big = chain(40, size_bytes=40_000)
    flow = inflow(Desk())
    for entry in big[1:]:
        flow.take([entry.raw], 0.0)
    taken, _ = flow.take([big[0].raw], 0.0)
    assert 2 < len(taken) <= limits.HELD_BYTES_MAX // 40_000 + 1
    assert [entry.seq for entry in taken] == list(range(1, len(taken) + 1))


def test_offers_put_aside_are_bounded() -> None:
    flow = inflow(Desk(known=False))
    count = limits.LOGS_PER_CONVERSATION_MAX
    keys = [SigningKey(n.to_bytes(32, "big")) for n in range(count + 5)]
    for key in keys:
        assert flow.offered(offer(key, STRANGER)) == []
    entries, logs = flow.take([chain(1, key=keys[0])[0].raw], 0.0)
    assert entries == [] and logs == [LogId(keys[0].public)]


def test_a_noted_batch_is_asked_for_again() -> None:
    flow = inflow(Desk(ENTRIES[:2]))
    flow.note([ENTRIES[5].raw])
    flow.ask_anew()
    commands, _ = flow.ask(0.0)
    assert [(c.record.first, c.record.last) for c in commands] == [(3, 6)]  # type: ignore[union-attr]


def test_a_cut_bounds_what_is_asked_for() -> None:
    desk = Desk(ENTRIES[:2])
    flow = inflow(desk)
    import msgspec

    flow._levels.ours[LOG] = msgspec.structs.replace(desk.head(), cut_seq=4)
    flow.peer_position(Position(LOG, 9, b"i" * 32), differs=False)
    commands, _ = flow.ask(0.0)
    assert [(c.record.first, c.record.last) for c in commands] == [(3, 4)]  # type: ignore[union-attr]
