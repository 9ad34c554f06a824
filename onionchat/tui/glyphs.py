"""The few signs that the console draws, each with an ASCII twin for a terminal without UTF-8."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from onionchat.api import types as t


@dataclass(frozen=True)
class Glyphs:
    """One set of signs. All are one column wide, but for the ASCII twins of the last group."""

    online: str
    dialling: str
    offline: str
    unvalidated: str
    validated: str
    compromised: str
    horizontal: str
    vertical: str
    tee_down: str
    tee_up: str
    tee_right: str
    quote: str
    ellipsis: str
    middle_dot: str
    dash: str
    notes: str
    room: str
    waiting: str
    sent: str
    delivered: str
    file: str
    down: str
    bar_full: str
    bar_empty: str
    unicode: bool  # letters of all alphabets can be sent
    pictures: bool  # the font has these signs, and emoji

    def trust(self, trust: t.Trust) -> str:
        """The sign of a trust state."""
        signs: Mapping[t.Trust, str] = {
            "unvalidated": self.unvalidated,
            "validated": self.validated,
            "compromised": self.compromised,
        }
        return signs[trust]

    def presence(self, online: bool, connecting: bool = False) -> str:
        """The sign of a contact's presence."""
        return self.online if online else self.dialling if connecting else self.offline

    def plain(self, text: str) -> str:
        """Our own text (not remote text) with its typographic signs replaced when there is no UTF-8."""
        return text if self.unicode else text.translate(_TO_ASCII)


UNICODE = Glyphs(
    online="●",
    dialling="◐",
    offline="○",
    unvalidated="◌",
    validated="✔",
    compromised="✖",
    horizontal="─",
    vertical="│",
    tee_down="┬",
    tee_up="┴",
    tee_right="├",
    quote="▏",
    ellipsis="…",
    middle_dot="·",
    dash="–",
    notes="✎",
    room="#",
    waiting="⋯",
    sent="›",
    delivered="✓",
    file="▤",
    down="↓",
    bar_full="▇",
    bar_empty="▁",
    unicode=True,
    pictures=True,
)
ASCII = Glyphs(
    online="*",
    dialling="~",
    offline=".",
    unvalidated="?",
    validated="+",
    compromised="!",
    horizontal="-",
    vertical="|",
    tee_down="+",
    tee_up="+",
    tee_right="+",
    quote="|",
    ellipsis="~",
    middle_dot="-",
    dash="-",
    notes="~",
    room="#",
    waiting="..",
    sent=">",
    delivered="ok",
    file="[]",
    down="v",
    bar_full="#",
    bar_empty=".",
    unicode=False,
    pictures=False,
)
# The console of Linux itself: it takes UTF-8, but its font has letters, lines and blocks, and none of our signs.
LINUX = replace(
    ASCII,
    horizontal="─",
    vertical="│",
    tee_down="┬",
    tee_up="┴",
    tee_right="├",
    quote="│",
    middle_dot="·",
    bar_full="█",
    bar_empty="░",
    unicode=True,
)

_TO_ASCII = str.maketrans(
    {"·": "-", "…": "...", "–": "-", "—": "-", "×": "x", "’": "'", "“": '"', "”": '"', "↓": "v", "↑": "^", "≤": "<="}
)


def glyphs_for(ascii_only: bool | None, environment: Mapping[str, str]) -> Glyphs:
    """The set that this terminal can draw. `ascii_only` None: as locale and kind of terminal say."""
    if ascii_only or (ascii_only is None and not speaks_utf8(environment)):
        return ASCII
    return LINUX if ascii_only is None and environment.get("TERM", "").startswith("linux") else UNICODE


def speaks_utf8(environment: Mapping[str, str]) -> bool:
    """Whether the locale says that the terminal takes UTF-8.

    Python itself puts `LC_CTYPE=C.UTF-8` into the environment of a bare C locale (PEP 538), so that value counts only
    when nothing contradicts it.
    """
    everything = environment.get("LC_ALL", "")
    characters = environment.get("LC_CTYPE", "")
    language = environment.get("LANG", "")
    if everything:
        return _names_utf8(everything)
    if characters and characters != "C.UTF-8":
        return _names_utf8(characters)
    return _names_utf8(language)


def _names_utf8(locale_name: str) -> bool:
    return "utf-8" in locale_name.lower() or "utf8" in locale_name.lower()
