"""A device of somebody's that carries falsely: a real node, whose records are changed on their way out.

It holds real keys and was really admitted, so everything reaches it; it withholds, alters, forges, turns round and
repeats what it passes on, claims others' logs for its own, lies about how far it is, and keeps what was taken back.
"""

import random as dice
from collections.abc import Callable, Sequence

import msgspec

from onionchat import limits
from onionchat.codec import decode, encode
from onionchat.crypto.keys import SigningKey
from onionchat.log.certificate import make_log_certificate, parse_log_certificate
from onionchat.log.entry import Content, WireEntry, make_entry, parse_entry
from onionchat.net.peer import PeerLink
from onionchat.node.node import Node
from onionchat.testing.sim.device import Device
from onionchat.wire.records import AnyRecord, Batch, Frontier, LogOffered, Position

KEPT_MAX = 500  # batches that it remembers, to say them again


class FalseCarrier:
    """Makes a device false from its next life on (and from now on, when it is up). `share`: of records, so many."""

    def __init__(self, device: Device, seed: str, share: float) -> None:
        self.device, self.share = device, share
        self.lies = 0
        self._dice = dice.Random(seed)
        self._key = SigningKey(self._dice.randbytes(32))
        self._kept: list[Batch] = []
        device.on_life = self._possess
        if device.is_up:
            self._possess(device.node)

    def _possess(self, node: Node) -> None:
        authenticated = node.channel_authenticated

        def channel_authenticated(link: PeerLink) -> None:
            send = link.send
            link.send = lambda records: send(self._falsified(node, records))  # type: ignore[method-assign]
            authenticated(link)

        node.channel_authenticated = channel_authenticated  # type: ignore[method-assign]

    def _falsified(self, node: Node, records: Sequence[AnyRecord]) -> list[AnyRecord]:
        said: list[AnyRecord] = []
        for record in records:
            if isinstance(record, Batch):
                self._kept = [*self._kept[-KEPT_MAX:], record]
            if self._dice.random() < self.share:
                said += self._lie(node, record)
            else:
                said.append(record)
        return said

    def _lie(self, node: Node, record: AnyRecord) -> list[AnyRecord]:
        """What is said in a record's place."""
        lies: dict[type, tuple[Callable[..., list[AnyRecord]], ...]] = {
            Batch: (self._withhold, self._alter, self._forge, self._turn_round, self._repeat, self._strip),
            Frontier: (self._boast, self._understate, self._withhold),
            LogOffered: (self._claim, self._withhold),
        }
        chosen = lies.get(type(record))
        if chosen is None:
            return [record]
        self.lies += 1
        return self._dice.choice(chosen)(node, record)

    def _withhold(self, node: Node, record: AnyRecord) -> list[AnyRecord]:
        return []

    def _alter(self, node: Node, batch: Batch) -> list[AnyRecord]:
        """One byte of one entry is another one."""
        entries = [bytearray(raw) for raw in batch.entries]
        raw = self._dice.choice(entries) if entries else bytearray(1)
        raw[self._dice.randrange(len(raw))] ^= 1 << self._dice.randrange(8)
        return [Batch(batch.conversation, tuple(map(bytes, entries)))]

    def _forge(self, node: Node, batch: Batch) -> list[AnyRecord]:
        """Another text in somebody's log, signed with a key of its own."""
        entries = list(batch.entries)
        if entries:
            place = self._dice.randrange(len(entries))
            entry = parse_entry(entries[place])
            content = Content(self._dice.randbytes(16), (), "text", 0, encode(("forged", b"")))
            mine = make_entry(self._key, entry.seq, entry.header.prev, (entry.header.ms, 0), content)
            header = encode(msgspec.structs.replace(mine.header, log=entry.header.log))
            entries[place] = encode(WireEntry(header, mine.signature, mine.content_raw))
        return [Batch(batch.conversation, tuple(entries))]

    def _turn_round(self, node: Node, batch: Batch) -> list[AnyRecord]:
        return [Batch(batch.conversation, batch.entries[::-1])]

    def _strip(self, node: Node, batch: Batch) -> list[AnyRecord]:
        """All bodies are withheld: tombstones instead."""
        wires = [decode(raw, WireEntry, limits.ENTRY_MAX_BYTES + limits.KIB) for raw in batch.entries]
        bare = tuple(encode(msgspec.structs.replace(wire, content=None)) for wire in wires)
        return [Batch(batch.conversation, bare)]

    def _repeat(self, node: Node, batch: Batch) -> list[AnyRecord]:
        """What was said long ago, perhaps forgotten since, and then this."""
        old = [kept for kept in self._kept if kept.conversation == batch.conversation]
        return [self._dice.choice(old), batch] if old else [batch]

    def _boast(self, node: Node, frontier: Frontier) -> list[AnyRecord]:
        """It has more than there is, under ids that nothing has."""
        lies = tuple(Position(p.log, p.seq + 3, self._dice.randbytes(32)) for p in frontier.positions)
        return [Frontier(frontier.conversation, lies)]

    def _understate(self, node: Node, frontier: Frontier) -> list[AnyRecord]:
        return [Frontier(frontier.conversation, ())]

    def _claim(self, node: Node, offer: LogOffered) -> list[AnyRecord]:
        """A log of its own under the name of whoever wrote this one."""
        claimed = parse_log_certificate(offer.certificate)
        certificate = make_log_certificate(self._key, claimed.conversation, claimed.device)
        return [LogOffered(certificate, offer.boxes, True), offer]
