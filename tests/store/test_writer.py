"""The writer: order, groups, failures that stay alone, and failures that take the group."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from onionchat.errors import LocalError, LockedError, StoreError
from onionchat.store.db import Connection, connect, migrate
from onionchat.store.writer import GROUP_MAX, Writer
from tests.store.stores import KEY


class Reactor:
    """Calls at once, in the writer's thread."""

    def callFromThread(self, call: Any, *arguments: Any) -> None:
        call(*arguments)


class Bench:
    """A writer on a database with one table; outcomes in the order in which they came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        connection = connect(path, KEY)
        migrate(connection)
        self.connection = connection
        self.outcomes: list[Any] = []
        self.writer = Writer(connection, Reactor())

    def put(self, key: str, value: bytes = b"") -> None:
        self.watch(self.writer.submit(lambda c: c.execute("INSERT INTO meta VALUES (?, ?)", (key, value)).rowcount))

    def watch(self, deferred: "Deferred[Any]") -> None:
        deferred.addBoth(self.outcomes.append)

    def hold(self) -> threading.Event:
        """Keep the writer busy until the event is set, so that what follows is one group."""
        started, event = threading.Event(), threading.Event()

        def wait(_: Connection) -> None:
            started.set()
            event.wait(10)

        self.watch(self.writer.submit(wait))
        started.wait(10)
        return event

    def until(self, count: int) -> None:
        """Wait for so many outcomes."""
        for _ in range(1000):
            if len(self.outcomes) >= count:
                return
            time.sleep(0.01)
        raise AssertionError("the writer does not answer")

    def keys(self) -> list[str]:
        self.writer.close()
        return [row[0] for row in connect(self.path, KEY).execute("SELECT key FROM meta ORDER BY key")]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "db")


def test_jobs_run_in_order_and_tell_their_results(bench: Bench) -> None:
    for key in "abc":
        bench.watch(bench.writer.submit(lambda c, key=key: key))
    bench.writer.close()
    assert bench.outcomes == ["a", "b", "c"]


def test_what_waits_is_one_commit(bench: Bench) -> None:
    event = bench.hold()
    for n in range(50):
        bench.put(f"{n:03}")
    event.set()
    assert len(bench.keys()) == 50
    assert bench.writer.commits == 2


def test_a_group_has_a_cap(bench: Bench) -> None:
    event = bench.hold()
    for n in range(GROUP_MAX + 1):
        bench.put(f"{n:04}")
    event.set()
    assert len(bench.keys()) == GROUP_MAX + 1
    assert bench.writer.commits == 3


def test_a_result_comes_after_the_commit(bench: Bench) -> None:
    seen: list[int] = []

    def look(_: Any) -> None:
        seen.append(connect(bench.path, KEY).execute("SELECT count(*) FROM meta").fetchone()[0])

    bench.writer.submit(lambda c: c.execute("INSERT INTO meta VALUES ('a', x'')")).addCallback(look)
    bench.writer.close()
    assert seen == [1]


def test_one_failure_does_not_take_the_group(bench: Bench) -> None:
    event = bench.hold()

    def fail(c: Connection) -> None:
        c.execute("INSERT INTO meta VALUES ('half', x'')")
        raise LocalError("no")

    bench.put("a")
    bench.watch(bench.writer.submit(fail))
    bench.put("a")  # breaks the primary key
    bench.put("b")
    event.set()
    assert bench.keys() == ["a", "b"]
    kinds = [outcome.type if isinstance(outcome, Failure) else outcome for outcome in bench.outcomes[1:]]
    assert kinds == [1, LocalError, StoreError, 1]


def test_jobs_run_once_and_again_only_beside_one_that_fails(bench: Bench) -> None:
    runs: list[str] = []

    def job(c: Connection, key: str) -> None:
        runs.append(key)
        c.execute("INSERT INTO meta VALUES (?, x'')", (key,))
        if key == "bad":
            raise LocalError("no")

    for keys, outcomes in (("ab", 3), (("c", "bad", "d"), 7)):
        event = bench.hold()
        for key in keys:
            bench.watch(bench.writer.submit(lambda c, key=key: job(c, key)))
        event.set()
        bench.until(outcomes)
    assert runs == ["a", "b", "c", "bad", "c", "bad", "d"]
    assert bench.keys() == ["a", "b", "c", "d"]


def test_a_full_disk_fails_with_what_to_do_and_loses_nothing(bench: Bench) -> None:
    bench.put("before")
    event = bench.hold()
    pages = bench.connection.execute("PRAGMA page_count").fetchone()[0]
    bench.connection.execute(f"PRAGMA max_page_count={pages + 3}")
    bench.put("small")
    bench.put("big", bytes(200_000))
    event.set()
    bench.until(4)
    failed = bench.outcomes[2:4]  # the disk may end the transaction, so both are told, and both can be tried again
    assert [outcome.type for outcome in failed] == [StoreError, StoreError]
    assert all("disk is full" in str(outcome.value) for outcome in failed)
    event = bench.hold()
    bench.connection.execute("PRAGMA max_page_count=1000000")
    bench.put("after", bytes(200_000))
    event.set()
    assert bench.keys() == ["after", "before"]


def test_a_failed_commit_fails_all_of_it(bench: Bench) -> None:
    event = bench.hold()
    bench.watch(bench.writer.submit(lambda c: c.execute("PRAGMA defer_foreign_keys=ON") and "first"))
    orphan = (
        "INSERT INTO log (id, conversation, device, certificate, belief, head, floor_id)"
        " VALUES (x'', 77, x'', x'', 1, x'', x'')"
    )
    bench.watch(bench.writer.submit(lambda c: c.execute("PRAGMA defer_foreign_keys=ON") and c.execute(orphan)))
    bench.put("with it")
    event.set()
    assert bench.keys() == []
    assert [outcome.type for outcome in bench.outcomes[1:]] == [StoreError] * 3


def test_after_close_nothing_is_taken(bench: Bench) -> None:
    bench.writer.close()
    bench.put("late")
    assert bench.outcomes[0].type is LockedError


def test_a_checkpoint_empties_the_log(bench: Bench) -> None:
    bench.put("a", bytes(50_000))
    bench.hold().set()
    done = threading.Event()
    bench.writer.checkpoint()
    bench.writer.submit(lambda _: done.set())
    assert done.wait(10)
    event = bench.hold()
    assert bench.path.with_name("db-wal").stat().st_size < 50_000
    event.set()
    assert bench.keys() == ["a"]
