"""Accounts' statements, devices' cards, this device's addresses and discovery slots."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from onionchat import limits
from onionchat.codec import decode
from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import LocalError, RemoteError
from onionchat.identity.account import parse_statement
from onionchat.identity.device import Certificate, parse_certificate
from onionchat.identity.statements import with_cuts
from onionchat.ids import AccountId, DeviceId
from onionchat.kinds import account as kinds
from onionchat.store.db import Connection

CHOSEN_STATES = ("active", "blocked", "removed")
QUOTA_DIGITS_MAX = 16
OWN_SLOT, PROBE_SLOT = 0, 1
"""The first two discovery keys of an address are for our own devices and for the probe."""


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device, how to reach it, and when it was last connected (ms)."""

    id: DeviceId
    account: AccountId
    certificate: Certificate
    certificate_raw: bytes
    discovery: bytes
    last_seen: int | None

    def __repr__(self) -> str:
        return f"DeviceRow({self.id.hex()[:8]}…)"


@dataclass(frozen=True, slots=True)
class AddressRow:
    """An address of this device. `state`: current or old. `urgent`: an old one goes after 30 days at the latest.

    `held`: it was left because somebody else said that a device was stolen: that one may still answer here for a while.
    """

    key: bytes
    seed: bytes
    serial: int
    state: str
    since_ms: int
    urgent: bool
    held: bool = False

    def __repr__(self) -> str:
        return f"AddressRow({self.state})"


def statements_of(c: Connection, account: bytes) -> list[bytes]:
    """All statements kept of an account."""
    return [bytes(row[0]) for row in c.execute("SELECT raw FROM statement WHERE account = ?", (account,))]


def find_statement(c: Connection, account: bytes, statement: bytes) -> bytes | None:
    """One of them, by its id."""
    row = c.execute("SELECT raw FROM statement WHERE account = ? AND id = ?", (account, statement)).fetchone()
    return bytes(row[0]) if row is not None else None


def room_for_statements(c: Connection, account: bytes) -> int:
    """How many more are kept of an account."""
    (count,) = c.execute("SELECT count(*) FROM statement WHERE account = ?", (account,)).fetchone()
    return max(0, 2 * limits.STATEMENTS_PER_ACCOUNT_MAX - int(count))


def add_statements(c: Connection, account: bytes, statements: Iterable[bytes]) -> None:
    """Keep statements; what is malformed or of another account is left out (meaning never rejects)."""
    (count,) = c.execute("SELECT count(*) FROM statement WHERE account = ?", (account,)).fetchone()
    for raw in statements:
        if count >= 2 * limits.STATEMENTS_PER_ACCOUNT_MAX:
            return
        try:
            statement = parse_statement(raw)
        except RemoteError:
            continue
        if statement.account != account:
            continue
        row = c.execute("SELECT raw FROM statement WHERE account = ? AND id = ?", (account, statement.id)).fetchone()
        if row is not None:  # a copy may open cuts that ours does not
            raw = with_cuts(statement, (*statement.cuts, *parse_statement(bytes(row[0])).cuts)).raw
        c.execute("INSERT OR REPLACE INTO statement (account, id, raw) VALUES (?, ?, ?)", (account, statement.id, raw))
        count += row is None


def add_card(c: Connection, account: bytes, certificate_raw: bytes, discovery: bytes) -> bool:
    """Keep a device's card if its serial is higher; whether it was. A device belongs to one account for ever."""
    try:
        certificate = parse_certificate(certificate_raw)
    except RemoteError:
        return False
    if _is_lost(c, certificate):
        return False
    row = c.execute("SELECT account, serial, discovery FROM device WHERE id = ?", (certificate.device,)).fetchone()
    if row is not None and bytes(row[0]) != account:
        return False
    if row is not None and (row[1], bool(row[2])) >= (certificate.serial, bool(discovery)):
        return False  # of one serial, the first that comes with a discovery key
    c.execute(
        "INSERT OR IGNORE INTO old_static (device, serial, static) VALUES (?, ?, ?)",
        (certificate.device, certificate.serial, certificate.static),
    )
    c.execute(
        "INSERT INTO device (id, account, certificate, serial, discovery) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET certificate=excluded.certificate, serial=excluded.serial,"
        " discovery=excluded.discovery",
        (certificate.device, account, certificate_raw, certificate.serial, discovery),
    )
    return True


def _is_lost(c: Connection, certificate: Certificate) -> bool:
    """Whether it is this device's own, from a time that its disk does not know: its keys are not here."""
    row = c.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
    if row is None or SigningKey(bytes(row[0])).public != certificate.device:
        return False
    return c.execute("SELECT 1 FROM meta WHERE key = ?", (f"static:{certificate.serial}",)).fetchone() is None


def devices_of(c: Connection, account: bytes) -> list[DeviceRow]:
    """The devices of an account whose cards are known."""
    rows = c.execute("SELECT id, account, certificate, discovery, last_seen FROM device WHERE account = ?", (account,))
    return [_device_row(row) for row in rows]


def find_device(c: Connection, device: bytes) -> DeviceRow | None:
    """A device by its id."""
    row = c.execute(
        "SELECT id, account, certificate, discovery, last_seen FROM device WHERE id = ?", (device,)
    ).fetchone()
    return None if row is None else _device_row(row)


def _device_row(row: tuple[bytes, bytes, bytes, bytes, int | None]) -> DeviceRow:
    raw = bytes(row[2])
    return DeviceRow(DeviceId(row[0]), AccountId(row[1]), parse_certificate(raw), raw, bytes(row[3]), row[4])


def statics_of(c: Connection, device: bytes, serial: int) -> list[bytes]:
    """The public static key that a device's certificate of that serial named.

    Of one that never came here, the newest that we know: mostly it is one of them, for moving keeps the key.
    """
    row = c.execute("SELECT static FROM old_static WHERE device = ? AND serial = ?", (device, serial)).fetchone()
    if row is not None:
        return [bytes(row[0])]
    rows = c.execute(
        "SELECT static FROM old_static WHERE device = ? GROUP BY static ORDER BY max(serial) DESC LIMIT ?",
        (device, limits.STATICS_TRIED_MAX),
    )
    return [bytes(row[0]) for row in rows]


def mark_seen(c: Connection, device: bytes, now_ms: int) -> None:
    """A device was connected."""
    c.execute("UPDATE device SET last_seen = ? WHERE id = ?", (now_ms, device))


def seen_since(c: Connection, account: bytes) -> dict[bytes, tuple[int, int]]:
    """For each device of an account: when it was last connected, and since when it is known (ms; 0: never, always)."""
    rows = c.execute(
        "SELECT device.id, coalesce(last_seen, 0), coalesce(announced.since, 0) FROM device LEFT JOIN announced"
        " ON announced.account = device.account AND announced.device = device.id WHERE device.account = ?",
        (account,),
    )
    return {bytes(device): (seen, since) for device, seen, since in rows}


def drop_account(c: Connection, account: bytes) -> None:
    """Forget an account's statements and cards (a removed contact)."""
    c.execute("DELETE FROM old_static WHERE device IN (SELECT id FROM device WHERE account = ?)", (account,))
    c.execute("DELETE FROM device WHERE account = ?", (account,))
    c.execute("DELETE FROM statement WHERE account = ?", (account,))


# --- addresses and slots -----------------------------------------------------------------------------
def add_address(
    c: Connection,
    serial: int,
    now_ms: int,
    urgent: bool,
    random: Callable[[int], bytes],
    account: bytes = b"",
    address: SigningKey | None = None,
    held: bool = False,
) -> AddressRow:
    """Make a new address with its discovery keys; what was current becomes old. `account`: ours, for its own slot."""
    address = address if address is not None else SigningKey(random(32))
    c.execute(
        "UPDATE address SET state = 'old', since = ?, urgent = ? WHERE state = 'current'", (now_ms, 2 * held or urgent)
    )
    c.execute("INSERT INTO address VALUES (?, ?, ?, 'current', ?, 0)", (address.public, address.seed, serial, now_ms))
    c.executemany(
        "INSERT INTO slot (address, slot, private) VALUES (?, ?, ?)",
        ((address.public, slot, random(32)) for slot in range(limits.DISCOVERY_KEYS)),
    )
    if account:
        c.execute("UPDATE slot SET owner = ? WHERE address = ? AND slot = ?", (account, address.public, OWN_SLOT))
    return AddressRow(address.public, address.seed, serial, "current", now_ms, False)


def addresses(c: Connection) -> list[AddressRow]:
    """This device's addresses, the current one first."""
    rows = c.execute("SELECT key, seed, serial, state, since, urgent FROM address ORDER BY serial DESC")
    return [AddressRow(bytes(r[0]), bytes(r[1]), r[2], r[3], r[4], bool(r[5]), r[5] == 2) for r in rows]


def drop_address(c: Connection, key: bytes) -> None:
    """An old address is gone for good, its keys too."""
    for table in ("slot", "told"):
        c.execute(f"DELETE FROM {table} WHERE address = ?", (key,))  # noqa: S608
    c.execute("DELETE FROM address WHERE key = ? AND state = 'old'", (key,))


def discovery_keys(c: Connection, address: bytes) -> list[ExchangeKey]:
    """All discovery keys of an address, by slot."""
    rows = c.execute("SELECT private FROM slot WHERE address = ? ORDER BY slot", (address,))
    return [ExchangeKey(bytes(row[0])) for row in rows]


def discovery_for(c: Connection, address: bytes, owner: bytes) -> bytes:
    """The discovery private half for a contact's account (or, before it is known, an invitation): a spare at first.

    LocalError when there is none left.
    """
    row = c.execute("SELECT private FROM slot WHERE address = ? AND owner = ?", (address, owner)).fetchone()
    if row is None:
        row = c.execute(
            "SELECT private, slot FROM slot WHERE address = ? AND owner IS NULL AND slot > ? ORDER BY slot LIMIT 1",
            (address, PROBE_SLOT),
        ).fetchone()
        if row is None:
            raise LocalError("this device's address has no room for another contact; remove one that you do not need")
        c.execute("UPDATE slot SET owner = ? WHERE address = ? AND slot = ?", (owner, address, row[1]))
    return bytes(row[0])


def free_slots(c: Connection, owner: bytes) -> None:
    """Whoever was given these discovery keys came to nothing; it may keep what it was told, others may have it too."""
    c.execute("UPDATE slot SET owner = NULL WHERE owner = ?", (owner,))


def has_slot(c: Connection, address: bytes, owner: bytes) -> bool:
    """Whether an account has a discovery key of this address."""
    row = c.execute("SELECT 1 FROM slot WHERE address = ? AND owner = ?", (address, owner)).fetchone()
    return row is not None


def rename_slot(c: Connection, owner: bytes, account: bytes) -> None:
    """The account behind an invitation is known now: its discovery key is that account's."""
    c.execute(
        "UPDATE slot SET owner = ? WHERE owner = ? AND NOT EXISTS"
        " (SELECT 1 FROM slot AS other WHERE other.address = slot.address AND other.owner = ?)",
        (account, owner, account),
    )


def note_told(c: Connection, address: bytes, device: bytes) -> None:
    """A contact's device has our current address on its disk."""
    c.execute("INSERT OR IGNORE INTO told VALUES (?, ?)", (address, device))


def told(c: Connection, address: bytes) -> set[bytes]:
    """The devices that have this address of ours."""
    return {bytes(row[0]) for row in c.execute("SELECT device FROM told WHERE address = ?", (address,))}


def note_evaded(c: Connection, account: bytes, devices: Iterable[bytes], now_ms: int) -> None:
    """These devices, which are out, do not have the current address."""
    rows = [(device, account, now_ms) for device in sorted(devices)]
    c.executemany("INSERT OR REPLACE INTO evaded VALUES (?, ?, ?)", rows)


def evaded(c: Connection, account: bytes) -> set[bytes]:
    """The devices of an account that are out and do not have the current address."""
    return {bytes(row[0]) for row in c.execute("SELECT device FROM evaded WHERE account = ?", (account,))}


def registers(c: Connection, kind: str) -> list[tuple[bytes, bytes]]:
    """(key, value) of all registers of a kind."""
    rows = c.execute("SELECT key, value FROM register WHERE kind = ? ORDER BY ms, counter", (kind,))
    return [(bytes(row[0]), bytes(row[1])) for row in rows]


def register(c: Connection, kind: str, key: bytes) -> bytes | None:
    """The value of one register."""
    row = c.execute("SELECT value FROM register WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    return None if row is None else bytes(row[0])


def contact_of(c: Connection, account: bytes) -> kinds.Contact | None:
    """What the user keeps about an account: the contact, and what was chosen for it since."""
    value = register(c, "contact", account)
    if value is None:
        return None
    contact = decode(value, kinds.Contact, limits.ENTRY_MAX_BYTES)
    for what in ("name", "state", "quota"):
        chosen = register(c, "choice", account + what.encode())
        if chosen is not None:
            contact = _with_choice(contact, what, decode(chosen, kinds.Choice, limits.ENTRY_MAX_BYTES).value)
    return contact


def _with_choice(contact: kinds.Contact, what: str, value: str) -> kinds.Contact:
    """An own device may have written anything: what does not fit changes nothing."""
    match what:
        case "name" if value:
            return msgspec.structs.replace(contact, name=value)
        case "state" if value in CHOSEN_STATES:
            return msgspec.structs.replace(contact, state=value)
        case "quota" if value.isascii() and value.isdigit() and len(value) < QUOTA_DIGITS_MAX:
            return msgspec.structs.replace(contact, quota_bytes=int(value))
    return contact


def choices_anew(before: kinds.Contact | None, contact: kinds.Contact) -> list[kinds.Choice]:
    """For who becomes a contact again: what was chosen for it earlier holds no more."""
    if before is None:
        return []
    made = [kinds.Choice(contact.account, "state", contact.state)]
    if before.name != contact.name:
        made.append(kinds.Choice(contact.account, "name", contact.name))
    if before.quota_bytes != contact.quota_bytes:
        made.append(kinds.Choice(contact.account, "quota", str(contact.quota_bytes)))
    return made
