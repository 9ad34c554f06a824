"""docs/onionchat.1 is made from the table and the manual, and is not stale."""

import shutil
import subprocess
from pathlib import Path

import pytest

from onionchat.cli.manpage import MANUAL, page
from onionchat.cli.table import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "onionchat.1"


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text("utf-8") == page(MANUAL.read_text("utf-8")), "run `make docs`"


def test_it_is_ascii_and_names_every_command_and_option() -> None:
    text = PAGE.read_text("ascii")
    for command in COMMANDS:
        assert f".B {command.name}".replace("-", "\\-") in text
        for argument in command.arguments:
            if argument.is_option:
                assert all(name.replace("-", "\\-") in text for name in argument.names)
    for section in ("NAME", "SYNOPSIS", "OPTIONS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES", "PEOPLE", "TOR"):
        assert f".SH {section}\n" in text


def test_text_cannot_become_a_command_of_roff() -> None:
    found = page(
        "# t\n\n.sp 99\n'x\n\n## A\n`.y` and **b** and *c* \\d — [l](u)\n\n```\n.z -1\n```\n- one\n1. two\n| a | b |\n"
    )
    assert "\\&.sp 99" in found
    assert "\\&'x" in found
    assert "\\fB.y\\fR and \\fBb\\fR and \\fIc\\fR \\ed \\[u2014] l (u)" in found
    assert "\\&.z \\-1" in found
    assert ".IP \\(bu 4\none" in found
    assert ".TP\n.B a\nb" in found


def test_groff_reads_it_without_complaint() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff here")
    found = subprocess.run([groff, "-man", "-Tutf8", "-ww", str(PAGE)], capture_output=True, timeout=60)
    assert (found.returncode, found.stderr) == (0, b"")
