"""From the node's events to those of the API, made once for all subscribers."""

from collections.abc import Callable, Collection, Iterable

from onionchat.api import types as t
from onionchat.api.devices import link_state
from onionchat.api.methods import EVENTS
from onionchat.api.present import NOTES_NAME, Presenter
from onionchat.errors import UsageError
from onionchat.ids import id_text
from onionchat.kinds.changes import Shown
from onionchat.node.events import (
    ContactChanged,
    ConversationChanged,
    LinkChanged,
    Locked,
    MessagesAppended,
    MessagesDelivered,
    NodeEvent,
    PeerConnected,
    PeerDisconnected,
    RequestChanged,
    TorChanged,
)
from onionchat.node.node import Node
from onionchat.store import messages as pages
from onionchat.store.rows import find_conversation

Send = Callable[[t.Event], None]


class EventFeed:
    """Subscriptions of the API."""

    def __init__(self, node: Node, presenter: Presenter) -> None:
        self._node, self._presenter = node, presenter
        self._subscribers: list[tuple[frozenset[str], Send]] = []
        self._end: Callable[[], None] | None = None

    def subscribe(self, events: Collection[str], send: Send) -> Callable[[], None]:
        """UsageError for an event that does not exist."""
        unknown = set(events) - set(EVENTS)
        if unknown:
            raise UsageError(f"there is no such event; events are: {', '.join(EVENTS)}")
        subscriber = (frozenset(events or EVENTS), send)
        self._subscribers.append(subscriber)
        if self._end is None:
            self._end = self._node.subscribe(self._happened)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)
            if not self._subscribers and self._end is not None:
                self._end()
                self._end = None

        return unsubscribe

    def _happened(self, event: NodeEvent) -> None:
        name = _NAMES[type(event)]
        wanted = [send for events, send in self._subscribers if name(event) in events]
        if not wanted:
            return
        for made in self._made(event):
            for send in wanted:
                send(made)

    def _made(self, event: NodeEvent) -> Iterable[t.Event]:
        now = self._node.now_ms()
        match event:
            case MessagesAppended():
                return self._messages(event)
            case MessagesDelivered():
                return self._delivered(event, now)
            case ConversationChanged(conversation):
                return [t.Event(event="changed", time=now, conversation=self._name(conversation))]
            case PeerConnected(account, device) | PeerDisconnected(account, device):
                kind = "online" if isinstance(event, PeerConnected) else "offline"
                return [t.Event(event=kind, time=now, contact=self._contact(account), device=id_text(device))]
            case RequestChanged(key, incoming, state):
                direction = "incoming" if incoming else "outgoing"
                made = t.Event(event="request", time=now, id=id_text(key), direction=direction, state=state)
                made.name = self._request_name(key, incoming)
                return [made]
            case ContactChanged(account, what):
                return [self._contact_changed(account, what, now)]
            case TorChanged():
                return [self._tor(now)]
            case LinkChanged():
                return [t.Event(event="link", time=now, state=link_state(self._node))]
            case Locked():
                return [t.Event(event="locked", time=now)]

    def _messages(self, event: MessagesAppended) -> Iterable[t.Event]:
        c = self._node.store.reads
        row = find_conversation(c, event.conversation)
        name = self._name(event.conversation)
        for line in pages.by_numbers(c, list(event.numbers)):
            message = self._presenter.message(line, row, name)
            made = t.Event(event="message", time=message.time, id=message.id, conversation=name)
            made.sender, made.kind, made.text = message.sender, message.kind, message.text
            made.state, made.delivered_to, made.cursor = message.state, message.delivered_to, message.cursor
            yield made

    def _delivered(self, event: MessagesDelivered, now: int) -> Iterable[t.Event]:
        name, device = self._name(event.conversation), id_text(event.device)
        rows = self._node.store.reads.execute(
            "SELECT header, again.id FROM entry LEFT JOIN again ON again.n = entry.n"
            " WHERE log = (SELECT n FROM log WHERE id = ?) AND seq > ? AND seq <= ? AND shown = ? ORDER BY seq",
            (event.log, event.first, event.last, int(Shown.TEXT)),
        ).fetchall()
        for header, again in rows:
            entry = id_text(again or pages.id_of(header))
            yield t.Event(event="delivered", time=now, id=entry, conversation=name, device=device)

    def _contact_changed(self, account: bytes, what: str, now: int) -> t.Event:
        made = t.Event(event="trust" if what == "trust" else "device", time=now, contact=self._contact(account))
        person = self._node.book.people.get(account)  # type: ignore[call-overload]
        if what == "trust" and person is not None:
            made.trust = person.trust
        elif what != "trust":
            made.change = what
        return made

    def _tor(self, now: int) -> t.Event:
        from onionchat.api.about import onion_state, tor_state

        node = self._node
        made = t.Event(event="tor", time=now, state=tor_state(node), onion=onion_state(node))
        made.bootstrap = node.tor.status.bootstrap if node.tor is not None else 0
        return made

    def _name(self, conversation: bytes) -> str:
        if conversation == self._node.store.self_id:
            return NOTES_NAME
        person = self._node.book.by_conversation(conversation)
        return person.name if person is not None else ""

    def _contact(self, account: bytes) -> str:
        person = self._node.book.people.get(account)  # type: ignore[call-overload]
        return person.name if person is not None else ""

    def _request_name(self, key: bytes, incoming: bool) -> str:
        book = self._node.book
        if incoming:
            request = book.requests.get(key)  # type: ignore[call-overload]
            return request.name if request is not None else ""
        asked = book.asked.get(key)
        return asked.name if asked is not None else ""


_NAMES: dict[type, Callable[[NodeEvent], str]] = {
    MessagesAppended: lambda _: "message",
    MessagesDelivered: lambda _: "delivered",
    ConversationChanged: lambda _: "changed",
    PeerConnected: lambda _: "online",
    PeerDisconnected: lambda _: "offline",
    RequestChanged: lambda _: "request",
    ContactChanged: lambda event: "trust" if isinstance(event, ContactChanged) and event.what == "trust" else "device",
    TorChanged: lambda _: "tor",
    LinkChanged: lambda _: "link",
    Locked: lambda _: "locked",
}
