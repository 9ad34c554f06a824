"""One device of somebody: its disk, its clock, and a real node on it, from one life to the next."""

import random as dice
from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from onionchat.api.methods import BY_NAME
from onionchat.api.service import Service
from onionchat.errors import OnionchatError
from onionchat.ids import id_text
from onionchat.net.peer import PeerLink
from onionchat.node.node import Node
from onionchat.testing.sim.clock import EventQueue, Machine
from onionchat.testing.sim.disk import Disk, DiskProfile
from onionchat.testing.sim.network import SimulatedNetwork, SimulatedTor

EPOCH_SECONDS = 1_800_000_000.0
RETRY_SECONDS = 60.0
LINGER_SECONDS = 60.0  # of a node that has stopped: its last bytes may still go out

Blame = Callable[["Device", PeerLink, str], None]
"""Told when a device says that the other side of a link did what nobody honest does."""


class Device:
    """A device. It is up while it has a `machine`."""

    def __init__(
        self, name: str, disk: Disk, queue: EventQueue, network: SimulatedNetwork, seed: str, blame: Blame
    ) -> None:
        self.name, self.disk = name, disk
        self.clock_ahead_seconds = 0.0
        self.machine: Machine | None = None
        self.lives = 0
        self.up_seconds = 0.0
        self.on_life: Callable[[Node], object] = lambda node: None
        """Called with each new node, before it starts."""
        self._queue, self._network, self._blame = queue, network, blame
        self._dice = dice.Random(seed)
        self.up_since = 0.0
        self._is_wanted = False

    def __repr__(self) -> str:
        return f"Device({self.name})"

    @property
    def is_up(self) -> bool:
        """Whether it runs."""
        return self.machine is not None

    @property
    def is_ready(self) -> bool:
        """Whether its node can be asked for something."""
        return self.machine is not None and self.node.is_unlocked and self.node.book.own_roster is not None

    @property
    def id(self) -> str:
        """Its DeviceId, as text."""
        return id_text(self.node.own.device)

    @property
    def connection(self) -> Any:
        """Its database, to look at."""
        return self.disk.connection

    def wall_clock(self) -> float:
        """Seconds since 1970, as this machine has it."""
        return EPOCH_SECONDS + self._queue.now + self.clock_ahead_seconds

    # --- life ----------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Begin a life: a new node opens the disk. While the last one still stops, it begins after that."""
        self._is_wanted = True
        if self.machine is not None:
            return
        self.lives += 1
        self.up_since = self._queue.now
        machine = self.machine = Machine(self._queue, self.name)
        profile: Any = DiskProfile(self.disk, machine, self._dice)
        self.node = Node(profile, machine, None, random=self._dice.randbytes, wall_clock=self.wall_clock)
        self.tor = SimulatedTor(self._network, self.node, machine)
        self.node.tor = self.tor  # type: ignore[assignment]
        self.service = Service(self.node)
        self._watch(self.node)
        self.on_life(self.node)
        self.node.start().addErrback(self._not_started, machine)

    def _not_started(self, failure: Failure, machine: Machine) -> None:
        """The disk is full: the program says so and ends; somebody tries again."""
        self.node.report(failure)
        if self.machine is machine:
            self.kill()
            self._queue.schedule(RETRY_SECONDS, None, "start", self.start)

    def _watch(self, node: Node) -> None:
        closed = node.channel_closed

        def channel_closed(link: PeerLink, reason: str, remote_fault: bool) -> None:
            if remote_fault:
                self._blame(self, link, reason)
            closed(link, reason, remote_fault)

        node.channel_closed = channel_closed  # type: ignore[method-assign]

    def kill(self) -> None:
        """The machine ends, here and now: what was not committed is gone, and nothing more is said."""
        if self.machine is not None:
            machine = self._ended()
            machine.is_dead = True
            self.tor.end()
            self._network.machine_gone(machine)

    def stop(self) -> None:
        """An orderly end of the node; its machine goes when it is done."""
        machine = self.machine
        self._is_wanted = False
        if machine is None:
            return

        def stopped(result: object) -> None:
            if isinstance(result, Failure):
                self.node.report(result)
            if self.machine is machine:
                self._ended()
                machine.after(LINGER_SECONDS, "timer", lambda: self._gone(machine))
                if self._is_wanted:
                    self.start()

        self.node.stop().addBoth(stopped)

    def _gone(self, machine: Machine) -> None:
        machine.is_dead = True
        self._network.machine_gone(machine)

    def _ended(self) -> Machine:
        machine, self.machine = self.machine, None
        assert machine is not None
        self.up_seconds += self._queue.now - self.up_since
        return machine

    # --- the API -------------------------------------------------------------------------------------------
    def ask(
        self, method: str, then: Callable[[Any], object] | None = None, otherwise: Callable[[], object] | None = None,
        **params: Any,
    ) -> None:  # fmt: skip
        """Call a method of the API; `then` gets its result, `otherwise` is called when it refuses."""
        call: Deferred[Any] = maybeDeferred(self.service.call, method, msgspec.convert(params, BY_NAME[method].params))

        def failed(failure: Failure) -> None:
            if isinstance(failure.value, OnionchatError):
                if otherwise is not None:
                    otherwise()
            else:
                self.node.report(failure)

        call.addCallbacks(then or (lambda _: None), failed).addErrback(self.node.report)

    def tell(self, method: str, **params: Any) -> Any:
        """The result of a method that answers at once."""
        return self.service.call(method, msgspec.convert(params, BY_NAME[method].params))
