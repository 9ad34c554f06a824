"""From lines to canvases."""

import urwid

from onionchat.tui.canvas import filled, text_canvas


def drawn(canvas):
    return [bytes(line).decode() for line in canvas.text]


def test_what_is_too_long_is_cut_not_wrapped():
    assert drawn(text_canvas([[("text", "abcdef")], [("text", "日本語")]], 4)) == ["abcd", "日本"]
    assert drawn(text_canvas([[("text", "日本語")]], 3)) == ["日 "]


def test_empty_lines_stay():
    assert drawn(text_canvas([[], [("text", "a")], []], 2)) == ["  ", "a ", "  "]
    assert drawn(text_canvas([], 2)) == ["  "]


def test_filled_has_exactly_the_size():
    canvas = filled([[("text", "a")]] * 5, (3, 2))
    assert (canvas.cols(), canvas.rows()) == (3, 2)
    assert filled([], (3, 4)).rows() == 4


def test_styles_stay_with_their_text():
    runs = next(iter(text_canvas([[("danger", "ab"), ("text", "c")]], 4).content()))
    assert [(style, bytes(text)) for style, _, text in runs][:2] == [("danger", b"ab"), ("text", b"c")]


def test_without_utf8_columns_stay_in_place():
    urwid.set_encoding("ascii")
    assert drawn(text_canvas([[("text", "日本 é!")]], 9)) == ["???? ?!  "]
