"""The open conversation: pages, place, reading."""

from onionchat.testing.fakeservice import FakeService
from onionchat.testing.fakeworld import START_MS, FakeTalk
from onionchat.testing.trial_console import long_service


def opened(open_console, service=None, name="Long"):
    trial = open_console(service=service or long_service(lambda: START_MS / 1000, 2000))
    trial.console.open_conversation(name)
    trial.settle()
    return trial


def test_opening_shows_the_new_line_and_reads(open_console):
    trial = open_console()
    assert "  new  " in trial.text
    assert trial.asked("message.read")[0].name == "Bob"
    assert trial.asked("conversation.opened")[0].name == "Bob"
    assert trial.service.talks["Bob"].unread == 0
    assert "  new  " in trial.text  # it stays while it is looked at


def test_many_unread_begin_at_the_first_of_them(open_console):
    service = FakeService()
    talk = service.add_talk(FakeTalk("Busy"))
    for number in range(80):
        service.add_message(talk, "Busy", f"number {number}.", START_MS - 80_000 + number * 1000, unread=number >= 20)
    trial = opened(open_console, service, "Busy")
    assert "number 20." in trial.text and "number 79." not in trial.log
    assert trial.asked("message.read")[1:] == []
    trial.press("meta >")
    assert trial.asked("message.read")[-1].name == "Busy"


def test_an_own_message_ends_the_new_line(open_console):
    trial = open_console().type("x").press("enter")
    assert "  new  " not in trial.text


def test_messages_that_come_while_nobody_is_there_are_not_read(open_console):
    trial = open_console()
    trial.clock.advance(300)
    trial.service.receive("Bob", "are you there?")
    trial.settle()
    assert "are you there?" in trial.text and "  new  " in trial.text
    assert trial.service.talks["Bob"].unread == 1
    trial.press("x")
    assert trial.service.talks["Bob"].unread == 0


def test_messages_that_come_while_one_reads_above_do_not_move_it(open_console):
    trial = opened(open_console).press("page up", "page up")
    seen = trial.lines[4:19]
    for number in range(300):
        trial.service.receive("Long", f"more {number}")
    trial.settle(2)
    assert [line.split("│")[1] for line in trial.lines[4:19]] == [line.split("│")[1] for line in seen]
    assert "300 new" in trial.lines[-1]
    assert trial.service.talks["Long"].unread == 300
    trial.press("meta >")
    assert "more 299" in trial.text
    assert trial.service.talks["Long"].unread == 0


def test_paging_all_the_way_up_and_down_shows_every_message(open_console):
    trial = opened(open_console, long_service(lambda: START_MS / 1000, 700))
    seen = set()
    for direction in ("page up", "page down"):
        seen.clear()
        for _ in range(400):
            seen |= {word for line in trial.lines for word in line.split() if word.isdecimal()}
            trial.press(direction)
        assert {str(number) for number in range(700)} <= seen
    assert trial.console.conversation.view.following


def test_jumping_to_a_message_far_away(open_console):
    trial = opened(open_console)
    target = trial.service.talks["Long"].messages[500]
    trial.console.open_message("Long", target.id)
    trial.settle()
    assert f" {target.text[:12]}" in trial.text
    assert trial.console.conversation.view.chosen().id == target.id
    trial.press("esc", "meta >")
    assert " 1999 " in trial.text


def test_a_late_message_is_put_in_its_place(open_console):
    trial = open_console()
    trial.service.receive("Bob", "from the tunnel", at_ms=START_MS - 35 * 60_000, late=True, arrived=START_MS)
    trial.settle()
    lines = trial.lines
    late = next(index for index, line in enumerate(lines) if "from the tunnel" in line)
    assert "(written 21:06)" in lines[late]
    assert any("I am back" in line for line in lines[late:])


def test_a_slow_answer_for_another_conversation_is_dropped(open_console):
    trial = open_console()
    trial.service.held = []
    trial.console.open_conversation("Carol")
    trial.console.open_conversation("Dave")
    trial.service.release()
    trial.settle()
    assert "Call me when you can" in trial.log and "Ten it is" not in trial.log


def test_an_edit_elsewhere_is_drawn(open_console):
    trial = open_console()
    message = trial.service.talks["Bob"].messages[-2]
    message.text, message.edited = "I am back now", True
    trial.service.emit("changed", conversation="Bob")
    trial.settle()
    assert "I am back now" in trial.text and "edited" in trial.text


def test_events_of_other_conversations_ask_nothing(open_console):
    trial = open_console()
    before = len(trial.asked("message.log"))
    trial.service.receive("Carol", "psst")
    trial.settle()
    assert len(trial.asked("message.log")) == before
