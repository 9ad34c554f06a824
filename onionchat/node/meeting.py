"""How people become contacts: strangers at our invitations, and we at others'.

A stranger is told nothing of us before its request is accepted, and costs a bounded amount: one channel among a few,
one request of a few KiB, a bounded number of waiting requests for each invitation and in all.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec
from twisted.internet.defer import Deferred, succeed

from onionchat import limits
from onionchat.crypto.keys import SigningKey
from onionchat.errors import LocalError, RemoteError
from onionchat.identity.account import fold, parse_statement
from onionchat.identity.contact import suggest_name
from onionchat.identity.device import parse_certificate
from onionchat.identity.link import is_open_invitation, name_open_invitation, sign_open_invitation
from onionchat.ids import AccountId, DeviceId
from onionchat.kinds import account as kinds
from onionchat.kinds.fold import Place
from onionchat.log.entry import direct_id
from onionchat.net.peer import PeerLink
from onionchat.node.book import Person
from onionchat.node.events import RequestChanged
from onionchat.store import people
from onionchat.store.db import Connection
from onionchat.text import remote_name, safe_text
from onionchat.wire.records import (
    AnyRecord,
    ContactAccepted,
    ContactAcceptedKept,
    ContactRefused,
    ContactRequested,
    ContactRequestKept,
    DeviceCard,
    Introduction,
    InvitationProof,
)

if TYPE_CHECKING:
    from onionchat.node.node import Node

T = TypeVar("T")
CARDS_KEPT_OF_REQUEST = 4
"""More devices come through the roster once they are contacts; a request is small."""


class Meeting:
    """Requests, both ways."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._strangers: dict[PeerLink, DeviceId] = {}  # in the order in which they came
        self._asking: dict[PeerLink, bytes] = {}
        self._renewals: dict[AccountId, int] = {}  # how often a waiting request was written anew
        self._coming: dict[AccountId, bytes] = {}  # requests on their way to the disk: they count, too
        self._accepting: set[bytes] = set()  # one-time invitations whose acceptance is on its way to the disk

    # --- strangers at our invitations ------------------------------------------------------------------
    def stranger_came(self, link: PeerLink) -> None:
        """Someone has authenticated at an invitation of ours."""
        assert link.peer is not None and link.peer.device is not None
        link.restrict(limits.STRANGER_RECORD_MAX_BYTES * 2, limits.STRANGER_TOTAL_MAX_BYTES)
        for other, device in list(self._strangers.items()):
            if device == link.peer.device:
                other.close("replaced")
        self._strangers[link] = link.peer.device
        if len(self._strangers) > limits.STRANGERS_MAX:
            next(iter(self._strangers)).close("full")

    def stranger_said(self, link: PeerLink, record: AnyRecord) -> None:
        """A stranger may ask, and confirm that it has the answer."""
        invitation = link.service
        assert isinstance(invitation, bytes)
        match record:
            case ContactRequested():
                self._requested(link, invitation, record)
            case ContactAcceptedKept():
                self.acceptance_kept(link)
            case _:
                raise RemoteError(f"a {type(record).__name__} from a stranger")

    def _requested(self, link: PeerLink, key: bytes, record: ContactRequested) -> None:
        assert link.peer is not None and link.peer.device is not None
        node = self._node
        account, cards = check_introduction(record.introduction, link.peer.certificate_raw)
        person = node.book.people.get(account)
        if account == node.own.account:
            link.send([ContactRefused("own")])
            return
        self._refuse_false_device(link.peer.device, account, record.introduction.statements)
        if account in self._coming:
            return  # it is answered when that is on the disk
        if person is not None and person.value.state == "active" and self._knows_us_here(link, person, key, record):
            self.send_acceptance(link, person, key)  # it did not get it, or has lost it
            return
        invitation = node.book.invitations.get(key)
        waiting = node.book.requests.get(account)
        refused = self._reason_to_refuse(invitation, key, waiting)
        if refused:
            link.send([ContactRefused(refused)])
            return
        if person is not None and person.value.state == "blocked":
            link.send([ContactRequestKept()])  # it learns nothing, and nothing is kept
            return
        is_contact = person is not None and person.value.state == "active"  # with a device that is new, then
        is_settled = waiting is not None and waiting.state in ("ignored", "blocked")
        if is_settled and not (is_contact and waiting is not None and waiting.invitation != key):
            link.send([ContactRequestKept()])
            return
        request = self._request_of(link, account, cards, record)
        asked = self._proven(link, record)
        assert invitation is not None
        if not invitation.reusable and (asked is not None or invitation.accept_as):
            self._accepting.add(key)
        if asked is not None:
            name = suggest_name(asked.name or request.name, node.book.names())
            self.accept(request, name, asked).addErrback(node.report)
        elif invitation.accept_as and not invitation.reusable:
            self.accept(request, suggest_name(invitation.accept_as, node.book.names())).addErrback(node.report)
        elif waiting is not None and waiting.state == "waiting" and not self._is_renewal(waiting, request):
            link.send([ContactRequestKept()])
        else:
            self._keep_request(link, request)

    def _request_of(
        self, link: PeerLink, account: AccountId, cards: Sequence[DeviceCard], record: ContactRequested
    ) -> kinds.Request:
        """What is kept of a request."""
        assert link.peer is not None and link.peer.device is not None and isinstance(link.service, bytes)
        return kinds.Request(
            account,
            link.peer.device,
            link.service,
            remote_name(record.introduction.name),
            safe_text(record.greeting)[: limits.GREETING_MAX_CHARACTERS],
            "waiting",
            self._node.now_ms(),
            record.introduction.statements,
            _pairs(cards[:CARDS_KEPT_OF_REQUEST]),
        )

    def _refuse_false_device(self, device: DeviceId, account: AccountId, statements: Sequence[bytes]) -> None:
        """RemoteError for one that we know to be another account's, or to be removed, whatever it shows us."""
        known = self._node.book.person_of(device)
        if known is not None and known.account != account:
            raise RemoteError("a device of another account")
        if not self._is_member(device, account, statements):
            raise RemoteError("a device that was removed from its account")

    def _is_member(self, device: bytes, account: AccountId, statements: Sequence[bytes]) -> bool:
        """Whether a device is in, by what is shown and what we know."""
        before = people.statements_of(self._node.store.reads, account)
        return not before or fold((*before, *statements), account).is_member(device)

    def admission_of(self, request: kinds.Request) -> str:
        """Who admitted the device that asks, of a contact of ours: "device", "recovery"; "" when we know it already."""
        account = AccountId(request.account)
        person = self._node.book.people.get(account)
        if person is not None and request.device in person.devices:
            return ""
        before = people.statements_of(self._node.store.reads, account)
        roster = fold((*before, *request.statements), account)
        return "device" if request.device in roster.admitted_by else "recovery"

    def _knows_us_here(self, link: PeerLink, person: Person, key: bytes, record: ContactRequested) -> bool:
        """Whether a contact knows that the invitation is ours: it was accepted there, or we have asked it as well.

        A contact who found the link elsewhere is asked about like anybody else: it must not learn whose link it is.
        """
        request = self._node.book.requests.get(person.account)
        accepted = request is not None and request.invitation == key and request.state == "accepted"
        return person.value.owed == key or accepted or self._proven(link, record, ("accepted",)) is not None

    def _is_renewal(self, waiting: kinds.Request, request: kinds.Request) -> bool:
        """Whether a request that waits already is worth writing anew; each time costs an entry of *self* for ever."""
        account = AccountId(request.account)
        newer = max(map(_serial, request.cards)) > max(map(_serial, waiting.cards))
        if not (newer or request.invitation != waiting.invitation):
            return False
        self._renewals[account] = self._renewals.get(account, 0) + 1
        return self._renewals[account] < limits.REQUEST_RENEWALS_MAX

    def _keep_request(self, link: PeerLink, request: kinds.Request) -> None:
        account = AccountId(request.account)
        self._coming[account] = request.invitation
        done = self._node.append_self([request]).addBoth(self._came, account)

        def kept(_: object) -> None:
            link.send([ContactRequestKept()])
            self._node.emit(RequestChanged(account, True, "waiting"))

        done.addCallbacks(kept, lambda failure: link.close("full"))

    def _came(self, result: T, account: AccountId) -> T:
        del self._coming[account]
        return result

    def _reason_to_refuse(
        self, invitation: kinds.Invitation | None, key: bytes, waiting: kinds.Request | None
    ) -> str | None:
        node = self._node
        if invitation is None or invitation.state == "closed":
            return "closed"
        if waiting is not None and waiting.invitation == key and waiting.state != "accepted":
            return None
        if invitation.state == "used":
            return "used"
        if invitation.state == "expired" or (invitation.expires_ms and invitation.expires_ms <= node.now_ms()):
            return "expired"
        if key in self._accepting:
            return "full"  # whether it is used now is known in a moment
        if waiting is not None and waiting.state == "waiting":
            return None
        requests = [r.invitation for r in node.book.requests.values() if r.state == "waiting"]
        requests += self._coming.values()
        here = requests.count(key)
        at_most = limits.REQUESTS_PER_INVITATION_MAX if invitation.reusable else 1
        if not invitation.reusable and here >= 1:
            return "used"
        return "full" if here >= at_most or len(requests) >= limits.REQUESTS_TOTAL_MAX else None

    def _proven(
        self, link: PeerLink, record: ContactRequested, states: tuple[str, ...] = ("waiting", "kept")
    ) -> kinds.Asked | None:
        """One of the stranger's own invitations that we have added ourselves: acceptance on both sides."""
        exporter = link.channel.exporter
        proofs = {proof.invitation: proof.signature for proof in record.proofs}
        for asked in self._node.book.asked.values():
            signature = proofs.get(name_open_invitation(asked.invitation, exporter))
            if signature is None or asked.state not in states:
                continue
            if is_open_invitation(asked.invitation, exporter, signature):
                return asked
        return None

    def stranger_left(self, link: PeerLink) -> None:
        """Its channel is gone."""
        self._strangers.pop(link, None)
        key = self._asking.pop(link, None)
        if key is not None:
            self._node.dialing.lost(key)

    def close_all(self, reason: str) -> None:
        """At lock and stop."""
        for link in [*self._strangers, *self._asking]:
            link.close(reason)

    # --- accepting -------------------------------------------------------------------------------------
    def accept(self, request: kinds.Request, name: str, asked: kinds.Asked | None = None) -> "Deferred[Person]":
        """The request becomes a contact; the acceptance goes out over whatever channel there is."""
        node = self._node
        account = AccountId(request.account)
        now_ms = node.now_ms()
        introduced_by = asked.introduced_by if asked is not None else self._introducer(request)
        dead = node.accounts.dead_devices()
        contact = kinds.Contact(
            account, name, request.name, "active", now_ms, introduced_by, request.invitation, dead=dead
        )
        bodies: list[object] = [kinds.Card(account, request.statements, request.cards)]
        before = node.book.people.get(account)
        if before is not None and before.value.state == "active":  # it asked at another link
            bodies.append(msgspec.structs.replace(before.value, owed=request.invitation))
        elif before is not None and before.value.state == "imported":  # its name and its trust came with the history
            bodies.append(msgspec.structs.replace(contact, name=before.name))
        else:
            known = None if before is None else before.value
            bodies += [contact, kinds.TrustSet(account, "unvalidated"), *people.choices_anew(known, contact)]
        bodies.append(msgspec.structs.replace(request, state="accepted", statements=(), cards=()))
        invitation = node.book.invitations.get(request.invitation)
        if invitation is not None and not invitation.reusable and invitation.state == "open":
            bodies.append(msgspec.structs.replace(invitation, state="used"))
        if asked is not None:
            bodies.append(msgspec.structs.replace(asked, state="accepted"))
        owner = asked.invitation if asked is not None else None
        done = node.append_self(bodies, also=lambda c: self._open(c, account, owner))

        def accepted(_: object) -> Person:
            person = node.book.people[account]
            node.emit(RequestChanged(account, True, "accepted"))
            node.services.changed()
            for link, device in list(self._strangers.items()):
                if device == request.device:
                    self.send_acceptance(link, person)
            node.dialing.refresh()
            return person

        def settled(result: object) -> object:
            self._accepting.discard(request.invitation)
            return result

        return done.addBoth(settled).addCallback(accepted)

    def accepted_elsewhere(self, request: kinds.Request) -> None:
        """Another device of ours has accepted a request: who waits at this one has its answer at once."""
        person = self._node.book.people.get(AccountId(request.account))
        for link, device in list(self._strangers.items()):
            if person is not None and device == request.device:
                self.send_acceptance(link, person, request.invitation)

    def _introducer(self, request: kinds.Request) -> str:
        """Who asked for the link that this request came to."""
        invitation = self._node.book.invitations.get(request.invitation)
        account = AccountId(invitation.for_contact) if invitation is not None else AccountId(b"")
        person = self._node.book.people.get(account)
        return person.name if person is not None else ""

    def _open(self, c: Connection, account: AccountId, owner: bytes | None) -> None:
        """Part of the transaction that makes a contact: its conversation, its discovery key."""
        node = self._node
        if owner is not None:
            people.rename_slot(c, owner, account)
        node.own_card(c, account)
        node.store.gate.open_conversation(c, direct_id(node.own.account, account), Place.DIRECT, account)

    def send_acceptance(self, link: PeerLink, person: Person, key: bytes = b"") -> None:
        """Tell who asked that it was accepted, and who we are."""
        key = key or person.value.owed
        invitation = self._node.book.invitations.get(key)
        if invitation is None or not invitation.seed:
            return
        signature = sign_open_invitation(SigningKey(invitation.seed), link.channel.exporter)
        proof = InvitationProof(key, signature)
        done = self._node.introduction(person.account)
        done.addCallbacks(
            lambda introduction: link.send([ContactAccepted(proof, introduction)]), lambda _: link.close("error")
        )

    def acceptance_kept(self, link: PeerLink) -> None:
        """The other side has our acceptance on its disk."""
        assert link.peer is not None and link.peer.device is not None
        person = self._node.book.person_of(link.peer.device)
        if person is None or not person.value.owed:
            return
        bodies: list[object] = [msgspec.structs.replace(person.value, owed=b"")]
        invitation = self._node.book.invitations.get(person.value.owed)
        if invitation is not None and invitation.state in (
            "used",
            "closed",
        ):  # nobody comes there any more: its keys go
            bodies.append(msgspec.structs.replace(invitation, seed=b"", static=b""))
        done = self._node.append_self(bodies).addCallback(lambda _: self._node.services.changed())
        done.addErrback(self._node.report)

    # --- we at others' invitations -----------------------------------------------------------------------
    def invitation_reached(self, link: PeerLink, key: bytes) -> None:
        """Our dial to a link got through: ask."""
        asked = self._node.book.asked.get(key)
        if asked is None or asked.state not in ("waiting", "kept"):
            link.close("done")
            return
        self._asking[link] = key
        own = [i for i in self._node.book.invitations.values() if i.state == "open" and i.seed]
        exporter = link.channel.exporter
        proofs = tuple(
            InvitationProof(name_open_invitation(i.key, exporter), sign_open_invitation(SigningKey(i.seed), exporter))
            for i in own[: limits.INVITATIONS_MAX // 2]
        )
        done = self._node.introduction(key)
        done.addCallbacks(
            lambda introduction: link.send([ContactRequested(introduction, asked.greeting, proofs)]),
            lambda _: link.close("error"),
        )

    def invitation_said(self, link: PeerLink, record: AnyRecord) -> None:
        """The answer of one that we asked."""
        key = self._asking.get(link)
        asked = self._node.book.asked.get(key or b"")
        if key is None or asked is None:
            return
        match record:
            case ContactRequestKept():
                self._node.dialing.taken(key)
                if asked.state == "waiting":
                    self.set_asked(asked, "kept")
            case ContactRefused(reason):
                if asked.state in ("waiting", "kept") and reason != "full":
                    self.set_asked(asked, "refused", remote_name(reason))
                link.close("done")
            case ContactAccepted():
                done = self._accepted(record, key, link, None)
                done.addErrback(self._node.report).addCallback(lambda _: link.close("done"))
            case _:
                raise RemoteError(f"a {type(record).__name__} from an invitation")

    def set_asked(self, asked: kinds.Asked, state: str, reason: str = "") -> "Deferred[None]":
        """An outgoing request went on. Once it is over its discovery key is a spare again."""
        changed = msgspec.structs.replace(asked, state=state, reason=reason)
        is_over = state not in ("waiting", "kept")
        also = (lambda c: people.free_slots(c, asked.invitation)) if is_over else None
        done = self._node.append_self([changed], also=also)

        def told(_: object) -> None:
            self._node.emit(RequestChanged(asked.invitation, False, state))
            self._node.dialing.refresh()

        return done.addCallbacks(told, self._node.report)

    def accepted_by_device(self, link: PeerLink, record: ContactAccepted, device: DeviceId) -> "Deferred[None]":
        """A device that we may not know says that we were accepted: it must prove the invitation that we asked."""
        return self._accepted(record, record.proof.invitation, link, device)

    def _accepted(
        self, record: ContactAccepted, key: bytes, link: PeerLink, device: DeviceId | None
    ) -> "Deferred[None]":
        node = self._node
        asked = node.book.asked.get(key)
        proof = record.proof
        if asked is None or proof.invitation != key:
            raise RemoteError("an acceptance of nothing that we asked")
        if not is_open_invitation(key, link.channel.exporter, proof.signature):
            raise RemoteError("an acceptance without the invitation's proof")
        certificate = link.peer.certificate_raw if device is not None and link.peer is not None else None
        account, cards = check_introduction(record.introduction, certificate)
        person = node.book.people.get(account)
        if account == node.own.account:
            raise RemoteError("an acceptance of ourselves")
        if person is not None and person.value.state == "blocked":
            raise RemoteError("an acceptance by somebody blocked")
        if asked.state not in ("waiting", "kept"):
            if person is not None and person.is_active:
                link.send([ContactAcceptedKept()])
            return succeed(None)
        statements = record.introduction.statements
        cards = tuple(c for c in cards if self._is_member(parse_certificate(c.certificate).device, account, statements))
        if not cards:
            raise RemoteError("an acceptance by devices that were removed from their account")
        remote = remote_name(record.introduction.name)
        name = suggest_name(asked.name or remote, node.book.names())
        card = kinds.Card(account, statements, _pairs(cards))
        dead = node.accounts.dead_devices()
        contact = kinds.Contact(account, name, remote, "active", node.now_ms(), asked.introduced_by, dead=dead)
        bodies: list[object] = [card, msgspec.structs.replace(asked, state="accepted"), *self._crossed(account)]
        if person is None or person.value.state == "removed":
            known = None if person is None else person.value
            bodies += [contact, kinds.TrustSet(account, "unvalidated"), *people.choices_anew(known, contact)]
        elif person.value.state == "imported":
            bodies.append(msgspec.structs.replace(contact, name=person.name))
        done = node.append_self(bodies, also=lambda c: self._open(c, account, key))

        def kept(_: object) -> None:
            link.send([ContactAcceptedKept()])
            node.emit(RequestChanged(key, False, "accepted"))
            node.dialing.refresh()

        return done.addCallback(kept)

    def _crossed(self, account: AccountId) -> list[object]:
        """Its own request to us, when both have asked: settled with this, and the link that it came to is used."""
        request = self._node.book.requests.get(account)
        if request is None or request.state not in ("waiting", "ignored"):
            return []
        settled: list[object] = [msgspec.structs.replace(request, state="accepted", statements=(), cards=())]
        invitation = self._node.book.invitations.get(request.invitation)
        if invitation is not None and not invitation.reusable and invitation.state == "open":
            settled.append(msgspec.structs.replace(invitation, state="used"))
        return settled


def _serial(card: tuple[bytes, bytes]) -> int:
    return parse_certificate(card[0]).serial


def _pairs(cards: Sequence[DeviceCard]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((card.certificate, card.discovery_private) for card in cards)


def check_introduction(
    introduction: Introduction, certificate_raw: bytes | None
) -> tuple[AccountId, tuple[DeviceCard, ...]]:
    """The account that an introduction is of, and the cards of its active devices. RemoteError when it is not sound.

    `certificate_raw`: of the device that says it, which must be one of them.
    """
    account = AccountId(introduction.account)
    for raw in introduction.statements:
        if parse_statement(raw).account != account:
            raise RemoteError("an introduction with statements of another account")
    try:
        roster = fold(introduction.statements, account)
    except LocalError:
        raise RemoteError("an introduction without a roster") from None
    cards = tuple(c for c in introduction.cards if roster.is_member(parse_certificate(c.certificate).device))
    if not cards or roster.disputed:
        raise RemoteError("an introduction without a device")
    if certificate_raw is not None:
        device = parse_certificate(certificate_raw).device
        if all(parse_certificate(card.certificate).device != device for card in cards):
            raise RemoteError("an introduction by a device that is not in it")
    return account, cards
