"""Methods about the account's own devices: the list, labels, linking a new one."""

from collections.abc import Callable
from typing import Any, Literal

from onionchat.api import types as t
from onionchat.api.present import qr_lines
from onionchat.errors import LocalError
from onionchat.identity.contact import check_pet_name
from onionchat.identity.link import format_code
from onionchat.ids import DeviceId, id_text
from onionchat.kinds.account import Setting
from onionchat.net.onions import OnionState
from onionchat.node.book import is_id_of
from onionchat.node.forgetting import outstanding
from onionchat.node.founding import DEVICE_SETTING
from onionchat.node.linking import LinkState
from onionchat.node.node import Node
from onionchat.node.reviewing import chosen, remove_contacts, repairs, review
from onionchat.store import people
from onionchat.text import name_key, safe_line

_LINK_STATES: dict[LinkState, Literal["waiting", "comparing", "admitting", "linked", "failed"]] = {
    LinkState.WAITING: "waiting",
    LinkState.COMPARING: "comparing",
    LinkState.OFFERED: "admitting",
    LinkState.ADMITTING: "admitting",
    LinkState.LINKED: "linked",
    LinkState.FAILED: "failed",
}


def link_state(node: Node) -> Literal["none", "waiting", "comparing", "admitting", "linked", "failed"]:
    """How far linking is, in a word."""
    attempt = node.linking.attempt
    return "none" if attempt is None else _LINK_STATES[attempt.state]


def find_device(node: Node, text: str) -> DeviceId:
    """A device of ours, active or out, by its label or (the beginning of) its id. LocalError when there is none."""
    book = node.book
    known = sorted(book.own_roster.devices) if book.own_roster is not None else []
    found = [device for device in known if name_key(book.device_label(device)) == name_key(text)]
    found = found or [device for device in known if is_id_of(text, device)]
    if len(found) == 1:
        return found[0]
    if found:
        raise LocalError(f"“{safe_line(text)[:64]}” fits several devices; use more of the id, as `devices` lists it")
    raise LocalError(f"you have no device “{safe_line(text)[:64]}”; `onionchat devices` lists them")


class Devices:
    """See the module."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def methods(self) -> dict[str, Callable[[Any], Any]]:
        """By name."""
        return {
            "device.list": self.devices,
            "device.rename": self.rename,
            "device.review": self.review,
            "device.untrust": self.untrust,
            "link.start": self.start_link,
            "link.state": self.link,
            "link.confirm": self.confirm_link,
            "link.cancel": self.cancel_link,
        }

    def devices(self, _: t.Nothing) -> list[t.OwnDevice]:
        """My devices."""
        node = self._node
        roster, lacking = node.book.own_roster, outstanding(node)
        found = [
            t.OwnDevice(
                id=id_text(row.id),
                name=node.book.device_label(row.id),
                this=row.id == node.own.device,
                online=row.id == node.own.device or row.id in node.peers.live,
                state="active",
                address=row.certificate.address_text,
                last_seen=row.last_seen,
                to_forget=lacking.get(row.id, 0),
            )
            for row in people.devices_of(node.store.reads, node.own.account)  # the disk knows when they were seen
            if row.id in node.book.own_devices
        ]
        for device in sorted(roster.devices - roster.active) if roster is not None else ():
            removal = roster.removed.get(device) if roster is not None else None
            state: Literal["removed", "stolen"] = (
                "stolen" if removal is not None and removal.reason == "stolen" else "removed"
            )
            name, this = node.book.device_label(device), device == node.own.device
            found.append(t.OwnDevice(id=id_text(device), name=name, this=this, online=False, state=state))
        return found

    def rename(self, params: t.DeviceRename) -> Any:
        """Another label."""
        node = self._node
        device = find_device(node, params.device)
        roster = node.book.own_roster
        others = [node.book.device_label(other) for other in roster.devices if other != device] if roster else []
        label = check_pet_name(params.name, others)
        done = node.append_self([Setting(DEVICE_SETTING + id_text(device), label)])
        return done.addCallback(lambda _: t.Done())

    # --- removing ------------------------------------------------------------------------------------------
    def review(self, params: t.DeviceOnly) -> list[t.Deed]:
        """What a device did."""
        deeds = review(self._node, find_device(self._node, params.device))
        return [
            t.Deed(
                id=id_text(deed.id), kind=deed.kind, time=deed.ms or None, text=deed.text, undo=deed.is_undone_with_all
            )
            for deed in deeds
        ]

    def untrust(self, params: t.DeviceUntrust) -> Any:
        """Remove a device."""
        node = self._node
        device = find_device(node, params.device)
        label = safe_line(node.book.device_label(device))[:64]
        undone = chosen(review(node, device), params.undo)
        devices = [deed.device for deed in undone if deed.device is not None]
        is_answer = node.book.is_out
        done = node.untrusting.untrust(device, params.stolen, devices, repairs(undone))
        done.addCallback(lambda _: remove_contacts(node, undone))
        notice = f"“{label}” is out; this device moves to a new address"
        if is_answer:
            notice = f"“{label}” and this device are both out, as nobody can tell which of you is right: contacts see"
            notice += " the account in red until the recovery words have spoken"
        return done.addCallback(lambda _: t.Done(notice=notice))

    # --- linking -------------------------------------------------------------------------------------------
    def start_link(self, _: t.Nothing) -> t.LinkStatus:
        """Make a code, and wait."""
        self._node.linking.start()
        return self._link()

    def link(self, _: t.Nothing) -> t.LinkStatus:
        """How far it is."""
        return self._link()

    def confirm_link(self, params: t.LinkConfirm) -> t.LinkStatus:
        """The words are equal, or not."""
        self._node.linking.confirm(params.equal)
        return self._link()

    def cancel_link(self, _: t.Nothing) -> t.Done:
        """No device is awaited any more."""
        self._node.linking.cancel()
        return t.Done()

    def _link(self) -> t.LinkStatus:
        node, attempt = self._node, self._node.linking.attempt
        if attempt is None:
            return t.LinkStatus(state="none")
        status = t.LinkStatus(state=link_state(node), device=attempt.label, problem=attempt.problem)
        status.words, status.said_yes = list(attempt.words), attempt.said_yes
        if attempt.state is LinkState.WAITING:
            status.code = format_code(attempt.key.public)
            status.qr = qr_lines(status.code)
            status.expires = attempt.expires_ms
            status.published = node.services.state(attempt.key.public) is OnionState.REACHABLE
        return status
