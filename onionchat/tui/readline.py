"""An edit with readline's keys in which nothing can stand that a terminal would obey, and no key is a fault."""

from urwid_readline import ReadlineEdit

JOINERS = ("\u200d", "\ufe0f")  # inside of emoji that are typed as several characters


class SafeEdit(ReadlineEdit):  # type: ignore[misc]
    """What is typed must be visible (or join emoji); text from elsewhere is made safe by whoever puts it here."""

    characters_max = 0

    def keypress(self, size: tuple[int], key: str) -> str | None:
        """Readline's keys; what cannot be seen is not taken."""
        if len(key) == 1 and not key.isprintable() and key not in JOINERS:
            return key
        left: str | None = super().keypress(size, key)
        return left

    def _insert_char_at_cursor(self, key: str) -> None:
        """As readline's, but the cursor stays behind what was typed when it joins what stands before it."""
        if len(self.edit_text) + len(key) <= self.characters_max:
            at = self.edit_pos
            self.set_edit_text(self.edit_text[:at] + key + self.edit_text[at:])
            self.set_edit_pos(at + len(key))

    def transpose_chars(self) -> None:
        """Swaps the two characters before the cursor, or at the end of a line the last two; alone it stays."""
        text, at = self.edit_text, self.edit_pos
        at = min(at + 1, len(text)) if text[at : at + 1] != "\n" else at
        if at >= 2 and "\n" not in text[at - 2 : at]:
            self.set_edit_text(text[: at - 2] + text[at - 1] + text[at - 2] + text[at:])
            self.set_edit_pos(at)
