"""Thirty seconds off, and back: how long until what was written meanwhile is shown there."""

import time
from collections.abc import Callable

from bench import raw
from bench.figures import Figure, Size, median
from bench.world import count_events, text_of, world
from onionchat.api import types as t
from onionchat.testing.people import Person, make_contacts

SECONDS = 30


def away(size: Size) -> list[Figure]:
    """One friend's Tor is frozen, one's Tor is killed, one's program is off; each is written to, and comes back."""
    seconds = size.of(SECONDS, 5)
    returned: dict[str, list[float]] = {}
    with world() as people:
        alice, *friends = people.arrive("alice", "frozen", "torless", "off")
        for friend in friends:
            make_contacts(friend, alice)
            friend.wait_online("alice")
        for number in range(size.of(2, 1)):
            for friend in friends:
                _leave(friend)
            time.sleep(seconds / 2)
            for friend in friends:
                alice.call("message.send", t.MessageSend(name=friend.name, text=text_of(number)))
            time.sleep(seconds / 2)
            for friend in friends:
                returned.setdefault(friend.name, []).append(_return(friend, text_of(number)))
                friend.wait_online("alice")
        bare = _bare(friends[1], alice)
    named = f"off for {seconds} s, then"
    return [
        Figure(f"{named} its network thaws → shown", median(returned["frozen"]), "s", rounds=returned["frozen"]),
        Figure(
            f"{named} its Tor is started → shown",
            median(returned["torless"]),
            "s",
            "bare Tor start → ADD_ONION → reached",
            bare,
            returned["torless"],
        ),
        Figure(f"{named} the program is started → shown", median(returned["off"]), "s", rounds=returned["off"]),
    ]


def _leave(friend: Person) -> None:
    assert friend.tor is not None
    leave: dict[str, Callable[[], None]] = {"frozen": friend.tor.pause, "torless": friend.tor.kill, "off": friend.stop}
    leave[friend.name]()


def _return(friend: Person, text: str) -> float:
    """Seconds until the message is shown."""
    assert friend.tor is not None
    begin = time.perf_counter()
    if friend.name == "off":
        friend.launch()
        friend.wait_answering()
    with friend.api() as reading:
        reading.subscribe(["message"])
        if friend.name == "frozen":
            friend.tor.resume()
        elif friend.name == "torless":
            friend.tor.start()
        if friend.texts("alice")[-1:] == [text]:  # it was faster than the subscription
            return time.perf_counter() - begin
        return count_events(reading, "message", 1) - begin


def _bare(one: Person, other: Person) -> float:
    """What Tor itself needs: its start, an onion, and a stream to it from another Tor."""
    assert one.tor is not None
    assert other.tor is not None
    one.stop()
    one.tor.kill()
    begin = time.perf_counter()
    one.tor.start()
    one.tor.wait_ready()
    with raw.EchoOnion(one.tor) as echo:
        raw.connect(other.tor, echo.address, "bare").close()
    return time.perf_counter() - begin
