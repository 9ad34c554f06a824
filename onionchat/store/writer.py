"""The one thread that writes. What waits is committed as a group; then the Deferreds fire on the reactor.

When a job fails, the group is rolled back and runs again, each job in a SAVEPOINT, so that one failure does not take
the others; a failed COMMIT fails all of it. So a job may run twice, and may change nothing but the database.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from onionchat.errors import LockedError
from onionchat.store.db import Connection, DatabaseError, explain

T = TypeVar("T")
GROUP_MAX = 512
SWITCH_SECONDS = 0.0005
"""SQLite lets go of the interpreter at every statement; by default another thread then keeps it for 5 ms."""

Job = Callable[[Connection], T]
Waiting = tuple[Job[Any], Deferred[Any]]
Outcome = tuple[Deferred[Any], Any]


class Transactions:
    """Runs groups of jobs on one connection, each group in one transaction, where no job takes the others with it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.commits = 0

    def truncate(self) -> None:
        """Empty the write-ahead log."""
        try:
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except DatabaseError:
            return  # a reader is in the way; the next commit's checkpoint does it

    def commit(self, group: list[Waiting]) -> list[Outcome]:
        """Run and commit; the outcomes are for `fire`, once nothing else can fail."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            outcomes = self._together(group)
            if outcomes is None:
                outcomes = [(deferred, self._attempt(job)) for job, deferred in group]
            self.connection.execute("COMMIT")
            self.commits += 1
        except DatabaseError as error:
            failure = _failure(explain(error))
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            return [(deferred, failure) for _, deferred in group]
        return outcomes

    def _together(self, group: list[Waiting]) -> list[Outcome] | None:
        """All jobs without a SAVEPOINT, at each of which full text would be written out. None: one has failed."""
        try:
            return [(deferred, job(self.connection)) for job, deferred in group]
        except Exception:
            if self.connection.in_transaction:  # a full disk may have ended it
                self.connection.execute("ROLLBACK")
            self.connection.execute("BEGIN IMMEDIATE")
            return None

    def _attempt(self, job: Job[Any]) -> Any:
        self.connection.execute("SAVEPOINT job")
        try:
            outcome = job(self.connection)
        except DatabaseError as error:
            if not self.connection.in_transaction:
                raise  # a full disk may end the whole transaction: the group fails, with this reason
            self.connection.execute("ROLLBACK TO job")
            outcome = _failure(explain(error))
        except Exception:
            self.connection.execute("ROLLBACK TO job")
            outcome = _failure(None)
        self.connection.execute("RELEASE job")
        return outcome


class Writer:
    """Runs jobs on one connection in one thread, in the order in which they were given."""

    def __init__(self, connection: Connection, reactor: IReactorFromThreads) -> None:
        self._transactions, self._reactor = Transactions(connection), reactor
        self._waiting: deque[Waiting] = deque()
        self._wanted = threading.Condition()
        self._closing = False
        self._checkpoint_wanted = False
        sys.setswitchinterval(SWITCH_SECONDS)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    @property
    def commits(self) -> int:
        """How many groups were committed."""
        return self._transactions.commits

    def submit(self, job: Job[T]) -> "Deferred[T]":
        """Run `job` in a transaction; fires after the commit, on the reactor's thread."""
        deferred: Deferred[T] = Deferred()
        with self._wanted:
            if self._closing:
                return refuse(deferred)
            self._waiting.append((job, deferred))
            if len(self._waiting) == 1:
                self._wanted.notify()
        return deferred

    def checkpoint(self) -> None:
        """Empty the write-ahead log after the group that is being committed."""
        with self._wanted:
            self._checkpoint_wanted = True
            self._wanted.notify()

    def close(self) -> None:
        """Commit what waits, then end the thread. Blocks until then; the connection is closed."""
        with self._wanted:
            self._closing = True
            self._wanted.notify()
        self._thread.join()
        self._transactions.connection.close()

    def _run(self) -> None:
        while True:
            with self._wanted:
                while not self._waiting and not self._closing and not self._checkpoint_wanted:
                    self._wanted.wait()
                truncate, self._checkpoint_wanted = self._checkpoint_wanted, False
                if not self._waiting and not truncate:
                    return
                group = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_MAX))]
            outcomes = self._transactions.commit(group) if group else []
            if truncate:
                self._transactions.truncate()
            self._reactor.callFromThread(fire, outcomes)


def refuse(deferred: "Deferred[T]") -> "Deferred[T]":
    """The answer to a job that comes too late."""
    deferred.errback(_failure(LockedError("the store is closed: unlock first")))
    return deferred


def fire(outcomes: list[Outcome]) -> None:
    """Tell everybody of a group what became of it; on the reactor's thread."""
    for deferred, outcome in outcomes:
        if isinstance(outcome, Failure):
            deferred.errback(outcome)
        else:
            deferred.callback(outcome)


def _failure(error: BaseException | None) -> Failure:
    return Failure(error)  # type: ignore[no-untyped-call]
