"""A device's disk: its database in memory, kept from one life to the next, with the real jobs, gate and transactions.

One connection reads and writes: a transaction begins and ends within one event, so nobody ever reads within one.
"""

import random as dice
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from onionchat.errors import LockedError
from onionchat.store.db import Connection, connect, migrate
from onionchat.store.own import load_own
from onionchat.store.store import Store
from onionchat.store.writer import GROUP_MAX, Job, Outcome, Transactions, Waiting, fire, refuse
from onionchat.testing.sim.clock import Machine

T = TypeVar("T")
KEY_BYTES = 32
PAGES_MAX = 2**30
COMMIT_SECONDS = 0.02
SLOW_COMMIT_SECONDS = 2.0
SLOW_SHARE = 0.02
TELL_SECONDS = 0.003


class Disk:
    """What survives a crash. `fill` makes it full: SQLite itself then says so, as it does on a real one."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self.connection = connect(":memory:", random(KEY_BYTES))
        migrate(self.connection)
        self.is_full = False

    def fill(self) -> None:
        """From now on the database cannot grow."""
        (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
        self.connection.execute(f"PRAGMA max_page_count={int(pages)}")
        self.is_full = True

    def free(self) -> None:
        """There is room again."""
        self.connection.execute(f"PRAGMA max_page_count={PAGES_MAX}")
        self.is_full = False


class TurnWriter:
    """Runs jobs as the store's thread does, but in events of the machine: some time later, in groups of any size."""

    def __init__(self, connection: Connection, machine: Machine, random: dice.Random) -> None:
        self._transactions, self._machine, self._dice = Transactions(connection), machine, random
        self._waiting: deque[Waiting] = deque()
        self._is_closed = False
        self._is_due = False

    def submit(self, job: Job[T]) -> "Deferred[T]":
        """See `Writer`."""
        deferred: Deferred[T] = Deferred()
        if self._is_closed:
            return refuse(deferred)
        self._waiting.append((job, deferred))
        self._commit_soon()
        return deferred

    def _commit_soon(self) -> None:
        if not self._is_due and self._waiting:
            self._is_due = True
            longest = SLOW_COMMIT_SECONDS if self._dice.random() < SLOW_SHARE else COMMIT_SECONDS
            self._machine.after(self._dice.uniform(0, longest), "commit", self._commit)

    def _commit(self) -> None:
        self._is_due = False
        if self._waiting:
            size = min(len(self._waiting), self._dice.choice((1, 2, 8, GROUP_MAX)))
            self._tell(self._transactions.commit([self._waiting.popleft() for _ in range(size)]))
            self._commit_soon()

    def _tell(self, outcomes: list[Outcome]) -> None:
        self._machine.after(self._dice.uniform(0, TELL_SECONDS), "committed", lambda: fire(outcomes))

    def checkpoint(self) -> None:
        """See `Writer`; a database in memory has no such log."""

    def close(self) -> None:
        """See `Writer`; the disk stays."""
        self._is_closed = True
        if self._waiting:
            self._tell(self._transactions.commit(list(self._waiting)))
            self._waiting.clear()


class DiskStore(Store):
    """A store on a simulated disk."""

    def __init__(self, disk: Disk, machine: Machine, random: dice.Random) -> None:
        self.migrated_from = migrate(disk.connection)
        self.own = load_own(disk.connection)
        self._begin(disk.connection, TurnWriter(disk.connection, machine, random), random.randbytes)

    def close(self) -> None:
        """See `Store`; the connection is the disk's."""
        if self.is_open:
            self.is_open = False
            self._writer.close()


class DiskProfile:
    """What a node wants of its profile. Any passphrase but the empty one opens it."""

    def __init__(self, disk: Disk, machine: Machine, random: dice.Random) -> None:
        self.directory = Path("simulated")
        self.warnings: list[str] = []
        self.is_locked = False
        self._disk, self._machine, self._random = disk, machine, random

    def open_store(self, reactor: Any, random: Callable[[int], bytes]) -> Store:
        """See `Profile`."""
        if self.is_locked:
            raise LockedError("the profile is locked: unlock it with `onionchat unlock`")
        return DiskStore(self._disk, self._machine, self._random)

    def lock(self) -> None:
        """See `Profile`."""
        self.is_locked = True

    def unlock(self, passphrase: str) -> None:
        """See `Profile`."""
        if not passphrase:
            raise LockedError("wrong passphrase")
        self.is_locked = False

    def close(self) -> None:
        """See `Profile`."""
