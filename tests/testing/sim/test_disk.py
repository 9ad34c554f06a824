"""Simulated disks: real transactions, in events; full ones; what a crash leaves."""

import random as dice
from typing import Any

import pytest
from twisted.python.failure import Failure

from onionchat.errors import LockedError, StoreError
from onionchat.testing.sim.clock import EventQueue, Machine
from onionchat.testing.sim.disk import Disk, DiskProfile, DiskStore, TurnWriter
from onionchat.testing.sim.founding import found


def put(value: str) -> Any:
    return lambda c: c.execute("INSERT INTO meta VALUES (?, ?)", (value, value.encode()))


def values(disk: Disk) -> list[str]:
    return [key for (key,) in disk.connection.execute("SELECT key FROM meta ORDER BY key")]


class Bench:
    def __init__(self) -> None:
        self.queue, self.disk = EventQueue(), Disk(dice.Random(1).randbytes)
        self.machine = Machine(self.queue, "a")
        self.writer = TurnWriter(self.disk.connection, self.machine, dice.Random(2))
        self.outcomes: list[Any] = []

    def submit(self, job: Any) -> None:
        self.writer.submit(job).addBoth(self.outcomes.append)


def test_jobs_are_committed_in_order_some_time_later() -> None:
    bench = Bench()
    for value in "abcdefgh":
        bench.submit(put(value))
    assert values(bench.disk) == []
    bench.queue.run_until(60)
    assert values(bench.disk) == list("abcdefgh") and len(bench.outcomes) == 8


def test_a_crash_loses_what_was_not_committed_and_nothing_else() -> None:
    seen = set()
    for count in range(12):
        bench = Bench()
        for value in "abcd":
            bench.submit(put(value))
        left = [count]

        def die(event: object, bench: Bench = bench, left: list[int] = left) -> None:
            left[0] -= 1
            bench.machine.is_dead = left[0] < 0

        bench.queue.before = die
        bench.queue.run_until(60)
        assert values(bench.disk) == list("abcd")[: len(values(bench.disk))]
        assert len(bench.outcomes) <= len(values(bench.disk))  # nobody is told of what is not on the disk
        seen.add((len(values(bench.disk)), len(bench.outcomes)))
    assert (0, 0) in seen and (4, 4) in seen
    assert any(told < kept for kept, told in seen)  # a death between the commit and its being told


def test_a_full_disk_refuses_as_a_real_one_does() -> None:
    bench = Bench()
    bench.disk.fill()
    bench.submit(lambda c: c.execute("INSERT INTO meta VALUES ('big', zeroblob(1000000))"))
    bench.queue.run_until(60)
    (failure,) = bench.outcomes
    assert isinstance(failure, Failure) and "the disk is full" in str(failure.value)
    assert failure.check(StoreError) and values(bench.disk) == []
    bench.disk.free()
    bench.submit(put("a"))
    bench.queue.run_until(120)
    assert values(bench.disk) == ["a"]


def test_closing_commits_what_waits_and_then_takes_nothing() -> None:
    bench = Bench()
    bench.submit(put("a"))
    bench.writer.close()
    bench.writer.checkpoint()
    assert values(bench.disk) == ["a"]
    bench.submit(put("b"))
    (failure,) = bench.outcomes
    assert failure.check(LockedError)
    bench.queue.run_until(60)
    assert values(bench.disk) == ["a"] and len(bench.outcomes) == 2


def test_a_disk_outlives_its_store() -> None:
    disk, queue = Disk(dice.Random(1).randbytes), EventQueue()
    found(disk, "Ann", dice.Random(2).randbytes)
    devices = []
    for life in range(2):
        machine = Machine(queue, "a")
        store = DiskStore(disk, machine, dice.Random(life))
        devices.append(store.own.device)
        store.ensure_self()
        store.close()
        store.close()
    assert devices[0] == devices[1]


def test_a_profile_is_locked_and_unlocked() -> None:
    disk, queue = Disk(dice.Random(1).randbytes), EventQueue()
    found(disk, "Ann", dice.Random(2).randbytes)
    profile = DiskProfile(disk, Machine(queue, "a"), dice.Random(3))
    profile.open_store(None, bytes).close()
    profile.lock()
    with pytest.raises(LockedError):
        profile.open_store(None, bytes)
    with pytest.raises(LockedError):
        profile.unlock("")
    profile.unlock("anything")
    profile.open_store(None, bytes).close()
    profile.close()
