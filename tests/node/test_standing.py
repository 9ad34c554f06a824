"""What is said of a contact on one device holds on all: also when they were apart, off, or killed in between."""

import random

import pytest

from onionchat.ids import id_text
from onionchat.node.standing import FINISH_SECONDS
from onionchat.store import people
from tests.node.test_removal import everything


@pytest.fixture
def two(world, friends):
    """Alice's two devices, both connected with Bob."""
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    world.pass_time(20)
    assert phone.contact("Bob").online
    return alice, phone, bob


def account_of(actor, name="Bob"):
    return id_text(actor.node.book.find(name).account)


def apart(world, *actors):
    for actor in actors:
        actor.cut()


def together(world, *actors):
    for actor in actors:
        actor.restore()
    world.pass_time(60)


def addresses(*actors):
    return [actor.address for actor in actors]


@pytest.mark.parametrize("is_on", [True, False])
def test_a_block_on_one_device_shuts_out_at_all_and_all_move(world, two, is_on):
    alice, phone, bob = two
    before = addresses(alice, phone)
    if not is_on:
        phone.stop()
    alice.do("contact.block", id=account_of(alice))
    if not is_on:
        phone.start()
    world.pass_time(60)
    assert phone.contact("Bob").blocked and not phone.contact("Bob").online and not alice.contact("Bob").online
    assert all(old != new for old, new in zip(before, addresses(alice, phone), strict=True))
    world.pass_time(3600)
    moved = addresses(alice, phone)
    alice.restart()
    phone.restart()
    world.pass_time(60)
    assert addresses(alice, phone) == moved  # once is enough
    assert not bob.contact("Alice").online


def test_a_crash_between_hearing_of_a_block_and_moving(world, two):
    alice, phone, _bob = two
    before = phone.address
    phone.node.services.leave_shut_out = lambda: __import__("twisted.internet.defer").internet.defer.succeed(None)
    alice.do("contact.block", id=account_of(alice))
    world.pass_time(10)
    assert phone.contact("Bob").blocked and phone.address == before
    phone.restart()
    world.pass_time(10)
    assert phone.address != before


def test_what_programs_note_undoes_no_block(world, two):
    """A later entry about the same contact, by a device that has not heard of the block."""
    alice, phone, _bob = two
    apart(world, alice, phone)
    alice.do("contact.block", id=account_of(alice))
    world.pass_time(100)
    person = phone.node.book.find("Bob")
    world.wait(phone.node.append_self([person.value]))  # as when an acceptance is confirmed
    phone.do("contact.quota", name="Bob", size_bytes=2 * 1024**2)
    phone.do("contact.rename", name="Bob", new="Robert")
    together(world, alice, phone)
    for actor in (alice, phone):
        found = actor.contact("Robert")
        assert found.blocked and found.quota_bytes == 2 * 1024**2 and not found.online


def test_block_on_one_and_unblock_on_the_other_the_later_holds(world, two):
    alice, phone, _bob = two
    for device in (alice, phone):
        device.do("contact.block", id=account_of(device))
        world.pass_time(20)
        apart(world, alice, phone)
        other = phone if device is alice else alice
        device.do("contact.unblock", id=account_of(device))
        world.pass_time(100)
        device.do("contact.block", id=account_of(device))
        world.pass_time(100)
        other.do("contact.unblock", id=account_of(other))
        together(world, alice, phone)
        world.pass_time(1800)
        assert not alice.contact("Bob").blocked and not phone.contact("Bob").blocked


def test_compromised_on_one_device_closes_the_channels_of_all(world, two):
    alice, phone, _bob = two
    alice.do("contact.trust", name="Bob", trust="compromised")
    world.pass_time(60)
    assert not phone.contact("Bob").online and phone.contact("Bob").trust == "compromised"


@pytest.mark.parametrize("is_on", [True, False])
def test_a_contact_removed_on_one_device_is_gone_on_all(world, two, is_on):
    alice, phone, bob = two
    bob.send("Alice", "a secret of Bob's")
    alice.do("contact.rename", name="Bob", new="Robert-the-friend")
    world.pass_time(20)
    account, device = alice.node.book.find("Robert-the-friend").account, bob.node.own.device
    address = bob.node.book.own_devices[device].certificate.address
    before = phone.address
    if not is_on:
        phone.stop()
    alice.do("contact.remove", name="Robert-the-friend")
    if not is_on:
        phone.start()
    world.pass_time(FINISH_SECONDS + 60)
    for actor in (alice, phone):
        assert actor.do("contact.list") == []
        left = everything(actor)
        assert b"a secret of Bob's" not in left and b"Robert-the-friend" not in left and address not in left
        assert people.statements_of(actor.node.store.reads, account) == []
    assert phone.address != before


def test_removed_on_one_and_written_to_on_the_other(world, two):
    """Removal holds, and what only the other device had goes, too, on both."""
    alice, phone, bob = two
    bob.cut()
    apart(world, alice, phone)
    alice.do("contact.remove", name="Bob")
    phone.send("Bob", "written meanwhile")
    world.pass_time(100)
    together(world, alice, phone)
    world.pass_time(FINISH_SECONDS + 60)
    for actor in (alice, phone):
        assert actor.do("contact.list") == [] and b"written meanwhile" not in everything(actor)


def test_who_was_removed_can_be_added_again_from_the_other_device(world, two):
    alice, phone, bob = two
    alice.do("contact.block", id=account_of(alice))
    alice.do("contact.remove", name="Bob")
    bob.do("contact.remove", name="Alice")
    world.pass_time(120)
    link = phone.do("invite.create").link
    bob.do("contact.add", link=link, name="Alice")
    (request,) = [r for r in alice.do("request.list") if r.direction == "incoming"]
    phone.do("request.accept", id=request.id, name="Bobby")
    world.pass_time(60)
    assert alice.contact("Bobby").online and phone.contact("Bobby").online
    alice.send("Bobby", "once more")
    world.settle()
    assert bob.texts("Alice")[-1] == "once more"


# --- names ------------------------------------------------------------------------------------------------
def test_two_contacts_given_one_name_on_two_devices(world, two):
    alice, phone, bob = two
    carol = world.add("Carol")
    world.befriend(alice, carol)
    world.pass_time(20)
    apart(world, alice, phone)
    alice.do("contact.rename", name="Bob", new="Kim")
    phone.do("contact.rename", name="Carol", new="kim")
    together(world, alice, phone)
    for actor in (alice, phone):
        assert [c.name for c in actor.do("contact.list")] == ["Kim", "kim 2"]
        assert actor.contact("kim").id == bob.status().account  # the older one
        notices = [line.text for line in actor.log("kim 2") if line.kind == "notice"]
        assert [text for text in notices if "another contact is called" in text] == [
            "another contact is called “kim”, too: this one is “kim 2” until you rename one of them"
        ]
    alice.restart()
    assert [c.name for c in alice.do("contact.list")] == ["Kim", "kim 2"]
    phone.do("contact.rename", name="Kim", new="Bob")
    world.pass_time(10)
    assert [c.name for c in alice.do("contact.list")] == ["Bob", "kim"]
    carol.send("Alice", "to whom?")
    world.settle()
    assert alice.texts("kim")[-1] == "to whom?"


# --- requests and links -------------------------------------------------------------------------------------
def test_a_request_accepted_on_two_devices_at_once(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    phone = world.add_device(alice, "phone")
    bob.do("contact.add", link=alice.do("invite.create").link, name="Alice")
    world.pass_time(10)
    assert [e.state for e in phone.heard("request")] == ["waiting"]
    apart(world, alice, phone)
    for actor, name in ((alice, "Bob"), (phone, "Bert")):
        (request,) = [r for r in actor.do("request.list") if r.direction == "incoming"]
        actor.do("request.accept", id=request.id, name=name)
        world.pass_time(1)
    together(world, alice, phone)
    world.pass_time(600)
    for actor in (alice, phone):
        assert [c.name for c in actor.do("contact.list")] == ["Bert"] and actor.contact("Bert").online
        assert actor.do("request.list") == []
    assert [c.name for c in bob.do("contact.list")] == ["Alice"]
    bob.send("Alice", "hello both")
    world.settle()
    assert alice.texts("Bert") == phone.texts("Bert") == ["hello both"]


def test_a_request_accepted_on_the_device_that_does_not_publish_the_link(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    phone = world.add_device(alice, "phone")
    bob.do("contact.add", link=alice.do("invite.create").link, name="Alice")
    world.pass_time(10)
    (request,) = [r for r in phone.do("request.list") if r.direction == "incoming"]
    phone.do("request.accept", id=request.id)
    world.pass_time(5)
    assert bob.contact("Alice").name == "Alice" and alice.contact("Bob").online


def test_a_one_time_link_used_on_two_devices_takes_one_person(world):
    alice, bob, carol = world.add("Alice"), world.add("Bob"), world.add("Carol")
    phone = world.add_device(alice, "phone")
    link = alice.do("invite.create").link
    bob.do("contact.add", link=link, name="Alice")
    world.pass_time(10)
    phone.cut()
    (request,) = [r for r in phone.do("request.list") if r.direction == "incoming"]
    phone.do("request.accept", id=request.id)
    carol.do("contact.add", link=link, name="Alice")
    world.pass_time(60)
    (asked,) = carol.do("request.list")
    assert asked.state == "refused: used"
    together(world, phone)
    world.pass_time(60)
    for actor in (alice, phone):
        assert [c.name for c in actor.do("contact.list")] == ["Bob"]
        assert [i.state for i in actor.do("invite.list")] == ["used"]


def test_the_same_link_added_on_two_devices_makes_one_contact(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    phone = world.add_device(alice, "phone")
    link = bob.do("invite.create").link
    apart(world, alice, phone)
    alice.do("contact.add", link=link, name="Bob")
    phone.do("contact.add", link=link, name="Bert")
    together(world, alice, phone)
    (request,) = bob.do("request.list")
    bob.do("request.accept", id=request.id)
    world.pass_time(1200)
    for actor in (alice, phone):
        assert len(actor.do("contact.list")) == 1 and actor.do("request.list") == []
        assert all(contact.online for contact in actor.do("contact.list"))


def test_a_link_taken_back_on_another_device_is_taken_down(world):
    alice, bob = world.add("Alice"), world.add("Bob")
    phone = world.add_device(alice, "phone")
    link = alice.do("invite.create").link
    world.pass_time(10)
    phone.do("invite.close", link=link)
    world.pass_time(10)
    bob.do("contact.add", link=link, name="Alice")
    world.pass_time(60)
    assert [r.state for r in bob.do("request.list")] == ["waiting"] and alice.do("request.list") == []


# --- everything, in any order ---------------------------------------------------------------------------------
def shown(actor):
    """What the user has said, as a device has it."""
    contacts = [(c.id, c.name, c.trust, c.blocked, c.quota_bytes, c.unread) for c in actor.do("contact.list")]
    timers = {t.name: t.timer_seconds for t in actor.do("conversation.list")}
    return sorted(contacts), timers, actor.do("setting.get", key="theme").value


@pytest.mark.parametrize("seed", range(6))
def test_conflicting_changes_converge_in_any_order(world, friends, seed):
    """Three devices, never all together, change everything at random; then they meet in pairs."""
    print(f"seed {seed}")
    dice = random.Random(seed)
    alice, bob = friends
    carol = world.add("Carol")
    world.befriend(alice, carol)
    devices = [alice, world.add_device(alice, "phone"), world.add_device(alice, "tablet")]
    world.pass_time(30)
    ids = [bob.status().account, carol.status().account]
    for actor in (bob, carol):
        actor.send("Alice", "unread")
        actor.stop()
    world.pass_time(30)
    apart(world, *devices)
    for _ in range(25):
        actor, who = dice.choice(devices), dice.choice(ids)
        name = next(c.name for c in actor.do("contact.list") if c.id == who)
        done = dice.randrange(7)
        if done == 0:
            taken = [c.name for c in actor.do("contact.list") if c.id != who]
            new = dice.choice([n for n in ("Kim", "Ann", "Lou", "Max") if n not in taken])
            actor.do("contact.rename", name=name, new=new)
        elif done == 1:
            actor.do("contact.trust", name=name, trust=dice.choice(("validated", "unvalidated", "compromised")))
        elif done == 2:
            actor.do(dice.choice(("contact.block", "contact.unblock")), id=who)
        elif done == 3:
            actor.do("contact.quota", name=name, size_bytes=dice.randrange(1, 9) * 1024**2)
        elif done == 4:
            actor.do("message.read", name=name)
        elif done == 5:
            actor.do("setting.set", key="theme", value=dice.choice("abc"))
        else:
            actor.do("conversation.timer", name=name, seconds=dice.choice((None, 3600, 86400)))
        world.pass_time(dice.choice((0, 0, 1, 60)))
    pairs = [(0, 1), (1, 2), (0, 2)]
    dice.shuffle(pairs)
    for pair in (*pairs, *pairs):
        together(world, *(devices[n] for n in pair))
        apart(world, *(devices[n] for n in pair))
    states = [shown(actor) for actor in devices]
    assert states[0] == states[1] == states[2]
    bob.start()
    carol.start()
