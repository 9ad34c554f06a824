"""What somebody may claim to be, falsely: introductions, rosters, devices of others. All rightly encoded and signed."""

from collections.abc import Iterator
from typing import Any

import msgspec

from onionchat import limits
from onionchat.crypto.keys import SigningKey
from onionchat.identity.account import fold, make_add, make_genesis, make_remove
from onionchat.testing.strangers import Stranger


def admit(old: Stranger, new: Stranger) -> bytes:
    """The statement by which the one's device admits the other's."""
    return make_add(old.account, fold((old.genesis,), old.account).heads, new.identity, old.identity)


def false_introductions(me: Stranger, other: Stranger) -> dict[str, dict[str, Any]]:
    """Fields of an `Introduction` of mine that are not true, by name."""
    broken = bytes([*me.certificate()[:-1], me.certificate()[-1] ^ 1])
    return {
        "statements of another account": {"statements": (me.genesis, other.genesis)},
        "only another account's": {"statements": (other.genesis,)},
        "another account": {"account": other.account},
        "another account whole": {"account": other.account, "statements": (other.genesis,), "cards": (other.card(),)},
        "no statements": {"statements": ()},
        "no device": {"cards": ()},
        "a device of another account": {"cards": (other.card(),)},
        "a broken certificate": {"cards": (msgspec.structs.replace(me.card(), certificate=broken),)},
        "garbage for a statement": {"statements": (b"garbage",)},
    }


def forged_rosters(me: Stranger, other: Stranger, friend: Stranger) -> Iterator[tuple[str, bytes, tuple[bytes, ...]]]:
    """(name, account, statements) that a device of `me` may say. `other`: another device; `friend`: another account."""
    account, heads = me.account, fold((me.genesis,), me.account).heads
    add = admit(me, other)
    both = fold((me.genesis, add), account).heads
    spoiled = bytes([*add[:-1], add[-1] ^ 1])

    def remove(target: Stranger, by: Stranger) -> bytes:
        return make_remove(account, both, target.device, "stolen", (), (), by.identity)

    yield "of another account", friend.account, (friend.genesis, admit(friend, me))
    yield "another account's under mine", account, (friend.genesis, admit(friend, other))
    yield "mine under another account", friend.account, (me.genesis, add)
    yield "spoiled", account, (me.genesis, spoiled)
    yield "garbage", account, (b"", b"\xc1" * 500)
    yield "a second genesis", account, (make_genesis(me.identity, b"\x07" * 16, None),)
    yield "by who is no member", account, (make_add(account, heads, SigningKey(b"\x31" * 32), friend.identity),)
    yield "a friend's device", account, (make_add(account, heads, friend.identity, me.identity),)
    yield (
        "heads that nobody knows",
        account,
        (make_add(account, [b"\x05" * 32], SigningKey(b"\x32" * 32), me.identity),),
    )
    yield "each removes the other", account, (add, remove(other, me), remove(me, other))
    many = range(limits.STATEMENTS_PER_SIGNER_MAX + 10)
    yield "a flood", account, tuple(make_add(account, heads, SigningKey(_seed(n)), me.identity) for n in many)


def _seed(number: int) -> bytes:
    return b"\x77" * 28 + number.to_bytes(4)
