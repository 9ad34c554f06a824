"""Several devices of two people, over real Tor: linking, and a message that travels by whoever happens to be on.

The tests share people and run in this order.
"""

import pytest

from onionchat.testing.people import People, Person, link_device, make_contacts
from onionchat.testing.torproc import wait_until

ARRIVE_SECONDS = 120.0
NAMES = ("alice", "alice2", "bob", "bob2")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def people(tor_network, tmp_path_factory):
    with People(tor_network, tmp_path_factory.mktemp("devices")) as everybody:
        yield everybody


@pytest.fixture(scope="module")
def four(people):
    """A1, A2, B1, B2: two people, two devices each."""
    first, other = people.arrive("alice", "bob")
    make_contacts(first, other)
    first.do("send", "bob", "before there were others")
    second, fourth = people.add("alice2"), people.add("bob2")
    assert len(link_device(first, second, "phone")) == 6
    assert len(link_device(other, fourth, "tablet")) == 6
    for device in (second, fourth):
        device.launch()
    for device in (second, fourth):
        device.wait_ready()
    return first, second, other, fourth


def texts(person: Person, name: str) -> list[tuple[str, str]]:
    return [(m.id, m.text) for m in person.messages(name) if m.kind == "text"]


def has(person: Person, name: str, text: str) -> bool:
    return any(said == text for _, said in texts(person, name))


def wait_has(person: Person, name: str, text: str) -> None:
    assert wait_until(lambda: has(person, name, text), ARRIVE_SECONDS), f"{person.profile}: {text!r} did not come"


def assert_level(four) -> None:
    """All four show the same messages in the same order."""
    a1, a2, b1, b2 = four

    def views():
        return [texts(a1, "bob"), texts(a2, "bob"), texts(b1, "alice"), texts(b2, "alice")]

    assert wait_until(lambda: len({tuple(view) for view in views()}) == 1, ARRIVE_SECONDS), views()


def test_a_linked_device_has_all_and_everybody_knows_of_it(four):
    a1, a2, b1, b2 = four
    for device, name in ((a2, "bob"), (b2, "alice"), (b1, "alice")):
        wait_has(device, name, "before there were others")
    for person, name in ((b1, "alice"), (b2, "alice"), (a1, "bob"), (a2, "bob")):
        assert wait_until(lambda p=person, n=name: len(p.wait_contact(n).devices) == 2, ARRIVE_SECONDS)
    assert next(d["name"] for d in a2.json("devices") if d["this"]) == "phone"
    assert b1.do("log", "alice").count("alice has a new device") == 1
    assert "phone" not in b1.do("log", "alice")


def test_a_message_to_all_at_once(four):
    a1, _, _, _ = four
    a1.do("send", "bob", "to all of you")
    assert_level(four)
    assert has(four[3], "alice", "to all of you")


def test_the_route_by_whoever_is_on(four):
    """A1 writes while all of Bob is off; B1 gets it; A1 goes; B2 gets it from B1; A2 from B1 or B2. And back."""
    a1, a2, b1, b2 = four
    for device in (a2, b1, b2):
        device.stop()
    a1.do("send", "bob", "are you there?")
    b1.start()
    wait_has(b1, "alice", "are you there?")
    a1.kill()
    b2.start()
    wait_has(b2, "alice", "are you there?")
    b1.kill()
    a2.start()
    wait_has(a2, "bob", "are you there?")
    (mine,) = [m for m in a2.messages("bob") if m.text == "are you there?"]
    assert mine.sender == "me"

    b2.stop()
    a2.stop()
    b1.start()
    b1.do("send", "alice", "I am here")
    a2.start()
    wait_has(a2, "bob", "I am here")
    b1.stop()
    a1.start()
    wait_has(a1, "bob", "I am here")
    b2.start()
    wait_has(b2, "alice", "I am here")
    b1.start()
    assert_level(four)
