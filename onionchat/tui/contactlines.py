"""A contact in lines, and what each trust state means in one sentence. Pure."""

from collections.abc import Sequence

from onionchat.api import types as t
from onionchat.tui.render import Line, Look, fit, moment, one_line, pad, paragraph

TRUST_MEANS: dict[t.Trust, str] = {
    "unvalidated": "you talk with the address you were given; nobody has compared yet whose it is.",
    "validated": "you compared the words, and they matched; a new account in this name would be unvalidated again.",
    "compromised": "the words differed, or you no longer believe it; nothing is sent there unless you insist (/force).",
}

STOLEN = "STOLEN device"
STOLEN_MEANS = "declared stolen by its owner; nothing that it says since is believed. Do not trust what it sent lately."


def contact_lines(contact: t.Contact, columns: int, look: Look) -> list[Line]:
    """All that is known of a contact, a line each."""
    columns = min(columns, 100)
    used = f"{contact.quota_used_bytes // 1024**2} of {contact.quota_bytes // 1024**2} MiB"
    rows = [
        ("Name", contact.name + (", blocked" if contact.blocked else "")),
        ("Calls itself", contact.remote_name if contact.remote_name != contact.name else ""),
        ("Introduced by", contact.introduced_by),
        ("Trust", f"{contact.trust}: {TRUST_MEANS[contact.trust]}"),
        ("Disputed", "its devices do not agree about each other: compare words again" if contact.disputed else ""),
        ("Keeps here", f"{used} (/quota changes it)"),
        *(("Device" if n == 0 else "", _device_words(device, look)) for n, device in enumerate(contact.devices)),
        *(("Former device", device) for device in contact.former if device not in contact.stolen),
        *((STOLEN, f"{device}: {STOLEN_MEANS}") for device in contact.stolen),
        ("Id", contact.id),
    ]
    lines: list[Line] = [[]]
    for label, value in rows:
        if value:
            style = "danger" if label == STOLEN else "text"
            body = paragraph(one_line(value), max(columns - 17, 8), style)
            lines.append([("danger" if label == STOLEN else "quiet", f" {label:<14} "), *body[0]])
            lines += [[("text", " " * 16), *line] for line in body[1:]]
    return lines


def contact_rows(contacts: Sequence[t.Contact], columns: int, look: Look) -> list[Line]:
    """A line for each contact: presence, name, trust in words, what else there is to say."""
    styles: dict[t.Trust, str] = {"unvalidated": "text", "validated": "accent", "compromised": "danger"}
    lines: list[Line] = []
    for contact in contacts:
        online = ("accent" if contact.online else "quiet", f" {look.glyphs.presence(contact.online)} ")
        active = len(contact.devices)
        notes = ["1 device" if active == 1 else f"{active} devices"]
        notes += [f"{contact.unread} unread"] if contact.unread else []
        notes += [word for word, is_so in (("blocked", contact.blocked), ("removed", contact.removed)) if is_so]
        name = pad(fit(contact.name, max(columns // 3, 8), look), max(columns // 3, 8))
        trust = (styles[contact.trust], f"  {look.glyphs.trust(contact.trust)} {contact.trust:<12}")
        lines.append([online, ("bold", name), trust, ("quiet", "  " + ", ".join(notes))])
    return lines or [[("quiet", " None yet. /invite makes a link, /add uses one.")]]


def _device_words(device: t.Device, look: Look) -> str:
    seen = "never seen yet" if device.last_seen is None else f"last seen {moment(device.last_seen, look)}"
    return f"{look.glyphs.presence(device.online)} {device.id[:16]} {'online' if device.online else seen}"
