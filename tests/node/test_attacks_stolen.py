"""A stolen device that goes on: it dials, writes past its cut, admits, removes, says old things, uses relays."""

import random as dice
from itertools import permutations

import pytest
from twisted.internet.defer import Deferred

from onionchat.codec import encode
from onionchat.errors import LocalError
from onionchat.identity.account import accept_add, countersign, fold, make_remove, unsigned_add
from onionchat.ids import id_text
from onionchat.kinds import account as kinds
from onionchat.kinds.chat import Text
from onionchat.log.certificate import make_log_certificate
from onionchat.log.entry import NO_ENTRY, Content, WireEntry, make_entry
from onionchat.node.accounts import cards_of
from onionchat.store import people
from onionchat.store.own import DeviceKeys
from onionchat.testing.strangers import Stranger
from onionchat.wire.records import Batch, Cards, DeviceCard, Frontier, LogOffered, Ready, Statements


class Thief(Stranger):
    """Whoever has the keys of a device that was running: it says what it likes."""

    def __init__(self, world, victim) -> None:
        """Everything that is in the database of `victim`, whose node is off from now on."""
        super().__init__(world, seed=4711)
        own = victim.node.own
        self.identity, self.static, self.account = own.identity, own.static, own.account
        self.card_raw = victim.node.book.this_device.certificate_raw
        self.roster = victim.node.book.own_roster
        self.statements = list(self.roster.statements)
        c = victim.node.store.reads
        self.cards = {bytes(i): bytes(d) for i, d in c.execute("SELECT id, discovery FROM device")}
        self.addresses = {
            device: row.certificate.address_text
            for account in [own.account, *victim.node.book.people]
            for device, row in ((row.id, row) for row in people.devices_of(c, account))
        }
        self.logs = {
            bytes(conversation): (bytes(log), bytes(seed), seq, bytes(head), bytes(certificate))
            for conversation, log, seed, seq, head, certificate in c.execute(
                "SELECT conversation.id, log.id, seed, seq, head, certificate FROM log JOIN conversation"
                " ON conversation.n = conversation WHERE seed IS NOT NULL"
            )
        }
        self.self_id = victim.node.store.self_id
        victim.stop()

    def certificate(self, serial=1, address=None):
        """The device's own."""
        return self.card_raw

    def reach(self, actor):
        """A channel to where the device was, if anybody is there still; None if not."""
        from onionchat.net.failure import DialError
        from onionchat.wire.handshake import DeviceExpected

        device = actor.node.own.device
        address = self.addresses[device]
        self.tor.keys.held[address] = self.cards[device]
        try:
            return self.dial(DeviceExpected(device), address)
        except DialError:
            return None

    def attack(self, link, conversation, now_ms, text):
        """Say all that one can say: ready, a new log and its entry, more in the old log, statements, cards."""
        from onionchat.crypto.keys import SigningKey

        self.say(link, Ready())
        key = SigningKey(self.random(32))
        certificate = make_log_certificate(key, conversation, self.device)
        self.say(link, Frontier(conversation, ()), LogOffered(certificate, (), False))
        content = Content(self.random(16), (), "text", 0, encode(Text(text)))
        entry = make_entry(key, 1, NO_ENTRY, (now_ms, 0), content)
        self.say(link, Batch(conversation, (encode(WireEntry(entry.header_raw, entry.signature, entry.content_raw)),)))
        if conversation in self.logs:
            _, seed, seq, head, _ = self.logs[conversation]
            entry = make_entry(SigningKey(seed), seq + 1, head, (now_ms + 1, 0), content)
            raw = encode(WireEntry(entry.header_raw, entry.signature, entry.content_raw))
            self.say(link, Batch(conversation, (raw,)))
        self.say(link, Cards((DeviceCard(self.card_raw, bytes(32)),)))

    def own_statement(self, kind, target=None, keys=None):
        """An `add` of a device of its own, or a removal of another one, that knows of nothing that came later."""
        heads = self.roster.heads
        if kind == "add":
            body = unsigned_add(self.account, heads, keys.identity.public, self.device)
            return countersign(body, accept_add(body, self.account, keys.identity), self.identity)
        return make_remove(self.account, heads, target, "stolen", (), (), self.identity)


@pytest.fixture
def stolen(world, friends):
    """Alice has a desktop, a phone and a laptop; the laptop is in the wrong hands, and runs."""
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    laptop = world.add_device(alice, "laptop")
    laptop.send("Bob", "of the owner")
    world.pass_time(10)
    return alice, phone, bob, laptop


def untrust(alice, **params):
    return alice.do("device.untrust", device="laptop", stolen=True, **params)


def now_ms(actor):
    return actor.node.now_ms()


def test_nothing_of_the_thief_is_taken_and_nothing_reaches_it(world, stolen):
    alice, phone, bob, laptop = stolen
    conversation = bob.node.book.find("Alice").conversation
    device = laptop.node.own.device
    thief = Thief(world, laptop)
    untrust(alice)
    world.pass_time(30)
    alice.send("Bob", "secret")
    bob.send("Alice", "secret, too")
    world.pass_time(5)
    thief.heard.clear()
    for target in (alice, phone, bob):
        link = thief.reach(target)
        if link is None:
            continue  # it moved, and its old address is gone
        thief.attack(link, conversation, now_ms(alice), "the thief's")
        thief.attack(link, thief.self_id, now_ms(alice), "the thief's")
        assert link.closed
    allowed = (Statements,)
    assert all(isinstance(record, allowed) for record in thief.heard)
    moved = {actor.address for actor in (alice, phone, bob)}
    for record in thief.heard:
        assert not any(address.encode() in encode(record) for address in moved)
    for actor in (alice, phone, bob):
        name = "Alice" if actor is bob else "Bob"
        assert "the thief's" not in actor.texts(name) and "of the owner" in actor.texts(name)
        assert device not in actor.node.peers.live
        assert actor.address not in thief.addresses.values()


def test_a_node_that_was_patched_goes_on_dialling_and_writing(world, stolen):
    """The thief runs the program itself, made to ignore that it is out."""
    alice, phone, bob, laptop = stolen
    laptop.node.untrusting.found_out = lambda: None
    type(laptop.node.own).__setattr__(laptop.node.own, "is_out", False)
    reload_account = laptop.node.book.reload_account

    def stubborn(c, account):
        reload_account(c, account)
        laptop.node.own.is_out = False

    laptop.node.book.reload_account = stubborn
    untrust(alice)
    world.pass_time(5)
    laptop.send("Bob", "the thief's")
    laptop.do("contact.rename", name="Bob", new="Mallory")
    world.pass_time(1800)
    for actor in (alice, phone, bob):
        name = "Alice" if actor is bob else "Bob"
        assert "the thief's" not in actor.texts(name)
        assert laptop.node.own.device not in actor.node.peers.live
    alice.send("Bob", "secret")
    world.pass_time(60)
    assert "secret" in bob.texts("Alice") and "secret" in phone.texts("Bob") and "secret" not in laptop.texts("Mallory")


def test_devices_that_it_admits_and_removals_that_know_better_do_not_count(world, stolen):
    alice, phone, bob, laptop = stolen
    thief = Thief(world, laptop)
    untrust(alice)
    world.pass_time(30)
    keys = DeviceKeys.generate(thief.random)
    late = thief.own_statement("add", keys=keys)
    link = thief.reach(bob)
    thief.say(link, Statements(thief.account, (*thief.statements, late))) if link else None
    for actor in (alice, phone):
        roster = actor.node.book.own_roster
        assert keys.identity.public not in roster.active and not roster.disputed
    assert keys.identity.public not in bob.node.book.find("Alice").roster.active
    knowing = make_remove(
        thief.account, alice.node.book.own_roster.heads, alice.node.own.device, "stolen", (), (), thief.identity
    )
    second = thief.reach(bob)
    if second is not None:
        thief.say(second, Statements(thief.account, (knowing,)))
    assert alice.node.own.device in bob.node.book.find("Alice").roster.active
    assert not bob.contact("Alice").disputed


def test_thief_and_owner_remove_each_other_unseen(world, friends):
    alice, bob = friends
    laptop = world.add_device(alice, "laptop")
    world.pass_time(10)
    alice.cut()
    laptop.do("device.untrust", device="device 1", stolen=True)
    world.pass_time(10)
    assert bob.contact("Alice").stolen == [alice.device]
    bob.cut()
    alice.do("device.untrust", device="laptop", stolen=True)
    alice.restore()
    laptop.cut()
    bob.restore()
    world.pass_time(120)
    red = bob.contact("Alice")
    assert red.disputed and red.trust == "compromised" and red.alarm and not red.devices and not red.online
    with pytest.raises(LocalError, match="removed each other"):
        bob.send("Alice", "hello")
    laptop.restore()
    world.pass_time(120)
    assert bob.node.peers.live == {} and alice.node.book.own_roster.disputed
    assert any("recovery words" in warning for warning in alice.status().warnings)


def test_who_was_removed_by_a_thief_can_answer_and_all_hear_it(world, stolen):
    """The thief is the first: the desktop is out. It answers; the phone is left, and needs the contact's yes."""
    alice, phone, bob, laptop = stolen
    laptop.do("device.untrust", device="device 1", stolen=True)
    world.pass_time(20)
    assert alice.node.book.is_out and alice.status().removed
    with pytest.raises(LocalError, match="removed from its account"):
        alice.send("Bob", "help")
    with pytest.raises(LocalError, match="use another one"):
        alice.do("device.untrust", device="phone", stolen=True)
    notice = alice.do("device.untrust", device="laptop", stolen=True).notice
    assert "both out" in notice
    world.pass_time(120)
    for actor in (alice, phone, bob):
        roster = actor.node.book.find("Alice").roster if actor is bob else actor.node.book.own_roster
        assert roster.disputed and roster.active == {phone.node.own.device}
    dialled = len(world.network.streams)
    world.pass_time(1800)
    assert not any(stream.dialler is alice.tor for stream in world.network.streams[dialled:]), "all have heard"
    with pytest.raises(LocalError, match="removed each other"):
        bob.send("Alice", "hello")
    bob.do("contact.trust", name="Alice", trust="validated")
    world.pass_time(120)
    assert bob.contact("Alice").trust == "validated" and not bob.contact("Alice").disputed
    bob.send("Alice", "hello")
    world.pass_time(60)
    assert phone.texts("Bob")[-1] == "hello" and laptop.texts("Bob")[-1] != "hello"


def test_validating_in_dispute_is_for_that_roster_only(world, stolen):
    alice, phone, bob, laptop = stolen
    laptop.do("device.untrust", device="device 1", stolen=True)
    world.pass_time(20)
    alice.do("device.untrust", device="laptop", stolen=True)
    world.pass_time(120)
    bob.do("contact.trust", name="Alice", trust="validated")
    assert not bob.contact("Alice").disputed
    tablet = world.add_device(phone, "tablet")
    world.pass_time(30)
    assert tablet.node.own.device in bob.node.book.find("Alice").roster.active
    assert bob.contact("Alice").disputed


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_statements_does_not_matter(world, friends, order):
    """Removal of the thief, the thief's admission of another, its removal of the desktop, as they come."""
    alice, bob = friends
    laptop = world.add_device(alice, "laptop")
    world.pass_time(10)
    thief = Thief(world, laptop)
    roster = alice.node.book.own_roster
    keys = DeviceKeys.generate(thief.random)
    removal = make_remove(roster.account, roster.heads, thief.device, "stolen", (), (), alice.node.own.identity)
    statements = [removal, thief.own_statement("add", keys=keys), thief.own_statement("remove", alice.node.own.device)]
    bob.cut()
    for index in order:
        (card,) = cards_of(roster.account, [statements[index]], ())
        world.wait(bob.node.append_self([card]))
    found = bob.node.book.find("Alice").roster
    assert found == fold([*roster.statements, *statements])
    assert found.disputed and found.active == frozenset()
    assert bob.contact("Alice").alarm


def test_a_relay_that_has_not_heard_gives_the_thief_no_way_in(world, stolen):
    """Bob's second device has not heard; it takes the thief's message, and cannot pass it on to one who has."""
    alice, phone, bob, laptop = stolen
    desk = world.add_device(bob, "desk")
    world.pass_time(10)
    desk.cut()
    phone.cut()
    untrust(alice)
    world.pass_time(10)
    for actor in (alice, bob):
        actor.cut()
    thief = Thief(world, laptop)
    desk.restore()
    conversation = desk.node.book.find("Alice").conversation
    link = thief.reach(desk)
    thief.attack(link, conversation, now_ms(desk), "the thief's")
    world.pass_time(5)
    assert "the thief's" in desk.texts("Alice"), "it had not heard"
    link.close("done")
    for actor in (alice, bob, phone):
        actor.restore()
    world.pass_time(200)
    for actor in (alice, phone, bob, desk):
        name = "Alice" if actor in (bob, desk) else "Bob"
        texts = actor.texts(name)
        assert "of the owner" in texts
        assert actor is desk or "the thief's" not in texts
    log = thief.logs[conversation][0]
    heads = {
        actor.name: {head.log: head.seq for head in actor.node.reader.heads(conversation)}.get(log)
        for actor in (alice, phone, bob, desk)
    }
    assert len(set(heads.values())) == 1


def test_messages_that_were_forgotten_are_not_offered_back(world, stolen):
    alice, phone, bob, _ = stolen
    line = next(line for line in alice.log("Bob") if line.text == "of the owner")
    alice.do("message.forget", name="Bob", ids=[line.id], withdraw=False)
    world.pass_time(5)
    untrust(alice)
    world.pass_time(60)
    for actor in (alice, phone):
        assert "of the owner" not in actor.texts("Bob")
    assert "of the owner" in bob.texts("Alice")


def test_a_crash_between_the_removal_and_the_move(world, stolen):
    alice, phone, bob, laptop = stolen
    before = alice.address
    alice.node.services.move = lambda *_, **__: Deferred()
    untrust(alice)
    world.settle()
    assert alice.address == before
    alice.restart()
    world.pass_time(60)
    assert alice.address != before and laptop.node.own.device not in bob.node.peers.live
    moved = alice.address
    alice.restart()
    world.pass_time(60)
    assert alice.address == moved and phone.address != before


def test_a_contact_cannot_make_us_move_without_end(world, friends):
    alice, bob = friends
    node, seen = bob.node, {bob.address}
    roster = alice.node.book.own_roster
    statements, heads = list(roster.statements), roster.heads
    for number in range(12):
        keys = DeviceKeys.generate(dice.Random(10_000 + number).randbytes)
        body = unsigned_add(roster.account, heads, keys.identity.public, alice.node.own.device)
        add = countersign(body, accept_add(body, roster.account, keys.identity), alice.node.own.identity)
        remove = make_remove(
            roster.account, fold([*statements, add]).heads, keys.identity.public, "stolen", (), (),
            alice.node.own.identity,
        )  # fmt: skip
        statements += [add, remove]
        heads = fold(statements).heads
        (card,) = cards_of(roster.account, [add, remove], ())
        world.wait(node.append_self([card]))
        world.pass_time(600)
        seen.add(bob.address)
    assert len(seen) == 2, "once a day for one account"
    world.pass_time(86_400)
    seen.add(bob.address)
    assert len(seen) == 3 and len(people.addresses(node.store.reads)) <= 3


def test_bad_statements_of_a_roster(world, friends):
    """A gap is borne, a wrong signature, a fork of the genesis and a foreign statement end the channel."""
    alice, bob = friends
    laptop = world.add_device(alice, "laptop")
    world.pass_time(10)
    thief = Thief(world, laptop)
    roster = alice.node.book.own_roster
    wrong = bytearray(thief.own_statement("remove", alice.node.own.device))
    wrong[-20] ^= 1
    foreign = Stranger(world, seed=99).genesis
    for bad in ((bytes(wrong),), (foreign,), (roster.statements[0], foreign)):
        link = thief.reach(bob)
        assert link is not None
        thief.say(link, Ready())
        thief.say(link, Statements(thief.account, bad))
        assert link.closed and thief.ends
        world.pass_time(1000)
    assert bob.node.book.find("Alice").roster == alice.node.book.own_roster
    unknown = make_remove(thief.account, [bytes(range(32))], alice.node.own.device, "retired", (), (), thief.identity)
    link = thief.reach(bob)
    thief.say(link, Ready())
    thief.say(link, Statements(thief.account, (unknown,)))
    assert id_text(alice.node.own.device) in bob.contact("Alice").former, "its past is folded with what is there"


def test_a_flood_of_statements_only_ever_makes_it_red(world, friends):
    alice, bob = friends
    laptop = world.add_device(alice, "laptop")
    world.pass_time(10)
    thief = Thief(world, laptop)
    flood = []
    for number in range(80):
        keys = DeviceKeys.generate(dice.Random(10_000 + number).randbytes)
        flood.append(thief.own_statement("add", keys=keys))
    for card in cards_of(thief.account, flood, ()):
        world.wait(bob.node.append_self([card]))
    assert bob.contact("Alice").disputed and bob.contact("Alice").alarm
    assert len(bob.node.book.find("Alice").devices) <= 16
    assert kinds.Card  # what a thief can do to *us* is the same: our own account is red, and nothing is lost
