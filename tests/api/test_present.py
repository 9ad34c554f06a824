"""What the API says of people and lines: in safe words, with all that belongs to them."""

import pytest

from onionchat.api.present import NOTES_NAME, qr_lines
from onionchat.kinds.chat import Edit, Reaction, Text
from onionchat.testing.nodes import EPOCH_SECONDS
from onionchat.testing.strangers import Stranger
from onionchat.text import safe_line, safe_text

NOW = int(EPOCH_SECONDS * 1000)
NASTY = (
    "\x1b[2J",
    "\u202e\u2066",
    "a\u200bb\u200d",
    "\x00\x07\x9b1m",
    "a" + "\u0301" * 50,
    "\r\x08\x7f",
    "\ufeff\u00ad",
    "\u2028",
)


@pytest.mark.parametrize("nasty", NASTY)
def test_nothing_of_others_reaches_a_terminal_in_force(world, nasty):
    alice = world.add("Alice")
    stranger = Stranger(world, name="M" + nasty)
    link = stranger.connect(alice, stranger.meet(alice))
    stranger.open(link, alice)
    first = stranger.write(Text("x" + nasty), NOW)
    stranger.write(Text("reply", first.id), NOW + 1)
    stranger.write(Reaction(first.id, nasty[:10]), NOW + 2)
    stranger.write(Edit(first.id, "edited" + nasty), NOW + 3)
    stranger.push(link, alice)
    assert not link.closed
    contact = alice.contact("Mallory")
    assert safe_line(contact.remote_name) == contact.remote_name
    for line in alice.log("Mallory"):
        assert safe_text(line.text) == line.text and safe_line(line.reply_text) == line.reply_text
        for reaction in line.reactions:
            assert safe_line(reaction.emoji) == reaction.emoji
    (conversation,) = [c for c in alice.do("conversation.list") if c.name == "Mallory"]
    assert safe_line(conversation.last_line) == conversation.last_line
    for event in alice.events:
        text = getattr(event, "text", "")
        assert not isinstance(text, str) or safe_text(text) == text


def test_reactions_that_nobody_can_see_are_not_shown(world):
    alice = world.add("Alice")
    stranger = Stranger(world)
    link = stranger.connect(alice, stranger.meet(alice))
    stranger.open(link, alice)
    first = stranger.write(Text("hello"), NOW)
    stranger.write(Reaction(first.id, "\u200b\u200d"), NOW + 1)
    stranger.push(link, alice)
    assert alice.log("Mallory")[0].reactions == []


def test_conversations(world, friends):
    alice, bob = friends
    bob.send("Alice", "first\nsecond")
    (line, notes) = [c for c in alice.do("conversation.list") if c.name in ("Bob", NOTES_NAME)]
    assert (line.name, line.kind, line.online, line.devices_online, line.devices) == ("Bob", "direct", True, 1, 1)
    assert (line.unread, line.last_line, line.trust) == (1, "first second", "unvalidated")
    assert (notes.kind, notes.last_time, notes.last_line, notes.unread) == ("self", None, "", 0)


def test_a_conversation_that_is_being_dialled(world, friends):
    alice, bob = friends
    bob.tor.is_cut = True
    world.network.break_streams(bob.tor)
    world.settle()
    assert not next(c for c in alice.do("conversation.list") if c.name == "Bob").online


def test_a_contact(world, friends):
    alice, bob = friends
    bob.send("Alice", "hello")
    contact = alice.contact("Bob")
    assert (contact.name, contact.remote_name, contact.unread, contact.online) == ("Bob", "Bob", 1, True)
    assert [d.id for d in contact.devices] == [bob.device] and contact.former == []
    assert 0 < contact.quota_used_bytes < contact.quota_bytes


def test_a_device_was_last_seen_when_it_went(world, friends):
    alice, bob = friends
    world.pass_time(100)
    bob.cut()
    gone = alice.node.now_ms()
    world.pass_time(100)
    (device,) = alice.contact("Bob").devices
    assert not device.online and abs(device.last_seen - gone) < 10


def test_qr_codes_are_square_and_quiet():
    lines = qr_lines("onionchat:" + "a" * 56)
    assert len({len(line) for line in lines}) == 1
    assert set("".join(lines)) <= set("█▀▄ ")
    assert lines[0].strip() == "" and all(line.startswith("  ") and line.endswith("  ") for line in lines)
