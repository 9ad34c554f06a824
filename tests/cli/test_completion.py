"""Completions: bash runs them here; the others are checked for completeness."""

import shutil
import subprocess
from pathlib import Path

import pytest

from onionchat.cli import completion
from onionchat.cli.main import main
from onionchat.cli.table import COMMANDS, GLOBAL, TOR


def complete(script: Path, *words: str) -> set[str]:
    """What bash offers for the last of these words."""
    program = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _onionchat; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    found = subprocess.run(
        ["bash", "-c", program, "bash", str(script), *words],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=script.parent,
    )
    assert found.stderr == ""
    return set(found.stdout.split())


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "onionchat.bash").write_text(completion.bash())
    return tmp_path / "onionchat.bash"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["se"], {"send", "search"}),
        (["--profile", "/x", "--tor", "system", "se"], {"send", "search"}),
        (["--tor", ""], {"auto", "system", "launch"}),
        (["--pr"], {"--profile"}),
        (["send", "bob", "--wait", ""], {"delivered"}),
        (["send", "bob", "--f"], {"--force"}),
        (["contact", "bob", "val"], {"validated"}),
        (["completion", ""], {"bash", "zsh", "fish", "--help"}),
        (["import", "onionchat.b"], {"onionchat.bash"}),
        (["--passphrase-file", "onionchat.b"], {"onionchat.bash"}),
        (["send", "bob", "--timeout", ""], set()),
    ],
)
def test_bash(script: Path, words: list[str], offered: set[str]) -> None:
    assert complete(script, "onionchat", *words) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_in_it(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    for command in COMMANDS:
        assert command.name in out
        for argument in command.arguments:
            if argument.is_option:
                assert all(name.lstrip("-") in out for name in argument.names)
    for argument in (*GLOBAL, *TOR):
        assert argument.names[0].lstrip("-") in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_it(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"there is no {shell} here")
    (tmp_path / "script").write_text(getattr(completion, shell)())
    found = subprocess.run([program, "-n", str(tmp_path / "script")], capture_output=True, timeout=60)
    assert (found.returncode, found.stderr) == (0, b"")


def test_an_unknown_shell() -> None:
    assert main(["completion", "tcsh"]) == 2
