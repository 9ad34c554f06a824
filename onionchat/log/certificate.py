"""Who wrote a log: certificates that nobody signs with a long-term key, and when they are believed.

`LogCertificate` binds a log key to a device and a conversation. The proof in it is by the log key itself: it shows
that whoever holds the log key claims that device, so that nobody can pass off a log of another as its own. It
proves nothing to an outsider, for anyone can make a log key and claim any device. That the device agrees is
believed by the ways of `Belief`, none of which convinces a third party.
"""

from collections.abc import Callable, Iterable
from enum import Enum, IntEnum

from onionchat.codec import Bytes32, Bytes64, Record, decode_canonical, encode
from onionchat.crypto import keys
from onionchat.crypto.box import open_box, seal_box
from onionchat.crypto.hashing import labelled_hash
from onionchat.errors import RemoteError
from onionchat.ids import AccountId, ConversationId, DeviceId, LogId
from onionchat.wire.records import LogBox

LOG_CERTIFICATE_MAX_BYTES = 512


class LogCertificate(Record, frozen=True):
    """A log, the conversation it stands in, the device that writes it, and the log key's own word for it."""

    conversation: Bytes32
    device: Bytes32
    log: Bytes32
    proof: Bytes64


class Belief(IntEnum):
    """Why we believe a certificate; the higher the stronger."""

    PROVISIONAL = 1  # another device of the author's account said so
    VOUCHED = 2  # a device of our own account believes it
    BOXED = 3  # a box from the author's static key to ours says so
    DIRECT = 4  # the author said so over a channel of its own
    OWN = 5  # it is ours


class Admission(Enum):
    """What an offered certificate means beside what we have."""

    NEW = "new"
    CONFIRMED = "confirmed"  # the same, now believed for a stronger reason
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"  # another device or conversation for one log: warn; the first stays


def make_log_certificate(log_key: keys.SigningKey, conversation: bytes, device: bytes) -> bytes:
    """The encoded certificate of a log of ours."""
    proof = log_key.sign(b"log certificate", conversation + device)
    return encode(LogCertificate(conversation, device, log_key.public, proof))


def parse_log_certificate(raw: bytes) -> LogCertificate:
    """Decode and check a certificate from outside. RemoteError when it is malformed or its proof is wrong."""
    certificate = decode_canonical(raw, LogCertificate, LOG_CERTIFICATE_MAX_BYTES)
    claim = certificate.conversation + certificate.device
    keys.verify(certificate.log, b"log certificate", claim, certificate.proof)
    return certificate


def make_box(
    certificate_raw: bytes,
    own_static: keys.ExchangeKey,
    own_serial: int,
    to_device: bytes,
    to_static_public: bytes,
    to_serial: int,
    random: Callable[[int], bytes],
) -> LogBox:
    """Authenticate a certificate of ours towards one device. The serials name which static keys were used."""
    message = _boxed_hash(certificate_raw, to_device, own_serial, to_serial)
    box = seal_box(own_static.private, to_static_public, random, message)
    return LogBox(to_device, own_serial, to_serial, box)


def open_log_box(
    box: LogBox, certificate_raw: bytes, own_device: bytes, own_static: keys.ExchangeKey, author_static_public: bytes
) -> None:
    """RemoteError unless the box was made for this device and this certificate by the author's static key.

    The caller picks both static keys by the serials that the box names.
    """
    if box.to != own_device:
        raise RemoteError("a box that is for another device")
    said = open_box(own_static.private, author_static_public, box.box)
    if not keys.is_equal(said, _boxed_hash(certificate_raw, box.to, box.from_serial, box.to_serial)):
        raise RemoteError("a box that is for another log")


def _boxed_hash(certificate_raw: bytes, to_device: bytes, from_serial: int, to_serial: int) -> bytes:
    serials = from_serial.to_bytes(8, "big") + to_serial.to_bytes(8, "big")
    return labelled_hash(b"log box", to_device + serials + certificate_raw)


def stronger(a: Belief, b: Belief) -> Belief:
    """The stronger of two beliefs."""
    return max(a, b)


def believe(
    certificate: LogCertificate,
    *,
    peer_device: DeviceId,
    peer_account: AccountId | None,
    author_account: AccountId | None,
    own_account: AccountId,
    vouched: bool,
    boxes: Iterable[bool] = (),
) -> Belief | None:
    """Why an offer may be believed, None when it may not be.

    `author_account` is the account whose roster holds the certificate's device, None when no member's does;
    `boxes` says lazily of each box for us whether it opened.
    """
    if author_account is None:
        return None
    if certificate.device == peer_device:
        return Belief.DIRECT
    if any(boxes):
        return Belief.BOXED
    if peer_account == own_account and vouched:
        return Belief.VOUCHED
    if peer_account == author_account:
        return Belief.PROVISIONAL
    return None


class KnownLog(Record, frozen=True):
    """What we have about a log already, whatever its conversation."""

    conversation: ConversationId
    device: DeviceId
    log: LogId
    belief: Belief


def admit(known: KnownLog | None, offered: LogCertificate, belief: Belief) -> Admission:
    """Compare an offered certificate with what we have. A conflict changes nothing: the first stays."""
    if known is None:
        return Admission.NEW
    if (known.conversation, known.device) != (offered.conversation, offered.device):
        return Admission.CONFLICT
    return Admission.CONFIRMED if belief > known.belief else Admission.UNCHANGED
