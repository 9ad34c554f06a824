"""The boxes that authenticate logs towards devices: made for ours, kept for others'."""

from collections.abc import Callable

from onionchat.log.certificate import make_box
from onionchat.store.db import Connection
from onionchat.store.own import Own
from onionchat.store.people import devices_of
from onionchat.wire.records import LogBox


def make_boxes(
    c: Connection, own: Own, log: int, certificate: bytes, account: bytes, random: Callable[[int], bytes]
) -> bool:
    """Make the boxes of a log of ours that are missing, for every device of both accounts; whether any was.

    For this one, too: with its disk from an old copy it knows by it which logs are its own, whoever brings them.
    """
    have = {
        (bytes(row[0]), row[1])
        for row in c.execute("SELECT device, to_serial FROM log_box WHERE log = ?", (log,)).fetchall()
    }
    made = False
    for device in {d.id: d for a in (account, own.account) for d in devices_of(c, a)}.values():
        serial = device.certificate.serial
        if (device.id, serial) not in have:
            box = make_box(certificate, own.static, own.serial, device.id, device.certificate.static, serial, random)
            add_box(c, log, box)
            made = True
    return made


def add_box(c: Connection, log: int, box: LogBox, by_author: bool = True) -> bool:
    """Keep a box; whether it is new. One that somebody else brings never takes another one's place."""
    values = (log, box.to, box.from_serial, box.to_serial, box.box)
    known = c.execute(
        "SELECT box FROM log_box WHERE log = ? AND device = ? AND from_serial = ? AND to_serial = ?", values[:4]
    ).fetchone()
    if known is not None and (not by_author or bytes(known[0]) == box.box):
        return False
    c.execute("INSERT OR REPLACE INTO log_box VALUES (?, ?, ?, ?, ?)", values)
    return True


def boxes_of(c: Connection, log: int, at_most: int) -> tuple[LogBox, ...]:
    """The boxes of a log, the newest serials first."""
    rows = c.execute(
        "SELECT device, from_serial, to_serial, box FROM log_box WHERE log = ? ORDER BY to_serial DESC LIMIT ?",
        (log, at_most),
    )
    return tuple(LogBox(bytes(row[0]), row[1], row[2], bytes(row[3])) for row in rows)
