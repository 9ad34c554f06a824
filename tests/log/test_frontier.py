"""Positions, gaps, digests."""

import pytest

from onionchat import limits
from onionchat.errors import RemoteError
from onionchat.ids import ConversationId, LogId
from onionchat.log.frontier import (
    Gap,
    Levels,
    check_positions,
    compare,
    conversation_digest,
    conversation_hash,
    heads_by_log,
    position,
    root_digest,
    unknown_logs,
)
from onionchat.log.log import LogHead
from onionchat.wire.records import Position

A, B, C = LogId(b"a" * 32), LogId(b"b" * 32), LogId(b"c" * 32)
ID = b"i" * 32
CHAT = ConversationId(b"c" * 32)
KEY = b"k" * 32


def head(log: LogId, seq: int, **more: object) -> LogHead:
    return LogHead(log, seq, ID if seq else bytes(32), **more)  # type: ignore[arg-type]


def test_only_what_they_have_more_of_is_a_gap() -> None:
    ours = heads_by_log([head(A, 3), head(B, 5), head(C, 9, frozen=True)])
    theirs = [Position(A, 7, ID), Position(B, 5, ID), Position(C, 12, ID), Position(b"x" * 32, 4, ID)]
    assert compare(ours, theirs) == [Gap(A, 4, 7)]
    assert unknown_logs(ours, theirs) == [theirs[3]]


def test_a_cut_ends_the_gap() -> None:
    assert compare({A: head(A, 3, cut_seq=5)}, [Position(A, 9, ID)]) == [Gap(A, 4, 5)]
    assert compare({A: head(A, 5, cut_seq=5)}, [Position(A, 9, ID)]) == []


def test_nothing_below_the_floor_is_a_gap() -> None:
    assert compare({A: head(A, 5, floor_seq=5)}, [Position(A, 5, ID)]) == []


@pytest.mark.parametrize(
    "positions",
    [
        [Position(A, 1, ID), Position(A, 2, ID)],
        [Position(A, limits.SEQ_MAX + 1, ID)],
        [Position(A, 1, bytes(32))],
        [Position(A, 0, ID)],
    ],
)
def test_positions_that_cannot_be(positions: list[Position]) -> None:
    with pytest.raises(RemoteError):
        check_positions(positions)
    check_positions([Position(A, limits.SEQ_MAX, ID), Position(B, 0, bytes(32))])


def test_a_digest_covers_heads_in_any_order_and_no_more() -> None:
    digest = conversation_digest(KEY, CHAT, [head(A, 3), head(B, 5)])
    assert digest == conversation_digest(KEY, CHAT, [head(B, 5, floor_seq=4), head(A, 3), head(C, 0)])
    others = [
        conversation_digest(KEY, CHAT, [head(A, 4), head(B, 5)]),
        conversation_digest(KEY, CHAT, [head(A, 3)]),
        conversation_digest(b"o" * 32, CHAT, [head(A, 3), head(B, 5)]),
        conversation_digest(KEY, ConversationId(b"o" * 32), [head(A, 3), head(B, 5)]),
    ]
    assert digest not in others and len(digest) == 8


def test_of_a_settled_fork_a_digest_covers_only_that_there_is_one() -> None:
    ours = [head(A, 3), head(B, 5, frozen=True)]
    theirs = [head(A, 3), head(B, 9, frozen=True)]
    assert conversation_digest(KEY, CHAT, ours) == conversation_digest(KEY, CHAT, theirs)
    assert conversation_digest(KEY, CHAT, ours, [B]) != conversation_digest(KEY, CHAT, theirs, [B])
    assert conversation_digest(KEY, CHAT, ours, [B]) == conversation_digest(KEY, CHAT, ours[::-1], [A, B])
    for unsettled in ([], [B]):
        assert conversation_digest(KEY, CHAT, ours, unsettled) != conversation_digest(
            KEY, CHAT, [head(A, 3), head(B, 5)]
        )


def test_a_root_covers_all_conversations_in_any_order() -> None:
    pairs = [(b"1" * 8, b"x" * 8), (b"2" * 8, b"y" * 8)]
    assert root_digest(KEY, pairs) == root_digest(KEY, pairs[::-1])
    assert root_digest(KEY, pairs) != root_digest(KEY, pairs[:1])
    assert len(root_digest(KEY, [])) == 16
    assert conversation_hash(KEY, CHAT) != conversation_hash(b"o" * 32, CHAT)


def test_levels_only_rise() -> None:
    levels = Levels()
    levels.peer_has(A, 5)
    levels.peer_has(A, 3)
    assert levels.theirs == {A: 5} and levels.named == {A}
    assert position(head(A, 3)) == Position(A, 3, ID)
