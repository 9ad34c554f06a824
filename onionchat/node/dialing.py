"""Dials what the dialer core says: contacts' devices, and the invitations that we have added."""

from typing import TYPE_CHECKING, Any, assert_never

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.python.failure import Failure

from onionchat.errors import OnionchatError
from onionchat.ids import DeviceId, onion_address
from onionchat.net.dialer import Dial, Dialer, Explanation, WakeAt
from onionchat.net.failure import DialError, DialFailure
from onionchat.net.onions import VIRTUAL_PORT
from onionchat.net.peer import PeerLink, dial
from onionchat.store import people
from onionchat.store.people import DeviceRow
from onionchat.wire.handshake import DeviceExpected, Expected, InvitationExpected

if TYPE_CHECKING:
    from onionchat.node.node import Node

Target = bytes
"""A DeviceId or the key of an invitation; both are Ed25519 public keys, and no device's is an invitation's."""


class Dialing:
    """Keeps wanted targets dialled."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._dialer: Dialer[Target] = Dialer(node.random)
        self._underway: dict[Target, Deferred[PeerLink]] = {}
        self._granted: dict[Target, str] = {}
        self._wake: Any = None
        self._urgent: frozenset[DeviceId] = frozenset()
        # circuits are shared with nobody else who uses this Tor, and tell two starts of ours apart
        self._isolation = node.random(8).hex()
        self._is_on = False

    def start(self) -> None:
        """Tor is there."""
        self._is_on = True
        self.refresh()
        self._run(self._dialer.tor_returned(self._now))

    def pause(self) -> None:
        """Tor is gone for now."""
        self._run(self._dialer.tor_lost(self._now))

    def stop(self) -> None:
        """No dials any more. Whoever starts again begins anew: Tor has lost our keys, and we our channels."""
        self._is_on = False
        self._cancel_wake()
        for underway in list(self._underway.values()):
            underway.cancel()
        self._dialer = Dialer(self._node.random)
        self._granted.clear()

    def begin_anew(self) -> None:
        """What was learnt by failing does not count any more: there is something else to say."""
        if not self._is_on:
            return
        for underway in list(self._underway.values()):
            underway.cancel()
        self._cancel_wake()
        self._dialer = Dialer(self._node.random)
        self.start()

    @property
    def _now(self) -> float:
        return float(self._node.reactor.seconds())

    # --- what is wanted ----------------------------------------------------------------------------------
    def refresh(self) -> None:
        """Contacts, cards or requests have changed."""
        if not self._is_on or not self._node.is_unlocked:
            return
        book = self._node.book
        # without a discovery key, as it comes with an import, nobody is found
        wanted = [device for person in book.active() for device, row in person.devices.items() if row.discovery]
        wanted += [device for device in book.own_devices if device != self._node.own.device]
        asked = [key for key, asked in book.asked.items() if asked.state in ("waiting", "kept")]
        if book.is_out:
            wanted, asked = [*self._node.untrusting.to_tell()], []
        devices = set(wanted)
        self._revoke_unwanted(devices)
        fresh = {key for key in asked if book.asked[key].state == "waiting"}
        urgent = (self._urgent & devices) | fresh
        self._run(self._dialer.wanted([*wanted, *asked], self._now, urgent))

    def opened(self, devices: frozenset[DeviceId]) -> None:
        """A conversation with these devices is on the screen."""
        self._urgent = devices
        self.refresh()

    def _revoke_unwanted(self, devices: set[DeviceId]) -> None:
        tor = self._node.tor
        for device in [device for device in self._granted if device not in devices]:
            address = self._granted.pop(device)
            if tor is not None:
                ensureDeferred(tor.keys.revoke(address)).addErrback(lambda _: None)

    def forget_key(self, device: DeviceId) -> None:
        """The device moves: its next dial gives Tor the key of its new address."""
        address = self._granted.pop(device, None)
        tor = self._node.tor
        if address is not None and tor is not None:
            ensureDeferred(tor.keys.revoke(address)).addErrback(lambda _: None)

    # --- what happened -----------------------------------------------------------------------------------
    def channel_opened(self, device: DeviceId) -> None:
        """A channel to the device is ready, whoever dialled."""
        underway = self._underway.pop(device, None)
        self._run(self._dialer.channel_opened(device, self._now))
        if underway is not None:
            underway.cancel()

    def taken(self, target: Target) -> None:
        """The other side takes what we came for: its channel may be dialled soon again when it breaks."""
        self._run(self._dialer.channel_opened(target, self._now))

    def lost(self, target: Target, failure: DialFailure = DialFailure.LOST) -> None:
        """Its channel is gone."""
        if self._is_on:
            self._run(self._dialer.lost(target, self._now, failure))
            self.refresh()

    def explain(self, target: Target) -> Explanation | None:
        """For the connection screen."""
        return self._dialer.explain(target, self._now)

    # --- dialling ----------------------------------------------------------------------------------------
    def _run(self, commands: list[Any]) -> None:
        for command in commands:
            match command:
                case Dial(target, fresh):
                    if self._is_on:
                        self._dial(target, fresh)
                case WakeAt(time):
                    self._cancel_wake()
                    self._wake = self._node.reactor.callLater(max(0.0, time - self._now), self._woken)
                case _:
                    assert_never(command)

    def _cancel_wake(self) -> None:
        if self._wake is not None and self._wake.active():
            self._wake.cancel()

    def _woken(self) -> None:
        if self._is_on:
            self._run(self._dialer.wake(self._now))

    def _dial(self, target: Target, fresh: bool) -> None:
        done = ensureDeferred(self._reach(target, fresh))

        def failed(failure: Failure) -> None:
            error = failure.value
            reason = error.failure if isinstance(error, DialError) else DialFailure.UNREACHABLE
            if not isinstance(error, OnionchatError):
                self._node.report(failure)
            if self._is_on:
                self._run(self._dialer.dial_failed(target, reason, self._now))

        def reached(link: PeerLink) -> None:
            self._run(self._dialer.dial_succeeded(target, self._now))

        done.addCallbacks(reached, failed)

    async def _grant(self, row: DeviceRow, address: str) -> None:
        """Let Tor find the device. It holds one key for an address: that of the device that was dialled last there."""
        tor = self._node.tor
        if any(own.key == row.certificate.address for own in people.addresses(self._node.store.reads)):
            raise DialError(DialFailure.UNREACHABLE)  # it names an address of ours, whose key is for the probe
        if tor is None or not row.discovery or self._granted.get(row.id) == address:
            return
        self.forget_key(row.id)
        for other in [other for other, held in self._granted.items() if held == address]:
            del self._granted[other]  # one of both is not there; who is gives its own key when it is dialled
        await tor.keys.grant(address, row.discovery)
        self._granted[row.id] = address

    async def _reach(self, target: Target, fresh: bool) -> PeerLink:
        node = self._node
        tor = node.tor
        if tor is None or not node.is_unlocked:
            raise DialError(DialFailure.TOR_AWAY)
        expected: Expected
        row = node.device_row(DeviceId(target))  # first: a link may be made to look like a contact's device
        if row is not None:
            address = row.certificate.address_text
            expected = DeviceExpected(row.id, row.certificate.address, row.certificate.serial)
            await self._grant(row, address)
        elif target in node.book.asked:
            expected, address = InvitationExpected(target), onion_address(target)
        else:
            raise DialError(DialFailure.UNREACHABLE)
        user = f"{self._isolation}-{target.hex()[:16]}"
        dialled = dial(
            tor,
            node.reactor,
            node.credentials(),
            expected,
            address,
            VIRTUAL_PORT,
            user,
            node,
            target,
            fresh=fresh,
            random=node.random,
        )
        self._underway[target] = dialled
        try:
            return await dialled
        finally:
            self._underway.pop(target, None)
