"""A hostile contact names addresses and hands out links that are somebody else's."""

from onionchat.identity.link import format_link
from onionchat.ids import parse_onion_address
from onionchat.testing.nodes import Actor, World
from onionchat.testing.strangers import Stranger
from onionchat.wire.records import Cards


def test_naming_another_contact_s_address_does_not_take_its_key(world: World, friends: tuple[Actor, Actor]) -> None:
    """Tor holds one key an address: with a wrong one in its place the other contact could not be reached any more."""
    alice, bob = friends
    mallory = Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    mallory.say(link, Cards((mallory.card(2, parse_onion_address(bob.address)),)))
    link.close("done")
    bob.node.dialing.stop()
    bob.cut()
    world.pass_time(120)
    bob.tor.restore()
    bob.node.dialing.stop()
    world.pass_time(3600)
    assert alice.contact("Bob").online


def test_naming_our_own_address_does_not_take_the_probe_s_key(world: World) -> None:
    alice, mallory = world.add("Alice"), Stranger(world)
    link = mallory.connect(alice, mallory.meet(alice))
    mallory.say(link, Cards((mallory.card(2, parse_onion_address(alice.address)),)))
    link.close("done")
    world.pass_time(600)
    assert alice.tor.keys.held.get(alice.address) != mallory.discovery


def test_a_link_that_is_a_contact_s_device_does_not_divert_dials(world: World, friends: tuple[Actor, Actor]) -> None:
    alice, bob = friends
    alice.do("contact.add", link=format_link(bob.node.own.device))
    bob.cut()
    world.pass_time(120)
    bob.tor.restore()
    bob.node.dialing.stop()
    world.pass_time(3600)
    assert alice.contact("Bob").online
