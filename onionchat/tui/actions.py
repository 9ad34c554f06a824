"""What the keys do: one method an action of the key table."""

from typing import TYPE_CHECKING

from onionchat.api import types as t
from onionchat.tui import keys
from onionchat.tui.cards import introduced_name, link_in
from onionchat.tui.writing import Aim

if TYPE_CHECKING:
    from onionchat.tui.app import Console

WHERE: dict[str, keys.Where] = {"input": "writing", "log": "choosing", "list": "list"}
ON_SCREENS = frozenset(
    (
        *("help", "compare", "requests", "connection", "jump", "next_unread"),
        *("search", "lock", "hide", "panic", "quit", "settings"),
    )
)


class Actions:
    """Finds the action of a key and does it. Every name in `keys.KEYS` is a method here (a test sees to it)."""

    def __init__(self, console: "Console") -> None:
        self._console = console

    def on_main(self, key: str) -> bool:
        """A key in the main view. False: it is for the pane."""
        action = self._console.keymap.action_for(WHERE[self._console.main.pane], key)
        if action is None:
            return self._console.main.pane == "log"  # while choosing, other letters do nothing
        return self._do(action)

    def on_screen(self, key: str) -> bool:
        """A key in front of a screen. False: it is for the screen."""
        action = self._console.keymap.action_for("anywhere", key)
        return action in ON_SCREENS and self._do(action)

    def on_curtain(self, key: str) -> bool:
        """A key where the console is locked or hidden. False: it is for the curtain."""
        return self._console.keymap.action_for("anywhere", key) == "panic" and self._do("panic")

    def _do(self, action: str) -> bool:
        done = getattr(self, action)()
        return done is not False

    # --- anywhere ---
    def help(self) -> None:
        """F1"""
        self._console.open_screen("help")

    def compare(self) -> None:
        """F2"""
        self._console.open_screen("compare", self._console.current or "")

    def requests(self) -> None:
        """F3"""
        self._console.open_screen("requests")

    def connection(self) -> None:
        """F5"""
        self._console.open_screen("connection")

    def settings(self) -> None:
        """F6"""
        self._console.open_screen("settings")

    def jump(self) -> None:
        """Ctrl-K"""
        self._console.open_screen("jump")

    def search(self) -> None:
        """Ctrl-F"""
        self._console.open_screen("search")

    def next_unread(self) -> None:
        """Ctrl-N"""
        console = self._console
        name = console.model.next_unread(console.current)
        if name is None:
            console.say("Nothing else is unread.")
        else:
            console.open_conversation(name)

    def previous_conversation(self) -> None:
        """Alt-Up"""
        self._step(-1)

    def next_conversation(self) -> None:
        """Alt-Down"""
        self._step(1)

    def _step(self, step: int) -> None:
        console = self._console
        names = console.list.names()
        if names:
            at = names.index(console.current) + step if console.current in names else 0
            console.open_conversation(names[at % len(names)])

    def page_up(self) -> bool | None:
        """PgUp"""
        return self._scroll(lambda: self._console.conversation.view.page(-1))

    def page_down(self) -> bool | None:
        """PgDn"""
        return self._scroll(lambda: self._console.conversation.view.page(1))

    def line_up(self) -> bool | None:
        """Shift-Up"""
        return self._scroll(lambda: self._console.conversation.view.scroll(-1))

    def line_down(self) -> bool | None:
        """Shift-Down"""
        return self._scroll(lambda: self._console.conversation.view.scroll(1))

    def _scroll(self, scroll: object) -> bool | None:
        console = self._console
        if console.main.pane == "list":
            return False
        self.stop_choosing()
        assert callable(scroll)
        scroll()
        if console.conversation.view.following and not console.conversation.window.at_end:
            console.conversation.view.following = False
        return None

    def log_start(self) -> None:
        """Alt-<"""
        self.stop_choosing()
        self._console.conversation.go_start()

    def log_end(self) -> None:
        """Alt->"""
        self.stop_choosing()
        self._console.conversation.go_end()

    def lock(self) -> None:
        """Ctrl-L"""
        self._console.lock()

    def hide(self) -> None:
        """F12"""
        self._console.hide()

    def panic(self) -> None:
        """Ctrl-X"""
        self._console.panic.ask()

    def wipe(self) -> None:
        """F9, after Ctrl-X"""
        self._console.panic.wipe()

    def quit(self) -> None:
        """Ctrl-Q"""
        self._console.quit()

    # --- writing ---
    def send(self) -> None:
        """Enter"""
        self._console.writing.send()

    def newline(self) -> None:
        """Alt-Enter, Ctrl-J"""
        self._console.writing.edit.newline()

    def complete(self) -> None:
        """Tab"""
        if self._console.writing.empty:
            self._console.main.pane = "list"
        else:
            self._completed(1)

    def complete_back(self) -> None:
        """Shift-Tab"""
        self._completed(-1)

    def _completed(self, step: int) -> None:
        candidates = self._console.writing.edit.complete(step)
        if candidates:
            self._console.say("  ".join(candidate.strip() for candidate in candidates))

    def history_back(self) -> None:
        """Ctrl-P"""
        self._console.writing.edit.back()

    def history_forward(self) -> None:
        """Alt-N"""
        self._console.writing.edit.forward()

    def clear(self) -> None:
        """Ctrl-C"""
        writing = self._console.writing
        if writing.empty and writing.aim is None:
            self._console.say("Ctrl-Q leaves; nothing is lost.")
        elif not writing.empty:
            with writing.edit._capture_undo():  # Ctrl-_ brings it back
                writing.edit.set_text_from("")
        else:
            writing.take_aim(None)

    def back(self) -> None:
        """Esc"""
        console = self._console
        if console.writing.aim is not None:
            console.writing.take_aim(None)
        elif console.main.narrow:
            console.main.pane = "list"
        else:
            self._choose()

    def up(self) -> bool | None:
        """Up"""
        edit = self._console.writing.edit
        if edit.history.browsing:
            edit.back()
            return None
        if self._console.writing.empty:
            self._choose()
            return None
        return False

    def _choose(self) -> None:
        if self._console.conversation.view.choose(True):
            self._console.main.pane = "log"
        else:
            self._console.say("There is no message here yet.")

    # --- choosing ---
    def choose_up(self) -> None:
        """Up"""
        self._console.conversation.view.choose_next(-1)

    def choose_down(self) -> None:
        """Down: past the last one is the input"""
        if not self._console.conversation.view.choose_next(1) and self._console.conversation.window.at_end:
            self.stop_choosing()
            self._console.conversation.go_end()

    def clicked(self, key: str) -> None:
        """The mouse, on a row of the log: a message is chosen; what is no message stops choosing"""
        if not key.startswith("message "):
            self.stop_choosing()
            return
        self._console.conversation.view.following = False
        self._console.main.pane = "log"
        self._console.conversation.view.choose_here(key)

    def stop_choosing(self) -> None:
        """Esc"""
        console = self._console
        console.conversation.view.choose(False)
        if console.main.pane == "log":
            console.main.pane = "input"
            console.conversation.view.following = (
                console.conversation.window.at_end and console.conversation.view.at_end()
            )

    def _chosen(self, mine: bool = False) -> t.Message | None:
        message = self._console.conversation.view.chosen()
        if message is None or message.kind == "notice":
            self._console.say("Choose a message with Up and Down.")
            return None
        if mine and message.sender != "me":
            self._console.say("Only a message of yours can be changed or taken back. f forgets it here.")
            return None
        return message

    def _aim(self, kind: str) -> None:
        message = self._chosen(mine=kind == "edit")
        if message is None:
            return
        if message.retracted or message.forgotten:
            self._console.say("That message is gone.")
            return
        self.stop_choosing()
        self._console.writing.take_aim(Aim(kind, message))  # type: ignore[arg-type]

    def reply(self) -> None:
        """r, Enter"""
        self._aim("reply")

    def react(self) -> None:
        """+"""
        self._aim("react")

    def edit(self) -> None:
        """e"""
        self._aim("edit")

    def retract(self) -> None:
        """t"""
        message = self._chosen(mine=True)
        name = self._console.current
        if message is not None and name is not None:
            params = t.MessageRetract(name=name, id=message.id)
            self._ask(
                "Take this message back on both sides? They may have read it.", "Take back", "message.retract", params
            )

    def forget(self) -> None:
        """f"""
        message = self._chosen()
        name = self._console.current
        if message is not None and name is not None:
            params = t.MessageForget(name=name, ids=[message.id])
            self._ask("Forget this message on all your devices, for good?", "Forget", "message.forget", params)

    def _ask(self, question: str, yes: str, method: str, params: t.Params) -> None:
        console = self._console

        async def work() -> None:
            await console.call(method, params)
            console.conversation.refresh()

        self.stop_choosing()
        console.ask(question, [(yes, lambda: console.do(work())), ("No", lambda: None)])

    def copy(self) -> None:
        """c"""
        message = self._chosen()
        if message is not None:
            self._console.copied(message.text)

    def details(self) -> None:
        """d"""
        message = self._chosen()
        if message is not None:
            self._console.openers.details(message)

    def add_link(self) -> None:
        """a"""
        message = self._chosen()
        if message is None:
            return
        link = link_in(message.text)
        if link is None:
            self._console.say("There is no onionchat: link in that message.")
        else:
            self.stop_choosing()
            self._console.openers.add(link, introduced_name(message))

    def go_reply(self) -> None:
        """g"""
        message = self._chosen()
        if message is not None and message.reply_to is not None and self._console.current is not None:
            self._console.conversation.go_to(self._console.current, message.reply_to)

    # --- the list ---
    def list_open(self) -> bool:
        """Enter: the pane knows which"""
        return False

    def list_leave(self) -> None:
        """Esc, Tab"""
        console = self._console
        if console.list.filter.edit_text:
            console.list.clear_filter()
        elif console.current is not None:
            console.main.pane = "input"
            console.list.choices.choose(console.current)
