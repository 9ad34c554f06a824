"""What the `/` commands do: each a coroutine of the desk and the words that were typed."""

from collections.abc import Sequence

from onionchat import limits
from onionchat.api import types as t
from onionchat.errors import LocalError, UsageError
from onionchat.text import truncate_width
from onionchat.tui.contactlines import contact_lines, contact_rows
from onionchat.tui.desk import Desk
from onionchat.tui.emoji import emoji_of
from onionchat.tui.render import Line, moment, one_line, paragraph
from onionchat.tui.words import parse_bytes, parse_date_ms, parse_seconds

Words = Sequence[str]


def here(desk: Desk, words: Words = (), index: int = 0) -> str:
    """The name that was typed, else the conversation that is open."""
    if len(words) > index:
        return words[index]
    if desk.current is None:
        raise LocalError("no conversation is open: name one, or press Ctrl-K")
    return desk.current


# --- people ------------------------------------------------------------------------------------------
async def open_conversation(desk: Desk, words: Words) -> None:
    """`/open NAME`"""
    desk.open_conversation(words[0])


async def log(desk: Desk, words: Words) -> None:
    """`/log NAME`"""
    desk.open_conversation(words[0])


async def add(desk: Desk, words: Words) -> None:
    """`/add LINK [NAME] [GREETING]`"""
    name = words[1] if len(words) > 1 else None
    greeting = words[2] if len(words) > 2 else ""
    if len(greeting) > limits.GREETING_MAX_CHARACTERS:
        raise LocalError(f"a greeting has at most {limits.GREETING_MAX_CHARACTERS} characters: shorten it")
    added: t.Added = await desk.call("contact.add", t.ContactAdd(link=words[0], name=name, greeting=greeting))
    desk.say("You are contacts now." if added.accepted else "The request goes out as soon as their device is on. F3")


async def accept(desk: Desk, words: Words) -> None:
    """`/accept ID [NAME]`"""
    name = words[1] if len(words) > 1 else None
    contact: t.Contact = await desk.call("request.accept", t.RequestAccept(id=words[0], name=name))
    desk.say(f"{one_line(contact.name)} is a contact now. F2 compares words.")
    desk.open_conversation(contact.name)


async def ignore(desk: Desk, words: Words) -> None:
    """`/ignore ID`"""
    await desk.call("request.ignore", t.IdOnly(id=words[0]))
    desk.say("Ignored; the other side is told nothing.")


async def cancel(desk: Desk, words: Words) -> None:
    """`/cancel ID`"""
    await desk.call("request.cancel", t.IdOnly(id=words[0]))
    desk.say("The request was taken back.")


async def block(desk: Desk, words: Words) -> None:
    """`/block [NAME|ID]`"""
    name = here(desk, words)
    await desk.call("contact.block", t.IdOnly(id=name))
    desk.say(f"{one_line(name)} is blocked. /unblock takes it back.")


async def unblock(desk: Desk, words: Words) -> None:
    """`/unblock [NAME|ID]`"""
    name = here(desk, words)
    await desk.call("contact.unblock", t.IdOnly(id=name))
    desk.say(f"{one_line(name)} is no longer blocked.")


async def trust(desk: Desk, words: Words) -> None:
    """`/trust validated|unvalidated|compromised [NAME]`"""
    name = here(desk, words, 1)
    for state in t.Trust.__args__:  # type: ignore[attr-defined]
        if words[0] == state:
            await desk.call("contact.trust", t.ContactTrust(name=name, trust=state))
            desk.say(f"{one_line(name)} is {state} now.")
            return
    raise UsageError("trust is one of: validated, unvalidated, compromised")


async def rename(desk: Desk, words: Words) -> None:
    """`/rename NEW`"""
    name = here(desk)
    await desk.call("contact.rename", t.ContactRename(name=name, new=words[0]))
    desk.open_conversation(words[0])


async def remove(desk: Desk, words: Words) -> None:
    """`/remove [NAME]`, after a question."""
    name = here(desk, words)

    async def gone() -> None:
        await desk.call("contact.remove", t.ContactRemove(name=name))
        desk.say(f"{one_line(name)} and the conversation are gone.")

    question = f"Remove {one_line(name)} and the whole conversation? Your device moves to a new address."
    desk.ask(question, [("Remove", lambda: desk.do(gone())), ("Keep", lambda: None)])


async def compare(desk: Desk, words: Words) -> None:
    """`/words [NAME]`"""
    desk.open_screen("compare", here(desk, words))


async def contact(desk: Desk, words: Words) -> None:
    """`/contact [NAME]`"""
    found: t.Contact = await desk.call("contact.get", t.ContactName(name=here(desk, words)))
    desk.show_lines("Contact", lambda columns: contact_lines(found, columns, desk.look()))


async def contacts(desk: Desk, words: Words) -> None:
    """`/contacts`"""
    found: list[t.Contact] = await desk.call("contact.list", t.Nothing())
    desk.show_lines("Contacts", lambda columns: contact_rows(found, columns, desk.look()))


async def quota(desk: Desk, words: Words) -> None:
    """`/quota SIZE [NAME]`"""
    name = here(desk, words, 1)
    await desk.call("contact.quota", t.ContactQuota(name=name, size_bytes=parse_bytes(words[0])))
    desk.say(f"{one_line(name)} may keep {one_line(words[0])} here.")


async def introduce(desk: Desk, words: Words) -> None:
    """`/introduce TO`"""
    name = here(desk)
    await desk.call("contact.introduce", t.Introduce(name=name, to=words[0]))
    desk.say(f"{one_line(name)} is asked for a link, and {one_line(words[0])} gets it.")


# --- invitations -------------------------------------------------------------------------------------
async def invite(desk: Desk, words: Words) -> None:
    """`/invite [open] [7d] [as NAME]`"""
    params = invitation_params(words)
    invitation: t.Invitation = await desk.call("invite.create", params)
    if not invitation.qr:
        invitation = await desk.call("invite.qr", t.LinkOnly(link=invitation.link))
    desk.show_invitation(invitation)


def invitation_params(words: Words) -> t.InviteCreate:
    """`open`, a time, `as NAME`, in this order, each of them or not. UsageError when there is anything else."""
    left = list(words)
    is_open = left[:1] == ["open"] and bool(left.pop(0))
    expires = limits.INVITATION_DEFAULT_SECONDS if left[:1] in ([], ["as"]) else parse_seconds(left.pop(0))
    name = left[1] if len(left) == 2 and left[0] == "as" else None
    if left and name is None:
        raise UsageError("/invite [open] [7d] [as NAME]")
    if name is not None and is_open:
        raise UsageError("an open link is for many: only a link for one person can be accepted as NAME")
    return t.InviteCreate(open=is_open, expires_seconds=expires, accept_as=name)


async def invitations(desk: Desk, words: Words) -> None:
    """`/invitations`"""
    found: list[t.Invitation] = await desk.call("invite.list", t.Nothing())

    def make(columns: int) -> list[Line]:
        lines: list[Line] = []
        for invitation in found:
            until = "for ever" if invitation.expires is None else f"until {moment(invitation.expires, desk.look())}"
            kind = "for one person" if invitation.kind == "once" else "open"
            lines.append([("bold", f" {one_line(invitation.state)}"), ("quiet", f"  {kind}  {until}")])
            lines += [[("text", "   "), *line] for line in paragraph(invitation.link, columns - 4)]
            lines.append([])
        return lines or [[("quiet", " None. /invite makes one.")]]

    desk.show_lines("Invitations", make)


async def uninvite(desk: Desk, words: Words) -> None:
    """`/uninvite LINK`"""
    await desk.call("invite.close", t.LinkOnly(link=words[0]))
    desk.say("The invitation is closed; its link no longer works.")


# --- messages ----------------------------------------------------------------------------------------
async def send(desk: Desk, words: Words) -> None:
    """`/send NAME TEXT`"""
    await desk.call("message.send", t.MessageSend(name=words[0], text=words[1]))
    if desk.current != words[0]:
        desk.say(f"Written to {one_line(words[0])}.")


async def _last_of_mine(desk: Desk) -> t.Message:
    page: list[t.Message] = await desk.call("message.log", t.MessageLog(name=here(desk), limit=200))
    for message in reversed(page):
        if message.sender == "me" and not message.retracted and not message.forgotten:
            return message
    raise LocalError("there is no message of yours near the end of this conversation")


async def edit(desk: Desk, words: Words) -> None:
    """`/edit TEXT`: the last message of mine."""
    message = await _last_of_mine(desk)
    await desk.call("message.edit", t.MessageEdit(name=here(desk), id=message.id, text=words[0]))


async def retract(desk: Desk, words: Words) -> None:
    """`/retract`: the last message of mine, after a question."""
    name, message = here(desk), await _last_of_mine(desk)

    async def gone() -> None:
        await desk.call("message.retract", t.MessageRetract(name=name, id=message.id))

    question = f'Take "{truncate_width(one_line(message.text), 60)}" back on both sides? They may have read it.'
    desk.ask(question, [("Take back", lambda: desk.do(gone())), ("No", lambda: None)])


async def send_expiring(desk: Desk, words: Words) -> None:
    """`/expiring 1d TEXT`"""
    seconds = parse_seconds(words[0])
    await desk.call("message.send", t.MessageSend(name=here(desk), text=words[1], expires_seconds=seconds))


async def force(desk: Desk, words: Words) -> None:
    """`/force TEXT`"""
    await desk.call("message.send", t.MessageSend(name=here(desk), text=words[0], force=True))


async def timer(desk: Desk, words: Words) -> None:
    """`/timer 1d|off`"""
    seconds = None if words[0] == "off" else parse_seconds(words[0])
    await desk.call("conversation.timer", t.Timer(name=here(desk), seconds=seconds))
    desk.say("Messages stay." if seconds is None else f"What is written from now on goes after {one_line(words[0])}.")


async def react(desk: Desk, words: Words) -> None:
    """`/react EMOJI`, to the last message of the other side."""
    name = here(desk)
    page: list[t.Message] = await desk.call("message.log", t.MessageLog(name=name, limit=50))
    for message in reversed(page):
        if message.sender not in ("me", ""):
            await desk.call("message.react", t.MessageReact(name=name, id=message.id, emoji=emoji_of(words[0])))
            return
    raise LocalError("there is no message to react to yet")


async def read(desk: Desk, words: Words) -> None:
    """`/read [NAME]`"""
    await desk.call("message.read", t.ReadMark(name=here(desk, words)))


async def forget(desk: Desk, words: Words) -> None:
    """`/forget 2026-11-20`, after a question."""
    name = here(desk)
    before = parse_date_ms(words[0], desk.look().zone)

    async def gone() -> None:
        done: t.Forgotten = await desk.call("message.forget", t.MessageForget(name=name, before=before))
        desk.say(f"{done.count} forgotten" + (f", {done.unsent} of them had not been sent." if done.unsent else "."))
        if done.waiting:
            names = ", ".join(map(one_line, done.waiting))
            desk.say(f"On {done.devices - len(done.waiting)} of {done.devices} devices; when they connect: {names}.")

    question = f"Forget all with {one_line(name)} before {one_line(words[0])}, here and on all your devices?"
    desk.ask(question, [("Forget", lambda: desk.do(gone())), ("Keep", lambda: None)])


async def search(desk: Desk, words: Words) -> None:
    """`/search QUERY`"""
    desk.open_screen("search", words[0] if words else "")
