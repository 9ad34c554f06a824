"""The line that says how good a passphrase is."""

from onionchat.tui.glyphs import ASCII, UNICODE
from onionchat.tui.render import width_of
from onionchat.tui.strength import STRENGTH_WORDS, strength_line


def test_a_bar_of_one_length_and_a_word():
    lines = [strength_line(score, "advice", UNICODE) for score in range(5)]
    assert [line[0][1].split()[-1] for line in lines] == list(STRENGTH_WORDS)
    assert {width_of(line[:1]) - len(word) for line, word in zip(lines, STRENGTH_WORDS, strict=True)} == {12}
    assert [line[0][0] for line in lines] == ["danger", "danger", "accent", "accent", "accent"]


def test_without_unicode_and_with_hostile_advice():
    text = "".join(part for _, part in strength_line(1, "a\x1b[2J", ASCII))
    assert text.startswith(" ####......") and "\x1b" not in text
