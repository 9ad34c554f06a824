"""Virtual time for many machines: one queue of events, and for each life of a machine a reactor of its own.

An event belongs to a machine or to the world. What belongs to a machine that was killed never runs; what belongs to
one that sleeps runs when it wakes. Two events of one moment run in the order in which they were made.
"""

from collections.abc import Callable
from hashlib import blake2b
from heapq import heappop, heappush
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import AlreadyCalled, AlreadyCancelled

FIRST_PORT = 20_000


class Event:
    """Something that is due; towards the node it is Twisted's IDelayedCall."""

    __slots__ = ("_action", "_is_cancelled", "is_over", "kind", "number", "owner", "time")

    def __init__(self, time: float, owner: "Machine | None", kind: str, action: Callable[[], object]) -> None:
        self._action = action
        self.time, self.number, self.owner, self.kind = time, 0, owner, kind
        self.is_over = self._is_cancelled = False

    def __lt__(self, other: "Event") -> bool:
        return (self.time, self.number) < (other.time, other.number)

    def run(self) -> None:
        """Its time has come."""
        self.is_over = True
        self._action()

    def active(self) -> bool:
        """See IDelayedCall."""
        return not self.is_over and not self._is_cancelled

    def cancel(self) -> None:
        """See IDelayedCall."""
        if self.is_over:
            raise AlreadyCalled
        if self._is_cancelled:
            raise AlreadyCancelled
        self._is_cancelled = True

    def getTime(self) -> float:
        """See IDelayedCall."""
        return self.time


class EventQueue:
    """All that will happen. `now` is in seconds since the world began."""

    def __init__(self) -> None:
        self.now = 0.0
        self.run_count = 0
        self.before: Callable[[Event], None] = lambda event: None
        """Called for each event of a machine, just before it; may kill the machine."""
        self.after: Callable[[Event], None] = lambda event: None
        """Called for each event of a machine, just after it."""
        self._heap: list[Event] = []
        self._number = 0
        self._trace = blake2b(digest_size=16)

    @property
    def trace(self) -> str:
        """What has happened so far, when and to whom, in 16 bytes: the same in two runs of one seed."""
        return self._trace.hexdigest()

    def schedule(self, delay_seconds: float, owner: "Machine | None", kind: str, action: Callable[[], object]) -> Event:
        """Something for later. `kind`: what tells events of a machine apart, for whoever kills it at one."""
        return self.schedule_at(self.now + max(0.0, delay_seconds), owner, kind, action)

    def schedule_at(self, time: float, owner: "Machine | None", kind: str, action: Callable[[], object]) -> Event:
        """Something for a time; sums of floats would not keep an order."""
        event = Event(time, owner, kind, action)
        self._push(event)
        return event

    def schedule_again(self, event: Event) -> None:
        """What was postponed is due now, after all that was made due before."""
        event.time = max(event.time, self.now)
        self._push(event)

    def _push(self, event: Event) -> None:
        self._number += 1
        event.number = self._number
        heappush(self._heap, event)

    def run_until(self, time: float) -> None:
        """Let everything happen that is due until then."""
        while self._heap and self._heap[0].time <= time:
            event = heappop(self._heap)
            if event.active():
                self.now = max(self.now, event.time)
                self._run(event)
        self.now = max(self.now, time)

    def _run(self, event: Event) -> None:
        owner = event.owner
        if owner is None:
            event.run()
            return
        if owner.is_asleep:
            owner.postponed.append(event)
            return
        self.before(event)
        if owner.is_dead or not event.active():
            return
        self.run_count += 1
        self._trace.update(f"{self.now:.6f} {owner.name} {event.kind}\n".encode())
        event.run()
        self.after(event)


class _Port:
    """What `listenTCP` gives."""

    def __init__(self, machine: "Machine", number: int) -> None:
        self._machine, self._number = machine, number

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", self._number)

    def stopListening(self) -> None:
        self._machine.listening.pop(self._number, None)


class Machine:
    """One life of a machine, from its start to its end: what the node on it takes for its reactor."""

    def __init__(self, queue: EventQueue, name: str) -> None:
        self.queue, self.name = queue, name
        self.is_dead = False
        self.is_asleep = False
        self.postponed: list[Event] = []
        """What was due while it slept, in the order in which it was due."""
        self._sleeps = 0
        self.listening: dict[int, Any] = {}
        self._last_port = FIRST_PORT

    def sleep(self, seconds: float) -> None:
        """Nothing runs here for a while; what is due meanwhile runs when it wakes."""
        self.is_asleep = True
        self._sleeps += 1
        sleep = self._sleeps
        self.queue.schedule(seconds, None, "wake", lambda: self.wake(sleep))

    def wake(self, sleep: int | None = None) -> None:
        """The end of a sleep (of any that it is in)."""
        if self.is_asleep and sleep in (None, self._sleeps):
            self.is_asleep = False
            postponed, self.postponed = self.postponed, []
            for event in postponed:
                self.queue.schedule_again(event)

    def after(self, delay_seconds: float, kind: str, action: Callable[[], object]) -> Event:
        """Something for later, if this machine still lives then."""
        return self.queue.schedule(delay_seconds, self, kind, action)

    # --- as a reactor --------------------------------------------------------------------------------------
    def seconds(self) -> float:
        """See IReactorTime."""
        return self.queue.now

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> Event:
        """See IReactorTime."""
        return self.after(delay, "timer", lambda: callable(*args, **kw))

    def callFromThread(self, callable: Callable[..., object], *args: Any, **kw: Any) -> None:
        """See IReactorFromThreads; here is one thread alone."""
        self.after(0, "timer", lambda: callable(*args, **kw))

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> _Port:
        """No socket: the network finds the factory by the port's number."""
        self._last_port += 1
        self.listening[self._last_port] = factory
        return _Port(self, self._last_port)
