"""What it costs two devices of one person to meet again: bytes, and processor time, against what they hold.

Real stores, the real `Syncing` with its sessions, real frames; in the place of the channel is a list. Both are threads
of one process: each one's processor time is counted while it works.
"""

import os
import queue
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bench.figures import Figure, Size, median
from bench.fill import long_history
from bench.parts import Inline, wait_fired
from bench.world import text_of
from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import LocalError
from onionchat.identity.device import issue_certificate
from onionchat.ids import AccountId, ConversationId
from onionchat.kinds.chat import Text
from onionchat.kinds.fold import Place, body_bytes, kind_of
from onionchat.log.certificate import Belief, make_log_certificate, parse_log_certificate
from onionchat.log.commands import AdmitLog
from onionchat.log.entry import NO_ENTRY, Content, Entry, direct_id, make_entry
from onionchat.net.peer import PeerLink
from onionchat.node.profile import Profile
from onionchat.node.syncing import SyncHost, Syncing
from onionchat.store.db import Connection, connect, migrate
from onionchat.store.keeping import Appended
from onionchat.store.own import create_own, set_meta
from onionchat.store.people import add_card
from onionchat.store.store import Store
from onionchat.testing.people import PASSPHRASE
from onionchat.wire.frame import FrameReader, encode_frame
from onionchat.wire.records import AnyRecord, LogOffered

T = TypeVar("T")
CONVERSATIONS = 1000
DIFFERING = 10
EXPORTER = b"\x2a" * 32
MEETING_SECONDS_MAX = 60.0


# --- what is held ---------------------------------------------------------------------------------------------
class Correspondent:
    """A contact who writes one log."""

    def __init__(self, store: Store) -> None:
        identity, static, address = SigningKey(os.urandom(32)), ExchangeKey(os.urandom(32)), SigningKey(os.urandom(32))
        self.account = AccountId(os.urandom(32))
        self.conversation = direct_id(store.own.account, self.account)
        self._card = issue_certificate(identity, address.public, static.public, 1)
        self._device, self._key = identity.public, SigningKey(os.urandom(32))
        self._seq, self._prev, self._ms = 0, NO_ENTRY, int(time.time() * 1000) - 86_400_000

    def begin(self, c: Connection, store: Store) -> None:
        """A job: the conversation, and the log in it."""
        store.gate.open_conversation(c, self.conversation, Place.DIRECT, self.account)
        add_card(c, self.account, self._card, b"")
        certificate = make_log_certificate(self._key, self.conversation, self._device)
        offer = LogOffered(certificate, (), True)
        store.gate.admit(c, AdmitLog(self.conversation, parse_log_certificate(certificate), Belief.DIRECT, offer))

    def write(self, count: int) -> list[Entry]:
        """So many more messages."""
        made = []
        for _ in range(count):
            self._seq, self._ms = self._seq + 1, self._ms + 1
            content = Content(os.urandom(16), (), kind_of(Text("")), 0, body_bytes(Text(text_of(self._seq))))
            made.append(make_entry(self._key, self._seq, self._prev, (self._ms, 0), content))
            self._prev = made[-1].id
        return made


def fill(store: Store, people: list[Correspondent], each: int) -> None:
    """From everybody so many messages, through the gate."""
    now_ms = int(time.time() * 1000)
    waiting = []
    for person in people:
        entries = person.write(each)
        job = lambda c, p=person, e=entries: store.gate.append(c, p.conversation, e, now_ms)  # noqa: E731
        waiting.append(store.write(job))
        if len(waiting) == 64:
            for done in waiting:
                wait_fired(done)
            waiting.clear()
    for done in waiting:
        wait_fired(done)


@contextmanager
def first_device(conversations: int) -> Iterator[tuple[Store, list[Correspondent]]]:
    """A store with so many conversations, in a folder that is removed; one entry of ours and one log in each."""
    folder = Path(tempfile.mkdtemp(prefix="ocb-"))
    try:
        key, path = os.urandom(32), folder / "first.db"
        connection = connect(path, key)
        migrate(connection)
        create_own(connection, os.urandom, None)
        connection.close()
        with closing(Store(path, key, Inline(), os.urandom)) as store:
            wait_fired(store.ensure_self())
            yield store, _correspondents(store, conversations)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def device_with_history(conversations: int, count: int) -> Iterator[tuple[Store, list[Correspondent]]]:
    """A store with so many messages in one conversation, and so many other conversations."""
    folder = Path(tempfile.mkdtemp(prefix="ocb-"))
    try:
        shutil.copytree(long_history(count) / "alice", folder / "alice")
        with (
            closing(Profile.open(folder / "alice", PASSPHRASE)) as profile,
            closing(profile.open_store(Inline())) as store,
        ):
            yield store, _correspondents(store, conversations)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _correspondents(store: Store, count: int) -> list[Correspondent]:
    people = [Correspondent(store) for _ in range(count)]
    for person in people:
        wait_fired(store.write(lambda c, p=person: p.begin(c, store)))
        job = lambda c, p=person: store.gate.append_own(c, p.conversation, Text("hi"), 1)  # noqa: E731
        wait_fired(store.write(job))
    return people


def second_device(first: Store) -> Store:
    """A device that holds the same: a copy of the disk, made another device of the same account."""
    path = first.path.with_name(f"second{time.monotonic_ns()}.db")
    wait_fired(first.write(lambda c: None))
    first.checkpoint()
    wait_fired(first.write(lambda c: None))
    shutil.copy(first.path, path)
    connection = connect(path, first._key)
    identity, static, address = SigningKey(os.urandom(32)), ExchangeKey(os.urandom(32)), SigningKey(os.urandom(32))
    card = issue_certificate(identity, address.public, static.public, 1)
    set_meta(connection, "identity", identity.seed)
    set_meta(connection, "static:1", static.private)
    connection.execute("UPDATE log SET seed = NULL, belief = ? WHERE seed IS NOT NULL", (int(Belief.DIRECT),))
    own = first.own
    add_card(connection, own.account, issue_certificate(own.identity, address.public, own.static.public, 1), b"")
    connection.close()
    wait_fired(first.write(lambda c: add_card(c, own.account, card, b"")))
    return Store(path, first._key, Inline(), os.urandom)


# --- the meeting ----------------------------------------------------------------------------------------------
class Wire:
    """One end of a link, as far as `Syncing` knows one."""

    closed = is_congested = False

    def __init__(self) -> None:
        self._outbox: list[AnyRecord] = []
        self.frames: list[bytes] = []
        self.channel = SimpleNamespace(exporter=EXPORTER)

    def send(self, records: list[AnyRecord]) -> None:
        """They go with the next frames."""
        self._outbox += records

    def flush(self) -> None:
        """What was sent so far goes in frames of its own."""
        self.frames += encode_frame(self._outbox)
        self._outbox.clear()

    def close(self, reason: str) -> None:
        """Nothing here may end early."""
        raise LocalError(f"the meeting failed: {reason}")


class Device:
    """A store with its `Syncing`: what a node is to it."""

    def __init__(self, store: Store) -> None:
        self.store, self.reactor = store, Clock()
        self.syncing = Syncing(cast(SyncHost, self))
        self.cpu_seconds = 0.0
        self.sent_bytes = 0
        self._committed: queue.Queue[tuple[Deferred[Any], Any]] = queue.Queue()
        self.jobs = 0
        self._wire = Wire()
        self.link = cast(PeerLink, self._wire)

    def _fail(self, reason: str) -> None:
        raise LocalError(f"the meeting failed: {reason}")

    def work(self, call: Callable[[], object]) -> bytes:
        """Do something, count its processor time, and give the frames that come of it."""
        begin = time.thread_time()
        call()
        self._wire.flush()
        frames = b"".join(self._wire.frames)
        self._wire.frames.clear()
        self.cpu_seconds += time.thread_time() - begin
        self.sent_bytes += len(frames)
        return frames

    def receive(self, frames: bytes) -> None:
        """Frames of the other's."""
        for record in FrameReader().feed(frames):
            self.syncing.record_received(self.link, record)

    def commits(self) -> None:
        """Tell of the commits of all that the writer was given: it commits them as a group."""
        committed = [self._committed.get(timeout=MEETING_SECONDS_MAX) for _ in range(self.jobs)]
        self.jobs = 0
        for deferred, outcome in committed:
            deferred.callback(outcome)

    def timers(self) -> None:
        """What is due now."""
        self.reactor.advance(0)

    # --- SyncHost ---
    @property
    def reader(self) -> Any:
        return self.store.reader

    @property
    def own_account(self) -> AccountId:
        return self.store.own.account

    def through_gate(self, job: Callable[[Any, Any], T]) -> "Deferred[T]":
        """The real writer; its results are told on the thread that counts."""
        told: Deferred[T] = Deferred()
        self.jobs += 1
        done = self.store.write(lambda c: job(c, self.store.gate))
        done.addBoth(lambda outcome: self._committed.put((told, outcome)))
        return told

    def appended(self, result: Appended) -> None:
        self.syncing.appended(result)

    def acknowledged(self, link: PeerLink, command: object) -> None:
        pass

    def noticed(self, conversation: ConversationId, text: str) -> None:
        self._fail(text)

    def entry_came_at_once(self, device: object, entry: Entry, now_ms: int) -> None:
        pass

    def peer_misbehaved(self, link: PeerLink, reason: str) -> None:
        self._fail(reason)

    def history_goal(self, conversation: ConversationId) -> None:
        pass

    def budget(self, conversation: ConversationId) -> int | None:
        return None

    def now_ms(self) -> int:
        return int(time.time() * 1000)


def meet(one: Store, other: Store) -> tuple[Device, Device]:
    """Both connect, until neither has anything to say; what each has sent and needed."""
    devices = Device(one), Device(other)
    frames = [
        device.work(
            lambda d=device, p=peer: d.syncing.link_ready(d.link, p.store.own.device, d.store.own.account, ())  # type: ignore[misc]
        )
        for device, peer in (devices, devices[::-1])
    ]
    while any(frames) or any(device.jobs for device in devices):
        for number, device in enumerate(devices):
            came, frames[1 - number] = frames[1 - number], b""
            if came:
                frames[number] += device.work(lambda d=device, f=came: d.receive(f))  # type: ignore[misc]
            while device.jobs:
                frames[number] += device.work(device.commits)
            frames[number] += device.work(device.timers)
    for device in devices:
        device.work(lambda d=device: d.syncing.link_closed(d.link))  # type: ignore[misc]
    return devices


def sync(size: Size) -> list[Figure]:
    """1,000 conversations: two devices that differ in nothing, and in 10 of them, for growing histories."""
    figures: list[Figure] = []
    with first_device(CONVERSATIONS) as (first, people):
        held = 0
        for step in [1, 10, 100][: size.of(3, 2)]:
            fill(first, people, step - held)
            held = step
            with closing(second_device(first)) as second:
                figures += _costs(first, second, people, CONVERSATIONS * held, size)
    count = size.of(1_000_000, 50_000)
    with device_with_history(CONVERSATIONS, count) as (first, people), closing(second_device(first)) as second:
        figures += _costs(first, second, people, count, size)
    return figures


def _costs(first: Store, second: Store, people: list[Correspondent], held: int, size: Size) -> list[Figure]:
    level, apart, level_cpu, apart_cpu = [], [], [], []
    for _ in range(size.of(5, 2)):
        met = meet(first, second)
        level.append(sum(device.sent_bytes for device in met) / 1024)
        level_cpu.append(max(device.cpu_seconds for device in met) * 1000)
        for person in people[:DIFFERING]:
            job = lambda c, p=person: first.gate.append_own(c, p.conversation, Text(text_of(held)), 1)  # noqa: E731
            wait_fired(first.write(job))
        met = meet(first, second)
        apart.append(sum(device.sent_bytes for device in met) / 1024)
        apart_cpu.append(max(device.cpu_seconds for device in met) * 1000)
        _check(first, second)
    named = f"{held:,} held"
    return [
        Figure(f"{named}: level, all bytes of both", median(level), "KiB", "limit", 2.0, level),
        Figure(f"{named}: level, processor of one", median(level_cpu), "ms", "limit", 20.0, level_cpu),
        Figure(f"{named}: {DIFFERING} differ, all bytes of both", median(apart), "KiB", "limit", 64.0, apart),
        Figure(f"{named}: {DIFFERING} differ, processor of one", median(apart_cpu), "ms", rounds=apart_cpu),
    ]


def _check(first: Store, second: Store) -> None:
    query = "SELECT id, seq, head FROM log ORDER BY id"
    one, other = (store.reads.execute(query).fetchall() for store in (first, second))
    if one != other:
        raise LocalError("they have met, and do not hold the same")
