"""Our onion services: this device's addresses, and our open invitations. Also moving to a new address."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from twisted.internet.defer import Deferred, DeferredLock, ensureDeferred, succeed

from onionchat import limits
from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import LocalError, OnionchatError
from onionchat.identity.link import prove_invitation
from onionchat.ids import DeviceId, onion_address
from onionchat.kinds import account as kinds
from onionchat.net.onions import OnionService, OnionState
from onionchat.net.peer import PeerListener
from onionchat.node.events import TorChanged
from onionchat.node.founding import move_device
from onionchat.node.linking import LinkCode
from onionchat.store import people
from onionchat.store.db import Connection
from onionchat.store.people import PROBE_SLOT, AddressRow
from onionchat.wire.handshake import InvitationCredentials

if TYPE_CHECKING:
    from onionchat.node.node import Node

INVITATION_DELAY_SETTING = "invitation-delay-seconds"
INVITATION_DELAY_SECONDS = 600
DEVICE = "device"
"""The service tag of links that came to a device address; those of invitations carry the invitation's key."""


@dataclass
class Published:
    """One onion service of ours that is wanted."""

    key: bytes
    listener: PeerListener
    delay: Any = None
    is_published: bool = False


class Services:
    """Publishes what the store says, and takes down what it no longer does."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._published: dict[str, Published] = {}
        self._is_on = False
        self._starting = True
        self._leaving = DeferredLock()

    # --- what is up ----------------------------------------------------------------------------------------
    def start(self) -> None:
        """Listen and publish. Invitations of earlier starts come after a random delay."""
        self._is_on = True
        self._starting = True
        self.changed()
        self._starting = False
        self.leave_shut_out().addErrback(self._node.report)

    def stop(self) -> "Deferred[None]":
        """Stop listening; Tor takes the onions down with our connection."""
        self._is_on = False
        published, self._published = self._published, {}
        for service in published.values():
            self._end(service)
        tor = self._node.tor
        if tor is not None:
            tor.onions.forget_all()
        return ensureDeferred(_nothing())

    def changed(self) -> None:
        """Addresses or invitations have changed."""
        if not self._is_on or not self._node.is_unlocked:
            return
        c = self._node.store.reads
        is_out = self._node.book.is_out and not self._node.book.may_return
        rows = {} if is_out else {onion_address(row.key): row for row in people.addresses(c)}
        invitations = {onion_address(i.key): i for i in self._node.book.invitations.values() if self._is_wanted(i)}
        code = self._node.linking.attempt
        codes = {onion_address(code.key.public): code} if code is not None and not code.is_over else {}
        for address in [a for a in self._published if a not in rows and a not in invitations and a not in codes]:
            self._take_down(address)
        for address, row in rows.items():
            if address not in self._published:
                self._publish_device(address, row)
        for address, invitation in invitations.items():
            if address not in self._published:
                self._publish_invitation(address, invitation)
        for address, waiting in codes.items():
            if address not in self._published:
                key = waiting.key.public
                self._publish_knock(address, key, waiting.key.seed, waiting.static, LinkCode(key), 0.0)

    def _is_wanted(self, invitation: kinds.Invitation) -> bool:
        """Open ones; and those whose acceptance somebody still has to fetch."""
        if not invitation.seed or invitation.device != self._node.own.device or self._node.book.is_out:
            return False
        book = self._node.book
        if any(person.value.owed == invitation.key for person in book.active()):
            return True
        if any(r.invitation == invitation.key and r.state == "waiting" for r in book.requests.values()):
            return invitation.state != "closed"
        return invitation.state == "open" and not self._has_expired(invitation)

    def _expired(self, invitation: kinds.Invitation) -> kinds.Invitation:
        """Its keys go, unless somebody still waits there."""
        kept = msgspec.structs.replace(invitation, state="expired")
        return kept if self._is_wanted(kept) else msgspec.structs.replace(kept, seed=b"", static=b"")

    def _has_expired(self, invitation: kinds.Invitation) -> bool:
        return bool(invitation.expires_ms) and invitation.expires_ms <= self._node.now_ms()

    def state(self, key: bytes) -> OnionState:
        """How far an onion of ours is."""
        tor = self._node.tor
        return OnionState.UNPUBLISHED if tor is None else tor.onions.state(onion_address(key))

    def current_address(self) -> AddressRow | None:
        """The address of the newest certificate."""
        return next(iter(people.addresses(self._node.store.reads)), None)

    def is_restricted(self) -> bool:
        """Whether strangers who know the address learn nothing of our presence."""
        row, tor = self.current_address(), self._node.tor
        return row is not None and tor is not None and tor.onions.is_restricted(onion_address(row.key))

    def problem(self) -> str:
        """Why the newest address is not published, for people; empty when nothing is wrong with it."""
        row, tor = self.current_address(), self._node.tor
        return "" if row is None or tor is None else tor.onions.problem(onion_address(row.key)) or ""

    # --- publishing ------------------------------------------------------------------------------------------
    def _publish_device(self, address: str, row: AddressRow) -> None:
        listener = PeerListener(self._node.credentials, self._node, DEVICE, random=self._node.random)
        service = self._published[address] = Published(row.key, listener)
        keys = people.discovery_keys(self._node.store.reads, row.key)
        self._publish(
            service,
            address,
            row.seed,
            client_keys=tuple(key.public for key in keys),
            probe_key=keys[PROBE_SLOT].private,
        )

    def _publish_invitation(self, address: str, invitation: kinds.Invitation) -> None:
        delay = self._delay_seconds() if self._starting else 0.0
        static = ExchangeKey(invitation.static)
        self._publish_knock(address, invitation.key, invitation.seed, static, invitation.key, delay)

    def _publish_knock(
        self, address: str, key: bytes, seed: bytes, static: ExchangeKey, tag: object, delay: float
    ) -> None:
        """An onion where strangers may knock; it proves nothing but its own key."""
        credentials = InvitationCredentials(prove_invitation(SigningKey(seed), static.public), static)
        listener = PeerListener(lambda: credentials, self._node, tag, random=self._node.random)
        service = self._published[address] = Published(key, listener)

        def publish() -> None:
            self._publish(service, address, seed)

        if delay:
            service.delay = self._node.reactor.callLater(delay, publish)
        else:
            publish()

    def _delay_seconds(self) -> float:
        """Random, so that invitations are not tied to the start of the device."""
        text = self._node.book.settings.get(INVITATION_DELAY_SETTING, "")
        most = int(text) if text.isdigit() else INVITATION_DELAY_SECONDS
        return most * int.from_bytes(self._node.random(4), "big") / 2**32

    def _publish(
        self,
        service: Published,
        address: str,
        seed: bytes,
        client_keys: tuple[bytes, ...] = (),
        probe_key: bytes | None = None,
    ) -> None:
        tor = self._node.tor
        if tor is None:
            return
        try:
            port = service.listener.start(self._node.reactor, tor.place.listen_host, tor.place.onion_ports)
        except LocalError as error:
            self._node.warn(str(error))
            return
        service.is_published = True
        onion = OnionService(
            address,
            SigningKey(seed).expanded(),
            port,
            client_keys,
            probe_key,
            pow_defense=not client_keys,
            max_streams=0 if client_keys else limits.STREAMS_PER_CIRCUIT_MAX,
            allow_unrestricted=self._node.allow_unrestricted,
        )

        def refused(failure: Any) -> None:
            if isinstance(failure.value, OnionchatError):
                self._node.warn(str(failure.value))
            else:
                self._node.report(failure)

        ensureDeferred(tor.onions.publish(onion)).addErrback(refused)

    def _take_down(self, address: str) -> None:
        service = self._published.pop(address)
        self._end(service)
        tor = self._node.tor
        if tor is not None:
            ensureDeferred(tor.onions.unpublish(address)).addErrback(lambda _: None)

    def _end(self, service: Published) -> None:
        if service.delay is not None and service.delay.active():
            service.delay.cancel()
        if service.is_published:
            service.listener.stop()

    # --- moving ----------------------------------------------------------------------------------------------
    def renew(self) -> "Deferred[None]":
        """Move with a certificate above all that a lost disk can have made: others may have one of those."""
        return self.move(urgent=False, least_serial=self._node.now_ms() // 1000)

    def move(
        self,
        urgent: bool,
        least_serial: int = 0,
        also: Callable[[Connection], object] | None = None,
        held: bool = False,
    ) -> "Deferred[None]":
        """To a new address: made, published, told to the contacts; the old one goes when all have it.

        `also` is done in the transaction that makes the address. `held`: the old one stays for ANSWER_SECONDS.
        """
        node = self._node
        own, static, now_ms = node.own, node.own.static, node.now_ms()

        def job(c: Connection) -> tuple[int, tuple[bytes, bytes]]:
            if also is not None:
                also(c)
            return move_device(c, own, now_ms, urgent, node.random, least_serial, held)

        def moved(result: tuple[int, tuple[bytes, bytes]]) -> "Deferred[None]":
            serial, card = result
            own.statics[serial] = static
            node.book.reload_account(node.store.reads, node.own.account)
            self.changed()
            node.peers.announce_card()
            self.drop_old()
            if not node.book.other_devices:
                return succeed(None)
            return node.append_self([kinds.Card(own.account, (), (card,))])  # those that are not connected

        return node.store.write(job).addCallback(moved)

    def leave_shut_out(self) -> "Deferred[None]":
        """Move, when somebody who was blocked or removed can find the present address; once for all of them.

        Said on whichever device of ours, this one does its part when it hears of it; at start also what was cut off.
        """
        return self._leaving.run(self._leave)

    def _leave(self) -> "Deferred[None]":
        node = self._node
        row = self.current_address() if node.is_unlocked else None
        if row is None:
            return succeed(None)
        gone = [p.account for p in node.book.people.values() if p.value.state in ("blocked", "removed")]
        if any(people.has_slot(node.store.reads, row.key, account) for account in gone):
            return self.move(urgent=True)
        return succeed(None)

    def card_kept(self, device: DeviceId, serial: int) -> None:
        """A contact's device has our certificate of this serial on its disk."""
        row = self.current_address()
        if row is None or row.serial != serial:
            return
        key = row.key
        done = self._node.store.write(lambda c: people.note_told(c, key, device))
        done.addCallback(lambda _: self.drop_old()).addErrback(self._node.report)

    def drop_old(self) -> None:
        """Old addresses that nobody needs any more, or that are overdue."""
        node = self._node
        rows = people.addresses(node.store.reads)
        if len(rows) < 2:
            return
        told = people.told(node.store.reads, rows[0].key)
        # one device of a contact that has it is enough: the account's own devices share it
        all_know = all(any(d in told for d in person.devices) for person in node.book.active())
        all_know = all_know and all(device in told for device in node.book.other_devices)
        gone = [row.key for row in rows[1:] if self._is_over(row, all_know)]
        if gone:

            def job(c: Connection) -> None:
                for key in gone:
                    people.drop_address(c, key)

            node.store.write(job).addCallback(lambda _: self.changed()).addErrback(node.report)

    def _is_over(self, row: AddressRow, all_know: bool) -> bool:
        age_ms = self._node.now_ms() - row.since_ms
        if row.held and age_ms < limits.ANSWER_SECONDS * 1000:
            return False
        return all_know or (row.urgent and age_ms >= limits.OLD_ADDRESS_SECONDS * 1000)

    # --- time -------------------------------------------------------------------------------------------------
    def expire(self) -> None:
        """Invitations whose time is over."""
        node = self._node
        over = [i for i in node.book.invitations.values() if i.state == "open" and self._has_expired(i)]
        if over:
            bodies = [self._expired(i) for i in over]
            node.append_self(bodies).addCallback(lambda _: self.changed()).addErrback(node.report)
        self.drop_old()
        node.emit(TorChanged())


async def _nothing() -> None:
    return None
