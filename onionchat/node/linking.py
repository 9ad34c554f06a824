"""Linking a new device, at the device that is in: the code, the words, the admission. docs/spec/linking.md.

    WAITING    the code's onion is up        somebody authenticates there -> COMPARING
    COMPARING  one device has come           both users say that the words are equal -> OFFERED; one says no -> FAILED
    OFFERED    the admission waits for it    its signature -> ADMITTING
    ADMITTING  on its way to the disk        -> LINKED
    LINKED, FAILED                           the code is of no use any more

The new device has its profile on the disk before it signs, and the commit here decides: up to it nothing is linked,
after it the new device learns of it here, or by dialling this one later.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from onionchat import limits
from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.crypto.words import sas_words
from onionchat.errors import LocalError, RemoteError
from onionchat.identity.account import countersign, unsigned_add
from onionchat.identity.contact import suggest_name
from onionchat.identity.device import parse_certificate
from onionchat.identity.link import format_code
from onionchat.ids import ConversationId, DeviceId, id_text
from onionchat.kinds.account import Setting
from onionchat.net.peer import PeerLink
from onionchat.node.accounts import cards_of
from onionchat.node.events import LinkChanged
from onionchat.node.founding import DEVICE_SETTING
from onionchat.text import remote_name
from onionchat.wire.records import (
    Admitted,
    AnyRecord,
    DeviceCard,
    LinkAsked,
    LinkConfirmed,
    MembershipAccepted,
    MembershipOffered,
    Ready,
    Statements,
)

if TYPE_CHECKING:
    from onionchat.node.node import Node


class LinkState(Enum):
    """See the module."""

    WAITING = "waiting"
    COMPARING = "comparing"
    OFFERED = "offered"
    ADMITTING = "admitting"
    LINKED = "linked"
    FAILED = "failed"


@dataclass(frozen=True)
class LinkCode:
    """The service tag of links that came to the address of a code."""

    key: bytes


class _Attempt:
    """One code, from its making to its end."""

    def __init__(self, key: SigningKey, static: ExchangeKey, expires_ms: int) -> None:
        self.key, self.static, self.expires_ms = key, static, expires_ms
        self.state = LinkState.WAITING
        self.problem = ""
        self.link: PeerLink | None = None
        self.label = ""
        self.words: tuple[str, ...] = ()
        self.said_yes = self.heard_yes = False
        self.unsigned = b""
        self.timer: Any = None

    @property
    def is_over(self) -> bool:
        return self.state in (LinkState.LINKED, LinkState.FAILED)


class Linking:
    """At most one code at a time."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self.attempt: _Attempt | None = None

    # --- the user ------------------------------------------------------------------------------------------
    def start(self) -> str:
        """Make a code and wait for a device there; the code. An older code is of no use any more.

        LocalError: there is no room for another device, or this one is out itself.
        """
        node = self._node
        roster = node.book.own_roster
        if roster is None or not node.book.is_member:
            raise LocalError("this device does not belong to its account any more: it cannot link others")
        if roster.disputed:
            raise LocalError("devices of this account have removed each other: use the recovery words first")
        if roster.is_full():
            raise LocalError(
                f"this account has {limits.DEVICES_PER_ACCOUNT_MAX} devices: `onionchat untrust` one that is not used"
            )
        self.cancel()
        key, static = SigningKey(node.random(32)), ExchangeKey(node.random(32))
        expires_ms = node.now_ms() + limits.LINK_CODE_SECONDS * 1000
        attempt = self.attempt = _Attempt(key, static, expires_ms)
        attempt.timer = node.reactor.callLater(
            limits.LINK_CODE_SECONDS, self._fail, attempt, "the code has expired; make a new one"
        )
        node.services.changed()
        node.emit(LinkChanged())
        return format_code(key.public)

    def confirm(self, is_equal: bool) -> None:
        """What the user says of the words. LocalError when there are none to compare."""
        attempt = self.attempt
        if attempt is None or attempt.state is not LinkState.COMPARING or not attempt.words:
            raise LocalError("no device is waiting for an answer: make a code with `onionchat link`")
        if not is_equal:
            self._fail(attempt, "the words were different: nothing was linked", "refused")
            return
        assert attempt.link is not None
        if not attempt.said_yes:
            attempt.said_yes = True
            attempt.link.send([LinkConfirmed()])
            self._offer_if_agreed(attempt)
            self._node.emit(LinkChanged())

    def cancel(self) -> None:
        """No device is awaited any more. What is on its way to the disk goes on."""
        if self.attempt is not None:
            self._fail(self.attempt, "it was cancelled; nothing was linked", "done")

    # --- the new device --------------------------------------------------------------------------------------
    def came(self, link: PeerLink) -> None:
        """Somebody has authenticated at a code's address: the first one, or too late."""
        attempt = self._of(link)
        if attempt is None or attempt.state is not LinkState.WAITING:
            link.close("full")
            return
        link.restrict(limits.STRANGER_RECORD_MAX_BYTES, limits.STRANGER_TOTAL_MAX_BYTES)
        attempt.link, attempt.state = link, LinkState.COMPARING

    def said(self, link: PeerLink, record: AnyRecord) -> None:
        """What the new device says."""
        attempt = self._of(link)
        if attempt is None or attempt.link is not link:
            return
        match record:
            case LinkAsked(label) if not attempt.words:
                self._asked(attempt, link, label)
            case LinkConfirmed() if attempt.words and not attempt.heard_yes:
                attempt.heard_yes = True
                self._offer_if_agreed(attempt)
            case MembershipAccepted() if attempt.state is LinkState.OFFERED:
                self._accepted(attempt, link, record)
            case _:
                raise RemoteError(f"a {type(record).__name__} at the wrong time")

    def left(self, link: PeerLink) -> None:
        """Its channel is gone."""
        attempt = self._of(link)
        if attempt is not None and attempt.link is link:
            self._fail(attempt, "the new device went away; nothing was linked. Make a new code")

    def _of(self, link: PeerLink) -> _Attempt | None:
        attempt = self.attempt
        is_this = attempt is not None and link.service == LinkCode(attempt.key.public)
        return attempt if is_this else None

    def _asked(self, attempt: _Attempt, link: PeerLink, label: str) -> None:
        assert link.peer is not None and link.peer.device is not None
        book, device = self._node.book, link.peer.device
        assert book.own_roster is not None
        if device in book.own_roster.devices or book.person_of(device) is not None:
            self._fail(attempt, "that device has been linked before: make a new profile on it", "refused")
            return
        taken = [value for key, value in book.settings.items() if key.startswith(DEVICE_SETTING) and value]
        attempt.label = suggest_name(remote_name(label), taken)
        attempt.words = sas_words(link.channel.handshake_hash)
        link.send([Ready()])
        self._node.emit(LinkChanged())

    def _offer_if_agreed(self, attempt: _Attempt) -> None:
        node, link = self._node, attempt.link
        roster = node.book.own_roster
        if not (attempt.said_yes and attempt.heard_yes) or attempt.state is not LinkState.COMPARING:
            return
        assert link is not None and link.peer is not None and link.peer.device is not None and roster is not None
        attempt.state = LinkState.OFFERED
        attempt.unsigned = unsigned_add(node.own.account, roster.heads, link.peer.device, node.own.device)
        rows = sorted(node.book.own_devices.values(), key=lambda row: row.id != node.own.device)
        cards = tuple(DeviceCard(row.certificate_raw, row.discovery) for row in rows if row.discovery)
        for part in cards_of(node.own.account, roster.statements, ()):
            link.send([Statements(node.own.account, part.statements)])
        link.send([MembershipOffered(node.own.account, attempt.unsigned, cards)])
        node.emit(LinkChanged())

    def _accepted(self, attempt: _Attempt, link: PeerLink, record: MembershipAccepted) -> None:
        node = self._node
        assert link.peer is not None and link.peer.certificate_raw is not None
        statement = countersign(attempt.unsigned, record.accepted, node.own.identity)
        if not node.book.is_member:
            self._fail(attempt, "this device was removed meanwhile; nothing was linked")
            return
        attempt.state = LinkState.ADMITTING
        certificate = link.peer.certificate_raw
        done = admit_device(node, statement, certificate, record.discovery_private, attempt.label)

        def admitted(_: object) -> None:
            link.send([Admitted(statement)])
            self._end(attempt, LinkState.LINKED, "")
            link.close("done")

        def failed(failure: Failure) -> None:
            node.report(failure)
            attempt.state = LinkState.OFFERED
            self._fail(attempt, "it could not be written to the disk; nothing was linked", "error")

        done.addCallbacks(admitted, failed)

    # --- the end -----------------------------------------------------------------------------------------------
    def _fail(self, attempt: _Attempt, problem: str, reason: str = "done") -> None:
        if not attempt.is_over and attempt.state is not LinkState.ADMITTING:
            self._end(attempt, LinkState.FAILED, problem)
            if attempt.link is not None:
                attempt.link.close(reason)

    def _end(self, attempt: _Attempt, state: LinkState, problem: str) -> None:
        attempt.state, attempt.problem = state, problem
        if attempt.timer is not None and attempt.timer.active():
            attempt.timer.cancel()
        if self._node.is_unlocked:
            self._node.services.changed()
        self._node.emit(LinkChanged())


def admit_device(node: "Node", statement: bytes, certificate: bytes, discovery: bytes, label: str) -> "Deferred[None]":
    """Commit the admission of a device: its statement, its card, its boxes, and for it all that *self* must hold."""
    own, book = node.own, node.book
    assert book.own_roster is not None
    device = DeviceId(parse_certificate(certificate).device)
    cards = [(row.certificate_raw, row.discovery) for row in book.own_devices.values()]
    statements = (*book.own_roster.statements, statement)
    bodies: list[Any] = [Setting(DEVICE_SETTING + id_text(device), label)]
    bodies += cards_of(own.account, statements, [*cards, (certificate, discovery)])

    made: list[ConversationId] = []

    def offer_again(_: object) -> None:
        for conversation in made:
            node.syncing.boxes_made(conversation)

    done = node.append_self(bodies, also=lambda c: made.extend(node.accounts.boxes(c, own.account)))
    return done.addCallback(offer_again)
