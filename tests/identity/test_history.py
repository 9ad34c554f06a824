"""What counts of a set of statements, and who had seen what."""

from itertools import pairwise

import pytest

from onionchat import limits
from onionchat.errors import RemoteError
from onionchat.identity.history import RECOVERY_LEVEL, History
from onionchat.identity.statements import parse_statement
from tests.identity.people import Play, key


def history(play: Play) -> History:
    return History(map(parse_statement, play.raws))


def test_the_past_goes_through_others_statements() -> None:
    play = Play()
    b = play.add("B", by="A", seen=[play.genesis])
    c = play.add("C", by="B", seen=[b])
    d = play.add("D", by="A", seen=[play.genesis])
    found = history(play)
    by_id = {statement.id: statement for statement in found.counted}
    assert found.has_seen(by_id[c], by_id[b])
    assert found.has_seen(by_id[c], found.genesis)
    assert not found.has_seen(by_id[b], by_id[c])
    assert not found.has_seen(by_id[c], by_id[d])
    assert not found.has_seen(by_id[c], by_id[c])
    assert [found.past_size(by_id[id_]) for id_ in (play.genesis, b, c, d)] == [0, 1, 2, 1]


def test_levels_are_distances_from_the_genesis() -> None:
    play = Play()
    play.add("C", by="B")
    play.add("B", by="A")
    play.add("R", by="words")
    found = history(play)
    levels = {name: found.level[key(name).public] for name in ("A", "B", "C", "R", "words")}
    assert levels == {"A": 0, "B": 1, "C": 2, "R": 0, "words": RECOVERY_LEVEL}


def test_a_long_chain_is_walked_without_recursion() -> None:
    play = Play()
    last = play.genesis
    names = ["A", *(f"d{index}" for index in range(40))]
    for signer, name in pairwise(names):
        for index in range(11):
            last = play.add(f"{name}" if index == 0 else f"{name}/{index}", by=signer, seen=[last])
    found = history(play)
    assert len(found.counted) == 441
    assert found.past_size(found.counted[-1]) > 300
    assert found.heads() == (last,)


def test_heads_are_capped_with_the_nearest_first() -> None:
    play = Play()
    for signer in range(6):
        play.add(f"s{signer}", by="A", seen=[play.genesis])
        for index in range(limits.STATEMENTS_PER_SIGNER_MAX):
            play.add(f"{signer}-{index}", by=f"s{signer}", seen=[play.genesis])
    found = history(play)
    assert len(found.heads()) == limits.HEADS_MAX
    assert all(parse.signer == key("A").public for parse in found.counted[1:7])
    assert {statement.id for statement in found.counted[1:7]} <= set(found.heads())


def test_nothing_counts_without_a_genesis() -> None:
    with pytest.raises(RemoteError):
        History([])
