"""Live channels: who may have one, which of two stays, what is said before sync begins.

After authentication each side that accepts the other says `Ready`; records of the layers above flow once both did.
A device that we do not know may say one thing first: a `ContactAccepted` that proves an invitation which we asked,
or `Statements` that admit it to a contact's account or to ours. Anything else ends the channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from twisted.python.failure import Failure

from onionchat import limits
from onionchat.errors import RemoteError
from onionchat.identity.account import Roster, fold, parse_statement, statement_id, statements_admitting
from onionchat.ids import AccountId, DeviceId
from onionchat.kinds import account as kinds
from onionchat.net.failure import DialFailure
from onionchat.net.peer import PeerLink
from onionchat.node.accounts import cards_of
from onionchat.node.book import Person
from onionchat.node.events import ContactChanged, PeerConnected, PeerDisconnected
from onionchat.store import people
from onionchat.store.db import Connection
from onionchat.wire.crossed import keep_new
from onionchat.wire.records import (
    AnyRecord,
    Cards,
    CardsKept,
    ContactAccepted,
    ContactAcceptedKept,
    Deliveries,
    DeliveriesAsked,
    DeviceCard,
    Ready,
    Statements,
)

if TYPE_CHECKING:
    from onionchat.node.node import Node

T = TypeVar("T")
DAY_MS = 86_400_000
GREETINGS_OF_DEVICE_MAX = 4  # crossed dials make two; more are left over from a network that failed


@dataclass
class Greeting:
    """A link that is authenticated and not ready yet."""

    device: DeviceId
    is_known: bool
    said_ready: bool = False
    heard_ready: bool = False
    is_busy: bool = False  # something that it said is on its way to the disk


class Peers:
    """Channels between devices (strangers at invitations are `Meeting`'s)."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self.live: dict[DeviceId, PeerLink] = {}
        self._greetings: dict[PeerLink, Greeting] = {}
        self._news: dict[AccountId, tuple[int, int]] = {}  # the day, and how many new cards came in it
        self._statement_news: dict[DeviceId, tuple[int, int]] = {}  # the same of statements
        self._faults: dict[DeviceId, tuple[int, float]] = {}  # of known devices: how many, and when the last was

    # --- who may ---------------------------------------------------------------------------------------
    def _person(self, device: DeviceId) -> Person | None:
        person = self._node.book.person_of(device)
        return person if person is not None and device in person.devices else None

    def _account_of(self, device: DeviceId) -> AccountId | None:
        """The account of a device that may have a channel; None for anyone else."""
        book = self._node.book
        if device in book.own_devices:
            return book.own.account
        person = self._person(device)
        return person.account if person is not None and person.is_active else None

    def authenticated(self, link: PeerLink) -> None:
        """A device has proven who it is."""
        assert link.peer is not None and link.peer.device is not None
        device = link.peer.device
        person = self._node.book.person_of(device)
        is_known = self._account_of(device) is not None
        if person is not None and not is_known and not person.may_speak:
            self._node.refuse(link, "unknown")
            return
        if not link.outgoing and self._is_shut_out(device):  # when to dial it the dialer knows
            self._node.refuse(link, "error")
            return
        greeting = self._greetings[link] = Greeting(device, is_known)
        self._bound_greetings(device)
        if not is_known:
            link.restrict(limits.STRANGER_RECORD_MAX_BYTES * 4, limits.STRANGER_TOTAL_MAX_BYTES)
            if link.outgoing and not self._node.book.is_out:
                self._node.refuse(link, "unknown")
                return
            self._show_removal(link, device)
            if self._node.book.is_out:
                self._show_admission(link, person)
            return
        if person is not None and person.value.owed:
            self._node.meeting.send_acceptance(link, person)
        self._show_admission(link, person)
        self._say_ready(link, greeting)

    def _show_admission(self, link: PeerLink, person: Person | None) -> None:
        """Whoever knows our account, but not yet this device, sees who admitted it."""
        book = self._node.book
        roster = book.own_roster
        if roster is None or (len(roster.parsed) == 1 and book.is_member):
            return
        # who does not know whether it was admitted has nothing to show, and asks with that
        statements: tuple[bytes, ...] = ()
        if book.is_member or book.is_out:
            statements = statements_admitting(roster, book.own.device)
            if person is not None and any(s.signer == roster.recovery_public for s in roster.parsed):
                whole = self._node.accounts.statements_for(person.account)  # a dispute may have to be ended first
                statements = whole if _fits(whole) else statements
        if _fits(statements):
            link.send([Statements(book.own.account, statements)])
        if book.is_out and link.peer is not None and link.peer.device is not None:
            self._node.untrusting.answers(link.peer.device)

    def _is_out(self, device: DeviceId) -> bool:
        """Whether a device was one of our account, or of a contact's, and is none any more."""
        roster = self._roster_of(device)
        return roster is not None and device in roster.devices - roster.active

    def _roster_of(self, device: DeviceId) -> Roster | None:
        person = self._node.book.person_of(device)
        return self._node.book.own_roster if person is None else person.roster

    def _show_removal(self, link: PeerLink, device: DeviceId) -> None:
        """A device that is out, and may not know it, sees who removed it; a thief learns nothing else by that."""
        roster = self._roster_of(device)
        if roster is None or not self._is_out(device):
            return
        statements = statements_admitting(roster, device)
        if sum(map(len, statements)) <= limits.STATEMENTS_PER_LINK_MAX_BYTES:
            for card in cards_of(roster.account, statements, ()):
                link.send([Statements(roster.account, card.statements)])

    def _bound_greetings(self, device: DeviceId) -> None:
        """The oldest go: of a device that opens channels and is never ready, and of devices that nobody knows."""
        of_device = [link for link, greeting in self._greetings.items() if greeting.device == device]
        unknown = [link for link, greeting in self._greetings.items() if not greeting.is_known]
        for link in {*of_device[:-GREETINGS_OF_DEVICE_MAX], *unknown[: -limits.STRANGERS_MAX]}:
            link.close("full")

    def _is_shut_out(self, device: DeviceId) -> bool:
        """Whether it misbehaved a moment ago: longer and longer, as the dialer waits before it dials one that did."""
        faults, last = self._faults.get(device, (0, 0.0))
        wait = min(limits.BACKOFF_MAX_SECONDS, limits.BACKOFF_MIN_SECONDS * 2.0 ** min(faults - 1, 16))
        return faults > 0 and self._node.reactor.seconds() < last + wait

    def _note_fault(self, device: DeviceId) -> None:
        """Of a device that we know. Others come with another key the next time."""
        if self._account_of(device) is not None:
            self._faults[device] = (self._faults.get(device, (0, 0.0))[0] + 1, self._node.reactor.seconds())

    def tidy(self) -> None:
        """End channels that never got ready; forget faults of long ago."""
        before = self._node.reactor.seconds() - limits.FAULTS_FORGOTTEN_SECONDS
        self._faults = {device: fault for device, fault in self._faults.items() if fault[1] > before}
        late = self._node.reactor.seconds() - limits.GREETING_MAX_SECONDS
        for link in [link for link in self._greetings if link.opened_at < late]:
            link.close("idle")

    def _end(self, failure: Failure, link: PeerLink) -> None:
        """What was to be kept was not: nothing is confirmed, and the other side says it again on another channel."""
        self._node.report(failure)
        link.close("error")

    def _say_ready(self, link: PeerLink, greeting: Greeting) -> None:
        greeting.said_ready = True
        link.send([Ready()])
        self._begin_if_ready(link, greeting)

    # --- records ---------------------------------------------------------------------------------------
    def record_received(self, link: PeerLink, record: AnyRecord) -> None:
        """A record of a device."""
        greeting = self._greetings.get(link)
        match record:
            case Ready() if greeting is not None:
                greeting.heard_ready = True
                if greeting.is_known or greeting.is_busy or not self._is_out(greeting.device):
                    self._begin_if_ready(link, greeting)
                else:
                    self._node.refuse(link, "removed")  # it had nothing to say of its account
            case ContactAccepted():
                self._accepted(link, record, greeting)
            case ContactAcceptedKept():
                self._node.meeting.acceptance_kept(link)
            case Statements() if greeting is not None and not greeting.is_known:
                self._admitted(link, record, greeting)
            case Statements():
                self._statements_received(link, record)
            case Cards() if greeting is None:
                self._cards_received(link, record)
            case CardsKept() if greeting is None:
                self._cards_kept(link, record)
            case DeliveriesAsked() | Deliveries() if greeting is None:
                self._own_said(link, record)
            case _:
                if greeting is not None:
                    raise RemoteError(f"a {type(record).__name__} before it was ready")
                self._node.syncing.record_received(link, record)

    def _accepted(self, link: PeerLink, record: ContactAccepted, greeting: Greeting | None) -> None:
        assert link.peer is not None and link.peer.device is not None
        done = self._node.meeting.accepted_by_device(link, record, link.peer.device)
        if greeting is not None:
            done.addCallback(lambda _: self._look_again(link))
        done.addErrback(self._end, link)

    def _look_again(self, link: PeerLink) -> None:
        greeting = self._greetings.get(link)
        if greeting is None or link.closed or greeting.said_ready:
            return
        if self._account_of(greeting.device) is None:
            self._node.refuse(link, "unknown")
            return
        greeting.is_known = True
        link.restrict(limits.FRAME_MAX_BYTES, 2**62)
        self._say_ready(link, greeting)

    def _admitted(self, link: PeerLink, record: Statements, greeting: Greeting) -> None:
        """A new device of a known account, or of our own, shows who admitted it."""
        account = AccountId(record.account)
        person = self._node.book.people.get(account)
        is_known = account == self._node.own.account or (person is not None and person.may_speak)
        known = self._node.book.person_of(greeting.device)
        if known is not None and known.account != account:
            raise RemoteError("a device of another account")
        if not _fits(record.statements):
            raise RemoteError("more statements than admit a device")
        if not is_known:  # no fault: we may be new here and not have heard of this contact, or have blocked it
            self._node.refuse(link, "unknown")
            return
        if greeting.is_busy:
            raise RemoteError("statements on top of statements")
        news = self._news_in(account, record.statements)
        roster = fold((*people.statements_of(self._node.store.reads, account), *news), account)
        if not roster.is_member(greeting.device):
            self._heard_from_outside(link, greeting, roster, news)
            return
        if not news and (greeting.device in self._node.book.own_devices or self._person(greeting.device) is not None):
            self._look_again(link)  # nothing that is not on the disk: it costs no entry
            return
        greeting.is_busy = True
        assert link.peer is not None and link.peer.certificate_raw is not None
        card = ((link.peer.certificate_raw, b""),)
        if self._node.book.is_out and account == self._node.own.account:
            done = self._node.untrusting.keep(news)
        else:
            done = self._node.append_self(cards_of(account, news, card))
        done.addCallback(lambda _: self._relay(account, news)).addCallback(lambda _: self._look_again(link))
        done.addErrback(self._end, link)

    def _heard_from_outside(self, link: PeerLink, greeting: Greeting, roster: Roster, news: Sequence[bytes]) -> None:
        """A device that is out says something of its account: a statement counts, whoever brings it, or it does not."""
        own = self._node.own.account
        if greeting.device not in roster.devices:
            if roster.account == own:
                self._node.refuse(link, "unknown")
                return
            raise RemoteError("statements that do not admit the device")
        counted = {statement.id for statement in roster.parsed}
        news = [raw for raw in news if statement_id(raw) in counted]
        is_room = self._is_within(self._statement_news, greeting.device, len(news), limits.STATEMENTS_PER_DAY_MAX)
        if not news or not is_room or self._node.book.is_out:
            if self._node.book.is_out and roster.account == own:
                self._node.untrusting.keep(news).addErrback(self._node.report)
            self._node.refuse(link, "removed")
            return
        greeting.is_busy = True
        done = self._node.append_self(cards_of(roster.account, news, ()))

        done.addCallback(lambda _: self._relay(roster.account, news))
        done.addCallback(lambda _: self._node.refuse(link, "removed")).addErrback(self._end, link)

    def _relay(self, account: AccountId, news: Sequence[bytes]) -> None:
        """What a device of a contact says of its account: the others may not have heard, and not meet it."""
        for device, link in list(self.live.items()):
            person = self._person(device)
            if news and person is not None and person.account == account:
                link.send([Statements(account, tuple(news))])

    def _statements_received(self, link: PeerLink, record: Statements) -> None:
        """What a device says of its account: who was linked, who is out."""
        assert link.peer is not None and link.peer.device is not None
        account = self._account_of(link.peer.device)
        if account is None:
            return  # on its way out
        of_own = record.account == self._node.own.account  # a contact shows a device that is out who removed it
        if record.account != account and not of_own:
            raise RemoteError("statements of another account")
        said = AccountId(record.account)
        news = self._news_in(said, record.statements)
        if self._node.book.is_out and of_own:  # nobody takes entries of it; the recovery key may let it in again
            self._node.untrusting.keep(news).addErrback(self._node.report)
        elif self._node.book.is_out or not news:
            return
        elif self._has_room_for_statements(link.peer.device, account, len(news)):
            self._node.append_self(cards_of(said, news, ())).addErrback(self._end, link)

    def _news_in(self, account: AccountId, statements: Sequence[bytes]) -> list[bytes]:
        """The statements that we do not have, or not with these cuts; each costs an entry of *self*."""
        c = self._node.store.reads
        news = []
        for raw in statements:
            kept = people.find_statement(c, account, statement_id(raw))
            if kept == raw:
                continue  # before its signatures are looked at: it may be said again and again
            statement = parse_statement(raw)
            if statement.account != account:
                raise RemoteError("statements of another account")
            if kept is None or not set(statement.cuts) <= set(parse_statement(kept).cuts):
                news.append(raw)
        return news[: people.room_for_statements(c, account)] if news else []

    def _has_room_for_statements(self, device: DeviceId, account: AccountId, statements: int) -> bool:
        """Whether a contact's device has not said too many today. A thief's must not use up what the others may say."""
        if account == self._node.own.account:
            return True
        return self._is_within(self._statement_news, device, statements, limits.STATEMENTS_PER_DAY_MAX)

    # --- ready -----------------------------------------------------------------------------------------
    def _begin_if_ready(self, link: PeerLink, greeting: Greeting) -> None:
        if not (greeting.said_ready and greeting.heard_ready):
            return
        account = self._account_of(greeting.device)
        if account is None:
            self._node.refuse(link, "unknown")
            return
        del self._greetings[link]
        old = self.live.get(greeting.device)
        if old is not None and not old.closed:
            apart = link.opened_at - old.opened_at
            if not keep_new(self._node.own.device, greeting.device, link.outgoing, old.outgoing, apart):
                link.close("replaced")
                return
            self.live[greeting.device] = link
            old.close("replaced")
        self.live[greeting.device] = link
        self._begin(link, greeting.device, account)

    def _begin(self, link: PeerLink, device: DeviceId, account: AccountId) -> None:
        node = self._node
        node.dialing.channel_opened(device)
        node.store.write(lambda c: people.mark_seen(c, device, node.now_ms())).addErrback(node.report)
        self.send_card(link, account)
        if account == node.own.account:
            node.syncing.link_ready(link, device, account, ())
            node.deliveries.begin(link, device)
            node.emit(ContactChanged(account, "online"))
            return
        self.send_statements(link, account)
        person = node.book.people[account]
        node.syncing.link_ready(link, device, account, [person.conversation])
        node.emit(PeerConnected(account, device))

    def closed(self, link: PeerLink, remote_fault: bool, is_pushed_out: bool = False) -> None:
        """A channel is gone. `is_pushed_out`: turned away, or by another that has our keys: not at once again."""
        self._greetings.pop(link, None)
        self._node.syncing.link_closed(link)
        self._node.deliveries.closed(link)
        assert link.peer is not None
        device = link.peer.device
        if device is not None and remote_fault and self._node.is_unlocked:
            self._note_fault(device)
        failure = DialFailure.REJECTED if remote_fault or is_pushed_out else DialFailure.LOST
        if device is None or self.live.get(device) is not link:
            if device is not None and device not in self.live:
                self._node.dialing.lost(device, failure)
            return
        del self.live[device]
        self._node.dialing.lost(device, failure)
        if self._node.is_unlocked:
            now_ms = self._node.now_ms()
            self._node.store.write(lambda c: people.mark_seen(c, device, now_ms)).addErrback(lambda _: None)
            person = self._node.book.person_of(device)
            own = self._node.own.account
            self._node.emit(PeerDisconnected(person.account, device) if person else ContactChanged(own, "offline"))

    def close_all(self, reason: str) -> None:
        """At lock and stop."""
        for link in [*self.live.values(), *self._greetings]:
            link.close(reason)

    def close_account(self, account: AccountId) -> None:
        """A contact was blocked, removed or marked; it is not told why its channels end."""
        for device, link in list(self.live.items()):
            person = self._node.book.person_of(device)
            if person is not None and person.account == account:
                link.close("done")

    def look_again(self, account: AccountId) -> None:
        """An account's roster has changed: devices that are no longer in it lose their channels."""
        is_own = account == self._node.own.account
        for device, link in list(self.live.items()):
            person = self._node.book.person_of(device)
            is_of = is_own if person is None else person.account == account
            if is_of and self._account_of(device) is None:
                self._show_removal(link, device)
                link.close("removed")

    # --- statements ------------------------------------------------------------------------------------
    def send_statements(self, link: PeerLink, account: AccountId) -> None:
        """Which devices we have, as far as a contact has to know."""
        statements = self._node.accounts.statements_for(account)
        if len(statements) > 1:
            for card in cards_of(self._node.own.account, statements, ()):
                link.send([Statements(self._node.own.account, card.statements)])

    def announce_statements(self) -> None:
        """Our devices changed: every connected contact hears of it."""
        for device, link in list(self.live.items()):
            person = self._person(device)
            if person is not None:
                self.send_statements(link, person.account)

    # --- own devices -----------------------------------------------------------------------------------
    def _own_said(self, link: PeerLink, record: DeliveriesAsked | Deliveries) -> None:
        assert link.peer is not None and link.peer.device is not None
        account = self._account_of(link.peer.device)
        if account is None:
            return  # on its way out
        if account != self._node.own.account:
            raise RemoteError("deliveries are told among own devices")
        if isinstance(record, DeliveriesAsked):
            self._node.deliveries.asked(link, record)
        else:
            self._node.deliveries.told(link, record)

    # --- cards -----------------------------------------------------------------------------------------
    def send_card(self, link: PeerLink, account: AccountId) -> None:
        """Our certificate, with the discovery key for that account."""
        node = self._node

        def card(c: Connection) -> DeviceCard | None:
            return node.own_card(c, account)

        def send(made: DeviceCard | None) -> None:
            if made is not None:
                link.send([Cards((made,))])

        node.store.write(card).addCallbacks(send, lambda failure: link.close("error"))

    def announce_card(self) -> None:
        """Our address changed: every connected contact hears of it, and our other devices do."""
        for device, link in list(self.live.items()):
            account = self._account_of(device)
            if account is not None:
                self.send_card(link, account)

    def _cards_received(self, link: PeerLink, record: Cards) -> None:
        assert link.peer is not None and link.peer.device is not None
        account = self._account_of(link.peer.device)
        if account is None:
            return
        node = self._node
        parsed = [(node.parse_card(card), card) for card in dict.fromkeys(record.cards)]
        parsed = [(certificate, card) for certificate, card in parsed if self._is_member(account, certificate.device)]
        news = [
            (card.certificate, card.discovery_private)
            for certificate, card in parsed
            if self._is_news(account, DeviceId(certificate.device), certificate.serial, card.discovery_private)
        ]
        kept = CardsKept(tuple((certificate.device, certificate.serial) for certificate, _ in parsed))
        if not news:
            link.send([kept])
            return
        if not self._has_room_for(account, len(news)):
            return  # not confirmed: it comes again another day
        if any(certificate.device == link.peer.device for certificate, _ in parsed):
            node.dialing.forget_key(link.peer.device)
        if account == node.own.account:
            self._keep_own_cards(link, news, kept)
            return
        done = node.append_self([kinds.Card(account, (), tuple(news))])
        done.addCallback(lambda _: link.send([kept])).addErrback(self._end, link)

    def _keep_own_cards(self, link: PeerLink, news: Sequence[tuple[bytes, bytes]], kept: CardsKept) -> None:
        """Of a device of ours: it has written them to *self* itself."""
        node, account = self._node, self._node.own.account

        def job(c: Connection) -> None:
            for certificate, discovery in news:
                people.add_card(c, account, certificate, discovery)

        def done(_: object) -> None:
            node.accounts.changed(account)
            link.send([kept])

        node.store.write(job).addCallback(done).addErrback(self._end, link)

    def _has_room_for(self, account: AccountId, cards: int) -> bool:
        """Whether an account has not moved too often today."""
        return self._is_within(self._news, account, cards, limits.CARDS_PER_DAY_MAX)

    def _is_within(self, table: dict[T, tuple[int, int]], who: T, more: int, at_most: int) -> bool:
        """Count something of somebody's day; whether it is not too much."""
        day = self._node.now_ms() // DAY_MS
        before, used = table.get(who, (day, 0))
        used = more + (used if before == day else 0)
        table[who] = (day, used)
        return used <= at_most

    def _is_member(self, account: AccountId, device: bytes) -> bool:
        """Nobody can claim a device that has not said itself, in the roster, that it belongs to the account."""
        person = self._node.book.people.get(account)
        roster = person.roster if person is not None else self._node.book.own_roster
        return roster is not None and roster.is_member(device)

    def _is_news(self, account: AccountId, device: DeviceId, serial: int, discovery: bytes) -> bool:
        person = self._node.book.people.get(account)
        devices = person.devices if person is not None else self._node.book.own_devices
        known = devices.get(device)
        if known is None or known.certificate.serial < serial:
            return True
        return known.certificate.serial == serial and not known.discovery and bool(discovery)

    def _cards_kept(self, link: PeerLink, record: CardsKept) -> None:
        assert link.peer is not None and link.peer.device is not None
        for device, serial in record.serials:
            if device == self._node.own.device:
                self._node.services.card_kept(link.peer.device, serial)


def _fits(statements: Sequence[bytes]) -> bool:
    return sum(map(len, statements)) <= limits.STATEMENTS_RECORD_MAX_BYTES
