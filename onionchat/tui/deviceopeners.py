"""Opens the screens about my devices, and keeps them up to date."""

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall

from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.tui.devicelines import own_device
from onionchat.tui.model import Asked
from onionchat.tui.render import Line, one_line, paragraph
from onionchat.tui.screens.devices import DevicesScreen, LinkScreen
from onionchat.tui.screens.frame import COLUMNS_MAX
from onionchat.tui.screens.people import NameScreen
from onionchat.tui.screens.untrust import UntrustScreen, question

if TYPE_CHECKING:
    from onionchat.tui.app import Console

COUNT_SECONDS = 1.0  # how often the time that is left is drawn, only while a code is on the screen


class DeviceOpeners:
    """The list, renaming, linking."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._count_due: IDelayedCall | None = None
        self._devices = Asked(console.reactor, self._ask_devices, console.do)
        self._link = Asked(console.reactor, self._ask_link, console.do)

    # --- the list ---
    def open(self, argument: str) -> None:
        """My devices."""
        console = self._console
        console.show(DevicesScreen(console.look, self._key))
        console.do(self._ask_devices())

    async def _ask_devices(self) -> None:
        console = self._console
        devices: list[t.OwnDevice] = await console.call("device.list", t.Nothing())
        status: t.Status = await console.call("status.get", t.Nothing())
        screen = console.stage.find("devices")
        if isinstance(screen, DevicesScreen):
            screen.show(devices, status)

    def _key(self, key: str, device: t.OwnDevice | None) -> bool:
        if key == "l":
            self._console.open_screen("link")
        elif key == "n" and device is not None:
            self._rename(device)
        elif key == "u" and device is not None:
            self._console.do(self._review(device))
        else:
            return False
        return True

    def _rename(self, device: t.OwnDevice) -> None:
        console = self._console

        async def work(name: str) -> None:
            await console.call("device.rename", t.DeviceRename(device=device.id, name=name))
            await self._ask_devices()

        def make(columns: int) -> list[Line]:
            words = "What this device is called among yours. Contacts do not see it."
            return paragraph(words, min(columns, COLUMNS_MAX) - 2)

        title = f"Rename {one_line(device.name)}"
        console.show(NameScreen(console.look, title, device.name, make, "rename", lambda name: console.do(work(name))))

    # --- removing ---
    def open_untrust(self, argument: str) -> None:
        """By label, or the beginning of the id."""
        self._console.do(self._find(argument))

    async def _find(self, text: str) -> None:
        devices: list[t.OwnDevice] = await self._console.call("device.list", t.Nothing())
        await self._review(own_device(devices, text))

    async def _review(self, device: t.OwnDevice) -> None:
        if device.this:
            raise LocalError("a device is removed from another one; /wipe destroys what is on this one")
        if device.state != "active":
            raise LocalError(f"{one_line(device.name)} is out already")
        console = self._console
        deeds: list[t.Deed] = await console.call("device.review", t.DeviceOnly(device=device.id))

        def decide(stolen: bool, undo: list[str]) -> None:
            yes = lambda: console.do(self._untrust(device, stolen, undo))  # noqa: E731
            console.ask(question(device, stolen, len(undo)), [("Remove it", yes), ("No", lambda: None)])

        console.show(UntrustScreen(console.look, device, deeds, decide))

    async def _untrust(self, device: t.OwnDevice, stolen: bool, undo: list[str]) -> None:
        params = t.DeviceUntrust(device=device.id, stolen=stolen, undo=undo or "none")
        done: t.Done = await self._console.call("device.untrust", params)
        screen = self._console.stage.find("untrust")
        if screen is not None:
            screen.close()
        self._console.say(done.notice or f"{one_line(device.name)} is out.")
        await self._ask_devices()

    # --- linking ---
    def open_link(self, argument: str) -> None:
        """Makes a code, and shows what becomes of it."""
        self._console.do(self._start_link())

    async def _start_link(self) -> None:
        console = self._console
        link: t.LinkStatus = await console.call("link.start", t.Nothing())
        screen = LinkScreen(console.look, self._confirm, self._link_closed)
        screen.show(link)
        console.show(screen)
        self._count()

    def _count(self) -> None:
        """Draws the time that is left, as long as there is a code on the screen."""
        self._cancel_count()
        screen = self._console.stage.find("link")
        if isinstance(screen, LinkScreen) and screen.link.state == "waiting":
            self._console.redraw()
            self._count_due = self._console.reactor.callLater(COUNT_SECONDS, self._count)

    def _confirm(self, equal: bool) -> None:
        async def work() -> None:
            self._show_link(await self._console.call("link.confirm", t.LinkConfirm(equal=equal)))

        self._console.do(work())

    async def _ask_link(self) -> None:
        self._show_link(await self._console.call("link.state", t.Nothing()))

    def _show_link(self, link: t.LinkStatus) -> None:
        screen = self._console.stage.find("link")
        if isinstance(screen, LinkScreen):
            screen.show(link)
            self._count()

    def _link_closed(self, link: t.LinkStatus) -> None:
        """Nobody looks any more: the code ends, unless the answer was given already."""
        self._cancel_count()
        if self._console.locked or link.state not in ("waiting", "comparing") or link.said_yes:
            return

        async def work() -> None:
            await self._console.call("link.cancel", t.Nothing())
            self._console.say("Nothing was linked; the code is of no use any more.")

        self._console.do(work())

    # --- events ---
    def on_event(self, event: t.Event) -> None:
        """What is on the screen may be old."""
        stage = self._console.stage
        if event.event in ("link", "tor") and stage.find("link") is not None:
            self._link.soon()
        if event.event in ("link", "device", "online", "offline", "changed") and stage.find("devices") is not None:
            self._devices.soon()

    def _cancel_count(self) -> None:
        if self._count_due is not None and self._count_due.active():
            self._count_due.cancel()
        self._count_due = None

    def stop(self) -> None:
        """No timers after this."""
        self._cancel_count()
        self._devices.cancel()
        self._link.cancel()
