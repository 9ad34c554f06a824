"""A good contact's round trip while somebody floods the node, beside the same without a flood."""

import time

from bench.figures import Figure, Size, median
from bench.world import SECONDS_MAX, rss_mib, text_of, two
from onionchat.api import types as t
from onionchat.testing.hostile import FLOODS
from onionchat.testing.hostile_process import HostileProcess, listening_ports
from onionchat.testing.people import Person

SETTLE_SECONDS = 0.5  # of a flood before the first message is sent


def hostile(size: Size) -> list[Figure]:
    """message.send of Bob's → `delivered`, through Tor: idle, under one kind of flood, idle; for each kind."""
    figures: list[Figure] = []
    seconds = float(size.of(2, 1))
    with two() as (alice, bob):
        accepting = alice.do("invite", "--accept-as", "mallory").splitlines()[0]
        link = alice.do("invite", "--open").splitlines()[0]
        with HostileProcess(accepting, link, listening_ports(alice.pid)) as mallory:
            _round_trips(bob, 1.0)
            memory = rss_mib(alice.pid)
            ratios = []
            for name in FLOODS:
                idle = _round_trips(bob, seconds / 2)
                mallory.begin(name, seconds + SETTLE_SECONDS)
                time.sleep(SETTLE_SECONDS)
                flooded = _round_trips(bob, seconds - 0.5)
                steps = mallory.steps()
                time.sleep(SETTLE_SECONDS)
                idle += _round_trips(bob, seconds / 2)
                ratios.append(median(flooded) / median(idle))
                note = f"{ratios[-1]:.2f} × idle, {steps / (seconds + SETTLE_SECONDS):.0f} steps/s, n = {len(flooded)}"
                figures.append(Figure(f"under {name}", median(flooded), "ms", "idle", median(idle), note=note))
            grown = rss_mib(alice.pid) - memory
    figures.append(Figure("the worst of them", max(ratios), "×", "asked for, at most", 2.0))
    figures.append(Figure("memory of the node after all of them", grown, "MiB", note="growth"))
    return figures


def _round_trips(person: Person, seconds: float) -> list[float]:
    """One message after the other for so long; at least five."""
    found: list[float] = []
    end = time.monotonic() + seconds
    with person.api() as client:
        client.subscribe(["delivered"])
        while time.monotonic() < end or len(found) < 5:
            begin = time.perf_counter()
            sent: t.Sent = client.call("message.send", t.MessageSend(name="alice", text=text_of(len(found))))
            while (event := client.next_event(SECONDS_MAX)) is not None and event.id != sent.id:
                pass
            found.append((time.perf_counter() - begin) * 1000)
    return found
