"""Changes are plain values: equal when they say the same, and they cannot be altered."""

import dataclasses

import pytest

from onionchat.kinds.changes import (
    AccountLearned,
    BodiesForgotten,
    Mark,
    MessageMarked,
    MessageShown,
    ReadUpTo,
    RegisterSet,
    Shown,
)

EXAMPLES = [
    lambda: MessageShown(Shown.TEXT, "hello"),
    lambda: MessageMarked(bytes(32), Mark.EDIT, "hello"),
    lambda: RegisterSet("contact", bytes(32), b"value"),
    lambda: ReadUpTo(bytes(32), ((bytes(32), 3),)),
    lambda: BodiesForgotten(bytes(32), bytes(32), ((1, 2),)),
    lambda: AccountLearned(bytes(32), (b"statement",), ((b"card", b"key"),)),
]


@pytest.mark.parametrize("make", EXAMPLES)
def test_a_change_is_a_value(make):
    assert make() == make() and hash(make()) == hash(make())
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(make(), dataclasses.fields(make())[0].name, None)


def test_numbers_in_the_database_stay_what_they_are():
    assert {s.name: int(s) for s in Shown} == {"NOT": 0, "TEXT": 1, "NOTICE": 2, "TIMER": 3, "NEWER": 4, "CARD": 5}
    assert {m.name: int(m) for m in Mark} == {"EDIT": 1, "REACTION": 2, "RETRACT": 3}
