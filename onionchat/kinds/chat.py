"""Kinds of a conversation between people: text, edit, reaction, retract, timer."""

from typing import Annotated, Literal

import msgspec

from onionchat import limits
from onionchat.codec import Bytes16, Bytes32, Record, encode
from onionchat.kinds.changes import Change, Mark, MessageMarked, MessageShown, RegisterSet, Shown

NO_REPLY = b""
TIMER_REGISTER = "timer"
CARD_REGISTER = "card"


class Text(Record, frozen=True):
    """A message. `reply_to`: the id of the entry that it answers, or empty."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=limits.TEXT_MAX_BYTES)]
    reply_to: Annotated[bytes, msgspec.Meta(max_length=32)] = NO_REPLY

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """A line of the conversation."""
        return (MessageShown(Shown.TEXT, self.text),)

    def __repr__(self) -> str:
        return "Text(…)"


class Edit(Record, frozen=True):
    """A new text for an own message."""

    target: Bytes32
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=limits.TEXT_MAX_BYTES)]

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """Counts only when its account wrote the target."""
        return (MessageMarked(self.target, Mark.EDIT, self.text),)

    def __repr__(self) -> str:
        return "Edit(…)"


class Reaction(Record, frozen=True):
    """One emoji of one person on one message; empty takes it away."""

    target: Bytes32
    emoji: Annotated[str, msgspec.Meta(max_length=limits.EMOJI_MAX_BYTES)]

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """The last one of an account counts."""
        return (MessageMarked(self.target, Mark.REACTION, self.emoji),)


class Retract(Record, frozen=True):
    """Takes an own message back: both sides drop its body."""

    target: Bytes32

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """Counts only when its account wrote the target."""
        return (MessageMarked(self.target, Mark.RETRACT, ""),)


class Timer(Record, frozen=True):
    """Messages written from now on disappear after so many seconds; 0 for never."""

    seconds: Annotated[int, msgspec.Meta(ge=0, le=limits.DURATION_MAX_SECONDS)]

    def fold(self, conversation: bytes) -> tuple[Change, ...]:
        """A setting of the conversation that either side may change, and a line that says so."""
        value = self.seconds.to_bytes(8, "big")
        return (RegisterSet(TIMER_REGISTER, conversation, value), MessageShown(Shown.TIMER, str(self.seconds)))


class Card(Record, frozen=True):
    """Introducing one contact to another: Bob asks Carol, who answers with a link, which Bob hands to Alice.

    `token` ties ask and link together. `name`: whom it is about, in the words of who writes. `invitation`: the link's
    key, empty in an ask.
    """

    step: Literal["ask", "link", "hand"]
    token: Bytes16
    name: Annotated[str, msgspec.Meta(max_length=limits.NAME_MAX_CHARACTERS * 4)]
    invitation: Annotated[bytes, msgspec.Meta(max_length=32)] = b""

    def fold(self, conversation: bytes) -> tuple[Change, ...]:
        """A register of this conversation alone; what was handed over is a line of it."""
        register = RegisterSet(CARD_REGISTER, conversation + self.token, encode(self))
        if self.step == "hand" and len(self.invitation) == limits.KEY_BYTES:
            return (MessageShown(Shown.CARD, self.name), register)
        return (register,)
