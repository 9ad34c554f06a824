"""Statements, cards, addresses, discovery slots, registers."""

import pytest

from onionchat import limits
from onionchat.crypto.keys import SigningKey
from onionchat.errors import LocalError
from onionchat.identity.account import make_remove, parse_statement
from onionchat.identity.device import issue_certificate
from onionchat.identity.statements import revealing
from onionchat.kinds.account import Contact
from onionchat.store import people
from onionchat.store.own import add_serial
from tests.store.stores import NOW, Person, World, seeded


@pytest.fixture
def world() -> World:
    return World()


# --- statements and cards ------------------------------------------------------------------------------
def test_statements_of_others_and_garbage_are_left_out(world: World) -> None:
    ann, eve = Person(20), Person(21)
    people.add_statements(world.c, ann.account, [eve.genesis, b"garbage", b"", ann.genesis, ann.genesis])
    assert people.statements_of(world.c, ann.account) == [ann.genesis]
    assert people.statements_of(world.c, eve.account) == []


def test_a_copy_with_fewer_cuts_takes_none_away(world: World) -> None:
    ann = Person(20)
    other = SigningKey(b"\x31" * 32)
    cuts = [(bytes([n]) * 32, n, b"\x05" * 32) for n in (1, 2)]
    full = make_remove(ann.account, [], other.public, "stolen", [], cuts, ann.identity)
    statement = parse_statement(full)
    first, second = (revealing(statement, [cut.log]).raw for cut in statement.cuts)
    for order in ([first, second], [second, first], [full, first], [first, full]):
        world.c.execute("DELETE FROM statement")
        people.add_statements(world.c, ann.account, order)
        assert people.statements_of(world.c, ann.account) == [full]


def test_the_higher_serial_of_a_card_wins_in_any_order(world: World) -> None:
    ann = Person(20)
    one, two = ann.certificate(1), ann.certificate(2)
    assert people.add_card(world.c, ann.account, two, b"\x02" * 32)
    assert not people.add_card(world.c, ann.account, one, b"\x01" * 32)
    (row,) = people.devices_of(world.c, ann.account)
    assert (row.certificate.serial, row.discovery, row.certificate_raw) == (2, b"\x02" * 32, two)
    assert people.statics_of(world.c, ann.device, 2) == [ann.static.public]


def test_a_device_belongs_to_one_account_for_ever(world: World) -> None:
    ann, eve = Person(20), Person(21)
    people.add_card(world.c, ann.account, ann.card, b"")
    assert not people.add_card(world.c, eve.account, ann.certificate(9), b"")
    assert people.devices_of(world.c, eve.account) == []
    found = people.find_device(world.c, ann.device)
    assert found is not None
    assert found.account == ann.account


def test_a_forged_card_is_not_kept(world: World) -> None:
    ann = Person(20)
    assert not people.add_card(world.c, ann.account, ann.card[:-1] + bytes([ann.card[-1] ^ 1]), b"")
    assert not people.add_card(world.c, ann.account, b"", b"")
    assert people.devices_of(world.c, ann.account) == []


def test_a_dropped_account_leaves_nothing(world: World) -> None:
    ann = Person(20)
    people.add_statements(world.c, ann.account, [ann.genesis])
    people.add_card(world.c, ann.account, ann.card, b"\x01" * 32)
    people.mark_seen(world.c, ann.device, NOW)
    found = people.find_device(world.c, ann.device)
    assert found is not None
    assert found.last_seen == NOW
    people.drop_account(world.c, ann.account)
    assert people.statements_of(world.c, ann.account) == []
    assert people.find_device(world.c, ann.device) is None
    assert people.statics_of(world.c, ann.device, 1) == []
    assert people.find_device(world.c, world.contact.device) is not None


# --- addresses -----------------------------------------------------------------------------------------
def test_a_new_address_makes_the_last_one_old(world: World) -> None:
    first = people.add_address(world.c, 1, NOW, False, seeded(1))
    second = people.add_address(world.c, 2, NOW + 5, True, seeded(2))
    rows = people.addresses(world.c)
    assert [(row.key, row.state, row.urgent, row.since_ms) for row in rows] == [
        (second.key, "current", False, NOW + 5),
        (first.key, "old", True, NOW + 5),
    ]
    people.note_told(world.c, first.key, b"d")
    people.drop_address(world.c, first.key)
    assert [row.key for row in people.addresses(world.c)] == [second.key]
    assert people.discovery_keys(world.c, first.key) == []
    assert people.told(world.c, first.key) == set()


def test_an_address_has_all_its_discovery_keys_and_they_differ(world: World) -> None:
    address = people.add_address(world.c, 1, NOW, False, seeded(1))
    keys = people.discovery_keys(world.c, address.key)
    assert len({key.private for key in keys}) == limits.DISCOVERY_KEYS
    assert address.seed.hex() not in repr(address)


def test_each_account_keeps_its_slot_until_none_is_left(world: World) -> None:
    address = people.add_address(world.c, 1, NOW, False, seeded(1))
    reserved = {key.private for key in people.discovery_keys(world.c, address.key)[:2]}
    owners = [n.to_bytes(32, "big") for n in range(limits.DISCOVERY_KEYS - 2)]
    given = [people.discovery_for(world.c, address.key, owner) for owner in owners]
    assert len(set(given)) == len(owners)
    assert not reserved & set(given)
    assert people.discovery_for(world.c, address.key, owners[3]) == given[3]
    with pytest.raises(LocalError, match="remove one"):
        people.discovery_for(world.c, address.key, b"one too many")


def test_an_invitation_s_slot_becomes_the_account_s(world: World) -> None:
    address = people.add_address(world.c, 1, NOW, False, seeded(1))
    given = people.discovery_for(world.c, address.key, b"invitation")
    people.rename_slot(world.c, b"invitation", b"account")
    assert people.discovery_for(world.c, address.key, b"account") == given
    another = people.discovery_for(world.c, address.key, b"second")
    people.rename_slot(world.c, b"second", b"account")  # it has one already
    assert people.discovery_for(world.c, address.key, b"account") == given != another


def test_who_was_told_is_remembered_once(world: World) -> None:
    address = people.add_address(world.c, 1, NOW, False, seeded(1))
    for device in (b"a", b"b", b"a"):
        people.note_told(world.c, address.key, device)
    assert people.told(world.c, address.key) == {b"a", b"b"}


# --- registers -----------------------------------------------------------------------------------------
def test_a_contact_is_what_the_register_says(world: World) -> None:
    assert people.contact_of(world.c, world.contact.account) is None
    contact = Contact(world.contact.account, "Ann", "Annie", "active", NOW)
    world.say(contact, NOW, world.self_id)
    assert people.contact_of(world.c, world.contact.account) == contact
    assert people.register(world.c, "contact", b"?") is None
    assert [key for key, _ in people.registers(world.c, "contact")] == [world.contact.account]


def test_a_discovery_key_that_came_to_nothing_is_a_spare_again():
    world = World()
    row = people.add_address(world.c, 1, NOW, False, seeded(3))
    keys = {people.discovery_for(world.c, row.key, bytes([n]) * 32) for n in range(126)}
    assert len(keys) == 126
    with pytest.raises(LocalError, match="no room"):
        people.discovery_for(world.c, row.key, b"one too many".ljust(32, b"\0"))
    people.free_slots(world.c, bytes([7]) * 32)
    assert people.discovery_for(world.c, row.key, b"now it fits".ljust(32, b"\0")) in keys


def test_a_card_of_this_device_that_its_disk_does_not_know_is_not_taken() -> None:
    """The disk is an old copy: a newer certificate has come back, and its keys have not."""
    world = World()
    own = world.own
    lost = issue_certificate(own.identity, b"\x01" * 32, own.static.public, own.serial + 1)
    assert not people.add_card(world.c, own.account, lost, b"\x02" * 32)
    row = people.find_device(world.c, own.device)
    assert row is not None and row.certificate.serial == own.serial
    serial = add_serial(world.c, own.static, 1_700_000_000)
    assert serial == 1_700_000_000 and add_serial(world.c, own.static, 5) == serial + 1
    mine = issue_certificate(own.identity, b"\x03" * 32, own.static.public, serial)
    assert people.add_card(world.c, own.account, mine, b"\x02" * 32)
