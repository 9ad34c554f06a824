"""Memory with a million messages, the pages of their log; memory and idle processor time with twenty contacts."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

from bench.figures import Figure, Size, median, p95
from bench.fill import arrive_with_history
from bench.world import SECONDS_MAX, cpu_seconds, rss_mib, wait, world
from onionchat.api import types as t
from onionchat.testing.people import People, Person

CONTACTS = 20
TORS = 4  # that the contacts share
SETTLE_SECONDS = 10.0
PER_CHANNEL = "memory for each live channel"


# --- a million messages -----------------------------------------------------------------------------------
def memory(size: Size) -> list[Figure]:
    """Resident memory of a node with an empty and a full store, and how long its pages take."""
    count = size.of(1_000_000, 50_000)
    with world() as people:
        alice, bob = arrive_with_history(people, count)
        bob.start()
        time.sleep(2)
        empty = rss_mib(bob.pid)
        bob.stop()
        begin = time.perf_counter()
        alice.launch()
        alice.wait_answering()
        alice.call("conversation.list")
        opened = time.perf_counter() - begin
        alice.wait_ready()
        time.sleep(2)
        full = rss_mib(alice.pid)
        pages = _pages(alice, size)
        used = rss_mib(alice.pid)
        disk = sum(path.stat().st_size for path in alice.profile.rglob("*") if path.is_file()) / 2**20
    named = f"with {count:,} messages"
    return [
        Figure(f"resident memory {named}", full, "MiB", "with an empty store", empty),
        Figure("… after reading, jumping and searching in them", used, "MiB"),
        Figure("program start → list of conversations", opened, "s"),
        Figure("a page of 50, anywhere, median", median(pages["page"]), "ms", "p95", p95(pages["page"])),
        Figure("search for two words, median", median(pages["search"]), "ms", "p95", p95(pages["search"])),
        Figure("profile's folder", disk, "MiB"),
    ]


def _pages(alice: Person, size: Size) -> dict[str, list[float]]:
    """Milliseconds of pages: backwards from the end, at jumps into the middle, and of searches."""
    found: dict[str, list[float]] = {"page": [], "search": []}
    with alice.api() as client:
        page: list[t.Message] = client.call("message.log", t.MessageLog(name="bob", limit=50))
        for _ in range(size.of(200, 50)):
            begin = time.perf_counter()
            page = client.call("message.log", t.MessageLog(name="bob", limit=50, before=page[0].id))
            found["page"].append((time.perf_counter() - begin) * 1000)
        for number in range(size.of(50, 10)):
            begin = time.perf_counter()
            hits = client.call("message.search", t.Search(query=f"message {number * 997 + 13}", limit=50))
            found["search"].append((time.perf_counter() - begin) * 1000)
            begin = time.perf_counter()
            around = client.call("message.log", t.MessageLog(name="bob", limit=50, around=hits[-1].id))
            found["page"].append((time.perf_counter() - begin) * 1000)
            assert any(message.id == hits[-1].id for message in around)
    return found


# --- twenty contacts --------------------------------------------------------------------------------------
def contacts(size: Size) -> list[Figure]:
    """Idle processor time and memory of a node with connected contacts, each a node of its own."""
    count = size.of(CONTACTS, 5)
    with world() as people:
        (alice,) = people.arrive("alice")
        friends = _friends(people, count)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(Person.init, friends))
        for friend in friends:
            link = alice.do("invite", "--accept-as", friend.name).splitlines()[0]
            friend.do("add", link, "--name", "alice")
        _connect(alice, friends)
        for friend in friends:
            friend.stop()
        alice.restart()
        time.sleep(2)
        alone, tor_alone = rss_mib(alice.pid), rss_mib(_tor_pid(alice))
        begin = time.perf_counter()
        _connect(alice, friends)
        connecting = time.perf_counter() - begin
        time.sleep(SETTLE_SECONDS)
        together, tor_together = rss_mib(alice.pid), rss_mib(_tor_pid(alice))
        share = _idle_share(alice, size.of(30, 15))
        friend_memory = median([rss_mib(friend.pid) for friend in friends])
        assert _online(alice) == count
    named = f"with {count} contacts connected"
    per_channel = (together - alone) * 1024 / count
    return [
        Figure(f"idle processor time {named}", share * 100, "% of a core"),
        Figure(f"resident memory {named}", together, "MiB", "with none connected", alone),
        Figure(PER_CHANNEL, per_channel, "KiB", "of its Tor", (tor_together - tor_alone) * 1024 / count),
        Figure("resident memory of a node with one contact", friend_memory, "MiB"),
        Figure(f"{count} programs started → all connected", connecting, "s", f"on {os.cpu_count()} cores"),
    ]


def _tor_pid(person: Person) -> int:
    assert person.tor is not None
    return person.tor.pid


def _friends(people: People, count: int) -> list[Person]:
    tors = [people.network.client(f"tor-friends{number}") for number in range(TORS)]
    for tor in tors:
        tor.start()
    for tor in tors:
        tor.wait_ready()
    friends = []
    for number in range(count):
        tor = tors[number % TORS]
        friend = Person(f"friend{number}", people.folder / f"friend{number}", tor.control, tor.socks)
        people.persons[friend.name] = friend
        friends.append(friend)
    return friends


def _connect(alice: Person, friends: list[Person]) -> None:
    for friend in friends:
        friend.launch()
    for friend in friends:
        friend.wait_ready(SECONDS_MAX)
    wait("all are connected", lambda: _online(alice) == len(friends), step_seconds=0.2)


def _online(alice: Person) -> int:
    return sum(contact.online for contact in alice.call("contact.list"))


def _idle_share(person: Person, seconds: int) -> float:
    begin, used = time.perf_counter(), cpu_seconds(person.pid)
    time.sleep(seconds)
    return (cpu_seconds(person.pid) - used) / (time.perf_counter() - begin)
