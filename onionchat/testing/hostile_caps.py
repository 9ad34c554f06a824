"""What a node holds for others, counted, each beside its cap: for tests that flood it."""

from collections.abc import Iterator
from dataclasses import dataclass

from onionchat import limits
from onionchat.net.peer import PeerLink
from onionchat.node.node import Node
from onionchat.node.peers import GREETINGS_OF_DEVICE_MAX
from onionchat.wire.frame import HEADER_BYTES


@dataclass(frozen=True)
class Holding:
    """So many of something, and how many there may be."""

    what: str
    count: int
    cap: int


def holdings(node: Node) -> list[Holding]:
    """Every buffer, table and queue that somebody else can fill."""
    links = [link for link in _links(node) if not link.closed]
    return [
        *_of_node(node),
        *(holding for link in links for holding in _of_link(link)),
        *_of_sessions(node),
    ]


def excess(node: Node) -> list[Holding]:
    """Those that are over their caps."""
    return [holding for holding in holdings(node) if holding.count > holding.cap]


def size_of_self(node: Node) -> int:
    """How many entries *self* has: each is on every device of the account, for ever."""
    query = "SELECT count(*) FROM entry JOIN conversation ON conversation.n = entry.conversation WHERE place = 'self'"
    return int(node.store.reads.execute(query).fetchone()[0])


def _links(node: Node) -> Iterator[PeerLink]:
    yield from node.peers.live.values()
    yield from node.peers._greetings
    yield from node.meeting._strangers
    for published in node.services._published.values():
        yield from published.listener._half_open


def _of_node(node: Node) -> Iterator[Holding]:
    greetings = list(node.peers._greetings.values())
    people = len(node.book.people)
    yield Holding("strangers", len(node.meeting._strangers), limits.STRANGERS_MAX)
    yield Holding("unknown devices", sum(not g.is_known for g in greetings), limits.STRANGERS_MAX)
    for device in {greeting.device for greeting in greetings}:
        of_device = sum(greeting.device == device for greeting in greetings)
        yield Holding("channels of a device", of_device, GREETINGS_OF_DEVICE_MAX)
    waiting = [r for r in node.book.requests.values() if r.state == "waiting"]
    yield Holding("requests", len(waiting) + len(node.meeting._coming), limits.REQUESTS_TOTAL_MAX)
    for key in node.book.invitations:
        here = sum(request.invitation == key for request in waiting)
        yield Holding("requests at a link", here, limits.REQUESTS_PER_INVITATION_MAX)
    for published in node.services._published.values():
        yield Holding("half-open", len(published.listener._half_open), limits.HALF_OPEN_MAX)
    yield Holding("days of cards", len(node.peers._news), people + 1)
    devices = sum(len(person.devices) + len(person.former) for person in node.book.people.values())
    yield Holding("days of statements", len(node.peers._statement_news), devices)
    yield Holding("faults", len(node.peers._faults), devices + len(node.book.own_devices))
    yield Holding("renewals", len(node.meeting._renewals), people + len(node.book.requests))
    yield Holding("warnings", len(node.syncing._warned), 4 * (people + 1))
    yield Holding("schedulers", len(node.syncing._schedulers), people + 1)


def _of_link(link: PeerLink) -> Iterator[Holding]:
    channel = link.channel
    frame = limits.FRAME_MAX_BYTES + HEADER_BYTES
    yield Holding("bytes of an unfinished frame", channel._frames.waiting_bytes, frame)
    yield Holding("bytes of an unfinished TLS record", channel._tls_records.waiting_bytes, frame)
    yield Holding("bytes held for new keys", channel.held_bytes, limits.RENEWAL_HELD_MAX_BYTES)
    yield Holding("bytes not taken", link._unsent_bytes, limits.SEND_BUFFER_FULL_BYTES)
    yield Holding("records of a turn", len(link._collected), limits.SEND_BUFFER_MAX_BYTES // limits.FRAME_MAX_BYTES)


def _of_sessions(node: Node) -> Iterator[Holding]:
    logs = limits.LOGS_PER_CONVERSATION_MAX
    for state in node.syncing._links.values():
        yield Holding("jobs of a link", state.jobs, limits.LINK_JOBS_MAX)
        yield Holding("sessions of a link", len(state.sessions), len(node.book.people) + 1)
        for session in state.sessions.values():
            inward, outward, levels = session._in, session._out, session._levels
            yield Holding("logs", len(levels.ours), logs + 1)
            yield Holding("logs that were named", len(levels.named), 2 * logs)
            yield Holding("logs that were put aside", len(inward._refused_offers), logs)
            yield Holding("logs in dispute", len(inward._disputed), logs + 1)
            yield Holding("held bytes", inward._held_bytes, limits.HELD_BYTES_MAX)
            for held in inward._held.values():
                yield Holding("held entries", len(held), limits.HELD_ENTRIES_MAX)
            yield Holding("evidence below the floor", len(inward._below_floor), limits.FORK_BRANCHES_MAX)
            yield Holding("batches without an answer", outward._unanswered, limits.WINDOW_BATCHES)
            yield Holding("evidence to send", len(outward._evidence), logs * limits.FORK_BRANCHES_MAX)
            for streams in (outward._requested, outward._live, outward._bodies, outward._announced):
                yield Holding("logs to send", len(streams), logs + 1)
            for ranges in outward._bodies.values():
                yield Holding("ranges to send", len(ranges), limits.RANGES_MAX)
            yield Holding("offers to send", len(outward._offers), logs + 1)
