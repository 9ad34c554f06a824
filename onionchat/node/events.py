"""What the node tells its subscribers. Past tense; identifiers as bytes."""

from dataclasses import dataclass

from onionchat.ids import AccountId, ConversationId, DeviceId


@dataclass(frozen=True, slots=True)
class MessagesAppended:
    """Shown entries were committed; their local numbers, in the order of arrival."""

    conversation: ConversationId
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MessagesDelivered:
    """A device has our log from after `first` up to `last`."""

    conversation: ConversationId
    log: bytes
    first: int
    last: int
    device: DeviceId


@dataclass(frozen=True, slots=True)
class ConversationChanged:
    """Something in it is to be drawn again."""

    conversation: ConversationId


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """A channel to a device is ready."""

    account: AccountId
    device: DeviceId


@dataclass(frozen=True, slots=True)
class PeerDisconnected:
    """No channel to a device any more."""

    account: AccountId
    device: DeviceId


@dataclass(frozen=True, slots=True)
class RequestChanged:
    """A request came, went out, or was settled. `key`: the account, or the invitation of an outgoing one."""

    key: bytes
    incoming: bool
    state: str


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """A contact's name, trust, state or devices. `what`: contact, trust, device; of our own also online, offline."""

    account: AccountId
    what: str


@dataclass(frozen=True, slots=True)
class TorChanged:
    """Tor or an onion of ours."""


@dataclass(frozen=True, slots=True)
class Locked:
    """The store was closed."""


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The linking of a new device went on, or ended."""


NodeEvent = (
    MessagesAppended
    | MessagesDelivered
    | ConversationChanged
    | PeerConnected
    | PeerDisconnected
    | RequestChanged
    | ContactChanged
    | TorChanged
    | Locked
    | LinkChanged
)
