"""Removing a device of mine: what it did, and what of that shall be undone."""

from collections.abc import Callable, Sequence

from onionchat.api import types as t
from onionchat.tui.canvas import Size
from onionchat.tui.render import Line, Look, moment, one_line, padded, paragraph
from onionchat.tui.screens.frame import COLUMNS_MAX, Screen
from onionchat.tui.widgets import Choice, Choices

Decide = Callable[[bool, list[str]], None]
"""Whether it was stolen, and the ids of what is to be undone."""


class UntrustScreen(Screen):
    """The deeds, the newest first. Space marks what is undone; r or s removes the device, after a question."""

    name = "untrust"

    def __init__(self, look: Callable[[], Look], device: t.OwnDevice, deeds: Sequence[t.Deed], decide: Decide) -> None:
        self._deeds, self._decide = list(deeds), decide
        self.undone = {deed.id for deed in deeds if deed.undo}
        self.choices = Choices(self._toggle, "It did nothing that is to be undone.")
        keys = (("Space", "undo it or not"), ("r", "remove the device"), ("s", "it was stolen"))
        super().__init__(look, f"Remove {one_line(device.name)}", self.choices, keys=keys)
        self.choices.replace([Choice("words", self._words), *(self._row(deed) for deed in deeds)])

    def _words(self, columns: int, chosen: bool) -> list[Line]:
        text = (
            "Nothing reaches it from then on, and every device that stays moves to a new address. What it did is below."
        )
        return [*padded(paragraph(text, min(columns, COLUMNS_MAX) - 2, "quiet")), []]

    def _row(self, deed: t.Deed) -> Choice:
        return Choice(deed.id, lambda columns, chosen: deed_lines(deed, deed.id in self.undone, columns, self.look()))

    def _toggle(self, deed_id: str) -> None:
        if any(deed.id == deed_id for deed in self._deeds):
            self.undone ^= {deed_id}
            self._invalidate()

    def keypress(self, size: Size, key: str) -> str | None:
        """Letters decide."""
        if key == " " and self.choices.chosen is not None:
            self._toggle(self.choices.chosen)
            return None
        if key in ("r", "s"):
            self._decide(key == "s", [deed.id for deed in self._deeds if deed.id in self.undone])
            return None
        return super().keypress(size, key)


def deed_lines(deed: t.Deed, undone: bool, columns: int, look: Look) -> list[Line]:
    """One thing that a device did, and whether it is undone."""
    when = "" if deed.time is None else f"{moment(deed.time, look)}  "
    body = paragraph(when + one_line(deed.text), max(min(columns, COLUMNS_MAX) - 12, 8))
    head: Line = [("accent" if undone else "quiet", f" {'[undo]' if undone else '[    ]'}  "), *body[0]]
    return [head, *padded(body[1:], " " * 9)]


def question(device: t.OwnDevice, stolen: bool, undone: int) -> str:
    """What is asked before it is done."""
    how = (
        "as stolen: what it writes from now on is refused everywhere, and all links are closed"
        if stolen
        else "for good"
    )
    what = "Nothing of what it did is undone." if not undone else f"{undone} of what it did is undone."
    return f"Remove {one_line(device.name)} {how}? {what}"
