"""What Bob answers. That he does it, in a real node, is tested in tests/tor/test_demo.py."""

import pytest

from onionchat.testing.demo_partner import AWAY_SECONDS, Correct, React, Say, Sleep, deeds

WORDS = [f"word{number}" for number in range(12)]


def test_his_words_are_the_real_ones():
    (first, _) = deeds("Shall we compare?", 1, WORDS)
    assert first == Say("Mine are: " + " ".join(WORDS))


def test_asked_to_sleep_he_says_so_first():
    assert isinstance(deeds("go to sleep", 1, WORDS)[0], Say)
    assert deeds("go to sleep", 1, WORDS)[-1] == Sleep(AWAY_SECONDS)


def test_a_correction_differs():
    (correct,) = deeds("edit", 1, WORDS)
    assert isinstance(correct, Correct)
    assert correct.first != correct.then


@pytest.mark.parametrize("text", ["hello", "thanks", "bye", "react"])
def test_some_things_get_a_reaction(text):
    assert isinstance(deeds(text, 1, WORDS)[0], React)


@pytest.mark.parametrize("text", ["help", "many", "long", "what time is it?", "tea", "", "  ", "x" * 5000, "¿\u202e"])
def test_he_always_answers_something(text):
    for count in range(1, 9):
        assert deeds(text, count, WORDS)


def test_he_quotes_at_most_a_line():
    (answer,) = deeds("a\nb " * 1000, 1, WORDS)
    assert isinstance(answer, Say)
    assert "\n" not in answer.text
    assert len(answer.text) < 200


def test_many_are_twenty():
    assert len(deeds("many", 1, WORDS)) == 20
