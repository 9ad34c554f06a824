"""A contact: how far I trust it, and what I call it. docs/spec/identity.md, "Names" and "Trust"."""

from collections.abc import Iterable
from enum import Enum
from itertools import count

from onionchat.errors import LocalError
from onionchat.limits import NAME_MAX_CHARACTERS
from onionchat.text import clean_name, name_key, remote_name, skeleton


class Trust(Enum):
    """How far the user trusts that a contact is who it should be. Only the user raises it."""

    UNVALIDATED = "unvalidated"
    VALIDATED = "validated"
    COMPROMISED = "compromised"

    @property
    def sentence(self) -> str:
        """What it means, for the person who reads it."""
        return _SENTENCES[self]


_SENTENCES = {
    Trust.UNVALIDATED: "nobody has compared the words with this contact: it may be someone else",
    Trust.VALIDATED: "you have compared the words with this contact",
    Trust.COMPROMISED: "this contact is marked as compromised: nothing is sent to it",
}

# What the user may do without being asked first. Leaving `compromised` is always asked for; nothing else is barred.
_UNASKED = {
    (Trust.UNVALIDATED, Trust.VALIDATED),
    (Trust.UNVALIDATED, Trust.COMPROMISED),
    (Trust.VALIDATED, Trust.UNVALIDATED),
    (Trust.VALIDATED, Trust.COMPROMISED),
}


def needs_asking(old: Trust, new: Trust) -> bool:
    """Whether a change of trust by the user wants a yes first."""
    return old is not new and (old, new) not in _UNASKED


def on_new_device(trust: Trust, admitted_by_validated: bool) -> Trust:
    """Trust after a contact's account got a device. `admitted_by_validated`: a device that was there when the words
    were compared, or that such a one admitted, admitted it; not so after recovery."""
    return Trust.UNVALIDATED if trust is Trust.VALIDATED and not admitted_by_validated else trust


def check_pet_name(name: str, taken: Iterable[str]) -> str:
    """The name, when I can call a contact so. `taken`: the names of all others.

    LocalError: not a `clean_name`, in use (case and encoding do not count), or looking like one in use.
    """
    clean_name(name)
    others = list(taken)
    key, look = name_key(name), skeleton(name)
    if any(name_key(other) == key for other in others):
        raise LocalError("that name is in use: choose another, or rename the other contact first")
    for other in others:
        if skeleton(other) == look:
            raise LocalError(
                f'that name looks like "{other}", which is in use: choose one that cannot be mistaken for it'
            )
    return name


def suggest_name(remote: str, taken: Iterable[str]) -> str:
    """A pet name that passes `check_pet_name`, made of what someone calls himself; numbered when that is taken."""
    others = list(taken)
    used = {name_key(other) for other in others} | {skeleton(other) for other in others}
    wanted = remote_name(remote)
    for number in count(1):
        ending = f" {number}" if number > 1 else ""
        name = remote_name(wanted[: NAME_MAX_CHARACTERS - len(ending)]) + ending
        if not {name_key(name), skeleton(name)} & used and _is_clean(name):
            return name
    raise AssertionError("numbers do not end")


def _is_clean(name: str) -> bool:
    try:
        return clean_name(name) == name
    except LocalError:
        return False
