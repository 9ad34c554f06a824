"""The one place where text from elsewhere becomes lines for the terminal. Pure functions.

A `Line` is a list of (style, text). Every string that another person, the node or a file could have chosen goes through
`one_line` or `block` here and nowhere else; whoever draws takes lines, never raw text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import wcwidth

from onionchat.api import types as t
from onionchat.text import display_width, safe_line, safe_text
from onionchat.tui.glyphs import Glyphs
from onionchat.tui.theme import who_style
from onionchat.tui.wrap import wrap

Line = list[tuple[str, str]]

STACKED_BELOW_COLUMNS = 44  # a narrower log has who and when on a line of their own
LOG_COLUMNS_MAX = 120  # longer lines are hard to read, and the marks would stand far from the text
WHO_COLUMNS_MAX = 12
MARK_COLUMNS = 5  # "✓2/3" and a blank
QUOTE_LINES_MAX = 2
TEXT_LINES_MAX = 2000  # more lines than a terminal scrolls through in one message


@dataclass(frozen=True)
class Look:
    """How lines are made: the signs, the zone of the clock, and the time of drawing in ms since 1970."""

    glyphs: Glyphs
    zone: tzinfo | None
    now_ms: int


def zone_of(utc_offset_seconds: int | None) -> tzinfo | None:
    """A fixed zone, or None for the system's."""
    return None if utc_offset_seconds is None else timezone(timedelta(seconds=utc_offset_seconds))


# --- text --------------------------------------------------------------------------------------------
def one_line(text: str) -> str:
    """Text from elsewhere, on one line, safe for a terminal."""
    return safe_line(text)


def block(text: str) -> str:
    """Text from elsewhere that may have several lines, safe for a terminal."""
    return safe_text(text)


def fit(text: str, columns: int, look: Look) -> str:
    """One line of at most `columns` columns; what is cut off is marked."""
    text = one_line(text)
    if display_width(text) <= columns:
        return text
    mark = look.glyphs.ellipsis
    kept, width = "", 0
    for cluster in wcwidth.iter_graphemes(text):
        width += display_width(cluster)
        if width > columns - display_width(mark):
            break
        kept += cluster
    return (kept + mark) if columns >= display_width(mark) else ""


def pad(text: str, columns: int) -> str:
    """Blanks on the right up to `columns`."""
    return text + " " * (columns - display_width(text))


def width_of(line: Line) -> int:
    """Columns of a line."""
    return sum(display_width(text) for _, text in line)


def spread(left: Line, right: Line, columns: int) -> Line:
    """`left` and `right` at the two ends of a line; `left` alone when there is no room for both."""
    gap = columns - width_of(left) - width_of(right)
    return [*left, ("text", " " * gap), *right] if gap > 0 and right else left


def paragraph(text: str, columns: int, style: str = "text") -> list[Line]:
    """Text from elsewhere (or ours), wrapped."""
    return [[(style, line)] for line in wrap(block(text), columns)]


def padded(lines: Sequence[Line], indent: str = " ") -> list[Line]:
    """The lines with blanks before them."""
    return [[("text", indent), *line] for line in lines]


# --- time --------------------------------------------------------------------------------------------
def local(ms: int, look: Look) -> datetime:
    """The moment on the clock of this terminal; a time that no calendar has becomes the nearest end of the calendar."""
    seconds = min(max(ms, 0), 253402214400000) / 1000
    return datetime.fromtimestamp(seconds, UTC).astimezone(look.zone)


def clock(ms: int, look: Look) -> str:
    """21:05"""
    return f"{local(ms, look):%H:%M}"


def day(ms: int, look: Look) -> str:
    """Friday 20 November, with the year when it is not this one."""
    moment = local(ms, look)
    year = "" if moment.year == local(look.now_ms, look).year else f" {moment.year}"
    return f"{moment:%A} {moment.day} {moment:%B}{year}"


def moment(ms: int, look: Look) -> str:
    """As short as it can be said: 21:05, Tue 09:12, 3 Nov 09:12 or 3 Nov 2024."""
    then, now = local(ms, look), local(look.now_ms, look)
    days = abs((now.date() - then.date()).days)
    if days == 0:
        return f"{then:%H:%M}"
    if days < 7:
        return f"{then:%a %H:%M}"
    return f"{then.day} {then:%b %H:%M}" if then.year == now.year else f"{then.day} {then:%b %Y}"


def duration(seconds: float) -> str:
    """40 s, 12 min, 3 h, 2 d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 0)} s"


# --- a message ---------------------------------------------------------------------------------------
def message_lines(message: t.Message, columns: int, look: Look, who_columns: int) -> list[Line]:
    """One message of the log at this width. `who_columns`: the column for names, the same for a whole conversation."""
    columns = max(min(columns, LOG_COLUMNS_MAX), 8)
    if message.kind == "notice":
        return _notice(message, columns, look)
    if columns < STACKED_BELOW_COLUMNS:
        return _stacked(message, columns, look)
    return _in_columns(message, columns, look, who_columns)


def _in_columns(message: t.Message, columns: int, look: Look, who_columns: int) -> list[Line]:
    head: Line = [
        ("time", f" {clock(shown_time(message, look), look)}  "),
        (who_style(message.sender), pad(fit(message.sender, who_columns, look), who_columns)),
        ("text", "  "),
    ]
    indent = width_of(head)
    right = _meta(message, look)
    room = columns - indent - (MARK_COLUMNS if message.sender == "me" else 1)
    first = min(room, columns - indent - width_of(right) - 1) if right else room
    fits = first >= room // 2
    body = _body(message, room, first if fits else room, look)
    if right and not fits:
        body += [[("quiet", line)] for line in wrap("".join(part for _, part in right), room)]
    lines = [[("text", " " * indent), *line] for line in body]
    lines[0] = [*head, *body[0]]
    return [_with_right(lines[0], right, columns) if fits else lines[0], *lines[1:]]


def _stacked(message: t.Message, columns: int, look: Look) -> list[Line]:
    head: Line = [("time", f" {clock(shown_time(message, look), look)} ")]
    right = _meta(message, look)
    name_room = columns - width_of(head) - (width_of(right) + 2 if right else 0)
    if right and name_room < 3:
        name_room, right = columns - width_of(head), []
    head.append((who_style(message.sender), fit(message.sender, name_room, look)))
    room = columns - 4
    body = [[("text", "   "), *line] for line in _body(message, room, room, look)]
    return [_with_right(head, right, columns), *body]


def _with_right(line: Line, right: Line, columns: int) -> Line:
    return spread(line, [*right, ("text", " ")], columns) if right else line


def _notice(message: t.Message, columns: int, look: Look) -> list[Line]:
    head = f" {clock(message.time, look)}  {look.glyphs.middle_dot} "
    body = paragraph(message.text, columns - display_width(head) - 1, "notice")
    lines = [[("text", " " * display_width(head)), *line] for line in body]
    lines[0] = [("time", head), *body[0]]
    return lines


def shown_time(message: t.Message, look: Look) -> int:
    """When it came, for one that came late on the same day (a mark then says when it was written); else its time."""
    arrived = message.arrived
    if message.late and arrived is not None and local(arrived, look).date() == local(message.time, look).date():
        return arrived
    return message.time


def _body(message: t.Message, columns: int, first_columns: int, look: Look) -> list[Line]:
    lines = _quote(message, first_columns, look)
    if lines:
        first_columns = columns
    gone = _gone(message)
    if gone:
        return lines + [[("quiet", line)] for line in wrap(look.glyphs.plain(gone), columns, first_columns)]
    text = block(message.text)
    if message.kind.startswith("file"):
        text = f"{look.glyphs.file} {text}"
    lines += [[("text", line)] for line in wrap(text, columns, first_columns)[:TEXT_LINES_MAX]]
    lines += _reactions(message, columns, look)
    return lines


def _gone(message: t.Message) -> str:
    if message.forgotten:
        return "forgotten here"
    if message.retracted:
        return "taken back"
    return "not here: no device that is on has it" if message.withheld else ""


def _quote(message: t.Message, columns: int, look: Look) -> list[Line]:
    if message.reply_to is None:
        return []
    bar = look.glyphs.quote
    quoted = one_line(message.reply_text) or look.glyphs.plain("a message that is not here")
    who = one_line(message.reply_from)
    return [[("line", bar), ("quote", fit(f"{who}: {quoted}" if who else quoted, max(columns - 1, 1), look))]]


def _reactions(message: t.Message, columns: int, look: Look) -> list[Line]:
    if not message.reactions:
        return []
    parts = [f"{one_line(r.emoji)} {', '.join(one_line(name) for name in r.by)}" for r in message.reactions]
    text = f"  {look.glyphs.middle_dot}  ".join(parts)
    return [[("quiet", line)] for line in wrap(text, columns)[:QUOTE_LINES_MAX]]


def _meta(message: t.Message, look: Look) -> Line:
    """What stands at the right: what is special about the message, and for mine how far it got."""
    notes = []
    if message.late and message.arrived is not None:
        same_day = shown_time(message, look) == message.arrived
        notes.append(
            f"(written {clock(message.time, look)})" if same_day else f"(came {moment(message.arrived, look)})"
        )
    if message.future:
        notes.append("(its clock is ahead)")
    if message.edited and not message.retracted:
        notes.append("edited")
    if message.expires is not None:
        notes.append(f"until {moment(message.expires, look)}")
    line: Line = [("quiet", " ".join(notes))] if notes else []
    mark = delivery_mark(message, look.glyphs)
    if mark:
        line = [*line, ("text", " "), mark] if line else [mark]
    return line


def delivery_mark(message: t.Message, glyphs: Glyphs) -> tuple[str, str] | None:
    """⋯ waiting, › sent, ✓2/3 on some devices, ✓ on all; None for what others wrote."""
    if message.sender != "me" or message.state == "received":
        return None
    if message.state == "waiting":
        return ("quiet", glyphs.waiting)
    if message.state == "sent":
        return ("quiet", glyphs.sent)
    here, all_of_them = len(message.delivered_to), message.devices
    if 0 < here < all_of_them:
        return ("quiet", f"{glyphs.delivered if glyphs.pictures else ''}{here}/{all_of_them}")
    return ("text", glyphs.delivered)


# --- lines of the log that are no messages --------------------------------------------------------------
def rule(text: str, columns: int, look: Look, style: str = "line", text_style: str = "quiet") -> Line:
    """─────  text  ─────"""
    columns = min(columns, LOG_COLUMNS_MAX)
    dash = look.glyphs.horizontal
    text = f"  {fit(text, max(columns - 6, 1), look)}  "
    left = max((columns - display_width(text)) // 2, 0)
    return [(style, dash * left), (text_style, text), (style, dash * max(columns - left - display_width(text), 0))]


def who_columns(messages: Sequence[t.Message]) -> int:
    """The column for names: as wide as the longest here, within bounds."""
    widths = [display_width(one_line(message.sender)) for message in messages]
    return min(max([2, *widths]), WHO_COLUMNS_MAX)
