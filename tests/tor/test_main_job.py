"""What the program is for, with real processes: nodes, their Tors, and the command line that drives them.

The tests share people and run in this order; each leaves its people running, and level with each other.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from itertools import cycle
from pathlib import Path

import pytest
import socks

from onionchat.api import types as t
from onionchat.errors import NoNodeError, OnionchatError
from onionchat.net.onions import VIRTUAL_PORT
from onionchat.testing.people import PASSPHRASE, People, Person, environment, make_contacts, wait_delivered
from onionchat.testing.torproc import wait_until

DELIVERY_SECONDS = 60.0
RETURN_SECONDS = 90.0
NOTHING_SECONDS = 6.0  # how long we look that something does not happen
FOLDER = Path(__file__).parent

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def people(tor_network, tmp_path_factory):
    with People(tor_network, tmp_path_factory.mktemp("people")) as everybody:
        yield everybody


@pytest.fixture(scope="module")
def alice(people):
    return people.arrive("alice")[0]


@pytest.fixture(scope="module")
def bob(people):
    return people.arrive("bob")[0]


@pytest.fixture(scope="module")
def carol(people, alice):
    """A contact of Alice's, who gave her a link that was accepted in advance."""
    (carol,) = people.arrive("carol")
    make_contacts(alice, carol)
    return carol


def send(person: Person, name: str, *texts: str) -> list[str]:
    with person.api() as client:
        many = (t.MessageSend(name=name, text=text) for text in texts)
        return [sent.id for sent in client.call_many("message.send", many)]


def send_and_wait(person: Person, name: str, text: str, timeout_seconds: float = DELIVERY_SECONDS) -> str:
    with person.api() as client:
        client.subscribe(["delivered"])
        sent = client.call("message.send", t.MessageSend(name=name, text=text))
        wait_delivered(client, [sent.id], timeout_seconds)
        return sent.id


def shown(person: Person, name: str) -> list[tuple[str, str]]:
    """(id, text) as the screen has it."""
    return [(message.id, message.text) for message in person.messages(name)]


def assert_level(one: Person, other: Person) -> list[tuple[str, str]]:
    """Both have the same, in the same order, nothing twice; what they have."""
    wait_until(lambda: shown(one, other.name) == shown(other, one.name), RETURN_SECONDS)
    hers, his = shown(one, other.name), shown(other, one.name)
    assert hers == his
    assert not [id for id, count in Counter(id for id, _ in hers).items() if count > 1]
    return hers


def state_of(person: Person, name: str, entry_id: str) -> str:
    return {message.id: message.state for message in person.messages(name)}[entry_id]


def is_contact(person: Person, name: str) -> bool:
    return any(contact.name == name for contact in person.call("contact.list"))


class Watching:
    """`watch --json`, read as it is printed."""

    def __init__(self, person: Person) -> None:
        self._process = subprocess.Popen(
            person.command("watch", "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
        )
        self.events: list[dict] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self.events.append(json.loads(line))

    def has(self, **wanted) -> bool:
        return any(wanted.items() <= event.items() for event in list(self.events))

    def wait_begun(self, person: Person, name: str) -> None:
        """Until it hears: it says nothing of its own, so something is done again and again that it must tell of."""
        trusts = cycle(("validated", "unvalidated"))

        def hears() -> bool:
            person.call("contact.trust", t.ContactTrust(name=name, trust=next(trusts)))
            return wait_until(lambda: self.has(event="trust"), 0.5)

        assert wait_until(hears, DELIVERY_SECONDS)

    def wait(self, **wanted) -> None:
        assert wait_until(lambda: self.has(**wanted), DELIVERY_SECONDS), (wanted, self.events)

    def end(self) -> int:
        self._process.send_signal(2)
        code = self._process.wait(20)
        self._reader.join()
        return code


# --- meeting ----------------------------------------------------------------------------------------------
def test_they_meet_by_a_link_and_talk(alice, bob):
    """invite → add → request → accept → words → messages both ways, by the command line alone."""
    link = alice.do("invite").splitlines()[0]
    assert link.startswith("onionchat:")
    bob.do("add", link, "--name", "alice", "-m", "from the garden")
    request = alice.wait_request()
    assert (request.name, request.greeting, len(request.words)) == ("bob", "from the garden", 12)
    assert bob.json("contacts") == []
    assert [each["direction"] for each in bob.json("requests")] == ["outgoing"]
    alice.do("accept", request.id, "--name", "bob")
    bob.wait_contact("alice")
    assert [each["name"] for each in alice.json("contacts")] == ["bob"]
    hers, his = alice.json("words", "bob"), bob.json("words", "alice")
    assert (hers["mine"], hers["theirs"]) == (his["theirs"], his["mine"])
    assert (hers["theirs"], hers["devices"]) == (request.words, 1)
    watching = Watching(alice)
    watching.wait_begun(alice, "bob")
    bob.wait_online("alice")
    sent = alice.do("send", "bob", "hello", "--wait", "delivered", "--timeout", str(DELIVERY_SECONDS)).splitlines()[0]
    watching.wait(event="delivered", id=sent)
    answer = bob.do("send", "alice", "--wait", "delivered", text="good\nmorning\n").splitlines()[0]
    watching.wait(event="message", id=answer, text="good\nmorning", **{"in": "bob", "from": "bob"})
    assert watching.end() == 0
    log = [each for each in alice.json("log", "bob") if each["kind"] != "notice"]
    assert [(each["id"], each["from"], each["text"], each["state"]) for each in log] == [
        (sent, "me", "hello", "delivered"),
        (answer, "bob", "good\nmorning", "received"),
    ]
    status = alice.json("status")
    assert status["onion"] == "reachable"
    assert status["restricted_discovery"] is True
    assert [(peer["contact"], peer["device"]) for peer in status["peers"]] == [("bob", bob.json("status")["device"])]
    assert_level(alice, bob)


def test_a_link_can_carry_the_acceptance(alice, carol):
    """make_contacts used `invite --accept-as`: nobody was asked."""
    assert alice.json("requests") == []
    assert {each["name"] for each in alice.json("contacts")} == {"bob", "carol"}
    send_and_wait(carol, "alice", "that was quick")
    assert [text for _, text in assert_level(alice, carol)] == ["that was quick"]


def test_who_add_each_other_need_not_accept(bob, carol):
    links = [person.do("invite").splitlines()[0] for person in (bob, carol)]
    carol.do("add", links[0], "--name", "bob")
    bob.do("add", links[1], "--name", "carol")
    bob.wait_contact("carol")
    carol.wait_contact("bob")
    send_and_wait(bob, "carol", "we had the same idea")
    assert_level(bob, carol)


def test_an_open_link_serves_two_and_an_ignored_request_learns_nothing(people, alice):
    link = alice.do("invite", "--open").splitlines()[0]
    dave, erin = people.arrive("dave", "erin")
    dave.do("add", link, "--name", "alice")
    alice.do("accept", alice.wait_request().id)
    dave.wait_contact("alice")
    erin.do("add", link, "--name", "alice", "-m", "and I?")
    request = alice.wait_request()
    assert request.name == "erin"
    before = erin.json("requests")
    alice.do("ignore", request.id)
    assert not wait_until(
        lambda: erin.json("requests") not in ([], before) or is_contact(erin, "alice"), NOTHING_SECONDS
    )
    assert erin.json("contacts") == []
    assert [each["state"] for each in alice.json("invitations") if each["link"] == link] == ["published"]
    send_and_wait(dave, "alice", "I am in")
    alice.do("uninvite", link)


def test_a_one_time_link_serves_one(people, alice, bob):
    dave, erin = people.persons["dave"], people.persons["erin"]
    link = bob.do("invite", "--accept-as", "dave").splitlines()[0]
    dave.do("add", link, "--name", "bob")
    dave.wait_contact("bob")
    erin.run("add", link, "--name", "bob")
    assert not wait_until(lambda: bool(bob.json("requests")) or is_contact(erin, "bob"), NOTHING_SECONDS)
    assert [each["state"] for each in bob.json("invitations") if each["link"] == link] in ([], ["used"])
    for person in (dave, erin):
        person.stop()
        person.tor.stop()


# --- trouble ----------------------------------------------------------------------------------------------
def test_what_was_written_survives_both_being_killed(alice, bob):
    """Receiver killed, 100 messages, sender killed, both back: all there, once, in order, on both sides."""
    before = len(assert_level(alice, bob))
    bob.kill()
    texts = [f"while you were away {number}" for number in range(100)]
    sent = send(alice, "bob", *texts)
    alice.kill()
    alice.launch()
    bob.launch()
    alice.wait_ready()
    bob.wait_ready()
    bob.wait_until("all have come", lambda: len(shown(bob, "alice")) == before + 100, RETURN_SECONDS)
    assert assert_level(alice, bob)[before:] == list(zip(sent, texts, strict=True))
    assert wait_until(lambda: {state_of(alice, "bob", id) for id in sent} == {"delivered"}, DELIVERY_SECONDS)


class Writer(threading.Thread):
    """Writes numbered messages; when the node dies under a call it looks, once it is back, whether that was kept."""

    def __init__(self, person: Person, name: str, count: int) -> None:
        super().__init__(daemon=True)
        self._person, self._name = person, name
        self.texts = [f"{person.name} {number:03}" for number in range(count)]
        self.committed: set[str] = set()

    def run(self) -> None:
        for text in self.texts:
            while not self._is_written(text):
                time.sleep(0.2)
            time.sleep(0.03)

    def _is_written(self, text: str) -> bool:
        try:
            with self._person.api() as client:
                last = client.call("message.log", t.MessageLog(name=self._name, limit=1000), DELIVERY_SECONDS)
                if text not in [message.text for message in last if message.sender == "me"]:
                    self.committed.add(client.call("message.send", t.MessageSend(name=self._name, text=text)).id)
        except NoNodeError:
            return False
        except OnionchatError:  # it is opening its store
            return False
        return True


def test_kills_at_any_moment_of_a_stream_both_ways(alice, bob):
    """300 messages, four times kill -9: none lost, none doubled, each writer's in order."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    writers = [Writer(alice, "bob", 150), Writer(bob, "alice", 150)]
    for writer in writers:
        writer.start()
    for victim in (bob, alice, bob, alice):
        time.sleep(chance.uniform(0.3, 1.5))
        victim.kill()
        victim.launch()
        victim.wait_answering()
    for writer in writers:
        writer.join(120)
        assert not writer.is_alive(), f"seed {seed}"
    for person in (alice, bob):
        person.wait_ready()
    together = sorted(text for writer in writers for text in writer.texts)

    def here(person: Person, name: str) -> list[str]:
        return [text for text in person.texts(name) if text in set(together)]

    for person, name in ((alice, "bob"), (bob, "alice")):
        person.wait_until(
            f"all are here (seed {seed})", lambda p=person, n=name: len(here(p, n)) >= 300, RETURN_SECONDS
        )
    level = assert_level(alice, bob)
    assert sorted(here(alice, "bob")) == together, f"seed {seed}"
    assert {id for writer in writers for id in writer.committed} <= {id for id, _ in level}
    for writer in writers:
        assert [text for _, text in level if text in writer.texts] == writer.texts, f"seed {seed}"


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_tor_dies_and_comes_back(alice, bob, whose):
    tor = {"alice": alice, "bob": bob}[whose].tor
    tor.kill()
    waiting = send(alice, "bob", "Tor is dead") + send(bob, "alice", "I see nobody")
    tor.restart()
    for person, name, entry_id in ((alice, "bob", waiting[0]), (bob, "alice", waiting[1])):
        person.wait_until(
            "it was delivered", lambda p=person, n=name, i=entry_id: state_of(p, n, i) == "delivered", RETURN_SECONDS
        )
    send_and_wait(alice, "bob", "it is back")
    send_and_wait(bob, "alice", "so it is")
    assert_level(alice, bob)


def test_locked_nothing_can_be_read_and_unlocked_all_comes(alice, carol):
    carol.do("lock")
    assert carol.run("log", "alice").code == 3
    assert carol.run("send", "alice", "x").code == 3
    (sent,) = send(alice, "carol", "are you there?")
    assert not wait_until(lambda: state_of(alice, "carol", sent) == "delivered", NOTHING_SECONDS / 2)
    carol.do("unlock")
    alice.wait_until("delivered", lambda: state_of(alice, "carol", sent) == "delivered", RETURN_SECONDS)
    assert_level(alice, carol)
    wrong = carol.passphrase_file.with_name("wrong")
    wrong.write_text("not " + PASSPHRASE)
    carol.do("lock")
    command = carol.command("unlock")
    command[command.index(str(carol.passphrase_file))] = str(wrong)
    assert subprocess.run(command, capture_output=True, env=environment()).returncode == 3
    carol.do("unlock")


def test_with_no_node_running_it_is_kept(alice, carol):
    carol.stop()
    done = carol.run("send", "alice", "written without a node")
    assert done.code == 0
    assert "no node" in done.err
    assert carol.run("send", "alice", "x", "--wait", "delivered").code == 4
    carol.start()
    alice.wait_until("it is here", lambda: "written without a node" in alice.texts("carol"), RETURN_SECONDS)
    assert_level(alice, carol)


# --- who may find us --------------------------------------------------------------------------------------
def can_reach(person: Person, address: str) -> bool:
    """Whether this person's Tor, which may hold keys that the person was given, still gets a stream to an onion."""
    host, _, port = person.socks.rpartition(":")
    stream = socks.socksocket()
    stream.set_proxy(socks.SOCKS5, host, int(port), rdns=True, username=os.urandom(4).hex(), password="-")
    stream.settimeout(20.0)
    try:
        stream.connect((address, VIRTUAL_PORT))
    except OSError:
        return False
    finally:
        stream.close()
    return True


def test_who_is_blocked_cannot_find_us_any_more(people, alice, bob, carol):
    """Alice moves to a new address and tells the others; when all have it, the one that Bob knows is gone."""
    dave = people.persons["dave"]
    dave.tor.restart()
    dave.start()
    alice.wait_online("dave")
    old = f"{alice.json('status')['address'].removesuffix('.onion')}.onion"
    assert can_reach(bob, old)
    alice.do("block", "bob")
    alice.wait_until("she has moved", lambda: alice.json("status")["address"] not in old, DELIVERY_SECONDS)
    bob.wait_until("she is gone", lambda: not bob.is_online("alice"), DELIVERY_SECONDS)
    (lost,) = send(bob, "alice", "do you hear me?")
    bob.wait_until("his Tor cannot reach her", lambda: not can_reach(bob, old), DELIVERY_SECONDS)
    bob.restart()
    for friend in (carol, dave):
        friend.restart()
        send_and_wait(friend, "alice", "at your new address", RETURN_SECONDS)
        send_and_wait(alice, friend.name, "I hear you", RETURN_SECONDS)
        assert_level(alice, friend)
    assert not wait_until(lambda: bob.is_online("alice"), NOTHING_SECONDS)
    assert state_of(bob, "alice", lost) != "delivered"


# --- behind the filter ------------------------------------------------------------------------------------
@pytest.fixture
def frank(people, request):
    """Somebody whose control port is behind the shipped profile for a system."""
    name = f"frank-{request.param}"
    person = people.add(name)
    person.tor.wait_ready()
    control, cookie = person.control.removeprefix("unix:"), person.tor.data_directory / "control_auth_cookie"
    command = [sys.executable, str(FOLDER / "filtering.py"), request.param, control, str(cookie)]
    filtering = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment())
    person.control = f"tcp:127.0.0.1:{int(filtering.stdout.readline())}"
    person.options = ["--onion-port", "16600"] if request.param == "whonix" else []
    yield person
    person.stop()
    person.tor.stop()
    filtering.kill()
    filtering.wait()


@pytest.mark.parametrize("frank", ["whonix", "tails"], indirect=True)
def test_all_of_it_works_behind_the_filter(frank, carol):
    """Also when Tor restarts and nobody tells: the onions are silently gone, and are published again."""
    frank.init()
    frank.start()
    assert frank.json("status")["missing"] == []
    make_contacts(frank, carol)
    send_and_wait(carol, frank.name, "through the filter")
    send_and_wait(frank, "carol", "and back")
    frank.tor.restart()
    waiting = send(carol, frank.name, "your onion was lost")
    carol.wait_until("again", lambda: state_of(carol, frank.name, waiting[0]) == "delivered", RETURN_SECONDS)
    send_and_wait(frank, "carol", "nobody told me", RETURN_SECONDS)
    carol.restart()  # so that she must dial, or be dialled, anew
    send_and_wait(carol, frank.name, "so it is here again", RETURN_SECONDS)
    assert_level(frank, carol)
