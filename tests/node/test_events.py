"""What a node tells: each thing once, in its order, as plain values."""

import dataclasses

import pytest

from onionchat.node import events
from onionchat.node.events import (
    ContactChanged,
    MessagesAppended,
    MessagesDelivered,
    PeerConnected,
    PeerDisconnected,
    RequestChanged,
    TorChanged,
)


def test_events_are_values():
    for event in (TorChanged(), RequestChanged(b"k", True, "waiting"), PeerConnected(b"a", b"d")):
        assert event == dataclasses.replace(event) and hash(event) == hash(dataclasses.replace(event))
    with pytest.raises(dataclasses.FrozenInstanceError):
        RequestChanged(b"k", True, "waiting").state = "accepted"
    named = {cls for cls in vars(events).values() if dataclasses.is_dataclass(cls)}
    assert named == set(events.NodeEvent.__args__)


def test_the_life_of_a_message(world, friends):
    alice, bob = friends
    alice.node_events.clear()
    bob.node_events.clear()
    alice.send("Bob", "hello")
    told = [event for event in alice.node_events if not isinstance(event, TorChanged)]
    assert [type(event) for event in told] == [MessagesAppended, MessagesDelivered]
    assert told[1].device == bob.node.own.device and told[1].last == told[1].first + 1
    (came,) = [event for event in bob.node_events if not isinstance(event, TorChanged)]
    assert isinstance(came, MessagesAppended) and came.conversation == told[0].conversation


def test_coming_and_going(world, friends):
    alice, bob = friends
    alice.node_events.clear()
    bob.cut()
    bob.restore()
    told = [event for event in alice.node_events if isinstance(event, PeerConnected | PeerDisconnected)]
    assert [type(event) for event in told] == [PeerDisconnected, PeerConnected]
    assert {event.device for event in told} == {bob.node.own.device}


def test_the_life_of_a_request(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    bob.do("contact.add", link=alice.do("invite.create").link)
    alice.do("request.accept", id=alice.do("request.list")[0].id)
    assert [e.state for e in alice.node_events if isinstance(e, RequestChanged)] == ["waiting", "accepted"]
    assert [e.state for e in bob.node_events if isinstance(e, RequestChanged)] == ["kept", "accepted"]
    assert [e.incoming for e in bob.node_events if isinstance(e, RequestChanged)] == [False, False]
    assert "contact" in {e.what for e in bob.node_events if isinstance(e, ContactChanged)}
