"""Passphrases that are typed into a screen: a new one twice with a word on its strength, after the present one."""

from collections.abc import Callable

from onionchat.tui.canvas import Size
from onionchat.tui.render import Line, Look, padded, paragraph
from onionchat.tui.screens.frame import COLUMNS_MAX, Screen
from onionchat.tui.strength import STRENGTH_MIN, WEAK, strength_line
from onionchat.tui.widgets import SecretField, TextBody

Strength = Callable[[str], tuple[int, str]]


class PassphraseScreen(Screen):
    """Asks for a new passphrase, twice; with `old`, for the present one before. `on_done` gets old and new."""

    name = "passphrase"

    def __init__(
        self,
        look: Callable[[], Look],
        title: str,
        words: str,
        strength: Strength,
        on_done: Callable[[str, str], None],
        *,
        old: bool = False,
    ) -> None:
        self._words, self._strength, self._on_done = words, strength, on_done
        self._step = "old" if old else "new"
        self._old = self._first = ""
        self._weak_accepted = False
        self._message = ""
        self._score: tuple[int, str] | None = None
        self.field = SecretField(" > ", self._typed)
        super().__init__(
            look, title, TextBody(self._lines), above=self.field, keys=(("Enter", "go on"),), focus="header"
        )
        self._w.header.focus_position = 2

    def _lines(self, columns: int) -> list[Line]:
        width = min(columns, COLUMNS_MAX) - 2
        asked = {"old": "The present passphrase.", "new": "A new passphrase.", "again": "The same once more."}
        lines: list[Line] = [*padded(paragraph(asked[self._step], width, "bold"))]
        if self._score is not None:
            lines.append(strength_line(*self._score, self.look().glyphs))
        lines += padded(paragraph(self._message, width, "warning")) if self._message else []
        return [*lines, [], *padded(paragraph(self._words, width, "quiet"))]

    def _typed(self, text: str) -> None:
        self._message = ""
        self._score = self._strength(text) if text and self._step == "new" else None

    def keypress(self, size: Size, key: str) -> str | None:
        """Enter takes it; the second time it must be the same."""
        if key != "enter":
            return super().keypress(size, key)
        if not self.field.empty:
            self._enter()
            self._invalidate()
        return None

    def _enter(self) -> None:
        if self._step == "old":
            self._old, self._step = self.field.take(), "new"
        elif self._step == "new":
            if self._score is not None and self._score[0] < STRENGTH_MIN and not self._weak_accepted:
                self._weak_accepted, self._message = True, WEAK
                return
            self._first, self._step, self._score = self.field.take(), "again", None
        elif self.field.take() == self._first:
            old, new = self._old, self._first
            self.close()
            self._on_done(old, new)
        else:
            self._first, self._step, self._weak_accepted = "", "new", False
            self._message = "They were not the same. Begin again."

    def paste(self, text: str) -> None:
        """From a password keeper."""
        self.field.paste(text)

    def closed(self) -> None:
        """Nothing of it stays."""
        self._old = self._first = ""
        self.field.take()
