"""The backlog without Tor: each part of receiving 10,000 messages of 100 bytes, in the real store on this disk."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from bench.figures import Figure, Size, median
from bench.raw import fsync_times
from bench.world import text_of
from onionchat.ids import ConversationId
from onionchat.kinds.chat import Text
from onionchat.kinds.fold import Place
from onionchat.limits import BATCH_MAX_BYTES, WINDOW_BATCHES
from onionchat.log.certificate import Belief, parse_log_certificate
from onionchat.log.commands import AdmitLog
from onionchat.log.entry import Entry, direct_id, parse_entry
from onionchat.log.log import judge_run
from onionchat.store.db import connect, migrate
from onionchat.store.own import create_own
from onionchat.store.store import Store
from onionchat.wire.frame import FrameReader, encode_frame
from onionchat.wire.records import Batch

T = TypeVar("T")
GROUP = 500  # messages that wait in the writer at once


class Inline:
    """In the reactor's place: what comes from the writer's thread runs there."""

    def callFromThread(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Run it here and now."""
        call(*arguments)


def parts(size: Size) -> list[Figure]:
    """Write, read, frame, decode, verify, commit; the receiver's path as a whole."""
    count = size.of(10_000, 2000)
    found: dict[str, list[float]] = {}
    disk: list[float] = []
    for _ in range(size.of(5, 2)):
        with _stores() as (writer, reader, conversation):
            for name, seconds in _once(writer, reader, conversation, count).items():
                found.setdefault(name, []).append(count / seconds)
            disk += fsync_times(writer.path.parent, 50)
    figures = [Figure(name, median(rates), "msg/s", rounds=rates) for name, rates in found.items()]
    return [*figures, Figure("one fsync of this disk", median(disk), "ms")]


@contextmanager
def _stores() -> Iterator[tuple[Store, Store, ConversationId]]:
    """Two accounts' stores with the conversation of both."""
    folder = Path(tempfile.mkdtemp(prefix="ocb-"))
    try:
        with closing(_new_store(folder / "writer.db")) as writer, closing(_new_store(folder / "reader.db")) as reader:
            conversation = direct_id(writer.own.account, reader.own.account)
            for store, other in ((writer, reader), (reader, writer)):
                account = other.own.account
                opening = partial(
                    store.gate.open_conversation, conversation=conversation, place=Place.DIRECT, account=account
                )
                wait_fired(store.write(opening))
            yield writer, reader, conversation
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _new_store(path: Path) -> Store:
    key = os.urandom(32)
    connection = connect(path, key)
    migrate(connection)
    create_own(connection, os.urandom, None)
    connection.close()
    return Store(path, key, Inline(), os.urandom)


def _once(writer: Store, reader: Store, conversation: ConversationId, count: int) -> dict[str, float]:
    """Seconds of each part."""
    spent: dict[str, float] = {}
    spent["written: made, signed, committed, indexed"] = _timed(lambda: fill(writer, conversation, count))[0]
    (head,) = writer.reader.heads(conversation)
    seconds, batches = _timed(lambda: _read(writer, conversation, head.log, count))
    spent["read from the store in batches"] = seconds
    frames = [frame for batch in batches for frame in encode_frame([Batch(conversation, tuple(batch))])]
    seconds, _ = _timed(lambda: [FrameReader().feed(frame) for frame in frames])
    spent["frames decoded"] = seconds
    seconds, parsed = _timed(lambda: [[parse_entry(raw) for raw in batch] for batch in batches])
    spent["entries decoded and hashed"] = seconds
    offer = writer.reader.offer(conversation, head.log)
    admit = AdmitLog(conversation, parse_log_certificate(offer.certificate), Belief.DIRECT, offer)
    empty = wait_fired(reader.write(lambda c: reader.gate.admit(c, admit)))
    seconds, _ = _timed(lambda: _verify(empty, parsed))
    spent["chains and signatures verified"] = seconds
    seconds, _ = _timed(lambda: _append(reader, conversation, parsed))
    spent["through the gate: verified, committed, indexed"] = seconds
    assert [entry.id for batch in parsed for entry in batch] == _ids(reader, conversation, head.log, count)
    names = ("frames decoded", "entries decoded and hashed", "through the gate: verified, committed, indexed")
    spent["all of receiving"] = sum(spent[name] for name in names)
    return spent


def fill(store: Store, conversation: ConversationId, count: int) -> None:
    """Write messages of this device, many waiting at once so that they are committed in groups."""
    for first in range(0, count, GROUP):
        now_ms = int(time.time() * 1000)
        waiting = [
            store.write(
                partial(store.gate.append_own, conversation_id=conversation, body=Text(text_of(number)), now_ms=now_ms)
            )
            for number in range(first, min(count, first + GROUP))
        ]
        for each in waiting:
            wait_fired(each)


def _read(store: Store, conversation: ConversationId, log: Any, count: int) -> list[list[bytes]]:
    batches: list[list[bytes]] = []
    first = 1
    while first <= count:
        batches.append(store.reader.read(conversation, log, first, count, BATCH_MAX_BYTES))
        first += len(batches[-1])
    return batches


def _verify(head: Any, batches: Sequence[list[Entry]]) -> None:
    for batch in batches:
        head = judge_run(head, batch).new_head


def _append(store: Store, conversation: ConversationId, batches: Sequence[list[Entry]]) -> None:
    """As a session does it: a window of batches waits in the writer."""
    now_ms = int(time.time() * 1000)
    for first in range(0, len(batches), WINDOW_BATCHES):
        waiting = [
            store.write(partial(store.gate.append, conversation_id=conversation, entries=batch, now_ms=now_ms))
            for batch in batches[first : first + WINDOW_BATCHES]
        ]
        for each in waiting:
            wait_fired(each)


def _ids(store: Store, conversation: ConversationId, log: Any, count: int) -> list[Any]:
    return [parse_entry(raw).id for batch in _read(store, conversation, log, count) for raw in batch]


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


def wait_fired(deferred: "Deferred[T]") -> T:
    """Block until it fires (in the writer's thread)."""
    future: Future[T] = Future()
    deferred.addCallbacks(future.set_result, lambda failure: future.set_exception(failure.value))
    return future.result()
