"""Writes tests/vectors/log.json: run `python tests/vectors/log_make.py`. The keys in it are public test keys."""

import json
from pathlib import Path

import msgspec

from onionchat.codec import encode
from onionchat.crypto.hashing import labelled_hash
from onionchat.crypto.keys import SigningKey
from onionchat.ids import AccountId
from onionchat.log.certificate import make_log_certificate
from onionchat.log.entry import NO_ENTRY, Content, Entry, WireEntry, direct_id, make_entry, self_id

KEY = SigningKey(bytes(range(32)))
ALICE, BOB = AccountId(b"\xaa" * 32), AccountId(b"\xbb" * 32)


def entries() -> list[dict[str, str]]:
    first = make_entry(KEY, 1, NO_ENTRY, (1_800_000_000_000, 0), Content(b"\x11" * 16, (), "text", 0, b"hello"))
    seen = (b"\x22" * 32, b"\x33" * 32)
    second = make_entry(
        KEY, 2, first.id, (1_800_000_000_000, 1), Content(b"\x44" * 16, seen, "text", 1_900_000_000_000, b"")
    )
    other = Content(b"\x11" * 16, (), "text", 0, b"hellO")
    good = [
        case("first", first.raw, "signed", first),
        case("second", second.raw, "signed", second),
        case("tombstone", second.tombstone().raw, "signed", second),
        case("wrong signature", encode(WireEntry(first.header_raw, bytes(64), first.content_raw)), "unsigned", first),
    ]
    header_with_prev = encode(msgspec.structs.replace(first.header, prev=b"\x55" * 32))
    capital = encode(msgspec.structs.replace(first.content, kind="Text"))
    capital_header = encode(msgspec.structs.replace(first.header, content=labelled_hash(b"content", capital)))
    refused = {
        "content that the header does not name": WireEntry(first.header_raw, first.signature, encode(other)),
        "first entry with a prev": WireEntry(header_with_prev, first.signature, first.content_raw),
        "second entry without a prev": WireEntry(
            encode(msgspec.structs.replace(second.header, prev=NO_ENTRY)), second.signature, second.content_raw
        ),
        "number zero": WireEntry(encode(msgspec.structs.replace(first.header, seq=0)), first.signature, None),
        "kind in capitals": WireEntry(capital_header, first.signature, capital),
        "header in a longer form": WireEntry(b"\xdc\x00\x06" + first.header_raw[1:], first.signature, None),
    }
    bad = [case(name, encode(wire), "refused", None) for name, wire in refused.items()]
    bad.append(case("bytes behind the end", first.raw + b"\x00", "refused", None))
    bad.append(case("outside in a longer form", b"\xdc\x00\x03" + first.raw[1:], "refused", None))
    return good + bad


def case(name: str, raw: bytes, verdict: str, entry: Entry | None) -> dict[str, str]:
    return {"name": name, "raw": raw.hex(), "verdict": verdict, "id": entry.id.hex() if entry else ""}


def certificates() -> list[dict[str, str]]:
    good = make_log_certificate(KEY, direct_id(ALICE, BOB), b"\xdd" * 32)
    moved = bytearray(good)
    moved[5] ^= 1  # another conversation under the same proof
    return [
        {"name": "good", "raw": good.hex(), "verdict": "good"},
        {"name": "proof for another conversation", "raw": bytes(moved).hex(), "verdict": "refused"},
        {"name": "in a longer form", "raw": (b"\xdc\x00\x04" + good[1:]).hex(), "verdict": "refused"},
    ]


def vectors() -> dict[str, object]:
    return {
        "log_key_seed": KEY.seed.hex(),
        "accounts": [ALICE.hex(), BOB.hex()],
        "direct_id": direct_id(ALICE, BOB).hex(),
        "self_id": self_id(ALICE).hex(),
        "entries": entries(),
        "certificates": certificates(),
    }


if __name__ == "__main__":
    path = Path(__file__).with_name("log.json")
    path.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")
