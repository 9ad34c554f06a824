"""All devices of everybody at once; read marks; devices that are never on together."""

import random

import pytest

from onionchat.wire.records import Batch
from tests.node.test_removal import everything
from tests.node.test_standing import apart, together


@pytest.fixture
def crowd(world, friends):
    """Three devices a side, each connected with all others."""
    alice, bob = friends
    ours = [alice, world.add_device(alice, "phone"), world.add_device(alice, "tablet")]
    theirs = [bob, world.add_device(bob, "Bob's phone"), world.add_device(bob, "Bob's tablet")]
    world.pass_time(120)
    assert all(len(actor.node.peers.live) == 5 for actor in (*ours, *theirs))
    return ours, theirs


def said(actor, name):
    return [line.text for line in actor.log(name, limit=200) if line.kind == "text"]


def batches(actor):
    """To which devices entries are given from now on, in order."""
    found = []
    for device, link in actor.node.peers.live.items():

        def send(records, device=device, send=link.send):
            found.extend(device for record in records if isinstance(record, Batch))
            send(records)

        link.send = send
    return found


# --- all at once ---------------------------------------------------------------------------------------------
def test_an_entry_goes_to_every_connected_device_in_one_go(world, crowd):
    ours, theirs = crowd
    alice = ours[0]
    given = batches(alice)
    before = world.reactor.seconds()
    entry = alice.send("Bob", "to all")
    assert set(given) == {actor.node.own.device for actor in (*ours[1:], *theirs)} and len(given) == 5
    assert world.reactor.seconds() == before  # no device waits for a time, or for another one
    assert all(said(actor, "Alice") == ["to all"] for actor in theirs)
    assert all(said(actor, "Bob") == ["to all"] for actor in ours)
    (line,) = [line for line in alice.log("Bob") if line.id == entry]
    assert set(line.delivered_to) == {actor.device for actor in theirs} and line.devices == 3


@pytest.mark.parametrize("stuck", ["theirs", "ours"])
def test_a_device_that_reads_nothing_holds_up_nobody(world, crowd, stuck):
    """Its window and its buffer fill; the other four have each message at once."""
    ours, theirs = crowd
    alice = ours[0]
    slow = (theirs if stuck == "theirs" else ours)[-1]
    link = slow.node.peers.live[alice.node.own.device]
    held = []
    link.dataReceived = held.append  # what comes is taken off the wire, and never looked at
    far = alice.node.peers.live[slow.node.own.device]
    rest = [actor for actor in (*ours[1:], *theirs) if actor is not slow]
    for other in rest:
        slow.node.peers.live[other.node.own.device].close("done")
    slow_texts = len(said(slow, "Alice" if stuck == "theirs" else "Bob"))
    for n in range(40):
        alice.send("Bob", f"{n} " + "x" * 20_000)
        for actor in rest:
            name = "Alice" if actor in theirs else "Bob"
            assert said(actor, name)[-1].startswith(f"{n} ")
    assert held and not far.closed and len(said(slow, "Alice" if stuck == "theirs" else "Bob")) == slow_texts
    line = alice.log("Bob")[-1]
    assert line.state == "delivered" and len(line.delivered_to) >= 2
    assert sum(map(len, held)) < 40 * 20_000  # its window was full: no more was given to it
    del link.dataReceived
    link.close("done")
    far.close("done")
    world.pass_time(600)
    assert said(slow, "Alice" if stuck == "theirs" else "Bob")[-1].startswith("39 ")


def test_labels_stay_at_home(world, crowd):
    ours, theirs = crowd
    for actor in ours:
        actor.do("device.rename", device=actor.device, name=f"secret label of {actor.name}")
    ours[0].send("Bob", "hello")
    world.pass_time(30)
    assert b"secret label of phone" in everything(ours[0])
    assert all(b"secret label" not in everything(actor) for actor in theirs)


# --- read marks ----------------------------------------------------------------------------------------------
def test_read_on_one_device_is_read_on_all_and_they_are_told(world, crowd):
    ours, theirs = crowd
    for n in range(3):
        theirs[n].send("Alice", str(n))
    assert [actor.contact("Bob").unread for actor in ours] == [3, 3, 3]
    for actor in ours:
        actor.events.clear()
    ours[2].do("message.read", name="Bob")
    assert [actor.contact("Bob").unread for actor in ours] == [0, 0, 0]
    for actor in ours:
        assert "Bob" in [event.conversation for event in actor.heard("changed")]
        assert not any(line.unread for line in actor.log("Bob")) and actor.status().unread == 0


@pytest.mark.parametrize("mark_first", [True, False])
def test_a_mark_and_what_it_is_about_come_in_any_order(world, crowd, mark_first):
    ours, theirs = crowd
    alice, phone, tablet = ours
    tablet.cut()
    ids = [theirs[n % 3].send("Alice", str(n)) for n in range(6)]
    world.pass_time(10)
    alice.do("message.read", name="Bob", id=ids[3])
    phone.do("message.read", name="Bob", id=ids[1])  # an older mark that comes later takes nothing back
    world.pass_time(10)
    if mark_first:  # through a device of ours, which then has both; else the messages come first, from Bob
        apart(world, *theirs)
    else:
        apart(world, alice, phone)
    together(world, tablet)
    if not mark_first:
        assert tablet.contact("Bob").unread == 6
        together(world, alice, phone)
    assert [actor.contact("Bob").unread for actor in ours] == [2, 2, 2]


def test_what_was_read_is_read_in_the_history_of_a_new_device(world, friends):
    alice, bob = friends
    for n in range(150):
        bob.send("Alice", str(n))
    alice.do("message.read", name="Bob")
    bob.send("Alice", "new")
    world.pass_time(10)
    phone = world.add_device(alice, "phone")
    world.pass_time(60)
    assert phone.status().history_left is None and phone.contact("Bob").unread == 1


# --- never on together -------------------------------------------------------------------------------------------
def test_account_state_goes_through_any_third_device_of_ours(world, crowd):
    (alice, phone, tablet), _ = crowd
    apart(world, phone, tablet)
    alice.do("contact.rename", name="Bob", new="Robert")
    alice.do("contact.trust", name="Robert", trust="validated")
    alice.do("setting.set", key="theme", value="dark")
    alice.do("message.read", name="Robert")
    world.pass_time(10)
    together(world, phone)
    apart(world, alice, phone)
    together(world, tablet)
    assert tablet.contact("Bob").trust == "unvalidated"
    together(world, phone)
    assert tablet.contact("Robert").trust == "validated"
    assert tablet.do("setting.get", key="theme").value == "dark"


@pytest.mark.parametrize("seed", range(3))
def test_messages_go_through_any_device_of_anybody(world, crowd, seed):
    """At any time one device of ours and one of theirs are on: never two of one side."""
    print(f"seed {seed}")
    dice = random.Random(seed)
    ours, theirs = crowd
    apart(world, *ours, *theirs)
    sent = []
    for n in range(8):
        one, other = dice.choice(ours), dice.choice(theirs)
        together(world, one, other)
        if dice.random() < 0.5:
            one.send("Bob", f"a{n}")
            sent.append(f"a{n}")
        else:
            other.send("Alice", f"b{n}")
            sent.append(f"b{n}")
        world.pass_time(30)
        apart(world, one, other)
    for one in ours:  # each pair once: whatever anybody has reaches everybody
        for other in theirs:
            together(world, one, other)
            apart(world, one, other)
    together(world, ours[0], theirs[0])
    apart(world, ours[0], theirs[0])
    for one in ours:
        together(world, one, theirs[0])
        apart(world, one, theirs[0])
    logs = [said(actor, "Bob") for actor in ours] + [said(actor, "Alice") for actor in theirs[:1]]
    assert all(log == logs[0] for log in logs)
    assert sorted(logs[0]) == sorted(sent)
