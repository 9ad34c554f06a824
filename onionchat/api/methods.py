"""The one table of methods. `docs/api.md`, the server, the client and the console's `/` commands are made from it."""

from dataclasses import dataclass
from typing import Any

from onionchat.api import types as t


@dataclass(frozen=True)
class Method:
    """One method: JSON-RPC name, parameter and result types, one line of help.

    `live`: needs a running node (else the front end opens the store itself). `locked`: works while locked.
    """

    name: str
    params: type[t.Params]
    result: Any
    help: str
    live: bool = False
    locked: bool = False


METHODS: tuple[Method, ...] = (
    Method("status.get", t.Nothing, t.Status, "The node, Tor, the onion, live peers, what is queued.", locked=True),
    Method(
        "connection.list", t.Nothing, list[t.PeerConnection], "Why each device of each contact is or is not reachable."
    ),
    Method("invite.create", t.InviteCreate, t.Invitation, "Makes an invitation link."),
    Method("invite.list", t.Nothing, list[t.Invitation], "The invitations."),
    Method("invite.close", t.LinkOnly, t.Done, "Takes an invitation back."),
    Method("invite.qr", t.LinkOnly, t.Invitation, "One invitation, with the lines of its QR code."),
    Method("contact.add", t.ContactAdd, t.Added, "Sends a contact request to a link."),
    Method("request.list", t.Nothing, list[t.ContactRequest], "Requests, incoming and outgoing."),
    Method("request.accept", t.RequestAccept, t.Contact, "Accepts a request."),
    Method("request.ignore", t.IdOnly, t.Done, "Ignores a request; the other side is told nothing."),
    Method("request.cancel", t.IdOnly, t.Done, "Takes an outgoing request back."),
    Method("contact.block", t.IdOnly, t.Done, "Blocks a request's sender or a contact."),
    Method("contact.unblock", t.IdOnly, t.Done, "Takes a block back."),
    Method("contact.list", t.Nothing, list[t.Contact], "The contacts."),
    Method("contact.get", t.ContactName, t.Contact, "One contact."),
    Method("contact.trust", t.ContactTrust, t.Done, "Sets a contact's trust state."),
    Method("contact.rename", t.ContactRename, t.Done, "Gives a contact another pet name."),
    Method("contact.remove", t.ContactRemove, t.Done, "Removes a contact and its conversation."),
    Method("contact.words", t.ContactName, t.Words, "The comparison words of both accounts."),
    Method("contact.quota", t.ContactQuota, t.Done, "How much a contact may write into our store."),
    Method("contact.introduce", t.Introduce, t.Done, "Introduces one contact to another."),
    Method("conversation.list", t.Nothing, list[t.Conversation], "Conversations, the most recent first."),
    Method("conversation.opened", t.ConversationOpened, t.Done, "Says which conversation is on the screen."),
    Method("conversation.draft", t.Draft, t.Done, "Keeps the unsent text."),
    Method("conversation.timer", t.Timer, t.Done, "Disappearing messages: the timer."),
    Method("message.send", t.MessageSend, t.Sent, "Commits a message and sends it when it can."),
    Method("message.log", t.MessageLog, list[t.Message], "A page of a conversation."),
    Method("message.search", t.Search, list[t.Message], "Full-text search."),
    Method("message.edit", t.MessageEdit, t.Sent, "Edits an own message."),
    Method("message.react", t.MessageReact, t.Sent, "Reacts to a message."),
    Method("message.retract", t.MessageRetract, t.Sent, "Takes an own message back."),
    Method("message.forget", t.MessageForget, t.Forgotten, "Forgets messages here, for good."),
    Method("message.read", t.ReadMark, t.Done, "Marks a conversation read."),
    Method("device.list", t.Nothing, list[t.OwnDevice], "My devices."),
    Method("device.rename", t.DeviceRename, t.Done, "Gives a device of mine another label."),
    Method("device.review", t.DeviceOnly, list[t.Deed], "What a device of mine did, the newest first."),
    Method("device.untrust", t.DeviceUntrust, t.Done, "Removes a device of mine, and undoes what it did."),
    Method("link.start", t.Nothing, t.LinkStatus, "Makes a code for linking a new device, and waits.", live=True),
    Method("link.state", t.Nothing, t.LinkStatus, "How far linking is: the words to compare.", live=True),
    Method("link.confirm", t.LinkConfirm, t.LinkStatus, "Says whether both devices show the same words.", live=True),
    Method("link.cancel", t.Nothing, t.Done, "No device is awaited any more.", live=True),
    Method("recovery.words", t.Nothing, t.RecoveryWords, "The recovery words, while they are still kept."),
    Method("recovery.settle", t.RecoverySettled, t.Done, "Says that the words are written down, or declines them."),
    Method("setting.get", t.Setting, t.SettingValue, "A setting."),
    Method("setting.set", t.Setting, t.Done, "Sets a setting."),
    Method("profile.export", t.ProfileExport, t.Done, "Writes history and contacts to a file.", live=True),
    Method(
        "profile.passwd",
        t.PassphraseChange,
        t.Done,
        "Changes the passphrase. Copies of the old key file still open with the old one.",
        live=True,
    ),
    Method(
        "profile.wipe",
        t.ProfileWipe,
        t.Done,
        "Destroys the profile and all that is in it, at once, and stops the node. No passphrase is asked for.",
        live=True,
        locked=True,
    ),
    Method("node.lock", t.Nothing, t.Done, "Closes the store and the channels, wipes the keys.", live=True),
    Method("node.unlock", t.Passphrase, t.Done, "Opens the store again.", live=True, locked=True),
    Method("node.stop", t.Nothing, t.Done, "Stops the node.", live=True, locked=True),
    Method("subscribe", t.Subscribe, t.Done, "Streams events as notifications `event`.", live=True, locked=True),
)

BY_NAME: dict[str, Method] = {method.name: method for method in METHODS}
EVENTS = (
    "message",
    "delivered",
    "online",
    "offline",
    "request",
    "trust",
    "device",
    "transfer",
    "tor",
    "changed",
    "link",
    "locked",
)
