"""A storm over real processes: nothing that was written is lost, doubled or out of order.

`make chaos MESSAGES=10000` makes a long one of it; ONIONCHAT_CHAOS_SEED draws the same faults again.
"""

import os
import random
from collections.abc import Iterator

import pytest

from onionchat.errors import LocalError
from onionchat.testing.chaos import SmallDisk, Storm
from onionchat.testing.people import People, make_contacts

MESSAGES = int(os.environ.get("ONIONCHAT_CHAOS_MESSAGES") or 600)
SECONDS_MAX = 240 + MESSAGES


@pytest.fixture
def disks(tmp_path, capsys) -> Iterator[list[SmallDisk]]:
    """A small disk for each profile, or none where that is not allowed."""
    made: list[SmallDisk] = []
    try:
        if not SmallDisk.available():
            raise LocalError("mounting needs root")
        made += [SmallDisk(tmp_path / "alice"), SmallDisk(tmp_path / "bob")]
    except LocalError as error:
        with capsys.disabled():
            print(f"\nchaos: full disks are left out: {error}")
    yield made
    for disk in made:
        disk.unmount()


@pytest.mark.chaos
@pytest.mark.timeout(SECONDS_MAX)
def test_nothing_is_lost_doubled_or_out_of_order(tor_network, tmp_path, disks, capsys):
    seed = int(os.environ.get("ONIONCHAT_CHAOS_SEED") or random.randrange(10**6))
    with People(tor_network, tmp_path) as people:
        alice, bob = people.arrive("alice", "bob")
        make_contacts(alice, bob)
        with Storm((alice, bob), tor_network, random.Random(seed), disks) as storm:
            report = storm.rage(MESSAGES)
        with capsys.disabled():
            print(f"\nchaos, seed {seed}: {report}")
        assert report.wrong == [], f"seed {seed}"
        assert report.messages == MESSAGES
        assert sum(report.faults.values()) >= 3, "a breeze is no storm"
