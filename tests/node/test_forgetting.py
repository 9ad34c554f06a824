"""Forgetting, and disappearing messages, on all devices: connected, off for months, new, offered it again."""

import pytest

from onionchat.errors import UsageError
from onionchat.kinds.chat import Text
from onionchat.node.events import MessagesAppended
from tests.node.test_removal import everything
from tests.node.test_standing import apart, together

DAY = 86400.0


@pytest.fixture
def three(world, friends):
    """Alice's three devices, all connected with Bob."""
    alice, bob = friends
    devices = [alice, world.add_device(alice, "phone"), world.add_device(alice, "tablet")]
    world.pass_time(30)
    return (*devices, bob)


def said(actor, name="Bob"):
    return [line.text for line in actor.log(name, limit=500) if line.kind == "text"]


def behind(actor):
    return {device.name: device.to_forget for device in actor.do("device.list") if device.to_forget}


def test_a_message_goes_from_all_devices_and_they_say_so(world, three):
    alice, phone, tablet, bob = three
    secret = bob.send("Alice", "a secret of Bob's")
    bob.send("Alice", "to be kept")
    world.pass_time(10)
    tablet.cut()
    done = alice.do("message.forget", name="Bob", ids=[secret])
    assert (done.count, done.devices) == (1, 3) and set(done.waiting) == {"phone", "tablet"}
    world.pass_time(10)
    assert behind(alice) == behind(phone) == {"tablet": 1}
    assert b"a secret of Bob's" not in everything(phone) and b"a secret of Bob's" in everything(tablet)
    tablet.restore()
    world.pass_time(20)
    assert behind(alice) == behind(phone) == behind(tablet) == {}
    for actor in (alice, phone, tablet):
        assert said(actor) == ["(forgotten)", "to be kept"]
        assert b"a secret of Bob's" not in everything(actor)
        assert actor.do("message.search", query="secret") == []
    assert said(bob, "Alice") == ["a secret of Bob's", "to be kept"]
    world.pass_time(10)
    assert alice.node.store.reads.execute("SELECT count(*) FROM forgetting").fetchone() == (0,)


def test_what_a_third_device_tells_counts(world, three):
    """Alice's first device hears from the phone that the tablet has it."""
    alice, _phone, tablet, bob = three
    entry = bob.send("Alice", "a secret")
    world.pass_time(10)
    tablet.cut()
    alice.do("message.forget", name="Bob", ids=[entry])
    world.pass_time(10)
    alice.cut()
    tablet.restore()
    world.pass_time(20)
    apart(world, tablet)
    together(world, alice)
    assert behind(alice) == {}


def test_a_device_that_was_off_for_months(world, three):
    alice, phone, tablet, bob = three
    entry = bob.send("Alice", "a secret")
    world.pass_time(10)
    tablet.stop()
    alice.do("message.forget", name="Bob", ids=[entry])
    for actor in (alice, phone, tablet, bob):
        actor.clock_offset_seconds = 120 * DAY
    world.pass_time(10)
    assert behind(alice) == {"tablet": 1}
    tablet.start()
    world.pass_time(60)
    assert behind(alice) == {} and b"a secret" not in everything(tablet)


def test_what_is_offered_again_stays_forgotten(world, three):
    """By the contact, by another device of its, by a device of ours that was off."""
    alice, phone, tablet, bob = three
    for actor in (phone, tablet):
        actor.cut()
    entry = bob.send("Alice", "a secret")
    world.pass_time(10)
    bob.cut()
    alice.do("message.forget", name="Bob", ids=[entry])
    world.pass_time(10)
    together(world, phone)  # it hears of the deletion before it has the message
    bob.restore()
    second = world.add_device(bob, "Bob's phone")
    world.pass_time(60)
    alice.restart()
    together(world, tablet)
    world.pass_time(60)
    assert second.contact("Alice").online
    for actor in (alice, phone, tablet):
        assert set(said(actor)) <= {"(forgotten)"} and b"a secret" not in everything(actor)
    assert said(second, "Alice") == ["a secret"]


def test_while_history_comes_to_a_new_device(world, friends):
    alice, bob = friends
    for n in range(300):
        bob.send("Alice", f"secret {n}")
    world.pass_time(10)
    middle = alice.log("Bob", limit=150)[0].time
    phone = world.add_device(alice, "phone")
    phone.cut()
    done = phone.do("message.forget", name="Bob", before=middle)
    assert done.count <= 150
    alice.do("message.forget", name="Bob", whole=True)
    bob.send("Alice", "afterwards")
    together(world, phone)
    world.pass_time(60)
    for actor in (alice, phone):
        assert b"secret" not in everything(actor)
        assert [text for text in said(actor) if text != "(forgotten)"] == ["afterwards"]


def test_a_whole_conversation_but_not_what_was_said_meanwhile(world, three):
    alice, phone, tablet, bob = three
    bob.do("conversation.timer", name="Alice", seconds=3600)
    for n in range(10):
        (alice, bob)[n % 2].send(("Bob", "Alice")[n % 2], f"old {n}")
    world.pass_time(10)
    tablet.cut()
    alice.do("message.forget", name="Bob", whole=True)
    assert alice.log("Bob") == [] or all("old" not in line.text for line in alice.log("Bob"))
    tablet.send("Bob", "written meanwhile")
    together(world, tablet)
    late = world.add_device(alice, "late")
    world.pass_time(60)
    for actor in (alice, phone, tablet, late):
        assert [text for text in said(actor) if text != "(forgotten)"] == ["written meanwhile"]
        assert b"old 3" not in everything(actor)
        (timer,) = [c.timer_seconds for c in actor.do("conversation.list") if c.name == "Bob"]
        assert timer == 3600  # also on the device that was linked later


def test_ranges(world, three):
    alice, phone, _tablet, bob = three
    ids = []
    for n in range(8):
        actor, name = ((alice, "Bob"), (bob, "Alice"), (phone, "Bob"))[n % 3]
        ids.append(actor.send(name, str(n)))
        world.pass_time(10)
    times = {line.id: line.time for line in alice.log("Bob")}
    assert alice.do("message.forget", name="Bob", first=ids[1], last=ids[3]).count == 3
    assert alice.do("message.forget", name="Bob", last=ids[0]).count == 1
    assert alice.do("message.forget", name="Bob", after=times[ids[5]], before=times[ids[6]]).count == 1
    assert alice.do("message.forget", name="Bob", first=ids[7]).count == 1
    world.pass_time(10)
    for actor in (alice, phone):
        assert [text for text in said(actor) if text != "(forgotten)"] == ["4", "6"]
    for params in ({}, {"whole": True, "before": 5}, {"ids": [ids[4]], "first": ids[4]}):
        with pytest.raises(UsageError):
            alice.do("message.forget", name="Bob", **params)
    with pytest.raises(Exception, match="other way round"):
        alice.do("message.forget", name="Bob", first=ids[6], last=ids[4])


def test_all_notes_to_oneself_and_nothing_else_of_self(world, three):
    """Contacts and settings stand in the same conversation: a device that is linked later has them still."""
    alice, _phone, _tablet, _bob = three
    alice.send("Notes", "a note to myself")
    alice.do("message.forget", name="Notes", whole=True)
    alice.do("message.forget", name="Notes", before=alice.node.now_ms() + 5)
    late = world.add_device(alice, "late")
    world.pass_time(60)
    assert late.contact("Bob").online and late.status().name == "Alice"
    assert b"a note to myself" not in everything(late)


# --- what was not sent --------------------------------------------------------------------------------------
def test_nothing_is_withdrawn_that_another_device_has_sent(world, three):
    alice, phone, tablet, bob = three
    bob.cut()
    sent, unsent = alice.send("Bob", "went out"), alice.send("Bob", "never went out")
    world.pass_time(10)
    alice.cut()
    tablet.cut()
    phone.do("message.forget", name="Bob", ids=[unsent])
    bob.restore()
    world.pass_time(20)
    bob.cut()
    together(world, alice)
    done = alice.do("message.forget", name="Bob", ids=[sent])
    assert done.unsent == 0
    bob.restore()
    world.pass_time(60)
    assert said(bob, "Alice")[0] == "went out" and b"never went out" not in everything(bob)


# --- disappearing messages --------------------------------------------------------------------------------------
def test_a_timer_holds_for_both_sides_and_all_devices(world, three):
    alice, phone, tablet, bob = three
    second = world.add_device(bob, "Bob's phone")
    world.pass_time(30)
    phone.do("conversation.timer", name="Bob", seconds=3600)
    for actor, name in ((alice, "Bob"), (tablet, "Bob"), (bob, "Alice"), (second, "Alice")):
        actor.send(name, f"goes {actor.name}")
    world.pass_time(10)
    everyone = [(alice, "Bob"), (phone, "Bob"), (tablet, "Bob"), (bob, "Alice"), (second, "Alice")]
    assert all(len(said(actor, name)) == 4 for actor, name in everyone)
    world.pass_time(3700)
    for actor, name in everyone:
        assert set(said(actor, name)) == {"(disappeared)"}
        assert b"goes " not in everything(actor)


@pytest.mark.parametrize("how", ["off", "locked"])
def test_what_expired_meanwhile_is_gone_before_anything_is_shown(world, three, how):
    alice, _phone, _tablet, bob = three
    bob.do("conversation.timer", name="Alice", seconds=3600)
    bob.send("Alice", "marmalade of Bob's")
    alice.do("message.edit", name="Bob", id=alice.send("Bob", "mine, first"), text="mine, changed")
    world.pass_time(30)
    alice.cut()
    place, now = alice.node.book.find("Bob").conversation, alice.node.now_ms()
    many = [Text(f"marmalade {n}") for n in range(1100)]  # more than go in one transaction
    world.wait(
        alice.node.through_gate(lambda c, gate: [gate.append_own(c, place, text, now, now + 60_000) for text in many])
    )
    alice.stop() if how == "off" else alice.do("node.lock")
    world.pass_time(3700)
    alice.events.clear()
    alice.node_events.clear()
    if how == "off":
        alice.start()
    else:
        world.wait(alice.begin("node.unlock", passphrase="correct horse"))
    c = alice.node.store.reads
    assert c.execute("SELECT count(*) FROM entry WHERE expires <= ?", (alice.node.now_ms(),)).fetchone() == (0,)
    assert alice.do("message.search", query="marmalade") == alice.do("message.search", query="changed") == []
    assert set(said(alice)) == {"(disappeared)"}
    left = everything(alice)
    assert b"marmalade" not in left and b"mine, " not in left
    (line,) = [c.last_line for c in alice.do("conversation.list") if c.name == "Bob"]
    assert "marmalade" not in line and "mine" not in line
    assert alice.contact("Bob").unread == 0
    assert not [e for e in alice.node_events if isinstance(e, MessagesAppended)]
