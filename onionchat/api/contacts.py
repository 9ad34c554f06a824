"""Methods about people: invitations, requests, contacts."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from twisted.internet.defer import Deferred

from onionchat import limits
from onionchat.api import types as t
from onionchat.api.present import Presenter
from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import LocalError, UsageError
from onionchat.identity.account import roster_fingerprint
from onionchat.identity.contact import check_pet_name, suggest_name
from onionchat.identity.link import parse_link
from onionchat.ids import AccountId, id_text
from onionchat.kinds import account as kinds
from onionchat.node.book import Person, dispute_setting, forced_setting, is_id_of
from onionchat.node.events import RequestChanged
from onionchat.node.node import Node
from onionchat.node.removal import forget_contact

OPEN_STATES = ("waiting", "kept")


class Contacts:
    """See the module."""

    def __init__(self, node: Node, presenter: Presenter) -> None:
        self._node, self._present = node, presenter

    def methods(self) -> dict[str, Callable[[Any], Any]]:
        """By name."""
        return {
            "invite.create": self.invite,
            "invite.list": self.invitations,
            "invite.close": self.uninvite,
            "invite.qr": self.invitation_qr,
            "contact.add": self.add,
            "request.list": self.requests,
            "request.accept": self.accept,
            "request.ignore": self.ignore,
            "request.cancel": self.cancel,
            "contact.block": self.block,
            "contact.unblock": self.unblock,
            "contact.list": self.contacts,
            "contact.get": self.contact,
            "contact.trust": self.set_trust,
            "contact.rename": self.rename,
            "contact.remove": self.remove,
            "contact.words": self.words,
            "contact.quota": self.quota,
            "contact.introduce": self.introduce,
        }

    def _write(self, *bodies: Any) -> "Deferred[None]":
        return self._node.append_self(bodies)

    def _done(self, deferred: "Deferred[Any]", notice: str = "") -> "Deferred[t.Done]":
        return deferred.addCallback(lambda _: t.Done(notice=notice))

    # --- invitations ---------------------------------------------------------------------------------------
    def invite(self, params: t.InviteCreate) -> Any:
        """Make a link."""
        node = self._node
        if params.accept_as is not None:
            if params.open:
                raise UsageError("only a one-time link can accept in advance; leave --open or --accept-as away")
            check_pet_name(params.accept_as, node.book.names())
        live = [i for i in node.book.invitations.values() if i.state == "open"]
        if len(live) >= limits.INVITATIONS_MAX:
            raise LocalError(f"there are {len(live)} open invitations already; take one back with `onionchat uninvite`")
        key, static = SigningKey(node.random(32)), ExchangeKey(node.random(32))
        now = node.now_ms()
        expires = now + params.expires_seconds * 1000 if params.expires_seconds else 0
        value = kinds.Invitation(
            key.public, key.seed, static.private, params.open, "open", now, expires, params.accept_as or "",
            node.own.device,
        )  # fmt: skip

        def made(_: object) -> t.Invitation:
            node.services.changed()
            return self._present.invitation(node.book.invitations[key.public], qr=True)

        return self._write(value).addCallback(made)

    def invitations(self, _: t.Nothing) -> list[t.Invitation]:
        """All, the newest last."""
        found = sorted(self._node.book.invitations.values(), key=lambda i: i.created_ms)
        return [self._present.invitation(value) for value in found]

    def _invitation(self, link: str) -> kinds.Invitation:
        value = self._node.book.invitations.get(parse_link(link))
        if value is None:
            raise LocalError("that is not a link of yours; `onionchat invitations` lists them")
        return value

    def uninvite(self, params: t.LinkOnly) -> Any:
        """Take a link back: its keys go, its onion too. Who waits there is told nothing."""
        value = self._invitation(params.link)
        is_owed = any(person.value.owed == value.key for person in self._node.book.active())
        closed = msgspec.structs.replace(value, state="closed")
        if not is_owed:  # else somebody who was accepted has yet to fetch the answer, which these keys prove
            closed = msgspec.structs.replace(closed, seed=b"", static=b"")
        done = self._write(closed).addCallback(lambda _: self._node.services.changed())
        return self._done(done)

    def invitation_qr(self, params: t.LinkOnly) -> t.Invitation:
        """One link with its QR code."""
        return self._present.invitation(self._invitation(params.link), qr=True)

    # --- requests --------------------------------------------------------------------------------------------
    def add(self, params: t.ContactAdd) -> Any:
        """Add somebody's link."""
        node = self._node
        key = parse_link(params.link)
        if key in node.book.invitations:
            raise LocalError("that is your own link; give it to the other person, and add theirs here")
        before = node.book.asked.get(key)
        if before is not None and before.state in (*OPEN_STATES, "accepted"):
            word = "accepted" if before.state == "accepted" else "waiting for an answer"
            raise LocalError(f"that link was added already; its request is {word}")
        name = "" if params.name is None else check_pet_name(params.name, node.book.names())
        if len(params.greeting) > limits.GREETING_MAX_CHARACTERS:
            raise LocalError(f"the greeting is too long: at most {limits.GREETING_MAX_CHARACTERS} characters")
        if len(node.book.contacts()) >= limits.CONTACTS_MAX:
            raise LocalError("there are too many contacts; remove one first")
        by = node.introductions.introducer(key)
        asked = kinds.Asked(key, name, params.greeting, "waiting", node.now_ms(), node.own.device, introduced_by=by)

        def written(_: object) -> t.Added:
            node.dialing.refresh()
            return t.Added(id=id_text(key))

        return self._write(asked).addCallback(written)

    def requests(self, _: t.Nothing) -> list[t.ContactRequest]:
        """Waiting ones, both ways; outgoing ones that were refused stay until cancelled."""
        book = self._node.book
        incoming = [self._present.incoming(r) for r in book.requests.values() if r.state in ("waiting", "ignored")]
        states = (*OPEN_STATES, "refused", "expired")
        outgoing = [self._present.outgoing(a) for a in book.asked.values() if a.state in states]
        return sorted([*incoming, *outgoing], key=lambda request: request.time)

    def _request(self, text: str) -> kinds.Request:
        found = [r for r in self._node.book.requests.values() if is_id_of(text, r.account) and r.state != "accepted"]
        if not found:
            by_name = [r for r in self._node.book.requests.values() if r.name == text and r.state == "waiting"]
            found = by_name if len(by_name) == 1 else []
        if len(found) != 1:
            raise LocalError("there is no such request; `onionchat requests` lists them with their ids")
        return found[0]

    def accept(self, params: t.RequestAccept) -> Any:
        """A request becomes a contact."""
        request = self._request(params.id)
        if not request.cards:
            raise LocalError("that request was settled already")
        invitation = self._node.book.invitations.get(request.invitation)
        if invitation is None or not invitation.seed:
            raise LocalError("the link that this request came to was taken back; make a new one, and pass it on")
        return self._node.meeting.accept(request, self._name_for(request, params.name)).addCallback(
            self._present.contact
        )

    def _name_for(self, request: kinds.Request, wanted: str | None) -> str:
        """The name of a contact to be; of one that we have already it stays. LocalError when it cannot be had."""
        known = self._node.book.people.get(AccountId(request.account))
        if known is not None and known.value.state == "blocked":
            raise LocalError(f"that is {known.name}, whom you have blocked: `onionchat unblock` comes first")
        if known is not None and known.value.state == "active":
            return known.name
        names = self._node.book.names()
        if len(names) >= limits.CONTACTS_MAX:
            raise LocalError("there are too many contacts; remove one first")
        return suggest_name(request.name, names) if wanted is None else check_pet_name(wanted, names)

    def ignore(self, params: t.IdOnly) -> Any:
        """The other side is told nothing."""
        return self._settle(self._request(params.id), "ignored")

    def _settle(self, request: kinds.Request, state: str) -> Any:
        cards = request.cards if state == "ignored" else ()
        statements = request.statements if state == "ignored" else ()
        changed = msgspec.structs.replace(request, state=state, cards=cards, statements=statements)
        done = self._write(changed)

        def told(_: object) -> None:
            self._node.emit(RequestChanged(request.account, True, state))
            self._node.services.changed()

        return self._done(done.addCallback(told))

    def cancel(self, params: t.IdOnly) -> Any:
        """Take an outgoing request back."""
        found = [a for a in self._node.book.asked.values() if is_id_of(params.id, a.invitation)]
        if len(found) != 1 or found[0].state == "accepted":
            raise LocalError("there is no such outgoing request; `onionchat requests` lists them with their ids")
        return self._done(self._node.meeting.set_asked(found[0], "cancelled"))

    # --- contacts --------------------------------------------------------------------------------------------
    def contacts(self, _: t.Nothing) -> list[t.Contact]:
        """All but removed ones."""
        return [self._present.contact(person) for person in self._node.book.contacts()]

    def contact(self, params: t.ContactName) -> t.Contact:
        """One."""
        return self._present.contact(self._node.book.find(params.name))

    def block(self, params: t.IdOnly) -> Any:
        """A request's sender, or a contact; then this device moves to a new address."""
        try:
            person = self._node.book.find(params.id)
        except LocalError:
            return self._settle(self._request(params.id), "blocked")
        if person.value.state == "blocked":
            return t.Done(notice=f"{person.name} is blocked already")
        return self._shut_out(person, "blocked")

    def _shut_out(self, person: Person, state: Literal["blocked", "removed"]) -> "Deferred[t.Done]":
        node = self._node
        value = msgspec.structs.replace(person.value, state=state, owed=b"")
        done = self._write(value, kinds.Choice(person.account, "state", state))
        done.addCallback(lambda _: node.services.leave_shut_out())
        others = len(node.book.other_devices)
        notice = "your devices move to new addresses" if others else "this device moves to a new address"
        return self._done(done, notice)

    def unblock(self, params: t.IdOnly) -> Any:
        """The contact may reach us again, once it has our new address."""
        blocked = [
            r for r in self._node.book.requests.values() if r.state == "blocked" and is_id_of(params.id, r.account)
        ]
        if len(blocked) == 1:
            done = self._write(msgspec.structs.replace(blocked[0], state="ignored"))
            return self._done(done, "the next request of this person is shown again")
        person = self._node.book.find(params.id)
        if person.value.state != "blocked":
            return t.Done(notice=f"{person.name} is not blocked")
        value = msgspec.structs.replace(person.value, state="active")
        return self._done(self._write(value, kinds.Choice(person.account, "state", "active")))

    def set_trust(self, params: t.ContactTrust) -> Any:
        """What the user says of a contact's keys."""
        person = self._node.book.find(params.name)
        settles = params.trust == "validated" and person.is_disputed
        if person.trust == params.trust and not settles:
            return t.Done()
        bodies: list[Any] = [kinds.TrustSet(person.account, params.trust)]
        if settles and person.roster is not None:
            # for this very roster: whatever else its devices say of each other, it is in dispute again
            fingerprint = roster_fingerprint(person.roster).hex()
            bodies.append(kinds.Setting(dispute_setting(person.account), fingerprint))
        if person.is_forced:
            bodies.append(kinds.Setting(forced_setting(person.account), ""))
        done = self._write(*bodies)
        words = {"validated": "you compared words: they match", "compromised": "marked as compromised: nothing is sent"}
        text = words.get(params.trust, "no longer validated")
        done.addCallback(lambda _: self._node.noticed(person.conversation, text))
        return self._done(done)

    def rename(self, params: t.ContactRename) -> Any:
        """Another pet name."""
        person = self._node.book.find(params.name)
        others = [p.name for p in self._node.book.contacts() if p.account != person.account]
        name = check_pet_name(params.new, others)
        return self._done(self._write(kinds.Choice(person.account, "name", name)))

    def remove(self, params: t.ContactRemove) -> Any:
        """Forget a contact and its conversation; then this device moves to a new address."""
        person = self._node.book.find(params.name)
        request = self._node.book.requests.get(AccountId(person.account))
        bodies = [] if request is None else [msgspec.structs.replace(request, state="accepted")]
        done = self._shut_out(person, "removed")
        return done.addCallback(lambda result: forget_contact(self._node, person, bodies).addCallback(lambda _: result))

    def introduce(self, params: t.Introduce) -> Any:
        """Ask one for a link, hand it to the other."""
        person, to = self._node.book.find(params.name), self._node.book.find(params.to)
        notice = f"{to.name} gets a link as soon as {person.name}'s device has made it"
        return self._done(self._node.introductions.introduce(person, to), notice)

    def words(self, params: t.ContactName) -> t.Words:
        """Comparison words."""
        return self._present.words(self._node.book.find(params.name))

    def quota(self, params: t.ContactQuota) -> Any:
        """How much a contact may write into our store."""
        person = self._node.book.find(params.name)
        return self._done(self._write(kinds.Choice(person.account, "quota", str(params.size_bytes))))
