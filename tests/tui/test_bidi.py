"""Right to left in the order of the screen. Capitals stand for Hebrew letters, as in the examples of UAX 9."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.text import clusters, display_width, safe_line
from onionchat.tui import canvas
from onionchat.tui.bidi import visual

HEBREW = {chr(ord("A") + at): chr(0x5D0 + at) for at in range(26)}
BACK = {hebrew: capital for capital, hebrew in HEBREW.items()}


def on_screen(text):
    """`abc DEF` with capitals as Hebrew, turned, and read from the left."""
    return "".join(BACK.get(sign, sign) for sign in visual("".join(HEBREW.get(sign, sign) for sign in text)))


@pytest.mark.parametrize(
    "written, drawn",
    [
        ("car", "car"),
        ("CAR", "RAC"),
        ("car is THE CAR in arabic", "car is RAC EHT in arabic"),
        ("CAR IS the car IN HEBREW", "WERBEH NI the car SI RAC"),
        ('he said "IT IS 123, 456, OK".', 'he said "KO ,456 ,123 SI TI".'),
        ("CAR 12.5% OFF!", "!FFO 12.5% RAC"),
        ("CAR (red) OK", "KO (red) RAC"),
        ("AB cd", "cd BA"),
        ("ab CD ", "ab DC "),
        ("1,000 A", "A 1,000"),
        ("", ""),
    ],
)
def test_the_examples(written, drawn):
    assert on_screen(written) == drawn


def test_marks_stay_on_their_letters_and_brackets_are_mirrored():
    shin = "\u05e9\u05c1"  # a letter with a mark
    assert visual(f"{shin}\u05d0") == f"\u05d0{shin}"
    assert visual("\u05d0(\u05d1)") == "(\u05d1)\u05d0"


def test_arabic_numbers_run_to_the_right():
    assert visual("\u0627 12 \u0628") == "\u0628 12 \u0627"
    assert visual("\u0627 \u0661\u0662") == "\u0661\u0662 \u0627"


@given(st.text(st.sampled_from("ab \u05d0\u05d1\u05c1\u0627\u0628\u066112.,%()-+\u20ac\U0001f44d\u4f60\ufe0f\u200d")))
def test_nothing_is_lost_and_it_is_as_wide(text):
    safe = safe_line(text)
    drawn = visual(safe)
    assert display_width(drawn) == display_width(safe)
    mirror = str.maketrans("()", "((")
    assert sorted(drawn.translate(mirror)) == sorted(safe.translate(mirror))
    assert sorted(map(len, clusters(drawn))) == sorted(map(len, clusters(safe)))


def test_it_is_done_for_each_part_of_a_line_alone():
    """A message cannot pull what stands beside it out of its place."""
    line = [("who0", "\u05d3\u05df"), ("text", "  "), ("text", "\u05d0\u05d1 1"), ("quiet", " \u2713")]
    try:
        canvas.reorder_right_to_left(True)
        drawn = canvas.text_canvas([line], 20).text[0].decode()
        canvas.reorder_right_to_left(False)
        left = canvas.text_canvas([line], 20).text[0].decode()
    finally:
        canvas.reorder_right_to_left(False)
    assert drawn.rstrip() == "\u05df\u05d3  1 \u05d1\u05d0 \u2713"
    assert left.rstrip() == "\u05d3\u05df  \u05d0\u05d1 1 \u2713"
