"""Statements of a roster: their bytes, how they are made, parsed and verified. docs/spec/identity.md.

What a statement comes to is for the fold to say (roster.py). Here it is only well-formed and rightly signed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Literal

import msgspec

from onionchat import limits
from onionchat.codec import Bytes16, Bytes32, Bytes64, Record, Unsigned, decode_canonical, encode
from onionchat.crypto.hashing import keyed_hash, labelled_hash
from onionchat.crypto.keys import SigningKey, verify
from onionchat.errors import LocalError, RemoteError
from onionchat.ids import AccountId, DeviceId, LogId, StatementId

STATEMENT_LABEL = b"roster statement"
GENESIS_LABEL = b"roster genesis"
ADD_LABEL = b"roster add"
ACCEPTED_LABEL = b"roster add accepted"
REMOVE_LABEL = b"roster remove"
CUT_LABEL = b"roster cut"
FILLER_LABEL = b"roster cut filler"
DIGEST_BYTES = 16
DIGEST_COUNTS = (0, 32, 128, limits.CUTS_MAX)  # a ladder, so that the number of conversations does not show

Reason = Literal["retired", "stolen"]
Heads = Annotated[tuple[Bytes32, ...], msgspec.Meta(max_length=limits.HEADS_MAX)]


class Genesis(Record, frozen=True, tag=1):
    """Founds an account of one device. Its StatementId is the AccountId."""

    device: Bytes32
    nonce: Annotated[bytes, msgspec.Meta(min_length=16, max_length=32)]
    recovery: Bytes32 | None


class Add(Record, frozen=True, tag=2):
    """Admits a device. Signed by a member or the recovery key, and by the new device."""

    account: Bytes32
    heads: Heads
    device: Bytes32
    signer: Bytes32


class Remove(Record, frozen=True, tag=3):
    """Removes a device; of its own `add`s those in `keeps` stand. The last accepted entries are only digests here."""

    account: Bytes32
    heads: Heads
    target: Bytes32
    stolen: bool
    keeps: Annotated[tuple[Bytes32, ...], msgspec.Meta(max_length=limits.STATEMENTS_PER_SIGNER_MAX)]
    digests: Annotated[tuple[Bytes16, ...], msgspec.Meta(max_length=limits.CUTS_MAX)]
    signer: Bytes32


Body = Genesis | Add | Remove


class Cut(Record, frozen=True):
    """The last entry of a log of a stolen device that is still accepted."""

    log: Bytes32
    seq: Unsigned
    id: Bytes32


class SignedStatement(Record, frozen=True):
    """What travels and is stored."""

    body: bytes
    signature: Bytes64
    accepted: Bytes64 | None
    cuts: Annotated[tuple[Cut, ...], msgspec.Meta(max_length=limits.CUTS_MAX)]


@dataclass(frozen=True, slots=True)
class Statement:
    """A parsed and verified statement. Equal when the bytes are."""

    raw: bytes
    body: Body = field(compare=False, repr=False)
    id: StatementId = field(compare=False)
    cuts: tuple[Cut, ...] = field(compare=False, repr=False)

    @property
    def signer(self) -> bytes:
        """DeviceId or recovery public key."""
        return self.body.device if isinstance(self.body, Genesis) else self.body.signer

    @property
    def subject(self) -> DeviceId:
        """The device that is admitted or removed."""
        return DeviceId(self.body.target if isinstance(self.body, Remove) else self.body.device)

    @property
    def heads(self) -> tuple[bytes, ...]:
        """What the signer had seen last; none for a genesis."""
        return () if isinstance(self.body, Genesis) else self.body.heads

    @property
    def account(self) -> AccountId:
        """The account that it belongs to."""
        return AccountId(self.id if isinstance(self.body, Genesis) else self.body.account)


# --- make -------------------------------------------------------------------------------------------
def make_genesis(identity: SigningKey, nonce: bytes, recovery_public: bytes | None) -> bytes:
    """The statement that founds an account; `nonce` is 16 to 32 random bytes."""
    body = encode(Genesis(identity.public, nonce, recovery_public))
    return _made(body, identity.sign(GENESIS_LABEL, body))


def make_add(account: bytes, heads: Sequence[bytes], new_device: SigningKey, signer: SigningKey) -> bytes:
    """Admits `new_device` where both keys are at hand (recovery). Else: `unsigned_add`, `accept_add`, `countersign`."""
    body = unsigned_add(account, heads, new_device.public, signer.public)
    return countersign(body, accept_add(body, account, new_device), signer)


def unsigned_add(account: bytes, heads: Sequence[bytes], new_device: bytes, signer_public: bytes) -> bytes:
    """First step of linking, by the member: the bytes that both will sign."""
    return encode(Add(account, _sorted(heads, limits.HEADS_MAX), new_device, signer_public))


def accept_add(body: bytes, account: bytes, new_device: SigningKey) -> bytes:
    """Second step, by the new device: 64 bytes. RemoteError unless `body` admits this very device to `account`."""
    add = decode_canonical(body, Add, limits.STATEMENT_MAX_BYTES)
    if add.device != new_device.public or add.account != account:
        raise RemoteError("asked to sign something else than the admission of this device")
    return new_device.sign(ACCEPTED_LABEL, body)


def countersign(body: bytes, accepted: bytes, signer: SigningKey) -> bytes:
    """Third step, by the member: the statement. RemoteError when the new device's signature is wrong."""
    return _made(body, signer.sign(ADD_LABEL, body), accepted)


def make_remove(
    account: bytes,
    heads: Sequence[bytes],
    target: bytes,
    reason: Reason,
    keeps: Iterable[bytes],
    cuts: Iterable[tuple[bytes, int, bytes]],
    signer: SigningKey,
) -> bytes:
    """Removes `target`. `keeps`: ids of its statements that stand; `cuts`: (log, seq, id) of each log of a stolen one.

    LocalError when there are too many keeps or cuts, or cuts of a device that is only retired.
    """
    openings = tuple(sorted({Cut(*cut) for cut in cuts}, key=_cut_order))
    kept = tuple(sorted(set(keeps)))
    if len(openings) > limits.CUTS_MAX or len(kept) > limits.STATEMENTS_PER_SIGNER_MAX:
        raise LocalError("that device wrote in too many conversations for one removal: remove it as retired")
    if openings and reason != "stolen":
        raise LocalError("only a stolen device's messages are cut off: remove it as stolen, or without cuts")
    merged = _sorted(heads, limits.HEADS_MAX)
    digests = _padded({cut_digest(cut) for cut in openings}, signer, encode((merged, target)))
    body = encode(Remove(account, merged, target, reason == "stolen", kept, digests, signer.public))
    return _made(body, signer.sign(REMOVE_LABEL, body), None, openings)


def _made(body: bytes, signature: bytes, accepted: bytes | None = None, cuts: tuple[Cut, ...] = ()) -> bytes:
    raw = encode(SignedStatement(body, signature, accepted, cuts))
    parse_statement(raw)  # what others would refuse is not made
    return raw


def _padded(digests: set[bytes], signer: SigningKey, context: bytes) -> tuple[bytes, ...]:
    """Digests and fillers that only the signer can tell apart, up to a step of the ladder."""
    count = next(step for step in DIGEST_COUNTS if step >= len(digests))
    for index in range(count - len(digests)):
        message = index.to_bytes(2, "big") + context
        digests.add(keyed_hash(signer.seed, FILLER_LABEL, message, DIGEST_BYTES))
    return tuple(sorted(digests))


def _sorted(ids: Sequence[bytes], most: int) -> tuple[bytes, ...]:
    """Canonical order of at most so many; `ids` come with the more important ones first."""
    return tuple(sorted(dict.fromkeys(list(ids)[:most])))


def _cut_order(cut: Cut) -> tuple[bytes, int, bytes]:
    return (cut.log, cut.seq, cut.id)


def cut_digest(cut: Cut) -> bytes:
    """16 bytes that stand for a cut in a removal's body. LogIds are not guessed, so nothing shows."""
    return labelled_hash(CUT_LABEL, cut.log + cut.seq.to_bytes(8, "big") + cut.id)[:DIGEST_BYTES]


# --- parse ------------------------------------------------------------------------------------------
def statement_id(raw: bytes) -> StatementId:
    """The id of an encoded statement, not verified. RemoteError when malformed."""
    return _body_id(decode_canonical(raw, SignedStatement, limits.STATEMENT_MAX_BYTES).body)


def account_id(genesis_raw: bytes) -> AccountId:
    """The account that this genesis founds. RemoteError when it is none, or not verified."""
    statement = parse_statement(genesis_raw)
    if not isinstance(statement.body, Genesis):
        raise RemoteError("an account begins with a genesis statement")
    return statement.account


def _body_id(body: bytes) -> StatementId:
    return StatementId(labelled_hash(STATEMENT_LABEL, body))


def parse_statement(raw: bytes) -> Statement:
    """The statement in `raw`, verified by itself. RemoteError for every way to be wrong (docs/spec/identity.md)."""
    signed = decode_canonical(raw, SignedStatement, limits.STATEMENT_MAX_BYTES)
    body: Body = decode_canonical(signed.body, Body, limits.STATEMENT_MAX_BYTES)  # type: ignore[arg-type]
    if (signed.accepted is not None) != isinstance(body, Add):
        raise RemoteError("an admission has the new device's signature, and nothing else has")
    if signed.cuts and not isinstance(body, Remove):
        raise RemoteError("cuts without a removal")
    match body:
        case Genesis():
            _check_genesis(body, signed)
        case Add():
            _check_add(body, signed)
        case Remove():
            _check_remove(body, signed)
    return Statement(raw, body, _body_id(signed.body), signed.cuts)


def _check_genesis(body: Genesis, signed: SignedStatement) -> None:
    if body.recovery == body.device:
        raise RemoteError("a recovery key that is a device")
    verify(body.device, GENESIS_LABEL, signed.body, signed.signature)


def _check_add(body: Add, signed: SignedStatement) -> None:
    _require_order(body.heads)
    if body.device == body.signer or signed.accepted is None:
        raise RemoteError("a device that admits itself")
    verify(body.signer, ADD_LABEL, signed.body, signed.signature)
    verify(body.device, ACCEPTED_LABEL, signed.body, signed.accepted)


def _check_remove(body: Remove, signed: SignedStatement) -> None:
    for ids in (body.heads, body.keeps, body.digests):
        _require_order(ids)
    if body.digests and not body.stolen:
        raise RemoteError("cuts of a device that is not stolen")
    if len(body.digests) not in DIGEST_COUNTS:
        raise RemoteError("cut digests that are not padded")
    openings = [_cut_order(cut) for cut in signed.cuts]
    if openings != sorted(set(openings)) or not {cut_digest(cut) for cut in signed.cuts} <= set(body.digests):
        raise RemoteError("cuts that the removal does not name")
    verify(body.signer, REMOVE_LABEL, signed.body, signed.signature)


def _require_order(ids: tuple[bytes, ...]) -> None:
    if any(left >= right for left, right in pairwise(ids)):
        raise RemoteError("a list that is not sorted, or repeats itself")


# --- copies with other cuts -------------------------------------------------------------------------
def with_cuts(statement: Statement, cuts: Iterable[Cut]) -> Statement:
    """The same statement with these of its cuts opened; the bodies' bytes and signatures stay."""
    opened = tuple(sorted(set(cuts), key=_cut_order))
    if opened == statement.cuts:
        return statement
    signed = decode_canonical(statement.raw, SignedStatement, limits.STATEMENT_MAX_BYTES)
    raw = encode(SignedStatement(signed.body, signed.signature, signed.accepted, opened))
    return Statement(raw, statement.body, statement.id, opened)


def revealing(statement: Statement, logs: Iterable[LogId]) -> Statement:
    """The same statement, telling only the cuts of these logs."""
    shown = frozenset(logs)
    return with_cuts(statement, [cut for cut in statement.cuts if cut.log in shown])
