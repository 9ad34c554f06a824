"""The page of keys says what the tables say."""

from onionchat.tui.commands import COMMANDS
from onionchat.tui.config import CONFIG_NAME
from onionchat.tui.keys import KEYS
from onionchat.tui.keyspage import page


def test_every_key_and_every_command_is_on_the_page():
    text = page()
    for row in KEYS:
        assert f"`{row.action}`" in text
    for command in COMMANDS:
        assert command.usage.replace("|", "\\|") in text
    assert CONFIG_NAME in text


def test_no_cell_breaks_its_row():
    rows = [line for line in page().splitlines() if line.startswith("|")]
    assert len(rows) > len(KEYS)
    assert all(line.endswith("|") for line in rows)
