"""What flows to the peer in one conversation: offers, announcements, batches, under a window.

At most WINDOW_BATCHES batches are unanswered; the peer answers each with one `Ack` after its commit. Nothing is
produced while the channel's buffer is full (`ready_for_more`). What is new goes before what was requested, and
streams take turns, so that one long log does not hold up the others.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from onionchat import limits
from onionchat.errors import RemoteError
from onionchat.ids import ConversationId, LogId
from onionchat.log.commands import SendRecord
from onionchat.log.entry import Entry, is_signed, is_tombstone, parse_entry
from onionchat.log.frontier import Levels, position
from onionchat.log.log import Verify
from onionchat.log.reader import LogReader, Range
from onionchat.wire.records import Ack, Batch, Frontier, LogOffered

OFFERS_PER_PUMP = 64
READS_PER_PUMP = 2 * limits.WINDOW_BATCHES
FRESH_MAX = 64  # entries of a push that are kept encoded, so that they need not be read again


@dataclass(slots=True)
class Stream:
    """A run that goes out: `next` to `last`; `fresh` are the encoded entries from `next` on, as far as at hand."""

    next: int
    last: int
    fresh: deque[bytes] = field(default_factory=deque)


class Outflow:
    """The sending half of a `SyncSession`."""

    def __init__(
        self, conversation: ConversationId, reader: LogReader, levels: Levels, vouch: bool, verify: Verify = is_signed
    ) -> None:
        self.ready_for_more = True
        self._conversation, self._reader, self._levels = conversation, reader, levels
        self._vouch, self._verify = vouch, verify
        self._requested: OrderedDict[LogId, Stream] = OrderedDict()
        self._live: OrderedDict[LogId, Stream] = OrderedDict()
        self._bodies: OrderedDict[LogId, deque[Range]] = OrderedDict()
        self._evidence: deque[bytes] = deque()
        self._offers: deque[LogId] = deque()
        self._announced: dict[LogId, None] = {}
        self._unanswered = 0
        self._reads = 0

    def offer(self, log: LogId) -> None:
        """Offer a log; its entries come after it."""
        if log not in self._offers:
            self._offers.append(log)
        self._levels.named.add(log)

    def announce(self, log: LogId) -> None:
        """Tell the peer our position in a log, instead of pushing what it most likely gets from elsewhere."""
        self._announced[log] = None

    def stream(self, log: LogId, first: int, last: int) -> None:
        """Send this run, and what was still to be sent of the log."""
        running = self._requested.get(log)
        if running is not None:
            first, last = min(first, running.next), max(last, running.last)
        self._requested[log] = Stream(first, last)

    def show(self, log: LogId, first: int, last: int) -> None:
        """Send this run unasked, as if it were new."""
        self._live.setdefault(log, Stream(first, last))

    def send_bodies(self, log: LogId, ranges: Sequence[Range]) -> None:
        """Send what we have of these with bodies, in place of an earlier request for the log's."""
        self._bodies[log] = deque(ranges)

    def send_evidence(self, branches: Sequence[bytes]) -> None:
        """Send entries of other branches, each in a batch of its own."""
        self._evidence.extend(branches[: limits.FORK_BRANCHES_MAX])

    def push(self, log: LogId, run: Sequence[Entry]) -> None:
        """New entries of one log, consecutive, just committed: they go before what was requested."""
        first, last = run[0].header.seq, run[-1].header.seq
        asked = self._requested.get(log)
        if asked is not None and asked.last + 1 >= first:
            asked.last = max(asked.last, last)
            return
        stream = self._live.setdefault(log, Stream(first, first - 1))
        at_hand = stream.next + len(stream.fresh)
        if stream.last < last:
            stream.last = last
        for entry in run:
            if entry.header.seq == at_hand and len(stream.fresh) < FRESH_MAX:
                stream.fresh.append(entry.raw)
                at_hand += 1

    def is_streaming(self, log: LogId) -> bool:
        """Whether a run of the log is on its way; new entries then move its end."""
        return log in self._requested or log in self._live

    def answered(self) -> None:
        """The peer committed one batch. RemoteError when none was under way."""
        if self._unanswered == 0:
            raise RemoteError("an acknowledgement without a batch")
        self._unanswered -= 1

    def cut(self, log: LogId, last: int) -> None:
        """The log ends there now: nothing past it goes out."""
        for streams in (self._requested, self._live):
            stream = streams.get(log)
            if stream is not None and stream.last > last:
                stream.last = last
                while stream.fresh and stream.next + len(stream.fresh) - 1 > last:
                    stream.fresh.pop()
                if stream.next > last:
                    del streams[log]

    def clear(self) -> None:
        """The peer does not know the conversation: nothing is on its way any more."""
        self._requested.clear()
        self._live.clear()
        self._bodies.clear()
        self._evidence.clear()
        self._offers.clear()
        self._announced.clear()
        self._unanswered = 0

    @property
    def has_more(self) -> bool:
        """Whether `pump` would go on at once: it stopped only so as not to take too long."""
        waiting = self._live or self._requested or self._bodies or self._evidence
        return self.ready_for_more and bool(self._offers or (waiting and self._unanswered < limits.WINDOW_BATCHES))

    def pump(self) -> list[SendRecord]:
        """As much as the window, the channel's buffer and a bounded effort allow."""
        if not self.ready_for_more:
            return []
        out = [
            SendRecord(self._offered(self._offers.popleft())) for _ in range(min(len(self._offers), OFFERS_PER_PUMP))
        ]
        if self._announced and not self._offers:
            heads = [self._levels.ours[log] for log in self._announced]
            self._announced.clear()
            out.append(SendRecord(Frontier(self._conversation, tuple(position(head) for head in heads))))
        self._reads = READS_PER_PUMP
        while not self._offers and self._unanswered < limits.WINDOW_BATCHES:
            entries = self._next_entries(self._live) or self._next_entries(self._requested) or self._next_extra()
            if not entries:
                break
            self._unanswered += 1
            out.append(SendRecord(Batch(self._conversation, tuple(entries))))
        return out

    def _offered(self, log: LogId) -> LogOffered:
        offer = self._reader.offer(self._conversation, log)
        return offer if self._vouch or not offer.vouched else msgspec.structs.replace(offer, vouched=False)

    def _next_extra(self) -> list[bytes]:
        return [self._evidence.popleft()] if self._evidence else self._next_bodies()

    def _next_bodies(self) -> list[bytes]:
        while self._bodies and self._reads > 0:
            log, ranges = next(iter(self._bodies.items()))
            if not ranges:
                del self._bodies[log]
                continue
            first, last = ranges.popleft()
            raws = self._read(log, first, last, limits.BATCH_MAX_BYTES)
            if raws and first + len(raws) <= last:
                ranges.appendleft((first + len(raws), last))
            found = [raw for raw in raws if not is_tombstone(raw)]
            if found:
                return found
        return []

    def _next_entries(self, streams: "OrderedDict[LogId, Stream]") -> list[bytes]:
        """Fill one batch from the streams in turn."""
        entries: list[bytes] = []
        room = limits.BATCH_MAX_BYTES
        for log in list(streams):
            stream = streams[log]
            raws = self._take(log, stream, room)
            if not raws and (entries or self._reads <= 0):
                break  # no room, or no more effort, for this one now
            entries += raws
            room -= sum(map(len, raws))
            if not raws or stream.next > stream.last:
                del streams[log]
            else:
                streams.move_to_end(log)
                break
        return entries

    def _take(self, log: LogId, stream: Stream, room: int) -> list[bytes]:
        raws: list[bytes] = []
        while stream.fresh and len(stream.fresh[0]) <= room:
            room -= len(stream.fresh[0])
            raws.append(stream.fresh.popleft())
        if raws and stream.next + len(raws) > stream.last:  # a push ends with an entry whose signature was checked
            stream.next += len(raws)
            return raws
        if not raws:
            raws = self._read(log, stream.next, stream.last, room)
        raws = self._verifiable(raws)
        if not raws and self._reads > 0 and room == limits.BATCH_MAX_BYTES:
            # no signature within what was asked for can be shown: go on to the next one that can
            stream.last = max(stream.last, self._levels.ours[log].seq)
            raws = self._verifiable(self._read(log, stream.next, stream.last, room))
        stream.fresh.clear()
        stream.next += len(raws)
        return raws

    def _read(self, log: LogId, first: int, last: int, room: int) -> list[bytes]:
        if self._reads <= 0:
            return []
        self._reads -= 1
        return self._reader.read(self._conversation, log, first, last, room)

    def _verifiable(self, raws: list[bytes]) -> list[bytes]:
        """Without the tail whose signatures the peer could not verify: it would blame us."""
        while raws and not self._verify(parse_entry(raws[-1])):
            raws.pop()
        return raws


def acknowledgement(conversation: ConversationId, levels: Levels, logs: Sequence[LogId]) -> SendRecord:
    """The answer to one batch: our committed positions in its logs."""
    heads = [levels.ours[log] for log in logs if log in levels.ours]
    return SendRecord(Ack(conversation, tuple(position(head) for head in heads)))
