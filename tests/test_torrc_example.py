"""torrc.example is a torrc: tor itself reads it, and every option in it is explained."""

import re
import subprocess
from pathlib import Path

import pytest

from onionchat.testing.torproc import tor_program

EXAMPLE = Path(__file__).parent.parent / "torrc.example"


@pytest.mark.tor
def test_tor_accepts_it() -> None:
    command = [tor_program(), "--verify-config", "-f", str(EXAMPLE), "--defaults-torrc", "/dev/null"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert run.returncode == 0, run.stdout
    assert "obsolete" not in run.stdout and "deprecated" not in run.stdout


def test_every_paragraph_of_options_opens_with_an_explanation() -> None:
    for paragraph in EXAMPLE.read_text(encoding="utf-8").split("\n\n"):
        assert re.match(r"# \S", paragraph), paragraph


def test_nobody_but_the_user_may_give_orders() -> None:
    options = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert "CookieAuthentication 1" in options
    assert not [line for line in options if line.startswith("ControlPort") or "0.0.0.0" in line]
    assert [line for line in options if line.startswith("SocksPort")] == ["SocksPort 127.0.0.1:9050 ExtendedErrors"]
