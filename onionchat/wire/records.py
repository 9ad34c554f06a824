"""Every record that a frame can carry: one tagged msgpack array each. The tags are the protocol.

What is nested as `bytes` (statements, certificates, entries) is signed or hashed over exactly these bytes and
is decoded by the layer that owns it. Unknown tags are refused: a newer version negotiates by kinds of entries,
never by kinds of records.
"""

from typing import Annotated

import msgspec

from onionchat import limits
from onionchat.codec import Bytes16, Bytes32, Bytes64, Record, Unsigned

Blob = Annotated[bytes, msgspec.Meta(max_length=limits.FRAME_MAX_BYTES)]
StatementBytes = Annotated[bytes, msgspec.Meta(max_length=limits.STATEMENT_MAX_BYTES)]
CertificateBytes = Annotated[bytes, msgspec.Meta(max_length=512)]
EntryBytes = Annotated[bytes, msgspec.Meta(max_length=limits.ENTRY_MAX_BYTES)]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]


# --- the channel's own -----------------------------------------------------------------------------
class Ping(Record, frozen=True, tag=1):
    """Asks for a `Pong` with the same token: liveness and round-trip time."""

    token: Unsigned


class Pong(Record, frozen=True, tag=2):
    """Answer to a `Ping`."""

    token: Unsigned


class Ready(Record, frozen=True, tag=3):
    """This side has authenticated the other and takes records of the layers above."""


class RenewalProposed(Record, frozen=True, tag=4):
    """New session keys, please; the sender writes nothing more in this TLS session but its close."""


class RenewalAccepted(Record, frozen=True, tag=5):
    """Answer to `RenewalProposed`; the last record of this TLS session. Crossed proposals need none."""


class Goodbye(Record, frozen=True, tag=6):
    """An orderly end, with a short reason code from a fixed list."""

    reason: ShortText


# --- accounts and devices --------------------------------------------------------------------------
class Statements(Record, frozen=True, tag=10):
    """Roster statements of an account: admits a device that the other side does not know yet."""

    account: Bytes32
    statements: Annotated[tuple[StatementBytes, ...], msgspec.Meta(max_length=limits.STATEMENTS_PER_ACCOUNT_MAX)]


class DeviceCard(Record, frozen=True):
    """How to reach one device: its certificate, and the discovery private half made for the receiver's account."""

    certificate: CertificateBytes
    discovery_private: Bytes32

    def __repr__(self) -> str:
        return "DeviceCard(…)"


class Cards(Record, frozen=True, tag=11):
    """Current cards of devices of the sender's account (the sender's own first)."""

    cards: Annotated[tuple[DeviceCard, ...], msgspec.Meta(max_length=limits.DEVICES_PER_ACCOUNT_MAX * 2)]


class CardsKept(Record, frozen=True, tag=12):
    """The named certificates' serials are on the disk: an old address is no longer needed for this peer."""

    serials: Annotated[tuple[tuple[Bytes32, Unsigned], ...], msgspec.Meta(max_length=64)]


# --- contacts --------------------------------------------------------------------------------------
class InvitationProof(Record, frozen=True):
    """An open invitation of the sender: its key and the key's signature over the exporter of this channel.

    In a request `invitation` is not the key but its name on this channel (`identity.link.name_open_invitation`): who
    is asked must not learn the sender's other links.
    """

    invitation: Bytes32
    signature: Bytes64


class Introduction(Record, frozen=True):
    """What one person tells the other about itself when they become contacts."""

    account: Bytes32
    statements: Annotated[tuple[StatementBytes, ...], msgspec.Meta(max_length=limits.STATEMENTS_PER_ACCOUNT_MAX)]
    cards: Annotated[tuple[DeviceCard, ...], msgspec.Meta(max_length=limits.DEVICES_PER_ACCOUNT_MAX)]
    name: Annotated[str, msgspec.Meta(max_length=limits.NAME_MAX_CHARACTERS * 4)]


class ContactRequested(Record, frozen=True, tag=20):
    """Sent to an invitation address: who asks, with a greeting, and the sender's open invitations."""

    introduction: Introduction
    greeting: Annotated[str, msgspec.Meta(max_length=limits.GREETING_MAX_CHARACTERS)]
    proofs: Annotated[tuple[InvitationProof, ...], msgspec.Meta(max_length=limits.INVITATIONS_MAX)]


class ContactRequestKept(Record, frozen=True, tag=21):
    """The request is on the disk of the other side. Says nothing about who that is."""


class ContactAccepted(Record, frozen=True, tag=22):
    """Acceptance: the same about the one who was asked. `proof` is by the invitation that the request was sent to."""

    proof: InvitationProof
    introduction: Introduction


class ContactAcceptedKept(Record, frozen=True, tag=23):
    """The acceptance is on the disk of the one who asked."""


class ContactRefused(Record, frozen=True, tag=24):
    """The request cannot be taken: the link was used, expired, or its queue is full (`reason`: used, expired, full)."""

    reason: ShortText


# --- linking a device of one's own account ------------------------------------------------------------
class LinkAsked(Record, frozen=True, tag=50):
    """Sent to the address of a link code: the new device, and what it is to be called."""

    label: Annotated[str, msgspec.Meta(max_length=limits.NAME_MAX_CHARACTERS * 4)]


class LinkConfirmed(Record, frozen=True, tag=51):
    """The user has seen the same words at both ends, and said so at this one."""


class MembershipOffered(Record, frozen=True, tag=52):
    """After `Statements` of the account: the admission that both sign (`unsigned`), and the cards of its devices."""

    account: Bytes32
    unsigned: StatementBytes
    cards: Annotated[tuple[DeviceCard, ...], msgspec.Meta(max_length=limits.DEVICES_PER_ACCOUNT_MAX)]


class MembershipAccepted(Record, frozen=True, tag=53):
    """The new device has its profile on the disk; its signature under the admission, and how its own find it."""

    accepted: Bytes64
    discovery_private: Bytes32

    def __repr__(self) -> str:
        return "MembershipAccepted(…)"


class Admitted(Record, frozen=True, tag=54):
    """The admission is on the disk of the device that made it: the new one belongs to the account."""

    statement: StatementBytes


# --- logs and sync ---------------------------------------------------------------------------------
class Position(Record, frozen=True):
    """How far a device has one log: the newest entry of the contiguous run."""

    log: Bytes32
    seq: Unsigned
    id: Bytes32


Positions = Annotated[tuple[Position, ...], msgspec.Meta(max_length=limits.LOGS_PER_CONVERSATION_MAX)]


class LogBox(Record, frozen=True):
    """Authenticates a log certificate towards one device: crypto_box of its hash, the author's static key to ours."""

    to: Bytes32
    from_serial: Unsigned
    to_serial: Unsigned
    box: Annotated[bytes, msgspec.Meta(max_length=128)]


class LogOffered(Record, frozen=True, tag=30):
    """A log of a conversation, who wrote it, and the boxes that prove it. `certificate` = encoded LogCertificate."""

    certificate: CertificateBytes
    boxes: Annotated[tuple[LogBox, ...], msgspec.Meta(max_length=2 * limits.DEVICES_PER_ACCOUNT_MAX)]
    vouched: bool  # the sender is a device of the receiver's own account and believes it itself


class Frontier(Record, frozen=True, tag=31):
    """All logs of a conversation that the sender has, and how far."""

    conversation: Bytes32
    positions: Positions


class ConversationUnknown(Record, frozen=True, tag=32):
    """The sender has no such conversation with the receiver's account."""

    conversation: Bytes32


class Request(Record, frozen=True, tag=33):
    """Send me this run of a log, oldest first; `first` and `last` inclusive."""

    conversation: Bytes32
    log: Bytes32
    first: Unsigned
    last: Unsigned


class BodiesRequested(Record, frozen=True, tag=34):
    """Send me these entries with their bodies, if you show them to your own user. Ranges are inclusive."""

    conversation: Bytes32
    log: Bytes32
    ranges: Annotated[tuple[tuple[Unsigned, Unsigned], ...], msgspec.Meta(max_length=limits.RANGES_MAX)]


class Batch(Record, frozen=True, tag=35):
    """Encoded entries of one conversation, each log's in the order of seq."""

    conversation: Bytes32
    entries: Annotated[tuple[EntryBytes, ...], msgspec.Meta(max_length=4096)]


class Ack(Record, frozen=True, tag=36):
    """These positions are committed on the sender's disk."""

    conversation: Bytes32
    positions: Positions


class RootDigest(Record, frozen=True, tag=37):
    """Own devices: one keyed digest over all conversations."""

    digest: Bytes16


class ConversationDigests(Record, frozen=True, tag=38):
    """Own devices: 8 + 8 bytes for each conversation, keyed by the channel; sent when the root differs.

    One string: as an array of pairs, a thousand would not fit a frame of 16 KiB.
    """

    digests: Annotated[bytes, msgspec.Meta(max_length=3000 * 16)]


class LogDelivered(Record, frozen=True):
    """Which devices have a log of the account, and how far."""

    log: Bytes32
    devices: Annotated[tuple[tuple[Bytes32, Unsigned], ...], msgspec.Meta(max_length=limits.DELIVERIES_RECORD_MAX)]


class DeliveriesAsked(Record, frozen=True, tag=40):
    """Own devices: what do you know of who has what, beyond this version of yours?"""

    after: Unsigned


class Deliveries(Record, frozen=True, tag=41):
    """Own devices: who has what of the account's logs; all that the sender knew up to this version of its."""

    upto: Unsigned
    logs: Annotated[tuple[LogDelivered, ...], msgspec.Meta(max_length=limits.DELIVERIES_RECORD_MAX)]


AnyRecord = (
    Ping
    | Pong
    | Ready
    | RenewalProposed
    | RenewalAccepted
    | Goodbye
    | Statements
    | Cards
    | CardsKept
    | ContactRequested
    | ContactRequestKept
    | ContactAccepted
    | ContactAcceptedKept
    | ContactRefused
    | LinkAsked
    | LinkConfirmed
    | MembershipOffered
    | MembershipAccepted
    | Admitted
    | LogOffered
    | Frontier
    | ConversationUnknown
    | Request
    | BodiesRequested
    | Batch
    | Ack
    | RootDigest
    | ConversationDigests
    | DeliveriesAsked
    | Deliveries
)
