"""Tor options from the command line and from config.toml."""

from pathlib import Path

import pytest

from onionchat.cli.parser import parse
from onionchat.cli.settings import Settings, load_settings, read_config
from onionchat.errors import LocalError, UsageError

FULL = """
tor = "system"
control = "unix:/run/tor/control"
socks = "127.0.0.1:9050"
onion-port = 16600
tor-option = ["SocksTimeout 60", "Log notice syslog"]
"""


def test_the_file_alone(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(FULL)
    assert load_settings(tmp_path, parse(["run"])) == Settings(
        "system", "unix:/run/tor/control", "127.0.0.1:9050", ("SocksTimeout 60", "Log notice syslog"), 16600
    )


def test_the_command_line_wins(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(FULL)
    words = "run --tor launch --socks unix:/s --onion-port 1 --tor-option A --control tcp:127.0.0.1:1"
    options = parse(words.split())
    assert load_settings(tmp_path, options) == Settings("launch", "tcp:127.0.0.1:1", "unix:/s", ("A",), 1)


def test_nothing_said(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none", parse(["run"])) == Settings()


def test_only_the_command_line_gives_up_hiding(tmp_path: Path) -> None:
    assert load_settings(tmp_path, parse(["run", "--allow-unrestricted"])).allow_unrestricted
    (tmp_path / "config.toml").write_text("allow-unrestricted = true")
    with pytest.raises(LocalError, match="allow-unrestricted"):
        load_settings(tmp_path, parse(["run"]))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('tro = "auto"', "tro"),
        ('tor = "mine"', "tor"),
        ("tor = 1", "tor"),
        ('onion-port = "16600"', "onion-port"),
        ("onion-port = true", "onion-port"),
        ('tor-option = "A"', "tor-option"),
        ("tor-option = [1]", "tor-option"),
        ("tor = ", "TOML"),
        ("[tor]\nx = 1", "tor"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(LocalError, match=word) as caught:
        read_config(tmp_path / "config.toml")
    assert "config.toml" in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(LocalError, match="TOML"):
        read_config(tmp_path / "config.toml")


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_ports_that_are_none(tmp_path: Path, port: str) -> None:
    with pytest.raises(UsageError):
        load_settings(tmp_path, parse(["run", f"--onion-port={port}"]))
