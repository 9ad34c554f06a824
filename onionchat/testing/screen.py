"""A terminal for tests and pictures: starts a program in a pty, types keys, reads the screen, draws it as PNG."""

import copy
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pexpect
import pyte
from PIL import Image, ImageDraw, ImageFont

KEYS: Mapping[str, str] = {
    "enter": "\r",
    "newline": "\n",
    "tab": "\t",
    "esc": "\x1b",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "page up": "\x1b[5~",
    "page down": "\x1b[6~",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f5": "\x1b[15~",
    "f6": "\x1b[17~",
    "f9": "\x1b[20~",
    "f12": "\x1b[24~",
    **{f"ctrl {letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"},
}
ESC_SECONDS = 0.3  # longer than any program waits to tell Esc from the start of a sequence
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
FONT_NAMES = (
    ("DejaVuSansMono.ttf", 0),
    ("DejaVuSansMono-Bold.ttf", 0),
    ("NotoSansCJK-Regular.ttc", 0),
    ("NotoEmoji-Regular.ttf", 0),
    ("Symbola_hint.ttf", 0),
    ("DejaVuSans.ttf", 0),
)
CELL = (10, 20)
DARK = "#101418"
LIGHT = "#d8dee4"
LIGHT_GROUND = "#fbfaf6"
ANSI = {
    "black": "#20262c",
    "red": "#e06c6c",
    "green": "#8cc08c",
    "brown": "#d8b070",
    "blue": "#7aa2e0",
    "magenta": "#c090d8",
    "cyan": "#6cc4c4",
    "white": "#d8dee4",
    "brightblack": "#707880",
    "brightred": "#ff8080",
    "brightgreen": "#a8e0a8",
    "brightbrown": "#f0d090",
    "brightblue": "#9cc0ff",
    "brightmagenta": "#e0b0f0",
    "brightcyan": "#90e0e0",
    "brightwhite": "#ffffff",
}


class _Screen(pyte.Screen):
    """pyte's screen with an alternate one beside it."""

    _primary: Any = None

    def set_mode(self, *modes: int, **named: Any) -> None:
        if named.get("private") and 1049 in modes and self._primary is None:
            self._primary = (copy.deepcopy(self.buffer), copy.copy(self.cursor))
            self.erase_in_display(2)
        super().set_mode(*modes, **named)

    def reset_mode(self, *modes: int, **named: Any) -> None:
        if named.get("private") and 1049 in modes and self._primary is not None:
            (self.buffer, self.cursor), self._primary = self._primary, None
            self.dirty.update(range(self.lines))
        super().reset_mode(*modes, **named)

    @property
    def alternate(self) -> bool:
        return self._primary is not None


class TerminalEmulator:
    """One program in one terminal. Times are in seconds."""

    def __init__(
        self, command: Sequence[str], columns: int = 80, rows: int = 24, environment: Mapping[str, str] | None = None
    ) -> None:
        self.columns, self.rows = columns, rows
        self.screen = _Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()  # everything that the program ever wrote
        settings = {
            **os.environ,
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            **(environment or {}),
        }
        self._child = pexpect.spawn(
            command[0], list(command[1:]), dimensions=(rows, columns), env=settings, encoding=None, echo=False
        )
        self._child.delaybeforesend = None

    @property
    def pid(self) -> int:
        """Of the program."""
        return int(self._child.pid)

    # --- input ---
    def type(self, text: str) -> None:
        """As if typed, all at once."""
        self._child.send(text.encode())

    def press(self, *names: str) -> None:
        """Keys by name (`KEYS`), `meta x` for Alt; any other text is typed."""
        for name in names:
            if name.startswith("meta "):
                self.type("\x1b" + KEYS.get(name[5:], name[5:]))
            else:
                self.type(KEYS.get(name, name))
            if name == "esc":
                self.read(ESC_SECONDS)

    def paste(self, text: str) -> None:
        """As a terminal with bracketed paste does."""
        self.type(f"\x1b[200~{text}\x1b[201~")

    def click(self, column: int, row: int, button: int = 1) -> None:
        """The mouse (SGR reports), counted from 0 at the upper left. Buttons 4 and 5 are the wheel."""
        code = {4: 64, 5: 65}.get(button, button - 1)
        self.type(f"\x1b[<{code};{column + 1};{row + 1}M")
        if button < 4:
            self.type(f"\x1b[<{code};{column + 1};{row + 1}m")

    def resize(self, columns: int, rows: int) -> None:
        """The window gets another size."""
        self.columns, self.rows = columns, rows
        self.screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    # --- output ---
    def read(self, seconds: float) -> None:
        """Draws what comes until nothing came for so long; a program that never rests is left after four times that."""
        end = time.monotonic() + 4 * seconds
        while time.monotonic() < end:
            try:
                data = self._child.read_nonblocking(65536, timeout=seconds)
            except (pexpect.TIMEOUT, pexpect.EOF):
                return
            self.raw += data
            self._stream.feed(data)

    def lines(self) -> list[str]:
        """What is on the screen, without blanks at the ends."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The lines in one."""
        return "\n".join(self.lines())

    def wait_for(self, pattern: str, timeout_seconds: float = 20.0) -> str:
        """Reads until the pattern (a regular expression) is on the screen. AssertionError with the screen otherwise."""
        return self._wait(
            lambda: re.search(pattern, self.text) is not None, f"{pattern!r} did not come", timeout_seconds
        )

    def wait_gone(self, pattern: str, timeout_seconds: float = 20.0) -> str:
        """Reads until the pattern is no longer on the screen."""
        return self._wait(lambda: re.search(pattern, self.text) is None, f"{pattern!r} did not go", timeout_seconds)

    def _wait(self, done: Any, complaint: str, timeout_seconds: float) -> str:
        end = time.monotonic() + timeout_seconds
        while True:
            self.read(0.05)
            if done():
                self.read(0.05)
                return self.text
            if time.monotonic() > end:
                raise AssertionError(f"{complaint} in {timeout_seconds} s:\n{self.text}")

    def wait_ended(self, timeout_seconds: float = 20.0) -> int:
        """The exit status, once the program has ended."""
        end = time.monotonic() + timeout_seconds
        while self._child.isalive():
            self.read(0.05)
            if time.monotonic() > end:
                raise AssertionError(f"the program goes on:\n{self.text}")
        self.read(0.05)
        status = self._child.exitstatus
        return int(status) if status is not None else -int(self._child.signalstatus or 0)

    def close(self) -> None:
        """The window is closed: the program gets a hang-up, and is killed when that does not end it."""
        self._child.close(force=True)

    def __enter__(self) -> "TerminalEmulator":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- pictures ---
    def png(self, path: Path, light: bool = False) -> None:
        """The screen as a picture; `light`: a terminal with dark letters on a light ground."""
        draw_png(self.screen, path, light)


def _fonts(size: int) -> list[Any]:
    found = []
    for name, index in FONT_NAMES:
        for folder in FONT_FOLDERS:
            for path in sorted(folder.rglob(name)):
                found.append(ImageFont.truetype(str(path), size, index=index))
                break
    return found


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return ANSI.get(name, f"#{name}")


def _has(font: Any, character: str) -> bool:
    """Whether a font draws the character otherwise than as its box for what it lacks."""
    mask, missing = font.getmask(character), font.getmask("\U0010ffff")
    return bytes(mask) != bytes(missing) or mask.size != missing.size


def draw_png(screen: Any, path: Path, light: bool = False) -> None:
    """Cells one by one, with the first font that has the character. `light`: dark letters on a light ground."""
    ink, ground = (DARK, LIGHT_GROUND) if light else (LIGHT, DARK)
    width, height = CELL
    fonts = _fonts(height * 4 // 5)
    if not fonts:
        raise RuntimeError("no font to draw with: install fonts-dejavu-core")
    regular, others = fonts[0], fonts[1:]
    bold = others[0] if others else regular
    baseline = regular.getmetrics()[0]  # one for all: fonts differ in what they leave above
    image = Image.new("RGB", (screen.columns * width + 16, screen.lines * height + 16), ground)
    drawing = ImageDraw.Draw(image)
    for row in range(screen.lines):
        for column in range(screen.columns):
            cell = screen.buffer[row][column]
            front, back = _colour(cell.fg, ink), _colour(cell.bg, ground)
            if cell.reverse:
                front, back = back, front
            x, y = column * width + 8, row * height + 8
            wide = column + 1 < screen.columns and screen.buffer[row][column + 1].data == ""
            if cell.data == "":
                continue
            drawing.rectangle((x, y, x + width * (2 if wide else 1) - 1, y + height - 1), fill=back)
            if cell.data.strip():
                font = bold if cell.bold else regular
                sign = cell.data[0]
                chosen = next((one for one in (font, *others[1:]) if _has(one, sign)), font)
                drawing.text((x, y + 1 + baseline), cell.data, font=chosen, fill=front, anchor="ls")
    cursor = screen.cursor
    if not cursor.hidden:
        x, y = cursor.x * width + 8, cursor.y * height + 8
        drawing.rectangle((x, y + height - 3, x + width - 1, y + height - 1), fill="#5af")
    image.save(path)
