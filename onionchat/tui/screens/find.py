"""Screens to find something: jump to a conversation, search all messages."""

from collections.abc import Callable, Sequence

from onionchat.api import types as t
from onionchat.tui.bars import list_row
from onionchat.tui.canvas import Size
from onionchat.tui.render import Line, Look, fit, moment, one_line, pad
from onionchat.tui.screens.frame import Screen
from onionchat.tui.theme import who_style
from onionchat.tui.widgets import Choice, Choices, Field
from onionchat.tui.wrap import wrap

SEARCH_AFTER_SECONDS = 0.25  # no question a keystroke
FOUND_LINES = 2


class _Finder(Screen):
    """A field above, what was found below: typing goes to the field, arrows and Enter to the list."""

    def __init__(
        self, look: Callable[[], Look], title: str, label: str, text: str, empty: str, choose: Callable[[str], None]
    ) -> None:
        self.field = Field(label, text, on_change=lambda _: self.typed())
        self.choices = Choices(choose, empty)
        keys = (("Enter", "open"), ("Up Down", "choose"))
        super().__init__(look, title, self.choices, above=self.field, keys=keys, focus="header")
        self._w.header.focus_position = 2

    def typed(self) -> None:
        """The text is another one now."""

    def keypress(self, size: Size, key: str) -> str | None:
        """Splits the keys."""
        if key in ("up", "down", "page up", "page down", "enter"):
            return self.choices.keypress((size[0], max(size[1] - 6, 1)), key)
        if key == "esc":
            return super().keypress(size, key)
        return self.field.keypress((size[0],), key)

    def paste(self, text: str) -> None:
        """Into the field."""
        self.field.paste(text)


class JumpScreen(_Finder):
    """Ctrl-K: a few letters of a name, Enter."""

    name = "jump"

    def __init__(
        self, look: Callable[[], Look], conversations: Sequence[t.Conversation], on_open: Callable[[str], None]
    ) -> None:
        self._conversations = conversations
        self._on_open = on_open
        super().__init__(look, "Jump to", " > ", "", "no conversation has that in its name", self._choose)
        self.typed()

    def typed(self) -> None:
        """Names that have the letters in order; those that begin with them first."""
        wanted = self.field.edit_text.strip().casefold()
        found = (
            sorted(
                (rank, index, conversation)
                for index, conversation in enumerate(self._conversations)
                if (rank := rank_of(conversation.name.casefold(), wanted)) is not None
            )
            if wanted
            else [(0, index, conversation) for index, conversation in enumerate(self._conversations)]
        )
        self.choices.replace([self._row(conversation) for _, _, conversation in found])
        self.choices.index = 0

    def _row(self, conversation: t.Conversation) -> Choice:
        def make(columns: int, chosen: bool) -> list[Line]:
            row = list_row(conversation, min(columns, 32), self.look(), False)
            room = columns - 34
            last = conversation.last_line if room > 10 else ""
            return [[*row, ("quiet", f"  {fit(last, max(room, 0), self.look())}")]]

        return Choice(conversation.name, make)

    def _choose(self, name: str) -> None:
        self.close()
        self._on_open(name)


def rank_of(name: str, wanted: str) -> int | None:
    """0 begins with it, 1 a word begins with it, 2 holds it, 3 has its letters in order; None: not at all."""
    if name.startswith(wanted):
        return 0
    if f" {wanted}" in name:
        return 1
    if wanted in name:
        return 2
    letters = iter(name)
    return 3 if all(letter in letters for letter in wanted) else None


class SearchScreen(_Finder):
    """Ctrl-F: full text over all conversations; Enter goes to the place."""

    name = "search"

    def __init__(
        self,
        look: Callable[[], Look],
        query: str,
        on_query: Callable[[str], None],
        on_open: Callable[[str, str], None],
        here: str | None = None,
    ) -> None:
        self._on_query, self._on_open, self._here = on_query, on_open, here
        self.within: str | None = None
        self._found: dict[str, t.Message] = {}
        super().__init__(look, "Search", " > ", query, 'words, "a phrase" or begin*', self._choose)
        if here is not None:
            self.keys = (*self.keys, ("Tab", "only here, or everywhere"))
        if query:
            on_query(query)

    def keypress(self, size: Size, key: str) -> str | None:
        """Tab: only the conversation that is open, or all of them."""
        if key == "tab" and self._here is not None:
            self.within = self._here if self.within is None else None
            self.title = "Search" if self.within is None else f"Search in {one_line(self.within)}"
            self.typed()
            self._invalidate()
            return None
        return super().keypress(size, key)

    def typed(self) -> None:
        """Asks again, when the typing pauses (whoever made the screen sees to that)."""
        self._on_query(self.field.edit_text)

    def show(self, query: str, found: Sequence[t.Message]) -> None:
        """The answer to a query; an answer to an older one is dropped."""
        if query != self.field.edit_text:
            return
        self._found = {message.id: message for message in found}
        self.choices._empty = "nothing found" if query.strip() else 'words, "a phrase" or begin*'
        words = [word.strip('"*').casefold() for word in query.split() if word.strip('"*')]
        self.choices.replace([self._row(message, words) for message in found])
        self.choices.index = 0
        self._invalidate()

    def _row(self, message: t.Message, words: Sequence[str]) -> Choice:
        def make(columns: int, chosen: bool) -> list[Line]:
            where = f" {look.glyphs.middle_dot} {one_line(message.conversation or '')}"
            head: Line = [
                ("time", f" {pad(moment(message.time, look), 14)}"),
                (who_style(message.sender), fit(message.sender or look.glyphs.middle_dot, 16, look)),
                ("quiet", fit(where, max(columns - 34, 4), look)),
            ]
            text = wrap(excerpt(one_line(message.text), words, columns * FOUND_LINES), max(columns - 6, 8))
            body: list[Line] = [[("text", "     "), *highlighted(line, words)] for line in text[:FOUND_LINES]]
            return [head, *body]

        look = self.look()
        return Choice(message.id, make)

    def _choose(self, message_id: str) -> None:
        message = self._found[message_id]
        self.close()
        self._on_open(message.conversation or "", message_id)


def excerpt(text: str, words: Sequence[str], columns: int) -> str:
    """The part of a long text where the first word stands."""
    if len(text) <= columns:
        return text
    at = next((place for word in words if (place := text.casefold().find(word)) >= 0), 0)
    start = max(0, at - columns // 3)
    return ("… " if start else "") + text[start:]


def highlighted(text: str, words: Sequence[str]) -> Line:
    """The words that were looked for, made visible."""
    folded = text.casefold()
    if len(folded) != len(text):
        return [("text", text)]
    line: Line = []
    at = 0
    while at < len(text):
        places = [(place, len(word)) for word in words if word and (place := folded.find(word, at)) >= 0]
        if not places:
            break
        place, length = min(places)
        line += [("text", text[at:place]), ("found", text[place : place + length])]
        at = place + length
    return [*line, ("text", text[at:])]
