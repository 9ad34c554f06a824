"""A device that says what a test wants, over real channels: someone else's program, or an attacker's."""

import random as dice
from collections.abc import Sequence
from typing import Any

from onionchat.codec import encode
from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.identity.account import account_id, make_genesis
from onionchat.identity.device import issue_certificate
from onionchat.identity.link import name_open_invitation, parse_link, sign_open_invitation
from onionchat.ids import DeviceId, id_text, onion_address, parse_onion_address
from onionchat.kinds.fold import Body, body_bytes, kind_of
from onionchat.log.certificate import make_log_certificate
from onionchat.log.entry import NO_ENTRY, Content, Entry, WireEntry, direct_id, make_entry
from onionchat.net.onions import VIRTUAL_PORT, OnionState
from onionchat.net.peer import PeerLink, dial
from onionchat.testing.nodes import Actor, World
from onionchat.testing.virtualtor import VirtualTor
from onionchat.wire.handshake import DeviceCredentials, DeviceExpected, Expected, InvitationExpected
from onionchat.wire.records import (
    AnyRecord,
    Batch,
    ContactAccepted,
    ContactRequested,
    DeviceCard,
    Frontier,
    Introduction,
    InvitationProof,
    LogOffered,
    Position,
    Ready,
)


class Stranger:
    """Keys of one device of an account of its own. What it hears is written down; it answers nothing by itself."""

    def __init__(self, world: World, seed: int = 1000, name: str = "Mallory", tor: Any = None) -> None:
        """`tor`: how it reaches onions, if not over the network of `world`, of which then only the clock is used."""
        self.world, self.name = world, name
        self.random = dice.Random(seed).randbytes
        self.identity = SigningKey(self.random(32))
        self.genesis = make_genesis(self.identity, self.random(32), None)
        self.account = account_id(self.genesis)
        self.static, self.address = ExchangeKey(self.random(32)), SigningKey(self.random(32))
        self.discovery = self.random(32)
        self.log_key = SigningKey(self.random(32))
        self.entries: list[Entry] = []
        self.heard: list[AnyRecord] = []
        self.ends: list[str] = []
        self.tor = tor
        if tor is None:
            self.tor = VirtualTor(world.network, self)
            self.tor.is_running = True

    @property
    def device(self) -> DeviceId:
        """Its DeviceId."""
        return DeviceId(self.identity.public)

    @property
    def id(self) -> str:
        """Its AccountId, as text."""
        return id_text(self.account)

    def certificate(self, serial: int = 1, address: bytes | None = None) -> bytes:
        """A signed certificate."""
        return issue_certificate(self.identity, address or self.address.public, self.static.public, serial)

    def card(self, serial: int = 1, address: bytes | None = None) -> DeviceCard:
        """What a contact gets of it."""
        return DeviceCard(self.certificate(serial, address), self.discovery)

    def introduction(self, **other: Any) -> Introduction:
        """Who it is, or what it claims."""
        fields = {"account": self.account, "statements": (self.genesis,), "cards": (self.card(),), "name": self.name}
        return Introduction(**{**fields, **other})

    def request(self, greeting: str = "hello", proofs: Sequence[InvitationProof] = (), **other: Any) -> AnyRecord:
        """A contact request."""
        return ContactRequested(self.introduction(**other), greeting, tuple(proofs))

    # --- channels --------------------------------------------------------------------------------------------
    def dial(self, expected: Expected, address: str) -> PeerLink:
        """An authenticated channel; DialError when there is none."""
        credentials = DeviceCredentials(self.certificate(), self.static)
        done = dial(self.tor, self.world.reactor, credentials, expected, address, VIRTUAL_PORT, "user", self, None)
        link: PeerLink = self.world.wait(done)
        return link

    def dial_link(self, link: str) -> PeerLink:
        """To an invitation."""
        key = parse_link(link)
        return self.dial(InvitationExpected(key), onion_address(key))

    def dial_device(self, actor: Actor, discovery: bytes | None = None) -> PeerLink:
        """To a device's own address, with a discovery key (one that it has stolen, when none is given)."""
        address = actor.address
        keys = actor.node.store.reads.execute(
            "SELECT private FROM slot WHERE address = ? ORDER BY slot", (parse_onion_address(address),)
        ).fetchall()
        self.tor.keys.held[address] = discovery or keys[-1][0]
        return self.dial(DeviceExpected(actor.node.own.device), address)

    def say(self, link: PeerLink, *records: AnyRecord) -> list[AnyRecord]:
        """Send, let everything happen; what it heard meanwhile."""
        before = len(self.heard)
        link.send(records)
        self.world.settle()
        return self.heard[before:]

    # --- becoming a contact ------------------------------------------------------------------------------------
    def meet(self, actor: Actor, name: str = "Mallory") -> ContactAccepted:
        """Ask at a new link, be accepted under `name`; what the other side said then."""
        channel = self.dial_link(actor.do("invite.create").link)
        self.say(channel, self.request())
        before = len(self.heard)
        actor.do("request.accept", id=self.id, name=name)
        (accepted,) = [record for record in self.heard[before:] if isinstance(record, ContactAccepted)]
        return accepted

    def connect(self, actor: Actor, accepted: ContactAccepted) -> PeerLink:
        """A channel to the device of someone who accepted it, both ready."""
        link = self.dial_device(actor, accepted.introduction.cards[0].discovery_private)
        self.say(link, Ready())
        return link

    def prove(self, link: PeerLink, invitation: SigningKey) -> InvitationProof:
        """That an invitation's key is here, for one channel: in an acceptance."""
        return InvitationProof(invitation.public, sign_open_invitation(invitation, link.channel.exporter))

    def prove_in_request(self, link: PeerLink, invitation: SigningKey) -> InvitationProof:
        """The same in a request, where the key is only named."""
        exporter = link.channel.exporter
        name = name_open_invitation(invitation.public, exporter)
        return InvitationProof(name, sign_open_invitation(invitation, exporter))

    # --- writing -----------------------------------------------------------------------------------------------
    def conversation(self, actor: Actor) -> bytes:
        """The direct conversation with someone."""
        return direct_id(self.account, actor.node.own.account)

    def write(self, body: Body, ms: int, expires: int = 0) -> Entry:
        """The next entry of its log."""
        return self.write_raw(kind_of(body), body_bytes(body), ms, expires)

    def write_raw(self, kind: str, body: bytes, ms: int, expires: int = 0) -> Entry:
        """The next entry, of any kind."""
        prev = self.entries[-1].id if self.entries else NO_ENTRY
        content = Content(self.random(16), (), kind, expires, body)
        entry = make_entry(self.log_key, len(self.entries) + 1, prev, (ms, 0), content)
        self.entries.append(entry)
        return entry

    def open(self, link: PeerLink, actor: Actor) -> list[AnyRecord]:
        """Begin sync: its (empty) frontier and its log."""
        conversation = self.conversation(actor)
        certificate = make_log_certificate(self.log_key, conversation, self.device)
        return self.say(link, Frontier(conversation, ()), LogOffered(certificate, (), False))

    def push(self, link: PeerLink, actor: Actor, entries: Sequence[Entry] | None = None) -> list[AnyRecord]:
        """Entries of its log: all that it has written."""
        chosen = self.entries if entries is None else entries
        raw = tuple(encode(WireEntry(e.header_raw, e.signature, e.content_raw)) for e in chosen)
        return self.say(link, Batch(self.conversation(actor), raw))

    def position(self) -> Position:
        """Where its log ends."""
        return Position(self.log_key.public, len(self.entries), self.entries[-1].id)

    # --- PeerObserver ------------------------------------------------------------------------------------------
    def channel_authenticated(self, link: PeerLink) -> None:
        """Nothing is said by itself."""

    def record_received(self, link: PeerLink, record: AnyRecord) -> None:
        """Written down."""
        self.heard.append(record)

    def drained(self, link: PeerLink) -> None:
        """Does not matter."""

    def channel_closed(self, link: PeerLink, reason: str, remote_fault: bool) -> None:
        """Written down."""
        self.ends.append(reason)

    # --- TorListener ---------------------------------------------------------------------------------------------
    def on_connected(self) -> None:
        """Does not matter."""

    def on_ready(self) -> None:
        """Does not matter."""

    def on_lost(self, reason: str) -> None:
        """Does not matter."""

    def on_bootstrap(self, progress: int, summary: str) -> None:
        """Does not matter."""

    def on_onion_state(self, address: str, state: OnionState) -> None:
        """Does not matter."""
