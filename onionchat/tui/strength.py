"""How good a passphrase is, as a line below the field. Pure."""

from onionchat.tui.glyphs import Glyphs
from onionchat.tui.render import Line, one_line

STRENGTH_WORDS = ("worthless", "weak", "so-so", "good", "strong")
STRENGTH_MIN = 2
WEAK = "That is easily guessed. Ctrl-U begins again; Enter takes it all the same."


def strength_line(score: int, advice: str, glyphs: Glyphs) -> Line:
    """A bar, a word, and what would make it better. `score`: 0 to 4."""
    style = "danger" if score < STRENGTH_MIN else "accent"
    bar = glyphs.bar_full * (score + 1) * 2 + glyphs.bar_empty * (4 - score) * 2
    return [(style, f" {bar} {STRENGTH_WORDS[score]}"), ("quiet", f"  {one_line(advice)}")]
