"""The simulator's disk."""

import pytest

from onionchat.crypto.keys import SigningKey
from onionchat.errors import RemoteError
from onionchat.log.entry import is_signed, parse_entry
from tests.log.chains import LOG, chain
from tests.log.desk import CHAT, Desk

ENTRIES = chain(6)


def test_what_is_refused_leaves_no_trace() -> None:
    desk = Desk(ENTRIES[:2])
    before = desk.store.snapshot()
    with pytest.raises(RemoteError):
        desk.store.append(CHAT, [ENTRIES[2], *chain(1, key=SigningKey(b"u" * 32))])
    assert desk.store.snapshot() == before


def test_forgetting_holds_whatever_comes() -> None:
    desk = Desk(ENTRIES[:2])
    desk.store.forget(CHAT, LOG, 2)
    desk.store.forget(CHAT, LOG, 3)
    desk.store.append(CHAT, ENTRIES[:4])
    assert [entry.content is None for entry in desk.store.shown(CHAT)] == [False, True, True, False]
    assert desk.store.tombstoned(CHAT, LOG, 1) == []


def test_a_gap_in_bodies_is_filled() -> None:
    desk = Desk([ENTRIES[0], ENTRIES[1].tombstone(), ENTRIES[2].tombstone(), ENTRIES[3]])
    assert desk.store.tombstoned(CHAT, LOG, 1) == [(2, 3)]
    assert desk.store.tombstoned(CHAT, LOG, 3) == [(3, 3)]
    desk.store.append(CHAT, [ENTRIES[1]])
    assert desk.store.tombstoned(CHAT, LOG, 1) == [(3, 3)]


def test_a_fork_freezes_keeps_evidence_and_begins_a_new_log() -> None:
    desk = Desk(known=False)
    first = desk.store.write(CHAT, b"one", 1000)
    old = desk.store.snapshot()
    second = desk.store.write(CHAT, b"two", 2000)
    desk.store.restore(old)
    desk.store.write(CHAT, b"two again", 3000)
    done = desk.store.append(CHAT, [second])
    assert [head.frozen for head in done.frozen] == [True]
    assert parse_entry(desk.store.branches(CHAT, first.log)[0]) == second
    renewed = desk.store.write(CHAT, b"three", 4000)
    assert renewed.log != first.log and renewed.seq == 1 and is_signed(renewed)
    assert len(desk.store.own_logs(CHAT)) == 2
