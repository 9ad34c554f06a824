"""From what the node knows to what the API says. All remote text is made safe here."""

import segno

from onionchat import limits
from onionchat.api import types as t
from onionchat.crypto.words import comparison_words
from onionchat.identity.account import roster_fingerprint
from onionchat.identity.link import format_link
from onionchat.ids import AccountId, ConversationId, DeviceId, id_text
from onionchat.kinds import account as kinds
from onionchat.kinds.changes import Shown
from onionchat.log.clock import is_future
from onionchat.net.onions import OnionState
from onionchat.node.book import Person
from onionchat.node.node import Node
from onionchat.store import messages as pages
from onionchat.store import quota
from onionchat.store.messages import Line
from onionchat.store.people import DeviceRow, devices_of, seen_since
from onionchat.store.rows import ConversationRow, Flag, find_conversation
from onionchat.text import is_mixed_script, remote_name, safe_line, safe_text

NOTES_NAME = "Notes"
"""The *self* conversation: notes to oneself."""
REPLY_CHARACTERS = 120
DAY_MS = 86_400_000
_KINDS = {Shown.TEXT: "text", Shown.NOTICE: "notice", Shown.TIMER: "timer", Shown.NEWER: "newer", Shown.CARD: "card"}


class Presenter:
    """Builds results. Reads the book and the read-only connection; writes nothing."""

    def __init__(self, node: Node) -> None:
        self._node = node

    # --- people ------------------------------------------------------------------------------------------
    def contact(self, person: Person) -> t.Contact:
        """A contact."""
        live = self._node.peers.live
        row = find_conversation(self._node.store.reads, person.conversation)
        devices = [t.Device(id=id_text(d.id), online=d.id in live, last_seen=d.last_seen) for d in self.devices(person)]
        used = 0
        if row is not None:
            used = quota.used_in_all(self._node.store.reads, row.n)
        return t.Contact(
            id=id_text(person.account),
            name=person.name,
            trust=self.trust(person),
            online=any(device.online for device in devices),
            devices=devices,
            former=[id_text(device) for device in former_devices(person)],
            stolen=[id_text(device) for device in sorted(person.stolen)],
            alarm=alarm(person),
            unread=0 if row is None else pages.unread_count(self._node.store.reads, row.n),
            blocked=person.value.state == "blocked",
            removed=person.value.state == "removed",
            disputed=person.is_disputed,
            remote_name=person.value.remote_name,
            introduced_by=person.value.introduced_by,
            quota_bytes=person.value.quota_bytes,
            quota_used_bytes=used,
        )

    def trust(self, person: Person) -> t.Trust:
        """The trust state; an account in dispute counts as compromised."""
        if person.is_disputed:
            return "compromised"
        return person.trust  # type: ignore[return-value]

    def devices(self, person: Person) -> list[DeviceRow]:
        """A contact's active devices, in a fixed order; `last_seen` is read anew."""
        rows = devices_of(self._node.store.reads, person.account)
        return sorted((row for row in rows if row.id in person.devices), key=lambda row: row.id)

    def incoming(self, request: kinds.Request) -> t.ContactRequest:
        """Somebody asks."""
        person = self._node.book.people.get(AccountId(request.account))
        known = person if person is not None and person.value.state != "removed" else None
        return t.ContactRequest(
            id=id_text(request.account),
            name=request.name,
            greeting=safe_text(request.greeting),
            words=list(comparison_words(request.account)),
            time=request.created_ms,
            direction="incoming",
            state=request.state,
            suspicious_name=is_mixed_script(request.name),
            contact=known.name if known is not None else "",
            note=self._note_on(request, known) if known is not None else "",
        )

    def _note_on(self, request: kinds.Request, person: Person) -> str:
        """What is special about a request of somebody who is in the list already."""
        if person.value.state == "imported":
            return f"{person.name}, whom you know from the history that you imported"
        if person.value.state == "blocked":
            return f"{person.name}, whom you have blocked"
        how = self._node.meeting.admission_of(request)
        return {
            "": f"{person.name}, whom you know, asks at another link",
            "device": f"{person.name}, whom you know, has a new device, linked by one of theirs",
            "recovery": f"{person.name}, whom you know, has a new device, admitted with their recovery words: compare"
            " words again",
        }[how]

    def outgoing(self, asked: kinds.Asked) -> t.ContactRequest:
        """We ask."""
        states = {"kept": "sent", "refused": f"refused: {asked.reason}"}
        return t.ContactRequest(
            id=id_text(asked.invitation),
            name=asked.name,
            greeting=safe_text(asked.greeting),
            words=[],
            time=asked.created_ms,
            direction="outgoing",
            state=states.get(asked.state, asked.state),
        )

    def invitation(self, value: kinds.Invitation, qr: bool = False) -> t.Invitation:
        """An invitation of ours."""
        link = format_link(value.key)
        return t.Invitation(
            link=link,
            kind="open" if value.reusable else "once",
            expires=value.expires_ms or None,
            state=self._invitation_state(value),
            accept_as=value.accept_as or None,
            qr=qr_lines(link) if qr else [],
        )

    def _invitation_state(self, value: kinds.Invitation) -> t.InvitationState:
        node = self._node
        if value.state != "open":
            return value.state
        if value.expires_ms and value.expires_ms <= node.now_ms():
            return "expired"
        if any(r.invitation == value.key and r.state == "waiting" for r in node.book.requests.values()):
            return "pending"
        states: dict[OnionState, t.InvitationState] = {
            OnionState.UNPUBLISHED: "waiting",
            OnionState.PUBLISHING: "publishing",
            OnionState.REACHABLE: "published",
        }
        return states[node.services.state(value.key)]

    def words(self, person: Person) -> t.Words:
        """What two people compare."""
        roster = person.roster
        return t.Words(
            mine=list(comparison_words(self._node.own.account)),
            theirs=list(comparison_words(person.account)),
            devices=len(person.devices),
            roster=roster_fingerprint(roster).hex()[:8] if roster is not None else "",
        )

    # --- conversations -------------------------------------------------------------------------------------
    def conversation(self, person: Person | None) -> t.Conversation | None:
        """A line of the list; None stands for notes to oneself."""
        node = self._node
        c = node.store.reads
        identifier = node.store.self_id if person is None else person.conversation
        row = find_conversation(c, identifier)
        if row is None:
            return None
        last = pages.page(c, row, 1)
        devices = [] if person is None else list(person.devices)
        online = sum(device in node.peers.live for device in devices)
        dialling = any((e := node.dialing.explain(d)) is not None and e.state.value == "dialing" for d in devices)
        name = NOTES_NAME if person is None else person.name
        return t.Conversation(
            name=name,
            kind="self" if person is None else "direct",
            trust="validated" if person is None else self.trust(person),
            online=online > 0,
            devices_online=online,
            devices=len(devices),
            unread=pages.unread_count(c, row.n) if person is not None else 0,
            last_time=last[0].ms if last else None,
            last_line=safe_line(self.line_text(last[0]))[:200] if last else "",
            draft=node.book.settings.get(draft_key(row), ""),
            blocked=person is not None and person.value.state == "blocked",
            timer_seconds=node.book.timers.get(row.id) or None,
            connecting=dialling and not online,
        )

    # --- messages --------------------------------------------------------------------------------------------
    def messages(self, lines: list[Line], row: ConversationRow | None, name: str | None) -> list[t.Message]:
        """Lines as the API gives them. `name`: what goes into `in`."""
        return [self.message(line, row, name) for line in lines]

    def line_text(self, line: Line) -> str:
        """The text of a line, safe for a terminal."""
        if line.flags & Flag.RETRACTED:
            return "(taken back)"
        if line.flags & Flag.EXPIRED:
            return "(disappeared)"
        if line.flags & Flag.FORGOTTEN:
            return "(forgotten)"
        if line.text is None:
            return "(withheld)"
        if line.shown is Shown.TIMER:
            seconds = int(line.text or 0)
            return f"disappearing messages: {t.duration_text(seconds)}" if seconds else "disappearing messages: off"
        if line.shown is Shown.CARD:
            return f"introduces {remote_name(line.text)}: {format_link(line.card)}"
        if line.shown is Shown.NEWER:
            return "(from a newer version of onionchat)"
        return safe_text(line.text)

    def message(self, line: Line, row: ConversationRow | None, name: str | None) -> t.Message:
        """One line."""
        node = self._node
        person = self._person_of(row, line)
        delivered, devices = self._delivery(line, person)
        state = self._state(line, person, delivered)
        reply = self._reply(row, line.reply_to)
        return t.Message(
            id=id_text(line.id),
            time=line.ms,
            sender=self._sender(line, person),
            kind=_KINDS[line.shown],
            text=self.line_text(line),
            state=state,
            delivered_to=[id_text(device) for device in delivered],
            cursor=line.n,
            conversation=name,
            devices=devices,
            carried_by=self._carriers(line) if state in ("waiting", "sent") else [],
            edited=line.edited,
            retracted=bool(line.flags & Flag.RETRACTED),
            forgotten=bool(line.flags & Flag.FORGOTTEN),
            withheld=line.text is None and not line.flags & Flag.FINAL,
            reply_to=id_text(line.reply_to) if line.reply_to else None,
            reply_text=safe_line(self.line_text(reply))[:REPLY_CHARACTERS] if reply else "",
            reply_from=self._sender(reply, person) if reply else "",
            reactions=self._reactions(line),
            arrived=line.arrived,
            late=bool(line.flags & Flag.LATE),
            future=bool(line.flags & Flag.FUTURE) and is_future((line.ms, 0), node.now_ms()),
            missing_before=line.missing_before,
            expires=line.expires,
            device=id_text(line.device) if line.device else "",
            unread=line.unread,
        )

    def _person_of(self, row: ConversationRow | None, line: Line) -> Person | None:
        if row is not None:
            return self._node.book.by_conversation(row.id)
        found = self._node.store.reads.execute(
            "SELECT id FROM conversation WHERE n = ?", (line.conversation,)
        ).fetchone()
        return self._node.book.by_conversation(found[0])

    def _sender(self, line: Line, person: Person | None) -> str:
        if line.shown is Shown.NOTICE:
            return ""
        if line.mine:
            return "me"
        return person.name if person is not None else "someone"

    def _delivery(self, line: Line, person: Person | None) -> tuple[list[DeviceId], int]:
        if not line.mine or person is None:
            return [], 0
        known = self._node.deliveries.of(line.log)
        has = [device for device in person.devices if known.get(device, 0) >= line.seq]
        return has, len(self._meant(line, person).union(has)) or len(person.devices)

    def _meant(self, line: Line, person: Person) -> set[DeviceId]:
        """The devices that were there when a message was written, and are not given up by now."""
        given_up = self._node.now_ms() - limits.SEEN_ACTIVE_DAYS * DAY_MS
        known = seen_since(self._node.store.reads, person.account)
        found = set()
        for device in person.devices:
            seen, since = known.get(device, (0, 0))
            if since <= line.ms and max(seen, since, person.value.since_ms) >= given_up:
                found.add(device)
        return found

    def _carriers(self, line: Line) -> list[str]:
        """Our other devices that have a message which no device of the contact has."""
        node = self._node
        known = node.deliveries.of(line.log)
        row = node.store.reads.execute("SELECT id FROM conversation WHERE n = ?", (line.conversation,)).fetchone()

        def has(device: DeviceId) -> bool:
            link = node.peers.live.get(device)
            is_level = link is not None and node.syncing.is_level(link, ConversationId(row[0]))
            return device == line.device or known.get(device, 0) >= line.seq or is_level

        return [node.book.device_label(device) for device in sorted(node.book.other_devices) if has(device)]

    def _state(self, line: Line, person: Person | None, delivered: list[DeviceId]) -> t.MessageState:
        if not line.mine:
            return "received"
        if person is None or delivered:
            return "delivered"
        live = self._node.peers.live
        is_out = any(d in live and self._node.syncing.is_open(live[d], person.conversation) for d in person.devices)
        return "sent" if is_out else "waiting"

    def _reply(self, row: ConversationRow | None, reply_to: bytes) -> Line | None:
        if row is None or not reply_to:
            return None
        found = pages.by_ids(self._node.store.reads, row, [reply_to])
        return found[0] if found else None

    def _reactions(self, line: Line) -> list[t.Reactions]:
        by_emoji: dict[str, list[str]] = {}
        for emoji, account in line.reactions:
            person = self._node.book.people.get(AccountId(account))
            who = "me" if account == self._node.own.account else (person.name if person is not None else "someone")
            if shown := safe_line(emoji).strip():  # one of nothing but invisible characters is no reaction
                by_emoji.setdefault(shown, []).append(who)
        return [t.Reactions(emoji=emoji, by=by) for emoji, by in by_emoji.items()]


def draft_key(row: ConversationRow) -> str:
    """The setting that keeps a conversation's draft."""
    return f"draft:{id_text(row.id)}"


def former_devices(person: Person) -> list[DeviceId]:
    """Devices of a contact that are out, as far as we were told of them."""
    known = person.roster.devices - person.roster.active if person.roster is not None else frozenset()
    return sorted(known | set(person.former))


def alarm(person: Person) -> str:
    """What is to be shown in red of a contact; empty when all is well."""
    name = safe_line(person.name)
    if person.is_disputed:
        return (
            f"{name}'s devices have removed each other, and nobody can tell which one is in the wrong hands: nothing is"
            f" sent. Ask {name} by another way; it ends when the recovery words have spoken, or when you have compared"
            " words anew and say so"
        )
    if person.stolen:
        count = "a device" if len(person.stolen) == 1 else f"{len(person.stolen)} devices"
        return f"{count} of {name}'s reported as stolen: what came from there may not be {name}'s, and no more is taken"
    return ""


def qr_lines(text: str) -> list[str]:
    """A QR code in half blocks with its quiet border; a full block is two dark modules: draw it black on white."""
    matrix = [list(row) for row in segno.make(text.upper() if text.isascii() else text, error="l").matrix]
    width = len(matrix[0]) + 4
    rows = [[0] * width] * 2 + [[0, 0, *row, 0, 0] for row in matrix] + [[0] * width] * 2
    if len(rows) % 2:
        rows.append([0] * width)
    glyphs = {(1, 1): "█", (1, 0): "▀", (0, 1): "▄", (0, 0): " "}
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(glyphs[int(a), int(b)] for a, b in zip(top, low, strict=True)) for top, low in pairs]
