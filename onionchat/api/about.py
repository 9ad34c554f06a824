"""Methods about the node itself: status, connections, devices, recovery, settings, lock."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from onionchat.api import types as t
from onionchat.api.present import Presenter
from onionchat.errors import LocalError, LockedError
from onionchat.ids import ConversationId, id_text
from onionchat.kinds import account as kinds
from onionchat.net.onions import OnionState
from onionchat.net.tor import TorState
from onionchat.node import profile
from onionchat.node.export import export_database
from onionchat.node.node import Node
from onionchat.store import messages as pages
from onionchat.store import people
from onionchat.store.gate import OUT
from onionchat.store.people import DeviceRow
from onionchat.store.rows import find_conversation

_TOR_STATES = {
    TorState.STOPPED: "off",
    TorState.CONNECTING: "connecting",
    TorState.WAITING: "lost",
    TorState.BOOTSTRAPPING: "bootstrapping",
    TorState.READY: "ready",
}
_SECRET_SETTINGS = ("draft:", "device:")


def tor_state(node: Node) -> str:
    """What Tor is doing, in a word."""
    if node.tor is None or not node.is_unlocked:
        return "off"
    return "lost" if node.tor_problem else _TOR_STATES[node.tor.status.state]


def onion_state(node: Node) -> Literal["unpublished", "publishing", "reachable"]:
    """How far this device's address is."""
    if node.tor is None or not node.is_unlocked:
        return "unpublished"
    row = node.services.current_address()
    state = OnionState.UNPUBLISHED if row is None else node.services.state(row.key)
    return state.value


DISPUTED = (
    "devices of this account have removed each other: contacts send nothing until the 24 recovery words have spoken;"
    " where there are none, make a new account and tell your contacts by another way"
)


class About:
    """See the module."""

    def __init__(self, node: Node, presenter: Presenter) -> None:
        self._node, self._present = node, presenter

    def methods(self) -> dict[str, Callable[[Any], Any]]:
        """By name."""
        return {
            "status.get": self.status,
            "connection.list": self.connections,
            "recovery.words": self.recovery_words,
            "recovery.settle": self.settle_recovery,
            "setting.get": self.setting,
            "setting.set": self.set_setting,
            "profile.export": self.export,
            "profile.passwd": self.change_passphrase,
            "profile.wipe": self.wipe,
            "node.lock": self.lock,
            "node.unlock": self.unlock,
        }

    # --- status --------------------------------------------------------------------------------------------
    def status(self, _: t.Nothing) -> t.Status:
        """The node, Tor, the onion, live peers, what is queued."""
        node = self._node
        tor = node.tor
        status = t.Status(
            device="",
            account="",
            name="",
            tor=t.TorStatus(state=tor_state(node), bootstrap=0, version=""),
            onion=onion_state(node),
            restricted_discovery=False,
            peers=[],
            missing=[],
            clock_skew_s=None,
            queued=0,
            running=tor is not None,
        )
        if tor is not None:
            now = tor.status
            status.tor.bootstrap, status.tor.version = now.bootstrap, now.version
            status.tor.summary = node.tor_problem or now.problem or now.summary
            status.tor.kind = "" if now.kind is None else now.kind.value
            status.missing = list(now.missing)
        status.warnings = list(node.warnings)
        if node.is_unlocked:
            self._fill_status(status)
        return status

    def _fill_status(self, status: t.Status) -> None:
        node = self._node
        book, c = node.book, node.store.reads
        status.device, status.account = id_text(node.own.device), id_text(node.own.account)
        status.name, status.device_label = book.own_name, book.device_label(node.own.device)
        status.restricted_discovery = node.services.is_restricted()
        status.onion_problem = node.services.problem()
        status.peers = self._peers()
        status.clock_skew_s = node.clocks.skew_seconds
        status.warnings += [node.clocks.warning] if node.clocks.warning else []
        status.queued = pages.queued_after(c, node.own.account, node.deliveries.out)
        row = node.services.current_address()
        if row is not None and book.this_device is not None:
            status.address = book.this_device.certificate.address_text
        if node.own.is_linking:
            status.linking = "refused" if node.linking_refused else "waiting"
        status.removed = node.book.is_out
        roster = book.own_roster
        if roster is not None and roster.disputed:
            status.warnings.append(DISPUTED)
        elif node.book.is_out:
            status.warnings.append(OUT)
        if node.own.history is not None:
            status.history_left = pages.history_left(c, node.own.history.not_before_ms) or None
        status.devices = len(book.own_devices)
        status.requests = sum(1 for request in book.requests.values() if request.state == "waiting")
        rows = c.execute("SELECT n FROM conversation WHERE place = 'direct'").fetchall()
        status.unread = sum(pages.unread_count(c, n) for (n,) in rows)
        status.recovery_pending = bool(profile.recovery_words(c))

    def _peers(self) -> list[t.PeerStatus]:
        node = self._node
        found = []
        for device, link in node.peers.live.items():
            person = node.book.person_of(device)
            rtt = link.channel.rtt_seconds
            since = node.now_ms() - int((node.reactor.seconds() - link.opened_at) * 1000)
            found.append(
                t.PeerStatus(
                    contact=person.name if person is not None else "",
                    device=id_text(device),
                    since=since,
                    rtt_ms=None if rtt is None else round(rtt * 1000, 1),
                )
            )
        return found

    # --- connections ----------------------------------------------------------------------------------------
    def connections(self, _: t.Nothing) -> list[t.PeerConnection]:
        """One line for each device of each contact, and for each other one of our own."""
        book = self._node.book
        own = [
            self._connection("", self._node.store.self_id, device, book.device_label(device.id))
            for device in people.devices_of(self._node.store.reads, book.own.account)  # the disk knows when seen
            if device.id in book.other_devices
        ]
        return own + [
            self._connection(person.name, person.conversation, device, f"device {number}")
            for person in book.contacts()
            for number, device in enumerate(self._present.devices(person), start=1)
        ]

    def _connection(
        self, contact: str, conversation: ConversationId, device: DeviceRow, label: str
    ) -> t.PeerConnection:
        node = self._node
        link = node.peers.live.get(device.id)
        explained = node.dialing.explain(device.id)
        state: Literal["connected", "dialling", "waiting", "idle"] = "idle"
        if link is not None:
            state = "connected"
        elif explained is not None:
            state = "dialling" if explained.state.value == "dialing" else "waiting"
        rtt = link.channel.rtt_seconds if link is not None else None
        row = find_conversation(node.store.reads, conversation)
        return t.PeerConnection(
            contact=contact,
            device=id_text(device.id),
            label=label,
            state=state,
            since=None if link is None else node.now_ms() - int((node.reactor.seconds() - link.opened_at) * 1000),
            rtt_ms=None if rtt is None else round(rtt * 1000, 1),
            tries=0 if explained is None else explained.tries,
            next_try_seconds=None if explained is None else explained.next_try_seconds,
            last_failure="" if explained is None else (explained.last_failure or ""),
            last_seen=device.last_seen,
            waiting_messages=0
            if row is None
            else pages.waiting_for(node.store.reads, node.own.account, row.n, device.id, node.deliveries.of),
        )

    # --- recovery, settings ---------------------------------------------------------------------------------
    def recovery_words(self, _: t.Nothing) -> t.RecoveryWords:
        """The 24 words while they are kept."""
        return t.RecoveryWords(words=profile.recovery_words(self._node.store.reads))

    def settle_recovery(self, params: t.RecoverySettled) -> Any:
        """Wipe the private half: it is on paper, or not wanted."""
        del params  # both answers wipe it; the difference is only in what the user has
        done = self._node.store.write(profile.settle_recovery)
        done.addCallback(lambda _: self._node.empty_write_ahead_log())
        return done.addCallback(lambda _: t.Done())

    def setting(self, params: t.Setting) -> t.SettingValue:
        """A setting's value."""
        return t.SettingValue(value=self._node.book.settings.get(params.key) or None)

    def set_setting(self, params: t.Setting) -> Any:
        """Write a setting."""
        if params.key.startswith(_SECRET_SETTINGS):
            raise LocalError("that setting has a command of its own")
        done = self._node.append_self([kinds.Setting(params.key, params.value or "")])
        return done.addCallback(lambda _: t.Done())

    # --- the store as a whole -------------------------------------------------------------------------------
    def export(self, params: t.ProfileExport) -> Any:
        """Write history and contacts to a file, in a thread."""
        store, now_ms = self._node.store, self._node.now_ms()
        source, reopen = store.open_reader(), store.open_reader if params.salvage else None

        def write() -> str:
            try:
                exported = export_database(source, Path(params.path), params.passphrase, now_ms, reopen)
            finally:
                source.close()
            return exported.summary

        return deferToThread(write).addCallback(lambda notice: t.Done(notice=notice))

    def change_passphrase(self, params: t.PassphraseChange) -> Any:
        """Wrap the key anew, in a thread."""

        def refused(failure: Failure) -> Failure:
            if isinstance(failure.value, LockedError):  # front ends take that for a profile that is locked
                raise LocalError("that is not the present passphrase; nothing was changed")
            return failure

        done = deferToThread(self._node.profile.change_passphrase, params.old, params.new)
        return done.addCallback(lambda _: t.Done()).addErrback(refused)

    def wipe(self, _: t.ProfileWipe) -> Any:
        """Destroy the profile; whoever runs the node then stops it."""
        kept = "left in the folder, because it is not onionchat's: "
        return self._node.wipe().addCallback(lambda left: t.Done(notice=kept + ", ".join(left) if left else ""))

    def lock(self, _: t.Nothing) -> Any:
        """Lock."""
        return self._node.lock().addCallback(lambda _: t.Done())

    def unlock(self, params: t.Passphrase) -> Any:
        """Unlock."""
        return self._node.unlock(params.passphrase).addCallback(lambda _: t.Done())
