"""Parameters and results of the methods about conversations and messages. To be had from `api.types`, as all are."""

from typing import Annotated, Literal

import msgspec

from onionchat.api.shapes import MessageState, Params, Result, Seconds, Trust


class Conversation(Result):
    """A line of the console's list. `kind`: direct or self (notes to self)."""

    name: str
    kind: Literal["direct", "self"]
    trust: Trust
    online: bool
    devices_online: int
    devices: int
    unread: int
    last_time: int | None
    last_line: str
    draft: str = ""
    blocked: bool = False
    timer_seconds: int | None = None
    connecting: bool = False


class ConversationName(Params):
    """A conversation, by the contact's name."""

    name: str


class ConversationOpened(Params):
    """The console shows this conversation (null: none): its devices are dialled at once."""

    name: str | None = None


class Draft(Params):
    """The unsent text of the input, kept with the conversation."""

    name: str
    text: str


class Timer(Params):
    """Disappearing messages: seconds, or null for off. Applies to what either side writes from now on."""

    name: str
    seconds: Seconds | None = None


class MessageSend(Params):
    """Commits a message; it goes out as devices can be reached. `force`: even to a compromised contact."""

    name: str
    text: str
    reply_to: str | None = None
    expires_seconds: Seconds | None = None
    force: bool = False


class Sent(Result):
    """The entry's id, committed to the disk."""

    id: str


class MessageLog(Params):
    """A page in the order of the screen.

    `since`: a cursor (order of arrival): what arrived after it, oldest arrivals first. `before`/`after`: an entry id:
    the page of `limit` messages before / after it on the screen. `around`: the page with this entry in the middle. At
    most one of the four; none: the last `limit`.
    """

    name: str
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    since: int | None = None
    before: str | None = None
    after: str | None = None
    around: str | None = None


class Reactions(Result):
    """One emoji and who reacted with it."""

    emoji: str
    by: list[str]


class Message(Result):
    """One line of a conversation. Keys as in interface.md; `from` is "me", a contact's name or "" (a notice)."""

    id: str
    time: int
    sender: str = msgspec.field(name="from")
    kind: str
    text: str
    state: MessageState
    delivered_to: list[str]
    cursor: int
    conversation: str | None = msgspec.field(name="in", default=None)
    devices: int = 0  # of the contact, that it is meant for: there when it was written, seen in the last 90 days
    carried_by: list[str] = []  # labels of my other devices that have it, while no device of the contact has
    edited: bool = False
    retracted: bool = False
    forgotten: bool = False
    withheld: bool = False
    reply_to: str | None = None
    reply_text: str = ""
    reply_from: str = ""
    reactions: list[Reactions] = []
    arrived: int | None = None  # ms; when it came here
    late: bool = False  # came after newer ones were shown
    future: bool = False  # its author's clock is far ahead of ours
    missing_before: bool = False  # it had seen messages that are not here yet
    expires: int | None = None
    device: str = ""  # which device wrote it
    unread: bool = False


class Search(Params):
    """Full text: words, "phrases", prefix*; all must match."""

    query: str
    name: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class MessageEdit(Params):
    """Replaces the text of an own message."""

    name: str
    id: str
    text: str


class MessageReact(Params):
    """Adds a reaction; an empty emoji takes mine away."""

    name: str
    id: str
    emoji: str


class MessageRetract(Params):
    """Takes an own message back on both sides (the other side may keep a copy of its own)."""

    name: str
    id: str


class MessageForget(Params):
    """Forgets messages on all my devices, for good. One of: `ids`; `first` to `last`, both included (either may be
    missing); all `before` a time (ms), or from `after` on, or between; `whole`: the conversation. `withdraw`: also take
    back what no device of the contact has.
    """

    name: str
    ids: list[str] = []
    before: int | None = None
    after: int | None = None
    first: str | None = None
    last: str | None = None
    whole: bool = False
    withdraw: bool = True


class Forgotten(Result):
    """How many messages were forgotten; `unsent`: how many of them had not been sent.

    `devices`: how many devices I have; `waiting`: the labels of those that have yet to hear of it, or of an earlier
    deletion. `device.list` says so later.
    """

    count: int
    unsent: int = 0
    devices: int = 1
    waiting: list[str] = []


class ReadMark(Params):
    """Marks a conversation read up to a message (default: all)."""

    name: str
    id: str | None = None
