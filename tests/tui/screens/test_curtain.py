"""The lock and the quick hide."""

import pytest

from onionchat.tui.screens.curtain import HiddenScreen, LockScreen


@pytest.fixture
def lock(look):
    tried, left = [], []
    made = LockScreen(lambda: look, tried.append, lambda: left.append(1))
    made.tried, made.left = tried, left
    return made


def drawn(widget, size=(40, 12)):
    canvas = widget.render(size, True)
    assert (canvas.cols(), canvas.rows()) == size
    return b"\n".join(bytes(line) for line in canvas.text).decode()


def test_nothing_is_shown_of_what_is_typed(lock):
    for key in "open sesame":
        lock.keypress((40, 12), key)
    assert "sesame" not in drawn(lock)
    lock.keypress((40, 12), "enter")
    assert lock.tried == ["open sesame"]
    assert "opening" in drawn(lock)


def test_while_it_tries_keys_do_nothing(lock):
    for key in ["x", "enter", "y", "enter"]:
        lock.keypress((40, 12), key)
    assert lock.tried == ["x"]
    lock.say("wrong\x1b[2J")
    assert "wrong\ufffd[2J" in drawn(lock)
    lock.paste("z")
    lock.keypress((40, 12), "enter")
    assert lock.tried == ["x", "z"]


def test_nothing_typed_is_not_tried(lock):
    lock.keypress((40, 12), "enter")
    assert lock.tried == []


def test_it_can_be_left(lock):
    lock.keypress((40, 12), "ctrl q")
    assert lock.left == [1]


@pytest.mark.parametrize("size", [(1, 1), (20, 2), (12, 4), (200, 60)])
def test_any_size(lock, size):
    drawn(lock, size)
    drawn(HiddenScreen(lambda: None), size)


def test_only_one_key_comes_back_from_hiding():
    back = []
    hidden = HiddenScreen(lambda: back.append(1))
    assert drawn(hidden).strip() == ""
    for key in ("a", "enter", "esc", "f1", "ctrl l", "ctrl q"):
        hidden.keypress((40, 12), key)
    assert back == [] and not hidden.mouse_event((40, 12), "mouse press", 1, 0, 0, True)
    hidden.keypress((40, 12), "f12")
    assert back == [1]
