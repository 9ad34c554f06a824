"""One simulated device, life after life."""

import random as dice
from typing import Any

from onionchat.api import types as t
from onionchat.testing.sim.clock import EventQueue
from onionchat.testing.sim.device import EPOCH_SECONDS, RETRY_SECONDS, Device
from onionchat.testing.sim.disk import Disk
from onionchat.testing.sim.founding import found
from onionchat.testing.sim.network import SimulatedNetwork


def device(name: str = "Ann1") -> tuple[EventQueue, Device]:
    queue = EventQueue()
    disk = Disk(dice.Random(1).randbytes)
    found(disk, "Ann", dice.Random(2).randbytes)
    network = SimulatedNetwork(queue, dice.Random(3))
    return queue, Device(name, disk, queue, network, "seed", lambda *_: None)


def test_it_lives_stops_and_lives_again() -> None:
    queue, ann = device()
    assert not ann.is_up and not ann.is_ready
    ann.start()
    ann.start()
    queue.run_until(20)
    assert ann.is_ready and ann.lives == 1
    status: t.Status = ann.tell("status.get")
    assert status.name == "Ann" and status.onion == "reachable" and status.device == ann.id
    ann.stop()
    queue.run_until(40)
    assert not ann.is_up and 20 < ann.up_seconds < 40
    ann.start()
    queue.run_until(60)
    assert ann.is_ready and ann.lives == 2


def test_a_kill_is_at_once_and_the_disk_stays() -> None:
    queue, ann = device()
    ann.start()
    queue.run_until(20)
    told: list[Any] = []
    ann.ask("message.send", told.append, name="Notes", text="kept")
    queue.run_until(30)
    ann.ask("message.send", told.append, name="Notes", text="lost")
    ann.kill()
    ann.kill()
    queue.run_until(40)
    assert len(told) == 1 and not ann.is_up
    ann.start()
    queue.run_until(60)
    assert [line.text for line in ann.tell("message.log", name="Notes")] == ["kept"]


def test_a_start_while_it_stops_comes_after_it() -> None:
    queue, ann = device()
    ann.start()
    queue.run_until(20)
    ann.stop()
    ann.start()
    queue.run_until(60)
    assert ann.is_ready and ann.lives == 2


def test_what_the_api_refuses_is_heard_of() -> None:
    queue, ann = device()
    ann.start()
    queue.run_until(20)
    heard = list[str]()
    ann.ask("message.send", None, lambda: heard.append("refused"), name="Nobody", text="hello")
    assert heard == ["refused"]


def test_a_start_that_the_disk_refuses_is_tried_again() -> None:
    queue, ann = device()
    ann.connection.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON main.conversation BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    ann.start()
    queue.run_until(20)
    assert not ann.is_up
    ann.connection.execute("DROP TRIGGER full")
    queue.run_until(20 + RETRY_SECONDS)
    assert ann.is_ready and ann.lives == 2


def test_its_clock_may_be_wrong() -> None:
    queue, ann = device()
    queue.run_until(10)
    assert ann.wall_clock() == EPOCH_SECONDS + 10
    ann.clock_ahead_seconds = -3600
    assert ann.wall_clock() == EPOCH_SECONDS - 3590
