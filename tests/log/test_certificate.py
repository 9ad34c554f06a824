"""Certificates of logs: proofs, boxes, beliefs, conflicts."""

import json
from pathlib import Path
from typing import Any

import pytest

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import RemoteError
from onionchat.ids import AccountId, ConversationId, DeviceId, LogId
from onionchat.log.certificate import (
    Admission,
    Belief,
    KnownLog,
    LogCertificate,
    admit,
    believe,
    make_box,
    make_log_certificate,
    open_log_box,
    parse_log_certificate,
    stronger,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "log.json").read_text(encoding="utf-8"))
KEY, OTHER_KEY = SigningKey(bytes(range(32))), SigningKey(bytes(32))
CHAT, DEVICE, OTHER_DEVICE = b"c" * 32, DeviceId(b"d" * 32), DeviceId(b"e" * 32)
OURS, THEIRS = AccountId(b"o" * 32), AccountId(b"t" * 32)
RAW = make_log_certificate(KEY, CHAT, DEVICE)
AUTHOR, READER = ExchangeKey(b"1" * 32), ExchangeKey(b"2" * 32)


def nonce(count: int) -> bytes:
    return b"n" * count


def test_a_certificate_says_who_writes_a_log_where() -> None:
    certificate = parse_log_certificate(RAW)
    assert (certificate.conversation, certificate.device, certificate.log) == (CHAT, DEVICE, KEY.public)


@pytest.mark.parametrize("field", ["conversation", "device", "log", "proof"])
def test_another_s_log_cannot_be_claimed(field: str) -> None:
    """Whoever does not hold the log key cannot name another device or conversation for it."""
    from msgspec.structs import asdict, replace

    from onionchat.codec import encode

    certificate = parse_log_certificate(RAW)
    changed = replace(certificate, **{field: bytes(len(asdict(certificate)[field]))})
    with pytest.raises(RemoteError):
        parse_log_certificate(encode(changed))


@pytest.mark.parametrize("vector", VECTORS["certificates"], ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, str]) -> None:
    if vector["verdict"] == "good":
        parse_log_certificate(bytes.fromhex(vector["raw"]))
        return
    with pytest.raises(RemoteError):
        parse_log_certificate(bytes.fromhex(vector["raw"]))


def test_a_box_opens_for_whom_it_was_made() -> None:
    box = make_box(RAW, AUTHOR, 3, OTHER_DEVICE, READER.public, 5, nonce)
    open_log_box(box, RAW, OTHER_DEVICE, READER, AUTHOR.public)
    assert (box.from_serial, box.to_serial) == (3, 5)


def test_a_device_can_box_to_itself() -> None:
    box = make_box(RAW, AUTHOR, 3, DEVICE, AUTHOR.public, 3, nonce)
    open_log_box(box, RAW, DEVICE, AUTHOR, AUTHOR.public)


def test_a_box_opens_for_nothing_else() -> None:
    from msgspec.structs import replace

    box = make_box(RAW, AUTHOR, 3, OTHER_DEVICE, READER.public, 5, nonce)
    other_raw = make_log_certificate(OTHER_KEY, CHAT, DEVICE)
    wrong: list[tuple[Any, ...]] = [
        (box, other_raw, OTHER_DEVICE, READER, AUTHOR.public),
        (box, RAW, DEVICE, READER, AUTHOR.public),
        (box, RAW, OTHER_DEVICE, AUTHOR, AUTHOR.public),
        (box, RAW, OTHER_DEVICE, READER, READER.public),
        (replace(box, from_serial=4), RAW, OTHER_DEVICE, READER, AUTHOR.public),
        (replace(box, to_serial=4), RAW, OTHER_DEVICE, READER, AUTHOR.public),
        (replace(box, box=box.box[:-1]), RAW, OTHER_DEVICE, READER, AUTHOR.public),
        (replace(box, box=b""), RAW, OTHER_DEVICE, READER, AUTHOR.public),
    ]
    for arguments in wrong:
        with pytest.raises(RemoteError):
            open_log_box(*arguments)


def belief(**changes: Any) -> Belief | None:
    """What is believed of DEVICE's log when OTHER_DEVICE, of another account than the author, offers it."""
    said: dict[str, Any] = {
        "peer_device": OTHER_DEVICE,
        "peer_account": OURS,
        "author_account": THEIRS,
        "own_account": OURS,
        "vouched": False,
        "boxes": (),
    }
    return believe(parse_log_certificate(RAW), **(said | changes))


def test_beliefs() -> None:
    assert belief() is None
    assert belief(vouched=True) is Belief.VOUCHED
    assert belief(vouched=True, peer_account=AccountId(b"x" * 32)) is None
    assert belief(boxes=(False, True)) is Belief.BOXED
    assert belief(boxes=(False,)) is None
    assert belief(peer_device=DEVICE) is Belief.DIRECT
    assert belief(peer_account=THEIRS) is Belief.PROVISIONAL


def test_a_device_outside_the_rosters_is_never_believed() -> None:
    assert belief(author_account=None, vouched=True, boxes=(True,), peer_device=DEVICE) is None


def test_boxes_are_not_opened_when_the_author_speaks() -> None:
    assert belief(peer_device=DEVICE, boxes=(1 / 0 for _ in range(1))) is Belief.DIRECT


def test_beliefs_are_ordered() -> None:
    assert stronger(Belief.PROVISIONAL, Belief.BOXED) is Belief.BOXED
    assert sorted(Belief) == [Belief.PROVISIONAL, Belief.VOUCHED, Belief.BOXED, Belief.DIRECT, Belief.OWN]


def test_the_first_stays() -> None:
    certificate: LogCertificate = parse_log_certificate(RAW)
    known = KnownLog(ConversationId(CHAT), DEVICE, LogId(KEY.public), Belief.BOXED)
    elsewhere = KnownLog(ConversationId(b"x" * 32), DEVICE, LogId(KEY.public), Belief.PROVISIONAL)
    other = KnownLog(ConversationId(CHAT), OTHER_DEVICE, LogId(KEY.public), Belief.PROVISIONAL)
    assert admit(None, certificate, Belief.PROVISIONAL) is Admission.NEW
    assert admit(known, certificate, Belief.DIRECT) is Admission.CONFIRMED
    assert admit(known, certificate, Belief.BOXED) is Admission.UNCHANGED
    assert admit(known, certificate, Belief.PROVISIONAL) is Admission.UNCHANGED
    assert admit(elsewhere, certificate, Belief.DIRECT) is Admission.CONFLICT
    assert admit(other, certificate, Belief.DIRECT) is Admission.CONFLICT
