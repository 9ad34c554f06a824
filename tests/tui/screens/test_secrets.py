"""Passphrases that are typed into a screen."""

import pytest

from onionchat.tui.screens.secrets import PassphraseScreen


@pytest.fixture
def asked(look):
    done = []

    def make(old=False):
        def strength(text):
            return (4, "") if len(text) > 8 else (0, "More words.")

        screen = PassphraseScreen(lambda: look, "T", "why", strength, lambda *both: done.append(both), old=old)
        return screen, done

    return make


def give(screen, *texts):
    for text in texts:
        for key in [*text, "enter"]:
            screen.keypress((80, 24), key)


def text(screen):
    return "\n".join(bytes(line).decode() for line in screen.render((80, 24), True).text)


def test_a_new_one_twice(asked):
    screen, done = asked()
    give(screen, "long enough", "long enough")
    assert done == [("", "long enough")]


def test_the_present_one_before(asked):
    screen, done = asked(old=True)
    assert "present passphrase" in text(screen)
    give(screen, "old", "long enough", "long enough")
    assert done == [("old", "long enough")]


def test_a_weak_one_is_taken_the_second_time(asked):
    screen, done = asked()
    give(screen, "weak")
    assert "easily guessed" in text(screen) and "worthless" in text(screen) and "weak" not in text(screen)
    give(screen, "", "weak")
    assert done == [("", "weak")]


def test_two_that_differ_begin_again(asked):
    screen, done = asked()
    give(screen, "", "long enough", "other enough")
    assert done == [] and "not the same" in text(screen)
    screen.paste("pasted words\n")
    give(screen, "", "pasted words")
    assert done == [("", "pasted words")]


def test_nothing_stays_when_it_is_left(asked):
    screen, _ = asked(old=True)
    give(screen, "old", "long enough")
    screen.paste("x")
    screen.closed()
    assert (screen._old, screen._first, screen.field.empty) == ("", "", True)
