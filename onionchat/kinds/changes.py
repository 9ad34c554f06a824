"""What a fold asks of the store: frozen values that may be applied in any order with one result."""

from dataclasses import dataclass
from enum import IntEnum


class Shown(IntEnum):
    """How an entry stands on the screen; the numbers are in the database."""

    NOT = 0
    TEXT = 1
    NOTICE = 2  # the program itself says it; local, never sent
    TIMER = 3
    NEWER = 4  # of a kind that this version does not know
    CARD = 5  # somebody introduces somebody


class Mark(IntEnum):
    """What can be said about a message; the numbers are in the database."""

    EDIT = 1
    REACTION = 2
    RETRACT = 3


@dataclass(frozen=True, slots=True)
class MessageShown:
    """The entry is a line of its conversation; `text` is what the full-text index holds."""

    shown: Shown
    text: str


@dataclass(frozen=True, slots=True)
class MessageMarked:
    """An edit, reaction or retraction of the entry `target`; the last one of its author's account counts."""

    target: bytes
    mark: Mark
    value: str


@dataclass(frozen=True, slots=True)
class RegisterSet:
    """`value` (encoded) stands under (`kind`, `key`) unless a later one in the order of the screen does."""

    kind: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """A conversation's logs are read up to these numbers; marks only grow."""

    conversation: bytes
    marks: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class BodiesForgotten:
    """These bodies are dropped, and refused for ever. Ranges are inclusive."""

    conversation: bytes
    log: bytes
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ForgettingTakenBack:
    """The `forget`s with these ids hold no more, whether they have come or not."""

    entries: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AccountLearned:
    """Roster statements and device cards of an account: sets that only grow, the highest serial of a card wins."""

    account: bytes
    statements: tuple[bytes, ...]
    cards: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class ConversationWanted:
    """The direct conversation with this account is open on every device of ours."""

    account: bytes


Change = (
    MessageShown
    | MessageMarked
    | RegisterSet
    | ReadUpTo
    | BodiesForgotten
    | ForgettingTakenBack
    | AccountLearned
    | ConversationWanted
)
