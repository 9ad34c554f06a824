"""`Node`: the store, Tor, channels and sessions of one profile put together; append, read, subscribe, start, stop."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.logger import Logger

from onionchat import limits
from onionchat.crypto.memory import overwrite_let_go
from onionchat.errors import LockedError, StoreError
from onionchat.identity.device import Certificate, parse_certificate
from onionchat.ids import AccountId, ConversationId, DeviceId
from onionchat.kinds import chat
from onionchat.kinds.fold import Body
from onionchat.log.commands import RecordAcknowledged
from onionchat.log.entry import Entry
from onionchat.log.history import Goal
from onionchat.net.find import TorOptions
from onionchat.net.onions import OnionState
from onionchat.net.peer import PeerLink
from onionchat.net.tor import Tor
from onionchat.node.accounts import Accounts
from onionchat.node.book import Book
from onionchat.node.chores import Chores
from onionchat.node.clocks import ClockSamples
from onionchat.node.deliveries import Deliveries
from onionchat.node.dialing import Dialing
from onionchat.node.events import (
    ContactChanged,
    ConversationChanged,
    LinkChanged,
    Locked,
    MessagesAppended,
    TorChanged,
)
from onionchat.node.forks import Forks
from onionchat.node.introductions import Introductions
from onionchat.node.linking import LinkCode, Linking
from onionchat.node.meeting import Meeting
from onionchat.node.peers import Peers
from onionchat.node.profile import Profile
from onionchat.node.services import DEVICE, Services
from onionchat.node.standing import ACCOUNT_BYTES, OF_CONTACT, Standing
from onionchat.node.syncing import Syncing
from onionchat.node.telling import Telling
from onionchat.node.untrusting import Untrusting
from onionchat.store import people, quota
from onionchat.store.db import Connection, explained
from onionchat.store.gate import Gate
from onionchat.store.keeping import Appended
from onionchat.store.own import Own
from onionchat.store.people import DeviceRow
from onionchat.store.reader import StoreReader
from onionchat.store.rows import find_conversation
from onionchat.store.store import Store
from onionchat.wire.handshake import DeviceCredentials
from onionchat.wire.records import AnyRecord, DeviceCard, Introduction

T = TypeVar("T")
CHORES_SECONDS = 5.0
WARNINGS_MAX = 8

_log = Logger()


class Node(Telling):
    """One profile at work. Without `tor_options` it only knows its store (for one command of the command line)."""

    def __init__(
        self,
        profile: Profile,
        reactor: Any,
        tor_options: TorOptions | None,
        *,
        allow_unrestricted: bool = False,
        random: Callable[[int], bytes] = os.urandom,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.profile, self.reactor, self.random = profile, reactor, random
        self.allow_unrestricted = allow_unrestricted
        self._wall_clock = wall_clock
        self._store: Store | None = None
        self._book: Book | None = None
        super().__init__(profile.warnings)
        self.clocks = ClockSamples()
        self.chores = Chores(self)
        self.syncing = Syncing(self)
        self.peers = Peers(self)
        self.meeting = Meeting(self)
        self.dialing = Dialing(self)
        self.services = Services(self)
        self.introductions = Introductions(self)
        self.deliveries = Deliveries(self)
        self.accounts = Accounts(self)
        self.standing = Standing(self)
        self.linking = Linking(self)
        self.untrusting = Untrusting(self)
        self.linking_refused = False
        """This device waits for being admitted, and a device of the account says that it knows nothing of it."""
        self.forks = Forks(self)
        self.tor_problem = ""
        self.tor: Tor | None = None
        if tor_options is not None:
            self.tor = Tor(reactor, tor_options, profile.directory, self, os.environ)

    # --- parts ---------------------------------------------------------------------------------------------
    @property
    def is_unlocked(self) -> bool:
        """Whether the store is open."""
        return self._store is not None

    @property
    def store(self) -> Store:
        """The open store. LockedError while locked."""
        if self._store is None:
            raise LockedError("the profile is locked; unlock it with `onionchat unlock`")
        return self._store

    @property
    def book(self) -> Book:
        """What is known of people. LockedError while locked."""
        if self._book is None:
            raise LockedError("the profile is locked; unlock it with `onionchat unlock`")
        return self._book

    @property
    def own(self) -> Own:
        """The keys of this device."""
        return self.store.own

    @property
    def own_account(self) -> AccountId:
        """Ours."""
        return self.own.account

    @property
    def reader(self) -> StoreReader:
        """Committed logs and memberships."""
        return self.store.reader

    def now_ms(self) -> int:
        """The wall clock, ms since 1970."""
        return int(self._wall_clock() * 1000)

    # --- life ------------------------------------------------------------------------------------------------
    def start(self) -> "Deferred[None]":
        """Open the store, begin with Tor. Fires when the store is up; does not wait for Tor."""
        return ensureDeferred(self._start())

    async def _start(self) -> None:
        with explained():  # whatever is read first may be damaged
            await self._start_parts()

    async def _start_parts(self) -> None:
        await self._open_store()
        if self.tor is not None and self.is_unlocked:
            self.tor.start()
            self.services.start()
            self.introductions.resume()
            self.standing.resume()
        if self.is_unlocked:
            self.accounts.resume()

    async def _open_store(self) -> None:
        store = self.profile.open_store(self.reactor, self.random)
        self._store = store
        self._book = Book(store.own)
        try:
            await store.ensure_self()
        except StoreError:
            if self._store is store:
                self._store = self._book = None
            store.close()
            raise
        if self._store is not store:
            return  # stopped meanwhile
        await self.chores.wipe_expired()
        if self._store is not store:
            return
        self._book.load(store.reads)
        self.deliveries.load(store.reads)
        self.forks.start()
        self.chores.start()

    def stop(self) -> "Deferred[None]":
        """Close everything, in order: channels, Tor, store, profile."""
        return ensureDeferred(self._stop())

    async def _stop(self) -> None:
        await self._close("stopping")
        self.profile.close()

    async def _close(self, reason: str) -> None:
        self.dialing.stop()
        self.linking.cancel()
        self.peers.close_all(reason)
        self.meeting.close_all(reason)
        await self.services.stop()
        if self.tor is not None:
            try:
                await self.tor.stop()
            except Exception as fault:  # the keys go all the same
                _log.error("Tor did not end well: {kind}", kind=type(fault).__name__)
        self.chores.stop()
        if self._store is not None:
            try:
                await self.deliveries.flush()
            except StoreError as error:
                _log.error("what was delivered is not noted: {error}", error=str(error))  # it is found again
            self.deliveries.stop()
            self.standing.stop()
            store, self._store, self._book = self._store, None, None
            if store is not None:  # two locks at once
                store.close()

    def lock(self) -> "Deferred[None]":
        """Close store and channels, wipe the keys; `unlock` goes on."""
        return ensureDeferred(self._lock())

    async def _lock(self) -> None:
        await self._close("locked")
        self.profile.lock()
        self.emit(Locked())

    def unlock(self, passphrase: str) -> "Deferred[None]":
        """Open the store again. LockedError when the passphrase is wrong."""
        return ensureDeferred(self._unlock(passphrase))

    async def _unlock(self, passphrase: str) -> None:
        if self.is_unlocked:
            return
        self.profile.unlock(passphrase)
        try:
            await self._start()
        except StoreError:  # a full disk, say: locked as before, so that it can be tried again
            if not self.is_unlocked:
                self.profile.lock()
            raise
        self.emit(TorChanged())

    def wipe(self) -> "Deferred[list[str]]":
        """Destroy the profile: its key at once, then close everything, then delete the files. Only `stop` may follow.

        Fires with the names of files in its folder that are not ours and stay. LocalError when the disk refuses.
        """
        return ensureDeferred(self._wipe())

    async def _wipe(self) -> list[str]:
        self.profile.destroy()
        await self._close("stopping")
        left = self.profile.remove()
        overwrite_let_go()
        self.emit(Locked())
        return left

    def empty_write_ahead_log(self) -> None:
        """What was wiped must not stay in the file of the write-ahead log either."""
        if self.is_unlocked:
            self.store.checkpoint()

    # --- appending -----------------------------------------------------------------------------------------------
    def through_gate(self, job: Callable[[Connection, Gate], T]) -> "Deferred[T]":
        """Run a job of the gate in the writer."""
        gate = self.store.gate
        return self.store.write(lambda c: job(c, gate))

    def append(self, conversation: ConversationId, body: Body, expires_ms: int = 0) -> "Deferred[Appended]":
        """Write an entry of ours; fires when it is committed and everybody was told."""
        now_ms = self.now_ms()
        done = self.through_gate(lambda c, gate: gate.append_own(c, conversation, body, now_ms, expires_ms))
        return done.addCallback(self._told)

    def append_self(
        self, bodies: Sequence[Any], also: Callable[[Connection], object] | None = None
    ) -> "Deferred[None]":
        """Write several entries of *self* in one transaction, with what else belongs to it."""
        now_ms, self_id = self.now_ms(), self.store.self_id

        def job(c: Connection, gate: Gate) -> list[Appended]:
            done = [gate.append_own(c, self_id, body, now_ms) for body in bodies]
            if also is not None:
                also(c)
            return done

        def told(results: list[Appended]) -> None:
            for result in results:
                self.appended(result, is_own=True)

        return self.through_gate(job).addCallback(told)

    def _told(self, result: Appended) -> Appended:
        self.appended(result, is_own=True)
        return result

    def appended(self, result: Appended, is_own: bool = False) -> None:
        """A commit, by whomever: the book, the sessions, the front ends. `is_own`: this device wrote it just now."""
        if not self.is_unlocked:
            return
        self._reload(result)
        self.syncing.appended(result)
        self.forks.appended(result)
        for opened in sorted(result.effects.opened):
            self.syncing.conversation_opened(opened)
        self._tell(result, tuple(stored.n for stored in result.stored if stored.shown), is_own)

    def history_came(self, result: Appended) -> None:
        """A block of history was committed. The first block of a log may hold what was written a moment ago."""
        if not self.is_unlocked:
            return
        self._reload(result)
        wish = self.own.history
        since = 0 if wish is None else wish.linked_ms
        self._tell(result, tuple(s.n for s in result.stored if s.shown and s.entry.header.ms >= since), False)
        self.emit(ConversationChanged(result.conversation))

    def _reload(self, result: Appended) -> None:
        effects = result.effects
        for kind, key in sorted(effects.registers):  # what follows must not depend on hashes
            self.book.reload_register(self.store.reads, kind, key)
            if kind == chat.CARD_REGISTER:
                self.introductions.changed(key)
        for account in sorted(effects.accounts):
            self.accounts.changed(AccountId(account))

    def _tell(self, result: Appended, shown: tuple[int, ...], is_own: bool) -> None:
        effects = result.effects
        registers = sorted(effects.registers)
        if shown and self.has_subscribers:
            self.emit(MessagesAppended(result.conversation, shown))
        for conversation in sorted(effects.conversations):
            self.emit(ConversationChanged(ConversationId(conversation)))
        for kind, key in registers:
            if kind in OF_CONTACT:
                self.emit(ContactChanged(AccountId(key[:ACCOUNT_BYTES]), "trust" if kind == "trust" else "contact"))
        if registers:
            self.standing.registers_changed(registers, is_own)
        if effects.truncate:
            self.empty_write_ahead_log()

    # --- what sync needs -------------------------------------------------------------------------------------------
    def acknowledged(self, link: PeerLink, command: RecordAcknowledged) -> None:
        """A device has logs up to these positions."""
        if link.peer is not None and link.peer.device is not None and self.is_unlocked:
            self.deliveries.acknowledged(link.peer.device, command)

    def noticed(self, conversation: ConversationId, text: str) -> None:
        """A line that the program itself says in a conversation."""
        now_ms = self.now_ms()
        done = self.through_gate(lambda c, gate: gate.notice(c, conversation, text, now_ms))
        done.addCallbacks(lambda _: self.emit(ConversationChanged(conversation)), self.report)

    def peer_misbehaved(self, link: PeerLink, reason: str) -> None:
        """Close and back off; nothing of it was kept."""
        link.drop(reason, remote_fault=True)

    def entry_came_at_once(self, device: DeviceId, entry: Entry, now_ms: int) -> None:
        """One entry came over a channel that was level: what its author's clock says, if the peer is the author."""
        if self.reader.log_device(entry.log) == device:
            self.clocks.add(device, entry.header.ms, now_ms)

    def refuse(self, link: PeerLink, reason: str) -> None:
        """An orderly no."""
        link.close(reason)

    def budget(self, conversation: ConversationId) -> int | None:
        """How many bytes the contact of a conversation may still write; None for our own devices."""
        person = self.book.by_conversation(conversation)
        row = find_conversation(self.store.reads, conversation)
        if person is None or row is None:
            return None
        in_all = person.value.quota_bytes - quota.used_in_all(self.store.reads, row.n)
        today = limits.QUOTA_DAY_BYTES - quota.used_today(self.store.reads, row.n, self.now_ms())
        return max(0, min(in_all, today))

    def history_goal(self, conversation: ConversationId) -> Goal | None:
        """How far back messages are brought to this device; None for all that is in no hurry, as *self* is."""
        wish = self.own.history
        return None if wish is None or conversation == self.store.self_id else Goal(wish.not_before_ms)

    def quota_reached(self, conversation: ConversationId) -> None:
        """A contact has written all that it may for now."""
        self.chores.quota_reached(conversation)

    # --- what peers need -------------------------------------------------------------------------------------------
    def credentials(self) -> DeviceCredentials:
        """Our newest certificate and its static key."""
        row = self.book.this_device
        assert row is not None
        return DeviceCredentials(row.certificate_raw, self.own.statics[row.certificate.serial])

    def device_row(self, device: DeviceId) -> DeviceRow | None:
        """A device that we would dial."""
        person = self.book.person_of(device)
        if person is not None:
            return person.devices.get(device)
        return self.book.own_devices.get(device)

    def parse_card(self, card: DeviceCard) -> Certificate:
        """The verified certificate of a card."""
        return parse_certificate(card.certificate)

    def own_card(self, c: Connection, owner: bytes) -> DeviceCard | None:
        """Our certificate with the discovery key for `owner`. Runs in the writer, for it may take a spare key."""
        row = people.find_device(c, self.own.device)
        if row is None:
            return None
        return DeviceCard(row.certificate_raw, people.discovery_for(c, row.certificate.address, owner))

    def introduction(self, owner: bytes) -> "Deferred[Introduction]":
        """Who we are, for an account or for the unknown account behind an invitation."""
        name, account = self.book.own_name, self.own.account
        statements = self.accounts.statements_for(AccountId(owner))

        def job(c: Connection) -> Introduction:
            card = self.own_card(c, owner)
            return Introduction(account, tuple(statements), (card,) if card else (), name)

        return self.store.write(job)

    # --- PeerObserver ------------------------------------------------------------------------------------------------
    def channel_authenticated(self, link: PeerLink) -> None:
        """A channel is there: to a device, at an invitation of ours, or at somebody's."""
        if not self.is_unlocked:
            link.close("locked")
        elif link.peer is not None and link.peer.invitation is not None:
            self.meeting.invitation_reached(link, link.peer.invitation)
        elif isinstance(link.service, LinkCode):
            self.linking.came(link)
        elif link.service is DEVICE or link.outgoing:
            self.peers.authenticated(link)
        else:
            self.meeting.stranger_came(link)

    def record_received(self, link: PeerLink, record: AnyRecord) -> None:
        """A record for the layers above."""
        if not self.is_unlocked:
            link.close("locked")
        elif link.peer is not None and link.peer.invitation is not None:
            self.meeting.invitation_said(link, record)
        elif isinstance(link.service, LinkCode):
            self.linking.said(link, record)
        elif link.service is DEVICE or link.outgoing:
            self.peers.record_received(link, record)
        else:
            self.meeting.stranger_said(link, record)

    def drained(self, link: PeerLink) -> None:
        """The send buffer has room again."""
        self.syncing.drained(link)
        if self.is_unlocked:
            self.deliveries.tell(link)

    def channel_closed(self, link: PeerLink, reason: str, remote_fault: bool) -> None:
        """A channel is gone."""
        if link.peer is None:
            return
        if self.is_unlocked and self.own.is_linking and link.outgoing and reason.endswith("unknown"):
            self.linking_refused = True
            self.emit(LinkChanged())
        if isinstance(link.service, LinkCode):
            self.linking.left(link)
        elif link.peer.device is not None and (link.service is DEVICE or link.outgoing):
            is_turned_away = link.outgoing and reason.endswith(("removed", "unknown"))
            self.peers.closed(link, remote_fault, is_turned_away or self.forks.is_pushed_out(link, reason))
        else:
            self.meeting.stranger_left(link)

    # --- TorListener -------------------------------------------------------------------------------------------------
    def on_connected(self) -> None:
        """The control port answers."""
        self.tor_problem = ""
        self.emit(TorChanged())

    def on_ready(self) -> None:
        """Tor has circuits."""
        self.dialing.start()
        self.emit(TorChanged())

    def on_lost(self, reason: str) -> None:
        """No Tor, and why."""
        self.tor_problem = reason
        self.dialing.pause()
        self.emit(TorChanged())

    def on_bootstrap(self, progress: int, summary: str) -> None:
        """Tor's start went on."""
        self.emit(TorChanged())

    def on_onion_state(self, address: str, state: OnionState) -> None:
        """An onion of ours changed."""
        self.emit(TorChanged())
