"""Lines in, lines out: for screen readers, dumb terminals and pipes. The same `/` commands as the full screen."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, TextIO

import msgspec
from twisted.internet.defer import Deferred, fail
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from onionchat.api import types as t
from onionchat.errors import LocalError, OnionchatError
from onionchat.tui.backend import Backend, Options, Outside
from onionchat.tui.commands import is_command, parse_command
from onionchat.tui.desk import ScreenName
from onionchat.tui.devicelines import device_lines, own_device
from onionchat.tui.glyphs import Glyphs
from onionchat.tui.render import Line, Look, block, message_lines, one_line, who_columns, zone_of
from onionchat.tui.screens.connection import connection_lines
from onionchat.tui.screens.devices import link_lines
from onionchat.tui.screens.people import compare_lines, request_lines
from onionchat.tui.screens.simple import help_lines, invitation_lines
from onionchat.tui.screens.untrust import deed_lines
from onionchat.tui.terminal import Terminal

COLUMNS = 78
LAST_MESSAGES = 20
LINE_BYTES_MAX = 64 * 1024


class PlainConsole:
    """A desk that prints. `write` takes one line without its end."""

    def __init__(
        self,
        backend: Backend,
        glyphs: Glyphs,
        options: Options,
        now: Callable[[], float],
        write: Callable[[str], None],
        leave: Callable[[], None],
        outside: Outside | None = None,
    ) -> None:
        self._outside = outside
        self._backend, self._glyphs, self._now, self._write, self._leave = backend, glyphs, now, write, leave
        self._zone = zone_of(options.utc_offset_seconds)
        self._current: str | None = None
        self._answers: Sequence[tuple[str, Callable[[], None]]] = ()
        self._cursor: dict[str, int] = {}

    def start(self) -> None:
        """Who is there, and what to do."""
        self._backend.subscribe(self._on_event)
        self.do(self._conversations())

    async def _conversations(self) -> None:
        found: list[t.Conversation] = await self.call("conversation.list", t.Nothing())
        for conversation in found:
            presence = "online" if conversation.online else "offline"
            unread = f", {conversation.unread} unread" if conversation.unread else ""
            self._write(f"{one_line(conversation.name)}: {presence}, {conversation.trust}{unread}")
        self.say("/open NAME opens a conversation, /help lists the commands, /quit leaves.")

    def line(self, text: str) -> None:
        """One line from the user."""
        if self._answers:
            self._answer(text)
        elif is_command(text):
            self.do(self._command(text))
        elif text.strip():
            self.do(self._send(text))

    def _answer(self, text: str) -> None:
        answers, self._answers = self._answers, ()
        number = int(text) if text.strip().isdecimal() and len(text) < 4 else 0
        (answers[number - 1] if 0 < number <= len(answers) else answers[-1])[1]()

    async def _command(self, text: str) -> None:
        command, words = parse_command(text)
        await command.run(self, words)

    async def _send(self, text: str) -> None:
        if self._current is None:
            self.say("No conversation is open: /open NAME.")
            return
        body = text[1:] if text.startswith("//") else text
        await self.call("message.send", t.MessageSend(name=self._current, text=block(body)))

    # --- the desk ---
    @property
    def current(self) -> str | None:
        """The conversation that is open."""
        return self._current

    def look(self) -> Look:
        """How lines are made now."""
        return Look(self._glyphs, self._zone, int(self._now() * 1000))

    def call(self, name: str, params: t.Params) -> "Deferred[Any]":
        """A method of the local API."""
        return self._backend.call(name, params)

    def run(self, arguments: Sequence[str]) -> "Deferred[str]":
        """What a command of the command line prints on this profile."""
        if self._outside is None:
            return fail(LocalError(f"type it in a shell: onionchat {' '.join(arguments)}"))
        return self._outside.run(arguments)

    def say(self, text: str) -> None:
        """One line, set apart from messages."""
        if text:
            self._write(f"* {one_line(text)}")

    def show_lines(self, title: str, make: Callable[[int], list[Line]]) -> None:
        """A title and lines."""
        self._write(f"== {one_line(title)}")
        for line in make(COLUMNS):
            self._write("".join(text for _, text in line).rstrip())

    def show_invitation(self, invitation: t.Invitation) -> None:
        """The link; a screen reader has no use for the QR code."""
        self._write(one_line(invitation.link))
        self.show_lines("Invitation", lambda columns: invitation_lines(_without_qr(invitation), columns, self.look()))

    def open_screen(self, name: ScreenName, argument: str = "") -> None:
        """What the screen would show, as lines."""
        self.do(self._screen(name, argument))

    async def _screen(self, name: ScreenName, argument: str) -> None:
        look = self.look()
        if name == "requests":
            requests: list[t.ContactRequest] = await self.call("request.list", t.Nothing())
            self.show_lines(
                "Requests",
                lambda columns: [
                    line
                    for r in requests
                    for line in [[("", f"id {one_line(r.id)}")], *request_lines(r, columns, look)]
                ],
            )
        elif name == "connection":
            status = await self.call("status.get", t.Nothing())
            peers = await self.call("connection.list", t.Nothing())
            self.show_lines("Connection", lambda columns: connection_lines(status, peers, columns, look))
        elif name == "compare":
            words = await self.call("contact.words", t.ContactName(name=argument))
            contact: t.Contact = await self.call("contact.get", t.ContactName(name=argument))
            self.show_lines("Compare", lambda columns: compare_lines(argument, contact.trust, words, columns, look))
            self.say("/trust validated when they match, /trust compromised when they differ.")
        elif name == "search":
            found: list[t.Message] = await self.call("message.search", t.Search(query=argument))
            self.show_lines(
                "Found", lambda columns: [line for m in found for line in message_lines(m, columns, look, 12)]
            )
        elif name == "settings":
            await self._devices()
            self.say("/set KEY VALUE changes a setting: name, lock-after, notify.")
        elif name == "devices":
            await self._devices()
        elif name == "untrust":
            await self._untrust(argument)
        elif name == "link":
            self._link(await self.call("link.start", t.Nothing()))
        elif name == "export":
            raise LocalError("a passphrase is not typed where lines are echoed: use `onionchat export FILE`")
        elif name == "passwd":
            raise LocalError(
                "a passphrase is not typed where lines are echoed: /stop the node, then `onionchat passwd` in a shell"
            )
        else:
            self.show_lines("Help", lambda columns: help_lines(columns, look))

    async def _devices(self) -> None:
        devices: list[t.OwnDevice] = await self.call("device.list", t.Nothing())
        lines = lambda columns: [ln for d in devices for ln in device_lines(d, columns, self.look())]  # noqa: E731
        self.show_lines("My devices", lines)

    async def _untrust(self, text: str) -> None:
        device = own_device(await self.call("device.list", t.Nothing()), text)
        deeds: list[t.Deed] = await self.call("device.review", t.DeviceOnly(device=device.id))
        self.show_lines(
            f"What {one_line(device.name)} did",
            lambda columns: [line for deed in deeds for line in deed_lines(deed, deed.undo, columns, self.look())],
        )

        async def out(stolen: bool, undo: Literal["all", "none"]) -> None:
            params = t.DeviceUntrust(device=device.id, stolen=stolen, undo=undo)
            self.say((await self.call("device.untrust", params)).notice)

        self.ask(
            f"Remove {one_line(device.name)} for good?",
            [
                ("Remove it, and undo what is marked", lambda: self.do(out(False, "all"))),
                ("Remove it, and undo nothing", lambda: self.do(out(False, "none"))),
                ("It was stolen: remove it, and undo what is marked", lambda: self.do(out(True, "all"))),
                ("No", lambda: None),
            ],
        )

    def _link(self, link: t.LinkStatus) -> None:
        """How far linking is; when there are words, a question."""
        shown = msgspec.structs.replace(link, qr=[])
        self.show_lines("Link a device", lambda columns: link_lines(shown, columns, self.look()))
        if link.state == "comparing" and link.words and not link.said_yes:
            self.ask(
                "Does the new device show the same six words?",
                [("They are the same", lambda: self._confirm(True)), ("They differ", lambda: self._confirm(False))],
            )

    def _confirm(self, equal: bool) -> None:
        async def work() -> None:
            await self.call("link.confirm", t.LinkConfirm(equal=equal))

        self.do(work())

    async def _ask_link(self) -> None:
        self._link(await self.call("link.state", t.Nothing()))

    def open_conversation(self, name: str) -> None:
        """The last messages, and from now on the new ones."""
        self._current = name
        self.do(self._log(name, None))

    async def _log(self, name: str, since: int | None) -> None:
        limit = LAST_MESSAGES if since is None else 500
        page: list[t.Message] = await self.call("message.log", t.MessageLog(name=name, limit=limit, since=since))
        if self._current != name:
            return
        self._cursor[name] = max([self._cursor.get(name, 0), *(message.cursor for message in page)])
        columns = who_columns(page)
        for message in page:
            for line in message_lines(message, COLUMNS, self.look(), columns):
                self._write("".join(text for _, text in line).rstrip())
        if page:
            await self.call("message.read", t.ReadMark(name=name))

    def ask(self, question: str, answers: Sequence[tuple[str, Callable[[], None]]]) -> None:
        """A question; the next line is the number of the answer."""
        self.say(question)
        for number, (label, _) in enumerate(answers, 1):
            self._write(f"  {number}  {label}")
        self._answers = answers

    def do(self, work: Any) -> None:
        """Runs a coroutine; what goes wrong becomes a line."""
        Deferred.fromCoroutine(work).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        error = failure.value
        known = isinstance(error, OnionchatError)
        self.say(str(error) if known else f"That did not work ({type(error).__name__}).")

    def lock(self) -> None:
        """Locks and leaves: a passphrase is not typed where lines are echoed."""
        self.do(self._lock())

    async def _lock(self) -> None:
        await self.call("node.lock", t.Nothing())
        self.say("Locked. `onionchat unlock` opens it again.")
        self.quit()

    def wipe(self) -> None:
        """Destroys the profile at once, and leaves."""
        self.do(self._wipe())

    async def _wipe(self) -> None:
        await self.call("profile.wipe", t.ProfileWipe(sure="wipe"))
        self.say("The profile is destroyed.")
        self.quit()

    def quit(self) -> None:
        """Leaves."""
        self._leave()

    # --- events ---
    def _on_event(self, event: t.Event) -> None:
        about = event.conversation
        if event.event == "message" and about == self._current and self._current is not None:
            self.do(self._log(self._current, self._cursor.get(self._current)))
        elif event.event == "message" and isinstance(about, str):
            self.say(f"New from {one_line(about)}.")
        elif event.event == "request":
            self.say("Somebody asks to be a contact: /requests.")
        elif event.event in ("online", "offline") and event.contact == self._current:
            self.say(f"{one_line(self._current or '')} is {event.event}.")
        elif event.event == "link" and event.state != "waiting":
            self.do(self._ask_link())
        elif event.event == "locked":
            self.say("Locked. `onionchat unlock` opens it again.")


def _without_qr(invitation: t.Invitation) -> t.Invitation:
    return t.Invitation(
        link=invitation.link, kind=invitation.kind, expires=invitation.expires, state=invitation.state, qr=[]
    )


class _Lines(LineReceiver):
    delimiter = b"\n"
    MAX_LENGTH = LINE_BYTES_MAX

    def __init__(self, gone: Callable[[], None]) -> None:
        self.console: PlainConsole | None = None
        self._gone = gone

    def lineReceived(self, line: bytes) -> None:
        if self.console is not None:
            self.console.line(line.decode("utf-8", "replace").rstrip("\r"))

    def lineLengthExceeded(self, line: bytes) -> None:
        if self.console is not None:
            self.console.say("That line is too long; it was not sent.")

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._gone()


def run(
    backend: Backend,
    reactor: Any,
    options: Options,
    outside: Outside | None = None,
    until: "Deferred[None] | None" = None,
    out: TextIO | None = None,
) -> "Deferred[None]":
    """The plain console on standard input and output. Fires when the user leaves or the input ends."""
    left: Deferred[None] = Deferred()
    glyphs = Terminal.glyphs(options)
    stream = out or sys.stdout

    def write(text: str) -> None:
        encoding = "utf-8" if glyphs.unicode else "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        stream.flush()

    def leave() -> None:
        if not left.called:
            left.callback(None)

    lines = _Lines(leave)
    lines.console = console = PlainConsole(backend, glyphs, options, time.time, write, leave, outside)
    StandardIO(lines, reactor=reactor)  # type: ignore[no-untyped-call]
    console.start()
    if until is not None:
        until.addCallback(lambda _: leave())
    return left
