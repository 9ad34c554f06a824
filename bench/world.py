"""A private network, people on it, and what is asked of their processes."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from onionchat.api import types as t
from onionchat.api.client import SyncClient
from onionchat.errors import LocalError
from onionchat.testing.network import TorNetwork
from onionchat.testing.people import People, Person, make_contacts

SECONDS_MAX = 600.0  # nothing here takes longer


@contextmanager
def world() -> Iterator[People]:
    """People on a network of their own, in a folder that is removed."""
    folder = Path(tempfile.mkdtemp(prefix="ocb-"))
    try:
        network = TorNetwork().start(base=folder)
        try:
            with People(network, folder) as people:
                yield people
        finally:
            network.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def two() -> Iterator[tuple[Person, Person]]:
    """Alice and Bob, contacts, connected."""
    with world() as people:
        alice, bob = people.arrive("alice", "bob")
        make_contacts(alice, bob)
        alice.wait_online("bob")
        bob.wait_online("alice")
        yield alice, bob


def text_of(number: int) -> str:
    """A message of 100 bytes."""
    return f"message {number} ".ljust(100, "x")


def send_many(client: SyncClient, name: str, count: int) -> list[str]:
    """Commit messages, pipelined; their ids."""
    many = (t.MessageSend(name=name, text=text_of(number)) for number in range(count))
    return [sent.id for sent in client.call_many("message.send", many)]


def count_events(client: SyncClient, event: str, wanted: int, seconds: float = SECONDS_MAX) -> float:
    """Read events until `wanted` of a kind came; when the last one did (`time.perf_counter`)."""
    end = time.monotonic() + seconds
    while wanted:
        found = client.next_event(max(0.0, end - time.monotonic()))
        if found is None:
            raise LocalError(f"{wanted} events “{event}” did not come in {seconds:g} s")
        wanted -= found.event == event
    return time.perf_counter()


def check_same(alice: Person, bob: Person, sent: list[str]) -> None:
    """Both have exactly these at the end, once, in order. LocalError otherwise."""
    for person, name in ((alice, "bob"), (bob, "alice")):
        ids = [message.id for message in person.messages(name)]
        if ids[-len(sent) :] != sent or len(set(ids)) != len(ids):
            raise LocalError(f"{person.name} does not have what was sent, once and in order")


def wait(what: str, true: Callable[[], bool], seconds: float = SECONDS_MAX, step_seconds: float = 0.005) -> float:
    """Until it is true; when it was (`time.perf_counter`)."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise LocalError(f"not in {seconds:g} s: {what}")
        time.sleep(step_seconds)
    return time.perf_counter()


def rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LocalError("the process has no memory: it has ended")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
