"""The warning about our clock."""

from onionchat.ids import DeviceId
from onionchat.node.clocks import ClockSamples

NOW = 1_700_000_000_000
HOUR_MS = 3_600_000
A, B, C = (DeviceId(bytes([n]) * 32) for n in range(3))


def test_nothing_is_known_before_anybody_wrote():
    clocks = ClockSamples()
    assert clocks.skew_seconds is None
    assert clocks.warning == ""


def test_one_wrong_clock_among_three_is_theirs():
    clocks = ClockSamples()
    clocks.add(A, NOW, NOW)
    clocks.add(B, NOW - 200, NOW)
    clocks.add(C, NOW + 9 * HOUR_MS, NOW)
    assert clocks.skew_seconds == 0.0
    assert clocks.warning == ""


def test_when_most_differ_it_is_ours():
    clocks = ClockSamples()
    for device in (A, B, C):
        clocks.add(device, NOW + HOUR_MS, NOW)
    assert clocks.skew_seconds == 3600.0
    assert clocks.warning == "this machine's clock is 60 minutes behind your contacts'; set it right"


def test_ahead_is_told_apart_from_behind_and_a_clock_that_was_set_right_is_believed():
    clocks = ClockSamples()
    clocks.add(A, NOW - HOUR_MS, NOW)
    assert "ahead of" in clocks.warning
    for _ in range(8):
        clocks.add(A, NOW, NOW)
    assert clocks.warning == ""
