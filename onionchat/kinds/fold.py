"""The table of kinds, and the fold of any entry."""

from enum import Enum
from typing import Protocol

from onionchat import limits
from onionchat.codec import decode, encode
from onionchat.errors import LocalError, RemoteError
from onionchat.kinds import account, chat
from onionchat.kinds.again import Again
from onionchat.kinds.changes import Change, MessageShown, Shown
from onionchat.log.entry import Content


class Place(Enum):
    """Kinds of conversations."""

    DIRECT = "direct"
    SELF = "self"
    ARCHIVE = "archive"  # logs that came with an import: nobody writes, offers or asks for them


class Body(Protocol):
    """The decoded body of an entry."""

    def fold(self, conversation: bytes) -> tuple[Change, ...]:
        """What it changes."""


EVERYWHERE = frozenset({Place.DIRECT, Place.SELF})
DIRECT_ONLY = frozenset({Place.DIRECT})
SELF_ONLY = frozenset({Place.SELF})

# Text and its marks stand in *self* as notes to oneself.
KINDS: dict[str, tuple[type[Body], frozenset[Place]]] = {
    "text": (chat.Text, EVERYWHERE),
    "edit": (chat.Edit, EVERYWHERE),
    "reaction": (chat.Reaction, EVERYWHERE),
    "retract": (chat.Retract, EVERYWHERE),
    "timer": (chat.Timer, EVERYWHERE),
    "card": (chat.Card, DIRECT_ONLY),
    "again": (Again, EVERYWHERE),
    "contact": (account.Contact, SELF_ONLY),
    "choice": (account.Choice, SELF_ONLY),
    "trust": (account.TrustSet, SELF_ONLY),
    "certificate": (account.Card, SELF_ONLY),
    "read": (account.Read, SELF_ONLY),
    "forget": (account.Forget, SELF_ONLY),
    "restore": (account.Restore, SELF_ONLY),
    "setting": (account.Setting, SELF_ONLY),
    "invitation": (account.Invitation, SELF_ONLY),
    "asked": (account.Asked, SELF_ONLY),
    "request": (account.Request, SELF_ONLY),
}
_KIND_OF: dict[type[Body], str] = {body: kind for kind, (body, _) in KINDS.items()}


def kind_of(body: Body) -> str:
    """The kind that a body is written under."""
    return _KIND_OF[type(body)]


def body_bytes(body: Body) -> bytes:
    """The encoded body. LocalError when a text in it is no Unicode (half of a surrogate pair)."""
    try:
        return encode(body)
    except UnicodeEncodeError:
        raise LocalError("the text is not valid Unicode; check the terminal's or the file's encoding") from None


def parse_body(content: Content) -> Body | None:
    """The body of an entry; None when the kind is unknown or the body is not of it."""
    rule = KINDS.get(content.kind)
    if rule is None:
        return None
    try:
        return decode(content.body, rule[0], limits.ENTRY_MAX_BYTES)
    except RemoteError:
        return None


def fold(place: Place, conversation: bytes, content: Content) -> tuple[Change, ...]:
    """What an entry changes. Never raises: what cannot be used changes nothing, or leaves a mark."""
    rule = KINDS.get(content.kind)
    if rule is None:
        return (MessageShown(Shown.NEWER, ""),) if place is Place.DIRECT else ()
    body = parse_body(content) if place in rule[1] else None
    return body.fold(conversation) if body is not None else ()
