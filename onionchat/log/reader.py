"""What a session reads: seams that the store and the node fill. Synchronous, short, no writes."""

from collections.abc import Sequence
from typing import Protocol

from onionchat.ids import AccountId, ConversationId, DeviceId, EntryId, LogId
from onionchat.log.certificate import KnownLog
from onionchat.log.log import LogHead
from onionchat.wire.records import LogBox, LogOffered

Range = tuple[int, int]
"""First and last number, inclusive."""


class LogReader(Protocol):
    """Reads logs. Everything it gives is committed; of a log that is not there (yet) it gives nothing.

    Only `offer` is never asked about such a log.
    """

    def heads(self, conversation: ConversationId) -> Sequence[LogHead]:
        """All logs of a conversation, those without an entry too."""

    def own_logs(self, conversation: ConversationId) -> Sequence[LogId]:
        """The logs that this very device writes or wrote there."""

    def id_at(self, conversation: ConversationId, log: LogId, seq: int) -> EntryId | None:
        """The id under a number; None at numbers that we do not have."""

    def offer(self, conversation: ConversationId, log: LogId) -> LogOffered:
        """A log's certificate and all its boxes; `vouched`: our own belief is more than provisional."""

    def read(self, conversation: ConversationId, log: LogId, first: int, last: int, max_bytes: int) -> list[bytes]:
        """Encoded entries from `first` on, consecutive, oldest first, as many as fit; tombstones included.

        Empty when the next one does not fit, or when `first` is not there.
        """

    def tombstoned(self, conversation: ConversationId, log: LogId, first: int) -> Sequence[Range]:
        """From number `first` on, up to RANGES_MAX ranges of tombstones whose bodies we would still take."""

    def branches(self, conversation: ConversationId, log: LogId) -> Sequence[bytes]:
        """Encoded evidence against a frozen log: entries of other branches."""

    def is_taken(self, entry: EntryId) -> bool:
        """Whether an entry of another branch of a log of ours was taken back, and all before it from the fork on."""

    def is_taken_whole(self, entry: EntryId) -> bool:
        """Whether it was, with its body; or the body is gone for good."""


class MembershipReader(Protocol):
    """Knows rosters, certificates and static keys."""

    def member_account(self, conversation: ConversationId, device: DeviceId) -> AccountId | None:
        """The member account whose roster holds (or held) the device; None for anyone else's device."""

    def known_log(self, log: LogId) -> KnownLog | None:
        """What we have about a log, in whatever conversation."""

    def box_opens(self, author: DeviceId, certificate_raw: bytes, box: LogBox) -> bool:
        """Whether a box for us was made by the author's static key for this certificate (`open_log_box`)."""
