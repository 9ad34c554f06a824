"""Lines in, lines out."""

import pytest

from onionchat.testing.fakeservice import FakeService
from onionchat.testing.fakeworld import START_MS
from onionchat.testing.trial_console import hostile_service
from onionchat.tui.backend import Options
from onionchat.tui.glyphs import UNICODE
from onionchat.tui.plain import PlainConsole


class Lines:
    def __init__(self, service):
        self.service, self.out, self.left = service, [], []
        self.console = PlainConsole(
            service,
            UNICODE,
            Options(utc_offset_seconds=0),
            lambda: START_MS / 1000,
            self.out.append,
            lambda: self.left.append(1),
        )
        self.console.start()

    def say(self, text):
        self.out.clear()
        self.console.line(text)
        return "\n".join(self.out)


@pytest.fixture
def lines():
    return Lines(FakeService())


def test_it_begins_with_who_is_there(lines):
    assert lines.out[0] == "Bob: online, unvalidated, 2 unread"
    assert "/open NAME" in lines.out[-1]


def test_a_conversation(lines):
    assert "No conversation is open" in lines.say("hello?")
    assert "Yes. It comes in drops" in lines.say("/open Bob")
    assert lines.service.talks["Bob"].unread == 0
    assert "me  hello!" in lines.say("hello!")
    lines.out.clear()
    lines.service.receive("Bob", "hi")
    assert "Bob  hi" in "\n".join(lines.out)
    lines.service.receive("Carol", "psst")
    assert lines.out[-1] == "* New from Carol."


def test_the_same_commands(lines):
    lines.say("/open Bob")
    assert "== Connection" in lines.say("/connection")
    assert "== Compare" in lines.say("/words")
    assert "== Requests" in lines.say("/requests")
    assert "id " in lines.say("/requests")
    assert "== Help" in lines.say("/help")
    assert "already?" in lines.say("/search train")
    assert lines.say("/invite").startswith("onionchat:")
    assert "no such command" in lines.say("/frob")
    assert "say" not in lines.say("//slash")
    assert lines.service.calls[-3][1].text == "/slash" or any(
        getattr(params, "text", "") == "/slash" for _, params in lines.service.calls
    )


def test_questions_are_answered_by_a_number(lines):
    lines.say("/open Dave")
    assert "1  Remove" in lines.say("/remove")
    lines.say("no")
    assert "Dave" in lines.service.talks
    lines.say("/remove")
    lines.say("1")
    assert "Dave" not in lines.service.talks


def test_locking_leaves(lines):
    lines.say("/lock")
    assert lines.service.locked and lines.left == [1]


def test_hostile_text_is_harmless(hostile):
    service = hostile_service(lambda: START_MS / 1000)
    lines = Lines(service)
    lines.console.open_conversation(next(iter(service.talks)))
    for command in ("/requests", "/connection", "/words", "/status", "/search owned"):
        lines.console.line(command)
    assert lines.out
    for line in lines.out:
        assert hostile(line) == [] and "\n" not in line


def test_linking_as_a_dialogue(lines):
    shown = lines.say("/link")
    assert "onionchat-link:" in shown and "█" not in shown
    lines.service.device_comes()
    assert "* Does the new device show the same six words?" in lines.out
    assert "You said yes" in lines.say("1")
    lines.service.device_says_yes()
    assert "tablet is a device of yours now" in " ".join("\n".join(lines.out).split())
    assert "tablet" in lines.say("/devices")


def test_what_the_command_line_does(lines):
    assert "in a shell: onionchat doctor" in lines.say("/doctor")
    assert "not typed where lines are echoed" in lines.say("/passwd")
    assert "onionchat --profile NEWFOLDER import" in lines.say("/import x")


def test_a_wipe_is_asked_about_and_leaves(lines):
    assert "1  Wipe" in lines.say("/wipe")
    assert "destroyed" in lines.say("1") and lines.left == [1]


def test_a_device_is_removed_as_a_dialogue(lines):
    shown = lines.say("/untrust laptop")
    assert "called Bob validated" in shown and "4  No" in shown
    lines.say("4")
    assert lines.service.own_devices[1].state == "active"
    lines.say("/untrust laptop")
    assert "laptop is out" in lines.say("3")
    assert lines.service.own_devices[1].state == "stolen"
