"""F6: my devices and the settings."""

from collections.abc import Callable, Mapping, Sequence

from onionchat.api import types as t
from onionchat.tui.attention import LOCK_AFTER, LOCK_VALUES, NOTIFY, NOTIFY_VALUES
from onionchat.tui.backend import Options
from onionchat.tui.devicelines import device_lines
from onionchat.tui.render import Line, Look, one_line, padded, paragraph
from onionchat.tui.screens.frame import COLUMNS_MAX, Screen
from onionchat.tui.widgets import Choice, Choices

NAME = "name"
LABEL_COLUMNS = 16
_VALUES: Mapping[str, Sequence[str]] = {LOCK_AFTER: LOCK_VALUES, NOTIFY: NOTIFY_VALUES}


class SettingsScreen(Screen):
    """What I have and how it behaves. Enter on a setting takes its next value."""

    name = "settings"

    def __init__(
        self,
        look: Callable[[], Look],
        devices: Sequence[t.OwnDevice],
        values: Mapping[str, str],
        options: Options,
        change: Callable[[str, str], None],
        open_devices: Callable[[], None],
    ) -> None:
        self._devices, self._options, self._change = devices, options, change
        self._values = {NAME: values.get(NAME, ""), LOCK_AFTER: "never", NOTIFY: "both"}
        self._values |= {key: value for key, value in values.items() if value}
        self.choices = Choices(self._next)
        self._open_devices = open_devices
        super().__init__(look, "Devices and settings", self.choices, keys=(("Enter", "change"), ("Up Down", "choose")))
        self.choices.replace(self._rows())
        self.choices.choose(LOCK_AFTER)

    def _next(self, key: str) -> None:
        if key.startswith("device"):
            self._open_devices()
            return
        values = _VALUES.get(key)
        if values is None or (key == LOCK_AFTER and self._options.lock_after_seconds is not None):
            return
        now = self._values[key]
        self._values[key] = values[(values.index(now) + 1) % len(values)] if now in values else values[0]
        self._change(key, self._values[key])
        self._invalidate()

    def _rows(self) -> list[Choice]:
        rows = [self._text(f"device {device.id}", self._device(device)) for device in self._devices]
        rows.append(
            self._text("devices", lambda columns: self._said("Enter on one of them: link a new one …", columns))
        )
        rows.append(self._text(NAME, lambda columns: self._row("My name", self._values[NAME], _NAME_HELP, columns)))
        rows.append(self._text(LOCK_AFTER, self._lock_lines))
        rows.append(
            self._text(NOTIFY, lambda columns: self._row("Bell and title", self._values[NOTIFY], _NOTIFY_HELP, columns))
        )
        rows.append(self._text("file", lambda columns: self._said(self._file_words(), columns)))
        return rows

    @staticmethod
    def _text(key: str, make: Callable[[int], list[Line]]) -> Choice:
        return Choice(key, lambda columns, chosen: make(min(columns, COLUMNS_MAX)))

    def _device(self, device: t.OwnDevice) -> Callable[[int], list[Line]]:
        return lambda columns: device_lines(device, columns, self.look())[:1]

    def _lock_lines(self, columns: int) -> list[Line]:
        seconds = self._options.lock_after_seconds
        if seconds is None:
            return self._row("Lock when idle", self._values[LOCK_AFTER], _LOCK_HELP, columns)
        return self._row("Lock when idle", t.duration_text(seconds), "as console.toml says", columns)

    def _row(self, label: str, value: str, words: str, columns: int) -> list[Line]:
        head: Line = [("quiet", f" {label:<{LABEL_COLUMNS}}"), ("bold", one_line(value) or "-")]
        return [head, *self._indented(words, columns), []]

    def _said(self, words: str, columns: int) -> list[Line]:
        return [*padded(paragraph(self.look().glyphs.plain(words), columns - 2, "quiet")), []]

    def _indented(self, words: str, columns: int) -> list[Line]:
        lines = paragraph(self.look().glyphs.plain(words), max(columns - LABEL_COLUMNS - 2, 12), "quiet")
        return padded(lines, " " * (LABEL_COLUMNS + 1))

    def _file_words(self) -> str:
        options = self._options
        mouse = "with mouse" if options.mouse else "without mouse"
        keys = f"{len(options.keys)} keys changed" if options.keys else "the usual keys"
        copy = "copying to the clipboard" if options.copy else "no copying"
        return f"This machine: {options.theme} theme, {options.colours} colours, {mouse}, {copy}, {keys}" + (
            ", as console.toml says." if options.from_file else "."
        )


_NAME_HELP = "what others see when you ask them; /set name NEW"
_LOCK_HELP = "without a key for so long; on all your devices. Locked, nothing is received."
_NOTIFY_HELP = "when a message comes that you are not reading; never who or what"
