"""Both ends keep the same one of two channels."""

import pytest

from onionchat import limits
from onionchat.ids import DeviceId
from onionchat.wire.crossed import keep_new

LOW, HIGH = DeviceId(b"\x01" * 32), DeviceId(b"\x02" * 32)


@pytest.mark.parametrize("apart", [0.0, 1.0, limits.CROSSED_DIAL_SECONDS, limits.CROSSED_DIAL_SECONDS + 1])
@pytest.mark.parametrize("new_by_low", [True, False])
@pytest.mark.parametrize("old_by_low", [True, False])
def test_both_ends_agree(apart: float, new_by_low: bool, old_by_low: bool) -> None:
    low = keep_new(LOW, HIGH, new_by_low, old_by_low, apart)
    high = keep_new(HIGH, LOW, not new_by_low, not old_by_low, apart)
    assert low == high


@pytest.mark.parametrize("apart", [0.0, limits.CROSSED_DIAL_SECONDS])
def test_of_crossed_dials_the_lower_device_s_stays(apart: float) -> None:
    assert keep_new(LOW, HIGH, new_is_outgoing=True, old_is_outgoing=False, seconds_apart=apart)
    assert not keep_new(LOW, HIGH, new_is_outgoing=False, old_is_outgoing=True, seconds_apart=apart)


@pytest.mark.parametrize("own_first", [True, False])
@pytest.mark.parametrize("own", [LOW, HIGH])
def test_the_order_in_which_an_end_sees_them_does_not_matter(own: DeviceId, own_first: bool) -> None:
    """The dials cross: what is newer for one may be older for the other."""
    peer = HIGH if own == LOW else LOW
    newer_stays = keep_new(own, peer, new_is_outgoing=not own_first, old_is_outgoing=own_first, seconds_apart=1)
    outgoing_stays = newer_stays != own_first
    assert outgoing_stays == (own == LOW)


@pytest.mark.parametrize(("new", "old", "apart"), [(True, True, 1.0), (False, False, 1.0), (False, True, 61.0)])
def test_otherwise_the_newer_wins(new: bool, old: bool, apart: float) -> None:
    assert keep_new(LOW, HIGH, new, old, apart) and keep_new(HIGH, LOW, new, old, apart)
