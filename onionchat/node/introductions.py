"""Introducing contacts to each other: Bob asks Carol for a one-time link and hands it to Alice.

Carol's device answers by itself: the link only lets Alice *ask*, and Carol still decides. What is under way stands in
registers, so that it goes on after a restart.
"""

from collections import Counter
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, ensureDeferred

from onionchat import limits
from onionchat.codec import decode
from onionchat.crypto.keys import ExchangeKey, SigningKey
from onionchat.errors import LocalError, RemoteError
from onionchat.ids import id_text
from onionchat.kinds import account as kinds
from onionchat.kinds import chat
from onionchat.node.book import Person
from onionchat.store import people
from onionchat.text import remote_name

if TYPE_CHECKING:
    from onionchat.node.node import Node

TOKEN_BYTES = 16


def _setting(token: bytes) -> str:
    """Who is to get the link, while we wait for it."""
    return f"introduce:{token.hex()}"


class Introductions:
    """All introductions, in any of the three parts."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._making: Counter[bytes] = Counter()  # links that are on their way to the disk, by who asked for them

    def introduce(self, person: Person, to: Person) -> "Deferred[None]":
        """Ask `person` for a link that `to` shall get. LocalError when it is the same one."""
        if person.account == to.account:
            raise LocalError("name two different contacts: who is introduced, and to whom")
        return ensureDeferred(self._ask(person, to))

    async def _ask(self, person: Person, to: Person) -> None:
        token = self._node.random(TOKEN_BYTES)
        await self._node.append_self([kinds.Setting(_setting(token), id_text(to.account))])
        await self._node.append(person.conversation, chat.Card("ask", token, to.name))

    def resume(self) -> None:
        """At start: what a crash may have cut off."""
        for key, _ in people.registers(self._node.store.reads, chat.CARD_REGISTER):
            self.changed(key)

    def changed(self, key: bytes) -> None:
        """A card came, or was written by us."""
        node = self._node
        row = node.store.reads.execute(
            "SELECT register.value, entry.mine FROM register JOIN entry ON entry.n = register.entry"
            " WHERE register.kind = ? AND register.key = ?",
            (chat.CARD_REGISTER, key),
        ).fetchone()
        person = node.book.by_conversation(key[: limits.KEY_BYTES])
        if row is None or row[1] or person is None or not person.is_active:
            return
        try:
            card = decode(bytes(row[0]), chat.Card, limits.ENTRY_MAX_BYTES)
        except RemoteError:
            return
        if card.step == "ask":
            ensureDeferred(self._answer(person, card)).addErrback(node.report)
        elif card.step == "link" and len(card.invitation) == limits.KEY_BYTES:
            ensureDeferred(self._hand_over(person, card)).addErrback(node.report)

    async def _answer(self, person: Person, card: chat.Card) -> None:
        node = self._node
        made = [i for i in node.book.invitations.values() if i.for_contact == person.account and i.state == "open"]
        making = self._making[person.account]
        if (
            len(made) + making >= limits.INTRODUCTION_LINKS_MAX
            or sum(i.state == "open" for i in node.book.invitations.values()) >= 2 * limits.INVITATIONS_MAX
        ):
            return
        self._making[person.account] += 1
        try:
            await self._make(person, card)
        finally:
            self._making[person.account] -= 1

    async def _make(self, person: Person, card: chat.Card) -> None:
        node = self._node
        key, static = SigningKey(node.random(32)), ExchangeKey(node.random(32))
        now = node.now_ms()
        expires = now + limits.INVITATION_DEFAULT_SECONDS * 1000
        await node.append_self(
            [
                kinds.Invitation(
                    key.public,
                    key.seed,
                    static.private,
                    False,
                    "open",
                    now,
                    expires,
                    "",
                    node.own.device,
                    person.account,
                )
            ]
        )
        node.services.changed()
        await node.append(person.conversation, chat.Card("link", card.token, node.book.own_name, key.public))
        node.noticed(
            person.conversation, f"{person.name} introduces you to {remote_name(card.name)}: a request may come"
        )

    async def _hand_over(self, person: Person, card: chat.Card) -> None:
        node = self._node
        wanted = node.book.settings.get(_setting(card.token), "")
        to = next((p for p in node.book.active() if id_text(p.account) == wanted), None)
        if to is None:
            return
        await node.append_self([kinds.Setting(_setting(card.token), "")])
        hand = chat.Card("hand", node.random(TOKEN_BYTES), person.name, card.invitation)
        await node.append(to.conversation, hand)

    def introducer(self, invitation: bytes) -> str:
        """The pet name of the contact who handed us this link; empty when nobody did."""
        for key, value in people.registers(self._node.store.reads, chat.CARD_REGISTER):
            person = self._node.book.by_conversation(key[: limits.KEY_BYTES])
            try:
                card = decode(value, chat.Card, limits.ENTRY_MAX_BYTES)
            except RemoteError:
                continue
            if person is not None and card.step == "hand" and card.invitation == invitation:
                return person.name
        return ""
