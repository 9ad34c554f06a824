"""Boxes that authenticate our logs towards devices."""

from onionchat.crypto.keys import ExchangeKey
from onionchat.ids import DeviceId
from onionchat.kinds.chat import Text
from onionchat.log.certificate import open_log_box
from onionchat.store.boxes import boxes_of, make_boxes
from onionchat.store.people import add_card
from onionchat.store.rows import logs_of
from tests.store.stores import Person, World, seeded


def test_a_log_of_ours_has_a_box_for_every_known_device() -> None:
    world = World()
    tablet = Person(98)
    add_card(world.c, world.contact.account, tablet.card, b"")
    world.say(Text("a"))
    (row,) = logs_of(world.c, world.direct)
    boxes = boxes_of(world.c, row.n, 10)
    assert {box.to for box in boxes} == {world.contact.device, tablet.device, world.own.device}
    (certificate,) = world.row("SELECT certificate FROM log WHERE n = ?", row.n)
    statics = {person.device: person.static for person in (tablet, world.contact)}
    for box in boxes:  # one for ourselves: a disk that went back to an old copy knows its own logs by it
        static = statics.get(DeviceId(box.to), world.own.static)
        open_log_box(box, certificate, DeviceId(box.to), static, world.own.static.public)


def test_only_missing_boxes_are_made() -> None:
    world = World()
    world.say(Text("a"))
    (row,) = logs_of(world.c, world.direct)
    (certificate,) = world.row("SELECT certificate FROM log WHERE n = ?", row.n)

    def make() -> bool:
        return make_boxes(world.c, world.own, row.n, certificate, world.contact.account, seeded(3))

    assert not make()
    add_card(world.c, world.contact.account, Person(98).card, b"")
    assert make()
    assert not make()
    world.contact.static = ExchangeKey(b"\x44" * 32)
    add_card(world.c, world.contact.account, world.contact.certificate(2), b"")
    assert make()
    assert len(boxes_of(world.c, row.n, 10)) == 4


def test_the_newest_serials_come_first_and_no_more_than_asked() -> None:
    world = World()
    world.say(Text("a"))
    (row,) = logs_of(world.c, world.direct)
    add_card(world.c, world.contact.account, world.contact.certificate(7), b"")
    make_boxes(world.c, world.own, row.n, b"c", world.contact.account, seeded(3))
    assert [box.to_serial for box in boxes_of(world.c, row.n, 1)] == [7]
    assert [box.to_serial for box in boxes_of(world.c, row.n, 9)] == [7, 1, 1]
