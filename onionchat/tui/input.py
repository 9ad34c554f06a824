"""The input: several lines, readline's keys, history, completion, and above it what a reply answers."""

from collections.abc import Callable

import urwid

from onionchat import limits
from onionchat.tui.canvas import Size, text_canvas
from onionchat.tui.complete import Completion
from onionchat.tui.readline import SafeEdit
from onionchat.tui.render import Line, block

HISTORY_MAX = 200
PROMPT_COLUMNS = 3


class History:
    """What was sent in this session, by conversation or not: one list. Nothing of it is stored."""

    def __init__(self) -> None:
        self._sent: list[str] = []
        self._at: int | None = None
        self._unsent = ""

    def add(self, text: str) -> None:
        """One more; the same twice counts once."""
        if text and self._sent[-1:] != [text]:
            self._sent.append(text)
            del self._sent[:-HISTORY_MAX]
        self._at = None

    @property
    def browsing(self) -> bool:
        """Whether the input shows something of the past."""
        return self._at is not None

    def back(self, current: str) -> str | None:
        """The one before; None at the start."""
        if self._at is None:
            self._unsent = current
        at = len(self._sent) if self._at is None else self._at
        if at == 0:
            return None
        self._at = at - 1
        return self._sent[self._at]

    def forward(self) -> str | None:
        """The one after, at last what was being written; None when nothing is browsed."""
        if self._at is None:
            return None
        if self._at + 1 >= len(self._sent):
            self._at = None
            return self._unsent
        self._at += 1
        return self._sent[self._at]

    def clear(self) -> None:
        """For the lock."""
        self.__init__()  # type: ignore[misc]


class Input(SafeEdit):
    """The text that is being written. It is always safe to draw: what comes from elsewhere is made so."""

    characters_max = limits.TEXT_MAX_BYTES

    def __init__(self, on_change: Callable[[], None], complete: Callable[[str], Completion]) -> None:
        super().__init__("", "", multiline=True, max_char=limits.TEXT_MAX_BYTES)
        for ours in ("ctrl l", "ctrl f", "ctrl k", "enter"):
            self.keymap.pop(ours, None)
        self.keymap["meta u"] = self.kill_whole_line
        self.keymap["ctrl left"] = self.backward_word
        self.keymap["ctrl right"] = self.forward_word
        self._on_change = on_change
        self._complete_from = complete
        self._cycle: tuple[int, tuple[str, ...], int] | None = None
        self.history = History()

    # --- text ---
    def set_text_from(self, text: str) -> None:
        """Puts text there that may come from elsewhere (a draft, an own message, the history)."""
        self._cycle = None
        self.set_edit_text(block(text))
        self.set_edit_pos(len(self.edit_text))

    def take(self) -> str:
        """What was written; the input is empty afterwards."""
        text: str = self.edit_text
        self.set_text_from("")
        return text

    def forget(self) -> None:
        """For the lock: no text, no history, nothing to yank or undo."""
        self.set_text_from("")
        self.history.clear()
        self._paste_buffer.clear()
        self._undo_buffer.__init__()

    def paste(self, text: str | None = None) -> None:
        """Text of the terminal's clipboard at the cursor; without it readline's own yank."""
        if text is None:
            super().paste()
        else:
            room = limits.TEXT_MAX_BYTES - len(self.edit_text)
            self.insert_text(block(text)[:room])
        self._changed()

    def newline(self) -> None:
        """At the cursor."""
        self.insert_text("\n")
        self._changed()

    def keypress(self, size: Size, key: str) -> str | None:
        """Readline."""
        self._cycle = None
        before = self.edit_text
        left = super().keypress(size, key)
        if self.edit_text != before:
            self._changed()
        return left

    def _changed(self) -> None:
        self._invalidate()
        self._on_change()

    # --- completion ---
    def complete(self, step: int) -> tuple[str, ...]:
        """Completes, or goes on to the next candidate; the candidates when there are several."""
        if self._cycle is None:
            found = self._complete_from(self.edit_text[: self.edit_pos])
            if not found.candidates:
                return ()
            self._cycle = (found.start, found.candidates, 0 if step > 0 else len(found.candidates) - 1)
        else:
            start, candidates, at = self._cycle
            self._cycle = (start, candidates, (at + step) % len(candidates))
        start, candidates, at = self._cycle
        after = self.edit_text[self.edit_pos :]
        self.set_edit_text(self.edit_text[:start] + candidates[at] + after)
        self.set_edit_pos(start + len(candidates[at]))
        self._changed()
        return candidates if len(candidates) > 1 else ()

    # --- history ---
    def back(self) -> None:
        """What was sent before."""
        text = self.history.back(self.edit_text)
        if text is not None:
            self.set_text_from(text)

    def forward(self) -> None:
        """What was sent after."""
        text = self.history.forward()
        if text is not None:
            self.set_text_from(text)


class InputPane(urwid.Widget):
    """The prompt, the input (scrolled when it is long), and a line above it while replying or editing."""

    _sizing = frozenset([urwid.FLOW])
    _selectable = True
    no_cache = ("render",)

    def __init__(self, edit: Input, context: Callable[[int], Line | None]) -> None:
        super().__init__()
        self.edit = edit
        self.rows_max = 6
        self.on_click: Callable[[], None] = lambda: None
        self._context = context
        self._box = urwid.ListBox([edit])

    def _edit_rows(self, columns: int) -> int:
        rows: int = self.edit.rows((columns,), True)
        return max(1, min(rows, self.rows_max))

    def rows(self, size: Size, focus: bool = False) -> int:
        """As many as the text needs, within bounds."""
        above = 0 if self._context(size[0]) is None else 1
        return above + self._edit_rows(max(size[0] - PROMPT_COLUMNS, 1))

    def render(self, size: Size, focus: bool = False) -> urwid.Canvas:
        """The pane."""
        columns = max(size[0] - PROMPT_COLUMNS, 1)
        rows = self._edit_rows(columns)
        prompt = text_canvas([[("prompt", " > ")], *([[]] * (rows - 1))], PROMPT_COLUMNS)
        box = self._box.render((columns, rows), focus)
        pane = urwid.CanvasJoin([(prompt, None, False, PROMPT_COLUMNS), (box, None, True, columns)])
        context = self._context(size[0])
        if context is None:
            return pane
        return urwid.CanvasCombine([(text_canvas([context], size[0]), None, False), (pane, None, True)])

    def keypress(self, size: Size, key: str) -> str | None:
        """To the input."""
        return self.edit.keypress((max(size[0] - PROMPT_COLUMNS, 1),), key)

    def mouse_event(self, size: Size, event: str, button: int, col: int, row: int, focus: bool) -> bool:
        """A click puts the cursor there."""
        if event != "mouse press" or button != 1:
            return False
        self.on_click()
        columns = max(size[0] - PROMPT_COLUMNS, 1)
        above = 0 if self._context(size[0]) is None else 1
        if row >= above:
            self._box.mouse_event(
                (columns, self._edit_rows(columns)), event, button, max(col - PROMPT_COLUMNS, 0), row - above, True
            )
        return True
