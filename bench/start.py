"""From starting the program to being reachable, beside what Tor itself needs for that."""

import time

from bench import raw
from bench.figures import Figure, Size, median
from bench.world import wait, world
from onionchat.errors import OnionchatError
from onionchat.testing.people import Person


def start(size: Size) -> list[Figure]:
    """Program start → API answers → onion reachable; beside it ADD_ONION → reached from another Tor."""
    answering, ready, bare = [], [], []
    with world() as people:
        alice, bob = people.add("alice"), people.add("bob")
        for person in (alice, bob):
            assert person.tor is not None
            person.tor.wait_ready()
        alice.init()
        for number in range(size.of(4, 2)):
            begin = time.perf_counter()
            alice.launch()
            answering.append(wait("the API answers", lambda: _answers(alice)) - begin)
            alice.wait_ready()
            ready.append(time.perf_counter() - begin)
            alice.stop()
            assert alice.tor is not None
            assert bob.tor is not None
            begin = time.perf_counter()
            with raw.EchoOnion(alice.tor) as echo:
                raw.connect(bob.tor, echo.address, f"round{number}").close()
            bare.append(time.perf_counter() - begin)
    own = [whole - api for whole, api in zip(ready, answering, strict=True)]
    beyond = median([whole - raw_time for whole, raw_time in zip(ready, bare, strict=True)])
    return [
        Figure("program start → unlocked, API answers", median(answering), "s", rounds=answering),
        Figure("→ its onion can be reached", median(own), "s", "bare ADD_ONION → reached", median(bare), own),
        Figure("program start → ready", median(ready), "s", rounds=ready),
        Figure("beyond bare ADD_ONION → reached", beyond, "s"),
    ]


def _answers(person: Person) -> bool:
    try:
        person.call("status.get")
    except OnionchatError:
        return False
    return True
