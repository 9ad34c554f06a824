"""The console as a whole: what is seen and done at the main view, on a made-up node."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onionchat.errors import LocalError
from onionchat.testing.fakeservice import FakeService
from onionchat.testing.fakeworld import START_MS, FakeTalk
from onionchat.testing.trial_console import HOSTILE, hostile_service, long_service
from onionchat.tui.keyboard import Paste


def test_the_usual_sight(open_console):
    trial = open_console()
    assert trial.lines[0] == " alice · desktop              Tor ● reachable    queued 1    2 devices    21:41"
    assert "Bob  ◌ unvalidated · 2 of 3 online · F2 compare" in trial.lines[2]
    assert "○ Dave           ✔   1 │" in trial.text
    assert "Are you on the train already?           ✓" in trial.text
    assert "(written 21:12)" in trial.text
    assert trial.lines[-1].startswith(" ^K jump  ^F search  ^N next unread  ^L lock")


@pytest.mark.parametrize("columns, rows", [(80, 24), (40, 15), (200, 60), (60, 7), (59, 10), (12, 7), (5, 3), (1, 1)])
def test_every_size_is_filled_exactly(open_console, columns, rows):
    trial = open_console(columns, rows)
    for key in (
        "f1",
        "esc",
        "f2",
        "esc",
        "f3",
        "esc",
        "f5",
        "esc",
        "ctrl k",
        "esc",
        "esc",
        "/",
        "f12",
        "f12",
        "ctrl l",
    ):
        canvas = trial.press(key).render()
        assert (canvas.cols(), canvas.rows()) == (columns, rows)


def test_a_message_is_sent_and_drawn_by_its_event(open_console):
    trial = open_console().type("See you").press("enter")
    assert trial.asked("message.send")[0].text == "See you"
    assert any("21:41  me   See you" in line for line in trial.lines)
    assert trial.lines[-3].endswith("│ >")


def test_typing_never_waits_for_the_node(open_console):
    trial = open_console()
    trial.service.held = []
    trial.type("one").press("enter").type("two")
    assert "> two" in trial.text
    trial.service.release()
    trial.settle()
    assert "me   one" in trial.text


def test_a_slash_runs_a_command_and_two_send_one(open_console):
    trial = open_console().type("/open Carol").press("enter")
    assert trial.console.current == "Carol"
    trial.type("//me waves").press("enter")
    assert trial.asked("message.send")[-1].text == "/me waves"


def test_a_wrong_command_says_so_and_stays_to_be_mended(open_console):
    trial = open_console().type("/frob").press("enter")
    assert "there is no such command" in trial.text
    assert "> /frob" in trial.text


def test_what_the_node_refuses_is_one_calm_line_and_nothing_is_lost(open_console):
    trial = open_console().type("/open Mallory").press("enter").type("are you sure").press("enter")
    assert "marked compromised" in trial.text
    assert "> are you sure" in trial.text
    trial.clock.advance(20)
    assert "marked compromised" not in trial.text


def test_a_fault_of_ours_is_one_calm_line_without_its_text(open_console):
    trial = open_console()

    async def broken():
        raise KeyError("a secret")

    trial.console.do(broken())
    assert "KeyError" in trial.text
    assert "secret" not in trial.text


def test_drafts_stay_with_their_conversation(open_console):
    trial = open_console().type("half a thought").press("meta down")
    assert "half a thought" not in trial.text
    assert trial.asked("conversation.draft")[-1].text == "half a thought"
    assert "> half a thought" in trial.press("meta up").text


def test_many_pasted_lines_are_asked_about(open_console):
    trial = open_console(paste_lines_max=3)
    trial.console.paste(Paste("one\ntwo"))
    assert "one" in trial.text
    trial.console.paste(Paste("a\nb\nc\nd"))
    assert "Paste 4 lines" in trial.text
    trial.press("esc")
    assert trial.console.writing.edit.edit_text == "one\ntwo"
    trial.console.paste(Paste("a\nb\nc\nd"))
    trial.press("left", "enter")
    assert trial.console.writing.edit.edit_text == "one\ntwoa\nb\nc\nd"


def test_next_unread_goes_round(open_console):
    trial = open_console().press("ctrl n")
    assert trial.console.current == "Dave"
    assert "Nothing else is unread" in trial.press("ctrl n").text


def test_what_comes_elsewhere_is_counted_and_does_not_move_the_log(open_console):
    trial = open_console()
    before = [line.split("│")[1] for line in trial.lines[5:20]]
    trial.service.receive("Carol", "hello")
    trial.settle()
    assert any("Carol" in line and line.split("│")[0].rstrip().endswith("1") for line in trial.lines)
    assert [line.split("│")[1] for line in trial.lines[5:20]] == before
    assert "hello" not in trial.log


def test_lock_clears_everything_and_the_passphrase_brings_it_back(open_console):
    trial = open_console().type("unsent").press("ctrl l")
    assert trial.wiped == 1
    assert trial.service.locked
    for word in ("Bob", "unsent", "alice", "train"):
        assert word not in trial.text
    assert trial.console.conversation.window.messages == []
    trial.type("wrong").press("enter")
    assert "not the passphrase" in trial.text
    assert "wrong" not in trial.text
    trial.type("correct horse").press("enter")
    assert "Are you on the train already?" in trial.text
    assert "> unsent" in trial.text


def test_a_node_that_is_locked_elsewhere_shows_the_lock(open_console):
    trial = open_console()
    trial.service.do_node_lock(None)
    assert "Passphrase:" in trial.text
    assert "Bob" not in trial.text


def test_a_console_on_a_locked_node_begins_with_the_passphrase(open_console):
    service = FakeService()
    service.locked = True
    trial = open_console(service=service)
    assert "Passphrase:" in trial.text
    assert "Bob" in trial.type("correct horse").press("enter").text


def test_the_quick_hide_shows_nothing_until_its_key(open_console):
    trial = open_console().press("f12")
    assert trial.text.strip() == ""
    assert trial.press("x", "enter", "esc").text.strip() == ""
    assert "Bob" in trial.press("f12").text


def test_hidden_and_locked_comes_back_locked(open_console):
    trial = open_console().press("f12")
    trial.service.do_node_lock(None)
    assert trial.text.strip() == ""
    assert "Passphrase:" in trial.press("f12").text


def test_a_narrow_terminal_shows_one_pane_at_a_time(open_console):
    trial = open_console(40, 15)
    assert trial.lines[0].startswith(" Bob ◌ ●2/3")
    trial.press("esc")
    assert "filter…" in trial.text and "I am back" not in trial.text
    trial.press("down", "enter")
    assert trial.lines[0].startswith(" Carol ✔")


def test_leaving_asks_nothing(open_console):
    trial = open_console().press("ctrl q")
    assert trial.left == 1
    assert trial.clock.getDelayedCalls() == []


def test_idle_means_one_wake_up_a_minute(open_console):
    trial = open_console()
    trial.clock.advance(120)
    assert len(trial.clock.getDelayedCalls()) == 1


def test_without_anybody_the_first_step_is_said(open_console):
    trial = open_console(service=FakeService(people=False))
    assert "/invite makes a link" in trial.text


def test_hostile_text_is_shown_and_harmless(open_console, hostile):
    trial = open_console(service=hostile_service(lambda: START_MS / 1000))
    for key in ("", "up", "up", "d", "esc", "r", "esc", "ctrl k", "esc", "f3", "enter", "esc", "esc", "f5", "esc"):
        trial.press(*([key] if key else []))
        assert hostile(trial.text) == []
    trial.type("/block").press("enter")
    assert hostile(trial.text) == []
    trial.console.say(HOSTILE)
    assert hostile(trial.text) == []


def test_errors_of_the_node_are_made_safe_too(open_console, hostile):
    trial = open_console()

    async def broken():
        raise LocalError(HOSTILE)

    trial.console.do(broken())
    assert "owned" in trial.text
    assert hostile(trial.text) == []


def test_twenty_thousand_messages_are_paged_through(open_console):
    trial = open_console(service=long_service(lambda: START_MS / 1000))
    trial.type("/open Long").press("enter")
    assert " 19999 " in trial.text
    for _ in range(40):
        trial.press("page up")
    assert " 19999 " not in trial.log
    assert len(trial.console.conversation.window.messages) <= 500
    trial.press("meta <")
    assert "the conversation begins here" in trial.text
    trial.press("meta >")
    assert " 19999 " in trial.text


def test_a_conversation_is_found_again_where_it_was_left(open_console):
    trial = open_console(service=long_service(lambda: START_MS / 1000, 2000))
    trial.type("/open Long").press("enter")
    for _ in range(30):
        trial.press("page up")
    left = trial.log.split("\n")[5:15]
    trial.type("/open Bob").press("enter").type("/open Long").press("enter")
    assert len(set(left) & set(trial.log.split("\n"))) >= 3
    assert not trial.console.conversation.view.following
    trial.press("meta >").type("/open Bob").press("enter").type("/open Long").press("enter")
    assert " 1999 " in trial.log
    trial.press("page up", "page up").type("/open Bob").press("enter")
    trial.service.receive("Long", "something new")
    trial.settle()
    trial.type("/open Long").press("enter")
    assert "something new" in trial.log
    trial.press("page up", "page up", "ctrl l")
    assert trial.console.conversation._places == {}


def test_the_clock_of_a_stranger_cannot_stop_the_console(open_console):
    service = FakeService()
    service.add_message(service.talks["Bob"], "Bob", "from the end of time", 2**62)
    service.add_message(service.talks["Bob"], "Bob", "from before", -5)
    trial = open_console(service=service)
    assert "from the end of time" in trial.text


ANY_KEYS = st.lists(
    st.one_of(
        st.sampled_from(
            ["enter", "esc", "tab", "up", "down", "left", "right", "page up", "page down", "home", "end", "backspace"]
            + [f"f{n}" for n in (1, 2, 3, 5, 6, 9, 12)]
            + [f"ctrl {c}" for c in "abcdefghklnptuwxy_"]
            + ["meta up", "meta down", "meta <", "meta >", "newline", "meta enter", "meta p", "meta n", "shift tab"]
        ),
        st.sampled_from(list('/: reft+cdgqibx@"\\1')),
        st.characters(),
        st.tuples(st.sampled_from([1, 2, 3, 4, 5]), st.integers(0, 90), st.integers(0, 30)),  # the mouse
        st.sampled_from([(80, 24), (40, 15), (61, 9), (14, 7), (5, 2), (200, 60)]),  # the window
        st.builds(bytes, st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))),  # somebody writes it
    ),
    max_size=25,
)


@settings(max_examples=40)
@given(keys=ANY_KEYS, size=st.sampled_from([(80, 24), (40, 15), (61, 9), (14, 7)]))
def test_no_keys_break_it_and_nothing_hostile_gets_out(keys, size):
    from tests.tui.conftest import Options, Trial, is_hostile

    trial = Trial(hostile_service(lambda: START_MS / 1000), *size, False, Options(utc_offset_seconds=0))
    for key in keys:
        if isinstance(key, str):
            trial.console.stage.keypress(size, key)
        elif isinstance(key, bytes):
            trial.service.receive(trial.console.current or next(iter(trial.service.talks)), key.decode())
            trial.clock.advance(0.3)
        elif len(key) == 2:
            trial.size = size = key
        else:
            button, column, row = key
            trial.console.stage.mouse_event(size, "mouse press", button, column % size[0], row % size[1], True)
        if trial.left:
            break
        canvas = trial.render()
        assert (canvas.cols(), canvas.rows()) == size
        text = b"".join(bytes(line) for line in canvas.text).decode()
        assert not [character for character in text if is_hostile(character)]
        assert "That did not work" not in text
    trial.settle()
    trial.console.stop()


def test_a_new_conversation_appears_while_the_console_is_open(open_console):
    trial = open_console()
    trial.service.add_talk(FakeTalk("Grace"))
    trial.service.receive("Grace", "hi")
    trial.settle()
    assert "Grace" in trial.text
