"""Chain rules: what a run of entries does to a head."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.crypto.keys import SigningKey
from onionchat.errors import RemoteError
from onionchat.log.entry import NO_ENTRY, Content, Entry, is_signed, make_entry
from onionchat.log.log import VERIFIED_EVERY_BYTES, Known, LogHead, judge_block, judge_run
from tests.log.chains import KEY, LOG, chain, head_of, unsigned

EMPTY = LogHead(LOG)


def known(entries: list[Entry], *without_body: int) -> Callable[[int], Known | None]:
    by_seq = {entry.seq: Known(entry.id, entry.seq in without_body) for entry in entries}
    return by_seq.get


def test_a_run_moves_the_head() -> None:
    entries = chain(5)
    verdict = judge_run(EMPTY, entries)
    assert verdict.accepted == entries
    assert verdict.new_head == head_of(entries)
    assert not verdict.held and not verdict.duplicates and verdict.fork is None


def test_a_run_is_verified_by_its_last_signature_alone() -> None:
    entries = chain(50)
    looked_at: list[int] = []

    def verify(entry: Entry) -> bool:
        looked_at.append(entry.seq)
        return is_signed(entry)

    verdict = judge_run(EMPTY, entries, verify)
    assert looked_at == [50]
    assert verdict.verified == {entries[-1].id}


def test_a_signature_is_checked_in_every_half_batch() -> None:
    """So that any batch which is passed on holds one that its receiver can verify."""
    entries = chain(60, size_bytes=3000)
    verdict = judge_run(EMPTY, entries)
    size = 0
    for entry in entries:
        size = 0 if entry.id in verdict.verified else size + entry.size_bytes
        assert size <= VERIFIED_EVERY_BYTES


def test_a_broken_last_signature_refuses_the_run() -> None:
    entries = chain(5)
    with pytest.raises(RemoteError, match="signature"):
        judge_run(EMPTY, [*entries[:4], unsigned(entries[4])])


def test_a_broken_signature_inside_is_covered_by_the_last() -> None:
    entries = chain(3)
    verdict = judge_run(EMPTY, [entries[0], unsigned(entries[1]), entries[2]])
    assert len(verdict.accepted) == 3
    assert entries[1].id not in verdict.verified


def test_twice_is_once() -> None:
    entries = chain(5)
    again = judge_run(head_of(entries), entries, known=known(entries))
    assert again.duplicates == entries
    assert not again.accepted and again.fork is None
    assert again.new_head == head_of(entries)
    doubled = judge_run(EMPTY, [*entries, *entries])
    assert (doubled.accepted, doubled.duplicates) == (entries, entries)


def test_a_gap_is_held() -> None:
    entries = chain(5)
    verdict = judge_run(EMPTY, [entries[0], *entries[2:]])
    assert verdict.accepted == entries[:1]
    assert verdict.held == entries[2:]
    assert verdict.new_head == head_of(entries[:1])


@pytest.mark.parametrize("ms", [1001, 1000])
def test_time_must_grow(ms: int) -> None:
    first = chain(1)[0]
    second = make_entry(KEY, 2, first.id, (ms, 0), Content(b"s" * 16, (), "text", 0, b""))
    assert first.time == (1001, 0)
    with pytest.raises(RemoteError, match="later"):
        judge_run(EMPTY, [first, second])
    with pytest.raises(RemoteError, match="later"):
        judge_run(head_of([first]), [second])


def test_an_entry_of_another_log_is_refused() -> None:
    with pytest.raises(RemoteError, match="another log"):
        judge_run(EMPTY, chain(1, key=SigningKey(b"o" * 32)))


def test_another_entry_with_our_number_is_a_fork() -> None:
    entries = chain(5)
    branch = chain(1, after=entries[2], tag=b"b")
    verdict = judge_run(head_of(entries), branch, known=known(entries))
    assert verdict.fork is not None
    assert (verdict.fork.seq, verdict.fork.branch) == (4, branch[0])
    assert verdict.new_head.frozen
    assert (verdict.new_head.seq, verdict.new_head.id) == (5, entries[4].id)


def test_a_next_entry_on_another_prev_is_a_fork() -> None:
    entries = chain(5)
    branch = chain(3, after=entries[2], tag=b"b")
    verdict = judge_run(head_of(entries), branch[2:], known=known(entries))
    assert verdict.fork is not None and verdict.fork.seq == 5
    assert not verdict.accepted


def test_a_fork_inside_a_run_keeps_what_came_before() -> None:
    entries = chain(5)
    branch = chain(1, after=entries[2], tag=b"b")
    verdict = judge_run(EMPTY, [*entries[:4], *branch, entries[4]])
    assert verdict.accepted == entries[:4]
    assert verdict.fork is not None and verdict.new_head.frozen
    assert verdict.refused == [entries[4]]


def test_evidence_must_be_signed() -> None:
    """A forger cannot freeze another's log."""
    entries = chain(5)
    branch = chain(1, after=entries[2], tag=b"b")
    with pytest.raises(RemoteError, match="signature"):
        judge_run(head_of(entries), [unsigned(branch[0])], known=known(entries))
    on_top = chain(3, after=entries[2], tag=b"b")[2]
    with pytest.raises(RemoteError, match="signature"):
        judge_run(head_of(entries), [unsigned(on_top)], known=known(entries))


def test_a_frozen_log_takes_nothing_more_but_bodies() -> None:
    entries = chain(6)
    frozen = head_of(entries[:5], frozen=True)
    verdict = judge_run(frozen, entries, known=known(entries[:5], 2))
    assert verdict.refused == entries[5:]
    assert [entry.seq for entry in verdict.bodies] == [2]
    assert verdict.new_head == frozen


def test_a_tombstone_advances_the_chain_and_is_filled() -> None:
    entries = chain(3)
    with_gap = [entries[0], entries[1].tombstone(), entries[2]]
    verdict = judge_run(EMPTY, with_gap)
    assert verdict.accepted == with_gap
    filled = judge_run(verdict.new_head, [entries[1]], known=known(entries, 2))
    assert filled.bodies == [entries[1]] and not filled.accepted
    again = judge_run(verdict.new_head, [entries[1].tombstone()], known=known(entries, 2))
    assert again.duplicates and not again.bodies
    final = judge_run(verdict.new_head, [entries[1]], known=known(entries))
    assert final.duplicates and not final.bodies


def test_nothing_is_missing_below_the_floor() -> None:
    entries = chain(8)
    head = LogHead(LOG, 5, entries[4].id, floor_seq=5, floor_id=entries[4].id)
    verdict = judge_run(head, entries)
    assert verdict.accepted == entries[5:]
    assert verdict.duplicates == entries[:5]


def test_the_floor_itself_shows_a_fork() -> None:
    entries = chain(5)
    head = LogHead(LOG, 5, entries[4].id, floor_seq=5, floor_id=entries[4].id)
    branch = chain(1, after=entries[3], tag=b"b")
    assert judge_run(head, branch).fork is not None


def test_a_cut_ends_the_log() -> None:
    entries = chain(6)
    cut = LogHead(LOG, cut_seq=4, cut_id=entries[3].id)
    verdict = judge_run(cut, entries)
    assert verdict.accepted == entries[:4]
    assert verdict.refused == entries[4:]
    other = LogHead(LOG, cut_seq=4, cut_id=entries[2].id)
    assert judge_run(other, entries).accepted == entries[:3]
    assert judge_run(LogHead(LOG, cut_seq=0), entries).accepted == []


def test_what_a_head_lacks() -> None:
    head = LogHead(LOG, 5, b"i" * 32, cut_seq=7)  # type: ignore[arg-type]
    assert head.lacks(6) and not head.lacks(5)
    assert head.end(100) == 7
    assert not LogHead(LOG, 7, b"i" * 32, cut_seq=7).lacks(9)  # type: ignore[arg-type]
    assert not LogHead(LOG, frozen=True).lacks(9)


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_any_way_of_handing_over_ends_the_same(seed: int, count: int) -> None:
    """In pieces, with repetitions, with what was held given again: one log, nothing twice."""
    dice = random.Random(seed)
    entries = chain(count)
    head, have, waiting = EMPTY, list[Entry](), list(entries)
    while head.seq < count:
        piece = sorted(dice.sample(waiting, dice.randint(1, len(waiting))), key=lambda entry: entry.seq)
        verdict = judge_run(head, piece, known=known(have))
        head = verdict.new_head
        have += verdict.accepted
        assert verdict.fork is None
    assert have == entries and head == head_of(entries)


# --- blocks of history -----------------------------------------------------------------------------
ENTRIES = chain(10)
ABOVE = LogHead(LOG, 10, ENTRIES[9].id, 1010, 0, floor_seq=6, floor_id=ENTRIES[5].id)


def test_a_block_lowers_the_floor() -> None:
    verdict = judge_block(ABOVE, ENTRIES[2:6])
    assert verdict.accepted == ENTRIES[2:6]
    assert (verdict.new_head.floor_seq, verdict.new_head.floor_id) == (2, ENTRIES[1].id)
    assert verdict.new_head.seq == 10
    down = judge_block(verdict.new_head, ENTRIES[:2]).new_head
    assert (down.floor_seq, down.floor_id) == (0, NO_ENTRY)


def test_a_log_without_entries_begins_with_a_block() -> None:
    verdict = judge_block(EMPTY, ENTRIES[7:])
    head = verdict.new_head
    assert (head.seq, head.id, head.ms) == (10, ENTRIES[9].id, 1010)
    assert (head.floor_seq, head.floor_id) == (7, ENTRIES[6].id)
    with pytest.raises(RemoteError, match="signature"):
        judge_block(EMPTY, [*ENTRIES[7:9], unsigned(ENTRIES[9])])


def test_below_the_floor_the_chain_vouches_for_a_broken_signature() -> None:
    """It harms nothing but passing on; the id above names it."""
    verdict = judge_block(ABOVE, [*ENTRIES[2:5], unsigned(ENTRIES[5])])
    assert verdict.new_head.floor_seq == 2
    assert verdict.verified == set()


def test_what_another_device_brought_meanwhile_is_left_out() -> None:
    assert judge_block(ABOVE, ENTRIES[4:9]).accepted == ENTRIES[4:6]
    assert judge_block(ABOVE, ENTRIES[7:9]).new_head == ABOVE


@pytest.mark.parametrize(
    "block",
    [ENTRIES[2:5], [*ENTRIES[2:4], ENTRIES[5]], [*ENTRIES[2:5], *chain(1, after=ENTRIES[4], tag=b"b"), ENTRIES[5]]],
    ids=["ends too low", "has a gap", "has a number twice"],
)
def test_wrong_blocks_are_refused(block: list[Entry]) -> None:
    with pytest.raises(RemoteError):
        judge_block(ABOVE, block)


def test_a_block_of_another_branch_freezes() -> None:
    branch = chain(2, after=ENTRIES[3], tag=b"b")
    verdict = judge_block(ABOVE, branch)
    assert verdict.fork is not None and verdict.new_head.frozen and not verdict.accepted
    with pytest.raises(RemoteError):
        judge_block(ABOVE, [branch[0], unsigned(branch[1])])


def test_a_block_of_another_log_is_refused() -> None:
    with pytest.raises(RemoteError):
        judge_block(ABOVE, chain(6, key=SigningKey(b"o" * 32)))
