"""What the kinds of *self* change; what no body of theirs may hold; secrets stay out of `repr`."""

import msgspec
import pytest

from onionchat import limits
from onionchat.codec import decode, encode
from onionchat.errors import RemoteError
from onionchat.kinds.account import Asked, Card, Contact, Forget, Invitation, Read, Request, Setting, TrustSet
from onionchat.kinds.changes import AccountLearned, BodiesForgotten, ConversationWanted, ReadUpTo, RegisterSet

A, B = b"a" * 32, b"b" * 32
CONTACT = Contact(A, "Ann", "Annie", "active", 5)
INVITATION = Invitation(A, b"seed" * 8, b"stat" * 8, False, "open", 1, 2)
ASKED = Asked(A, "Ann", "hello", "waiting", 1, B)
REQUEST = Request(A, B, A, "Ann", "hello", "waiting", 1, (b"s",), ((b"c", b"discovery"),))


@pytest.mark.parametrize(
    ("body", "kind", "key"),
    [
        (CONTACT, "contact", A),
        (TrustSet(A, "validated"), "trust", A),
        (Setting("name", "Bob"), "setting", b"name"),
        (INVITATION, "invitation", A),
        (ASKED, "asked", A),
        (REQUEST, "request", A),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_registers_hold_the_whole_body(body, kind, key):
    assert body.fold(B)[0] == RegisterSet(kind, key, encode(body))
    assert body.fold(B)[1:] == ((ConversationWanted(A),) if kind == "contact" else ())
    assert decode(encode(body), type(body), limits.ENTRY_MAX_BYTES) == body


def test_a_removed_contact_has_no_conversation():
    gone = msgspec.structs.replace(CONTACT, state="removed")
    assert gone.fold(B) == (RegisterSet("contact", A, encode(gone)),)


@pytest.mark.parametrize(
    ("body", "change"),
    [
        (Card(A, (b"s",), ((b"c", b"d"),)), AccountLearned(A, (b"s",), ((b"c", b"d"),))),
        (Read(A, ((B, 3),)), ReadUpTo(A, ((B, 3),))),
        (Forget(A, B, ((1, 3), (5, 5))), BodiesForgotten(A, B, ((1, 3), (5, 5)))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_others(body, change):
    assert body.fold(B) == (change,)


@pytest.mark.parametrize(
    "body",
    [
        Contact(b"a", "Ann", "Annie", "active", 5),
        Contact(A, "x" * (4 * limits.NAME_MAX_CHARACTERS + 1), "Annie", "active", 5),
        Contact(A, "Ann", "Annie", "friend", 5),
        Contact(A, "Ann", "Annie", "active", -1),
        TrustSet(A, "certain"),
        Setting("", "x"),
        Setting("k" * 129, "x"),
        Read(A, ((b"short", 3),)),
        Forget(A, B, ((-1, 3),)),
        Forget(A, B, ((1, 1),) * (limits.RANGES_MAX + 1)),
        Invitation(A, b"x" * 33, b"", False, "open", 1, 2),
        Asked(A, "Ann", "x" * (4 * limits.GREETING_MAX_CHARACTERS + 1), "waiting", 1, B),
    ],
    ids=lambda body: type(body).__name__,
)
def test_out_of_bounds_is_no_body(body):
    with pytest.raises(RemoteError):
        decode(encode(body), type(body), limits.ENTRY_MAX_BYTES)


@pytest.mark.parametrize("body", [INVITATION, REQUEST, Card(A, (), ((b"c", b"discovery"),))])
def test_keys_stay_out_of_tracebacks(body):
    assert "seed" not in repr(body) and "discovery" not in repr(body)
