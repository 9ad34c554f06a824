"""The picture of the README: `python -m onionchat.testing.demo_picture [FOLDER]` (docs/screens).

The real program in a real pseudo-terminal, as `onionchat demo` shows it: two nodes, real Tors, and a few lines between
Alice, whose keys are pressed here, and Bob, who answers by his script.
"""

import sys
from pathlib import Path

from onionchat.testing.screen import TerminalEmulator

FOLDER = Path("docs/screens")
NAME = "demo"
COLUMNS, ROWS = 80, 24
_START_SECONDS = 120.0
_ANSWER_SECONDS = 60.0
_SETTLE_SECONDS = 2.0
LINES = (
    ("It works.", "could count"),
    ("Is there a server between us?", "short script"),
    ("edit", "mistakes"),
)
"""What Alice writes, and what is on the screen when Bob has answered."""


def play() -> TerminalEmulator:
    """The terminal with the conversation on it; whoever asks closes it, and the demonstration with it."""
    terminal = TerminalEmulator([sys.executable, "-m", "onionchat", "demo"], COLUMNS, ROWS)
    try:
        terminal.wait_for("Press Enter", _START_SECONDS)
        terminal.press("enter")
        terminal.wait_for("● Bob", _START_SECONDS)
        terminal.press("ctrl k")
        terminal.press("Bob", "enter")
        terminal.wait_for("Write me something", _ANSWER_SECONDS)
        for text, answer in LINES:
            terminal.type(text)
            terminal.press("enter")
            terminal.wait_for(answer, _ANSWER_SECONDS)
        terminal.read(_SETTLE_SECONDS)
    except BaseException:
        terminal.close()
        raise
    return terminal


def draw(folder: Path) -> None:
    """`demo.png`, and `demo.txt` with the same as text."""
    folder.mkdir(parents=True, exist_ok=True)
    with play() as terminal:
        terminal.png(folder / f"{NAME}.png")
        (folder / f"{NAME}.txt").write_text(terminal.text + "\n", encoding="utf-8")
        terminal.press("ctrl q")
        terminal.wait_ended(_ANSWER_SECONDS)


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
