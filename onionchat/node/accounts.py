"""What follows when an account has changed, ours or a contact's: boxes, channels, what people are told.

Each change of a contact's devices is said once in its conversation, of ours in the notes; the table `announced` holds
what was said, and is written in the transaction that says it.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from onionchat import limits
from onionchat.identity.account import Roster, statements_for_contact
from onionchat.ids import AccountId, ConversationId, DeviceId
from onionchat.kinds import account as kinds
from onionchat.node.events import ContactChanged, ConversationChanged, LinkChanged
from onionchat.store.boxes import make_boxes
from onionchat.store.db import Connection
from onionchat.store.gate import Gate
from onionchat.store.own import end_linking

if TYPE_CHECKING:
    from onionchat.node.node import Node

ACTIVE, REMOVED, STOLEN, VOIDED = "active", "removed", "stolen", "voided"
CARD_BYTES_MAX = limits.ENTRY_MAX_BYTES // 2
"""Of statements in one entry of *self*, but that a single one may be longer."""


class News(NamedTuple):
    """A device whose state is another than what was said of it."""

    device: DeviceId
    state: str
    was_out: bool


class Accounts:
    """Everything that has to happen after `AccountLearned`."""

    def __init__(self, node: "Node") -> None:
        self._node = node

    def resume(self) -> None:
        """At start: what a crash cut off between a change and its being told."""
        self._make_boxes(self._node.own.account)
        for account in [self._node.own.account, *self._node.book.people]:
            self._announce(account)
        self._node.untrusting.look()

    def changed(self, account: AccountId) -> None:
        """Statements or cards of an account were committed."""
        node = self._node
        node.book.reload_account(node.store.reads, account)
        is_own = account == node.own.account
        if not is_own and account not in node.book.people:
            return
        self._make_boxes(account)
        self._announce(account)
        if is_own and not node.book.is_out:
            self._own_changed()
        node.peers.look_again(account)
        if node.book.is_out:
            node.untrusting.found_out()
        node.dialing.refresh()
        node.untrusting.look()
        node.emit(ContactChanged(account, "device"))

    def _own_changed(self) -> None:
        """Our own devices are others now: contacts who are connected hear of it at once."""
        node = self._node
        if node.own.is_linking and node.book.is_member:
            node.store.write(end_linking).addErrback(node.report)
            node.own.is_linking = False
            node.emit(LinkChanged())
        node.peers.announce_statements()

    # --- boxes -------------------------------------------------------------------------------------------
    def boxes(self, c: Connection, account: AccountId) -> list[ConversationId]:
        """Make the boxes that are missing, so that an account's devices can believe our logs whoever brings them.

        A job of the writer. The conversations in which any was made.
        """
        own = self._node.own
        where, values = ("TRUE", ()) if account == own.account else ("conversation.account = ?", (account,))
        logs = c.execute(
            "SELECT log.n, log.certificate, conversation.id, conversation.account FROM log JOIN conversation"  # noqa: S608
            f" ON conversation.n = log.conversation WHERE log.seed IS NOT NULL AND place != 'archive' AND {where}",
            values,
        ).fetchall()
        made = {
            ConversationId(conversation)
            for n, raw, conversation, member in logs
            if make_boxes(c, own, n, bytes(raw), bytes(member), self._node.random)
        }
        return sorted(made)

    def _make_boxes(self, account: AccountId) -> None:
        node = self._node
        own = node.own

        def told(conversations: list[ConversationId]) -> None:
            if not node.is_unlocked:
                return
            for conversation in conversations:
                node.syncing.boxes_made(conversation)
            if account != own.account:
                node.syncing.members_changed(node.book.people[account].conversation)
            else:
                node.syncing.all_members_changed()

        node.store.write(lambda c: self.boxes(c, account)).addCallbacks(told, node.report)

    # --- what is said ------------------------------------------------------------------------------------
    def _announce(self, account: AccountId) -> None:
        node = self._node
        is_own = account == node.own.account
        person = None if is_own else node.book.people.get(account)
        roster = node.book.own_roster if is_own else person.roster if person is not None else None
        if roster is None or (person is not None and person.value.state == "removed"):
            return
        conversation = node.store.self_id if person is None else person.conversation
        name = "" if person is None else person.name
        now_ms, states = node.now_ms(), states_of(roster)
        admitted_by = roster.admitted_by
        labels = {device: node.book.device_label(device) for device in states} if is_own else {}

        def job(c: Connection, gate: Gate) -> list[News]:
            rows = c.execute("SELECT device, state FROM announced WHERE account = ?", (account,)).fetchall()
            said = {DeviceId(device): state for device, state in rows}
            news = [
                News(device, state, said.get(device) in (REMOVED, STOLEN))
                for device, state in sorted(states.items())
                if said.get(device) != state
            ]
            for device, state, was_out in news:
                c.execute(
                    "INSERT INTO announced VALUES (?, ?, ?, ?) ON CONFLICT (account, device) DO UPDATE"
                    " SET state = excluded.state",
                    (account, device, state, now_ms if said else 0),
                )
                text = ""
                if said and is_own and device != node.own.device:
                    text = own_sentence(labels[device], state, was_out)
                elif said and not is_own and (state != VOIDED or device in said):
                    text = contact_sentence(name, state, device in admitted_by, was_out)
                if text:
                    gate.notice(c, conversation, text, now_ms)
            return news if said else []

        node.through_gate(job).addCallbacks(lambda news: self._told(account, conversation, news), node.report)

    def _told(self, account: AccountId, conversation: ConversationId, news: list[News]) -> None:
        if not news or not self._node.is_unlocked:
            return
        self._node.emit(ConversationChanged(conversation))
        person = self._node.book.people.get(account)
        roster = person.roster if person is not None else None
        if person is None or roster is None or person.trust != "validated":
            return
        if any(each.state == ACTIVE and (each.was_out or each.device not in roster.admitted_by) for each in news):
            # the recovery key let it in, and nobody has compared its words with whoever holds that
            self._node.append_self([kinds.TrustSet(account, "unvalidated")]).addErrback(self._node.report)

    # --- what contacts are told ---------------------------------------------------------------------------
    def statements_for(self, account: AccountId) -> tuple[bytes, ...]:
        """Our statements, as far as they are the business of a contact (or of whoever is to become one)."""
        roster, person = self._node.book.own_roster, self._node.book.people.get(account)
        if roster is None:
            return ()
        if person is None:
            return tuple(statements_for_contact(roster, roster.active))
        known = roster.devices - frozenset(map(DeviceId, person.value.dead))
        logs: list[bytes] = [head.log for head in self._node.reader.heads(person.conversation)]
        logs.append(person.conversation)  # under which it stands how many cuts there are for this contact
        return tuple(statements_for_contact(roster, known, logs))

    def dead_devices(self) -> tuple[bytes, ...]:
        """Devices of ours that are out: a contact that we meet now never hears of them."""
        roster = self._node.book.own_roster
        return (
            () if roster is None else tuple(sorted(roster.devices - roster.active))[: limits.STATEMENTS_PER_ACCOUNT_MAX]
        )


def states_of(roster: Roster) -> dict[DeviceId, str]:
    """Every device of an account that was ever heard of, and what it is now."""
    states = dict.fromkeys(roster.devices_voided | roster.devices_surplus, VOIDED)
    states |= {device: STOLEN if out.reason == "stolen" else REMOVED for device, out in roster.removed.items()}
    return states | dict.fromkeys(roster.active, ACTIVE)


def own_sentence(label: str, state: str, was_out: bool = False) -> str:
    """What is said in the notes of a device of ours."""
    if state == ACTIVE and was_out:
        return f"your device “{label}” is in again; if your recovery words did not do that, remove it at once"
    return {
        ACTIVE: f"your device “{label}” was linked; if that was not you, `untrust` it at once",
        REMOVED: f"your device “{label}” was removed",
        STOLEN: f"your device “{label}” was reported as stolen: it gets nothing any more",
        VOIDED: f"the device “{label}” is out: whoever linked it was not entitled to",
    }[state]


def contact_sentence(name: str, state: str, by_device: bool, was_out: bool = False) -> str:
    """What is said in the conversation of a device of a contact."""
    if state == ACTIVE and was_out:
        return f"a device of {name}'s that was out is in again: compare words again"
    if state == ACTIVE and not by_device:
        return f"{name} has a device that was admitted with the recovery words: compare words again"
    return {
        ACTIVE: f"{name} has a new device, linked by one that you know",
        REMOVED: f"{name} has removed a device",
        STOLEN: f"a device of {name}'s was reported as stolen: what it writes from now on is refused",
        VOIDED: f"a device of {name}'s is out: whoever linked it was not entitled to",
    }[state]


def cards_of(account: bytes, statements: Iterable[bytes], cards: Iterable[tuple[bytes, bytes]]) -> list[kinds.Card]:
    """Entries of *self* that hold all this, as many as are needed."""
    bodies: list[kinds.Card] = []
    chunk: list[bytes] = []
    for statement in statements:
        if chunk and sum(map(len, chunk)) + len(statement) > CARD_BYTES_MAX:
            bodies.append(kinds.Card(account, tuple(chunk), ()))
            chunk = []
        chunk.append(statement)
    every, most = tuple(cards), limits.DEVICES_PER_ACCOUNT_MAX
    bodies.append(kinds.Card(account, tuple(chunk), every[:most]))
    return bodies + [kinds.Card(account, (), every[i : i + most]) for i in range(most, len(every), most)]
