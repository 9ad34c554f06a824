"""The parts of the story that need no Tor; the story itself is told in tests/tor/test_demo.py."""

import io

import pytest

from onionchat.errors import LocalError
from onionchat.testing.demo_story import Seen, Story, _check, _log_line
from onionchat.testing.people import Person
from onionchat.testing.transcript import Transcript


def test_a_line_of_the_log_shows_what_was_done_to_it():
    seen = Seen("id", "Alice", "at six", edited=True, reactions=(("👍", 1),))
    assert _log_line(seen) == "Alice: at six  (edited, 👍)"
    assert _log_line(Seen("id", "Bob", "yes", edited=False, reactions=())) == "Bob: yes"


def test_what_does_not_hold_ends_the_story():
    _check(True, "water is wet")
    with pytest.raises(LocalError, match="water is wet"):
        _check(False, "water is wet")


def test_a_node_that_ends_at_once_ends_the_story(tmp_path):
    """The line that it wrote on stderr is passed on."""
    alice, bob = (Person(name, tmp_path / name) for name in ("Alice", "Bob"))
    alice.options = bob.options = ["--tor", "system", "--control", "nonsense"]
    out = io.StringIO()
    with pytest.raises(LocalError, match=r"nonsense|control"):
        Story(alice, bob, alice, bob, Transcript(out)).begin()
