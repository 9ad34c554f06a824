"""What a device that joins is asked: the steps alone. With the keys: test_firstrun.py."""

import pytest

from onionchat.errors import LocalError
from onionchat.tui.joinrun import RECENT_DAYS, JoinRun
from tests.tui.test_firstrun import Founder


@pytest.fixture
def join(look):
    return JoinRun(Founder(), lambda: look, lambda: None)


def test_each_step_leads_to_the_next(join):
    with pytest.raises(LocalError, match="onionchat-link"):
        join.enter("code")
    join.code.set_edit_text("onionchat-link: abc\u0020def")
    assert join.enter("code") == "device"
    with pytest.raises(LocalError):
        join.enter("device")
    join.device.set_edit_text(" tablet ")
    assert join.enter("device") == "history" and join.enter("history") == "first"


def test_blanks_in_a_code_that_was_copied_from_several_lines_do_not_count(join, look):
    join.code.set_edit_text("onionchat-link:ab cd\u0020ef")
    join.device.set_edit_text("tablet")
    join.history.index = 1
    join.begin("words")
    since = look.now_ms - RECENT_DAYS * 86_400_000
    assert join._founder.joined == ("onionchat-link:abcdef", "tablet", "words", since)


def test_nothing_has_the_keys_while_it_waits(join):
    assert join.field("joining") is None
    join.join_words(("a",) * 6)
    assert join.field("joining") is join.answer and join.answer.index == 1
    join.cancel()
