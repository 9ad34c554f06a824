"""Short names of emoji."""

from onionchat import limits
from onionchat.text import display_width, safe_line
from onionchat.tui.emoji import CODES, QUICK, emoji_of


def test_names_are_plain_and_signs_are_safe():
    for name, sign in CODES.items():
        assert name.isascii() and " " not in name and ":" not in name
        assert safe_line(sign) == sign
        assert 1 <= display_width(sign) <= 2
        assert len(sign.encode()) <= limits.EMOJI_MAX_BYTES


def test_names_with_and_without_colons():
    assert emoji_of(":onion:") == emoji_of("onion") == emoji_of(" :onion ") == "🧅"
    assert emoji_of("👍") == "👍"
    assert emoji_of("") == ""


def test_the_quick_ones_fit_a_number_key():
    assert len(QUICK) <= 9
