"""Bringing an export into a new profile: history to read, contacts as `imported` ones.

The profile is another device of another account, never a copy. What people said stands in the conversations where it
will go on if a contact is added anew; the logs that it came from stand in *archives*, which no session offers or asks
for and nobody can write to.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from onionchat import limits
from onionchat.codec import decode
from onionchat.errors import RemoteError, StoreError
from onionchat.ids import AccountId, ConversationId
from onionchat.kinds.account import Card, Contact, Setting, TrustSet
from onionchat.kinds.changes import Mark, Shown
from onionchat.kinds.chat import TIMER_REGISTER
from onionchat.kinds.fold import Place
from onionchat.log.entry import direct_id, self_id
from onionchat.node.export import ACCOUNT
from onionchat.node.founding import NAME_SETTING
from onionchat.store.changes import index, shown_text
from onionchat.store.db import Connection, explained
from onionchat.store.gate import NO_LOG, Gate
from onionchat.store.own import Own, get_meta, set_meta
from onionchat.store.people import contact_of, register, registers

FORMER_ACCOUNT = "former_account"
"""The key in `meta` of the account that the history came from."""
_NO_SERIAL = 0  # below any, so that a card that comes when the contact is added anew takes the place of this one


def exported_name(source: Connection) -> str:
    """What the owner of an export called himself, or nothing."""
    value = register(source, "setting", b"name")
    try:
        return "" if value is None else decode(value, Setting, limits.ENTRY_MAX_BYTES).value
    except RemoteError:
        return ""


def bring_in(source: Connection, c: Connection, own: Own, gate: Gate, now_ms: int) -> None:
    """Copy an export into the database of a new account. Runs inside a transaction of `c`."""
    former = get_meta(source, ACCOUNT)
    if former is None:
        raise StoreError("this is a database of onionchat, but not an export of one")
    set_meta(c, FORMER_ACCOUNT, former)
    with explained():
        Bringing(source, c, own, gate, now_ms).run()


class Bringing:
    """One import, step by step; what is made anew of another source says so in its own steps (reviving.py)."""

    def __init__(self, source: Connection, c: Connection, own: Own, gate: Gate, now_ms: int) -> None:
        self._source, self._c, self._own, self._gate, self._now = source, c, own, gate, now_ms
        self._self_id = self_id(own.account)
        self._shown_in: dict[int, int] = {}  # a conversation's number there: the number here where it is read
        self._places: dict[bytes, ConversationId] = {}  # the same by ids
        self._logs: dict[int, int] = {NO_LOG: NO_LOG}

    def run(self) -> None:
        """Copy everything. The conversations' entries are put in one place, their logs perhaps in another."""
        self._copy("statement", "account, id, raw")
        self._copy("old_static", "device, serial, static")
        self._devices()
        archives = self._make_conversations()
        self._make_logs(archives)
        self._copy("forgotten", "log, first, last")
        (above,) = self._c.execute("SELECT coalesce(max(n), 0) FROM entry").fetchone()
        self._insert("entry", self._entries(above))
        again = self._source.execute("SELECT n, id, body FROM again")
        self._insert("again", ((n + above, entry, body) for n, entry, body in again))
        self._insert("mark", self._marks(above))
        self._insert("ack", self._acks())
        self._index(above)
        self._raise_clocks()
        self._registers()

    def _devices(self) -> None:
        self._copy("device", f"id, account, certificate, {_NO_SERIAL}, x'', last_seen")

    def _copy(self, table: str, columns: str) -> None:
        self._insert(table, self._source.execute(f"SELECT {columns} FROM {table}"))  # noqa: S608

    def _insert(self, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
        first = next(rows, None)
        if first is None:
            return
        insert = f"INSERT OR IGNORE INTO {table} VALUES ({','.join('?' * len(first))})"  # noqa: S608
        self._c.execute(insert, first)
        self._c.executemany(insert, rows)

    def _make_conversations(self) -> dict[int, int]:
        """Where entries are shown, and the archives where their logs stand; both by the numbers there."""
        archives = {}
        for n, old_id, place, account in self._source.execute("SELECT n, id, place, account FROM conversation"):
            new = self._place_here(Place(place), account)
            self._c.execute(
                "INSERT INTO conversation (id, place, account) VALUES (?, ?, ?)",
                (old_id, Place.ARCHIVE.value, b""),
            )
            archives[n] = self._number(old_id)
            self._shown_in[n] = archives[n] if new is None else self._number(new)
            if new is not None:
                self._places[bytes(old_id)] = new
        return archives

    def _place_here(self, place: Place, account: bytes) -> ConversationId | None:
        if place is Place.ARCHIVE:  # of an import before the export
            return None
        if place is Place.SELF:
            return self._self_id
        new = direct_id(self._own.account, AccountId(account))
        self._gate.open_conversation(self._c, new, Place.DIRECT, account)
        return new

    def _number(self, conversation: bytes) -> int:
        row = self._c.execute("SELECT n FROM conversation WHERE id = ?", (conversation,)).fetchone()
        return int(row[0])

    def _make_logs(self, archives: dict[int, int]) -> None:
        rows = self._source.execute(
            "SELECT n, conversation, id, device, certificate, belief, seq, head, ms, counter, floor_seq, floor_id,"
            " frozen, cut_seq, cut_id FROM log"
        )
        for n, conversation, *rest in rows:
            if conversation not in archives:
                continue
            seq = rest[4]
            cursor = self._c.execute(
                "INSERT INTO log (conversation, id, device, certificate, belief, seq, head, ms, counter, floor_seq,"
                " floor_id, frozen, cut_seq, cut_id, covered, read_seq) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (archives[conversation], *rest, seq, seq),
            )
            self._logs[n] = int(cursor.lastrowid or 0)

    def _entries(self, above: int) -> Iterator[tuple[Any, ...]]:
        rows = self._source.execute(
            "SELECT n, log, seq, key, conversation, ms, counter, tie, shown, mine, arrived, flags, expires, header,"
            " signature, content FROM entry ORDER BY n"
        )
        for n, log, seq, key, conversation, *rest in rows:
            if log in self._logs and conversation in self._shown_in:
                yield (n + above, self._logs[log], seq, key, self._shown_in[conversation], *rest)

    def _marks(self, above: int) -> Iterator[tuple[Any, ...]]:
        """Reactions of ours are ours now; edits and retractions count by the account of the log that they are about."""
        former = get_meta(self._source, ACCOUNT)
        for target, mark, account, ms, counter, log, seq, entry, value in self._source.execute(
            "SELECT target, mark, account, ms, counter, log, seq, entry, value FROM mark"
        ):
            who = self._own.account if account == former and mark == Mark.REACTION else account
            yield (target, mark, who, ms, counter, log, seq, entry + above, value)

    def _acks(self) -> Iterator[tuple[Any, ...]]:
        """Nobody needs to be told of them."""
        for log, device, seq in self._source.execute("SELECT log, device, seq FROM ack"):
            yield (log, device, seq, 0)

    def _index(self, above: int) -> None:
        """Full text: an export has none."""
        numbers = self._c.execute("SELECT n FROM entry WHERE n > ? AND shown = ?", (above, int(Shown.TEXT))).fetchall()
        for (n,) in numbers:
            text = shown_text(self._c, n)
            if text:
                index(self._c, n, text)

    def _raise_clocks(self) -> None:
        """What is written from now on comes after what was brought in."""
        for n in set(self._shown_in.values()):
            row = self._c.execute(
                "SELECT ms, counter FROM entry WHERE conversation = ? AND ms <= ?"
                " ORDER BY ms DESC, counter DESC LIMIT 1",
                (n, self._now + limits.FUTURE_MILLISECONDS_MAX),
            ).fetchone()
            if row is not None:
                self._c.execute(
                    "UPDATE conversation SET ms = ?, counter = ? WHERE n = ? AND (ms, counter) < (?, ?)",
                    (*row, n, *row),
                )

    def _registers(self) -> None:
        """What our own devices are to know too is said in *self*."""
        for contact in contacts_of(self._source):
            if contact.state == "blocked":  # and stays it, whoever we are
                self._say(contact)
            elif contact.state != "removed":
                self._say(msgspec.structs.replace(contact, state="imported"))
        for _, value in registers(self._source, "trust"):
            self._say(decode(value, TrustSet, limits.ENTRY_MAX_BYTES))
        for _, value in registers(self._source, "setting"):
            setting = decode(value, Setting, limits.ENTRY_MAX_BYTES)
            if setting.key != NAME_SETTING:  # labels of the former devices stay: they are shown when it is recovered
                self._say(setting)
        bring_timers(self._source, self._c, self._places)

    def _say(self, body: Contact | TrustSet | Setting | Card) -> None:
        self._gate.append_own(self._c, self._self_id, body, self._now)


def bring_timers(source: Connection, c: Connection, places: Mapping[bytes, ConversationId]) -> None:
    """The timers of the source's conversations, under the ids that these have here."""
    for key, value in registers(source, TIMER_REGISTER):
        if key in places:
            c.execute("INSERT INTO register VALUES (?, ?, 0, 0, x'', 0, 0, ?)", (TIMER_REGISTER, places[key], value))


def contacts_of(source: Connection) -> list[Contact]:
    """All contacts of a store, as the user has left them."""
    found = [contact_of(source, account) for account, _ in registers(source, "contact")]
    return [contact for contact in found if contact is not None]
