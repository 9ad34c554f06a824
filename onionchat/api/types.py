"""Parameters and results of the methods, and the events: the JSON that others script against.

Times are milliseconds since 1970 unless a name says seconds. Identifiers are base32 text (`ids.id_text`).
Keys are only ever added. Text from other people is made safe for a terminal before it gets here.
"""

from typing import Annotated, Literal

import msgspec

from onionchat import limits
from onionchat.api.shapes import (
    Done as Done,
)
from onionchat.api.shapes import (
    InvitationState as InvitationState,
)
from onionchat.api.shapes import (
    MessageState as MessageState,
)
from onionchat.api.shapes import (
    Nothing as Nothing,
)
from onionchat.api.shapes import (
    Params as Params,
)
from onionchat.api.shapes import (
    Result as Result,
)
from onionchat.api.shapes import (
    Seconds as Seconds,
)
from onionchat.api.shapes import (
    Trust as Trust,
)
from onionchat.api.shapes import (
    duration_text as duration_text,
)
from onionchat.api.talktypes import (
    Conversation as Conversation,
)
from onionchat.api.talktypes import (
    ConversationName as ConversationName,
)
from onionchat.api.talktypes import (
    ConversationOpened as ConversationOpened,
)
from onionchat.api.talktypes import (
    Draft as Draft,
)
from onionchat.api.talktypes import (
    Forgotten as Forgotten,
)
from onionchat.api.talktypes import (
    Message as Message,
)
from onionchat.api.talktypes import (
    MessageEdit as MessageEdit,
)
from onionchat.api.talktypes import (
    MessageForget as MessageForget,
)
from onionchat.api.talktypes import (
    MessageLog as MessageLog,
)
from onionchat.api.talktypes import (
    MessageReact as MessageReact,
)
from onionchat.api.talktypes import (
    MessageRetract as MessageRetract,
)
from onionchat.api.talktypes import (
    MessageSend as MessageSend,
)
from onionchat.api.talktypes import (
    Reactions as Reactions,
)
from onionchat.api.talktypes import (
    ReadMark as ReadMark,
)
from onionchat.api.talktypes import (
    Search as Search,
)
from onionchat.api.talktypes import (
    Sent as Sent,
)
from onionchat.api.talktypes import (
    Timer as Timer,
)


# --- status ----------------------------------------------------------------------------------------
class TorStatus(Result):
    """What Tor is doing. `state`: off, connecting, bootstrapping, ready, lost.

    `kind`: whose it is: system, launched (by us), whonix, tails, explicit (as an option says); "" while none is found.
    """

    state: str
    bootstrap: int
    version: str
    summary: str = ""
    kind: Literal["", "explicit", "whonix", "tails", "system", "launched"] = ""


class PeerStatus(Result):
    """One live channel to a device of a contact."""

    contact: str
    device: str
    since: int
    rtt_ms: float | None


class Status(Result):
    """The node and its profile. `missing`: features that Tor or a filter does not allow.

    `clock_skew_s`: contacts' clocks minus ours, so that it is positive where ours is behind.
    """

    device: str
    account: str
    name: str
    tor: TorStatus
    onion: Literal["unpublished", "publishing", "reachable"]
    restricted_discovery: bool
    peers: list[PeerStatus]
    missing: list[str]
    clock_skew_s: float | None
    queued: int
    address: str = ""
    running: bool = True
    device_label: str = ""
    devices: int = 1
    requests: int = 0
    unread: int = 0
    recovery_pending: bool = False
    warnings: list[str] = []
    linking: Literal["", "waiting", "refused"] = ""  # this device is not known to be in its account yet
    removed: bool = False  # this device was removed from its account: it can be read, and nothing else
    history_left: int | None = None  # messages that are still being brought to this new device; null when it has all
    onion_problem: str = ""  # why Tor does not publish it, as far as it said


class PeerConnection(Result):
    """Why one device of a contact is or is not reachable, for people. `state`: connected, dialling, waiting, idle.

    `contact` is empty for the other devices of our own, and `label` is then what we call them.
    """

    contact: str
    device: str
    label: str
    state: Literal["connected", "dialling", "waiting", "idle"]
    since: int | None
    rtt_ms: float | None
    tries: int
    next_try_seconds: float | None
    last_failure: str
    last_seen: int | None
    waiting_messages: int


# --- invitations and requests ----------------------------------------------------------------------
class InviteCreate(Params):
    """`open`: usable more than once. `accept_as`: accept the first who comes under this name (one-time only)."""

    open: bool = False
    expires_seconds: Seconds = limits.INVITATION_DEFAULT_SECONDS
    accept_as: str | None = None


class Invitation(Result):
    """An invitation of ours. `expires`: ms since 1970, null when it never does. `qr`: text lines of the QR code."""

    link: str
    kind: Literal["once", "open"]
    expires: int | None
    state: InvitationState
    accept_as: str | None = None
    qr: list[str] = []


class LinkOnly(Params):
    """A link."""

    link: str


class ContactAdd(Params):
    """Sends a request to a link. `name`: the local pet name for the one who made it."""

    link: str
    name: str | None = None
    greeting: str = ""


class Added(Result):
    """The request's id; `accepted` at once when both had added each other."""

    id: str
    accepted: bool = False


class ContactRequest(Result):
    """A request, incoming or outgoing. `words`: the comparison words of the other account ([] while unknown).

    `state`: waiting (not delivered yet, or not answered), sent (it is on the other side's disk), ignored, expired,
    refused. `contact`: your name for it, when you know this account already: accepting then adds a device to that
    contact, and no other contact is made. `note`: what is to be known of that, in a sentence.
    """

    id: str
    name: str
    greeting: str
    words: list[str]
    time: int
    direction: Literal["incoming", "outgoing"]
    state: str = "waiting"
    suspicious_name: bool = False
    contact: str = ""
    note: str = ""


class RequestAccept(Params):
    """`name`: the pet name; the remote name, made safe and unique, when it is missing."""

    id: str
    name: str | None = None


class IdOnly(Params):
    """An id as the lists give it (a unique prefix of at least 6 characters will do), or a contact's name."""

    id: str


# --- contacts --------------------------------------------------------------------------------------
class Device(Result):
    """A device of a contact. `last_seen`: ms since 1970 or null."""

    id: str
    online: bool
    last_seen: int | None


class Contact(Result):
    """A person in my list. `stolen`: those of the `former` devices that were declared stolen.

    `alarm`: a sentence that is to be shown in red; empty when all is well.
    """

    id: str
    name: str
    trust: Trust
    online: bool
    devices: list[Device]
    former: list[str]
    unread: int
    stolen: list[str] = []
    blocked: bool = False
    removed: bool = False
    disputed: bool = False
    remote_name: str = ""
    introduced_by: str = ""
    quota_bytes: int = limits.QUOTA_TOTAL_BYTES
    quota_used_bytes: int = 0
    alarm: str = ""


class ContactName(Params):
    """A contact by its local pet name (or id)."""

    name: str


class ContactTrust(Params):
    """Sets the trust state."""

    name: str
    trust: Trust


class ContactRename(Params):
    """A new local pet name."""

    name: str
    new: str


class ContactRemove(Params):
    """Removes a contact; this device moves to a new address and tells the others."""

    name: str


class ContactQuota(Params):
    """How many bytes this contact's messages may take in our store in total."""

    name: str
    size_bytes: Annotated[int, msgspec.Meta(ge=1024 * 1024, le=1024**4)]


class Words(Result):
    """The comparison words of both accounts; `devices`: active devices of theirs; `roster`: fingerprint of theirs."""

    mine: list[str]
    theirs: list[str]
    devices: int
    roster: str = ""


class Introduce(Params):
    """Asks contact `name` for a one-time link and hands it to contact `to`."""

    name: str
    to: str


# --- devices, node, settings -------------------------------------------------------------------------
class OwnDevice(Result):
    """A device of mine."""

    id: str
    name: str
    this: bool
    online: bool
    state: Literal["active", "removed", "stolen"]
    address: str = ""
    last_seen: int | None = None  # ms; when this device was last connected to it
    to_forget: int = 0  # deletions that it is not known to have heard of


class DeviceRename(Params):
    """A new label for a device of mine, by its id or label."""

    device: str
    name: str


class DeviceOnly(Params):
    """A device of mine, by label or (the beginning of) its id."""

    device: str


class Deed(Result):
    """One thing that a device of mine did. `time`: null where nobody knows. `undo`: whether `all` undoes it; a contact
    that it added is only removed when its id is given."""

    id: str
    kind: Literal["device", "contact", "trust", "forget", "invitation"]
    time: int | None
    text: str
    undo: bool


class DeviceUntrust(Params):
    """Removes a device of mine. `stolen`: it is in the wrong hands; what it writes from now on is refused everywhere.

    `undo`: `all`, `none`, or ids that `device.review` gave.
    """

    device: str
    stolen: bool = False
    undo: list[str] | Literal["all", "none"] = "none"


class LinkStatus(Result):
    """How far linking a new device is. `words`: what both devices show, to be compared, while `state` is comparing.

    `state`: none, waiting (for a device), comparing, admitting, linked, failed (`problem` says why). `device`: the
    label of the new one. `said_yes`: this user has confirmed, and the other device's is awaited.
    """

    state: Literal["none", "waiting", "comparing", "admitting", "linked", "failed"]
    code: str = ""
    qr: list[str] = []
    expires: int | None = None
    published: bool = False  # the code's onion is up: a device can come
    words: list[str] = []
    device: str = ""
    said_yes: bool = False
    problem: str = ""


class LinkConfirm(Params):
    """Whether both devices show the same words. A no ends it, and nothing is linked."""

    equal: bool


class Passphrase(Params):
    """The profile's passphrase."""

    passphrase: str

    def __repr__(self) -> str:
        return "Passphrase(…)"


class PassphraseChange(Params):
    """The present passphrase, and the one that takes its place."""

    old: str
    new: str

    def __repr__(self) -> str:
        return "PassphraseChange(…)"


class ProfileWipe(Params):
    """`sure` is the word `wipe`, so that nothing is destroyed by a slip."""

    sure: Literal["wipe"]


class ProfileExport(Params):
    """Writes history and contacts to the new file `path` (absolute), under a passphrase of its own."""

    path: str
    passphrase: str
    salvage: bool = False

    def __repr__(self) -> str:
        return f"ProfileExport({self.path!r}, …)"


class RecoveryWords(Result):
    """The 24 words, while they are still kept (until written down or declined); [] after."""

    words: list[str]


class RecoverySettled(Params):
    """`written`: the words are on paper; else they are declined. Either way they are wiped here."""

    written: bool


class Setting(Params):
    """A setting of the account, shared by all own devices (JSON scalar as text)."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    value: Annotated[str, msgspec.Meta(max_length=4096)] | None = None


class SettingValue(Result):
    """The value, or null."""

    value: str | None


class Subscribe(Params):
    """Events by name; [] = all."""

    events: list[str] = []


# --- events --------------------------------------------------------------------------------------------
class Event(Result):
    """What `watch` prints. Keys that do not belong to an event are left out.

    message: all keys of `log` and `in` (its `time` is the message's); delivered: id, in, device; online/offline:
    contact, device; request: id, name; trust: contact, trust; device: contact, device, change; tor: state, bootstrap,
    onion; changed: in (something in this conversation is to be drawn again); link: state (as in `link.state`);
    locked: none.
    """

    event: str
    time: int
    id: str | msgspec.UnsetType = msgspec.UNSET
    conversation: str | msgspec.UnsetType = msgspec.field(name="in", default=msgspec.UNSET)
    device: str | msgspec.UnsetType = msgspec.UNSET
    contact: str | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    trust: str | msgspec.UnsetType = msgspec.UNSET
    change: str | msgspec.UnsetType = msgspec.UNSET
    state: str | msgspec.UnsetType = msgspec.UNSET
    bootstrap: int | msgspec.UnsetType = msgspec.UNSET
    onion: str | msgspec.UnsetType = msgspec.UNSET
    direction: str | msgspec.UnsetType = msgspec.UNSET
    sender: str | msgspec.UnsetType = msgspec.field(name="from", default=msgspec.UNSET)
    kind: str | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET
    delivered_to: list[str] | msgspec.UnsetType = msgspec.UNSET
    cursor: int | msgspec.UnsetType = msgspec.UNSET
