"""The table of kinds: what stands where, what cannot be used changes nothing, and order does not matter."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.codec import encode
from onionchat.kinds import account, chat
from onionchat.kinds.changes import MessageShown, Shown
from onionchat.kinds.fold import KINDS, Place, body_bytes, fold, kind_of, parse_body
from onionchat.log.entry import Content
from onionchat.store.rows import Flag
from tests.store.stores import NOW, Log, World

CONVERSATION, TARGET = b"c" * 32, b"t" * 32
SELF_ONLY = {"contact", "choice", "trust", "certificate", "read", "forget", "restore", "setting", "invitation"}
SELF_ONLY |= {"asked", "request"}


def content(kind, body):
    """Of an entry."""
    return Content(bytes(16), (), kind, 0, body)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_where_a_kind_may_stand(kind):
    places = KINDS[kind][1]
    assert Place.ARCHIVE not in places
    assert (Place.DIRECT in places) == (kind not in SELF_ONLY)
    assert (Place.SELF in places) == (kind != "card")


@pytest.mark.parametrize("body", [chat.Text("x"), chat.Retract(TARGET), account.Setting("k", "v")])
def test_a_body_and_its_kind(body):
    assert parse_body(content(kind_of(body), body_bytes(body))) == body


def test_account_state_in_a_talk_with_others_changes_nothing():
    """A contact that writes *our* settings, trust or forgetting into the conversation it shares with us."""
    forged = [
        account.TrustSet(TARGET, "validated"),
        account.Forget(CONVERSATION, TARGET, ((1, 9),)),
        account.Setting("name", "Mallory"),
        account.Contact(TARGET, "Mallory", "", "active", 1),
        account.Read(CONVERSATION, ((TARGET, 9),)),
        account.Card(TARGET, (), ()),
    ]
    for body in forged:
        assert fold(Place.DIRECT, CONVERSATION, content(kind_of(body), body_bytes(body))) == ()


def test_unknown_kinds_are_shown_as_of_a_newer_version():
    newer = content("hologram", b"\x01\x02")
    assert fold(Place.DIRECT, CONVERSATION, newer) == (MessageShown(Shown.NEWER, ""),)
    assert fold(Place.SELF, CONVERSATION, newer) == fold(Place.ARCHIVE, CONVERSATION, newer) == ()
    assert parse_body(newer) is None


@given(kind=st.sampled_from(sorted(KINDS)), raw=st.binary(max_size=200))
def test_malformed_bodies_change_nothing(kind, raw):
    """`fold` never raises, whatever a body is."""
    changes = fold(Place.DIRECT, CONVERSATION, content(kind, raw))
    if parse_body(content(kind, raw)) is None:
        assert changes == ()


def test_a_body_of_another_kind_changes_nothing():
    body = encode(chat.Timer(5))
    for kind in set(KINDS) - {"timer"}:
        assert fold(Place.DIRECT, CONVERSATION, content(kind, body)) == ()


# --- the same state in every order that causality allows ------------------------------------------------------
def everything(world):
    """What is shown and known, without how it came."""

    def whole(query):
        return sorted(map(tuple, world.c.execute(query).fetchall()))

    lines = [(line.id, line.text, line.edited, line.mine, line.flags & ~Flag.LATE, sorted(line.reactions))
             for line in world.lines()]  # fmt: skip
    return {
        "lines": lines,
        "registers": whole("SELECT kind, key, ms, counter, log, seq, value FROM register"),
        "words": whole("SELECT text FROM words"),
        "found": [world.c.execute("SELECT count(*) FROM words WHERE words MATCH ?", (word,)).fetchone()[0]
                  for word in ("first", "second", "third", "other", "gone")],
        "forgotten": whole("SELECT * FROM forgotten"),
        "bodies": whole("SELECT header FROM entry WHERE content IS NULL"),
    }  # fmt: skip


def marked():
    """Two logs of one contact: messages in one, marks in the other. Neither waits for the other."""
    world = World()
    texts, marks = Log(world.contact.device, world.direct, 5), Log(world.contact.device, world.direct, 6)
    first = texts.write(chat.Text("first words"), NOW)
    gone = texts.write(chat.Text("gone words"), NOW + 1)
    marks.write(chat.Edit(first.id, "second words"), NOW + 2)
    marks.write(chat.Edit(first.id, "third words"), NOW + 3)
    marks.write(chat.Edit(gone.id, "other words"), NOW + 4)
    marks.write(chat.Retract(gone.id), NOW + 5)
    marks.write(chat.Reaction(first.id, "👍"), NOW + 6)
    marks.write(chat.Reaction(first.id, ""), NOW + 7)
    marks.write(chat.Reaction(first.id, "🎉"), NOW + 8)
    return texts, marks


def interleavings(a, b):
    """Every order of two sequences that keeps each of them."""
    if not a or not b:
        yield [*a, *b]
        return
    for rest in interleavings(a[1:], b):
        yield [a[0], *rest]
    for rest in interleavings(a, b[1:]):
        yield [b[0], *rest]


def test_marks_and_messages_in_every_order():
    texts, marks = marked()
    states = []
    for order in interleavings(texts.entries, marks.entries):
        world = World()
        for log in (texts, marks):
            world.gate.admit(world.c, log.admission())
        for entry in order:
            world.take([entry], NOW + 10)
        states.append(everything(world))
    assert len(states) == 36
    assert all(state == states[0] for state in states)
    (first, gone) = states[0]["lines"]
    assert first[1:3] == ("third words", True) and [emoji for emoji, _ in first[5]] == ["🎉"]
    assert gone[1] is None and gone[4] & Flag.RETRACTED
    assert states[0]["found"] == [0, 0, 1, 0, 0]


def test_registers_of_three_devices_in_every_order():
    """The timer is one register that anyone may set: the last in the order of the screen decides."""
    logs = []
    for seed, ms in ((5, NOW), (6, NOW + 1), (7, NOW + 1)):
        log = Log(World().contact.device, World().direct, seed)
        log.write(chat.Timer(seed), ms)
        logs.append(log)
    states = []
    for order in permutations(logs):
        world = World()
        for log in order:
            world.gate.admit(world.c, log.admission())
            world.take(log.entries, NOW + 10)
        states.append(everything(world))
    assert all(state == states[0] for state in states)
    assert states[0]["registers"][0][0] == "timer" and len(states[0]["registers"]) == 1


def test_forgetting_before_and_after():
    """What is forgotten before it comes never gets a body."""
    world, later = World(), World()
    for each, order in ((world, "text first"), (later, "forget first")):
        log = Log(each.contact.device, each.direct, 5)
        each.gate.admit(each.c, log.admission())
        text, edit = log.write(chat.Text("gone words"), NOW), None
        edit = log.write(chat.Edit(text.id, "other words"), NOW + 1)
        forget = account.Forget(each.direct, log.id, ((1, 1),))
        if order == "text first":
            each.take([text, edit], NOW + 2)
            each.say(forget, NOW + 3, each.self_id)
        else:
            each.say(forget, NOW + 3, each.self_id)
            each.take([text, edit], NOW + 2)
    for key in ("lines", "words", "found", "forgotten"):
        assert everything(world)[key] == everything(later)[key] or key == "lines"
    for each in (world, later):
        assert everything(each)["found"] == [0, 0, 0, 0, 0]
        assert not each.c.execute("SELECT 1 FROM mark WHERE value != ''").fetchall()
