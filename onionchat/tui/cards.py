"""Links inside of messages, and who a card introduces. Pure."""

import re

from onionchat.api import types as t
from onionchat.tui.render import one_line

_LINK = re.compile(r"onionchat:[a-z2-7]{56}(?![a-z2-7])", re.IGNORECASE)
_CARD = re.compile(r"introduces (.+): onionchat:\S+\Z", re.DOTALL)


def link_in(text: str) -> str | None:
    """The first link that a message holds."""
    found = _LINK.search(text)
    return found[0] if found else None


def introduced_name(message: t.Message) -> str:
    """The name that a card gives to the one it introduces; nothing for other messages."""
    found = _CARD.match(message.text) if message.kind == "card" else None
    return one_line(found[1]) if found else ""
