"""The table of commands."""

import pytest

from onionchat.cli import table
from onionchat.errors import LocalError, UsageError
from onionchat.tui.commands import BY_NAME, COMMANDS, ELSEWHERE, is_command, parse_command


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_is_explained_and_says_what_it_does(command):
    assert command.help
    assert command.usage.startswith(f"/{command.name}")
    assert command.run.__doc__.startswith(f"`/{command.name}")
    optional = [argument.optional for argument in command.arguments]
    assert optional == sorted(optional), "what may be left out comes last"
    assert all(not argument.rest for argument in command.arguments[:-1])


@pytest.mark.parametrize("name", sorted(table.BY_NAME))
def test_the_whole_command_line_is_here_or_said_where_it_is(name):
    if name in BY_NAME:
        assert name not in ELSEWHERE
    else:
        with pytest.raises(LocalError, match=r"onionchat|console"):
            parse_command(f"/{name}")


def test_what_is_elsewhere_is_a_command_there():
    assert set(ELSEWHERE) <= set(table.BY_NAME)


def test_they_are_in_order():
    assert [command.name for command in COMMANDS] == sorted(BY_NAME)


@pytest.mark.parametrize(
    "text, name, words",
    [
        ("/lock", "lock", []),
        ("/open Bob", "open", ["Bob"]),
        ('/open "Anna Maria"', "open", ["Anna Maria"]),
        ("/add onionchat:x", "add", ["onionchat:x"]),
        ("/add onionchat:x Bob hello  there  you", "add", ["onionchat:x", "Bob", "hello  there  you"]),
        ('/add onionchat:x Bob "hello"', "add", ["onionchat:x", "Bob", "hello"]),
        ('/expiring 1d say "hi"\nnow', "expiring", ["1d", 'say "hi"\nnow']),
        ("/conn", "connection", []),
        ("/search one two", "search", ["one two"]),
    ],
)
def test_parsed(text, name, words):
    command, found = parse_command(text)
    assert (command.name, found) == (name, words)


@pytest.mark.parametrize(
    "text, says",
    [
        ("/", "F1 lists the commands"),
        ("/frob", "F1 lists the commands"),
        ("/inv", "/invitations, /invite"),
        ("/open", "/open NAME"),
        ("/open a b", "/open NAME"),
        ("/expiring 1d", "/expiring 1d TEXT"),
    ],
)
def test_wrong_ones_say_what_is_meant(text, says):
    with pytest.raises(UsageError, match=says):
        parse_command(text)


def test_two_slashes_are_a_message():
    assert is_command("/x") and not is_command("//x") and not is_command("x /y")


def test_arguments_by_place():
    assert BY_NAME["expiring"].argument(9).shown == "TEXT"
    assert BY_NAME["open"].argument(1) is None
    assert BY_NAME["lock"].argument(0) is None
