"""One example of every kind, and everything wrong with it; a decoder refuses it or it is well-formed."""

import typing

import pytest

from onionchat import limits
from onionchat.codec import encode
from onionchat.errors import RemoteError
from onionchat.kinds.chat import Text
from onionchat.testing.hostile_records import Wrong, bodies, examples, frame_of, wrong_bodies
from onionchat.testing.nodes import World
from onionchat.testing.strangers import Stranger
from onionchat.wire.frame import FrameReader
from onionchat.wire.records import AnyRecord, Frontier, Ping


@pytest.fixture(scope="module")
def mallory(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"))
    mallory = Stranger(world)
    for number in range(2):
        mallory.write(Text(f"line {number}"), number + 1)
    yield mallory
    world.stop()


@pytest.fixture(scope="module")
def everything(mallory) -> list[Wrong]:
    return list(wrong_bodies(examples(mallory, b"\x01" * 32)))


def test_there_is_one_of_every_kind(mallory):
    made = [type(record) for record in examples(mallory, b"\x01" * 32)]
    assert set(made) == set(typing.get_args(AnyRecord)) and len(made) == len(set(made))


def test_who_has_written_nothing_has_no_examples(mallory):
    with pytest.raises(ValueError, match="nothing"):
        examples(Stranger(mallory.world, 1001), b"\x01" * 32)


def test_a_record_in_its_frame_is_read_again():
    body = b"\x91" + encode(Ping(7))
    assert FrameReader().feed(frame_of(body)) == [Ping(7)]


def test_only_remote_errors(everything):
    """The malformed ones, each a fault of its own."""
    malformed = [wrong for wrong in everything if not wrong.records]
    assert len(malformed) > 3000
    for wrong in malformed:
        with pytest.raises(RemoteError):
            FrameReader().feed(wrong.frame)


def test_well_formed_ones_are_of_every_kind_with_values(everything):
    kinds = {type(wrong.records[0]) for wrong in everything if wrong.records}
    assert kinds == set(typing.get_args(AnyRecord)) - {type(None)}
    assert all(len(wrong.frame) in limits.FRAME_LADDER_BYTES for wrong in everything)


def test_every_place_is_changed(mallory):
    (frontier,) = [record for record in examples(mallory, bytes(32)) if isinstance(record, Frontier)]
    names = [name for name, _ in bodies(frontier)]
    for place in ("0 =", "1 =", "2 very long", "2.0.1 =", "2.0.2 turned at"):
        assert any(name.startswith(f"Frontier {place}") for name in names), place
