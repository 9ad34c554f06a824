"""What stands in a new profile: a device of a known account is nobody until another one admits it."""

import pytest

from onionchat.codec import encode
from onionchat.crypto.vault import Cost, unwrap_key
from onionchat.errors import LocalError
from onionchat.identity.account import account_id, make_genesis
from onionchat.ids import AccountId
from onionchat.node.folder import KEY_NAME
from onionchat.node.founding import Membership
from onionchat.node.profile import create_member, create_profile
from onionchat.store.db import connect
from onionchat.store.own import DeviceKeys, HistoryWish, end_linking, load_own
from onionchat.store.people import OWN_SLOT, addresses, devices_of, discovery_keys, statements_of
from onionchat.store.store import DATABASE_NAME
from tests.node.worlds import PASSPHRASE, counting


def membership(history_not_before_ms=0):
    other = DeviceKeys.generate(counting(5))
    genesis = make_genesis(other.identity, bytes(32), None)
    card = (other.certificate, b"\x07" * 32)
    return Membership(DeviceKeys.generate(counting(6)), account_id(genesis), (genesis,), (card,), history_not_before_ms)


def opened(folder):
    return connect(folder / DATABASE_NAME, unwrap_key((folder / KEY_NAME).read_bytes(), PASSPHRASE))


def test_a_member_has_its_keys_the_account_and_how_to_reach_the_others(tmp_path):
    told = membership(1234)
    create_member(tmp_path, told, PASSPHRASE, Cost.TESTS, counting(1))
    c = opened(tmp_path)
    own = load_own(c)
    assert (own.identity.seed, own.account) == (told.keys.identity.seed, told.account)
    assert own.is_linking and own.history is not None and own.history.not_before_ms == 1234
    assert statements_of(c, own.account) == list(told.statements)
    assert {row.certificate_raw for row in devices_of(c, own.account)} == {told.keys.certificate, told.cards[0][0]}
    (address,) = addresses(c)
    assert address.key == told.keys.address.public
    mine = next(row for row in devices_of(c, own.account) if row.id == own.device)
    assert mine.discovery == discovery_keys(c, address.key)[OWN_SLOT].private
    end_linking(c)
    assert not load_own(c).is_linking
    c.close()


def test_it_holds_no_recovery_key_and_writes_nothing_before_it_is_in(tmp_path):
    create_member(tmp_path, membership(), PASSPHRASE, Cost.TESTS, counting(1))
    c = opened(tmp_path)
    assert c.execute("SELECT count(*) FROM meta WHERE key IN ('recovery', 'genesis')").fetchone() == (0,)
    assert c.execute("SELECT count(*) FROM entry").fetchone() == (0,)
    c.close()


def test_a_profile_that_is_there_is_never_made_a_member(tmp_path):
    create_profile(tmp_path, "Ann", PASSPHRASE, "decline", Cost.TESTS, counting(1))
    before = (tmp_path / DATABASE_NAME).read_bytes()
    with pytest.raises(LocalError, match="already"):
        create_member(tmp_path, membership(), PASSPHRASE, Cost.TESTS, counting(2))
    assert (tmp_path / DATABASE_NAME).read_bytes() == before


def test_membership_shows_no_key():
    assert "seed" not in repr(membership()) and "\\x07" not in repr(membership())
    assert encode(HistoryWish(0, 1))
    assert AccountId(membership().account)
