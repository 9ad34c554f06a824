"""The one table of keys: what is done, where, and the words of the help, which is made from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Where = Literal["anywhere", "writing", "choosing", "list", "wiping"]


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
    Key(("f6",), "F6", "anywhere", "settings", "my devices and the settings"),
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
    Key(("ctrl x",), "Ctrl-X", "anywhere", "panic", "hide the screen and ask whether to wipe everything here"),
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
    Key(("a",), "a", "choosing", "add_link", "ask the one whose link is in it to be a contact"),
    Key(("g",), "g", "choosing", "go_reply", "to the message it answers"),
    Key(("esc", "q"), "Esc", "choosing", "stop_choosing", "back to the input"),
    Key(("enter",), "Enter", "list", "list_open", "open"),
    Key(("esc", "tab"), "Esc", "list", "list_leave", "no filter; back to the input"),
    Key(("ctrl c",), "Ctrl-C", "list", "list_leave", "back to the input"),
    Key(("f9",), "F9", "wiping", "wipe", "destroy the profile on this device, for good; any other key goes back"),
)

SECTIONS: tuple[tuple[Where, str], ...] = (
    ("anywhere", "Everywhere"),
    ("writing", "Writing (readline's other keys work too: Ctrl-A, Ctrl-E, Ctrl-W, Ctrl-U, Ctrl-Y, Alt-B, Alt-F …)"),
    ("choosing", "Choosing a message"),
    ("list", "In the list: type to filter"),
    ("wiping", "After Ctrl-X, also where it is locked or hidden"),
)

# What stands at the foot: an action of the table (its key is shown) or a key that is fixed, and a word.
FOOT = (
    ("jump", "jump"),
    ("search", "search"),
    ("next_unread", "next unread"),
    ("lock", "lock"),
    ("/", "commands"),
    ("help", "help"),
)
FOOT_NARROW = (("back", "list"), ("jump", "jump"), ("help", "help"))
FOOT_LIST = (("list_open", "open"), ("list_leave", "back"), ("help", "help"), ("requests", "requests"))
FOOT_CHOOSING = (
    ("r", "reply"),
    ("react", "react"),
    ("edit", "edit"),
    ("retract", "take back"),
    ("forget", "forget"),
    ("copy", "copy"),
    ("details", "details"),
    ("stop_choosing", "done"),
)


class KeyTable:
    """The keys of one console: the table above, with what the user put in its place."""

    def __init__(self, changes: Mapping[str, Sequence[str]] | None = None) -> None:
        changes = changes or {}
        self.rows: list[Key] = []
        done: set[str] = set()
        for row in KEYS:
            if row.action not in changes:
                self.rows.append(row)
            elif row.action not in done:
                done.add(row.action)
                names = tuple(changes[row.action])
                self.rows.append(replace(row, names=names, shown=" ".join(key_shown(name) for name in names[:2])))

    def action_for(self, where: Where, key: str) -> str | None:
        """What a key does there; keys of `anywhere` count everywhere, after those of the place itself."""
        for place in (where, "anywhere"):
            for row in self.rows:
                if row.where == place and key in row.names:
                    return row.action
        return None

    def foot(self, hints: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """The hints with the keys as short as they can be written; an action without a key is left out."""
        by_action = {row.action: row for row in reversed(self.rows)}
        found = []
        for hint, word in hints:
            row = by_action.get(hint)
            if row is None:
                found.append((hint, word))
            elif row.names:
                found.append((key_shown(row.names[0]).replace("Ctrl-", "^"), word))
        return found


# --- keys as people write them --------------------------------------------------------------------------
_NAMED = {"page up": "PgUp", "page down": "PgDn", "esc": "Esc", "backspace": "Backspace", "newline": "Ctrl-J"}
_SPELLINGS = {"pgup": "page up", "pgdn": "page down", "escape": "esc", "return": "enter", "space": " ", "del": "delete"}
_PLAIN = {
    "up",
    "down",
    "left",
    "right",
    "home",
    "end",
    "insert",
    "delete",
    "backspace",
    "tab",
    "enter",
    "esc",
    "page up",
}
_PLAIN |= {"page down", " ", *(f"f{number}" for number in range(1, 13))}
_SAME = {"i": "Tab", "m": "Enter", "h": "Backspace", "[": "Esc", "j": "Alt-Enter's newline"}


def key_shown(name: str) -> str:
    """`ctrl k` → `Ctrl-K`, `meta up` → `Alt-Up`."""
    *modifiers, key = [" "] if name == " " else name.replace("page ", "page_").split(" ")
    key = key.replace("_", " ") if len(key) > 1 else key
    words = [{"ctrl": "Ctrl", "meta": "Alt", "shift": "Shift"}.get(modifier, modifier) for modifier in modifiers]
    last = _NAMED.get(key) or ("Space" if key == " " else key.capitalize() if len(key) > 1 else key)
    return "-".join([*words, last.upper() if "ctrl" in modifiers and len(last) == 1 else last])


def parse_key(text: str) -> str:
    """`Ctrl-K`, `Alt-Up`, `F5`, `x` → the name in the table. ValueError says what is wrong with it."""
    if len(text) == 1 and text.isprintable():
        return text
    *modifiers, key = text.split("-") if not text.endswith("--") else [*text[:-2].split("-"), "-"]
    lowered = [{"control": "ctrl", "alt": "meta"}.get(word.lower(), word.lower()) for word in modifiers]
    if any(word not in ("ctrl", "meta", "shift") for word in lowered) or len(set(lowered)) < len(lowered):
        raise ValueError("keys are written as Ctrl-K, Alt-Up, Shift-F3, PgUp or x")
    lower = _SPELLINGS.get(key.lower(), key.lower())
    single = len(key) == 1 and key.isprintable()
    if not single and lower not in _PLAIN:
        raise ValueError("there is no such key; keys are written as Ctrl-K, Alt-Up, F5, PgUp or x")
    if "ctrl" in lowered and single:
        if lower in _SAME:
            raise ValueError(f"a terminal cannot tell it from {_SAME[lower]}: choose another one")
        return " ".join([*sorted(lowered, key=["shift", "meta", "ctrl"].index), lower])
    if "shift" in lowered and single:
        raise ValueError("write the character that Shift makes, without Shift-")
    return " ".join([*sorted(lowered, key=["shift", "meta", "ctrl"].index), key if single else lower])
