"""My devices in lines, and words to compare. Pure."""

from collections.abc import Sequence

from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.tui.render import Line, Look, moment, one_line, padded, paragraph

ID_CHARACTERS_MIN = 6  # of the beginning of an id
STATE_WORDS = {
    "removed": "removed: it gets nothing that is said since",
    "stolen": "declared stolen: it gets nothing, and nothing that it says since is believed",
}


def joining_words(status: t.Status) -> str:
    """What a new device still waits for; nothing when it waits for nothing."""
    if status.linking == "refused":
        return "This device is not in its account: the other one did not admit it. `onionchat wipe`, and join anew."
    if status.linking == "waiting":
        return "This device is not known to be in its account yet; it asks the other one, which has to be on."
    if status.history_left:
        return f"{status.history_left} older messages are still on their way to this device."
    return ""


def device_lines(device: t.OwnDevice, columns: int, look: Look) -> list[Line]:
    """One of my devices: how it is, since when, its id."""
    glyphs = look.glyphs
    name = ("bold", one_line(device.name) or "a device")
    body = padded(paragraph(device.id, max(columns - 4, 8), "quiet"), "   ")
    if device.state != "active":
        words = STATE_WORDS[device.state]
        style = "danger" if device.state == "stolen" else "quiet"
        return [[(style, f" {glyphs.compromised} "), name], *padded(paragraph(words, columns - 4, style), "   "), *body]
    online = device.online or device.this
    seen = "" if device.last_seen is None else f", last seen {moment(device.last_seen, look)}"
    state = "this one" if device.this else "on" if online else f"off{seen}"
    if device.to_forget:
        many = "a deletion" if device.to_forget == 1 else f"{device.to_forget} deletions"
        body = [*padded(paragraph(f"has yet to hear of {many}", columns - 4, "quiet"), "   "), *body]
    return [[("accent" if online else "quiet", f" {glyphs.presence(online)} "), name, ("quiet", f"  {state}")], *body]


def word_rows(words: Sequence[str], width: int) -> list[Line]:
    """Numbered words, two or three in a row."""
    numbered = [f"{number} {one_line(word)}" for number, word in enumerate(words, 1)]
    across = 3 if width >= 50 else 2
    rows = [numbered[at : at + across] for at in range(0, len(numbered), across)]
    return [[("bold", "   " + "".join(f"{word:<15}" for word in row).rstrip())] for row in rows]


def own_device(devices: Sequence[t.OwnDevice], text: str) -> t.OwnDevice:
    """A device of mine by its label, or the beginning of its id. LocalError when there is none, or several."""
    found = [device for device in devices if device.name == text]
    found = found or [device for device in devices if len(text) >= ID_CHARACTERS_MIN and device.id.startswith(text)]
    if len(found) != 1:
        raise LocalError(f"there is no one device {one_line(text)[:40]}: /devices lists them")
    return found[0]
