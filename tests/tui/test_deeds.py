"""What the commands do, on a made-up node."""

import pytest

from onionchat.errors import UsageError
from onionchat.tui.commands import COMMANDS
from onionchat.tui.deeds import invitation_params


def run(trial, text):
    return trial.type(text).press("enter")


@pytest.mark.parametrize(
    "text, method, params",
    [
        (
            "/add onionchat:abc Zoe hello you",
            "contact.add",
            {"link": "onionchat:abc", "name": "Zoe", "greeting": "hello you"},
        ),
        ("/block", "contact.block", {"id": "Bob"}),
        ("/unblock Carol", "contact.unblock", {"id": "Carol"}),
        ("/trust compromised", "contact.trust", {"name": "Bob", "trust": "compromised"}),
        ("/trust validated Dave", "contact.trust", {"name": "Dave", "trust": "validated"}),
        ("/rename Robert", "contact.rename", {"name": "Bob", "new": "Robert"}),
        ("/quota 500M", "contact.quota", {"name": "Bob", "size_bytes": 500 * 1024**2}),
        ("/introduce Carol", "contact.introduce", {"name": "Bob", "to": "Carol"}),
        ("/timer 1d", "conversation.timer", {"name": "Bob", "seconds": 86400}),
        ("/timer off", "conversation.timer", {"name": "Bob", "seconds": None}),
        ("/expiring 1h soon gone", "message.send", {"name": "Bob", "text": "soon gone", "expires_seconds": 3600}),
        ("/force really", "message.send", {"name": "Bob", "text": "really", "force": True}),
        ("/read Dave", "message.read", {"name": "Dave"}),
        ("/react onion", "message.react", {"name": "Bob", "emoji": "🧅"}),
        ("/invite open 1d", "invite.create", {"open": True, "expires_seconds": 86400}),
        ("/invite 2h as Zoe", "invite.create", {"open": False, "expires_seconds": 7200, "accept_as": "Zoe"}),
        ("/send Carol hello  you", "message.send", {"name": "Carol", "text": "hello  you"}),
        ("/edit Not fine", "message.edit", {"name": "Bob", "text": "Not fine"}),
        ("/set away yes", "setting.set", {"key": "away", "value": "yes"}),
        ("/lock", "node.lock", {}),
    ],
)
def test_calls(open_console, text, method, params):
    asked = run(open_console(), text).asked(method)
    assert asked
    for name, value in params.items():
        assert getattr(asked[-1], name) == value


@pytest.mark.parametrize("what", ["accept", "ignore", "cancel", "block"])
def test_requests_by_a_part_of_their_id(open_console, what):
    trial = open_console()
    direction = "outgoing" if what == "cancel" else "incoming"
    request = next(r for r in trial.service.requests if r.direction == direction)
    run(trial, f"/{what} {request.id[:8]}")
    assert request not in trial.service.requests


@pytest.mark.parametrize(
    "text, method",
    [
        ("/remove", "contact.remove"),
        ("/forget 2026-11-20", "message.forget"),
        ("/retract", "message.retract"),
        ("/stop", "node.stop"),
        ("/wipe", "profile.wipe"),
    ],
)
def test_what_cannot_be_undone_is_asked_first(open_console, text, method):
    trial = run(open_console(), text)
    assert trial.asked(method) == []
    trial.press("esc")
    assert trial.asked(method) == []
    run(trial, text).press("left", "enter")
    assert len(trial.asked(method)) == 1


def test_an_invitation_is_shown_with_its_code_and_copied(open_console):
    trial = run(open_console(80, 40), "/invite")
    assert "It works once" in trial.text and "█▀▀▀▀▀█" in trial.text
    trial.press("c")
    assert trial.copied == [trial.service.invitations[0].link]
    run(trial.press("esc"), "/invitations")
    assert "publishing" in trial.text
    run(trial.press("esc"), f"/uninvite {trial.copied[0]}")
    assert trial.service.invitations[0].state == "closed"


def test_recovery_words_are_shown_until_they_are_settled(open_console):
    trial = open_console()
    trial.service.recovery = [f"word{n}" for n in range(24)]
    run(trial, "/recovery")
    assert "24.word23" in trial.text
    trial.press("esc")
    assert trial.asked("recovery.settle") == []
    run(trial, "/recovery").press("left", "left", "enter")
    assert trial.asked("recovery.settle")[0].written
    assert "no recovery words any more" in run(trial, "/recovery").text


@pytest.mark.parametrize(
    "text, title",
    [
        ("/help", "Help"),
        ("/requests", "Contact requests"),
        ("/connection", "Connection"),
        ("/devices", "My devices"),
        ("/status", "Status"),
        ("/words", "Compare with Bob"),
        ("/search train", "Search"),
        ("/invitations", "Invitations"),
    ],
)
def test_screens(open_console, text, title):
    trial = run(open_console(), text)
    assert trial.lines[0].startswith(f" {title}")
    assert not trial.press("esc").lines[0].startswith(f" {title}")


def test_without_a_conversation_a_command_says_so(open_console):
    from onionchat.testing.fakeservice import FakeService

    trial = open_console(service=FakeService(people=False))
    for command in ("/block", "/rename X", "/timer 1d", "/react onion", "/words"):
        trial.type(command).press("enter")
        assert "no conversation is open" in trial.text
        trial.press("ctrl c")


@pytest.mark.parametrize("text", ["/trust maybe", "/timer soon", "/quota much", "/forget yesterday", "/invite maybe"])
def test_wrong_words_say_what_is_right_and_call_nothing(open_console, text):
    trial = open_console()
    before = len([name for name, _ in trial.service.calls])
    run(trial, text)
    assert [name for name, _ in trial.service.calls][before:] == []
    assert trial.console.writing.edit.edit_text == text


def test_every_command_leaves_the_console_in_order(open_console):
    for command in COMMANDS:
        trial = open_console()
        words = {"name": "Carol", "trust": "validated", "link": "x", "request": "x", "emoji": "x"}
        arguments = [words.get(argument.kind, "1d") for argument in command.arguments]
        run(trial, " ".join([f"/{command.name}", *arguments]))
        assert "That did not work" not in trial.text, command.name


def test_the_last_message_of_mine_is_meant(open_console):
    trial = open_console()
    mine = [message for message in trial.service.talks["Bob"].messages if message.sender == "me"][-1]
    run(trial, "/edit Not fine")
    assert trial.asked("message.edit")[0].id == mine.id
    run(trial, "/retract").press("left", "enter")
    assert trial.asked("message.retract")[0].id == mine.id
    assert "no message of yours" in run(run(trial, "/open Mallory"), "/edit x").text


def test_all_contacts_with_their_trust_in_words(open_console):
    text = run(open_console(), "/contacts").text
    assert "Mallory" in text and "compromised" in text and "3 devices" in text


@pytest.mark.parametrize(
    "words", [["maybe"], ["as"], ["as", "a", "b"], ["open", "as", "Bob"], ["7d", "open"], ["opne"]]
)
def test_an_invitation_takes_nothing_for_a_name_by_mistake(words):
    with pytest.raises(UsageError):
        invitation_params(words)
