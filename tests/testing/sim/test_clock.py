"""Virtual time: order, death, sleep."""

import pytest
from twisted.internet.error import AlreadyCalled, AlreadyCancelled

from onionchat.testing.sim.clock import EventQueue, Machine


def test_events_run_in_the_order_of_time_and_then_of_making() -> None:
    queue, said = EventQueue(), list[str]()
    machine = Machine(queue, "a")
    machine.callLater(2, said.append, "late")
    machine.callLater(1, said.append, "first")
    machine.callLater(1, said.append, "second")
    queue.run_until(1.5)
    assert said == ["first", "second"] and machine.seconds() == 1.5
    queue.run_until(5)
    assert said == ["first", "second", "late"]
    assert queue.run_count == 3


def test_what_was_cancelled_does_not_run() -> None:
    queue, said = EventQueue(), list[str]()
    call = Machine(queue, "a").callLater(1, said.append, "x")
    assert call.active() and call.getTime() == 1
    call.cancel()
    with pytest.raises(AlreadyCancelled):
        call.cancel()
    queue.run_until(2)
    assert said == [] and not call.active()
    done = queue.schedule(0, None, "world", lambda: said.append("y"))
    queue.run_until(2)
    with pytest.raises(AlreadyCalled):
        done.cancel()
    assert said == ["y"]


def test_nothing_runs_on_a_dead_machine() -> None:
    queue, said = EventQueue(), list[str]()
    machine = Machine(queue, "a")
    machine.callLater(1, said.append, "x")
    machine.is_dead = True
    queue.run_until(2)
    assert said == []


def test_whoever_watches_may_kill_a_machine_just_before_or_after_an_event() -> None:
    for is_before in (True, False):
        queue, said = EventQueue(), list[str]()
        machine = Machine(queue, "a")
        machine.callLater(1, said.append, "x")
        machine.callLater(2, said.append, "y")

        def kill(event: object, machine: Machine = machine) -> None:
            machine.is_dead = True

        if is_before:
            queue.before = kill
        else:
            queue.after = kill
        queue.run_until(3)
        assert said == ([] if is_before else ["x"])


def test_a_sleeping_machine_catches_up_in_order_when_it_wakes() -> None:
    queue, said = EventQueue(), list[str]()
    machine = Machine(queue, "a")
    machine.callLater(3, said.append, "second")
    machine.callLater(2, said.append, "first")
    machine.callLater(20, said.append, "third")
    machine.sleep(10)
    queue.run_until(9)
    assert said == []
    queue.run_until(11)
    assert said == ["first", "second"]
    machine.sleep(100)
    machine.wake()
    queue.run_until(21)
    assert said == ["first", "second", "third"]


def test_a_second_sleep_goes_on_after_the_first_would_have_ended() -> None:
    queue, said = EventQueue(), list[str]()
    machine = Machine(queue, "a")
    machine.callLater(1, said.append, "x")
    machine.sleep(5)
    machine.sleep(50)
    queue.run_until(40)
    assert said == []
    queue.run_until(51)
    assert said == ["x"]


def test_the_trace_tells_two_runs_apart() -> None:
    traces = []
    for delay in (1.0, 1.0, 2.0):
        queue = EventQueue()
        Machine(queue, "a").callLater(delay, list)
        queue.run_until(3)
        traces.append(queue.trace)
    assert traces[0] == traces[1] != traces[2]
