"""A real node under floods that come past Tor, where nothing slows them: it goes on, and its memory stays small."""

import threading
import time
from pathlib import Path

import pytest

from onionchat.api import types as t
from onionchat.testing.hostile import FLOODS
from onionchat.testing.hostile_process import HostileProcess, listening_ports
from onionchat.testing.people import People, Person, make_contacts, wait_delivered

pytestmark = pytest.mark.timeout(240)
FLOOD_SECONDS = 1.5
MEMORY_MIB_MAX = 96.0  # what one may write into 64 MiB of room is on the disk; caches and buffers are not
DELIVERY_SECONDS = 60.0


@pytest.fixture(scope="module")
def people(tor_network, tmp_path_factory):
    with People(tor_network, tmp_path_factory.mktemp("siege")) as everybody:
        yield everybody


def memory_mib(person: Person) -> float:
    lines = Path(f"/proc/{person.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


class Talker(threading.Thread):
    """Sends one message after the other, each when the one before was delivered."""

    def __init__(self, person: Person, name: str) -> None:
        super().__init__(daemon=True)
        self._person, self._name = person, name
        self.sent: list[str] = []
        self.is_over = False

    def run(self) -> None:
        with self._person.api() as client:
            client.subscribe(["delivered"])
            while not self.is_over:
                params = t.MessageSend(name=self._name, text=f"message {len(self.sent)}")
                self.sent.append(client.call("message.send", params).id)
                wait_delivered(client, self.sent[-1:], DELIVERY_SECONDS)


def test_a_node_under_every_flood(people):
    alice, bob = people.arrive("alice", "bob")
    make_contacts(alice, bob)
    accepting = alice.do("invite", "--accept-as", "mallory").splitlines()[0]
    link = alice.do("invite", "--open").splitlines()[0]
    talker = Talker(bob, "alice")
    with HostileProcess(accepting, link, listening_ports(alice.pid)) as mallory:
        talker.start()
        time.sleep(1)
        pid, before, said = alice.pid, memory_mib(alice), alice.last_words()
        for name in FLOODS:
            mallory.begin(name, FLOOD_SECONDS)
            assert mallory.steps() > 5
            assert memory_mib(alice) - before < MEMORY_MIB_MAX, name
        talker.is_over = True
        talker.join(DELIVERY_SECONDS)
    assert not talker.is_alive() and len(talker.sent) > 2 * len(FLOODS)
    assert alice.pid == pid and alice.last_words() == said, "it has nothing to say about it"
    assert [message.id for message in alice.messages("bob")] == talker.sent
    assert len([each for each in alice.call("request.list") if each.direction == "incoming"]) <= 8
