"""Finding conversations and messages."""

import pytest

from onionchat.api import types as t
from onionchat.testing.fakeservice import FakeService
from onionchat.tui.screens.find import JumpScreen, SearchScreen, excerpt, highlighted, rank_of

SIZE = (80, 20)


def drawn(screen):
    return b"\n".join(bytes(line) for line in screen.render(SIZE, True).text).decode()


@pytest.mark.parametrize(
    "name, wanted, rank",
    [
        ("carol", "ca", 0),
        ("anna carol", "ca", 1),
        ("mallory", "lo", 2),
        ("mallory", "my", 3),
        ("bob", "x", None),
        ("bob", "bbb", None),
    ],
)
def test_ranks(name, wanted, rank):
    assert rank_of(name, wanted) == rank


def test_jump(look):
    opened = []
    screen = JumpScreen(lambda: look, FakeService().do_conversation_list(t.Nothing()), opened.append)
    assert "Ten it is" in drawn(screen)
    for key in ["r", "down", "up", "enter"]:
        screen.keypress(SIZE, key)
    assert opened == ["Carol"]
    screen.keypress(SIZE, "z")
    assert "no conversation has that" in drawn(screen)
    screen.paste("z")
    assert screen.field.edit_text == "rzz"


def test_search_shows_places_and_drops_old_answers(look):
    asked, opened = [], []
    screen = SearchScreen(lambda: look, "", asked.append, lambda name, found: opened.append((name, found)))
    for key in "ten":
        screen.keypress(SIZE, key)
    assert asked == ["t", "te", "ten"]
    found = FakeService().do_message_search(t.Search(query="ten"))
    screen.show("te", [])
    assert "begin*" in drawn(screen)
    screen.show("ten", found)
    assert "See you tomorrow at ten." in drawn(screen) and "Carol" in drawn(screen)
    screen.keypress(SIZE, "enter")
    assert opened == [("Carol", found[0].id)]
    screen.show("ten", [])
    assert "nothing found" in drawn(screen)


def test_a_long_text_is_shown_where_the_word_is():
    assert excerpt("short", ["x"], 40) == "short"
    assert "needle" in excerpt("hay " * 200 + "needle" + " hay" * 200, ["needle"], 60)[:60]


@pytest.mark.parametrize(
    "text, words", [("One two one", ["one"]), ("none", ["x"]), ("İstanbul one", ["one"]), ("", ["a"]), ("aaa", [""])]
)
def test_highlighting_keeps_the_text(text, words):
    assert "".join(part for _, part in highlighted(text, words)) == text


def test_what_was_looked_for_is_marked():
    assert [style for style, part in highlighted("One two one", ["one"]) if part] == ["found", "text", "found"]
