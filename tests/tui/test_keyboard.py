"""Keys, newlines and pastes as they come from a terminal."""

from hypothesis import given
from hypothesis import strategies as st

from onionchat.tui.keyboard import PASTE_CHARACTERS_MAX, KeyReader, Paste


def read(keys, raw=None):
    codes = raw if raw is not None else [13 if key == "enter" else ord(key[0]) for key in keys if isinstance(key, str)]
    return KeyReader().read(keys, codes)


def test_keys_go_through():
    mouse = ("mouse press", 1, 2, 3)
    assert read(["a", "enter"]) == ["a", "enter"]
    assert read(["f1", mouse, "ctrl l"]) == ["f1", mouse, "ctrl l"]


def test_ctrl_j_is_not_enter():
    assert read(["enter"], [10]) == ["newline"]
    assert read(["enter", "enter", "enter"], [13, 10, 13]) == ["enter", "newline", "enter"]
    assert read(["meta enter", "enter"], [27, 13, 10]) == ["meta enter", "newline"]


def test_a_paste_is_one_thing_and_its_keys_do_nothing():
    keys = ["begin paste", "a", "enter", "ctrl l", "f12", "tab", "b", "\u202e", "end paste", "enter"]
    assert read(keys, [97, 13, 12, 98, 13]) == [Paste("a\n    b\ufffd"), "enter"]


def test_a_paste_may_come_in_pieces():
    reader = KeyReader()
    assert reader.read(["begin paste", "a"], [97]) == []
    assert reader.read(["b"], [98]) == []
    assert reader.read(["c", "end paste", "x"], [99, 120]) == [Paste("abc"), "x"]
    assert reader.read(["end paste"], []) == []


def test_a_huge_paste_is_cut_and_says_so():
    reader = KeyReader()
    reader.read(["begin paste"], [])
    reader.read(["x"] * (PASTE_CHARACTERS_MAX + 500), [])
    (paste,) = reader.read(["end paste"], [])
    assert paste.cut and len(paste.text) == PASTE_CHARACTERS_MAX


def test_text_that_goes_on_after_enter_at_once_is_a_paste_without_marks():
    keys = [*"one", "enter", *"two", "enter"]
    assert read(keys) == [Paste("one\ntwo"), "enter"]
    assert read([*"abc", "enter"]) == [*"abc", "enter"]
    assert read(["a", "enter", "b"]) == ["a", "enter", "b"]
    assert read(["a", "f1", "enter", "b", "c"]) == ["a", "f1", "enter", "b", "c"]


@given(
    st.lists(st.sampled_from(["a", "enter", "begin paste", "end paste", "esc", "tab", "\x1b", "ctrl c"]), max_size=30)
)
def test_any_order_of_marks_is_borne(keys):
    for item in KeyReader().read(keys, []):
        assert item not in ("begin paste", "end paste")
