"""Completion in the input: commands, their arguments, names, emoji. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from onionchat.tui.commands import BY_NAME, COMMANDS, ELSEWHERE, TRUST_WORDS, Argument
from onionchat.tui.emoji import CODES
from onionchat.tui.words import quoted, words_with_starts

CANDIDATES_MAX = 20


@dataclass(frozen=True)
class Known:
    """What can be completed: names of conversations, ids of requests, links of invitations."""

    names: Sequence[str] = ()
    requests: Sequence[str] = ()


@dataclass(frozen=True)
class Completion:
    """What could stand from `start` to the cursor."""

    start: int
    candidates: tuple[str, ...]


def complete(before: str, known: Known) -> Completion:
    """Candidates for what stands before the cursor; none when there is nothing to say."""
    if before.startswith("/") and not before.startswith("//"):
        return _in_command(before, known)
    start = max(before.rfind(" "), before.rfind("\n")) + 1
    token = before[start:]
    if token.startswith(":") and len(token) > 1:
        return Completion(start, _emoji(token[1:]))
    if not token:
        return Completion(start, ())
    return Completion(start, tuple(name for name in known.names if _starts(name, token))[:CANDIDATES_MAX])


def _in_command(before: str, known: Known) -> Completion:
    if " " not in before:
        found = sorted(name for name in (*BY_NAME, *ELSEWHERE) if name.startswith(before[1:]))
        return Completion(0, tuple(f"/{name} " for name in found))
    command = BY_NAME.get(before[1:].split(" ")[0])
    if command is None:
        return Completion(len(before), ())
    words = words_with_starts(before)
    if before.endswith(" "):
        words.append(("", len(before)))
    index = len(words) - 2
    token, start = words[-1]
    argument = command.argument(index)
    return Completion(start, () if argument is None else _values(argument, token, known))


def _values(argument: Argument, token: str, known: Known) -> tuple[str, ...]:
    if argument.kind == "emoji":
        return _emoji(token.lstrip(":"))
    if argument.kind == "text" and token.startswith(":") and len(token) > 1:
        return _emoji(token[1:])
    sources: dict[str, Sequence[str]] = {
        "name": known.names,
        "request": known.requests,
        "trust": TRUST_WORDS,
        "command": [command.name for command in COMMANDS],
    }
    values = sources.get(argument.kind, argument.words)
    return tuple(f"{quoted(value)} " for value in values if _starts(value, token))[:CANDIDATES_MAX]


def _emoji(start: str) -> tuple[str, ...]:
    return tuple(sign for code, sign in CODES.items() if code.startswith(start.rstrip(":")))[:CANDIDATES_MAX]


def _starts(value: str, token: str) -> bool:
    return value.casefold().startswith(token.casefold())
