"""What Tor is doing, in words."""

import pytest

from onionchat.api import types as t
from onionchat.testing.fakeservice import FakeService
from onionchat.tui.glyphs import ASCII
from onionchat.tui.render import Look, width_of
from onionchat.tui.toraccount import account_lines


def account(look, columns=80, onion="unpublished", problem="", **tor):
    status = FakeService().do_status_get(t.Nothing())
    status.tor = t.TorStatus(**{"state": "ready", "bootstrap": 100, "version": "", **tor})
    status.onion, status.onion_problem = onion, problem
    lines = account_lines(status, columns, look)
    assert all(width_of(line) <= columns for line in lines)
    return " ".join("".join(text for _, text in line).strip() for line in lines)


@pytest.mark.parametrize("columns", [20, 40, 80])
@pytest.mark.parametrize(
    "keys, words",
    [
        ({"state": "off"}, "Looking for Tor"),
        ({"state": "connecting"}, "Looking for Tor"),
        ({"state": "bootstrapping", "bootstrap": 45, "kind": "launched"}, "45 %, a Tor of its own"),
        ({"state": "lost", "summary": "its control port refuses us"}, "control port refuses us"),
        ({"kind": "tails"}, "through the Tor of Tails"),
        ({"problem": "the clock is wrong"}, "the clock is wrong"),
        ({"onion": "reachable", "kind": "system"}, "Others can reach you"),
    ],
)
def test_each_state_is_said_at_every_width(look, columns, keys, words):
    assert words.replace(" ", "") in account(look, columns, **keys).replace(" ", "")


def test_hostile_or_wild_values_are_harmless(look, hostile):
    text = account(look, state="bootstrapping", bootstrap=4000, summary="a\x1b[2J\u202e", kind="launched")
    assert hostile(text) == []
    assert account(Look(ASCII, look.zone, look.now_ms), onion="publishing").isascii()
