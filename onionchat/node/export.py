"""Exports: history and contacts under a passphrase of their own, without any private key.

The file: a SQLCipher database with the tables of the store, then `TRAILER_BYTES` that hold its key in a vault
(docs/spec/vault.md), filled up with zeros. What is in the database is listed here, and nothing else is.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from onionchat import limits
from onionchat.codec import decode, encode
from onionchat.crypto.vault import FILE_MAX_BYTES, KEY_BYTES, MAGIC, Cost, unwrap_key, wrap_key
from onionchat.errors import LocalError, LockedError, OnionchatError, RemoteError, StoreError
from onionchat.kinds.account import Contact
from onionchat.kinds.again import AGAIN, plain
from onionchat.kinds.fold import KINDS, Place
from onionchat.node.folder import create_private, sync_folder, with_logs
from onionchat.node.salvage import Damaged, rows_by_number, rows_from_both_ends
from onionchat.store.db import Connection, DatabaseError, connect, explained, migrate
from onionchat.store.own import get_meta, set_meta
from onionchat.store.rows import Flag

TRAILER_BYTES = FILE_MAX_BYTES
LENGTH_BYTES = 2
"""The trailer ends with the length of the vault in it, which may end with zeros itself."""
ACCOUNT, EXPORTED_MS = "exported_account", "exported_ms"
"""Keys in the `meta` of an export."""
REGISTERS = frozenset({"contact", "choice", "trust", "setting", "timer"})
"""Others name or hold keys."""
TALK = frozenset(kind for kind, (_, places) in KINDS.items() if Place.DIRECT in places) - {AGAIN}
"""Kinds whose bodies are what people said; in others there may be keys."""

_NUMBERED = {
    "conversation": "n, id, place, account, ms, counter, bytes",
    "log": "n, id, conversation, device, NULL, retired, certificate, belief, seq, head, ms, counter, floor_seq,"
    " floor_id, frozen, cut_seq, cut_id, covered, read_seq",
    "entry": "n, log, seq, key, conversation, ms, counter, tie, shown, mine, arrived, flags, expires, header,"
    " signature, content",
    "again": "n, id, body",
}
_KEYED = {
    "statement": ("account, id, raw", "account, id"),
    "device": ("id, account, certificate, serial, x'', last_seen", "id"),
    "old_static": ("device, serial, static", "device, serial"),
    "forgotten": ("log, first, last", "log, first"),
    "mark": ("target, mark, account, ms, counter, log, seq, entry, value", "target, mark, account"),
    "register": ("kind, key, ms, counter, log, seq, entry, value", "kind, key"),
    "ack": ("log, device, seq, 0", "log, device"),
}
_ENTRY_SHOWN, _ENTRY_FLAGS, _ENTRY_LOG, _ENTRY_CONTENT = 8, 11, 1, 15


@dataclass
class Exported:
    """What an export holds. `lost`: what of each table could not be read (only ever with `salvage`)."""

    messages: int = 0
    contacts: int = 0
    lost: dict[str, int] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """One line for people."""
        said = f"{self.messages} messages and {self.contacts} contacts"
        if not self.lost:
            return f"{said}; all could be read"
        gone = ", ".join(f"{count} of `{table}`" for table, count in sorted(self.lost.items()))
        return f"{said} could be read; lost rows: {gone}"


def export_database(
    source: Connection,
    target: Path,
    passphrase: str,
    now_ms: int,
    reopen: Callable[[], Connection] | None = None,
    cost: Cost = Cost.MODERATE,
    random: Callable[[int], bytes] = os.urandom,
) -> Exported:
    """Write an export of an open database to a new file. A long read: use a connection and a thread of its own.

    `reopen` makes another connection like `source`: with it, what is damaged is left out and counted. LocalError: the
    target exists or cannot be written. StoreError: the database is damaged (without `reopen`), or the disk is full; no
    file is left then.
    """
    key = random(KEY_BYTES)
    vault = wrap_key(key, passphrase, random, cost)
    create_private(target)
    try:
        exported = _write(source, target, key, now_ms, reopen)
        _append_trailer(target, vault)
    except BaseException:
        for path in with_logs(target):
            path.unlink(missing_ok=True)
        raise
    return exported


def _write(
    source: Connection, target: Path, key: bytes, now_ms: int, reopen: Callable[[], Connection] | None
) -> Exported:
    connection = connect(target, key)
    try:
        migrate(connection)
        with explained():
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("PRAGMA foreign_keys=OFF")
            connection.execute("BEGIN IMMEDIATE")
            exported = _Copy(source, connection, reopen).run()
            set_meta(connection, EXPORTED_MS, now_ms.to_bytes(8, "big"))
            connection.execute("COMMIT")
    finally:
        connection.close()
    return exported


class _Copy:
    """Copies table by table, in one view of the source; or what is readable, when it can be reopened."""

    def __init__(self, source: Connection, target: Connection, reopen: Callable[[], Connection] | None) -> None:
        self._source, self._target = source, target
        self._damaged = None if reopen is None else Damaged(source, reopen)
        self._exported = Exported()
        self._own_places: set[int] = set()

    def run(self) -> Exported:
        if self._damaged is None:
            self._source.execute("BEGIN")
        try:
            set_meta(self._target, ACCOUNT, self._account())
            for table, columns in _NUMBERED.items():
                self._insert(table, self._numbered(table, columns))
            for table, (columns, order) in _KEYED.items():
                self._insert(table, self._keyed(table, columns, order))
        finally:
            if self._damaged is not None:
                self._damaged.close()
            elif self._source.in_transaction:
                self._source.execute("ROLLBACK")
        return self._exported

    def _account(self) -> bytes:
        if self._damaged is None:
            return get_meta(self._source, "account") or b""
        try:
            ((account,),) = self._damaged.fetch("SELECT value FROM meta WHERE key = 'account'")
        except (DatabaseError, ValueError):
            self._lose("meta", 1)
            return b""
        return bytes(account)

    def _insert(self, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
        first = next(rows, None)
        if first is None:
            return
        insert = f"INSERT OR IGNORE INTO {table} VALUES ({','.join('?' * len(first))})"  # noqa: S608
        self._target.execute(insert, first)
        self._target.executemany(insert, rows)

    def _numbered(self, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
        rows: Iterable[tuple[Any, ...]]
        if self._damaged is not None:
            rows = rows_by_number(self._damaged, table, columns, lambda count: self._lose(table, count))
        else:
            rows = self._source.execute(f"SELECT {columns} FROM {table} ORDER BY n")  # noqa: S608
        for row in rows:
            if table == "conversation" and row[2] == Place.SELF.value:
                self._own_places.add(row[0])
            kept = self._entry(row) if table == "entry" else row
            if kept is not None:
                yield kept

    def _entry(self, row: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """An entry without what may hold keys; None for those of *self* that are nothing to read."""
        content, talk = row[_ENTRY_CONTENT], True
        if row[_ENTRY_LOG] and content is not None:
            talk = kind_of_content(content) in TALK
        if row[4] in self._own_places and (content is None or not talk):
            return None
        self._exported.messages += bool(row[_ENTRY_SHOWN])
        if talk:
            return row
        flags = row[_ENTRY_FLAGS] | int(Flag.FINAL)
        return (*row[:_ENTRY_FLAGS], flags, *row[_ENTRY_FLAGS + 1 : _ENTRY_CONTENT], None)

    def _keyed(self, table: str, columns: str, order: str) -> Iterator[tuple[Any, ...]]:
        rows: Iterable[tuple[Any, ...]]
        if self._damaged is not None:
            rows = rows_from_both_ends(self._damaged, table, columns, order, lambda count: self._lose(table, count))
        else:
            rows = self._source.execute(f"SELECT {columns} FROM {table} ORDER BY {order}")  # noqa: S608
        for row in rows:
            if table != "register":
                yield row
            elif row[0] in REGISTERS:
                yield self._register(row)

    def _register(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        if row[0] != "contact":
            return row
        try:
            contact = decode(row[7], Contact, limits.ENTRY_MAX_BYTES)
        except RemoteError:
            return row
        self._exported.contacts += contact.state != "removed"
        plain = msgspec.structs.replace(contact, introduced_by="", owed=b"")
        return (*row[:7], encode(plain))

    def _lose(self, table: str, count: int) -> None:
        self._exported.lost[table] = self._exported.lost.get(table, 0) + count


def kind_of_content(content_raw: bytes) -> str:
    """The kind of what an entry says (an `again` may hold anything); nothing when it cannot be read."""
    try:
        return plain(content_raw).kind
    except RemoteError:
        return ""


# --- the file -----------------------------------------------------------------------------------------------
def _append_trailer(target: Path, vault: bytes) -> None:
    try:
        with target.open("ab") as opened:
            opened.write(vault.ljust(TRAILER_BYTES - LENGTH_BYTES, b"\0") + len(vault).to_bytes(LENGTH_BYTES))
            opened.flush()
            os.fsync(opened.fileno())
        sync_folder(target.parent)
    except OSError as error:
        raise StoreError(f"{target} cannot be written ({error.strerror}); choose another place") from None


def unwrap_export(source: Path, passphrase: str) -> bytes:
    """The key of an export's database. LocalError: no whole export. LockedError: wrong passphrase."""
    try:
        with source.open("rb") as opened:
            opened.seek(-TRAILER_BYTES, os.SEEK_END)
            trailer = opened.read()
    except OSError:
        trailer = b""
    if not trailer.startswith(MAGIC):
        raise LocalError(f"{source} is not an export of onionchat, or not all of one: copy it again")
    try:
        return unwrap_key(trailer[: int.from_bytes(trailer[-LENGTH_BYTES:])], passphrase)
    except LockedError:
        raise LockedError("wrong passphrase of the export: try again") from None
    except OnionchatError as error:
        raise type(error)(f"{source}: {error}") from None


def copy_contents(source: Path, target: Path) -> None:
    """The database of an export as a file of its own."""
    create_private(target)
    try:
        left = source.stat().st_size - TRAILER_BYTES
        with source.open("rb") as reading, target.open("wb") as writing:
            while left > 0 and (chunk := reading.read(min(left, limits.MIB))):
                writing.write(chunk)
                left -= len(chunk)
    except OSError as error:
        raise StoreError(f"{source} cannot be copied ({error.strerror}); nothing was made") from None
