"""A device of one's own making: it asks, becomes a contact, writes, and hears what it is told."""

import pytest

from onionchat.kinds.chat import Text
from onionchat.net.failure import DialError
from onionchat.testing.nodes import EPOCH_SECONDS, World
from onionchat.testing.strangers import Stranger
from onionchat.wire.records import Ack, ContactRequestKept


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.stop()


def test_it_asks(world):
    alice, stranger = world.add("Alice"), Stranger(world)
    link = stranger.dial_link(alice.do("invite.create").link)
    assert stranger.say(link, stranger.request("good day")) == [ContactRequestKept()]
    (request,) = alice.do("request.list")
    assert (request.id, request.name, request.greeting) == (stranger.id, "Mallory", "good day")


def test_it_becomes_a_contact_and_writes(world):
    alice, stranger = world.add("Alice"), Stranger(world)
    channel = stranger.connect(alice, stranger.meet(alice))
    stranger.open(channel, alice)
    stranger.write(Text("hello"), int(EPOCH_SECONDS * 1000))
    answer = stranger.push(channel, alice)
    assert any(isinstance(record, Ack) and stranger.position() in record.positions for record in answer)
    assert alice.texts("Mallory") == ["hello"]


def test_it_cannot_dial_what_it_has_no_key_for(world):
    alice, stranger = world.add("Alice"), Stranger(world)
    with pytest.raises(DialError):
        stranger.dial_device(alice, bytes(32))
