"""The made-up node's own devices: the list, labels, linking a new one with words that a test makes come."""

from collections.abc import Callable
from typing import Any

from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.testing.fakeworld import HOUR_MS, MINUTE_MS, fake_id, fake_words, qr_code


class FakeDevices:
    """Part of `FakeService`. `emit(event, **keys)`, `now_ms()`."""

    def __init__(self, emit: Callable[..., None], now_ms: Callable[[], int]) -> None:
        self._emit, self._clock_ms = emit, now_ms
        self.link = t.LinkStatus(state="none")
        self.own_devices: list[t.OwnDevice] = [
            t.OwnDevice(id=fake_id("device"), name="desktop", this=True, online=True, state="active"),
            t.OwnDevice(
                id=fake_id("device", 2),
                name="laptop",
                this=False,
                online=False,
                state="active",
                last_seen=now_ms() - 84 * HOUR_MS,
            ),
            t.OwnDevice(id=fake_id("device", 3), name="old phone", this=False, online=False, state="stolen"),
        ]

    def _link_is(self, state: Any, **keys: Any) -> t.LinkStatus:
        self.link = t.LinkStatus(state=state, **keys)
        self._emit("link", state=state)
        return self.link

    # --- what the new device does ---
    def device_comes(self, label: str = "tablet") -> None:
        """A new device has used the code: words."""
        self._link_is("comparing", device=label, words=fake_words(label, 6))

    def device_says_yes(self) -> None:
        """The new device's user has compared, too; this one's has before."""
        label = self.link.device
        self._link_is("admitting", device=label)
        self.own_devices.append(t.OwnDevice(id=fake_id(label), name=label, this=False, online=True, state="active"))
        self._link_is("linked", device=label)

    # --- methods ---
    def do_device_list(self, params: t.Nothing) -> list[t.OwnDevice]:
        """device.list"""
        return list(self.own_devices)

    def do_device_rename(self, params: t.DeviceRename) -> t.Done:
        """device.rename"""
        for device in self.own_devices:
            if params.device in (device.id, device.name):
                device.name = params.name
                self._emit("device")
                return t.Done()
        raise LocalError("you have no such device; `onionchat devices` lists them")

    def _own_device(self, text: str) -> t.OwnDevice:
        for device in self.own_devices:
            if text in (device.id, device.name):
                return device
        raise LocalError("you have no such device; `onionchat devices` lists them")

    def do_device_review(self, params: t.DeviceOnly) -> list[t.Deed]:
        """device.review"""
        self._own_device(params.device)
        return [
            t.Deed(id="d1", kind="trust", time=self._clock_ms() - HOUR_MS, text="called Bob validated", undo=True),
            t.Deed(id="d2", kind="contact", time=None, text="added Dave", undo=False),
        ]

    def do_device_untrust(self, params: t.DeviceUntrust) -> t.Done:
        """device.untrust"""
        device = self._own_device(params.device)
        device.state = "stolen" if params.stolen else "removed"
        self._emit("device")
        return t.Done(notice=f"{device.name} is out; this device moves to a new address")

    def do_link_start(self, params: t.Nothing) -> t.LinkStatus:
        """link.start"""
        code = "onionchat-link:" + (fake_id("code") + "efgh")[:56]
        expires = self._clock_ms() + 10 * MINUTE_MS
        return self._link_is("waiting", code=code, qr=qr_code(code), expires=expires, published=True)

    def do_link_state(self, params: t.Nothing) -> t.LinkStatus:
        """link.state"""
        return self.link

    def do_link_confirm(self, params: t.LinkConfirm) -> t.LinkStatus:
        """link.confirm"""
        if self.link.state != "comparing":
            raise LocalError("no device is waiting for an answer: make a code with `onionchat link`")
        if not params.equal:
            return self._link_is("failed", problem="the words were different: nothing was linked")
        return self._link_is("comparing", device=self.link.device, words=self.link.words, said_yes=True)

    def do_link_cancel(self, params: t.Nothing) -> t.Done:
        """link.cancel"""
        self._link_is("failed", problem="it was cancelled; nothing was linked")
        return t.Done()
