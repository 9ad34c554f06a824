"""The parser: order of options, texts that look like options, help."""

import pytest

from onionchat.cli.main import main
from onionchat.cli.parser import command_list, description, find_command, parse
from onionchat.cli.table import COMMANDS
from onionchat.errors import UsageError


def test_options_of_the_whole_stand_before_or_after_the_command() -> None:
    for words in (["--profile", "p", "--tor", "system", "status"], ["status", "--profile", "p", "--tor", "system"]):
        found = parse(words)
        assert (found.command, found.profile, found.tor) == ("status", "p", "system")
    assert parse(["--profile", "a", "status", "--profile", "b"]).profile == "b"
    assert parse(["--tor-option", "a 1", "run", "--tor-option", "b 2"]).tor_option == ["a 1", "b 2"]


def test_every_option_of_the_whole() -> None:
    before = "--passphrase-fd 3 --passphrase-file f --tor launch --control unix:/x --socks 127.0.0.1:9050"
    found = parse([*before.split(), "--onion-port", "16600", "--allow-unrestricted", "run", "--once"])
    assert (found.passphrase_fd, found.passphrase_file, found.tor, found.control) == (3, "f", "launch", "unix:/x")
    assert (found.socks, found.onion_port, found.allow_unrestricted, found.once) == (
        "127.0.0.1:9050",
        16600,
        True,
        True,
    )


def test_no_command_is_the_console() -> None:
    assert parse([]).command is None
    assert parse(["--plain", "--profile", "p"]).command is None


@pytest.mark.parametrize(
    "words",
    [
        ["send", "bob", "hello", "--wait", "delivered"],
        ["send", "bob", "--wait", "delivered", "hello"],
        ["send", "--wait", "delivered", "bob", "hello"],
    ],
)
def test_options_may_stand_between_words(words: list[str]) -> None:
    found = parse(words)
    assert (found.name, found.text, found.wait) == ("bob", "hello", "delivered")


@pytest.mark.parametrize("text", ["--json", "-x", "--", "status"])
def test_a_text_that_looks_like_an_option_goes_after_two_dashes(text: str) -> None:
    assert parse(["send", "bob", "--", text] if text != "--" else ["send", "bob", "--", "--"]).text in (text, None)


def test_abbreviations_are_refused() -> None:
    """They would break scripts when an option is added."""
    for words in (["--prof", "x", "status"], ["send", "bob", "hi", "--forc"]):
        with pytest.raises(UsageError):
            parse(words)


def test_a_near_miss_is_told() -> None:
    with pytest.raises(UsageError, match="did you mean `send`"):
        find_command("sned")


@pytest.mark.parametrize(
    "words", [["--tor", "mine"], ["--onion-port", "x"], ["--nope"], ["status", "extra"], ["run", "-x"]]
)
def test_wrong_usage_is_one_line_that_names_the_help(words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words)
    assert "\n" not in str(caught.value)
    assert "--help" in str(caught.value)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help(command: object, capsys: pytest.CaptureFixture[str]) -> None:
    name = command.name  # type: ignore[attr-defined]
    assert main([name, "--help"]) == 0
    assert f"onionchat {name}" in capsys.readouterr().out
    assert f"  {name} " in command_list()


def test_the_whole_help_lists_options_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    for argument in ("--help", "-h"):
        assert main([argument]) == 0
        out = capsys.readouterr().out
        assert command_list() in out
        assert "--passphrase-fd" in out
        assert "--tor-option" in out
        assert "exit codes" in out


def test_marks_are_told() -> None:
    assert "Needs a running node" in description(find_command("lock"))
    assert "must not be in use" in description(find_command("passwd"))
