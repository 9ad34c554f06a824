"""Commands about messages."""

import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator

from onionchat.api import types as t
from onionchat.cli import values
from onionchat.cli.asking import confirm
from onionchat.cli.commands_people import done, note_when_waiting
from onionchat.cli.lines import conversation_lines, event_line, found_lines
from onionchat.cli.output import note, plural, say, say_json
from onionchat.cli.session import Context, LiveSession
from onionchat.errors import LocalError, UsageError
from onionchat.limits import TEXT_MAX_BYTES
from onionchat.text import safe_line

WATCHED = ("message", "delivered", "online", "offline", "request", "trust", "device", "transfer", "tor")
_PAGE_MAX = 1000  # of one call of message.log
_SEARCH_MAX = 500
_DEFAULT_COUNT = 50
_FORGETTING_SECONDS = 5.0
_LOOK_SECONDS = 0.1


# --- writing ----------------------------------------------------------------------------------------------
def send(context: Context) -> int:
    """`send`: the id on stdout when it is committed; with --wait also wait for the delivery."""
    options = context.options
    if options.timeout is not None and options.wait is None:
        raise UsageError("--timeout is for --wait delivered")
    text = _text_to_send(options.text)
    params = t.MessageSend(
        name=options.name, text=text, reply_to=options.reply, expires_seconds=options.expires, force=options.force
    )
    if options.wait:
        return _send_and_wait(context, params)
    _say_sent(context, context.call("message.send", params))
    note_when_waiting(context)
    return 0


def _say_sent(context: Context, sent: t.Sent) -> None:
    if context.options.json:
        say_json(sent)
    else:
        say(sent.id)


def _send_and_wait(context: Context, params: t.MessageSend) -> int:
    node = context.live()  # without a node nothing can be delivered: then nothing is sent either
    node.subscribe(["delivered"])
    sent: t.Sent = node.call("message.send", params)
    _say_sent(context, sent)
    if not _is_delivered(node, sent.id, context.options.timeout):
        raise LocalError("not delivered in time; it is kept and goes out when a device of the contact can be reached")
    return 0


def _is_delivered(node: LiveSession, entry_id: str, timeout_seconds: float | None) -> bool:
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    while True:
        remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
        event = node.next_event(remaining)
        if event is None:
            return False
        if event.event == "delivered" and event.id == entry_id:
            return True


def _text_to_send(given: str | None) -> str:
    """The argument, else standard input; one newline at its end is taken off."""
    if given is None:
        raw = sys.stdin.buffer.read(TEXT_MAX_BYTES + 2)
        try:
            given = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise LocalError(
                f"the text is longer than {TEXT_MAX_BYTES} bytes"
                if len(raw) > TEXT_MAX_BYTES + 1
                else "the text is not UTF-8"
            ) from None
    text = given.removesuffix("\n")
    if not text.strip():
        raise LocalError("there is nothing to send: the text is empty")
    if len(text.encode()) > TEXT_MAX_BYTES:
        raise LocalError(f"the text is longer than {TEXT_MAX_BYTES} bytes; send it in parts")
    return text


def edit(context: Context) -> int:
    """`edit`."""
    options = context.options
    context.call("message.edit", t.MessageEdit(name=options.name, id=options.id, text=_text_to_send(options.text)))
    return 0


def react(context: Context) -> int:
    """`react`."""
    options = context.options
    context.call("message.react", t.MessageReact(name=options.name, id=options.id, emoji=options.emoji))
    return 0


def retract(context: Context) -> int:
    """`retract`."""
    context.call("message.retract", t.MessageRetract(name=context.options.name, id=context.options.id))
    return 0


def read(context: Context) -> int:
    """`read`."""
    return done(context, "message.read", t.ReadMark(name=context.options.name))


def timer(context: Context) -> int:
    """`timer`."""
    return done(context, "conversation.timer", t.Timer(name=context.options.name, seconds=context.options.time))


def forget(context: Context) -> int:
    """`forget`: by id, from one id to another, by time, or all."""
    params = _what_to_forget(context)
    if params.whole:
        confirm(f"Forget all that was said with {params.name}, on all your devices, for good?", context.options.yes)
    result: t.Forgotten = context.call("message.forget", params)
    if result.waiting and context.is_node_running():
        result.waiting = _still_waiting(context, result.waiting)
    if context.options.json:
        say_json(result)
        return 0
    unsent = f", {result.unsent} of them had not been sent" if result.unsent else ""
    say(f"forgot {plural(result.count, 'message')}{unsent}")
    if result.devices > 1:
        have = result.devices - len(result.waiting)
        names = f"; when they connect: {', '.join(map(safe_line, result.waiting))}" if result.waiting else ""
        say(f"forgotten on {have} of {result.devices} devices{names}")
    return 0


def _what_to_forget(context: Context) -> t.MessageForget:
    options = context.options
    by_time = options.before is not None or options.after is not None
    if sum((bool(options.id), by_time, options.all)) != 1:
        raise UsageError(
            "write: onionchat forget NAME ID…, forget NAME ID..ID, forget NAME --before TIME (or --after), or --all"
        )
    params = t.MessageForget(name=options.name, whole=options.all, withdraw=not options.keep_unsent)
    params.before, params.after = _moment(options.before, "--before"), _moment(options.after, "--after")
    if len(options.id) == 1 and ".." in options.id[0]:
        first, _, last = options.id[0].partition("..")
        params.first, params.last = first or None, last or None
    elif any(".." in each for each in options.id):
        raise UsageError("a range ID..ID stands alone")
    else:
        params.ids = options.id
    return params


def _moment(text: str | None, name: str) -> int | None:
    try:
        return None if text is None else values.moment(text, time.time())
    except ArgumentTypeError as error:
        raise UsageError(f"{name}: {error}") from None


def _still_waiting(context: Context, waiting: list[str]) -> list[str]:
    """Devices that are connected hear of it in a moment."""
    ends = time.monotonic() + _FORGETTING_SECONDS
    while True:
        devices: list[t.OwnDevice] = context.call("device.list")
        behind = [device for device in devices if device.to_forget]
        if not any(device.online for device in behind) or time.monotonic() >= ends:
            return [device.name for device in behind if device.name in waiting]
        time.sleep(_LOOK_SECONDS)


# --- reading ----------------------------------------------------------------------------------------------
def log(context: Context) -> int:
    """`log`: the last N in the order of the screen, or what arrived after a cursor."""
    options = context.options
    found = _arrivals(context) if options.since is not None else _last_page(context)
    if options.json:
        say_json(found)
        return 0
    for line in conversation_lines(found, options.ids):
        say(line)
    return 0


def _last_page(context: Context) -> list[t.Message]:
    """The last N, taken in as many calls as it needs."""
    wanted = context.options.count or _DEFAULT_COUNT
    found: list[t.Message] = []
    while len(found) < wanted:
        limit = min(_PAGE_MAX, wanted - len(found))
        before = _oldest_id(found)
        page = context.call("message.log", t.MessageLog(name=context.options.name, limit=limit, before=before))
        found = [*page, *found]
        if len(page) < limit or _oldest_id(page) is None:
            break
    return found


def _oldest_id(page: list[t.Message]) -> str | None:
    return next((message.id for message in page if message.id), None)


def _arrivals(context: Context) -> list[t.Message]:
    """What arrived after the cursor (the first N, so that the next --since goes on there), as on the screen."""
    wanted, since = context.options.count, context.options.since
    found: list[t.Message] = []
    while wanted is None or len(found) < wanted:
        limit = _PAGE_MAX if wanted is None else min(_PAGE_MAX, wanted - len(found))
        page = context.call("message.log", t.MessageLog(name=context.options.name, limit=limit, since=since))
        found += page
        if len(page) < limit:
            break
        since = max(message.cursor for message in page)
    return sorted(found, key=lambda message: message.time)  # stable: a log's own order stays


def search(context: Context) -> int:
    """`search`."""
    options = context.options
    params = t.Search(query=options.query, name=options.in_name, limit=min(options.count, _SEARCH_MAX))
    found: list[t.Message] = context.call("message.search", params)
    if options.json:
        say_json(found)
        return 0
    for line in found_lines(found, options.ids):
        say(line)
    if not found:
        note("nothing was found")
    return 0


def watch(context: Context) -> int:
    """`watch`: events until interrupted, or until the node stops."""
    node = context.live()
    try:
        node.subscribe(WATCHED)
        for event in _events(node):
            if context.options.json:
                say_json(event)
            else:
                say(event_line(event))
    except KeyboardInterrupt:
        return 0  # the usual way to end it
    return 0


def _events(node: LiveSession) -> Iterator[t.Event]:
    while (event := node.next_event()) is not None:
        yield event
