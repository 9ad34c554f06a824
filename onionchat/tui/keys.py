"""The one table of keys: what is done, where, and the words of the help, which is made from it."""

from dataclasses import dataclass
from typing import Literal

Where = Literal["anywhere", "writing", "choosing", "list"]


@dataclass(frozen=True)
class Key:
    """`names`: urwid's names; `shown`: as people write them."""

    names: tuple[str, ...]
    shown: str
    where: Where
    action: str
    help: str


KEYS: tuple[Key, ...] = (
    Key(("f1",), "F1", "anywhere", "help", "this help"),
    Key(("f2",), "F2", "anywhere", "compare", "compare words with this contact"),
    Key(("f3",), "F3", "anywhere", "requests", "contact requests"),
    Key(("f5",), "F5", "anywhere", "connection", "Tor and every device, in plain words"),
    Key(("ctrl k",), "Ctrl-K", "anywhere", "jump", "jump to a conversation"),
    Key(("ctrl n",), "Ctrl-N", "anywhere", "next_unread", "next conversation with something unread"),
    Key(("meta up",), "Alt-Up", "anywhere", "previous_conversation", "conversation above"),
    Key(("meta down",), "Alt-Down", "anywhere", "next_conversation", "conversation below"),
    Key(("ctrl f",), "Ctrl-F", "anywhere", "search", "search all messages"),
    Key(("page up",), "PgUp", "anywhere", "page_up", "scroll up"),
    Key(("page down",), "PgDn", "anywhere", "page_down", "scroll down"),
    Key(("shift up", "meta k"), "Shift-Up", "anywhere", "line_up", "scroll up by a line"),
    Key(("shift down", "meta j"), "Shift-Down", "anywhere", "line_down", "scroll down by a line"),
    Key(("meta <", "ctrl home"), "Alt-<", "anywhere", "log_start", "to the oldest message"),
    Key(("meta >", "ctrl end"), "Alt->", "anywhere", "log_end", "to the newest message"),
    Key(("ctrl l",), "Ctrl-L", "anywhere", "lock", "lock: clears the screen, wipes the keys"),
    Key(("f12",), "F12", "anywhere", "hide", "hide the screen; F12 again shows it"),
    Key(("ctrl q",), "Ctrl-Q", "anywhere", "quit", "leave; nothing is lost"),
    Key(("enter",), "Enter", "writing", "send", "send"),
    Key(("meta enter", "newline"), "Alt-Enter", "writing", "newline", "a new line (also Ctrl-J)"),
    Key(("tab",), "Tab", "writing", "complete", "complete /commands, names, :emoji; to the list when empty"),
    Key(("shift tab",), "Shift-Tab", "writing", "complete_back", "the completion before"),
    Key(("ctrl p", "meta p"), "Ctrl-P", "writing", "history_back", "what was sent before"),
    Key(("meta n",), "Alt-N", "writing", "history_forward", "what was sent after"),
    Key(("esc",), "Esc", "writing", "back", "stop replying or editing; else choose a message (narrow: the list)"),
    Key(("up",), "Up", "writing", "up", "in an empty input: choose a message"),
    Key(("ctrl c",), "Ctrl-C", "writing", "clear", "empty the input"),
    Key(("up", "k"), "Up", "choosing", "choose_up", "the message before"),
    Key(("down", "j"), "Down", "choosing", "choose_down", "the message after"),
    Key(("enter", "r"), "Enter r", "choosing", "reply", "reply"),
    Key(("+",), "+", "choosing", "react", "react"),
    Key(("e",), "e", "choosing", "edit", "edit (mine)"),
    Key(("t",), "t", "choosing", "retract", "take back on both sides (mine)"),
    Key(("f",), "f", "choosing", "forget", "forget here, for good"),
    Key(("c",), "c", "choosing", "copy", "copy to the terminal's clipboard"),
    Key(("d",), "d", "choosing", "details", "details: who has it, when it came"),
    Key(("g",), "g", "choosing", "go_reply", "to the message it answers"),
    Key(("esc", "q"), "Esc", "choosing", "stop_choosing", "back to the input"),
    Key(("enter",), "Enter", "list", "list_open", "open"),
    Key(("esc", "tab"), "Esc", "list", "list_leave", "no filter; back to the input"),
    Key(("ctrl c",), "Ctrl-C", "list", "list_leave", "back to the input"),
)

SECTIONS: tuple[tuple[Where, str], ...] = (
    ("anywhere", "Everywhere"),
    ("writing", "Writing (readline's other keys work too: Ctrl-A, Ctrl-E, Ctrl-W, Ctrl-U, Ctrl-Y, Alt-B, Alt-F …)"),
    ("choosing", "Choosing a message"),
    ("list", "In the list: type to filter"),
)

FOOT = (
    ("^K", "jump"),
    ("^F", "search"),
    ("^N", "next unread"),
    ("^L", "lock"),
    ("/", "commands"),
    ("F1", "help"),
)
FOOT_NARROW = (("Esc", "list"), ("^K", "jump"), ("F1", "help"))
FOOT_LIST = (("Enter", "open"), ("Esc", "back"), ("F1", "help"), ("F3", "requests"))
FOOT_CHOOSING = (
    ("r", "reply"),
    ("+", "react"),
    ("e", "edit"),
    ("t", "take back"),
    ("f", "forget"),
    ("c", "copy"),
    ("d", "details"),
    ("Esc", "done"),
)


def action_for(where: Where, key: str) -> str | None:
    """What a key does there; keys of `anywhere` count everywhere, after those of the place itself."""
    for place in (where, "anywhere"):
        for row in KEYS:
            if row.where == place and key in row.names:
                return row.action
    return None
