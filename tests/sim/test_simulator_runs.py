"""Many worlds, each from a seed. A failure names its seed: ONIONCHAT_SEED=… runs that one alone.

ONIONCHAT_SIM_SEEDS: how many worlds of each sort (`make sim SEEDS=1000`); about twenty seconds by default.
"""

import os
from collections.abc import Iterator

import pytest

from onionchat.testing.simulator import Simulator, Trouble

SORTS: dict[str, tuple[tuple[int, ...], Trouble]] = {
    "everyday": ((2, 2, 1), Trouble()),
    "restored disks": ((2, 2, 1), Trouble(restore=2.0)),
    "crashes": ((2, 3), Trouble(crash=4.0, crash_after_commit=4.0, disconnect=6.0, burst=2.0)),
    "deletions": ((2, 2), Trouble(forget=6.0, write=6.0, skew=2.0)),
    "many devices": ((3, 3, 2), Trouble(burst=2.0, new_device=1.0, partition=2.0)),
    "two people": ((1, 1), Trouble(disconnect=6.0, seconds=400.0)),
    "crossed links": ((3, 1), Trouble(connect=20.0, pause_seconds=0.2, seconds=60.0)),
}


def seeds() -> Iterator[int]:
    alone = os.environ.get("ONIONCHAT_SEED")
    if alone:
        return iter([int(alone)])
    return iter(range(int(os.environ.get("ONIONCHAT_SIM_SEEDS", "12"))))


@pytest.mark.sim
@pytest.mark.parametrize("sort", SORTS)
def test_all_promises_hold_after_healing(sort: str) -> None:
    accounts, trouble = SORTS[sort]
    for seed in seeds():
        print(f"{sort}: seed {seed}")
        Simulator(seed, accounts, trouble).run()


@pytest.mark.sim
def test_a_seed_gives_the_same_world_again() -> None:
    worlds = [Simulator(7, (2, 2), Trouble(seconds=60.0)) for _ in range(2)]
    for world in worlds:
        world.run()
    first, second = worlds
    assert first.written == second.written and first.records_sent == second.records_sent > 0
