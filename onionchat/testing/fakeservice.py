"""A node in memory, for trying and testing the console: a few people, messages, requests, events. Deterministic.

It keeps the contract of `api.methods`: the same names, types and errors, but no keys, no Tor and no disk.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed

from onionchat.api import types as t
from onionchat.api.methods import BY_NAME
from onionchat.errors import LocalError, LockedError, UsageError
from onionchat.testing.fakedevices import FakeDevices
from onionchat.testing.fakeworld import HOUR_MS, MINUTE_MS, START_MS, FakeTalk, fake_id, fake_words, fill, qr_code

PASSPHRASE = "correct horse"


class FakeService(FakeDevices):
    """A Backend in memory. `now` in seconds since 1970. `calls` records what was asked, for tests."""

    def __init__(self, now: Callable[[], float] = lambda: START_MS / 1000, *, people: bool = True) -> None:
        self._now = now
        self._listeners: list[Callable[[t.Event], None]] = []
        self.calls: list[tuple[str, t.Params]] = []
        self.held: list[tuple[Deferred[Any], Callable[[], Any]]] | None = None
        self.talks: dict[str, FakeTalk] = {}
        self.requests: list[t.ContactRequest] = []
        self.invitations: list[t.Invitation] = []
        self.settings: dict[str, str | None] = {}
        self.locked = False
        self.tor = t.TorStatus(state="ready", bootstrap=100, version="0.4.9.11", summary="Done", kind="system")
        self.onion: Any = "reachable"
        self.recovery: list[str] = []
        self._made = 0
        super().__init__(self.emit, lambda: self.now_ms)
        if people:
            fill(self)

    # --- the backend ---
    def call(self, name: str, params: t.Params) -> "Deferred[Any]":
        """Answers at once, or when `release` is called if calls are held."""
        self.calls.append((name, params))
        method = BY_NAME.get(name)
        if method is None or not isinstance(params, method.params):
            return fail(UsageError(f"no such method, or not its parameters: {name}"))
        if self.locked and not method.locked:
            return fail(LockedError("the profile is locked: type the passphrase"))

        do = getattr(self, "do_" + name.replace(".", "_"), None)
        if do is None:
            return fail(UsageError(f"the made-up node cannot do that: {name}"))

        def answer() -> Any:
            return do(params)

        if self.held is not None:
            waiting: Deferred[Any] = Deferred()
            self.held.append((waiting, answer))
            return waiting
        try:
            return succeed(answer())
        except Exception as error:
            return fail(error)

    def subscribe(self, on_event: Callable[[t.Event], None]) -> None:
        """Every event from now on."""
        self._listeners.append(on_event)

    def release(self) -> None:
        """Answers what was held back; calls are answered at once from now on."""
        held, self.held = self.held or [], None
        for waiting, answer in held:
            try:
                waiting.callback(answer())
            except Exception as error:
                waiting.errback(error)

    def emit(self, event: str, **keys: Any) -> None:
        """Sends an event to everybody who listens."""
        made = t.Event(event=event, time=self.now_ms, **keys)
        for listener in list(self._listeners):
            listener(made)

    @property
    def now_ms(self) -> int:
        """The clock."""
        return int(self._now() * 1000)

    # --- making the world ---
    def add_talk(self, talk: FakeTalk) -> FakeTalk:
        """One more contact (or the notes)."""
        self.talks[talk.name] = talk
        return talk

    def add_message(self, talk: FakeTalk, sender: str, text: str, at_ms: int | None = None, **keys: Any) -> t.Message:
        """One more message, in its place by time; no event."""
        self._made += 1
        when = self.now_ms if at_ms is None else at_ms
        keys.setdefault("state", "received" if sender != "me" else "delivered")
        keys.setdefault("delivered_to", [])
        keys.setdefault("kind", "chat")
        message = t.Message(
            id=fake_id("message", self._made),
            time=when,
            sender=sender,
            text=text,
            cursor=self._made,
            conversation=talk.name,
            devices=talk.devices,
            **keys,
        )
        at = len(talk.messages)
        while at and talk.messages[at - 1].time > when:
            at -= 1
        talk.messages.insert(at, message)
        return message

    def receive(self, name: str, text: str, **keys: Any) -> t.Message:
        """Somebody writes: the message and its event."""
        message = self.add_message(self._talk(name), name, text, unread=True, **keys)
        self.emit("message", conversation=name, id=message.id, sender=name, kind=message.kind)
        return message

    def _talk(self, name: str) -> FakeTalk:
        if name not in self.talks:
            raise LocalError(f"there is no contact {name}: /open lists them")
        return self.talks[name]

    def _message(self, name: str, message_id: str) -> t.Message:
        for message in self._talk(name).messages:
            if message.id == message_id:
                return message
        raise LocalError("there is no such message here")

    def _changed(self, name: str) -> t.Done:
        self.emit("changed", conversation=name)
        return t.Done()

    # --- status ---
    def do_status_get(self, params: t.Nothing) -> t.Status:
        """status.get"""
        waiting = sum(m.state == "waiting" for talk in self.talks.values() for m in talk.messages)
        return t.Status(
            device=fake_id("device"),
            account=fake_id("account"),
            name="alice",
            tor=self.tor,
            onion=self.onion,
            restricted_discovery=True,
            peers=[],
            missing=[],
            clock_skew_s=1.0,
            queued=waiting,
            device_label="desktop",
            devices=2,
            requests=len(self.requests),
            unread=sum(talk.unread for talk in self.talks.values()),
            recovery_pending=bool(self.recovery),
        )

    def do_connection_list(self, params: t.Nothing) -> list[t.PeerConnection]:
        """connection.list"""
        peers = []
        for talk in self.talks.values():
            for number in range(talk.devices if talk.kind == "direct" else 0):
                online = number < talk.devices_online
                dialling = not online and talk.devices_online > 0
                peers.append(
                    t.PeerConnection(
                        contact=talk.name,
                        device=fake_id(talk.name, number),
                        label=f"device {number + 1}",
                        state="connected" if online else "dialling" if dialling else "waiting",
                        since=self.now_ms - 12 * MINUTE_MS if online else None,
                        rtt_ms=912.0 if online else None,
                        tries=3 if dialling else 0,
                        next_try_seconds=None if online else 240.0,
                        last_failure="" if online else "no descriptor (it is off)",
                        last_seen=None if online else self.now_ms - 84 * HOUR_MS,
                        waiting_messages=0 if online else sum(m.state == "waiting" for m in talk.messages),
                    )
                )
        return peers

    # --- invitations, requests ---
    def do_invite_create(self, params: t.InviteCreate) -> t.Invitation:
        """invite.create"""
        link = "onionchat:" + (fake_id("link", len(self.invitations)) + "abcd")[:56]
        expires = self.now_ms + params.expires_seconds * 1000 if params.expires_seconds else None
        made = t.Invitation(
            link=link, kind="open" if params.open else "once", expires=expires, state="publishing", qr=qr_code(link)
        )
        self.invitations.append(made)
        return made

    def do_invite_list(self, params: t.Nothing) -> list[t.Invitation]:
        """invite.list"""
        return self.invitations

    def do_invite_close(self, params: t.LinkOnly) -> t.Done:
        """invite.close"""
        self.do_invite_qr(params).state = "closed"
        return t.Done()

    def do_invite_qr(self, params: t.LinkOnly) -> t.Invitation:
        """invite.qr"""
        for invitation in self.invitations:
            if invitation.link == params.link:
                return invitation
        raise LocalError("there is no such invitation: /invitations lists them")

    def do_contact_add(self, params: t.ContactAdd) -> t.Added:
        """contact.add"""
        if not params.link.startswith("onionchat:"):
            raise LocalError("that is no link: it begins with onionchat: and has 56 more characters")
        request = t.ContactRequest(
            id=fake_id("out", len(self.requests)),
            name=params.name or "somebody",
            greeting=params.greeting,
            words=[],
            time=self.now_ms,
            direction="outgoing",
        )
        self.requests.append(request)
        self.emit("request", id=request.id, name=request.name)
        return t.Added(id=request.id)

    def do_request_list(self, params: t.Nothing) -> list[t.ContactRequest]:
        """request.list"""
        return self.requests

    def _request(self, request_id: str) -> t.ContactRequest:
        for request in self.requests:
            if request.id.startswith(request_id):
                return request
        raise LocalError("there is no such request: F3 lists them")

    def do_request_accept(self, params: t.RequestAccept) -> t.Contact:
        """request.accept"""
        request = self._request(params.id)
        name = params.name or request.name
        if name in self.talks:
            raise LocalError(f"there is a contact {name} already: choose another name")
        self.requests.remove(request)
        talk = self.add_talk(FakeTalk(name, devices_online=1))
        self.add_message(talk, "", f"{name} is a contact now.", kind="notice")
        self.emit("request", id=request.id, name=name)
        return self._contact(talk)

    def _end_request(self, request_id: str) -> t.Done:
        request = self._request(request_id)
        self.requests.remove(request)
        self.emit("request", id=request.id, name=request.name)
        return t.Done()

    def do_request_ignore(self, params: t.IdOnly) -> t.Done:
        """request.ignore"""
        return self._end_request(params.id)

    def do_request_cancel(self, params: t.IdOnly) -> t.Done:
        """request.cancel"""
        return self._end_request(params.id)

    # --- contacts ---
    def _contact(self, talk: FakeTalk) -> t.Contact:
        devices = [
            t.Device(id=fake_id(talk.name, n), online=n < talk.devices_online, last_seen=None)
            for n in range(talk.devices)
        ]
        return t.Contact(
            id=fake_id(talk.name),
            name=talk.name,
            trust=talk.trust,
            online=talk.devices_online > 0,
            devices=devices,
            former=[],
            unread=talk.unread,
            blocked=talk.blocked,
        )

    def do_contact_block(self, params: t.IdOnly) -> t.Done:
        """contact.block"""
        if params.id in self.talks:
            self.talks[params.id].blocked = True
            return self._changed(params.id)
        return self._end_request(params.id)

    def do_contact_unblock(self, params: t.IdOnly) -> t.Done:
        """contact.unblock"""
        self._talk(params.id).blocked = False
        return self._changed(params.id)

    def do_contact_list(self, params: t.Nothing) -> list[t.Contact]:
        """contact.list"""
        return [self._contact(talk) for talk in self.talks.values() if talk.kind == "direct"]

    def do_contact_get(self, params: t.ContactName) -> t.Contact:
        """contact.get"""
        return self._contact(self._talk(params.name))

    def do_contact_trust(self, params: t.ContactTrust) -> t.Done:
        """contact.trust"""
        self._talk(params.name).trust = params.trust
        self.emit("trust", contact=params.name, trust=params.trust)
        return t.Done()

    def do_contact_rename(self, params: t.ContactRename) -> t.Done:
        """contact.rename"""
        if params.new in self.talks:
            raise LocalError(f"there is a contact {params.new} already: choose another name")
        talk = self.talks.pop(params.name)
        talk.name = params.new
        self.talks[params.new] = talk
        return self._changed(params.new)

    def do_contact_remove(self, params: t.ContactRemove) -> t.Done:
        """contact.remove"""
        self._talk(params.name)
        del self.talks[params.name]
        return self._changed(params.name)

    def do_contact_words(self, params: t.ContactName) -> t.Words:
        """contact.words"""
        talk = self._talk(params.name)
        return t.Words(
            mine=fake_words("alice"), theirs=fake_words(talk.name), devices=talk.devices, roster=fake_id("roster")[:16]
        )

    def do_contact_quota(self, params: t.ContactQuota) -> t.Done:
        """contact.quota"""
        self._talk(params.name)
        return t.Done()

    def do_contact_introduce(self, params: t.Introduce) -> t.Done:
        """contact.introduce"""
        self._talk(params.name), self._talk(params.to)
        return t.Done()

    # --- conversations ---
    def do_conversation_list(self, params: t.Nothing) -> list[t.Conversation]:
        """conversation.list"""
        return [
            t.Conversation(
                name=talk.name,
                kind="self" if talk.kind == "self" else "direct",
                trust=talk.trust,
                online=talk.devices_online > 0,
                devices_online=talk.devices_online,
                devices=talk.devices,
                unread=talk.unread,
                last_time=talk.messages[-1].time if talk.messages else None,
                last_line=talk.messages[-1].text.split("\n")[0] if talk.messages else "",
                draft=talk.draft,
                blocked=talk.blocked,
                timer_seconds=talk.timer_seconds,
                connecting=talk.connecting,
            )
            for talk in self.talks.values()
        ]

    def do_conversation_opened(self, params: t.ConversationOpened) -> t.Done:
        """conversation.opened"""
        return t.Done()

    def do_conversation_draft(self, params: t.Draft) -> t.Done:
        """conversation.draft"""
        self._talk(params.name).draft = params.text
        return t.Done()

    def do_conversation_timer(self, params: t.Timer) -> t.Done:
        """conversation.timer"""
        self._talk(params.name).timer_seconds = params.seconds
        return self._changed(params.name)

    # --- messages ---
    def do_message_send(self, params: t.MessageSend) -> t.Sent:
        """message.send"""
        talk = self._talk(params.name)
        if talk.trust == "compromised" and not params.force:
            raise LocalError(f"{talk.name} is marked compromised; /force TEXT sends all the same")
        expires = self.now_ms + params.expires_seconds * 1000 if params.expires_seconds else None
        keys: dict[str, Any] = {"expires": expires, "state": "waiting"}
        if params.reply_to is not None:
            quoted = self._message(params.name, params.reply_to)
            keys |= {"reply_to": quoted.id, "reply_text": quoted.text, "reply_from": quoted.sender}
        if talk.devices_online or talk.kind == "self":
            delivered = [fake_id(talk.name, n) for n in range(talk.devices_online)]
            keys |= {"state": "delivered", "delivered_to": delivered}
        message = self.add_message(talk, "me", params.text, **keys)
        talk.draft = ""
        self.emit("message", conversation=talk.name, id=message.id, sender="me", kind="chat")
        return t.Sent(id=message.id)

    def do_message_log(self, params: t.MessageLog) -> list[t.Message]:
        """message.log"""
        messages, limit = self._talk(params.name).messages, params.limit
        if params.since is not None:
            arrived = sorted((m for m in messages if m.cursor > (params.since or 0)), key=lambda m: m.cursor)
            return [copied(message) for message in arrived[:limit]]
        ids = {message.id: at for at, message in enumerate(messages)}
        if params.before is not None:
            end = ids[params.before]
            page = messages[max(end - limit, 0) : end]
        elif params.after is not None:
            start = ids[params.after] + 1
            page = messages[start : start + limit]
        elif params.around is not None:
            start = max(ids[params.around] - limit // 2, 0)
            page = messages[start : start + limit]
        else:
            page = messages[-limit:]
        return [copied(message) for message in page]

    def do_message_search(self, params: t.Search) -> list[t.Message]:
        """message.search"""
        words = [word.strip('"*').casefold() for word in params.query.split()]
        found = [
            copied(message)
            for talk in self.talks.values()
            if params.name in (None, talk.name)
            for message in talk.messages
            if words and all(word in message.text.casefold() for word in words)
        ]
        return sorted(found, key=lambda message: -message.time)[: params.limit]

    def _own(self, name: str, message_id: str) -> t.Message:
        message = self._message(name, message_id)
        if message.sender != "me":
            raise LocalError("only a message of yours can be changed")
        return message

    def do_message_edit(self, params: t.MessageEdit) -> t.Sent:
        """message.edit"""
        message = self._own(params.name, params.id)
        message.text, message.edited = params.text, True
        self._changed(params.name)
        return t.Sent(id=message.id)

    def do_message_react(self, params: t.MessageReact) -> t.Sent:
        """message.react"""
        message = self._message(params.name, params.id)
        for reaction in list(message.reactions):
            if "me" in reaction.by:
                reaction.by.remove("me")
            if not reaction.by:
                message.reactions.remove(reaction)
        if params.emoji:
            message.reactions = [*message.reactions, t.Reactions(emoji=params.emoji, by=["me"])]
        self._changed(params.name)
        return t.Sent(id=message.id)

    def do_message_retract(self, params: t.MessageRetract) -> t.Sent:
        """message.retract"""
        message = self._own(params.name, params.id)
        message.text, message.retracted = "", True
        self._changed(params.name)
        return t.Sent(id=message.id)

    def do_message_forget(self, params: t.MessageForget) -> t.Forgotten:
        """message.forget"""
        talk = self._talk(params.name)
        gone = [m for m in talk.messages if params.whole or m.id in params.ids or (params.before or 0) > m.time]
        talk.messages = [m for m in talk.messages if m not in gone]
        self._changed(params.name)
        return t.Forgotten(count=len(gone), unsent=sum(m.state == "waiting" for m in gone))

    def do_message_read(self, params: t.ReadMark) -> t.Done:
        """message.read"""
        for message in self._talk(params.name).messages:
            message.unread = False
        return self._changed(params.name)

    # --- me, the node ---
    def do_recovery_words(self, params: t.Nothing) -> t.RecoveryWords:
        """recovery.words"""
        return t.RecoveryWords(words=self.recovery)

    def do_recovery_settle(self, params: t.RecoverySettled) -> t.Done:
        """recovery.settle"""
        self.recovery = []
        return t.Done()

    def do_setting_get(self, params: t.Setting) -> t.SettingValue:
        """setting.get"""
        return t.SettingValue(value=self.settings.get(params.key))

    def do_setting_set(self, params: t.Setting) -> t.Done:
        """setting.set"""
        self.settings[params.key] = params.value
        return t.Done()

    def do_profile_export(self, params: t.ProfileExport) -> t.Done:
        """profile.export"""
        return t.Done()

    def do_profile_passwd(self, params: t.PassphraseChange) -> t.Done:
        """profile.passwd"""
        if params.old != PASSPHRASE:
            raise LocalError("that is not the present passphrase; nothing was changed")
        return t.Done()

    def do_profile_wipe(self, params: t.ProfileWipe) -> t.Done:
        """profile.wipe"""
        self.locked = True
        self.talks.clear()
        self.emit("locked")
        return t.Done()

    def do_node_lock(self, params: t.Nothing) -> t.Done:
        """node.lock"""
        self.locked = True
        self.emit("locked")
        return t.Done()

    def do_node_unlock(self, params: t.Passphrase) -> t.Done:
        """node.unlock"""
        if params.passphrase != PASSPHRASE:
            raise LockedError("that is not the passphrase; type it once more")
        self.locked = False
        return t.Done()

    def do_node_stop(self, params: t.Nothing) -> t.Done:
        """node.stop"""
        return t.Done()

    def do_subscribe(self, params: t.Subscribe) -> t.Done:
        """subscribe"""
        return t.Done()


def copied(message: t.Message) -> t.Message:
    """As if it had come over a socket: changes here are not seen there."""
    return t.Message(**{name: getattr(message, name) for name in message.__struct_fields__})
