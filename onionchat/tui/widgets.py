"""The few widgets that all screens are made of: text, a list to choose from, buttons, fields."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import urwid

from onionchat.tui.canvas import Size, filled, text_canvas
from onionchat.tui.readline import SafeEdit
from onionchat.tui.render import Line, width_of

MakeLines = Callable[[int], list[Line]]
SECRET_CHARACTERS_MAX = 1024  # longer than any passphrase a person types
FIELD_CHARACTERS_MAX = 2048


class OneLine(urwid.Widget):
    """A line that is made again whenever it is drawn."""

    _sizing = frozenset([urwid.FLOW])
    _selectable = False
    no_cache = ("render",)

    def __init__(self, make: Callable[[int], Line]) -> None:
        super().__init__()
        self._make = make

    def rows(self, size: Size, focus: bool = False) -> int:
        """One."""
        return 1

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """The line."""
        return text_canvas([self._make(size[0])], size[0])


class TextBody(urwid.Widget):
    """Lines that scroll."""

    _sizing = frozenset([urwid.BOX])
    _selectable = True
    no_cache = ("render",)

    def __init__(self, make: MakeLines) -> None:
        super().__init__()
        self.make = make
        self.top = 0

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """The part that is scrolled to."""
        lines = self.make(size[0])
        self.top = max(0, min(self.top, len(lines) - size[1]))
        return filled(lines[self.top :], size)

    def keypress(self, size: Size, key: str) -> str | None:
        """Scrolls."""
        page = max(size[1] - 1, 1)
        steps = {"up": -1, "down": 1, "page up": -page, "page down": page, " ": page, "home": -(10**6), "end": 10**6}
        if key not in steps:
            return key
        self.top = max(0, self.top + steps[key])
        return None

    def mouse_event(self, size: Size, event: str, button: int, col: int, row: int, focus: bool) -> bool:
        """The wheel scrolls."""
        if event == "mouse press" and button in (4, 5):
            self.top = max(0, self.top + (-3 if button == 4 else 3))
            return True
        return False


@dataclass(frozen=True)
class Choice:
    """Something to choose: its key, and its lines at a width (`chosen`: the cursor is on it)."""

    key: str
    make: Callable[[int, bool], list[Line]]


class Choices(urwid.Widget):
    """A list with one of it chosen. The chosen one stays in view, and stays chosen by its key when the list changes."""

    _sizing = frozenset([urwid.BOX])
    _selectable = True
    no_cache = ("render",)

    def __init__(self, on_choose: Callable[[str], None], empty: str = "") -> None:
        super().__init__()
        self.items: list[Choice] = []
        self.index = 0
        self.mark_without_focus = True
        self._on_choose = on_choose
        self._empty = empty
        self._top = 0

    def replace(self, items: Sequence[Choice]) -> None:
        """Another list."""
        key = self.chosen
        self.items = list(items)
        keys = [item.key for item in items]
        self.index = keys.index(key) if key in keys else max(0, min(self.index, len(keys) - 1))

    @property
    def chosen(self) -> str | None:
        """The key under the cursor."""
        return self.items[self.index].key if self.items else None

    def choose(self, key: str) -> None:
        """Puts the cursor on a key, when it is there."""
        for index, item in enumerate(self.items):
            if item.key == key:
                self.index = index

    def _drawn(self, columns: int, marked: bool) -> tuple[list[Line], list[int]]:
        lines: list[Line] = []
        starts = []
        for index, item in enumerate(self.items):
            starts.append(len(lines))
            chosen = marked and index == self.index
            made = item.make(columns, chosen)
            lines += [_marked(line, columns) for line in made] if chosen else made
        return lines, [*starts, len(lines)]

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """The part with the chosen one in it."""
        if not self.items:
            return filled([[("quiet", f" {self._empty}"[: size[0]])]], size)
        lines, starts = self._drawn(size[0], focus or self.mark_without_focus)
        first, last = starts[self.index], starts[self.index + 1]
        self._top = max(min(self._top, first, len(lines) - size[1]), last - size[1], 0)
        return filled(lines[self._top :], size)

    def keypress(self, size: Size, key: str) -> str | None:
        """Up, down, pages, Enter."""
        page = max(size[1] - 1, 1)
        steps = {"up": -1, "down": 1, "page up": -page, "page down": page}
        if key in steps:
            self.index = max(0, min(self.index + steps[key], len(self.items) - 1))
            return None
        if key == "enter" and self.chosen is not None:
            self._on_choose(self.chosen)
            return None
        return key

    def mouse_event(self, size: Size, event: str, button: int, col: int, row: int, focus: bool) -> bool:
        """A click chooses, the wheel moves."""
        if event != "mouse press" or not self.items:
            return False
        if button in (4, 5):
            self.keypress(size, "up" if button == 4 else "down")
            return True
        _, starts = self._drawn(size[0], False)
        for index, start in enumerate(starts[:-1]):
            if button == 1 and start <= self._top + row < starts[index + 1]:
                self.index = index
                self._on_choose(self.items[index].key)
                return True
        return False


def _marked(line: Line, columns: int) -> Line:
    return [("selected", text) for _, text in line] + [("selected", " " * max(columns - width_of(line), 0))]


class Buttons(urwid.Widget):
    """Buttons in a row, or below each other when there is no room."""

    _sizing = frozenset([urwid.FLOW])
    _selectable = True
    no_cache = ("render",)

    def __init__(self, labels: Sequence[tuple[str, Callable[[], None]]], index: int = 0) -> None:
        super().__init__()
        self.labels = list(labels)
        self.index = index

    def _lines(self, columns: int) -> list[Line]:
        parts: list[Line] = [
            [("text", "  "), ("button here" if number == self.index else "button", f"[ {label} ]")]
            for number, (label, _) in enumerate(self.labels)
        ]
        together = [segment for part in parts for segment in part]
        return [together] if width_of(together) <= columns else parts

    def rows(self, size: Size, focus: bool = False) -> int:
        """One, or one a button."""
        return len(self._lines(size[0]))

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """The buttons."""
        return text_canvas(self._lines(size[0]), size[0])

    def keypress(self, size: Size, key: str) -> str | None:
        """Arrows and Tab move, Enter does it."""
        steps = {"left": -1, "up": -1, "shift tab": -1, "right": 1, "down": 1, "tab": 1}
        if key in steps:
            self.index = (self.index + steps[key]) % len(self.labels)
            return None
        if key == "enter":
            self.labels[self.index][1]()
            return None
        return key

    def mouse_event(self, size: Size, event: str, button: int, col: int, row: int, focus: bool) -> bool:
        """A click does it."""
        if event != "mouse press" or button != 1:
            return False
        lines = self._lines(size[0])
        if len(lines) > 1:
            self.index = min(row, len(self.labels) - 1)
        else:
            end = 0
            for number, (label, _) in enumerate(self.labels):
                end += len(label) + 6
                if col < end:
                    self.index = number
                    break
        self.labels[self.index][1]()
        return True


class Field(SafeEdit):
    """One line that is typed."""

    characters_max = FIELD_CHARACTERS_MAX

    def __init__(self, label: str, text: str = "", on_change: Callable[[str], None] | None = None) -> None:
        super().__init__(("prompt", label), text, max_char=FIELD_CHARACTERS_MAX, wrap="clip")
        self.keymap.pop("ctrl l", None)
        self._on_change = on_change

    def keypress(self, size: Size, key: str) -> str | None:
        """Types; tells of every change."""
        if key in ("up", "down", "ctrl p", "ctrl n"):
            return key
        before = self.edit_text
        left = super().keypress(size, key)
        if self.edit_text != before and self._on_change is not None:
            self._on_change(self.edit_text)
        return left

    def paste(self, text: str | None = None) -> None:
        """Safe text from the terminal's clipboard on one line; without it readline's own yank."""
        if text is None:
            super().paste()
            return
        self.insert_text(text.replace("\n", " ")[:FIELD_CHARACTERS_MAX])
        if self._on_change is not None:
            self._on_change(self.edit_text)


class SecretField(urwid.Widget):
    """A passphrase: nothing of it is drawn, not even how long it is."""

    _sizing = frozenset([urwid.FLOW])
    _selectable = True
    no_cache = ("render",)

    def __init__(self, label: str, on_change: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self._label = label
        self._on_change = on_change
        self._characters: list[str] = []

    def __repr__(self) -> str:
        return "SecretField(…)"

    def take(self) -> str:
        """What was typed; the field is empty afterwards."""
        text = "".join(self._characters)
        self._characters.clear()
        return text

    @property
    def empty(self) -> bool:
        """Whether nothing was typed."""
        return not self._characters

    def rows(self, size: Size, focus: bool = False) -> int:
        """One."""
        return 1

    def get_cursor_coords(self, size: Size) -> tuple[int, int]:
        """Behind the label."""
        return (min(len(self._label), size[0] - 1), 0)

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """The label and the cursor."""
        state = "" if self.empty else "  (typed)"
        canvas = urwid.CompositeCanvas(text_canvas([[("prompt", self._label), ("quiet", state)]], size[0]))
        if focus:
            canvas.cursor = self.get_cursor_coords(size)
        return canvas

    def keypress(self, size: Size, key: str) -> str | None:
        """Types; Ctrl-U begins again."""
        if key == "ctrl u":
            self._characters.clear()
        elif key == "backspace":
            del self._characters[-1:]
        elif len(key) == 1 and key.isprintable():
            self.paste(key)
            return None
        else:
            return key
        self._changed()
        return None

    def paste(self, text: str) -> None:
        """Pasted, up to its first newline."""
        room = SECRET_CHARACTERS_MAX - len(self._characters)
        self._characters += text.split("\n")[0][:room]
        self._changed()

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change("".join(self._characters))
        self._invalidate()
