"""An import that is recovered: a new database, of a new device of the account that the history came from.

The imported profile is the source, and is thrown away afterwards, with its account. Archives become the real
conversations again: the logs of the lost devices are whole in them, so they are offered and gone on from; the new
device writes logs of its own. Only of *self* there is no more than notes, so its old logs stay an archive. No contact
can be reached before it was met by a link: discovery keys are in no export.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec

from onionchat import limits
from onionchat.codec import decode
from onionchat.crypto.hashing import labelled_hash
from onionchat.errors import LocalError
from onionchat.ids import AccountId, ConversationId, id_text
from onionchat.kinds.account import Setting, TrustSet
from onionchat.kinds.changes import Mark
from onionchat.kinds.fold import Place
from onionchat.log.certificate import Belief
from onionchat.log.entry import Header, direct_id
from onionchat.node.accounts import cards_of
from onionchat.node.export import TALK, kind_of_content
from onionchat.node.founding import DEVICE_SETTING, found_device
from onionchat.node.importing import Bringing, bring_timers, contacts_of
from onionchat.store.db import Connection, explained
from onionchat.store.gate import NO_LOG, Gate
from onionchat.store.own import DeviceKeys, Own, write_own
from onionchat.store.people import add_card, add_statements, devices_of, registers, statements_of
from onionchat.text import name_key

ARCHIVE_LABEL = b"archive"
_KNOWN = ("imported", "blocked")


@dataclass(frozen=True)
class Revival:
    """The new device, and the account with the statements that admit it."""

    keys: DeviceKeys = field(repr=False)
    account: AccountId
    statements: tuple[bytes, ...]


def require_unused(source: Connection, own: Own) -> None:
    """LocalError when somebody was met, or another device linked, as the account that the import made."""
    (logs,) = source.execute(
        "SELECT count(*) FROM log JOIN conversation ON conversation.n = log.conversation WHERE place = 'direct'"
    ).fetchone()
    others = [row for row in devices_of(source, own.account) if row.id != own.device]
    if logs or others or any(contact.state == "active" for contact in contacts_of(source)):
        raise LocalError(
            "since the import this profile has met people, or has another device, as a new account: import the export"
            " once more, into another --profile, and recover that"
        )


def revive(
    source: Connection, imported: Own, revival: Revival, c: Connection, random: Callable[[int], bytes], now_ms: int
) -> Own:
    """Fill a new database from an import. Runs inside a transaction of `c`."""
    own = write_own(c, revival.keys, revival.account)
    add_statements(c, own.account, revival.statements)
    found_device(c, own, revival.keys, random, now_ms)
    with explained():
        _Reviving(source, imported, c, own, Gate(own, random), now_ms).run()
    return own


class _Reviving(Bringing):
    """As an import, but that the account is the one that it came from."""

    def __init__(self, source: Connection, imported: Own, c: Connection, own: Own, gate: Gate, now_ms: int) -> None:
        super().__init__(source, c, own, gate, now_ms)
        self._imported = imported
        self._contacts = {contact.account: contact for contact in contacts_of(source) if contact.state in _KNOWN}
        self._own_places: set[int] = set()  # the import's own *self*, where more than notes is

    def run(self) -> None:
        """See the class."""
        super().run()
        self._c.execute("UPDATE log SET belief = ? WHERE belief = ? AND seed IS NULL", (Belief.VOUCHED, Belief.OWN))
        live = "(SELECT n FROM conversation WHERE place = 'direct')"
        self._c.execute(f"UPDATE log SET covered = 0 WHERE conversation IN {live}")  # noqa: S608
        for n, seq, floor_seq in self._c.execute(
            f"SELECT n, seq, floor_seq FROM log WHERE conversation IN {live}"  # noqa: S608
        ).fetchall():
            self._raise_floor(n, seq, floor_seq)

    def _devices(self) -> None:
        rows = self._source.execute("SELECT id, account, certificate, discovery, last_seen FROM device").fetchall()
        for device, account, raw, discovery, last_seen in rows:
            add_card(self._c, bytes(account), bytes(raw), bytes(discovery))
            self._c.execute("UPDATE device SET last_seen = ? WHERE id = ?", (last_seen, device))

    # --- conversations ----------------------------------------------------------------------------------------
    def _make_conversations(self) -> dict[int, int]:
        """Where logs stand; where entries are shown is in `_shown_in`."""
        rows = self._source.execute("SELECT n, id, place, account FROM conversation").fetchall()
        live = {direct_id(self._own.account, AccountId(account)): account for account in self._contacts}
        for conversation, account in live.items():
            self._gate.open_conversation(self._c, conversation, Place.DIRECT, account)
        homes = {}
        for n, raw_id, place, account in rows:
            old = ConversationId(raw_id)
            home = shown = self._number(old) if old in live else self._archive(old)
            if Place(place) is Place.SELF:
                self._own_places.add(n)
                shown, self._places[old] = self._number(self._self_id), self._self_id
            elif Place(place) is Place.DIRECT and account in self._contacts:
                self._places[old] = direct_id(self._own.account, AccountId(account))
                shown = self._number(self._places[old])
            homes[n], self._shown_in[n] = home, shown
        return homes

    def _archive(self, old: ConversationId) -> int:
        """Of *self* under another name: its own is that of the conversation that goes on."""
        name = labelled_hash(ARCHIVE_LABEL, old) if old == self._self_id else old
        self._c.execute(
            "INSERT INTO conversation (id, place, account) VALUES (?, ?, ?)", (name, Place.ARCHIVE.value, b"")
        )
        return self._number(name)

    def _entries(self, above: int) -> Iterator[tuple[Any, ...]]:
        """What the import wrote in its own *self* names and holds keys of an account that is no more."""
        own_logs = {
            self._logs[n]
            for n, conversation in self._source.execute("SELECT n, conversation FROM log")
            if conversation in self._own_places and n in self._logs
        }
        for row in super()._entries(above):
            content = row[-1]
            if row[1] != NO_LOG and row[1] in own_logs and (content is None or kind_of_content(content) not in TALK):
                continue
            yield row

    def _marks(self, above: int) -> Iterator[tuple[Any, ...]]:
        """The import made reactions of ours its own: back."""
        for target, mark, account, ms, counter, log, seq, entry, value in self._source.execute(
            "SELECT target, mark, account, ms, counter, log, seq, entry, value FROM mark"
        ):
            is_ours = mark == Mark.REACTION and account == self._imported.account
            yield (target, mark, self._own.account if is_ours else account, ms, counter, log, seq, entry + above, value)

    def _raise_floor(self, log: int, seq: int, floor_seq: int) -> None:
        """Over the last gap that a damaged store left in a log: what is below is shown here, and not passed on."""
        above = seq + 1
        for (found,) in self._c.execute(
            "SELECT seq FROM entry WHERE log = ? AND seq > ? ORDER BY seq DESC", (log, floor_seq)
        ):
            if found != above - 1:
                break
            above = found
        if above == floor_seq + 1:
            return
        if above > seq:
            self._c.execute("UPDATE log SET floor_seq = seq, floor_id = head WHERE n = ?", (log,))
            return
        (raw,) = self._c.execute("SELECT header FROM entry WHERE log = ? AND seq = ?", (log, above)).fetchone()
        prev = decode(bytes(raw), Header, limits.ENTRY_MAX_BYTES).prev
        self._c.execute("UPDATE log SET floor_seq = ?, floor_id = ? WHERE n = ?", (above - 1, prev, log))

    # --- registers --------------------------------------------------------------------------------------------
    def _registers(self) -> None:
        """And what further devices have to know to believe the old logs: all that was ever a device of these people."""
        for account in (self._own.account, *self._contacts):
            rows = [row for row in devices_of(self._c, account) if row.id != self._own.device]
            cards = [(row.certificate_raw, b"") for row in rows]
            for body in cards_of(account, statements_of(self._c, account), cards):
                self._say(body)
        for contact in self._contacts.values():
            state = "active" if contact.state == "imported" else contact.state
            self._say(msgspec.structs.replace(contact, state=state))
        for _, value in registers(self._source, "trust"):
            self._say(decode(value, TrustSet, limits.ENTRY_MAX_BYTES))
        settings = [decode(value, Setting, limits.ENTRY_MAX_BYTES) for _, value in registers(self._source, "setting")]
        kept = [setting for setting in settings if setting.key != DEVICE_SETTING + id_text(self._imported.device)]
        for setting in kept:
            self._say(setting)
        taken = [setting.value for setting in kept if setting.key.startswith(DEVICE_SETTING)]
        self._say(Setting(DEVICE_SETTING + id_text(self._own.device), _free_label(taken)))
        bring_timers(self._source, self._c, self._places)


def _free_label(taken: Collection[str]) -> str:
    """Of a device that nobody has named; the user can rename it."""
    used = {name_key(label) for label in taken}
    return next(label for number in count(1) if name_key(label := f"device {number}") not in used)
