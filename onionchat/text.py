"""Remote text made safe to show, and names that cannot be taken for other names. Layer 0.

Every text that somebody else wrote passes `safe_line` or `safe_text` before it reaches a screen, and every name
`clean_name` (mine) or `remote_name` (theirs). What is shown then is one line (or several), holds nothing that a
terminal obeys, nothing that turns the direction of writing, nothing invisible and no towers of marks.
"""

import re
import unicodedata
from collections.abc import Iterator

import wcwidth

from onionchat.errors import LocalError
from onionchat.limits import NAME_MAX_CHARACTERS

REPLACEMENT = "\ufffd"
NAMELESS = "nameless"
MYSELF = "me"  # what the log calls the user of this program
MARKS_MAX = 3  # more marks on one letter are meant to cover the lines above it
JOINS_MAX = 4  # emoji joined to one picture: the longest in use has three joints
_ZWJ, _VS16, _KEYCAP, _DOTTED_CIRCLE = "\u200d", "\ufe0f", "\u20e3", "\u25cc"

# Letters and pictures that need no second look: assigned, visible, already in NFC whatever stands beside them.
# tests/test_text.py walks through all of them.
_PLAIN = (
    r" -~¡-¬®-ɏ"  # ASCII, Latin
    r"Α-ΡΣ-ώЀ-ҁҊ-ӿא-תء-ي"  # Greek, Cyrillic, Hebrew, Arabic letters
    r"‐-‧‰-⁞€、。「」ぁ-ゖァ-ヺー一-鿼가-힣！？"
    "\U0001f300-\U0001f3fa\U0001f400-\U0001f64f\U0001f680-\U0001f6d2\U0001f910-\U0001f9ff"
)
_UNUSUAL_IN_LINE = re.compile(f"[^{_PLAIN}]")
_UNUSUAL_IN_TEXT = re.compile(f"[^\n{_PLAIN}]")
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")  # letters that nobody sees
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_EMOJI = re.compile("[©®‼⁉™ℹ←-⯿〰〽㊗㊙\U0001f000-\U0001faff]")
_KEYCAP_BASES = frozenset("0123456789#*")
_BLANKS = re.compile(" {2,}")


# --- safe to show -----------------------------------------------------------------------------------
def safe_line(text: str) -> str:
    """The text as one line that can be shown as it is (NFC). Line breaks and tabs become blanks. Idempotent."""
    if _UNUSUAL_IN_LINE.search(text) is None:
        return text
    return _safe(_LINE_BREAK.sub(" ", text))


def safe_text(text: str) -> str:
    """As `safe_line`, but line breaks (of any kind) stay, as newlines."""
    if _UNUSUAL_IN_TEXT.search(text) is None:
        return text
    return "\n".join(map(_safe, _LINE_BREAK.sub("\n", text).split("\n")))


def _safe(line: str) -> str:
    shown = unicodedata.normalize("NFC", "".join(_shown_characters(line)))
    return "".join(_without_towers(shown))


def _shown_characters(line: str) -> Iterator[str]:
    """Each character as it may be shown; what is invisible is dropped, what is dangerous is replaced in sight."""
    before, joints = "", 0
    for index, character in enumerate(line):
        if character in (_ZWJ, _VS16):
            after = line[index + 1 : index + 2]
            kept = character if _belongs_to_emoji(character, before, after, joints) else ""
            joints = joints + 1 if kept == _ZWJ else joints if kept else 0
        else:
            kept = _shown(character)
            joints = joints if before == _ZWJ or _is_skin_tone(kept) else 0
        if kept:
            before = kept
            yield kept


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Zs" or character == "\t":
        return "\u3000" if character == "\u3000" else " "
    if character in _BLANK_LETTERS or _is_variation_selector(character):
        return ""
    if category == "Cf":
        return REPLACEMENT if character in _BIDI else ""
    return REPLACEMENT if category[0] == "C" else character


def _is_variation_selector(character: str) -> bool:
    return (
        "\ufe00" <= character <= "\ufe0f"
        or "\u180b" <= character <= "\u180f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def _belongs_to_emoji(character: str, before: str, after: str, joints: int) -> bool:
    """Whether a joiner or the emoji selector stands where a picture needs it; elsewhere it only hides."""
    if character == _VS16:
        return _is_emoji(before) or (before in _KEYCAP_BASES and after == _KEYCAP)
    return joints < JOINS_MAX and (_is_emoji(before) or before == _VS16) and _is_emoji(after)


def _is_emoji(character: str) -> bool:
    return bool(_EMOJI.match(character)) and unicodedata.category(character) != "Cn"


def _is_skin_tone(character: str) -> bool:
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def _without_towers(line: str) -> Iterator[str]:
    """At most `MARKS_MAX` marks on a letter, and none on what stood on the screen before this line."""
    marks, first = 0, True
    for character in line:
        if character != _VS16 and unicodedata.category(character) in ("Mn", "Me"):
            marks += 1
            if first:
                yield _DOTTED_CIRCLE
            if marks <= MARKS_MAX:
                yield character
        else:
            marks = 0 if character != _VS16 else marks
            yield character
        first = False


# --- widths -----------------------------------------------------------------------------------------
def display_width(text: str) -> int:
    """Columns that a safe line takes in a terminal; two for CJK and emoji, none for marks."""
    if text.isascii():
        return len(text)
    width = wcwidth.wcswidth(text)
    return width if width >= 0 else sum(max(0, wcwidth.wcwidth(character)) for character in text)


def truncate_width(text: str, columns: int) -> str:
    """A safe line cut to at most so many columns, between what a reader sees as characters, `…` where it was cut."""
    if display_width(text) <= columns:
        return text
    kept, width = "", 0
    for cluster in clusters(text):
        width += display_width(cluster)
        if width > columns - 1:
            break
        kept += cluster
    return kept + "…" if columns > 0 else ""


def clusters(text: str) -> Iterator[str]:
    """What a reader sees as characters: a letter with its marks, a picture of several emoji, a flag."""
    cluster = ""
    for character in text:
        flag = _is_regional(character) and _is_regional(cluster)
        joined = flag or _is_skin_tone(character) or cluster.endswith(_ZWJ) or wcwidth.wcwidth(character) == 0
        if cluster and not joined:
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _is_regional(text: str) -> bool:
    return len(text) == 1 and "\U0001f1e6" <= text <= "\U0001f1ff"


# --- names ------------------------------------------------------------------------------------------
def clean_name(name: str) -> str:
    """The name itself, when it is one that can be chosen. LocalError says what is wrong; nothing is corrected."""
    if not name:
        raise LocalError("a name must not be empty")
    if name != name.strip() or _BLANKS.search(name) or "\u3000" in name:
        raise LocalError("a name must not begin or end with a blank, or have two in a row")
    if len(name) > NAME_MAX_CHARACTERS:
        raise LocalError(f"a name has at most {NAME_MAX_CHARACTERS} characters")
    if safe_line(name) != name or REPLACEMENT in name:
        raise LocalError("that name has characters that cannot be seen or shown: type it anew")
    if name[0] in "/-":
        raise LocalError('a name must not begin with "/" or "-": commands and options do')
    if skeleton(name) == MYSELF:
        raise LocalError('"me" is what you are called here: choose another name')
    return name


def remote_name(name: str) -> str:
    """What a stranger calls himself, as it can be shown: always a `clean_name`, at most 64 characters. Never raises."""
    shown = _BLANKS.sub(" ", safe_line(name[: 8 * NAME_MAX_CHARACTERS]).replace("\u3000", " ")).strip()
    shown = shown.replace(REPLACEMENT, "?").lstrip("/- ")
    if len(shown) > NAME_MAX_CHARACTERS:
        shown = safe_line(shown[: NAME_MAX_CHARACTERS - 1]).strip() + "…"
    if skeleton(shown) == MYSELF:
        return f"({shown})"
    return shown or NAMELESS


# Look-alikes in the letters of names, after the idea of UTS 39; the pairs are those a person can type or paste easily.
_LOOK_ALIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТУХԚԜаеѕіјорсухһԁԛԝӏүҮ"  # Cyrillic
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧανορυικγ"  # Greek
    "ՕՏօոսհց"  # Armenian
    "ᎪᏴᏟᎠᎬᎻᎫᏦᏞᎷᏢᏚᎢᏙᎳᏃ"  # Cherokee
    "ıɑɡɩǀɪʏᴀʙᴄᴅᴇɢʜᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡᴢ"  # Latin letters that are drawn like others
    "0I1|",
    "ABESlJKMHOPCTYXQWaesijopcyxhdqwlyYABEZHlKMNOPTYXavopuikyOSonuhgABCDEHJKLMPSTVWZiagiliyabcdeghjklmnoprstuvwzolll",
)
_LETTER_PAIRS = (("rn", "m"), ("vv", "w"))
_SEPARATE_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "GEORGIAN"})


def name_key(name: str) -> str:
    """Equal for names that differ only in case or in the way the same letters are encoded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def skeleton(name: str) -> str:
    """Equal for names that look alike: look-alike letters of other alphabets become Latin ones, case is dropped."""
    drawn = unicodedata.normalize("NFKC", name).translate(_LOOK_ALIKE)
    folded = unicodedata.normalize("NFKC", drawn.casefold())
    for pair, letter in _LETTER_PAIRS:
        folded = folded.replace(pair, letter)
    return folded


def is_mixed_script(name: str) -> bool:
    """Whether letters of alphabets that hold look-alikes of each other stand in one name ("Воb")."""
    scripts = {unicodedata.name(character, "").split(" ")[0] for character in name if character.isalpha()}
    return len(scripts & _SEPARATE_SCRIPTS) > 1
