"""All devices lost, over real Tor: an export and the 24 words make a new device, and the conversation goes on.

The tests share people and run in this order.
"""

import pytest

from onionchat.testing.people import PASSPHRASE, People, make_contacts
from onionchat.testing.torproc import wait_until

ARRIVE_SECONDS = 120.0

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def people(tor_network, tmp_path_factory):
    with People(tor_network, tmp_path_factory.mktemp("recovery")) as everybody:
        yield everybody


@pytest.fixture(scope="module")
def back(people):
    """Alice on a new machine, and Bob."""
    words, export = people.folder / "words", people.folder / "export"
    old, bob = people.add("alice"), people.arrive("bob")[0]
    old.init("--recovery-file", str(words))
    old.start()
    make_contacts(old, bob)
    old.do("send", "bob", "before the fire", "--wait", "delivered", "--timeout", "60")
    bob.do("contact", "alice", "validated")
    own = people.folder / "own"
    own.write_text(PASSPHRASE)
    old.do("export", str(export), "--export-passphrase-file", str(own))
    old.kill()
    new = people.add("alice2")
    new.do("import", str(export), "--export-passphrase-file", str(own))
    said = new.do("recover", "--words-file", str(words), "--remove", "all", "--yes")
    assert "a new device of your account" in said and "1 contact to be met once more" in said
    new.start()
    return new, bob


def test_the_contact_meets_the_account_it_knows(back):
    new, bob = back
    (known,) = bob.json("contacts")
    new.do("add", bob.do("invite").splitlines()[0])
    request = bob.wait_request()
    assert request.contact == "alice" and "admitted with their recovery words" in request.note
    bob.do("accept", request.id)
    new.wait_online("bob")
    bob.wait_online("alice")
    (contact,) = bob.json("contacts")
    assert (contact["id"], contact["name"], contact["trust"]) == (known["id"], "alice", "unvalidated")
    (device,) = [device for device in new.json("devices") if device["this"]]
    assert [each["id"] for each in contact["devices"]] == [device["id"]]


def test_the_conversation_goes_on(back):
    new, bob = back
    new.do("send", "bob", "after the fire", "--wait", "delivered", "--timeout", "60")
    bob.do("send", "alice", "there you are", "--wait", "delivered", "--timeout", "60")
    wanted = ["before the fire", "after the fire", "there you are"]

    def texts(person, name):
        return [line.text for line in person.messages(name) if line.kind == "text"]

    assert wait_until(lambda: texts(new, "bob") == texts(bob, "alice") == wanted, ARRIVE_SECONDS)
