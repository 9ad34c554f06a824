"""Recovering an account by its 24 words, on a profile that nobody else has open. docs/spec/linking.md, "Recovering".

A profile that is a device of the account, in or out, is so again under its own keys. One that was imported from an
export of the account becomes a new device of it (reviving.py). In both cases the recovery key says who else is out.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from onionchat import limits
from onionchat.codec import decode
from onionchat.crypto.keys import SigningKey, is_equal
from onionchat.crypto.memory import overwrite_let_go
from onionchat.crypto.vault import Cost
from onionchat.crypto.words import parse_recovery_words
from onionchat.errors import LocalError, StoreError
from onionchat.identity.account import Roster, fold
from onionchat.identity.recovery import Ends, Removing, require_recovery_key, speak
from onionchat.ids import AccountId, DeviceId, id_text
from onionchat.kinds.account import Setting
from onionchat.log.entry import NO_ENTRY, self_id
from onionchat.node import reviving
from onionchat.node.accounts import ACTIVE, cards_of, states_of
from onionchat.node.book import is_id_of
from onionchat.node.folder import database_path
from onionchat.node.founding import DEVICE_SETTING, move_device
from onionchat.node.importing import FORMER_ACCOUNT
from onionchat.node.profile import exchange_store, fill_database, now_ms, settle_recovery, take
from onionchat.store.cutting import complete_mark, cuts_of
from onionchat.store.db import Connection, connect, explained, migrate
from onionchat.store.gate import Gate
from onionchat.store.own import DeviceKeys, end_linking, get_meta, load_own
from onionchat.store.people import contact_of, devices_of, register, registers, statements_of
from onionchat.store.reader import StoreReader
from onionchat.text import name_key

Random = Callable[[int], bytes]
Reason = Literal["retired", "stolen"]


@dataclass(frozen=True)
class OtherDevice:
    """A device of the account, other than this one. `state`: active, removed, stolen, voided."""

    id: DeviceId
    label: str
    state: str
    linked_by: str  # a label; empty for the first device, and for those that the recovery words admitted

    @property
    def short_id(self) -> str:
        """Enough of the id to name it."""
        return id_text(self.id)[:12]


@dataclass
class Recovered:
    """What has changed. The lists hold labels."""

    is_new_device: bool  # the profile was an import, and is another device now
    is_admitted: bool  # this device was out, or new, and is in now; as far as it knew
    removed: list[str] = field(default_factory=list)  # as the user wanted
    fell: list[str] = field(default_factory=list)  # out too, since a stolen one had linked them
    returned: list[str] = field(default_factory=list)  # in again: a stolen one had removed them
    contacts: int = 0  # to be met by a link, each


class Recovery:
    """An attempt: opened with the words, then carried out or not, then closed."""

    def __init__(
        self,
        directory: Path,
        passphrase: str,
        words: str,
        cost: Cost = Cost.MODERATE,
        random: Random = os.urandom,
    ) -> None:
        """LocalError: these are no recovery words, or not of an account of this profile; it is in use, or not there.

        LockedError: wrong passphrase. StoreError: damaged.
        """
        self._recovery = SigningKey(parse_recovery_words(words))
        self._directory, self._passphrase, self._cost, self._random = directory, passphrase, cost, random
        key, self._lock = take(directory, passphrase)
        try:
            self._c: Connection = connect(database_path(directory), key)
            try:
                self._begin()
            except BaseException:
                self._c.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def _begin(self) -> None:
        migrate(self._c)
        self._own = load_own(self._c)
        self.account = self._wanted_account()
        self.is_new_device = self.account != self._own.account
        if self.is_new_device:
            reviving.require_unused(self._c, self._own)
        self._roster = self._roster_of(self.account)

    def _wanted_account(self) -> AccountId:
        """The profile's own account, or the one that it was imported from: whichever the words are of."""
        former = get_meta(self._c, FORMER_ACCOUNT)
        accounts = [self._own.account, *([AccountId(former)] if former else [])]
        for account in accounts:
            public = self._roster_of(account).recovery_public
            if public is not None and is_equal(public, self._recovery.public):
                return account
        require_recovery_key(self._roster_of(accounts[-1]), self._recovery)
        raise AssertionError("one of the accounts has this key")

    def _roster_of(self, account: AccountId) -> Roster:
        statements = statements_of(self._c, account)
        if not statements:
            raise StoreError("the account's statements are not in this profile: recover from another export")
        return fold(statements, account)

    # --- looking -----------------------------------------------------------------------------------------------
    @property
    def devices(self) -> list[OtherDevice]:
        """All that the account ever had but this one, those that are in first."""
        roster, states = self._roster, states_of(self._roster)
        others = [device for device in states if device != self._own.device]
        ordered = sorted(others, key=lambda device: (states[device] != ACTIVE, device))
        return [
            OtherDevice(
                device,
                self._label(device),
                states[device],
                self._label(roster.admitted_by[device]) if device in roster.admitted_by else "",
            )
            for device in ordered
        ]

    @property
    def is_disputed(self) -> bool:
        """Whether devices have put each other out: those that are out are to be asked about, too."""
        return self._roster.disputed

    def find(self, text: str) -> OtherDevice:
        """A device by its label or (the beginning of) its id. LocalError when there is none, or several."""
        known = self.devices
        found = [device for device in known if name_key(device.label) == name_key(text)]
        found = found or [device for device in known if is_id_of(text, device.id)]
        if len(found) != 1:
            listed = ", ".join(f"{device.label} ({device.short_id})" for device in known) or "none"
            raise LocalError(f"that is not one other device of this account; the others are: {listed}")
        return found[0]

    def _label(self, device: DeviceId) -> str:
        value = register(self._c, "setting", (DEVICE_SETTING + id_text(device)).encode())
        label = decode(value, Setting, limits.ENTRY_MAX_BYTES).value if value is not None else ""
        return label or id_text(device)[:8]

    # --- carrying out ------------------------------------------------------------------------------------------
    def carry_out(self, removals: Mapping[DeviceId, Reason], keep: Iterable[DeviceId] = ()) -> Recovered:
        """Let the recovery key speak, and make this profile a device of the account. Errors of `speak`."""
        keys = DeviceKeys.generate(self._random) if self.is_new_device else None
        identity = keys.identity if keys is not None else self._own.identity
        before, statements = self._roster, statements_of(self._c, self.account)
        how = {
            device: Removing(reason, self._ends(device) if reason == "stolen" else ())
            for device, reason in removals.items()
        }
        spoken = speak(statements, self._recovery, identity, how, frozenset(keep))
        labels = {device: self._label(device) for device in before.devices}  # the database may be another one soon
        if keys is not None:
            contacts = self._revive(keys, (*statements, *spoken.statements))
        else:
            contacts = 0
            self._commit(spoken.statements, any(device in before.active for device in removals))
        after, own = spoken.roster, DeviceId(identity.public)
        gone = before.active - after.active - {own}
        return Recovered(
            is_new_device=keys is not None,
            is_admitted=own not in before.active or before.disputed,
            removed=sorted(labels[device] for device in removals),
            fell=sorted(labels[device] for device in gone - removals.keys()),
            returned=sorted(labels[device] for device in after.active - before.active - {own}),
            contacts=contacts,
        )

    def _commit(self, said: tuple[bytes, ...], has_lost_one: bool) -> None:
        """In place. A new address goes with a device that is out now, as it has the key of the present one."""
        own, c, now = self._own, self._c, self._now_ms()
        if not said:
            return
        gate = Gate(own, self._random)
        with explained():
            c.execute("BEGIN IMMEDIATE")
            (row,) = [row for row in devices_of(c, own.account) if row.id == own.device]
            card = (row.certificate_raw, row.discovery)
            if has_lost_one:
                _, card = move_device(c, own, now, True, self._random)
            for body in cards_of(own.account, said, (card,)):
                gate.append_own(c, self_id(own.account), body, now)
            end_linking(c)
            settle_recovery(c)  # who has typed the words has them
            c.execute("COMMIT")

    def _now_ms(self) -> int:
        return now_ms()

    def _ends(self, device: DeviceId) -> Ends:
        """How far we have the logs of a device that was stolen, those written last first, as many as may be told."""
        every = (*cuts_of(self._c, self.account, device, self._random), (complete_mark(self.account), 0, NO_ENTRY))
        if len(every) <= limits.CUTS_MAX and not self.is_new_device:  # an import has them in archives
            return every
        rows = self._c.execute(
            "SELECT id, seq, head FROM log WHERE device = ? AND seq > 0 ORDER BY ms DESC LIMIT ?",
            (device, limits.CUTS_MAX),
        )
        return tuple((bytes(log), seq, bytes(head)) for log, seq, head in rows)

    def _revive(self, keys: DeviceKeys, statements: tuple[bytes, ...]) -> int:
        """Another database takes the import's place; how many contacts have to be met again."""
        revival = reviving.Revival(keys, self.account, statements)
        contacts = 0

        def found(c: Connection, random: Random, now: int) -> None:
            nonlocal contacts
            own = reviving.revive(self._c, self._own, revival, c, random, now)
            said = [contact_of(c, key) for key, _ in registers(c, "contact")]
            contacts = sum(contact is not None and contact.state == "active" for contact in said)
            assert StoreReader(c, own).own_logs(self_id(own.account))

        def fill(path: Path, key: bytes) -> None:
            fill_database(path, key, self._random, found)
            self._c.close()  # before it is renamed away

        exchange_store(self._directory, self._passphrase, fill, self._cost, self._random)
        return contacts

    def close(self) -> None:
        """Let go of the keys, and let others open the profile. Doing it twice is harmless."""
        self._c.close()
        self._passphrase = ""
        self._recovery = SigningKey(bytes(32))
        self._lock.release()
        overwrite_let_go()
