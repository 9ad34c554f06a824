"""Whole runs, and what they report."""

from onionchat.testing.sim.runs import Sort, run, total
from onionchat.testing.sim.trouble import Trouble

SMALL = Sort(2, Trouble(seconds=200.0, absence=0.0), devices_each=2, heal_seconds=900.0)


def test_a_seed_gives_the_same_world_again_and_another_seed_another_one() -> None:
    first, again, other = run(1, SMALL), run(1, SMALL), run(2, SMALL)
    assert first.trace == again.trace != other.trace
    assert (first.events, first.device_hours) == (again.events, again.device_hours)
    assert first.devices == 4 and first.events > 1000 and first.device_hours > 1
    assert str(first).startswith("seed 1: 4 devices, ")
    assert total([first, other]).startswith("2 worlds: ")
