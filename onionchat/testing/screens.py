"""Pictures of the console for the documentation: `python -m onionchat.testing.screens [FOLDER]` (docs/screens).

Each scene is the made-up node in a real pseudo-terminal, with keys pressed, drawn as PNG and written as text.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onionchat.testing.screen import TerminalEmulator

FOLDER = Path("docs/screens")


@dataclass(frozen=True)
class Scene:
    """One picture. `keys` in order; `until` is a pattern that must be on the screen before it is taken."""

    name: str
    columns: int
    rows: int
    keys: Sequence[str] = ()
    until: str = ""
    arguments: Sequence[str] = ()
    light: bool = False


_PASSPHRASE = "four or five random words"

SCENES: tuple[Scene, ...] = (
    Scene("usual", 80, 24, until="I am back"),
    Scene("small", 40, 15, until="I am back"),
    Scene("small-list", 40, 15, ("esc",), until="filter"),
    Scene("wide", 200, 60, until="I am back"),
    Scene("reply", 80, 24, ("up", "up", "r", "Where were you?"), until="Where were you"),
    Scene("choose", 80, 24, ("up", "up"), until="take back"),
    Scene("compare", 80, 24, ("f2",), until="9-12"),
    Scene("compare-small", 40, 15, ("f2",), until="They match"),
    Scene("requests", 80, 24, ("f3",), until="Erin"),
    Scene("connection", 80, 24, ("f5",), until="What to do"),
    Scene("settings", 80, 24, ("f6",), until="Bell and title"),
    Scene("devices", 80, 24, ("/devices", "enter"), until="declared stolen"),
    Scene("untrust", 80, 24, ("/untrust laptop", "enter"), until="undo it or not"),
    Scene("link", 80, 24, ("/link", "enter"), until="left"),
    Scene("link-words", 80, 24, ("/link", "enter"), until="They differ", arguments=("--linking",)),
    Scene("details", 80, 24, ("up", "up", "up", "d"), until="has it"),
    Scene("search", 80, 24, ("ctrl f", "train"), until="already"),
    Scene("jump", 80, 24, ("ctrl k", "a"), until="Mallory"),
    Scene("invitation", 80, 24, ("/invite", "enter"), until="Give this"),
    Scene("help", 80, 24, ("f1",), until="Everywhere"),
    Scene("lock", 80, 24, ("ctrl l",), until="Passphrase"),
    Scene("ascii", 80, 24, until="I am back", arguments=("--ascii", "--no-colour")),
    Scene("light", 80, 24, ("up", "up"), until="take back", arguments=("--light",), light=True),
    Scene("wipe", 80, 24, ("ctrl x",), until="F9 destroys"),
    Scene("hostile", 80, 24, until="owned", arguments=("--hostile",)),
    Scene("first-run", 80, 24, ("alice", "enter", _PASSPHRASE), until="strong|good", arguments=("--first-run",)),
    Scene(
        "join",
        80,
        24,
        ("f2", "onionchat-link:" + "a" * 56, "enter", "tablet", "enter", "enter", *(_PASSPHRASE, "enter") * 2),
        until="They differ",
        arguments=("--first-run",),
    ),
    Scene(
        "first-link",
        80,
        24,
        ("alice", "enter", _PASSPHRASE, "enter", _PASSPHRASE, "enter", "enter"),
        until="Give this",
        arguments=("--first-run",),
    ),
)


def play(scene: Scene, timeout_seconds: float = 30.0) -> TerminalEmulator:
    """The terminal with the scene on it; whoever asks closes it."""
    command = [sys.executable, "-m", "onionchat.testing.trial_console", "--fixed", *scene.arguments]
    terminal = TerminalEmulator(command, scene.columns, scene.rows)
    try:
        first_run = "--first-run" in scene.arguments
        terminal.wait_for("the first time" if first_run else "filter|I am back|owned", timeout_seconds)
        for key in scene.keys:
            terminal.press(key)
            terminal.read(0.2)
        if scene.until:
            terminal.wait_for(scene.until, timeout_seconds)
    except BaseException:
        terminal.close()
        raise
    return terminal


def draw(folder: Path) -> None:
    """All scenes, each as NAME.png and NAME.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in SCENES:
        with play(scene) as terminal:
            terminal.png(folder / f"{scene.name}.png", scene.light)
            (folder / f"{scene.name}.txt").write_text(terminal.text + "\n", encoding="utf-8")
        print(f"{scene.name}: {scene.columns}x{scene.rows}")


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
