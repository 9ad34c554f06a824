"""What a recorder of the stream between two nodes sees: sizes and their number, and what these do not depend on."""

from pathlib import Path

import pytest

from onionchat import limits
from onionchat.testing.nodes import Actor, World
from onionchat.testing.strangers import Stranger

TLS_BYTES = 17  # of a TLS 1.3 record: the inner type and the tag
TLS_MAX_BYTES = 16 * limits.KIB  # what one record carries; longer frames are cut into full ones
STEPS = {step + TLS_BYTES for step in limits.FRAME_LADDER_BYTES if step <= TLS_MAX_BYTES}


def records(stream: bytes) -> list[int]:
    """The lengths of the TLS records, each without its head of 5 bytes."""
    lengths, at = [], 0
    while at < len(stream):
        lengths.append(int.from_bytes(stream[at + 3 : at + 5]))
        at += 5 + lengths[-1]
    assert at == len(stream)
    return lengths


class Recorder:
    """Of the stream between two people who are connected: what the first sent, what the other did."""

    def __init__(self, world: World, one: Actor, other: Actor) -> None:
        self._world = world
        (stream,) = [
            stream
            for stream in world.network.streams
            if stream.near.is_open and {stream.dialler, stream.owner} == {one.tor, other.tor}
        ]
        ends = (stream.near, stream.far)
        self._ends = ends if stream.dialler is one.tor else ends[::-1]
        self._seen = [len(end.written) for end in self._ends]

    def take(self) -> tuple[list[int], list[int]]:
        """Records since the last time, in each direction, once all is quiet."""
        self._world.pass_time(1)
        new = [records(end.written[at:]) for end, at in zip(self._ends, self._seen, strict=True)]
        self._seen = [len(end.written) for end in self._ends]
        return new[0], new[1]


@pytest.fixture
def world(tmp_path: Path):
    world = World(tmp_path)
    yield world
    world.stop()
    assert world.faults == []


def test_texts_of_one_rung_look_alike(world):
    """One frame there, one back, in a few sizes that grow with the text; within a rung nothing differs at all."""
    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    recorder = Recorder(world, alice, bob)
    alice.send("Bob", "the first one brings the log along")
    recorder.take()
    lengths = [
        *range(1, 241, 3),
        *range(300, 700, 50),
        *range(900, 1700, 100),
        *range(2000, 3700, 300),
        5000,
        7000,
        9000,
    ]
    seen: dict[int, tuple[list[int], list[int]]] = {}
    for length in lengths:
        alice.send("Bob", "x" * length)
        seen[length] = recorder.take()
    assert {(len(there), len(back)) for there, back in seen.values()} == {(1, 1)}
    assert {size for both in seen.values() for sizes in both for size in sizes} <= STEPS
    assert len({str(seen[length]) for length in lengths if length <= 240}) == 1
    sizes = [seen[length][0][0] for length in lengths]
    assert sizes == sorted(sizes) and len(set(sizes)) == 6
    assert {str(back) for _, back in seen.values()} == {str([limits.FRAME_LADDER_BYTES[0] + TLS_BYTES])}


def test_what_is_said_or_done_does_not_show_in_the_size(world):
    """A word, a word in another script, a reaction, an edit, taking it back: the same frame, the same answer."""
    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    recorder = Recorder(world, alice, bob)
    bob.send("Alice", "hello")
    alice.send("Bob", "the first one brings the log along")
    recorder.take()
    seen = []
    sent = alice.send("Bob", "yes")
    seen.append(recorder.take())
    alice.send("Bob", "не знаю, может быть завтра")
    seen.append(recorder.take())
    alice.do("message.edit", name="Bob", id=sent, text="no")
    seen.append(recorder.take())
    alice.do("message.react", name="Bob", id=bob.log("Alice")[-1].id, emoji="👍")
    seen.append(recorder.take())
    alice.do("message.retract", name="Bob", id=sent)
    seen.append(recorder.take())
    step = [limits.FRAME_LADDER_BYTES[0] + TLS_BYTES]
    assert seen == [(step, step)] * 5


def test_silence_has_the_same_frames_as_words(world):
    """Heartbeats are of the smallest step, too."""
    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    recorder = Recorder(world, alice, bob)
    world.pass_time(600)
    there, back = recorder.take()
    assert len(there) > 3 and len(back) > 3
    assert {*there, *back} == {limits.FRAME_LADDER_BYTES[0] + TLS_BYTES}


def told_to_a_stranger(folder: Path, name: str, friends: int) -> list[int]:
    """The records that somebody of this name, with so many contacts, sends to a stranger at a new link who asks."""
    folder.mkdir()
    world = World(folder)
    host = world.add(name)
    for number in range(friends):
        world.befriend(host, world.add(f"Friend {number}"))
        host.send(f"Friend {number}", "a long story " * 30)
    stranger = Stranger(world)
    channel = stranger.dial_link(host.do("invite.create", open=True).link)
    stranger.say(channel, stranger.request("hello"))
    world.pass_time(120)
    found = records(world.network.streams[-1].far.written)
    world.stop()
    assert world.faults == []
    return found


def test_a_stranger_at_a_link_sees_the_same_whoever_we_are(tmp_path):
    """Handshake, answer to a request and heartbeats: no record longer, none more."""
    poor = told_to_a_stranger(tmp_path / "poor", "Al", 0)
    rich = told_to_a_stranger(tmp_path / "rich", "Maximiliane Alexandra von und zu Hohenlohe", 3)
    assert len(poor) > 4
    assert poor == rich
