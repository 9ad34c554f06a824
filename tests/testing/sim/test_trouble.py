"""What may happen."""

from onionchat.testing.sim.actions import Actions
from onionchat.testing.sim.trouble import EVENTFUL, QUIET, Trouble


def test_each_kind_of_trouble_has_a_weight_and_is_carried_out() -> None:
    for kind in EVENTFUL:
        assert getattr(Trouble(), kind) >= 0
        assert callable(getattr(Actions, kind))
    assert QUIET.seconds == 0
