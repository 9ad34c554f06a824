"""Completion."""

import pytest

from onionchat.tui.complete import Known, complete

KNOWN = Known(["Bob", "Barbara", "Anna Maria", "Notes"], ["abcd1234"])


@pytest.mark.parametrize(
    "before, start, candidates",
    [
        ("/wo", 0, ("/words ",)),
        ("/inv", 0, ("/invitations ", "/invite ")),
        ("/nope", 0, ()),
        ("/open B", 6, ("Bob ", "Barbara ")),
        ("/open an", 6, ('"Anna Maria" ',)),
        ('/open "Anna M', 6, ('"Anna Maria" ',)),
        ("/open ", 6, ("Bob ", "Barbara ", '"Anna Maria" ', "Notes ")),
        ("/trust v", 7, ("validated ",)),
        ("/trust validated b", 17, ("Bob ", "Barbara ")),
        ("/accept ab", 8, ("abcd1234 ",)),
        ("/timer o", 7, ("off ",)),
        ("/react oni", 7, ("🧅",)),
        ("/lock x", 6, ()),
        ("hello B", 6, ("Bob", "Barbara")),
        ("hello :oni", 6, ("🧅",)),
        ("hello ", 6, ()),
        ("//open B", 7, ("Bob", "Barbara")),
        ("two\nlines B", 10, ("Bob", "Barbara")),
    ],
)
def test_completions(before, start, candidates):
    found = complete(before, KNOWN)
    assert found.candidates == candidates
    if candidates:
        assert found.start == start


def test_text_of_a_command_completes_emoji():
    assert complete("/expiring 1d good :onio", KNOWN).candidates == ("🧅",)
    assert complete("/unknown x", KNOWN).candidates == ()
