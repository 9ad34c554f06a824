"""Own devices find out with a few bytes which conversations differ. Performs no I/O.

Both send one root digest over all conversations; when the roots differ, both send 8 + 8 bytes for each conversation.
All digests are keyed by the channel and made from one snapshot, taken at the start: what is committed later is
pushed by the sessions, which begin from that same snapshot (`SyncSession.start_level`).
"""

from collections.abc import Container, Mapping, Sequence
from enum import Enum
from typing import Protocol

from onionchat.crypto.keys import is_equal
from onionchat.ids import ConversationId, DeviceId, LogId
from onionchat.log.commands import Close, Command, SendRecord, StartLevel, StartSync
from onionchat.log.frontier import DIGEST_BYTES, conversation_digest, conversation_hash, root_digest
from onionchat.log.log import LogHead
from onionchat.wire.records import AnyRecord, ConversationDigests, RootDigest

DIGESTS_MAX = 3000  # one record
PAIR_BYTES = 2 * DIGEST_BYTES


class ConversationReader(Protocol):
    """Reads which conversations there are."""

    def heads_of_all(self) -> Mapping[ConversationId, Sequence[LogHead]]:
        """All conversations that own devices share, with all their logs."""

    def unsettled(self, peer: DeviceId) -> Container[LogId]:
        """Forked logs that need more words between us and this device of ours.

        Those of either of the two of which our newest was not written again; of anyone else's none.
        """


class State(Enum):
    """NEW -start-> ROOT_SENT -roots differ-> DETAILS_SENT -their details-> DONE; equal roots -> DONE."""

    NEW = "new"
    ROOT_SENT = "root sent"
    DETAILS_SENT = "details sent"
    DONE = "done"
    CLOSED = "closed"


class DigestSession:
    """Tells for each conversation whether to begin with frontiers or level. One for each channel to an own device.

    `key`: 32 secret bytes of this channel, the same at both ends (derived from its exporter). `peer`: whose it is.
    """

    def __init__(self, reader: ConversationReader, key: bytes, peer: DeviceId) -> None:
        self.state = State.NEW
        self._reader, self._key, self._peer = reader, key, peer
        self._heads: Mapping[ConversationId, Sequence[LogHead]] = {}
        self._digests: dict[bytes, bytes] = {}
        self._names: dict[bytes, ConversationId] = {}
        self._root = b""

    def start(self) -> list[Command]:
        """Take the snapshot and send its root."""
        self._heads, unsettled = self._reader.heads_of_all(), self._reader.unsettled(self._peer)
        for conversation, heads in self._heads.items():
            name = conversation_hash(self._key, conversation)
            self._names[name] = conversation
            self._digests[name] = conversation_digest(self._key, conversation, heads, unsettled)
        self._root = root_digest(self._key, self._digests.items())
        self.state = State.ROOT_SENT
        return [SendRecord(RootDigest(self._root))]

    def heads_of(self, conversation: ConversationId) -> Sequence[LogHead]:
        """The snapshot's heads, for `SyncSession.start_level`."""
        return self._heads[conversation]

    def receive_record(self, record: AnyRecord) -> list[Command]:
        """A digest record. `Close` when it comes at the wrong time."""
        match (self.state, record):
            case (State.CLOSED, _):
                return []
            case (State.ROOT_SENT, RootDigest()):
                return self._root_received(record)
            case (State.DETAILS_SENT, ConversationDigests()):
                return self._details_received(record)
            case _:
                return self._refuse(f"a {type(record).__name__} at the wrong time")

    def _root_received(self, record: RootDigest) -> list[Command]:
        if is_equal(record.digest, self._root):
            self.state = State.DONE
            return [StartLevel(conversation) for conversation in sorted(self._heads)]
        self.state = State.DETAILS_SENT
        return [SendRecord(ConversationDigests(b"".join(name + digest for name, digest in self._listed())))]

    def _listed(self) -> list[tuple[bytes, bytes]]:
        """What one record carries of ours."""
        return sorted(self._digests.items())[:DIGESTS_MAX]

    def _details_received(self, record: ConversationDigests) -> list[Command]:
        raw = record.digests
        pairs = [raw[at : at + PAIR_BYTES] for at in range(0, len(raw), PAIR_BYTES)]
        theirs = {pair[:DIGEST_BYTES]: pair[DIGEST_BYTES:] for pair in pairs}
        if len(raw) % PAIR_BYTES or len(theirs) != len(pairs):
            return self._refuse("digests that are cut off, or name a conversation twice")
        self.state = State.DONE
        listed = dict(self._listed())  # both sides decide from the same two lists
        return [
            StartLevel(self._names[name])
            if name in listed and theirs.get(name) == digest
            else StartSync(self._names[name])
            for name, digest in sorted(self._digests.items())
        ]

    def _refuse(self, reason: str) -> list[Command]:
        self.state = State.CLOSED
        return [Close(reason)]
