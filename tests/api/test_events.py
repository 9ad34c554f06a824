"""The events of `watch`: each kind, its keys, once for each subscriber."""

import msgspec
import pytest

from onionchat.api.methods import EVENTS
from onionchat.errors import UsageError
from onionchat.testing.strangers import Stranger


def keys(event):
    """The keys that the event has as JSON."""
    return set(msgspec.json.decode(msgspec.json.encode(event)))


def test_messages(world, friends):
    alice, bob = friends
    entry = alice.send("Bob", "hello")
    (mine,), (his,) = alice.heard("message"), bob.heard("message")
    assert (mine.id, mine.sender, mine.text, mine.conversation) == (entry, "me", "hello", "Bob")
    assert (his.id, his.sender, his.state, his.conversation) == (entry, "Alice", "received", "Alice")
    assert keys(his) >= {"id", "time", "from", "kind", "text", "state", "delivered_to", "cursor", "in"}
    assert mine.cursor == alice.log("Bob")[0].cursor


def test_deliveries(world, friends):
    alice, bob = friends
    alice.send("Bob", "hello")
    (event,) = alice.heard("delivered")
    assert keys(event) == {"event", "time", "id", "in", "device"} and event.device == bob.device


def test_coming_and_going(world, friends):
    alice, bob = friends
    bob.cut()
    (event,) = alice.heard("offline")
    assert (event.contact, event.device) == ("Bob", bob.device) and keys(event) == {
        "event",
        "time",
        "contact",
        "device",
    }
    bob.restore()
    assert [e.contact for e in alice.heard("online")] == ["Bob", "Bob"]


def test_requests(world):
    alice, stranger = world.add("Alice"), Stranger(world, name="M\x1ballory")
    stranger.say(stranger.dial_link(alice.do("invite.create").link), stranger.request())
    alice.do("request.ignore", id=stranger.id)
    events = alice.heard("request")
    assert [(e.id, e.direction, e.state) for e in events] == [
        (stranger.id, "incoming", "waiting"), (stranger.id, "incoming", "ignored")]  # fmt: skip
    assert all("\x1b" not in e.name for e in events)


def test_trust_device_tor_changed_locked(world, friends):
    alice, bob = friends
    alice.do("contact.trust", name="Bob", trust="validated")
    assert (alice.heard("trust")[-1].contact, alice.heard("trust")[-1].trust) == ("Bob", "validated")
    alice.do("contact.rename", name="Bob", new="Robert")
    assert (alice.heard("device")[-1].contact, alice.heard("device")[-1].change) == ("Robert", "contact")
    entry = bob.send("Alice", "hello")
    alice.do("message.react", name="Robert", id=entry, emoji="👍")
    assert alice.heard("changed")[-1].conversation == "Robert" and bob.heard("changed")[-1].conversation == "Alice"
    alice.cut()
    assert (alice.heard("tor")[-1].state, alice.heard("tor")[-1].onion) == ("lost", "unpublished")
    alice.restore()
    tor = [event for event in alice.heard("tor") if event.state == "ready"][-1]
    assert (tor.bootstrap, tor.onion) == (100, "reachable")
    alice.do("node.lock")
    assert alice.events[-1].event == "locked"


def test_every_event_has_a_name_and_is_json(world, friends):
    alice, bob = friends
    alice.send("Notes", "to myself")
    alice.do("contact.remove", name="Bob")
    world.pass_time(60)
    for event in (*alice.events, *bob.events):
        assert event.event in EVENTS and msgspec.json.encode(event)


def test_each_subscriber_gets_what_it_asked_for(world, friends):
    alice, _ = friends
    everything, messages = [], []
    ends = [alice.service.subscribe([], everything.append), alice.service.subscribe(["message"], messages.append)]
    alice.send("Bob", "hello")
    assert {e.event for e in everything} > {"message"} and {e.event for e in messages} == {"message"}
    for end in (*ends, *ends):
        end()
    with pytest.raises(UsageError, match="events are"):
        alice.service.subscribe(["message", "hologram"], messages.append)


def test_nothing_is_made_for_nobody(world, friends):
    alice, _ = friends
    feed = alice.service._feed
    for events, send in list(feed._subscribers):
        feed._subscribers.remove((events, send))
    assert list(feed._subscribers) == []
    alice.send("Bob", "nobody listens")
