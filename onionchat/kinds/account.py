"""Kinds of *self*, the conversation of one's own devices: contacts, trust, marks, settings, invitations.

Each but `Read`, `Forget`, `Restore` and `Card` is a register: what is superseded loses its body.
"""

from typing import Annotated, Literal

import msgspec

from onionchat import limits
from onionchat.codec import Bytes32, Record, Unsigned, encode
from onionchat.kinds.changes import (
    AccountLearned,
    BodiesForgotten,
    Change,
    ConversationWanted,
    ForgettingTakenBack,
    ReadUpTo,
    RegisterSet,
)

Name = Annotated[str, msgspec.Meta(max_length=limits.NAME_MAX_CHARACTERS * 4)]
Ranges = Annotated[tuple[tuple[Unsigned, Unsigned], ...], msgspec.Meta(max_length=limits.RANGES_MAX)]


class Contact(Record, frozen=True):
    """A person: the local pet name, what it calls itself, whether it may reach us.

    `imported`: its history came with an import; it is another account's contact, and only to read.
    `owed`: the invitation whose acceptance this contact has not confirmed yet, or empty. `dead`: devices of ours that
    were out before we met it: it is never told of them.
    """

    account: Bytes32
    name: Name
    remote_name: Name
    state: Literal["active", "blocked", "removed", "imported"]
    since_ms: Unsigned
    introduced_by: Name = ""
    owed: Annotated[bytes, msgspec.Meta(max_length=32)] = b""
    quota_bytes: Unsigned = limits.QUOTA_TOTAL_BYTES
    dead: Annotated[tuple[Bytes32, ...], msgspec.Meta(max_length=limits.STATEMENTS_PER_ACCOUNT_MAX)] = ()

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """One register an account, and a conversation with it."""
        register = RegisterSet("contact", self.account, encode(self))
        return (register,) if self.state == "removed" else (register, ConversationWanted(self.account))


class Choice(Record, frozen=True):
    """What the user has chosen for a contact, one thing at a time: `Contact` is written by programs as well.

    So two devices that are apart can each change something, and what the program notes does not undo it.
    """

    account: Bytes32
    what: Literal["name", "state", "quota"]
    value: Annotated[str, msgspec.Meta(max_length=limits.NAME_MAX_CHARACTERS * 4)]

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """One register for each thing of an account; it goes before what `Contact` says."""
        return (RegisterSet("choice", self.account + self.what.encode(), encode(self)),)


class TrustSet(Record, frozen=True):
    """What the user says of a contact's keys."""

    account: Bytes32
    trust: Literal["unvalidated", "validated", "compromised"]

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """One register an account."""
        return (RegisterSet("trust", self.account, encode(self)),)


class Card(Record, frozen=True):
    """What is known of an account's devices: statements, and (certificate, discovery private half) pairs."""

    account: Bytes32
    statements: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=limits.STATEMENTS_PER_ACCOUNT_MAX)]
    cards: Annotated[tuple[tuple[bytes, bytes], ...], msgspec.Meta(max_length=limits.DEVICES_PER_ACCOUNT_MAX * 2)]

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """Sets that only grow."""
        return (AccountLearned(self.account, self.statements, self.cards),)

    def __repr__(self) -> str:
        return "Card(…)"


class Read(Record, frozen=True):
    """How far a conversation was read, log by log."""

    conversation: Bytes32
    marks: Annotated[tuple[tuple[Bytes32, Unsigned], ...], msgspec.Meta(max_length=limits.LOGS_PER_CONVERSATION_MAX)]

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """Marks only grow, so order does not matter."""
        return (ReadUpTo(self.conversation, self.marks),)


class Forget(Record, frozen=True):
    """Bodies that every device of this account drops and refuses."""

    conversation: Bytes32
    log: Bytes32
    ranges: Ranges

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """Holds until it is taken back."""
        return (BodiesForgotten(self.conversation, self.log, self.ranges),)


class Restore(Record, frozen=True):
    """Takes back what a device of ours had no right to forget: ids of entries of kind `forget`."""

    entries: Annotated[tuple[Bytes32, ...], msgspec.Meta(max_length=limits.RANGES_MAX)]

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """Holds for ever."""
        return (ForgettingTakenBack(self.entries),)


class Setting(Record, frozen=True):
    """A setting of the account; an empty value takes it away."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    value: Annotated[str, msgspec.Meta(max_length=limits.TEXT_MAX_BYTES)]

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """One register a key."""
        return (RegisterSet("setting", self.key.encode(), encode(self)),)


class Invitation(Record, frozen=True):
    """An invitation of ours: `seed` is its key's, `static` the private half it authenticates channels with."""

    key: Bytes32
    seed: Annotated[bytes, msgspec.Meta(max_length=32)]
    static: Annotated[bytes, msgspec.Meta(max_length=32)]
    reusable: bool
    state: Literal["open", "used", "expired", "closed"]
    created_ms: Unsigned
    expires_ms: Unsigned
    accept_as: Name = ""
    device: Annotated[bytes, msgspec.Meta(max_length=32)] = b""  # which device publishes it
    for_contact: Annotated[bytes, msgspec.Meta(max_length=32)] = b""  # the account that asked for it, to introduce us

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """One register an invitation."""
        return (RegisterSet("invitation", self.key, encode(self)),)

    def __repr__(self) -> str:
        return "Invitation(…)"


class Asked(Record, frozen=True):
    """A link that we have added. `state` ends in accepted, cancelled, refused or expired."""

    invitation: Bytes32
    name: Name
    greeting: Annotated[str, msgspec.Meta(max_length=limits.GREETING_MAX_CHARACTERS * 4)]
    state: Literal["waiting", "kept", "accepted", "cancelled", "refused", "expired"]
    created_ms: Unsigned
    device: Bytes32  # which device asks
    reason: Name = ""
    introduced_by: Name = ""

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """One register a link."""
        return (RegisterSet("asked", self.invitation, encode(self)),)


class Request(Record, frozen=True):
    """Somebody asks to be a contact. `keep`: statements and cards, dropped once the request is settled."""

    account: Bytes32
    device: Bytes32
    invitation: Bytes32
    name: Name
    greeting: Annotated[str, msgspec.Meta(max_length=limits.GREETING_MAX_CHARACTERS * 4)]
    state: Literal["waiting", "ignored", "blocked", "accepted"]
    created_ms: Unsigned
    statements: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=limits.STATEMENTS_PER_ACCOUNT_MAX)] = ()
    cards: Annotated[tuple[tuple[bytes, bytes], ...], msgspec.Meta(max_length=limits.DEVICES_PER_ACCOUNT_MAX)] = ()

    def fold(self, _conversation: bytes) -> tuple[Change, ...]:
        """One register an account."""
        return (RegisterSet("request", self.account, encode(self)),)

    def __repr__(self) -> str:
        return "Request(…)"
