"""Lines round the log: the status line, the head of a conversation, the rows of the list, the keys at the foot."""

from collections.abc import Sequence

from onionchat.api import types as t
from onionchat.text import display_width
from onionchat.tui.render import Line, Look, clock, duration, fit, one_line, pad, spread, width_of

NARROW_COLUMNS = 60
TRUST_STYLES: dict[t.Trust, str] = {"unvalidated": "text", "validated": "accent", "compromised": "danger"}
GAP = "    "


def tor_words(status: t.Status | None, look: Look) -> Line:
    """Tor and our onion in a few words."""
    glyphs = look.glyphs
    if status is None:
        return [("status", "Tor "), ("quiet", f"{glyphs.offline} asking")]
    tor = status.tor
    if tor.state == "ready":
        if status.onion == "reachable":
            return [("status", "Tor "), ("accent", glyphs.online), ("status", " reachable")]
        word = "publishing" if status.onion == "publishing" else "not published"
        return [("status", "Tor "), ("quiet", f"{glyphs.dialling} {word}")]
    if tor.state == "bootstrapping":
        return [("status", "Tor "), ("quiet", f"{glyphs.dialling} {tor.bootstrap} %")]
    sign = glyphs.offline if tor.state in ("off", "lost") else glyphs.dialling
    style = "warning" if tor.state == "lost" else "quiet"
    return [("status", "Tor "), (style, f"{sign} {one_line(tor.state)}")]


def status_line(status: t.Status | None, columns: int, look: Look) -> Line:
    """The top line of the usual sight; what matters least goes first when there is no room."""
    left: Line = [("title", f" {fit(status.name, 24, look)}")] if status else [("title", " onionchat")]
    if status and status.device_label:
        left.append(("quiet", f" {look.glyphs.middle_dot} {fit(status.device_label, 16, look)}"))
    parts = [tor_words(status, look)]
    if status and status.queued:
        parts.append([("status", f"queued {status.queued}")])
    if status and status.history_left:
        parts.append([("accent", f"history: {status.history_left:,} to come")])
    if status and status.devices > 1:
        parts.append([("status", f"{status.devices} devices")])
    parts.append([("status", clock(look.now_ms, look))])
    while len(parts) > 2 and _joined_width(parts) + width_of(left) + 2 > columns:
        del parts[-2]
    if _joined_width(parts) + width_of(left) + 2 > columns:
        left = left[:1]
    return spread(left, [*_joined(parts), ("text", " ")], columns)


def _joined(parts: Sequence[Line]) -> Line:
    line: Line = []
    for part in parts:
        line += [("text", GAP), *part] if line else part
    return line


def _joined_width(parts: Sequence[Line]) -> int:
    return sum(width_of(part) for part in parts) + len(GAP) * (len(parts) - 1)


def narrow_status(status: t.Status | None, conversation: t.Conversation | None, columns: int, look: Look) -> Line:
    """The top line when one pane is shown at a time: the conversation (or my name), Tor, queued, the clock."""
    glyphs = look.glyphs
    if conversation is None:
        left: Line = [("title", f" {fit(status.name if status else 'onionchat', 16, look)}")]
    else:
        left = [("title", f" {fit(conversation.name, 14, look)}"), ("text", " "), *_state(conversation, look)]
    right = tor_words(status, look)
    if status and status.tor.state == "ready":
        right = right[:1] + [(style, text.split(" ")[0]) for style, text in right[1:2]]
    if status and status.queued:
        right = [*right, ("status", f" {glyphs.waiting}{status.queued}")]
    right = [*right, ("status", f" {clock(look.now_ms, look)} ")]
    while right and width_of(left) + width_of(right) >= columns:
        right = right[1:]
    return spread(left, right, columns)


def _state(conversation: t.Conversation, look: Look) -> Line:
    if conversation.kind == "self":
        return []
    glyphs = look.glyphs
    return [
        (TRUST_STYLES[conversation.trust], glyphs.trust(conversation.trust)),
        ("text", " "),
        presence(conversation, look),
        ("text", f"{conversation.devices_online}/{conversation.devices}" if conversation.devices > 1 else ""),
    ]


def presence(conversation: t.Conversation, look: Look) -> tuple[str, str]:
    """The first sign of a row."""
    if conversation.kind == "self":
        return ("quiet", look.glyphs.notes)
    sign = look.glyphs.presence(conversation.online, conversation.connecting)
    return ("accent" if conversation.online else "quiet", sign)


def head_line(conversation: t.Conversation, columns: int, look: Look) -> Line:
    """Above the log: who, what we know of them, how they can be reached, what is suggested."""
    glyphs = look.glyphs
    if conversation.kind == "self":
        return [("title", f" {fit(conversation.name, columns - 30, look)}"), ("quiet", "  on all your devices")]
    trust = conversation.trust
    line: Line = [("title", f" {fit(conversation.name, max(columns // 3, 8), look)}")]
    line.append((TRUST_STYLES[trust], f"  {glyphs.trust(trust)} {trust}"))
    dot = f" {glyphs.middle_dot} "
    rest = [dot + _devices(conversation)]
    if conversation.blocked:
        rest.append(dot + "blocked")
    if conversation.timer_seconds:
        rest.append(f"{dot}messages stay {duration(conversation.timer_seconds)}")
    if trust == "unvalidated":
        rest.append(dot + "F2 compare")
    for text in rest:
        if width_of(line) + display_width(text) < columns:
            line.append(("quiet", text))
    return line


def _devices(conversation: t.Conversation) -> str:
    if conversation.devices > 1:
        return f"{conversation.devices_online} of {conversation.devices} online"
    return "online" if conversation.online else "being dialled" if conversation.connecting else "offline"


def list_row(conversation: t.Conversation, columns: int, look: Look, here: bool) -> Line:
    """A row of the list: presence, name, trust, unread."""
    unread = str(conversation.unread) if conversation.unread < 1000 else "999+"
    tail = unread if conversation.unread else ("..." if conversation.draft and not here else "")
    name_columns = max(columns - 10, 4)
    trust: tuple[str, str] = ("text", " ")
    if conversation.kind == "direct":
        trust = (TRUST_STYLES[conversation.trust], look.glyphs.trust(conversation.trust))
    name_style = "bold" if conversation.unread else "quiet" if conversation.blocked else "text"
    line: Line = [
        ("text", " "),
        presence(conversation, look),
        ("text", " "),
        (name_style, pad(fit(conversation.name, name_columns, look), name_columns)),
        ("text", " "),
        trust,
        ("unread" if conversation.unread else "quiet", f"{look.glyphs.plain(tail):>{columns - name_columns - 6}}"),
        ("text", " "),
    ]
    return [("here" if here else style, text) for style, text in line] if here else line


def last_line_row(conversation: t.Conversation, columns: int, look: Look) -> Line:
    """Below a row of the list, where there is room: how many devices are on, and the last line."""
    devices = f"{conversation.devices_online}/{conversation.devices} " if conversation.devices > 1 else ""
    return [("quiet", f"   {devices}{fit(conversation.last_line, columns - len(devices) - 4, look)}")]


def keys_line(keys: Sequence[tuple[str, str]], columns: int) -> Line:
    """`^K jump  ^F search`: as many as have room."""
    line: Line = [("text", " ")]
    for key, word in keys:
        part: Line = [("key", key), ("quiet", f" {word}  ")]
        if width_of(line) + width_of(part) - 2 > columns:
            break
        line += part
    return line
