"""Opens the screens, gets what they show, and keeps what is open up to date."""

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall

from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.tui.attention import LOCK_AFTER, NOTIFY
from onionchat.tui.desk import ScreenName
from onionchat.tui.deviceopeners import DeviceOpeners
from onionchat.tui.render import one_line
from onionchat.tui.screens.connection import REFRESH_SECONDS, ConnectionScreen, detail_lines
from onionchat.tui.screens.find import SEARCH_AFTER_SECONDS, JumpScreen, SearchScreen
from onionchat.tui.screens.me import NAME, SettingsScreen
from onionchat.tui.screens.people import AcceptScreen, AddScreen, CompareScreen, RequestsScreen
from onionchat.tui.screens.secrets import PassphraseScreen
from onionchat.tui.screens.simple import HelpScreen

if TYPE_CHECKING:
    from onionchat.tui.app import Console


class Openers:
    """One method a screen."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._search_due: IDelayedCall | None = None
        self._connection_due: IDelayedCall | None = None
        self.devices = DeviceOpeners(console)

    def open(self, name: ScreenName, argument: str) -> None:
        """By name. The same one again closes it."""
        stage = self._console.stage
        open_one = stage.find(name)
        if open_one is not None and open_one is stage.top:
            stage.leave(open_one)
            return
        {
            "help": self._help,
            "compare": self._compare,
            "requests": self._requests,
            "connection": self._connection,
            "jump": self._jump,
            "search": self._search,
            "settings": self._settings,
            "export": self._export,
            "passwd": self._passwd,
            "devices": self.devices.open,
            "link": self.devices.open_link,
            "untrust": self.devices.open_untrust,
        }[name](argument)

    def _help(self, argument: str) -> None:
        self._console.show(HelpScreen(self._console.look, self._console.keymap.rows))

    def details(self, message: t.Message) -> None:
        """All about one message."""
        self._console.do(self._details(message))

    async def _details(self, message: t.Message) -> None:
        console = self._console
        known: list[t.PeerConnection] = await console.call("connection.list", t.Nothing())
        here = console.model.conversation(console.current)
        whose = "" if here is not None and here.kind == "self" else console.current
        peers = [peer for peer in known if peer.contact == whose]
        stolen: list[str] = []
        if here is not None and here.kind == "direct":
            contact: t.Contact = await console.call("contact.get", t.ContactName(name=here.name))
            stolen = contact.stolen
        console.show_lines("Message", lambda columns: detail_lines(message, columns, console.look(), peers, stolen))

    # --- me ---
    def _settings(self, argument: str) -> None:
        self._console.do(self._settings_now())

    async def _settings_now(self) -> None:
        console = self._console
        devices: list[t.OwnDevice] = await console.call("device.list", t.Nothing())
        values: dict[str, str] = {}
        for key in (NAME, LOCK_AFTER, NOTIFY):
            found: t.SettingValue = await console.call("setting.get", t.Setting(key=key))
            values[key] = found.value or ""
        if not values[NAME] and console.model.status is not None:
            values[NAME] = console.model.status.name
        screen = SettingsScreen(
            console.look, devices, values, console.options, self._set, lambda: console.open_screen("devices")
        )
        console.show(screen)

    def _set(self, key: str, value: str) -> None:
        async def work() -> None:
            await self._console.call("setting.set", t.Setting(key=key, value=value))
            self._console.attention.use(key, value)
            self._console.model.refresh()

        self._console.do(work())

    def _export(self, path: str) -> None:
        console = self._console

        async def work(passphrase: str) -> None:
            console.say("Writing it; this may take a while.")
            await console.call("profile.export", t.ProfileExport(path=path, passphrase=passphrase))
            console.say(f"History and contacts are in {one_line(path)}. `onionchat import` reads it.")

        words = (
            f"History and contacts go to {one_line(path)}, encrypted with a passphrase of its own. It holds no private "
            "key: it is for reading and for keeping, and `onionchat import` takes it in."
        )
        console.show(
            PassphraseScreen(
                console.look, "Export", words, console.strength, lambda _, passphrase: console.do(work(passphrase))
            )
        )

    def _passwd(self, argument: str) -> None:
        console = self._console

        async def work(old: str, new: str) -> None:
            console.say("Changing it …")
            await console.call("profile.passwd", t.PassphraseChange(old=old, new=new))
            console.say("The passphrase is changed. Old copies of the key file still open with the old one.")

        words = (
            "The store's key is wrapped anew. Copies of the old key file still open with the old passphrase: to make "
            "them useless, leave with Ctrl-Q and type `onionchat passwd --rekey`."
        )
        console.show(
            PassphraseScreen(
                console.look,
                "Passphrase",
                words,
                console.strength,
                lambda old, new: console.do(work(old, new)),
                old=True,
            )
        )

    def add(self, link: str, name: str) -> None:
        """Asks the one who made a link to be a contact, after a look at the name."""
        console = self._console

        async def work(chosen: str) -> None:
            await console.call("contact.add", t.ContactAdd(link=link, name=chosen))
            console.model.refresh()
            console.say("The request goes out as soon as their device is on. F3 shows it.")

        console.show(AddScreen(console.look, link, name, lambda chosen: console.do(work(chosen))))

    # --- finding ---
    def _jump(self, argument: str) -> None:
        console = self._console
        console.show(JumpScreen(console.look, console.model.conversations, console.open_conversation))

    def _search(self, query: str) -> None:
        console = self._console
        console.show(SearchScreen(console.look, query, self._query_soon, console.open_message, console.current))

    def _query_soon(self, query: str) -> None:
        if self._search_due is not None and self._search_due.active():
            self._search_due.cancel()
        later = self._console.reactor.callLater
        self._search_due = later(SEARCH_AFTER_SECONDS, lambda: self._console.do(self._query(query)))

    async def _query(self, query: str) -> None:
        screen = self._console.stage.find("search")
        if not isinstance(screen, SearchScreen):
            return
        found: list[t.Message] = []
        within = screen.within
        if query.strip():
            found = await self._console.call("message.search", t.Search(query=query, name=within))
        if screen.within == within:
            screen.show(query, found)

    # --- people ---
    def _compare(self, name: str) -> None:
        self._console.do(self._compare_now(name))

    async def _compare_now(self, name: str) -> None:
        console = self._console
        conversation = console.model.conversation(name)
        if not name or (conversation is not None and conversation.kind == "self"):
            raise LocalError("open the conversation with a contact first, then compare")
        words: t.Words = await console.call("contact.words", t.ContactName(name=name))
        trust = conversation.trust if conversation is not None else "unvalidated"

        async def decide(state: t.Trust) -> None:
            await console.call("contact.trust", t.ContactTrust(name=name, trust=state))
            console.say(f"{one_line(name)} is {state} now.")
            console.model.refresh()

        console.show(CompareScreen(console.look, name, trust, words, lambda state: console.do(decide(state))))

    def _requests(self, argument: str) -> None:
        console = self._console
        screen = RequestsScreen(
            console.look, self._accept, lambda what, request: console.do(self._decide(what, request))
        )
        screen.show(console.model.requests)
        console.show(screen)
        console.model.refresh()

    def _accept(self, request: t.ContactRequest) -> None:
        console = self._console

        async def accept(name: str) -> None:
            contact: t.Contact = await console.call("request.accept", t.RequestAccept(id=request.id, name=name))
            console.model.refresh()
            console.open_conversation(contact.name)
            console.say(f"{one_line(contact.name)} is a contact now. F2 compares words.")

        console.show(AcceptScreen(console.look, request, lambda name: console.do(accept(name))))

    async def _decide(self, what: str, request: t.ContactRequest) -> None:
        method = {"ignore": "request.ignore", "block": "contact.block", "cancel": "request.cancel"}[what]
        await self._console.call(method, t.IdOnly(id=request.id))
        words = {"ignore": "ignored; they are told nothing", "block": "blocked", "cancel": "taken back"}[what]
        self._console.say(f"{one_line(request.name)}: {words}.")
        self._console.model.refresh()

    # --- connection ---
    def _connection(self, argument: str) -> None:
        self._console.show(ConnectionScreen(self._console.look))
        self._connection_again()

    def _connection_again(self) -> None:
        if self._connection_due is not None and self._connection_due.active():
            self._connection_due.cancel()
        self._connection_due = None
        if self._console.stage.find("connection") is not None:
            self._console.do(self._connection_now())

    async def _connection_now(self) -> None:
        console = self._console
        status: t.Status = await console.call("status.get", t.Nothing())
        peers: list[t.PeerConnection] = await console.call("connection.list", t.Nothing())
        screen = console.stage.find("connection")
        if isinstance(screen, ConnectionScreen):
            screen.show(status, peers)
            if self._connection_due is None:
                self._connection_due = console.reactor.callLater(REFRESH_SECONDS, self._connection_again)

    def stop(self) -> None:
        """No timers after this."""
        for due in (self._search_due, self._connection_due):
            if due is not None and due.active():
                due.cancel()
        self._search_due = self._connection_due = None
        self.devices.stop()

    # --- what is open changes ---
    def model_changed(self) -> None:
        """Newer lists."""
        screen = self._console.stage.find("requests")
        if isinstance(screen, RequestsScreen):
            screen.show(self._console.model.requests)

    def on_event(self, event: t.Event) -> None:
        """Nothing is missed on the connection screen."""
        if event.event in ("tor", "online", "offline") and self._connection_due is not None:
            self._connection_again()
        self.devices.on_event(event)
