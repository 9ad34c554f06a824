"""What messages and their marks change; what no body of theirs may hold."""

import pytest

from onionchat import limits
from onionchat.codec import decode, encode
from onionchat.errors import RemoteError
from onionchat.kinds.changes import Mark, MessageMarked, MessageShown, RegisterSet, Shown
from onionchat.kinds.chat import Card, Edit, Reaction, Retract, Text, Timer

CONVERSATION, TARGET = b"c" * 32, b"t" * 32


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (Text("hello"), (MessageShown(Shown.TEXT, "hello"),)),
        (Text("hello", TARGET), (MessageShown(Shown.TEXT, "hello"),)),
        (Edit(TARGET, "better"), (MessageMarked(TARGET, Mark.EDIT, "better"),)),
        (Reaction(TARGET, "👍"), (MessageMarked(TARGET, Mark.REACTION, "👍"),)),
        (Reaction(TARGET, ""), (MessageMarked(TARGET, Mark.REACTION, ""),)),
        (Retract(TARGET), (MessageMarked(TARGET, Mark.RETRACT, ""),)),
        (
            Timer(3600),
            (
                RegisterSet("timer", CONVERSATION, (3600).to_bytes(8, "big")),
                MessageShown(Shown.TIMER, "3600"),
            ),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_fold(body, changes):
    assert body.fold(CONVERSATION) == changes
    assert decode(encode(body), type(body), limits.ENTRY_MAX_BYTES) == body


@pytest.mark.parametrize(
    "body",
    [
        Text(""),
        Text("x" * (limits.TEXT_MAX_BYTES + 1)),
        Text("x", b"r" * 33),
        Edit(TARGET, ""),
        Edit(b"t" * 31, "x"),
        Reaction(TARGET, "x" * (limits.EMOJI_MAX_BYTES + 1)),
        Reaction(b"", "x"),
        Retract(b"t" * 33),
        Timer(-1),
        Card("steal", b"k" * 16, "Ann"),
        Card("ask", b"k" * 15, "Ann"),
        Card("ask", b"k" * 16, "x" * (4 * limits.NAME_MAX_CHARACTERS + 1)),
        Timer(limits.DURATION_MAX_SECONDS + 1),
    ],
    ids=repr,
)
def test_out_of_bounds_is_no_body(body):
    with pytest.raises(RemoteError):
        decode(encode(body), type(body), limits.ENTRY_MAX_BYTES)


TOKEN = b"k" * 16


@pytest.mark.parametrize("step", ["ask", "link", "hand"])
def test_an_introduction_is_a_register_of_its_conversation(step):
    """Who stands in another conversation cannot overwrite it; only what is handed over, with a link, is a line."""
    card = Card(step, TOKEN, "Ann", TARGET)
    register = RegisterSet("card", CONVERSATION + TOKEN, encode(card))
    shown = (MessageShown(Shown.CARD, "Ann"),) if step == "hand" else ()
    assert card.fold(CONVERSATION) == (*shown, register)
    assert not any(isinstance(c, MessageShown) for c in Card(step, TOKEN, "Ann", b"").fold(CONVERSATION))


@pytest.mark.parametrize("body", [Text("a secret"), Edit(TARGET, "a secret")])
def test_texts_stay_out_of_tracebacks(body):
    assert "secret" not in repr(body)
