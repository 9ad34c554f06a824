"""Claims that are rightly encoded and not true."""

import pytest

from onionchat.errors import RemoteError
from onionchat.identity.account import fold
from onionchat.node.meeting import check_introduction
from onionchat.testing.hostile_claims import admit, false_introductions, forged_rosters
from onionchat.testing.nodes import World
from onionchat.testing.strangers import Stranger


@pytest.fixture
def people(tmp_path):
    world = World(tmp_path)
    yield [Stranger(world, seed) for seed in (1, 2, 3)]
    world.stop()


def test_an_admission_is_a_true_one(people):
    me, other, _ = people
    assert fold((me.genesis, admit(me, other)), me.account).active == {me.device, other.device}


def test_every_false_introduction_is_refused_and_the_true_one_is_not(people):
    me, other, _ = people
    check_introduction(me.introduction(), me.certificate())
    for claim in false_introductions(me, other).values():
        with pytest.raises(RemoteError):
            check_introduction(me.introduction(**claim), me.certificate())


def test_forged_rosters_are_different_and_deny_no_right(people):
    forged = list(forged_rosters(*people))
    assert len({name for name, _, _ in forged}) == len(forged) > 8
    assert all(statements for _, _, statements in forged)
