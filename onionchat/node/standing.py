"""What follows, on every device of ours, when the user has said something of a contact, a request or a link on any.

`Node.appended` calls this after each commit in which registers changed, whichever device wrote them: so a contact that
is blocked on one device is shut out by all, as soon as they hear of it.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from onionchat.ids import AccountId
from onionchat.node.book import FORCED_SETTING, Person
from onionchat.node.events import RequestChanged
from onionchat.node.removal import finish_removals
from onionchat.text import safe_line

if TYPE_CHECKING:
    from onionchat.node.node import Node

FINISH_SECONDS = 30.0
"""So long another device of ours may take to say all that it forgets of a contact that it removed."""
ACCOUNT_BYTES = 32
OF_CONTACT = ("contact", "choice", "trust")
SHUT_OUT = ("blocked", "removed")


class Standing:
    """Carries out what registers say."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._timer: Any = None

    def stop(self) -> None:
        """At lock and stop."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def resume(self) -> None:
        """At start: what a crash cut off, and what came while no Tor was there."""
        finish_removals(self._node)

    def registers_changed(self, registers: Iterable[tuple[str, bytes]], is_own: bool) -> None:
        """`is_own`: this device has just written them, and does itself what only one device has to do."""
        node = self._node
        named = list(registers)
        people = {AccountId(key[:ACCOUNT_BYTES]) for kind, key in named if kind in OF_CONTACT}
        concerned = [node.book.people[account] for account in sorted(people) if account in node.book.people]
        for person in concerned:
            self._contact_changed(person, is_own)
        is_forced = any(kind == "setting" and key.startswith(FORCED_SETTING.encode()) for kind, key in named)
        kinds = {kind for kind, _ in named}
        if concerned or is_forced or "asked" in kinds:
            node.dialing.refresh()
        if concerned or kinds & {"invitation", "request"}:
            node.services.changed()
        if any(person.value.state in SHUT_OUT for person in concerned):
            node.services.leave_shut_out().addErrback(node.report)
        if not is_own:
            for kind, key in named:
                self._requests_changed(kind, key)
        self._tell_names()

    def _contact_changed(self, person: Person, is_own: bool) -> None:
        node = self._node
        if not person.is_active:
            node.peers.close_account(person.account)
        elif (budget := node.budget(person.conversation)) is not None:
            now = float(node.reactor.seconds())
            node.syncing.each_begun(person.conversation, lambda session: session.allow(budget, now))
        if person.value.state == "removed" and not is_own and self._timer is None:
            self._timer = node.reactor.callLater(FINISH_SECONDS, self._finish)

    def _finish(self) -> None:
        self._timer = None
        if self._node.is_unlocked:
            finish_removals(self._node)

    def _requests_changed(self, kind: str, key: bytes) -> None:
        """Another device of ours got, settled or sent one."""
        node = self._node
        if kind == "request" and (request := node.book.requests.get(AccountId(key))) is not None:
            if request.state == "accepted":
                node.meeting.accepted_elsewhere(request)
            node.emit(RequestChanged(AccountId(key), True, request.state))
        elif kind == "asked" and (asked := node.book.asked.get(key)) is not None:
            node.emit(RequestChanged(key, False, asked.state))

    def _tell_names(self) -> None:
        """Two contacts were given one name on devices that were apart."""
        node = self._node
        for person in node.book.renumbered():
            text = (
                f"another contact is called “{safe_line(person.value.name)}”, too:"
                f" this one is “{safe_line(person.name)}” until you rename one of them"
            )
            node.syncing.warn(person.conversation, text)
