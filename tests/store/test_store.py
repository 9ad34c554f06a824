"""The open store as a whole: opening, writing, reading, closing; and that what is forgotten is gone from the disk."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from onionchat.errors import LockedError, StoreError
from onionchat.kinds.account import Forget, Setting
from onionchat.kinds.chat import Edit, Retract, Text
from onionchat.store.db import SCHEMA_VERSION, connect, migrate
from onionchat.store.keeping import Appended
from onionchat.store.store import Store
from tests.store.pages import plain_pages, plain_wal
from tests.store.stores import KEY, NOW, World


class Reactor:
    """Calls at once, in the writer's thread."""

    def callFromThread(self, call: Any, *arguments: Any) -> None:
        call(*arguments)


def done(deferred: "Deferred[Any]") -> Any:
    """The result, once the writer has it."""
    event = threading.Event()
    results: list[Any] = []

    def keep(result: Any) -> None:
        results.append(result)
        event.set()

    deferred.addBoth(keep)
    assert event.wait(20)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    World(str(tmp_path / "db")).c.close()
    return tmp_path / "db"


def open_store(path: Path) -> Store:
    return Store(path, KEY, Reactor(), os.urandom)


def test_a_committed_entry_is_read_at_once_and_after_closing(path: Path) -> None:
    store, world = open_store(path), World()
    made: Appended = done(store.write(lambda c: store.gate.append_own(c, world.direct, Text("hello"), NOW)))
    (head,) = store.reader.heads(world.direct)
    assert (head.seq, head.id) == (1, made.entries[0].id)
    store.close()
    again = open_store(path)
    assert again.migrated_from == SCHEMA_VERSION
    assert again.own.device == world.own.device
    assert again.reader.id_at(world.direct, head.log, 1) == head.id
    again.close()


def test_closing_commits_what_waits_and_then_refuses(path: Path) -> None:
    store, world = open_store(path), World()
    for n in range(20):
        store.write(lambda c, n=n: store.gate.append_own(c, world.direct, Text(str(n)), NOW + n))
    store.close()
    store.close()
    with pytest.raises(LockedError):
        done(store.write(lambda c: None))
    assert connect(path, KEY).execute("SELECT count(*) FROM entry").fetchone() == (20,)


def test_self_is_made_once(path: Path) -> None:
    store = open_store(path)
    done(store.ensure_self())
    done(store.ensure_self())
    assert store.self_id in store.reader.conversations()
    store.close()


def test_the_reading_connections_cannot_write(path: Path) -> None:
    store = open_store(path)
    for connection in (store.reads, store.open_reader()):
        with pytest.raises(Exception, match="readonly"):
            connection.execute("DELETE FROM meta")
    store.close()


def test_what_cannot_be_opened_is_let_go(tmp_path: Path, path: Path) -> None:
    with pytest.raises(StoreError):
        Store(path, bytes(32), Reactor(), os.urandom)
    empty = connect(tmp_path / "empty", KEY)
    migrate(empty)
    empty.close()
    with pytest.raises(StoreError, match="no keys"):
        open_store(tmp_path / "empty")
    newer = connect(path, KEY)
    newer.execute("PRAGMA user_version=99")
    newer.close()
    with pytest.raises(StoreError, match="newer"):
        open_store(path)


# --- gone is gone ------------------------------------------------------------------------------------------
def plain(path: Path) -> bytes:
    return plain_pages(path, KEY) + plain_wal(path.with_name("db-wal"), KEY)


def test_the_pages_can_be_looked_into(path: Path) -> None:
    """Else the next test could not fail."""
    world = World(str(path))
    world.say(Text("xylophone"))
    assert b"xylophone" in plain(path)
    world.c.close()
    assert b"xylophone" in plain(path)
    assert b"xylophone" not in path.read_bytes()


@pytest.mark.parametrize("how", ["forget", "retract", "expire", "supersede"])
def test_what_is_dropped_is_in_no_page(path: Path, how: str) -> None:
    world = World(str(path))
    log = world.log()
    for n in range(200):
        world.say(Text(f"something else {n} " * 3), NOW + n)
    secret = log.write(Text("the xylophone is in the zeppelin " * 20), NOW + 300, NOW + 10**6 if how == "expire" else 0)
    edit = log.write(Edit(secret.id, "the quokka is in the zeppelin"), NOW + 301)
    last = log.write(Edit(secret.id, "the vuvuzela is in the zeppelin"), NOW + 302)
    world.take([secret, edit, last])
    for n in range(200):
        world.say(Text(f"and more {n}"), NOW + 400 + n)
    world.c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    words = [b"xylophone", b"quokka", b"vuvuzela", b"zeppelin"]
    if how == "forget":
        world.say(Forget(world.direct, log.id, ((secret.seq, secret.seq),)), NOW + 900, world.self_id)
    elif how == "retract":
        world.take([log.write(Retract(secret.id), NOW + 900)])
    elif how == "expire":
        world.gate.expire(world.c, NOW + 10**6)
    else:
        world.say(Setting("draft", "a draft about a xylophone"), NOW + 901, world.self_id)
        world.say(Setting("draft", ""), NOW + 902, world.self_id)
        world.say(Forget(world.direct, log.id, ((secret.seq, secret.seq),)), NOW + 903, world.self_id)
    world.c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    found = plain(path)
    assert [word for word in words if word in found] == []
    assert b"something else 7 " in found
    world.c.close()
