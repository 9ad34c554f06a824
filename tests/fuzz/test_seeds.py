"""Every record and every body has a seed that decodes."""

from typing import get_args

from onionchat.kinds.fold import KINDS, parse_body
from onionchat.log.entry import Content
from onionchat.wire.frame import FrameReader
from onionchat.wire.records import AnyRecord
from tests.fuzz import seeds


def test_every_record_is_among_the_seeds() -> None:
    kinds = [type(record) for frame in seeds.frames() for record in FrameReader().feed(frame)]
    assert len(kinds) == len(set(kinds)) and set(kinds) == set(get_args(AnyRecord))


def test_every_kind_is_among_the_seeds() -> None:
    for kind, body in zip(KINDS, seeds.bodies(), strict=True):
        parsed = parse_body(Content(bytes(16), (), kind, 0, body))
        assert isinstance(parsed, KINDS[kind][0])
