"""From nothing to a first message, and to a second device, in the console of the real program with a Tor of its own.

Everything that is typed and read here is what a person types and reads.
"""

import re
import sys

import pytest

from onionchat.testing.people import PASSPHRASE, People, environment
from onionchat.testing.screen import TerminalEmulator

pytestmark = pytest.mark.timeout(300)
SLOW_SECONDS = 120.0


@pytest.fixture(scope="module")
def bob(tor_network, tmp_path_factory):
    with People(tor_network, tmp_path_factory.mktemp("first")) as people:
        yield people.arrive("bob")[0]


def console(tor_network, profile, columns=120, rows=45):
    """The program as it is started by somebody who has nothing yet, in a network of ours."""
    tor_network.prepare(profile / "tor")
    command = [sys.executable, "-m", "onionchat", "--profile", str(profile), "--tor", "launch"]
    for line in tor_network.torrc_options():
        command += ["--tor-option", line]
    return TerminalEmulator(command, columns, rows, environment())


def type_passphrase_twice(terminal):
    terminal.wait_for("It protects everything")
    terminal.press(PASSPHRASE)
    terminal.wait_for("good|strong")
    terminal.press("enter")
    terminal.wait_for("The same once more")
    terminal.press(PASSPHRASE, "enter")


def on_screen(terminal, start):
    """A link or a code, as it stands on the screen."""
    found = re.search(start + r"[a-z2-7]{56}\b", terminal.text)
    assert found, terminal.text
    return found[0]


def test_from_nothing_to_a_message_and_to_a_second_device(tor_network, bob, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    with console(tor_network, folder / "first") as alice:
        alice.wait_for("What should others see as your name")
        alice.press("Alice", "enter")
        type_passphrase_twice(alice)
        alice.wait_for("Write these 24 words", 60)
        alice.wait_for("Looking for Tor|a Tor of its own", 30)
        alice.press("enter")
        alice.wait_for("Give this to one person", 30)
        alice.wait_for("Others can reach you, through a Tor of its own", SLOW_SECONDS)
        link = on_screen(alice, "onionchat:")
        alice.press("enter")
        alice.wait_for("Nobody is here yet")
        bob.do("add", link, "--name", "alice", "-m", "It is me, Bob.")
        alice.wait_for("1 request", SLOW_SECONDS)
        alice.press("f3")
        alice.wait_for("It is me, Bob.")
        alice.press("enter")
        alice.wait_for("Name here: bob")
        alice.press("enter")
        alice.wait_for("bob is a contact now")
        bob.wait_contact("alice", SLOW_SECONDS)
        bob.do("send", "alice", "Hello Alice!")
        alice.wait_for("Hello Alice!", SLOW_SECONDS)
        alice.press("Hello Bob!", "enter")
        alice.wait_for("me +Hello Bob! +✓", SLOW_SECONDS)
        assert "Hello Bob!" in bob.texts("alice")
        assert PASSPHRASE.encode() not in alice.raw
        link_a_device(tor_network, alice, folder)
        alice.press("ctrl q")
        assert alice.wait_ended(60) == 0


def link_a_device(tor_network, alice, folder):
    """Alice's second device joins by the console of both."""
    alice.press("/link", "enter")
    alice.wait_for("A device can come", SLOW_SECONDS)
    code = on_screen(alice, "onionchat-link:")
    with console(tor_network, folder / "second") as tablet:
        tablet.wait_for("F2: another device of mine")
        tablet.press("f2")
        tablet.wait_for("The code of your other device")
        tablet.press(code, "enter")
        tablet.wait_for("What is this device called")
        tablet.press("tablet", "enter")
        tablet.wait_for("Which messages of before")
        tablet.press("enter")
        type_passphrase_twice(tablet)
        tablet.wait_for("same six words", SLOW_SECONDS)
        alice.wait_for("“tablet” wants to be a device of yours")
        assert six_words(alice) == six_words(tablet)
        tablet.press("left", "enter")
        tablet.wait_for("The other device has to say yes, too")
        alice.press("left", "enter")
        alice.wait_for("tablet is a device of yours now", SLOW_SECONDS)
        tablet.wait_for("● bob|○ bob|◐ bob", SLOW_SECONDS)
        tablet.press("/open bob", "enter")
        tablet.wait_for("Hello Alice!", SLOW_SECONDS)
        tablet.press("From the tablet", "enter")
        alice.press("esc")
        alice.wait_for("me +From the tablet", SLOW_SECONDS)
        tablet.press("ctrl q")
        assert tablet.wait_ended(60) == 0


def six_words(terminal):
    found = dict(re.findall(r"\b([1-6]) ([a-z]+)\b", terminal.text))
    assert sorted(found) == list("123456"), terminal.text
    return found
