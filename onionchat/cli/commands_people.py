"""Commands about people: invitations, requests, contacts."""

import sys
from collections.abc import Sequence

from onionchat.api import types as t
from onionchat.cli.asking import confirm
from onionchat.cli.output import bytes_text, date_and_clock, note, plural, say, say_json, say_table
from onionchat.cli.session import Context
from onionchat.errors import UsageError

TRUST_TEXT = {
    "unvalidated": "unvalidated: words not compared yet",
    "validated": "validated: you have compared words",
    "compromised": "COMPROMISED: nothing is sent without --force",
}
_QUIET_ZONE = "  "


def note_when_waiting(context: Context) -> None:
    """Say that what was asked for takes effect when a node runs."""
    if not context.session().is_live:
        note("no node is running: this waits until one does (`onionchat run`)")


def done(context: Context, method: str, params: t.Params) -> int:
    """A method that answers Done: say its notice, if there is one."""
    result: t.Done = context.call(method, params)
    if result.notice:
        note(result.notice)
    return 0


# --- invitations ------------------------------------------------------------------------------------------
def invite(context: Context) -> int:
    """`invite`: the link is the first line."""
    options = context.options
    if options.open and options.accept_as is not None:
        raise UsageError("--accept-as names one person, and an --open link is for several; give one of the two")
    params = t.InviteCreate(open=options.open, expires_seconds=options.expires, accept_as=options.accept_as)
    made: t.Invitation = context.call("invite.create", params)
    if options.qr and not made.qr:
        made = context.call("invite.qr", t.LinkOnly(link=made.link))
    if options.json:
        say_json(made)
        return 0
    say(made.link)
    if options.qr:
        for line in ("", *made.qr, ""):
            say(_QUIET_ZONE + line)
    note_when_waiting(context)
    return 0


def invitations(context: Context) -> int:
    """`invitations`."""
    found: list[t.Invitation] = context.call("invite.list")
    if context.options.json:
        say_json(found)
        return 0
    rows = []
    for each in found:
        kind = each.kind if each.accept_as is None else f"{each.kind}, for {each.accept_as}"
        rows.append((each.link, kind, each.state, f"until {date_and_clock(each.expires)}" if each.expires else ""))
    _say_list(rows, "no invitations; make one with `onionchat invite`")
    return 0


def uninvite(context: Context) -> int:
    """`uninvite`."""
    return done(context, "invite.close", t.LinkOnly(link=context.options.link))


# --- requests ---------------------------------------------------------------------------------------------
def add(context: Context) -> int:
    """`add`."""
    options = context.options
    params = t.ContactAdd(link=options.link, name=options.name, greeting=options.message)
    added: t.Added = context.call("contact.add", params)
    if options.json:
        say_json(added)
        return 0
    say("accepted: you had added each other" if added.accepted else f"request {added.id}")
    note_when_waiting(context)
    return 0


def requests(context: Context) -> int:
    """`requests`."""
    found: list[t.ContactRequest] = context.call("request.list")
    if context.options.json:
        say_json(found)
        return 0
    if not found:
        say("no requests")
    for each in found:
        arrow = "from" if each.direction == "incoming" else "to"
        state = "" if each.direction == "incoming" and each.state == "waiting" else f", {each.state}"
        say(f"{each.id[:12]}  {arrow} {each.name}, {date_and_clock(each.time)}{state}")
        if each.note:
            say(f"    {each.note}")
        if each.suspicious_name:
            say("    the name mixes alphabets: it may pose as another")
        if each.greeting:
            say("\n".join(f"    {line}" for line in each.greeting.split("\n")))
        if each.words:
            say(f"    words: {' '.join(each.words)}")
    return 0


def accept(context: Context) -> int:
    """`accept`."""
    options = context.options
    contact: t.Contact = context.call("request.accept", t.RequestAccept(id=options.id, name=options.name))
    if options.json:
        say_json(contact)
        return 0
    say(f"{contact.name} is a contact now, {contact.trust}; `onionchat words` helps to compare")
    note_when_waiting(context)
    return 0


def ignore(context: Context) -> int:
    """`ignore`."""
    return done(context, "request.ignore", t.IdOnly(id=context.options.id))


def block(context: Context) -> int:
    """`block`."""
    return done(context, "contact.block", t.IdOnly(id=context.options.id))


def unblock(context: Context) -> int:
    """`unblock`."""
    return done(context, "contact.unblock", t.IdOnly(id=context.options.id))


# --- contacts ---------------------------------------------------------------------------------------------
def contacts(context: Context) -> int:
    """`contacts`."""
    found: list[t.Contact] = context.call("contact.list")
    if context.options.json:
        say_json(found)
        return 0
    rows = []
    for each in found:
        online = sum(device.online for device in each.devices)
        presence = f"online ({online} of {len(each.devices)})" if each.online else "offline"
        unread = f"{each.unread} unread" if each.unread else ""
        rows.append((each.name, each.trust, presence, unread, *_states(each)))
    _say_list(rows, "no contacts; `onionchat invite` makes a link, `onionchat add` takes one")
    return 0


def contact(context: Context) -> int:
    """`contact`: show, or change one thing."""
    options = context.options
    if (options.action == "rename") != (options.new is not None):
        raise UsageError("write: onionchat contact NAME rename NEW")
    match options.action:
        case None:
            return _show_contact(context)
        case "rename":
            return done(context, "contact.rename", t.ContactRename(name=options.name, new=options.new))
        case "remove":
            question = f"Remove {options.name} and the whole conversation, on all your devices?"
            _confirm_removal(question, options.yes)
            return done(context, "contact.remove", t.ContactRemove(name=options.name))
        case _:
            return done(context, "contact.trust", t.ContactTrust(name=options.name, trust=options.action))


def _confirm_removal(question: str, is_sure: bool) -> None:
    """A person is asked; a script that names the action has said what it wants."""
    if sys.stdin.isatty():
        confirm(question, is_sure)


def _show_contact(context: Context) -> int:
    found: t.Contact = context.call("contact.get", t.ContactName(name=context.options.name))
    if context.options.json:
        say_json(found)
        return 0
    rows = [("name", found.name), ("trust", TRUST_TEXT[found.trust]), ("id", found.id)]
    if found.remote_name and found.remote_name != found.name:
        rows.append(("calls itself", found.remote_name))
    if found.introduced_by:
        rows.append(("introduced by", found.introduced_by))
    rows += [("state", state) for state in _states(found)]
    for device in found.devices:
        seen = "online" if device.online else f"last seen {date_and_clock(device.last_seen)}"
        rows.append(("device", f"{device.id[:12]}  {seen}"))
    if found.former:
        stolen = f", {len(found.stolen)} of them stolen" if found.stolen else ""
        rows.append(("removed", plural(len(found.former), "device") + stolen))
    if found.alarm:
        rows.append(("ALARM", found.alarm))
    rows.append(("quota", f"{bytes_text(found.quota_used_bytes)} of {bytes_text(found.quota_bytes)}"))
    rows.append(("unread", str(found.unread)))
    say_table(rows)
    return 0


def _states(found: t.Contact) -> list[str]:
    texts = {
        "blocked": "blocked",
        "removed": "removed",
        "disputed": "DISPUTED: its devices have removed each other",
    }
    return [text for name, text in texts.items() if getattr(found, name)]


def words(context: Context) -> int:
    """`words`: both lists, four words a line."""
    found: t.Words = context.call("contact.words", t.ContactName(name=context.options.name))
    if context.options.json:
        say_json(found)
        return 0
    say("Read yours aloud, hear theirs. Both sides see both lists.")
    say_table([*_word_rows("you", found.mine), *_word_rows(context.options.name, found.theirs)])
    roster = f", roster {found.roster[:8]}" if found.roster else ""
    say(f"({plural(found.devices, 'device')}{roster})")
    say(f"All the same: onionchat contact {context.options.name} validated")
    return 0


def _word_rows(who: str, listed: Sequence[str]) -> list[tuple[str, ...]]:
    return [(who if at == 0 else "", *listed[at : at + 4]) for at in range(0, len(listed), 4)]


def introduce(context: Context) -> int:
    """`introduce`."""
    code = done(context, "contact.introduce", t.Introduce(name=context.options.name, to=context.options.to))
    note_when_waiting(context)
    return code


def quota(context: Context) -> int:
    """`quota`."""
    return done(context, "contact.quota", t.ContactQuota(name=context.options.name, size_bytes=context.options.size))


def _say_list(rows: Sequence[Sequence[str]], nothing: str) -> None:
    if rows:
        say_table(rows)
    else:
        say(nothing)
