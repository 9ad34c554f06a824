"""The console put together: panes, screens, keys, events. It talks to a backend and to nothing else."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from onionchat.api import types as t
from onionchat.errors import LocalError, LockedError, OnionchatError, UsageError
from onionchat.tui import bars, keys
from onionchat.tui.actions import Actions
from onionchat.tui.attention import Attention
from onionchat.tui.backend import Backend, Options, Outside
from onionchat.tui.commands import parse_command
from onionchat.tui.complete import Completion, Known, complete
from onionchat.tui.conversation import OpenConversation
from onionchat.tui.desk import ScreenName
from onionchat.tui.glyphs import Glyphs
from onionchat.tui.keyboard import Paste
from onionchat.tui.listpane import ListPane
from onionchat.tui.mainview import MainView
from onionchat.tui.model import Model
from onionchat.tui.openers import Openers
from onionchat.tui.panic import Panic
from onionchat.tui.render import Line, Look, one_line, zone_of
from onionchat.tui.screens.curtain import HiddenScreen, LockScreen, WipeScreen
from onionchat.tui.screens.frame import Screen
from onionchat.tui.screens.simple import AskScreen, InvitationScreen, LinesScreen
from onionchat.tui.stage import Stage
from onionchat.tui.strength import STRENGTH_MIN
from onionchat.tui.wrap import wrap
from onionchat.tui.writing import Writing

NOTICE_SECONDS = 12.0
NOTICE_ROWS_MAX = 3

_log = Logger()


class Console:
    """The full-screen console. `draw`, `copy`, `wipe_screen` and `leave` are the terminal's side of it."""

    def __init__(
        self,
        backend: Backend,
        reactor: IReactorTime,
        options: Options,
        glyphs: Glyphs,
        now: Callable[[], float],
        outside: Outside | None = None,
    ) -> None:
        self._outside = outside
        self.draw: Callable[[], None] = lambda: None
        self.copy: Callable[[str], None] = lambda text: None
        self.wipe_screen: Callable[[], None] = lambda: None
        self.leave: Callable[[], None] = lambda: None
        self.ring: Callable[[], None] = lambda: None
        self.name_window: Callable[[str], None] = lambda title: None
        self.keymap = keys.KeyTable(options.keys)
        self.backend, self.reactor, self.options = backend, reactor, options
        self._glyphs, self._now, self._zone = glyphs, now, zone_of(options.utc_offset_seconds)
        self._notice = ""
        self._notice_due: IDelayedCall | None = None
        self._minute: IDelayedCall | None = None
        self.locked = False
        self._reopen: str | None = None
        self._left = False

        self.model = Model(self.call, reactor, self.do, self._model_changed)
        self.conversation = OpenConversation(self.call, reactor, self.do, self.look, self.redraw)
        self.writing = Writing(
            self.call, reactor, self.do, self.look, self._complete, self._command, self.conversation.sent
        )
        self.list = ListPane(self.look, self.open_conversation, self._list_notes)
        panes = (self.list, self.conversation.view, self.writing.pane)
        self.main = MainView(self.look, panes, self._top_line, self._head_line)
        self.stage = Stage(self.main, self._on_key, self._foot)
        self.openers = Openers(self)
        self.actions = Actions(self)
        self.attention = Attention(self)
        self.panic = Panic(self)
        self.conversation.view.on_click = self.actions.clicked
        self.writing.pane.on_click = self._to_input

    # --- life ---
    def start(self) -> None:
        """Asks for everything, listens from now on."""
        self.backend.subscribe(self._on_event)
        self.do(self._first_look())
        self._tick()

    async def _first_look(self) -> None:
        self.model.refresh()
        conversations: list[t.Conversation] = await self.call("conversation.list", t.Nothing())
        self.model.conversations = conversations
        self.do(self.attention.ask_settings())
        if self.current is None and conversations:
            wanted = self._reopen or self.model.next_unread(None) or conversations[0].name
            self.open_conversation(wanted if self.model.conversation(wanted) else conversations[0].name)
        if all(conversation.kind == "self" for conversation in conversations):
            self.say("Nobody is here yet. /invite makes a link to give away, /add uses one. F1 helps.")
        self._model_changed()

    def stop(self) -> None:
        """No timers after this."""
        self.writing.save_draft()
        for due in (self._notice_due, self._minute):
            if due is not None and due.active():
                due.cancel()
        self.openers.stop()
        self.attention.stop()
        self.panic.stop()
        self.model.forget()
        self.conversation.forget()
        self._left = True

    def _tick(self) -> None:
        """The clock in the status line: once a minute, nothing in between."""
        self._minute = self.reactor.callLater(60.0 - self._now() % 60.0 + 0.05, self._tick)
        self.redraw()

    # --- the desk ---
    @property
    def current(self) -> str | None:
        """The conversation that is open."""
        return self.conversation.name

    def look(self) -> Look:
        """How lines are made now."""
        return Look(self._glyphs, self._zone, int(self._now() * 1000))

    def call(self, name: str, params: t.Params) -> "Deferred[Any]":
        """A method of the local API."""
        return self.backend.call(name, params)

    def run(self, arguments: Sequence[str]) -> "Deferred[str]":
        """What a command of the command line prints on this profile."""
        if self._outside is None:
            return fail(LocalError(f"type it in a shell: onionchat {' '.join(arguments)}"))
        return self._outside.run(arguments)

    def strength(self, passphrase: str) -> tuple[int, str]:
        """How good a passphrase is, 0 to 4, and a word of advice."""
        return (STRENGTH_MIN, "") if self._outside is None else self._outside.strength(passphrase)

    def do(self, work: Any) -> None:
        """Runs a coroutine; what goes wrong becomes one calm line."""
        Deferred.fromCoroutine(work).addCallbacks(lambda _: self.redraw(), self._failed)

    def _failed(self, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, LockedError):
            self._show_lock()
        elif isinstance(error, OnionchatError):
            self.say(str(error))
        elif not isinstance(error, CancelledError) and not self._left:
            frames = failure.frames or failure.stack
            where = f"{frames[-1][1].rpartition('/')[2]}:{frames[-1][2]}" if frames else "?"
            _log.error("console: {kind} at {where}", kind=type(error).__name__, where=where)
            self.say(f"That did not work ({type(error).__name__} at {where}). Nothing was lost; try it once more.")

    def say(self, text: str) -> None:
        """One calm line below; it goes by itself."""
        self._notice = one_line(text)
        if self._notice_due is not None and self._notice_due.active():
            self._notice_due.cancel()
        self._notice_due = self.reactor.callLater(NOTICE_SECONDS, self._unsay) if self._notice else None
        self.redraw()

    def _unsay(self) -> None:
        self._notice, self._notice_due = "", None
        self.redraw()

    def show_lines(self, title: str, make: Callable[[int], list[Line]]) -> None:
        """Some lines with a title."""
        self.show(LinesScreen(self.look, title, make))

    def show_invitation(self, invitation: t.Invitation) -> None:
        """A link with its QR code."""
        self.show(InvitationScreen(self.look, invitation, self.copied))

    def copied(self, text: str) -> None:
        """To the clipboard of the terminal, when it allows that."""
        if not self.options.copy:
            self.say("Nothing was copied: console.toml has `copy = false`.")
            return
        self.copy(text)
        self.say("Copied, if your terminal allows it (OSC 52).")

    def show(self, screen: Screen) -> None:
        """A screen in front. What was said before does not hide its keys."""
        self.stage.open(screen)
        self.say("")

    def open_screen(self, name: ScreenName, argument: str = "") -> None:
        """One of the screens by name."""
        self.openers.open(name, argument)

    def ask(self, question: str, answers: Sequence[tuple[str, Callable[[], None]]]) -> None:
        """A question."""
        self.show(AskScreen(self.look, question, answers))

    def open_conversation(self, name: str) -> None:
        """Shows a conversation, the keys in its input."""
        self.stage.clear()
        self.main.pane = "input"
        self.actions.stop_choosing()
        if name != self.current:
            known = self.model.conversation(name)
            self.writing.open(name, known.draft if known else "")
            self.conversation.open(name, known.unread if known else 0)
        self.list.clear_filter()
        self._model_changed()

    def open_message(self, name: str, message_id: str) -> None:
        """Shows the place of a message, which is then chosen."""
        self.stage.clear()
        if name != self.current:
            known = self.model.conversation(name)
            self.writing.open(name, known.draft if known else "")
        self.main.pane = "log"
        self.conversation.go_to(name, message_id)
        self._model_changed()

    def _to_input(self) -> None:
        self.actions.stop_choosing()
        self.main.pane = "input"

    # --- lock, hide, leave ---
    def lock(self) -> None:
        """The screen first, then the node."""
        self._show_lock()
        self.do(self._lock_node())

    async def _lock_node(self) -> None:
        await self.call("node.lock", t.Nothing())

    def _show_lock(self) -> None:
        if self.locked:
            return
        self.locked = True
        self._reopen = self.current or self._reopen
        self.stage.clear()
        (self.writing.abandon if self.panic.busy else self.writing.forget)()
        self.conversation.forget()
        self.model.forget()
        self.list.show([], None)
        self._notice = ""
        if not isinstance(self.stage.curtain, (HiddenScreen, WipeScreen)):
            self.stage.curtain = self.lock_screen()
        self.attention.hushed()
        self.wipe_screen()
        self.redraw()

    def lock_screen(self) -> LockScreen:
        """Where the passphrase is typed."""
        return LockScreen(self.look, self._unlock, self.quit)

    def _unlock(self, passphrase: str) -> None:
        self.do(self._unlock_node(passphrase))

    async def _unlock_node(self, passphrase: str) -> None:
        curtain = self.stage.curtain
        try:
            await self.call("node.unlock", t.Passphrase(passphrase=passphrase))
        except OnionchatError as error:
            if isinstance(curtain, LockScreen):
                curtain.say(str(error))
            self.redraw()
            return
        self._unlocked()

    def _unlocked(self) -> None:
        if not self.locked:
            return
        self.locked = False
        if isinstance(self.stage.curtain, LockScreen):
            self.stage.curtain = None
        self.attention.unlocked()
        self.do(self._first_look())

    def hide(self) -> None:
        """An empty screen at once."""
        self.stage.curtain = HiddenScreen(self._show_again)
        self.attention.hushed()
        self.wipe_screen()
        self.redraw()

    def _show_again(self) -> None:
        self.stage.curtain = self.lock_screen() if self.locked else None
        self.attention.key_pressed()
        self.attention.show_unread()
        self.redraw()

    def wipe(self) -> None:
        """Destroys the profile at once, and leaves."""
        self.panic.wipe()

    def quit(self) -> None:
        """Asks nothing, loses nothing."""
        self.stop()
        if not self.locked:
            self.do(self._closed())
        self.leave()

    def wiped(self) -> None:
        """The profile is gone: leave, and ask the node nothing any more."""
        self.locked = True
        self.writing.abandon()
        self.quit()

    async def _closed(self) -> None:
        await self.call("conversation.opened", t.ConversationOpened(name=None))

    # --- keys ---
    def _on_key(self, key: str) -> bool:
        if self.stage.curtain is not None:
            return self.actions.on_curtain(key)
        taken = self.actions.on_screen(key) if self.stage.screens else self.actions.on_main(key)
        self.conversation.key_pressed()
        self.attention.key_pressed()
        return taken

    def paste(self, paste: Paste) -> None:
        """Pasted text goes where the keys go; many lines are asked about."""
        top: Any = self.stage.top
        if top is not self.main:
            if isinstance(top, (Screen, LockScreen)):
                top.paste(paste.text)
            return
        if self.main.pane == "list":
            self.list.filter.paste(paste.text)
            return
        self.actions.stop_choosing()
        lines = paste.text.count("\n") + 1
        if lines <= self.options.paste_lines_max and not paste.cut:
            self.writing.edit.paste(paste.text)
            return
        cut = " It was cut: it is longer than any message." if paste.cut else ""
        self.ask(
            f"Paste {lines} lines ({len(paste.text)} characters)?{cut}",
            [("Paste", lambda: self.writing.edit.paste(paste.text)), ("No", lambda: None)],
        )

    def _command(self, text: str) -> None:
        self.do(self._run_command(text))

    async def _run_command(self, text: str) -> None:
        try:
            command, words = parse_command(text)
            await command.run(self, words)
        except UsageError:
            if self.writing.empty:  # to be mended
                self.writing.edit.set_text_from(text)
            raise

    def _complete(self, before: str) -> Completion:
        names = [conversation.name for conversation in self.model.conversations]
        return complete(before, Known(names, [request.id[:8] for request in self.model.requests]))

    # --- events ---
    def _on_event(self, event: t.Event) -> None:
        if self._left:
            return
        if event.event == "locked":
            self._show_lock()
        elif not self.locked:
            self.model.on_event(event)
            self.attention.on_event(event)
            self.conversation.on_event(event)
            self.openers.on_event(event)

    def _model_changed(self) -> None:
        self.list.show(self.model.conversations, self.current)
        if self.main.pane != "list" and self.current is not None:
            self.list.choices.choose(self.current)
        self.openers.model_changed()
        self.attention.show_unread()
        self.redraw()

    def redraw(self) -> None:
        """Soon, once."""
        self.stage._invalidate()
        self.draw()

    # --- lines round the panes ---
    def _top_line(self, columns: int) -> Line:
        look = self.look()
        if columns < bars.NARROW_COLUMNS:
            shown = None if self.main.pane == "list" else self.model.conversation(self.current)
            return bars.narrow_status(self.model.status, shown, columns, look)
        return bars.status_line(self.model.status, columns, look)

    def _head_line(self, columns: int) -> Line:
        conversation = self.model.conversation(self.current)
        if conversation is None:
            return [("quiet", f" {one_line(self.current)}" if self.current else " no conversation is open")]
        return bars.head_line(conversation, columns, self.look())

    def _list_notes(self) -> list[str]:
        count = len(self.model.incoming)
        notes = [] if not count else ["1 request  F3" if count == 1 else f"{count} requests  F3"]
        if self.model.conversations and all(c.kind == "self" for c in self.model.conversations):
            notes.append("nobody yet: /invite")
        status = self.model.status
        if status is not None and status.linking:
            notes.append("linking: /devices")
        if status is not None and status.recovery_pending:
            notes.append("write down: /recovery")
        return notes

    def _foot(self, columns: int) -> list[Line]:
        if self._notice:
            lines = wrap(self._notice, columns - 2)[:NOTICE_ROWS_MAX]
            return [[("accent", f" {line}")] for line in lines]
        top = self.stage.top
        if isinstance(top, Screen):
            return [bars.keys_line(top.keys, columns)]
        if not self.conversation.view.following and self.main.pane == "input":
            more = self.model.conversation(self.current)
            count = f"{more.unread} new  " if more and more.unread else ""
            sign = self._glyphs.down
            below = [(sign, f"{count}below"), ("log_end", "newest"), *keys.FOOT]
            return [bars.keys_line(self.keymap.foot(below), columns)]
        hints = {"log": keys.FOOT_CHOOSING, "list": keys.FOOT_LIST, "input": keys.FOOT}[self.main.pane]
        if columns < bars.NARROW_COLUMNS and self.main.pane == "input":
            hints = keys.FOOT_NARROW
        return [bars.keys_line(self.keymap.foot(hints), columns)]
