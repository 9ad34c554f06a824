"""F5: why each device is or is not reachable, in plain words. And the details of one message."""

from collections.abc import Callable, Sequence

from onionchat.api import types as t
from onionchat.tui.bars import tor_words
from onionchat.tui.render import Line, Look, duration, fit, moment, one_line, pad, padded, paragraph
from onionchat.tui.screens.frame import COLUMNS_MAX, Screen
from onionchat.tui.toraccount import WHOSE
from onionchat.tui.widgets import TextBody

OWN = "my devices"
WARNING = "WARNING"
STOLEN_WROTE = "That device was declared STOLEN. What it wrote lately may be a thief's."
REFRESH_SECONDS = 2.0  # only while the screen is open


class ConnectionScreen(Screen):
    """The state of things, made again as it changes."""

    name = "connection"

    def __init__(self, look: Callable[[], Look]) -> None:
        self.status: t.Status | None = None
        self.peers: Sequence[t.PeerConnection] = ()
        body = TextBody(lambda columns: connection_lines(self.status, self.peers, columns, self.look()))
        super().__init__(look, "Connection", body, keys=(("PgUp PgDn", "scroll"),))

    def show(self, status: t.Status, peers: Sequence[t.PeerConnection]) -> None:
        """A newer state."""
        self.status, self.peers = status, peers
        self._invalidate()


def connection_lines(
    status: t.Status | None, peers: Sequence[t.PeerConnection], columns: int, look: Look
) -> list[Line]:
    """Tor, my onion, every device of every contact, and what to do."""
    if status is None:
        return [[], [("quiet", " asking the node …")]]
    columns = min(columns, COLUMNS_MAX)
    advice = padded(paragraph("What to do: " + what_to_do(status, peers), columns - 2))
    lines: list[Line] = [[], *_mine(status, columns, look), *advice, []]
    last = None
    for peer in peers:
        lines += _peer(peer, peer.contact != last, columns, look)
        last = peer.contact
    if not peers:
        lines.append([("quiet", " No contact has a device to reach yet.")])
    return lines


def _mine(status: t.Status, columns: int, look: Look) -> list[Line]:
    dot = f" {look.glyphs.middle_dot} "
    whose = WHOSE.get(status.tor.kind, "")
    tor = [one_line(part) for part in (whose, status.tor.version, status.tor.summary) if part]
    skew = status.clock_skew_s
    clock = "clock as most peers'" if skew is None or abs(skew) < 60 else f"clock {duration(abs(skew))} off"
    onion = ["only devices of contacts can find it" if status.restricted_discovery else "everyone can ask for it"]
    onion += [f"missing: {', '.join(one_line(name) for name in status.missing)}"] if status.missing else []
    lines: list[Line] = [[("text", " "), *tor_words(status, look)]]
    lines += padded(paragraph(dot.join([*tor, clock]), columns - 4, "quiet"), "   ")
    lines.append([("text", f" My onion: {status.onion}")])
    lines += padded(paragraph(dot.join(onion), columns - 4, "quiet"), "   ")
    for warning in status.warnings:
        lines += padded(paragraph(warning, columns - 4, "warning"), "   ")
    return lines


def _peer(peer: t.PeerConnection, first: bool, columns: int, look: Look) -> list[Line]:
    glyphs = look.glyphs
    sign = {"connected": glyphs.online, "dialling": glyphs.dialling}.get(peer.state, glyphs.offline)
    style = "accent" if peer.state == "connected" else "quiet"
    label = fit(peer.label or peer.device[:8], 10, look)
    words = peer_words(peer, look)
    who = peer.contact or "my own"
    if columns < 60:
        head: list[Line] = [[("bold", f" {fit(who, columns - 2, look)}")]] if first else []
        return [
            *head,
            [(style, f"   {sign} "), ("text", label)],
            *padded(paragraph(words, columns - 6, "quiet"), "     "),
        ]
    name = pad(fit(who, 12, look) if first else "", 12)
    body = paragraph(words, columns - 29, "quiet")
    head_line: Line = [("bold", f" {name}  "), ("text", pad(label, 10)), (style, f" {sign} "), *body[0]]
    return [head_line, *padded(body[1:], " " * 28)]


def peer_words(peer: t.PeerConnection, look: Look) -> str:
    """One device in plain words."""
    dot = f" {look.glyphs.middle_dot} "
    parts = []
    if peer.state == "connected":
        since = "" if peer.since is None else f" {duration((look.now_ms - peer.since) / 1000)}"
        parts.append(f"connected{since}")
        if peer.rtt_ms is not None:
            parts.append(f"ping {peer.rtt_ms / 1000:.1f} s")
    else:
        if peer.state == "dialling":
            parts.append("dialling" + (f", try {peer.tries}" if peer.tries > 1 else ""))
        elif peer.last_seen is not None:
            parts.append(f"last seen {moment(peer.last_seen, look)}")
        else:
            parts.append("never seen yet")
        if peer.last_failure:
            parts.append(f"last: {one_line(peer.last_failure)}")
        if peer.next_try_seconds is not None:
            parts.append(f"next try in {duration(peer.next_try_seconds)}")
    if peer.waiting_messages:
        parts.append("1 message waiting" if peer.waiting_messages == 1 else f"{peer.waiting_messages} messages waiting")
    return dot.join(parts)


def what_to_do(status: t.Status, peers: Sequence[t.PeerConnection]) -> str:
    """One piece of advice, the most urgent one."""
    if status.tor.state in ("off", "lost"):
        return "Tor is not there. Start it, or use --tor launch for one of our own; `onionchat doctor` says more."
    if status.tor.state != "ready":
        return "wait. Tor is finding its way into the network; the first time takes a minute or two."
    if status.onion != "reachable":
        return "wait. Your onion is being published; others find you in a minute."
    if status.clock_skew_s is not None and abs(status.clock_skew_s) >= 600:
        return "set the clock of this machine: it is not what your peers' clocks say."
    waiting = [peer for peer in peers if peer.waiting_messages and peer.state != "connected"]
    if waiting:
        names = sorted({one_line(peer.contact or "your own devices") for peer in waiting})
        return f"nothing. What waits for {', '.join(names[:3])} goes out when one of their devices is on."
    return "nothing."


def detail_lines(
    message: t.Message,
    columns: int,
    look: Look,
    peers: Sequence[t.PeerConnection] = (),
    stolen: Sequence[str] = (),
) -> list[Line]:
    """All that is known of a message.

    `peers`: the devices of the contact, to say which of them have it. `stolen`: those that were declared stolen.
    """
    marks = [*(["edited"] if message.edited else []), *(["taken back"] if message.retracted else [])]
    state = [message.state, *_count(message), *marks]
    rows = [
        ("From", message.sender or "onionchat"),
        ("Written", f"{moment(message.time, look)}"),
        ("Arrived", "" if message.arrived is None else moment(message.arrived, look)),
        ("Device", message.device),
        (WARNING, STOLEN_WROTE if message.device in stolen else ""),
        ("State", ", ".join(state)),
        *_devices_of(message, peers, look, stolen),
        ("Also with", ", ".join(f"your “{label}”, which sends it, too" for label in message.carried_by)),
        ("Goes", "" if message.expires is None else moment(message.expires, look)),
        ("Clock", "its author's clock is far ahead of ours" if message.future else ""),
        ("Id", message.id),
    ]
    lines: list[Line] = [[]]
    for label, value in rows:
        if value:
            style = "danger" if label == WARNING else "text"
            body = paragraph(one_line(value), max(columns - 12, 8), style)
            lines.append([("danger" if label == WARNING else "quiet", f" {label:<9} "), *body[0]])
            lines += [[("text", " " * 11), *line] for line in body[1:]]
    return [*lines, [], *padded(paragraph(message.text, columns - 2))]


def _count(message: t.Message) -> list[str]:
    """On how many devices a message of mine is, where there are several."""
    if message.sender != "me" or message.devices < 2:
        return []
    return [f"on {min(len(message.delivered_to), message.devices)} of {message.devices} devices"]


def _devices_of(
    message: t.Message, peers: Sequence[t.PeerConnection], look: Look, stolen: Sequence[str]
) -> list[tuple[str, str]]:
    """A row for each device that an own message is meant for: the first one has the label."""
    if message.sender != "me":
        return []
    glyphs = look.glyphs
    here = set(message.delivered_to)
    rows = []
    for peer in peers:
        name = f"{peer.label or 'device'} ({peer.device[:8]})"
        if peer.device in here:
            rows.append(f"{glyphs.delivered} {name} has it")
        else:
            seen = f", last seen {moment(peer.last_seen, look)}" if peer.last_seen is not None else ""
            rows.append(f"{glyphs.waiting} {name} not yet{seen if peer.state != 'connected' else ''}")
    others = here - {peer.device for peer in peers}
    rows += [f"{glyphs.delivered} a former device ({device[:8]}) had it" for device in sorted(others - set(stolen))]
    found = [("On" if number == 0 else "", row) for number, row in enumerate(rows)]
    thieves = sorted(others & set(stolen))
    return found + [(WARNING, f"a device that was STOLEN ({device[:8]}) has it") for device in thieves]
