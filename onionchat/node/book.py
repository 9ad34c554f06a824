"""The book: people, requests, invitations and settings, in memory; always what the database says."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from onionchat import limits
from onionchat.codec import decode
from onionchat.errors import LocalError, RemoteError
from onionchat.identity.account import Roster, fold, roster_fingerprint
from onionchat.identity.contact import suggest_name
from onionchat.ids import AccountId, ConversationId, DeviceId, id_text, parse_id
from onionchat.kinds import account as kinds
from onionchat.log.entry import direct_id
from onionchat.store import people
from onionchat.store.db import Connection
from onionchat.store.own import Own
from onionchat.store.people import DeviceRow
from onionchat.text import name_key, skeleton

V = TypeVar("V")
PREFIX_MIN_CHARACTERS = 6
FORCED_SETTING = "forced:"
DISPUTE_SETTING = "dispute:"


@dataclass
class Person:
    """A contact. `devices`: the active ones whose cards are known; `former`: those that were removed."""

    value: kinds.Contact
    trust: str
    roster: Roster | None
    devices: dict[DeviceId, DeviceRow]
    former: tuple[DeviceId, ...]
    conversation: ConversationId
    is_forced: bool = False  # compromised, and the user has said to write all the same
    is_settled: bool = False  # in dispute, and the user has compared words with those that are left
    shown: str = ""  # its name with a number, when an older contact was given the same on a device that was apart

    @property
    def account(self) -> AccountId:
        """Its AccountId."""
        return AccountId(self.value.account)

    @property
    def name(self) -> str:
        """The local pet name; no two contacts are shown with one."""
        return self.shown or self.value.name

    @property
    def is_active(self) -> bool:
        """Whether its devices may have channels with us."""
        return self.may_speak and not self.is_disputed

    @property
    def may_speak(self) -> bool:
        """Whether what its devices say of their account is heard."""
        return self.value.state == "active" and (self.trust != "compromised" or self.is_forced)

    @property
    def is_disputed(self) -> bool:
        """Whether its devices accuse each other, and the user has not said who is who."""
        return self.roster is not None and self.roster.disputed and not self.is_settled

    @property
    def stolen(self) -> frozenset[DeviceId]:
        """The devices that were reported as stolen."""
        removed = self.roster.removed if self.roster is not None else {}
        return frozenset(device for device, removal in removed.items() if removal.reason == "stolen")


@dataclass
class Book:
    """Everything about people. Reloaded register by register, after each commit that touched it."""

    own: Own
    people: dict[AccountId, Person] = field(default_factory=dict)
    asked: dict[bytes, kinds.Asked] = field(default_factory=dict)
    requests: dict[AccountId, kinds.Request] = field(default_factory=dict)
    invitations: dict[bytes, kinds.Invitation] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    timers: dict[ConversationId, int] = field(default_factory=dict)
    own_devices: dict[DeviceId, DeviceRow] = field(default_factory=dict)
    own_roster: Roster | None = None
    this_device: DeviceRow | None = None
    _holders: dict[str, set[AccountId]] = field(default_factory=lambda: defaultdict(set))
    _keys: dict[AccountId, frozenset[str]] = field(default_factory=dict)
    _renumbered: list[Person] = field(default_factory=list)

    # --- loading -------------------------------------------------------------------------------------
    def load(self, c: Connection) -> None:
        """Read everything."""
        for kind in ("contact", "asked", "request", "invitation", "setting", "timer"):
            for key, _ in people.registers(c, kind):
                self.reload_register(c, kind, key)
        self.reload_account(c, self.own.account)
        self._renumbered.clear()

    def reload_register(self, c: Connection, kind: str, key: bytes) -> None:
        """One register changed."""
        value = people.register(c, kind, key)
        if value is None:
            self._drop_register(c, kind, key)
            return
        match kind:
            case "contact" | "trust" | "choice":
                self.reload_account(c, AccountId(key[: limits.KEY_BYTES]))
            case "asked":
                self._set(self.asked, key, value, kinds.Asked)
            case "request":
                self._set(self.requests, AccountId(key), value, kinds.Request)
            case "invitation":
                self._set(self.invitations, key, value, kinds.Invitation)
            case "setting":
                setting = _decoded(value, kinds.Setting)
                if setting is not None:
                    self.settings[setting.key] = setting.value
                    self._reload_account_of(c, setting.key)
            case "timer":
                self.timers[ConversationId(key)] = int.from_bytes(value, "big")
            case _:
                pass

    def _reload_account_of(self, c: Connection, key: str) -> None:
        """Some settings are about a contact."""
        for prefix in (FORCED_SETTING, DISPUTE_SETTING):
            if key.startswith(prefix):
                try:
                    account = AccountId(parse_id(key.removeprefix(prefix)))
                except LocalError:
                    return
                self.reload_account(c, account)

    def _drop_register(self, c: Connection, kind: str, key: bytes) -> None:
        """What a stolen device has written after the end of its log is not there any more."""
        match kind:
            case "contact" | "trust" | "choice":
                self.reload_account(c, AccountId(key[: limits.KEY_BYTES]))
            case "asked":
                self.asked.pop(key, None)
            case "request":
                self.requests.pop(AccountId(key), None)
            case "invitation":
                self.invitations.pop(key, None)
            case "setting":
                name = key.decode("utf-8", "replace")
                self.settings.pop(name, None)
                self._reload_account_of(c, name)
            case "timer":
                self.timers.pop(ConversationId(key), None)
            case _:
                pass

    def _set(self, table: dict[bytes, V] | dict[AccountId, V], key: bytes, value: bytes, kind: type[V]) -> None:
        decoded = _decoded(value, kind)
        if decoded is not None:
            table[key] = decoded  # type: ignore[index]

    def reload_account(self, c: Connection, account: AccountId) -> None:
        """Statements, cards, trust or the contact itself changed."""
        roster = _roster(people.statements_of(c, account), account)
        rows = people.devices_of(c, account)
        active = {row.id: row for row in rows if roster is None or roster.is_member(row.id)}
        if account == self.own.account:
            self.own_roster, self.own_devices = roster, active
            self.this_device = next((row for row in rows if row.id == self.own.device), None)
            self.own.is_out = roster is not None and self.own.device in roster.devices - roster.active
            return
        value = people.contact_of(c, account)
        if value is None:
            self._drop_person(account)
            return
        trust = people.register(c, "trust", account)
        said = _decoded(trust, kinds.TrustSet) if trust is not None else None
        self.people[account] = Person(
            value,
            said.trust if said else "unvalidated",
            roster,
            active if roster is not None else {},
            tuple(row.id for row in rows if row.id not in active),
            direct_id(self.own.account, account),
            _is_set(people.register(c, "setting", forced_setting(account).encode())),
            roster is not None and _said(c, dispute_setting(account)) == roster_fingerprint(roster).hex(),
        )
        self._settle_names(account)

    def _drop_person(self, account: AccountId) -> None:
        """A stolen device had added it, after the end of its log."""
        if self.people.pop(account, None) is None:
            return
        keys = self._keys.pop(account, frozenset())
        for key in keys:
            self._holders[key].discard(account)
        concerned = {other for key in keys for other in self._holders[key]}
        if concerned:
            self._number(concerned)

    # --- names ---------------------------------------------------------------------------------------
    def _settle_names(self, account: AccountId) -> None:
        """Devices that are apart may give two contacts one name. The older contact keeps it, everywhere the same."""
        person = self.people[account]
        before = self._keys.pop(account, frozenset())
        for key in before:
            self._holders[key].discard(account)
        after: frozenset[str] = frozenset()
        if person.value.state != "removed" and person.value.name:
            after = self._keys[account] = _name_keys(person.value.name)
        for key in after:
            self._holders[key].add(account)
        concerned = {other for key in before | after for other in self._holders[key]} | {account}
        for key in before | after:
            if not self._holders[key]:
                del self._holders[key]
        if len(concerned) > 1 or person.shown:
            self._number(concerned)

    def _number(self, concerned: set[AccountId]) -> None:
        used = [p.value.name for p in self.people.values() if p.account not in concerned and p.value.state != "removed"]
        used += [p.shown for p in self.people.values() if p.account not in concerned and p.shown]
        for person in sorted((self.people[a] for a in concerned), key=lambda p: (p.value.since_ms, p.account)):
            name = person.value.name
            if person.value.state == "removed":
                person.shown = ""
                continue
            taken = frozenset[str]().union(*map(_name_keys, used))
            shown = suggest_name(name, used) if name and _name_keys(name) & taken else ""
            if shown and shown != person.shown:
                self._renumbered.append(person)
            person.shown = shown
            used.append(shown or name)

    def renumbered(self) -> list[Person]:
        """Contacts that are shown with a number since the last call."""
        found, self._renumbered = self._renumbered, []
        return [person for person in found if person.shown and self.people.get(person.account) is person]

    # --- looking up ----------------------------------------------------------------------------------
    def contacts(self) -> list[Person]:
        """Active and blocked contacts, by name."""
        kept = (person for person in self.people.values() if person.value.state != "removed")
        return sorted(kept, key=lambda person: person.name.casefold())

    def active(self) -> Iterator[Person]:
        """Contacts whose devices may have channels with us."""
        return (person for person in self.people.values() if person.is_active)

    def names(self) -> list[str]:
        """Pet names in use."""
        return [person.name for person in self.contacts()]

    def find(self, name: str) -> Person:
        """A contact by pet name, or by (the beginning of) its id. LocalError when there is none."""
        wanted = name_key(name)
        for person in self.contacts():
            if name_key(person.name) == wanted:
                return person
        found = [person for person in self.contacts() if is_id_of(name, person.account)]
        if len(found) == 1:
            return found[0]
        raise LocalError(f"there is no contact called {_quoted(name)}; `onionchat contacts` lists them")

    def person_of(self, device: DeviceId) -> Person | None:
        """The contact that a device (active or former) belongs to."""
        for person in self.people.values():
            if device in person.devices or device in person.former:
                return person
        return None

    def by_conversation(self, conversation: bytes) -> Person | None:
        """The contact of a direct conversation."""
        return next((p for p in self.people.values() if p.conversation == conversation), None)

    @property
    def own_name(self) -> str:
        """What we call ourselves to others."""
        return self.settings.get("name", "")

    @property
    def is_member(self) -> bool:
        """Whether this device is one of its account: it may have been removed, or not be admitted yet."""
        return self.own_roster is not None and self.own_roster.is_member(self.own.device)

    @property
    def is_out(self) -> bool:
        """Whether this device was one of its account, and is none any more."""
        return self.own.is_out

    @property
    def may_return(self) -> bool:
        """Whether this device is out, and the recovery key may let it in again: another one has called it stolen."""
        roster = self.own_roster
        removal = roster.removed.get(self.own.device) if roster is not None else None
        if roster is None or removal is None or roster.recovery_public is None:
            return False
        return removal.reason == "stolen" and removal.by is not None

    @property
    def other_devices(self) -> dict[DeviceId, DeviceRow]:
        """Our account's devices but this one, as far as their cards are known."""
        return {device: row for device, row in self.own_devices.items() if device != self.own.device}

    def device_label(self, device: DeviceId) -> str:
        """The label of an own device; stays among own devices."""
        return self.settings.get(f"device:{id_text(device)}", "") or id_text(device)[:8]


def _name_keys(name: str) -> frozenset[str]:
    """What may not be equal in two names: how they read, and how they look."""
    return frozenset((name_key(name), skeleton(name)))


def forced_setting(account: bytes) -> str:
    """The setting that lets a compromised contact have channels, until it is marked anew."""
    return FORCED_SETTING + id_text(account)


def dispute_setting(account: bytes) -> str:
    """The setting that lets an account in dispute talk: the fingerprint of the roster that the user has validated."""
    return DISPUTE_SETTING + id_text(account)


def _said(c: Connection, key: str) -> str:
    value = people.register(c, "setting", key.encode())
    setting = _decoded(value, kinds.Setting) if value is not None else None
    return "" if setting is None else setting.value


def _is_set(value: bytes | None) -> bool:
    setting = _decoded(value, kinds.Setting) if value is not None else None
    return setting is not None and bool(setting.value)


def is_id_of(text: str, raw: bytes) -> bool:
    """Whether `text` is (the beginning of) an id."""
    text = text.strip().lower()
    return len(text) >= PREFIX_MIN_CHARACTERS and id_text(raw).startswith(text)


def _roster(statements: list[bytes], account: AccountId) -> Roster | None:
    try:
        return fold(statements, account) if statements else None
    except RemoteError:
        return None


def _decoded(value: bytes, kind: type[V]) -> V | None:
    try:
        return decode(value, kind, limits.ENTRY_MAX_BYTES)
    except RemoteError:
        return None


def _quoted(name: str) -> str:
    from onionchat.text import safe_line

    return f"“{safe_line(name)[: limits.NAME_MAX_CHARACTERS]}”"
