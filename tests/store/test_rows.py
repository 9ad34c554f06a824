"""Rows of logs and conversations, and the keys that ids are indexed by."""

from hypothesis import given
from hypothesis import strategies as st

from onionchat.kinds.chat import Text
from onionchat.kinds.fold import Place
from onionchat.store.rows import Flag, find_conversation, find_log, id_key, logs_of, save_head
from tests.store.stores import World


@given(st.binary(min_size=32, max_size=32))
def test_an_id_s_key_fits_an_integer_of_sqlite(raw: bytes) -> None:
    assert 0 <= id_key(raw) < 2**63


def test_the_numbers_of_flags_stay() -> None:
    assert [(flag.name, int(flag)) for flag in Flag] == [
        ("LATE", 1), ("FUTURE", 2), ("FINAL", 4), ("FORGOTTEN", 8), ("RETRACTED", 16), ("EXPIRED", 32), ("UNWANTED", 64)
    ]  # fmt: skip


def test_a_head_comes_back_as_it_was_saved() -> None:
    world = World()
    log = world.log()
    world.take([log.write(Text("a"), 1)])
    row = find_log(world.c, log.id)
    assert row is not None
    assert (row.head.seq, row.head.id, row.device) == (1, log.entries[0].id, world.contact.device)
    import msgspec

    changed = msgspec.structs.replace(
        row.head,
        seq=9,
        id=b"\x09" * 32,
        frozen=True,
        cut_seq=4,
        cut_id=b"\x04" * 32,
        floor_seq=2,
        floor_id=bytes(32),
    )
    save_head(world.c, row.n, changed)
    again = find_log(world.c, log.id)
    assert again is not None
    assert again.head == changed


def test_what_is_not_there_is_none() -> None:
    world = World()
    assert find_log(world.c, b"\0" * 32) is None
    assert find_conversation(world.c, b"\0" * 32) is None
    assert logs_of(world.c, b"\0" * 32) == []


def test_a_conversation_knows_its_place() -> None:
    world = World()
    row = find_conversation(world.c, world.self_id)
    assert row is not None
    assert (row.place, row.account) == (Place.SELF, world.own.account)
