"""Removing a device of ours from the account, and what follows when one is out, of ours or of a contact's.

    untrust     one entry of *self* or more, in one transaction: removals, invitations closed, what is undone.
                The cuts take effect with it (store/cutting.py), and the channels of who is out end.
    move        every device that stays leaves its address, once for each device that held a key of it: `evaded` says
                for which that was done, and is written in the transaction of the new address, against crashes.
    answer      a device that was itself removed may say of the one that did it that it was stolen: both are out then.

A device that is out reads what it has. It dials nobody, but to bring its answer; it publishes and writes nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from twisted.internet.defer import Deferred

from onionchat import limits
from onionchat.errors import LocalError
from onionchat.identity.account import Add, Remove, Roster, make_remove, statement_id
from onionchat.ids import AccountId, DeviceId, StatementId
from onionchat.kinds import account as kinds
from onionchat.log.entry import NO_ENTRY
from onionchat.node.accounts import cards_of
from onionchat.node.events import LinkChanged
from onionchat.store import people
from onionchat.store.cutting import Named, complete_mark, cuts_of
from onionchat.store.db import Connection

if TYPE_CHECKING:
    from onionchat.node.node import Node

DAY_MS = 86_400_000


class Untrusting:
    """Removals by this device, and getting out of the way of who was removed."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._is_moving = False
        self._answered: set[DeviceId] = set()

    # --- removing --------------------------------------------------------------------------------------------
    def untrust(self, target: DeviceId, stolen: bool, undone: Sequence[bytes] = (), also: Sequence[Any] = ()) -> Any:
        """Remove a device of ours. Fires when it is on the disk, and nothing reaches the device any more.

        `undone`: devices that it admitted and that go with it. `also`: bodies for *self*, written in one transaction.
        LocalError: it is this device, or out, or none of ours.
        """
        node = self._node
        roster = self._require_removable(target, stolen)
        targets = self._with_their_own(roster, target, undone)
        statements = self._removals(roster, targets, stolen)
        if node.book.is_out:
            return self._answer(statements)
        closed = self._closed_invitations(set(targets), stolen)
        done = node.append_self([*cards_of(node.own.account, statements, ()), *closed, *also])
        return done.addCallback(lambda _: node.services.changed())

    def _require_removable(self, target: DeviceId, stolen: bool) -> Roster:
        book = self._node.book
        roster = book.own_roster
        if roster is None or target not in roster.devices:
            raise LocalError("that is no device of yours; `onionchat devices` lists them")
        if target == book.own.device:
            raise LocalError(
                "a device does not remove itself: do it at another one of yours; `onionchat wipe` destroys what is here"
            )
        removal = roster.removed.get(target)
        is_out = target not in roster.active
        if is_out and not (removal is not None and removal.reason == "retired" and stolen):
            raise LocalError("that device is out already")
        if book.is_out and target not in removers_of(roster, book.own.device):
            raise LocalError("this device was removed from its account: use another one, or the recovery words")
        if not book.is_out and not book.is_member:
            raise LocalError("this device does not belong to its account yet")
        return roster

    def _with_their_own(self, roster: Roster, target: DeviceId, undone: Sequence[bytes]) -> list[DeviceId]:
        """The device, those that go with it, and whoever came to the account through these alone."""
        spared = self._origins(roster)
        found = [target]
        for device in undone:
            if device not in spared:
                found.append(DeviceId(device))
        for device in found[1:]:
            fresh = [other for other, by in roster.admitted_by.items() if by == device]
            found += [other for other in sorted(fresh) if other not in found and other not in spared]
        return list(dict.fromkeys(found))

    def _origins(self, roster: Roster) -> set[DeviceId]:
        """This device and those through which it belongs to the account: they do not go by an oversight."""
        found: set[DeviceId] = set()
        device: DeviceId | None = self._node.own.device
        while device is not None and device not in found:
            found.add(device)
            device = roster.admitted_by.get(device)
        return found

    def _removals(self, roster: Roster, targets: Sequence[DeviceId], stolen: bool) -> list[bytes]:
        """The statements, each of which has seen the one before. A cut for every log: several, where they are many."""
        own = self._node.own
        gone = set(targets)
        heads: Sequence[bytes] = roster.heads_before(*removers_of(roster, own.device))
        made: list[bytes] = []
        for target in targets:
            keeps = [s.id for s in roster.statements_of(target) if isinstance(s.body, Add) and s.subject not in gone]
            for cuts in self._cuts(target) if stolen else [[]]:
                reason = "stolen" if stolen else "retired"
                made.append(make_remove(own.account, heads, target, reason, keeps, cuts, own.identity))  # type: ignore[arg-type]
                heads = [statement_id(made[-1])]
        return made

    def _cuts(self, target: DeviceId) -> list[list[Named]]:
        """Where each log of a device ends here; at the very end the mark that these are all."""
        node = self._node
        cuts = cuts_of(node.store.reads, node.own.account, target, node.random)
        most = limits.CUTS_MAX - 1
        chunks = [cuts[start : start + most] for start in range(0, len(cuts), most)] or [[]]
        chunks[-1].append((complete_mark(node.own.account), 0, NO_ENTRY))
        return chunks

    def _closed_invitations(self, targets: set[DeviceId], stolen: bool) -> list[kinds.Invitation]:
        """Links that the device gave out; all of them when it was stolen, for their keys are in *self*.

        Where somebody waits, the keys stay for the answer.
        """
        book = self._node.book
        awaited = {r.invitation for r in book.requests.values() if r.state == "waiting"}
        awaited |= {person.value.owed for person in book.people.values()}
        found = []
        for invitation in book.invitations.values():
            if invitation.state == "open" and (stolen or invitation.device in targets):
                closed = msgspec.structs.replace(invitation, state="closed")
                if invitation.key not in awaited:
                    closed = msgspec.structs.replace(closed, seed=b"", static=b"")
                found.append(closed)
        return found

    # --- being out -------------------------------------------------------------------------------------------
    def _answer(self, statements: Sequence[bytes]) -> "Deferred[None]":
        """This device is out, and nobody takes entries of it; its statement counts all the same."""
        node, account = self._node, self._node.own.account
        done = node.store.write(lambda c: people.add_statements(c, account, statements))
        return done.addCallback(lambda _: node.accounts.changed(account))

    def keep(self, statements: Sequence[bytes]) -> "Deferred[None]":
        """What a device that is out hears of its account."""
        return self._answer(statements)

    def to_tell(self) -> list[DeviceId]:
        """Whom a device that is out still dials: all who have not heard yet that the account is in dispute."""
        book = self._node.book
        roster = book.own_roster
        if roster is None or not roster.disputed:
            return []
        devices = [d for p in book.people.values() if p.value.state == "active" for d in p.devices]
        devices += [d for d in book.other_devices if d in roster.active]
        return [device for device in devices if device not in self._answered]

    def answers(self, device: DeviceId) -> None:
        """This device, which is out, is about to show another one all that it has to say."""
        roster = self._node.book.own_roster
        if roster is not None and roster.disputed:
            self._answered.add(device)

    def found_out(self) -> None:
        """This device is out: nothing is dialled or published any more, channels end."""
        node = self._node
        node.linking.cancel()
        node.services.changed()
        if self.to_tell():
            node.dialing.begin_anew()
        else:
            node.dialing.refresh()
            node.peers.close_all("done")
        node.meeting.close_all("done")
        node.emit(LinkChanged())

    # --- getting out of the way --------------------------------------------------------------------------------
    def look(self) -> None:
        """Move when somebody who is out holds a key of our address; not more often than is good."""
        node = self._node
        if self._is_moving or not node.is_unlocked or node.book.is_out or node.own.is_linking:
            return
        pending = self._pending_own() or self._pending_of_contacts()
        if not pending:
            return
        self._is_moving = True
        now_ms = node.now_ms()

        def evade(c: Connection) -> None:
            for account in {account for _, account in pending}:
                people.note_evaded(c, account, [device for device, of in pending if of == account], now_ms)

        def ended(result: Any) -> Any:
            self._is_moving = False
            return result

        held = not all(self._is_removed_here(device) for device, _ in pending)
        node.services.move(urgent=True, also=evade, held=held).addBoth(ended).addErrback(node.report)

    def _is_removed_here(self, device: bytes) -> bool:
        """Whether this device itself has removed it: then nobody has to be heard."""
        roster = self._node.book.own_roster
        removal = roster.removed.get(DeviceId(device)) if roster is not None else None
        return removal is not None and removal.by == self._node.own.device

    def _pending_own(self) -> list[tuple[bytes, bytes]]:
        book, account = self._node.book, self._node.own.account
        roster = book.own_roster
        if roster is None:
            return []
        out = roster.removed.keys() | roster.devices_voided
        pending = out - people.evaded(self._node.store.reads, account)
        return [(d, account) for d in sorted(pending)] if pending and self._may_move(account, is_own=True) else []

    def _pending_of_contacts(self) -> list[tuple[bytes, bytes]]:
        """Stolen devices of accounts that can find us where we are now."""
        node = self._node
        row = node.services.current_address()
        pending: list[tuple[bytes, bytes]] = []
        for person in node.book.people.values():
            if person.value.state != "active" or not person.stolen or row is None:
                continue
            fresh = person.stolen - people.evaded(node.store.reads, person.account)
            if fresh and people.has_slot(node.store.reads, row.key, person.account):
                if not self._may_move(person.account, is_own=False):
                    continue
                pending += [(device, person.account) for device in sorted(fresh)]
        return pending

    def _may_move(self, account: AccountId, is_own: bool) -> bool:
        """Whether it is not too often: a contact reports what it likes as stolen, and so does a thief among us."""
        c, since = self._node.store.reads, self._node.now_ms() - DAY_MS
        own = self._node.own.account
        query = "SELECT count(DISTINCT since) FROM evaded WHERE since > ? AND account"
        if is_own:
            (moves,) = c.execute(f"{query} = ?", (since, own)).fetchone()
            return int(moves) < limits.MOVES_FROM_OWN_PER_DAY_MAX
        (of_account,) = c.execute(f"{query} = ?", (since, account)).fetchone()
        (of_all,) = c.execute(f"{query} != ?", (since, own)).fetchone()
        old = len(people.addresses(c)) - 1
        return not of_account and of_all < limits.MOVES_PER_DAY_MAX and old < limits.OLD_ADDRESSES_MAX


def removers_of(roster: Roster, device: bytes) -> list[DeviceId]:
    """The devices that have removed this one."""
    found = {s.signer for s in roster.parsed if isinstance(s.body, Remove) and s.subject == device}
    return sorted(DeviceId(signer) for signer in found if signer in roster.devices)


def admitted_by_statement(roster: Roster, statement: StatementId) -> DeviceId | None:
    """The device that an `add` is of."""
    return next((s.subject for s in roster.parsed if s.id == statement and isinstance(s.body, Add)), None)
