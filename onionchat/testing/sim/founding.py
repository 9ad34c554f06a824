"""People's devices, made at once: what `init` leaves on the disk, and what `join` does before it is admitted."""

from collections.abc import Callable

from twisted.internet.defer import Deferred

from onionchat.identity.account import accept_add, countersign, unsigned_add
from onionchat.node.founding import Membership, found_account, found_member
from onionchat.node.linking import admit_device
from onionchat.node.node import Node
from onionchat.store.own import DeviceKeys
from onionchat.store.people import discovery_for
from onionchat.testing.sim.device import EPOCH_SECONDS
from onionchat.testing.sim.disk import Disk

Random = Callable[[int], bytes]


def found(disk: Disk, name: str, random: Random, recovery: bytes | None = None) -> None:
    """An account of one device. `recovery`: entropy of its recovery key; None for an account without."""
    c = disk.connection
    c.execute("BEGIN")
    found_account(name, recovery, c, random, int(EPOCH_SECONDS * 1000))
    c.execute("COMMIT")


def join(disk: Disk, node: Node, label: str, random: Random, now_ms: int) -> "Deferred[None]":
    """Linking without its ceremony: the new device's profile first, then `node` commits the admission (fires then)."""
    roster, own, c = node.book.own_roster, node.own, disk.connection
    assert roster is not None
    keys = DeviceKeys.generate(random)
    body = unsigned_add(own.account, roster.heads, keys.identity.public, own.device)
    statement = countersign(body, accept_add(body, own.account, keys.identity), own.identity)
    cards = tuple((row.certificate_raw, row.discovery) for row in node.book.own_devices.values())
    c.execute("BEGIN")
    found_member(Membership(keys, own.account, roster.statements, cards), c, random, now_ms)
    discovery = discovery_for(c, keys.address.public, own.account)
    c.execute("COMMIT")
    return admit_device(node, statement, keys.certificate, discovery, label)
