"""Screens in front of each other."""

from onionchat.tui.screens.frame import Screen
from onionchat.tui.stage import Stage
from onionchat.tui.widgets import TextBody


def screen(look, title, name=""):
    made = Screen(lambda: look, title, TextBody(lambda columns: [[("text", f"body of {title}")]]))
    made.name = name
    return made


def stage(keys=()):
    main = TextBody(lambda columns: [[("text", "main")]])
    return Stage(main, lambda key: key in keys, lambda columns: [[("quiet", "foot")]])


def drawn(made, size=(30, 8)):
    return [bytes(line).decode().rstrip() for line in made.render(size, True).text]


def test_the_topmost_is_seen_and_esc_takes_it_away(look):
    made = stage()
    assert drawn(made)[0] == "main" and drawn(made)[-1] == "foot"
    made.open(screen(look, "One"))
    made.open(screen(look, "Two"))
    assert drawn(made)[0].startswith(" Two")
    made.keypress((30, 8), "esc")
    assert drawn(made)[0].startswith(" One")
    made.clear()
    assert drawn(made)[0] == "main"


def test_one_of_a_name_at_a_time(look):
    made = stage()
    made.open(screen(look, "One", "help"))
    made.open(screen(look, "Two", "help"))
    assert [open_one.title for open_one in made.screens] == ["Two"]
    assert made.find("help").title == "Two" and made.find("other") is None


def test_a_curtain_has_everything(look):
    made = stage(keys=("x",))
    curtain = TextBody(lambda columns: [[("text", "curtain")]])
    made.open(screen(look, "One"))
    made.curtain = curtain
    assert drawn(made) == ["curtain", *[""] * 7]
    assert made.keypress((30, 8), "x") is None
    assert made.keypress((30, 8), "y") == "y"
    assert drawn(made)[0] == "curtain"


def test_a_screen_is_told_when_it_is_left(look):
    made, left = stage(), []
    shown = screen(look, "One")
    shown.closed = lambda: left.append(1)
    made.open(shown)
    shown.close()
    shown.close()
    assert left == [1]


def test_too_small_says_so(look):
    assert drawn(stage(), (20, 3))[0] == "too small"
    assert drawn(stage(), (4, 20))[0] == "too"
