"""The open store: one writer, one reader, the gate, and the keys of this device."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred

from onionchat.ids import ConversationId
from onionchat.kinds.fold import Place
from onionchat.log.entry import self_id
from onionchat.store.db import Connection, connect, migrate
from onionchat.store.gate import Gate
from onionchat.store.own import Own, load_own
from onionchat.store.reader import StoreReader
from onionchat.store.writer import Job, Writer

T = TypeVar("T")
DATABASE_NAME = "onionchat.db"


class JobRunner(Protocol):
    """What runs the jobs: the `Writer`, or what a simulator has in its place."""

    def submit(self, job: Job[T]) -> "Deferred[T]":
        """Run `job` in a transaction; fires after the commit, on the reactor's thread."""

    def checkpoint(self) -> None:
        """Empty the write-ahead log soon."""

    def close(self) -> None:
        """Commit what waits; nothing is taken any more."""


class Store:
    """Opens an existing, migrated database. `reads` is for short queries on the reactor's thread."""

    def __init__(self, path: Path, key: bytes, reactor: Any, random: Callable[[int], bytes]) -> None:
        self.path, self._key = path, key
        connection = connect(path, key)
        try:
            self.migrated_from = migrate(connection)
            self.own: Own = load_own(connection)
        except BaseException:
            connection.close()
            raise
        self._begin(connect(path, key, read_only=True), Writer(connection, reactor), random)

    def _begin(self, reads: Connection, writer: JobRunner, random: Callable[[int], bytes]) -> None:
        self.reads = reads
        self.reader = StoreReader(reads, self.own)
        self.gate = Gate(self.own, random)
        self.self_id: ConversationId = self_id(self.own.account)
        self._writer = writer
        self.is_open = True

    def write(self, job: Callable[[Connection], T]) -> "Deferred[T]":
        """Run a job in the writer; fires after its commit."""
        return self._writer.submit(job)

    def ensure_self(self) -> "Deferred[None]":
        """Make the *self* conversation if it is not there."""
        account = self.own.account
        return self.write(lambda c: self.gate.open_conversation(c, self.self_id, Place.SELF, account))

    def checkpoint(self) -> None:
        """Empty the write-ahead log, soon: what was wiped from the database must not stay there."""
        self._writer.checkpoint()

    def open_reader(self) -> Connection:
        """Another read-only connection, for a long read in a thread (export, search)."""
        return connect(self.path, self._key, read_only=True)

    def close(self) -> None:
        """Commit what waits and close; the keys of this object are let go."""
        if not self.is_open:
            return
        self.is_open = False
        self._writer.close()
        self.reads.close()
        self._key = b""
