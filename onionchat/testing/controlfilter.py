"""A small stand-in for onion-grater, the filter before the control port on Tails and Whonix.

It reads the very profile that we ship (the subset of YAML that such profiles use) and decides as the real
one does: a rule must match all of a command's arguments, `replacement` rewrites them, `response` rewrites
lines of the answer, an event is allowed, rewritten, suppressed, or `SETEVENTS` is refused whole.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from onionchat.errors import LocalError
from onionchat.limits import CONTROL_LINE_MAX_BYTES

LINE_MAX_BYTES = CONTROL_LINE_MAX_BYTES
REFUSAL = "510 Command filtered"
_KEY = re.compile(r"([A-Za-z_][\w-]*):(?:\s+(.*))?$")


class _Reader:
    """Reads block mappings, block sequences, quoted and plain scalars; nothing else of YAML."""

    def __init__(self, text: str) -> None:
        kept = [line.rstrip() for line in text.splitlines()]
        kept = [line for line in kept if line.strip() and not line.lstrip().startswith("#") and line != "---"]
        self._lines = [(len(line) - len(line.lstrip()), line.lstrip()) for line in kept]
        self._at = 0

    def read(self) -> Any:
        value = self._block(self._lines[0][0])
        if self._at != len(self._lines):
            raise LocalError(f"the profile cannot be read at: {self._lines[self._at][1]}")
        return value

    def _peek(self) -> tuple[int, str]:
        return self._lines[self._at] if self._at < len(self._lines) else (-1, "")

    def _block(self, indent: int) -> Any:
        return self._sequence(indent) if self._peek()[1].startswith("- ") else self._mapping(indent)

    def _sequence(self, indent: int) -> list[Any]:
        items: list[Any] = []
        while self._peek()[0] == indent and self._peek()[1].startswith("- "):
            rest = self._peek()[1][2:].lstrip()
            if _KEY.match(rest):
                self._lines[self._at] = (indent + 2, rest)
                items.append(self._mapping(indent + 2))
            else:
                self._at += 1
                items.append(_scalar(rest))
        return items

    def _mapping(self, indent: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._peek()[0] == indent and (match := _KEY.match(self._peek()[1])):
            self._at += 1
            found[match.group(1)] = _scalar(match.group(2)) if match.group(2) else self._nested(indent)
        return found

    def _nested(self, indent: int) -> Any:
        below, text = self._peek()
        if below > indent or (below == indent and text.startswith("- ")):
            return self._block(below)
        return None


def _scalar(text: str) -> Any:
    if text.startswith("'") and text.endswith("'"):
        return text[1:-1].replace("''", "'")
    return {"true": True, "false": False}.get(text, text)


def read_profile(text: str) -> dict[str, Any]:
    """The one filter of a profile; LocalError when there is not exactly one."""
    filters = _Reader(text).read()
    if not isinstance(filters, list) or len(filters) != 1:
        raise LocalError("a profile with exactly one filter was expected")
    found: dict[str, Any] = filters[0]
    return found


@dataclass(frozen=True)
class Rule:
    """One allowed form of a command's arguments."""

    pattern: str
    replacement: str | None = None
    response: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Passed:
    """A command that may pass, as the real Tor gets it."""

    line: str
    rule: Rule


@dataclass
class FilterRules:
    """What a profile allows. `client_address` is put in for `{client-address}`."""

    client_address: str
    commands: dict[str, list[Rule]] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str, client_address: str = "127.0.0.1") -> "FilterRules":
        profile = read_profile(text)
        rules = cls(client_address)
        for name, forms in profile["commands"].items():
            rules.commands[name.upper()] = [_rule(form) for form in forms or []]
        for name, options in (profile.get("events") or {}).items():
            rules.events[name.upper()] = options or {}
        return rules

    def command(self, line: str) -> Passed | None:
        """The line to pass on, or None when it is refused."""
        name, _, arguments = line.partition(" ")
        for rule in self.commands.get(name.upper(), []):
            match = re.match(rule.pattern + "$", arguments)
            if match is None:
                continue
            if rule.replacement is None:
                return Passed(line, rule)
            return Passed(f"{name} {self._filled(rule.replacement, match)}", rule)
        return None

    def _filled(self, replacement: str, match: "re.Match[str]") -> str:
        return replacement.format(*match.groups(), **{"client-address": self.client_address})

    def answer(self, rule: Rule, lines: Sequence[str]) -> list[str]:
        """The answer as the client gets it."""
        return [self._rewritten(rule.response, line) for line in lines]

    def may_listen(self, names: Sequence[str]) -> bool:
        """Whether all of the events are listed."""
        return all(name.upper() in self.events for name in names)

    def heard(self, names: Sequence[str]) -> list[str]:
        """Those that really come: the suppressed ones do not."""
        return [name.upper() for name in names if not self.events[name.upper()].get("suppress", False)]

    def event(self, line: str) -> str:
        """An event line as the client gets it; empty when it does not get it."""
        name = line.split(" ", 2)[1]
        pairs = [(rule["pattern"], rule["replacement"]) for rule in self.events.get(name, {}).get("response", [])]
        return self._rewritten(pairs, line).strip()

    def _rewritten(self, pairs: Sequence[tuple[str, str]], line: str) -> str:
        for pattern, replacement in pairs:
            match = re.match(pattern + "$", line)
            if match is not None:
                return self._filled(replacement, match)
        return line


def _rule(form: Any) -> Rule:
    if isinstance(form, str):
        return Rule(form)
    response = tuple((pair["pattern"], pair["replacement"]) for pair in form.get("response") or [])
    return Rule(form["pattern"], form.get("replacement"), response)
