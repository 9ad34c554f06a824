"""The keys of this device, in the table `meta`."""

import pytest

from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import StoreError
from onionchat.identity.account import fold
from onionchat.store.db import connect, migrate
from onionchat.store.own import add_serial, create_own, get_meta, load_own, set_meta
from tests.store.stores import KEY, World, seeded


def test_what_was_made_is_read_back() -> None:
    world = World()
    loaded = load_own(world.c)
    assert (loaded.device, loaded.account, loaded.serial) == (world.own.device, world.own.account, 1)
    assert loaded.static.private == world.own.static.private


def test_the_genesis_founds_an_account_of_this_device() -> None:
    c = connect(":memory:", KEY)
    migrate(c)
    recovery = SigningKey(bytes(32)).public
    own = create_own(c, seeded(), recovery)
    roster = fold([get_meta(c, "genesis") or b""], own.account)
    assert roster.active == frozenset({own.device})
    assert roster.recovery_public == recovery


def test_serials_grow_and_old_statics_stay() -> None:
    world = World()
    first = world.own.static
    assert add_serial(world.c, ExchangeKey(b"\x07" * 32)) == 2
    loaded = load_own(world.c)
    assert (loaded.serial, loaded.static.private, loaded.statics[1].private) == (2, b"\x07" * 32, first.private)
    for _ in range(10):
        add_serial(world.c, ExchangeKey(b"\x08" * 32))
    assert load_own(world.c).serial == 12


@pytest.mark.parametrize("lost", ["identity", "account", "static:1"])
def test_a_database_without_keys_is_no_profile(lost: str) -> None:
    world = World()
    world.c.execute("DELETE FROM meta WHERE key = ?", (lost,))
    with pytest.raises(StoreError, match="no keys"):
        load_own(world.c)


def test_no_secret_is_shown() -> None:
    world = World()
    assert world.own.identity.seed.hex() not in repr(world.own)
    assert repr(world.own.identity.seed) not in repr(world.own)


def test_meta_is_overwritten() -> None:
    world = World()
    set_meta(world.c, "a", b"1")
    set_meta(world.c, "a", b"2")
    assert get_meta(world.c, "a") == b"2"
    assert get_meta(world.c, "b") is None
