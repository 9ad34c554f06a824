"""Through the private Tor network: the round trip of a message, a burst, a backlog."""

import time
from typing import NamedTuple

from bench import raw
from bench.figures import Figure, Size, median, p95
from bench.world import SECONDS_MAX, check_same, count_events, send_many, text_of, two, wait
from onionchat.api import types as t
from onionchat.api.client import SyncClient
from onionchat.testing.people import Person
from onionchat.testing.torproc import wait_until


def round_trip(size: Size) -> list[Figure]:
    """message.send → `delivered`, beside an echo of 100 bytes through the same two Tors; a new circuit each round."""
    trips, echoes, medians, raw_medians = [], [], [], []
    count = size.of(200, 50)
    with two() as (alice, bob):
        assert alice.tor is not None
        assert bob.tor is not None
        with raw.EchoOnion(bob.tor) as echo:
            for number in range(size.rounds(5)):
                stream = raw.connect(alice.tor, echo.address, f"round{number}")
                raw.round_trips(stream, 10)
                times = raw.round_trips(stream, count)
                stream.close()
                echoes += times
                raw_medians.append(median(times))
                bob.restart()
                alice.wait_online("bob")
                times = round_trips(alice, count)
                trips += times
                medians.append(median(times))
            disk = raw.fsync_times(alice.profile)
    ratio = median([own - echo for own, echo in zip(medians, raw_medians, strict=True)])
    return [
        Figure("round trip of a message, median", median(trips), "ms", "raw echo", median(echoes), medians),
        Figure("round trip of a message, p95", p95(trips), "ms", "raw echo", p95(echoes)),
        Figure("beyond the raw echo, median of rounds", ratio, "ms", "one fsync of this disk", median(disk)),
    ]


def round_trips(alice: Person, count: int) -> list[float]:
    """Milliseconds from `message.send` to `delivered`, of each of `count` messages, one after the other."""
    found = []
    with alice.api() as client:
        client.subscribe(["delivered"])
        for number in range(count + 10):
            begin = time.perf_counter()
            sent: t.Sent = client.call("message.send", t.MessageSend(name="bob", text=text_of(number)))
            while (event := client.next_event(SECONDS_MAX)) is not None and event.id != sent.id:
                pass
            found.append((time.perf_counter() - begin) * 1000)
    return found[10:]


def one_way(alice: Person, bob: Person, count: int) -> list[float]:
    """Milliseconds from `message.send` here to the event `message` there, of each of `count` messages."""
    found = []
    with alice.api() as writing, bob.api() as reading:
        reading.subscribe(["message"])
        for number in range(count):
            begin = time.perf_counter()
            writing.call("message.send", t.MessageSend(name="bob", text=text_of(number)))
            found.append((count_events(reading, "message", 1) - begin) * 1000)
            time.sleep(0.005)
    return found


def first_message(alice: Person, bob: Person) -> tuple[float, float]:
    """Both programs are started, one writes as soon as hers answers; when that began, and when he was shown it."""
    alice.stop()
    bob.stop()
    begin = time.perf_counter()
    alice.launch()
    bob.launch()
    bob.wait_answering()
    with bob.api() as reading:
        reading.subscribe(["message"])
        alice.wait_answering()
        alice.call("message.send", t.MessageSend(name="bob", text="first"))
        return begin, count_events(reading, "message", 1)


class Rates(NamedTuple):
    """Messages a second of one burst: committed here, there, and known here to be there."""

    committed: float
    there: float
    known: float


def burst_once(alice: Person, bob: Person, count: int) -> Rates:
    """So many messages at once; checks that they came, once and in order."""
    with alice.api() as writing, alice.api() as hearing, bob.api() as reading:
        hearing.subscribe(["delivered"])
        reading.subscribe(["message"])
        begin = time.perf_counter()
        sent = send_many(writing, "bob", count)
        committed = count / (time.perf_counter() - begin)
        there = count / (count_events(reading, "message", count) - begin)
        known = count / (count_events(hearing, "delivered", count) - begin)
    check_same(alice, bob, sent)
    return Rates(committed, there, known)


def burst(size: Size) -> list[Figure]:
    """2,000 messages at once: until the other side has them all, and until we know that it has."""
    count = size.of(2000, 500)
    there, known, committed, echoes = [], [], [], []
    with two() as (alice, bob):
        assert alice.tor is not None
        assert bob.tor is not None
        with raw.EchoOnion(bob.tor) as echo:
            for number in range(size.rounds(5)):
                stream = raw.connect(alice.tor, echo.address, f"round{number}")
                raw.round_trips(stream, 10)
                echoes.append(raw.pipelined(stream, count))
                stream.close()
                rates = burst_once(alice, bob, count)
                committed.append(rates.committed)
                there.append(rates.there)
                known.append(rates.known)
    return [
        Figure("burst, on both disks", median(there), "msg/s", "raw echo", median(echoes), there),
        Figure("burst, and known to be there", median(known), "msg/s", rounds=known),
        Figure("committed by the writer alone", median(committed), "msg/s", rounds=committed),
    ]


def backlog(size: Size) -> list[Figure]:
    """10,000 messages written while the other is off: from being connected to all on its disk, through Tor."""
    count = size.of(10_000, 2000)
    rates, starts, echoes = [], [], []
    with two() as (alice, bob):
        assert alice.tor is not None
        assert bob.tor is not None
        for number in range(size.of(2, 1)):
            bob.stop()
            alice.wait_until("bob is gone", lambda: not alice.is_online("bob"), SECONDS_MAX)
            with alice.api() as writing:
                sent = send_many(writing, "bob", count)
            with alice.api() as hearing:
                hearing.subscribe(["online", "delivered"])
                begin = time.perf_counter()
                bob.launch()
                online = count_events(hearing, "online", 1)
                with bob.api() as reading:
                    end = _wait_last(reading, sent[-1])
            rates.append(count / (end - online))
            starts.append(end - begin)
            bob.wait_ready()
            check_same(alice, bob, sent)
            wait_until(lambda: alice.json("status")["queued"] == 0, SECONDS_MAX)
            with raw.EchoOnion(bob.tor) as echo:
                stream = raw.connect(alice.tor, echo.address, f"round{number}")
                echoes.append(raw.pipelined(stream, count))
                stream.close()
    return [
        Figure("backlog through Tor, once connected", median(rates), "msg/s", "raw echo", median(echoes), rates),
        Figure(f"from starting the program to all {count:,} on its disk", median(starts), "s", rounds=starts),
    ]


def _wait_last(client: SyncClient, entry_id: str) -> float:
    """Until this is the last message; when it was."""

    def is_last() -> bool:
        page: list[t.Message] = client.call("message.log", t.MessageLog(name="alice", limit=1))
        return bool(page) and page[-1].id == entry_id

    return wait("all are there", is_last)
