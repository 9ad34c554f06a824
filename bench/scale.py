"""What contacts cost a device that is idle: bytes, processor time, memory, for each channel. Nodes in one process.

Real nodes on a virtual onion network, in virtual time: the channels carry all that they would carry, TLS and Noise
included. Two worlds of different size tell what a channel adds and what a node needs anyhow. What Tor adds to the
bytes is reckoned in `scale.md`.
"""

import tempfile
import time
from pathlib import Path

from bench.figures import Figure, Size
from onionchat.errors import LocalError
from onionchat.testing.nodes import Actor, World

IDLE_SECONDS = 2 * 3600
SETTLE_SECONDS = 600
DAY_SECONDS = 86_400
BYTES = "idle channel: sent and received a day, in TLS"
PROCESSOR = "idle channel: processor of one end"


class Costs:
    """Of some hours in which nothing happens, for a world of one device with so many contacts."""

    def __init__(self, contacts: int) -> None:
        with tempfile.TemporaryDirectory(prefix="ocb-") as folder:
            world = World(Path(folder))
            alice = world.add("alice")
            alone = world.add("alone") if not contacts else None
            for number in range(contacts):
                world.befriend(alice, world.add(f"contact{number}"))
            world.pass_time(SETTLE_SECONDS)
            self.channels = _channels(alice)
            if self.channels != contacts:
                raise LocalError(f"{self.channels} channels for {contacts} contacts")
            self.nodes = contacts + 1 + (alone is not None)
            counted = _bytes(alice)
            begin = time.process_time()
            world.pass_time(IDLE_SECONDS)
            self.cpu_seconds = time.process_time() - begin
            if _channels(alice) != contacts:
                raise LocalError("a channel was lost in peace")
            self.bytes_day = (_bytes(alice) - counted) / IDLE_SECONDS * DAY_SECONDS
            world.stop()
            if world.faults:
                raise LocalError(f"not a healthy world: {world.faults[0]}")


def scale(size: Size) -> list[Figure]:
    """A device alone, with some contacts, with more of them; what one more channel adds."""
    none, few, many = Costs(0), Costs(size.of(10, 5)), Costs(size.of(30, 10))
    more = many.channels - few.channels
    per_node = none.cpu_seconds / none.nodes
    cpu = (many.cpu_seconds - few.cpu_seconds - more * per_node) / (2 * more)  # both ends are in this process
    kib_day = many.bytes_day / many.channels / 1024
    return [
        Figure(BYTES, kib_day, "KiB", "a world of a third of the contacts", few.bytes_day / few.channels / 1024),
        Figure(PROCESSOR, cpu / IDLE_SECONDS * 1e6, "µs each second"),
        Figure("idle node without a channel: processor", per_node / IDLE_SECONDS * 1e6, "µs each second"),
    ]


def _channels(actor: Actor) -> int:
    return len(actor.node.peers.live)


def _bytes(actor: Actor) -> int:
    links = actor.node.peers.live.values()
    return sum(link.channel.bytes_sent + link.channel.bytes_received for link in links)
