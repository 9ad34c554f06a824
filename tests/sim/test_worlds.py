"""Whole worlds of real nodes, each from a seed. A failure names it; `make sim SIM_SEED=…` runs that one alone.

ONIONCHAT_SIM_SEEDS: how many worlds of each sort (`make sim SEEDS=1000`); by default as many as take half a minute.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from onionchat.testing.sim.runs import Report, Sort, run, total
from onionchat.testing.sim.trouble import HOUR, Trouble

QUARTER = HOUR / 4

SORTS = {
    "two people": Sort(2, Trouble(seconds=HOUR, absence=0.0), heal_seconds=HOUR),
    "many devices": Sort(2, Trouble(seconds=QUARTER, pause_seconds=4.0, absence=0.0, link=0.3), 3, heal_seconds=HOUR),
    "crashes": Sort(3, Trouble(seconds=QUARTER, pause_seconds=3.0, kill=8.0, absence=0.0), 2, heal_seconds=HOUR),
    "moves": Sort(3, Trouble(seconds=QUARTER, block=2.0, lock=1.0, absence=0.0), 2, heal_seconds=HOUR),
    "deletions": Sort(
        2, Trouble(seconds=QUARTER, forget=8.0, retract=4.0, edit=4.0, absence=0.0), 2, heal_seconds=HOUR
    ),
    "weeks away": Sort(2, Trouble(seconds=2 * HOUR, pause_seconds=30.0, absence=2.0), 2, heal_seconds=HOUR),
    "false carriers": Sort(2, Trouble(seconds=QUARTER, forget=3.0, absence=0.0), 3, heal_seconds=HOUR, false_share=0.1),
    "untrusting": Sort(2, Trouble(seconds=QUARTER, untrust=0.7, absence=0.0), 3, heal_seconds=HOUR / 2),
    "thief and owner": Sort(
        2, Trouble(seconds=QUARTER / 2, partition=0.0, absence=0.0), 2, heal_seconds=HOUR, has_thief=True
    ),
    "full disks": Sort(2, Trouble(seconds=QUARTER, fill_disk=6.0, absence=0.0), 2, heal_seconds=HOUR),
}
DEFAULT_SEEDS = 2
HUNDREDS = Sort(
    100, Trouble(seconds=120.0, pause_seconds=0.2, partition=0.05, break_links=0.1, absence=0.0), 2, heal_seconds=600.0
)
"""Two hundred devices; in a default run fewer, so that it takes no more than half a minute."""
HUNDREDS_BY_DEFAULT = 52


def wanted_seeds() -> tuple[Iterator[int], bool]:
    """The seeds, and whether somebody asked for them."""
    alone = os.environ.get("ONIONCHAT_SEED")
    if alone:
        return iter([int(alone)]), True
    count = os.environ.get("ONIONCHAT_SIM_SEEDS")
    return iter(range(int(count or DEFAULT_SEEDS))), count is not None


@pytest.mark.sim
@pytest.mark.slow
@pytest.mark.parametrize("name", SORTS)
def test_all_promises_hold_after_healing(name: str) -> None:
    reports: list[Report] = []
    for seed in wanted_seeds()[0]:
        print(f"{name}: seed {seed}", flush=True)
        reports.append(run(seed, SORTS[name]))
    print(f"{name}: {total(reports)}")


@pytest.mark.sim
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_hundreds_of_devices_in_one_world() -> None:
    seeds, is_wanted = wanted_seeds()
    seed = next(seeds)
    people = HUNDREDS.people if is_wanted else HUNDREDS_BY_DEFAULT
    sort = Sort(people, HUNDREDS.trouble, HUNDREDS.devices_each, heal_seconds=HUNDREDS.heal_seconds)
    print(f"hundreds: seed {seed}", flush=True)
    report = run(seed, sort)
    print(f"hundreds: {report}")
    assert report.devices >= 2 * people


@pytest.mark.sim
def test_a_world_depends_on_its_seed_alone() -> None:
    """Not on the hashes of this process either: they are other ones in each."""
    script = (
        "from onionchat.testing.sim.runs import Sort, run; from onionchat.testing.sim.trouble import Trouble\n"
        "print(run(7, Sort(3, Trouble(seconds=300.0, pause_seconds=2.0, absence=0.0, link=0.5), 2, 2, 600.0)).trace)"
    )
    traces = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, check=True, timeout=100,
        ).stdout
        for hashes in ("1", "2")
    }  # fmt: skip
    assert len(traces) == 1
