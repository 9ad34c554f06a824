"""What the people of a world have done, and what onionchat has promised them: the truth that devices are held against.

A promise is a Deferred of the API that has fired: committed. What was asked for and not promised may be there or not.
"""

from dataclasses import dataclass, field


@dataclass
class Written:
    """A message. `people`: the two who talk (one, for notes)."""

    text: str
    people: frozenset[str]
    author: str
    expires: bool = False
    device: str = ""
    """The name of the one that it was written at."""


@dataclass(frozen=True)
class Removing:
    """Somebody began to untrust a device at another one. Names of devices; `held`: messages that the remover had."""

    person: str
    remover: str
    target: str
    held: frozenset[str]


@dataclass
class Ledger:
    """Ids are those of the API."""

    texts: set[str] = field(default_factory=set)
    """Everything that anybody ever tried to write, edits too."""
    written: dict[str, Written] = field(default_factory=dict)
    """What is promised to be there."""
    touched: set[str] = field(default_factory=set)
    """Messages that somebody began to take back: they need not be there."""
    retracted: set[str] = field(default_factory=set)
    forgetting: dict[str, set[str]] = field(default_factory=dict)
    """By person: what one of their devices began to forget."""
    forgotten: dict[str, set[str]] = field(default_factory=dict)
    """By person: what is promised never to be there again, on any of their devices."""
    friends: set[frozenset[str]] = field(default_factory=set)
    """Who are promised to be contacts."""
    refused: int = 0
    deleted_at: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """By person who wanted to forget it (nobody: to take it back), and message: the names of the devices for that."""
    secrets: dict[str, frozenset[bytes]] = field(default_factory=dict)
    """By text: the devices of which the writer's one knew that they are out."""

    def begin_forgetting(self, person: str, ids: list[str]) -> None:
        """Somebody wants to forget."""
        self.forgetting.setdefault(person, set()).update(ids)

    def begin_deleting(self, device: str, person: str, ids: list[str]) -> None:
        """Something is to be gone, said at this device; for this person, or for all, when nobody is named."""
        for each in ids:
            self.deleted_at.setdefault((person, each), set()).add(device)

    def forget(self, person: str, ids: list[str]) -> None:
        """It is on the disk of one of their devices."""
        self.forgotten.setdefault(person, set()).update(ids)

    def may_lack(self, person: str, message: str) -> bool:
        """Whether this person's devices need not show a message."""
        return message in self.touched or message in self.forgetting.get(person, ())
