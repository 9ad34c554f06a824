"""What Tor is doing, in words for somebody who sees it for the first time. Pure."""

from onionchat.api import types as t
from onionchat.tui.render import Line, Look, one_line, padded, paragraph

WHOSE = {
    "system": "the Tor of this system",
    "launched": "a Tor of its own",
    "whonix": "the Tor of the Whonix Gateway",
    "tails": "the Tor of Tails",
    "explicit": "the Tor that you named",
}
BAR_COLUMNS = 10


def account_lines(status: t.Status, columns: int, look: Look) -> list[Line]:
    """Which Tor, how far it is, and how far others can reach this device: one to three lines."""
    tor, glyphs = status.tor, look.glyphs
    whose = WHOSE.get(tor.kind, "Tor")
    if tor.state == "lost":
        words = f"Tor cannot be used: {one_line(tor.summary).rstrip('.') or 'nobody answers'}. It is tried again."
        return _said(words, columns, look, "warning")
    if tor.state == "bootstrapping":
        done = max(0, min(tor.bootstrap, 100)) * BAR_COLUMNS // 100
        bar = glyphs.bar_full * done + glyphs.bar_empty * (BAR_COLUMNS - done)
        words = f"{bar} {tor.bootstrap} %, {whose}: {one_line(tor.summary) or 'connecting'}"
        return _said(words, columns, look, "quiet")
    if tor.state != "ready":
        return _said("Looking for Tor …", columns, look, "quiet")
    if status.onion == "reachable":
        return _said(f"{glyphs.online} Others can reach you, through {whose}.", columns, look, "accent")
    if status.onion_problem:
        return _said(f"Tor does not publish your address: {one_line(status.onion_problem)}", columns, look, "warning")
    words = f"{glyphs.dialling} Connected, through {whose}. Your address is being published: half a minute …"
    return _said(words, columns, look, "quiet")


def _said(words: str, columns: int, look: Look, style: str) -> list[Line]:
    return padded(paragraph(look.glyphs.plain(words), max(columns - 2, 8), style))
