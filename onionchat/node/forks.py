"""Forked logs: telling the user, writing our own again, and noticing that a copy of this device is in use elsewhere.

A log forks when the disk of its device is restored from an old copy. That is mended by itself (store/mending.py). Two
copies that run at once never end, so that is said plainly, with what to do.
"""

from typing import TYPE_CHECKING

from twisted.python.failure import Failure

from onionchat import limits
from onionchat.ids import ConversationId, LogId
from onionchat.net.peer import PeerLink
from onionchat.store.keeping import Appended
from onionchat.store.mending import pending_conversations

if TYPE_CHECKING:
    from onionchat.node.node import Node

RESTORED = (
    "this device goes on from an old copy of its disk. What it wrote since that copy comes back from the devices that"
    " have it; what nobody else had is lost"
)
RESTORED_HERE = (
    "this device goes on from an old copy of its disk; messages from after that copy come back in their places"
)
OTHERS_RESTORED = (
    "a device of this contact goes on from an old copy of its disk, or is in use twice; what it wrote apart comes in"
    " its place"
)
OWN_RESTORED = (
    "your device {device} goes on from an old copy of its disk, or is in use twice; what it wrote apart comes"
)
COPY_IN_USE = (
    "a copy of this device is in use elsewhere, with the same keys: end that one, and link its machine as a device of"
    " its own (`onionchat link` here, `onionchat join` there); nothing is lost meanwhile, but either may be unreachable"
)


class Forks:
    """What the node does about forks."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._mending: set[ConversationId] = set()
        self._opened_ms = 0
        self._has_renewed = False

    def start(self) -> None:
        """The store is open: go on where a stop or a crash cut off."""
        self._opened_ms = self._node.now_ms()
        self._mending.clear()
        for conversation in pending_conversations(self._node.store.reads):
            self._mend(conversation)

    def appended(self, result: Appended) -> None:
        """A commit, by whomever."""
        for head in result.frozen:
            self._tell(result.conversation, head.log)
        if result.mending:
            self._mend(result.conversation)
        if result.copied_ms:
            self._renew(result.copied_ms)
        # what our past wrote is older than our start, apart from what a clock may be corrected by
        if result.copied_ms > self._opened_ms + limits.FUTURE_MILLISECONDS_MAX:
            self._node.warn(COPY_IN_USE)

    def _renew(self, copied_ms: int) -> None:
        """We wrote something that this disk does not know, after its certificate was made: we may have moved since.

        Once, lest two copies that run at once move for ever.
        """
        row = self._node.services.current_address()
        if not self._has_renewed and row is not None and copied_ms > row.since_ms:
            self._has_renewed = True
            self._node.services.renew().addErrback(self._node.report)

    def is_pushed_out(self, link: PeerLink, reason: str) -> bool:
        """Whether a peer prefers another channel with this device, of which we know nothing: a copy of us has it.

        Two copies would else push each other out every few seconds. A peer may lie, so that it is no reason to warn.
        """
        if not reason.endswith(": replaced") or link.peer is None:
            return False
        live = self._node.peers.live.get(link.peer.device) if link.peer.device is not None else None
        return live is link

    def _tell(self, conversation: ConversationId, log: LogId) -> None:
        node = self._node
        device = node.reader.log_device(log)
        if device == node.own.device:
            node.warn(RESTORED)
            node.syncing.warn(conversation, RESTORED_HERE)
        elif device in node.book.own_devices:
            node.warn(OWN_RESTORED.format(device=node.book.device_label(device)))
        else:
            node.syncing.warn(conversation, OTHERS_RESTORED)

    def _mend(self, conversation: ConversationId) -> None:
        """A portion; its commit asks for the next one."""
        if conversation in self._mending:
            return
        self._mending.add(conversation)
        node = self._node
        now_ms = node.now_ms()

        def ended(result: Appended | Failure) -> Appended | Failure:
            self._mending.discard(conversation)
            return result

        done = node.through_gate(lambda c, gate: gate.mend(c, conversation, now_ms)).addBoth(ended)
        done.addCallbacks(node.appended, node.report)
