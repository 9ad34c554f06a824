"""What stands in a new profile's database before anybody sees it: a new account's, or a further device's of one."""

from collections.abc import Callable
from dataclasses import dataclass, field

from onionchat.crypto.keys import SigningKey
from onionchat.identity.account import fold
from onionchat.identity.device import issue_certificate
from onionchat.ids import AccountId, id_text
from onionchat.kinds.account import Setting
from onionchat.kinds.fold import Place
from onionchat.log.entry import self_id
from onionchat.store.db import Connection
from onionchat.store.gate import Gate
from onionchat.store.own import (
    DeviceKeys,
    HistoryWish,
    Own,
    add_serial,
    begin_linking,
    create_own,
    get_meta,
    set_meta,
    write_own,
)
from onionchat.store.people import add_address, add_card, add_statements, discovery_for, note_evaded

Random = Callable[[int], bytes]

RECOVERY = "recovery"
"""The key in `meta` of the recovery key's private half, while its words are not settled."""
NAME_SETTING = "name"
DEVICE_SETTING = "device:"
FIRST_DEVICE = "device 1"


@dataclass(frozen=True)
class Membership:
    """What a further device of an account knows when its profile is made.

    `statements`: the account's; they need not admit this device yet. `cards`: (certificate, discovery private half)
    of the account's devices. `history_not_before_ms`: 0 for all.
    """

    keys: DeviceKeys
    account: AccountId
    statements: tuple[bytes, ...]
    cards: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    history_not_before_ms: int = 0


def found_account(name: str, entropy: bytes | None, c: Connection, random: Random, now_ms: int) -> Own:
    """A new account of one device. `entropy`: of the recovery key, None when it is declined."""
    keys = DeviceKeys.generate(random)
    own = create_own(c, random, None if entropy is None else SigningKey(entropy).public, keys)
    if entropy is not None:
        set_meta(c, RECOVERY, entropy)
    add_statements(c, own.account, [get_meta(c, "genesis") or b""])
    gate = found_device(c, own, keys, random, now_ms)
    gate.append_own(c, self_id(own.account), Setting(NAME_SETTING, name), now_ms)
    gate.append_own(c, self_id(own.account), Setting(DEVICE_SETTING + id_text(own.device), FIRST_DEVICE), now_ms)
    return own


def found_member(membership: Membership, c: Connection, random: Random, now_ms: int) -> Own:
    """A further device: all else comes from the others, through *self*."""
    own = write_own(c, membership.keys, membership.account)
    add_statements(c, own.account, membership.statements)
    for certificate, discovery in membership.cards:
        add_card(c, own.account, certificate, discovery)
    found_device(c, own, membership.keys, random, now_ms)
    roster = fold(membership.statements, own.account)
    note_evaded(c, own.account, roster.devices - roster.active, now_ms)
    begin_linking(c, own, HistoryWish(membership.history_not_before_ms, now_ms))
    return own


def found_device(c: Connection, own: Own, keys: DeviceKeys, random: Random, now_ms: int) -> Gate:
    """The device's address, its card, and *self*."""
    address = add_address(c, own.serial, now_ms, False, random, own.account, keys.address)
    add_card(c, own.account, keys.certificate, discovery_for(c, address.key, own.account))
    gate = Gate(own, random)
    gate.open_conversation(c, self_id(own.account), Place.SELF, own.account)
    return gate


def move_device(
    c: Connection, own: Own, now_ms: int, urgent: bool, random: Random, least_serial: int = 0, held: bool = False
) -> tuple[int, tuple[bytes, bytes]]:
    """A new address for this device: the serial of its certificate, and its card for own devices.

    `Own.statics` gets the serial, and whoever has to know the card, after the commit.
    """
    serial = add_serial(c, own.static, least_serial)
    row = add_address(c, serial, now_ms, urgent, random, own.account, held=held)
    certificate = issue_certificate(own.identity, row.key, own.static.public, serial)
    discovery = discovery_for(c, row.key, own.account)
    add_card(c, own.account, certificate, discovery)
    return serial, (certificate, discovery)
