"""The first run of a device that joins an account: a code, a name, how much history, six words."""

from collections.abc import Callable
from typing import Any

from onionchat.errors import LocalError
from onionchat.tui.backend import Founder, Joiner
from onionchat.tui.devicelines import word_rows
from onionchat.tui.render import Line, Look, one_line, padded, paragraph
from onionchat.tui.widgets import Buttons, Field

DAY_MS = 86_400_000
RECENT_DAYS = 30
STEPS = ("code", "device", "history", "joining")


class JoinRun:
    """What the first run asks of a device that joins; `changed` draws it again.

    Steps: code, device, history; then the first run asks for a passphrase, and `begin` goes on to joining.
    """

    def __init__(self, founder: Founder, look: Callable[[], Look], changed: Callable[[], None]) -> None:
        self._founder, self._look, self._changed = founder, look, changed
        self.code = Field(" > ")
        self.device = Field(" > ")
        self.history = Buttons(
            [("All of it", lambda: None), (f"The last {RECENT_DAYS} days", lambda: None), ("None", lambda: None)]
        )
        self.answer = Buttons(
            [("They are the same", lambda: self._confirm(True)), ("They differ", lambda: self._confirm(False))], index=1
        )
        self.progress = ""
        self.words: tuple[str, ...] = ()
        self._said = False
        self._joiner: Joiner | None = None

    # --- steps ---
    def field(self, step: str) -> Any:
        """What has the keys."""
        if step == "joining":
            return self.answer if self.words and not self._said else None
        return {"code": self.code, "device": self.device, "history": self.history}[step]

    def enter(self, step: str) -> str:
        """The next step. LocalError says what is wrong with what was typed."""
        if step == "code":
            self._founder.require_joinable(self._code(), "this device")
            return "device"
        if step == "device":
            self._founder.require_joinable(self._code(), self.device.edit_text.strip())
            return "history"
        return "first"

    def _code(self) -> str:
        code = "".join(self.code.edit_text.split())
        if not code:
            raise LocalError("a code begins with onionchat-link: and is on the screen of your other device")
        return code

    def begin(self, passphrase: str) -> Any:
        """Goes on to joining; the Deferred of the backend."""
        now_ms = self._look().now_ms
        since = (0, now_ms - RECENT_DAYS * DAY_MS, now_ms)[self.history.index]
        self.progress, self.words, self._said = "looking for Tor", (), False
        self._joiner = self._founder.join(self._code(), self.device.edit_text.strip(), passphrase, since, self)
        return self._joiner.done

    def _confirm(self, is_equal: bool) -> None:
        self._said = True
        if self._joiner is not None:
            self._joiner.confirm(is_equal)
        self._changed()

    def cancel(self) -> None:
        """The user leaves."""
        joiner, self._joiner = self._joiner, None
        if joiner is not None:
            joiner.done.addErrback(lambda _: None)
            joiner.cancel()

    def ended(self) -> None:
        """It came to an end by itself."""
        self._joiner = None
        self.words = ()

    # --- the joiner's listener ---
    def join_progress(self, text: str) -> None:
        """A line: what it is waiting for."""
        self.progress = one_line(text)
        self._changed()

    def join_words(self, words: Any) -> None:
        """Both devices show these words now."""
        self.words, self._said, self.answer.index = tuple(words), False, 1
        self._changed()

    # --- drawing ---
    def lines(self, step: str, width: int) -> list[Line]:
        """The text above the field."""
        glyphs = self._look().glyphs
        texts = {
            "code": "The code of your other device. Over there: /link in the console, or `onionchat link`. It begins "
            "with onionchat-link:",
            "device": "What is this device called among yours? Contacts do not see it.",
            "history": "Which messages of before shall come to this device?",
            "joining": "Both devices are to be on, and connected, until this is done.",
        }
        lines = padded(paragraph(glyphs.plain(texts[step]), width))
        if step != "joining":
            return [*lines, []]
        if self.words:
            asked = "You said so. The other device has to say yes, too."
            if not self._said:
                asked = "Does your other device show the same six words?"
            return [*lines, [], *padded(paragraph(asked, width, "accent")), [], *word_rows(self.words, width), []]
        return [*lines, [], *padded(paragraph(glyphs.plain(f"{self.progress} …"), width, "quiet")), []]
