"""Messages and events as lines for people."""

from collections.abc import Iterable, Iterator

import msgspec

from onionchat.api import types as t
from onionchat.cli.output import clock, day
from onionchat.text import display_width, safe_line, safe_text

_INDENT = "  "


def conversation_lines(messages: Iterable[t.Message], show_ids: bool = False) -> Iterator[str]:
    """A page of a conversation: a line for each day, then who said what, continued lines below each other."""
    page = list(messages)
    width = max((display_width(_who(message)) for message in page), default=0)
    last_day = ""
    for message in page:
        if (today := day(message.time)) != last_day:
            yield today
            last_day = today
        yield from message_lines(message, width, show_ids)


def message_lines(message: t.Message, width: int, show_ids: bool = False) -> Iterator[str]:
    """One message; `width` is that of the column of names."""
    who = _who(message)
    head = f"{_INDENT}{clock(message.time)}  {who}{' ' * (width - display_width(who))}  "
    gap = " " * display_width(head)
    if message.missing_before:
        yield f"{gap}(earlier messages are missing yet)"
    if message.reply_to is not None:
        yield f"{gap}> {safe_line(message.reply_from)}: {safe_line(message.reply_text)}"
    first, *rest = safe_text(_text(message)).split("\n")
    marks = _marks(message)
    if not rest and marks:
        first += f"  [{marks}]"
    yield head + first
    for number, line in enumerate(rest, 1):
        yield gap + line + (f"  [{marks}]" if number == len(rest) and marks else "")
    for reaction in message.reactions:
        yield f"{gap}{safe_line(reaction.emoji)} {', '.join(safe_line(name) for name in reaction.by)}"
    if show_ids and message.id:
        yield f"{gap}{safe_line(message.id)}"


def found_lines(messages: Iterable[t.Message], show_ids: bool = False) -> Iterator[str]:
    """What a search found: each with its conversation and day."""
    for message in messages:
        yield f"{safe_line(message.conversation or '')}, {day(message.time)}"
        yield from message_lines(message, display_width(_who(message)), show_ids)


def event_line(event: t.Event) -> str:
    """One event, after its time."""
    return f"{clock(event.time)}  {_event_text(event)}"


def _who(message: t.Message) -> str:
    return safe_line(message.sender)


def _text(message: t.Message) -> str:
    if message.retracted:
        return "(taken back)"
    if message.forgotten:
        return "(forgotten)"
    if message.withheld:
        return "(withheld: who has it does not give it)"
    return message.text if message.kind in ("text", "notice") else message.text or f"({message.kind})"


def _marks(message: t.Message) -> str:
    marks = []
    if message.sender == "me":
        marks.append(_delivery(message))
    for is_so, text in (
        (message.edited, "edited"),
        (message.late, "came late"),
        (message.future, "its clock is ahead"),
        (message.expires is not None, "disappears"),
        (message.unread, "new"),
    ):
        if is_so:
            marks.append(text)
    return ", ".join(marks)


def _delivery(message: t.Message) -> str:
    count = len(message.delivered_to)
    if message.state == "delivered" and 1 < message.devices != count:
        return f"on {count} of {message.devices} devices"
    return message.state


def _given(value: str | int | msgspec.UnsetType) -> str:
    return "" if isinstance(value, msgspec.UnsetType) else safe_line(str(value))


def _event_text(event: t.Event) -> str:
    contact, device = _given(event.contact), _given(event.device)[:8]
    match event.event:
        case "message":
            text = "" if isinstance(event.text, msgspec.UnsetType) else safe_text(event.text).replace("\n", "\n       ")
            return f"{_given(event.conversation)}  {_given(event.sender) or 'notice'}: {text}"
        case "delivered":
            return f"{_given(event.conversation)}  delivered to {device}: {_given(event.id)[:8]}"
        case "online" | "offline":
            return f"{contact}  is {event.event} ({device})"
        case "request":
            return f"request from {_given(event.name)}: {_given(event.id)[:8]}"
        case "trust":
            return f"{contact}  is {_given(event.trust)} now"
        case "device":
            return f"{contact or 'me'}  device {device} {_given(event.change)}"
        case "tor":
            return f"Tor {_given(event.state)} {_given(event.bootstrap)} %, onion {_given(event.onion)}"
        case _:
            return safe_line(f"{event.event} {_given(event.text)}".strip())
