"""Text that is written from right to left, in the order of the screen: for terminals that do not do it. Pure.

The algorithm of Unicode (UAX 9) for one line, without what a message cannot have here: characters that embed, override
or isolate are replaced before (`onionchat.text`). Pairs of brackets have no rule of their own, but are mirrored.
Letters are not joined: a terminal without right-to-left does not do that either.
"""

import unicodedata
from collections.abc import Sequence
from itertools import groupby

from onionchat.text import clusters

_MIRRORED = str.maketrans("()[]{}<>«»‹›≤≥", ")(][}{><»«›‹≥≤")
_NUMBERS = ("EN", "AN")
_STRONG = ("L", "R", "AL")
_NEUTRAL = ("B", "S", "WS", "ON", "BN", "NSM", "")


def visual(line: str) -> str:
    """The line with its characters in the order in which they stand on the screen, from the left. As wide as before."""
    signs = list(clusters(line))
    types = [unicodedata.bidirectional(sign[0]) for sign in signs]
    base = next((1 if kind != "L" else 0 for kind in types if kind in _STRONG), 0)
    levels = _levels(_resolved(types, base), base)
    end = len(signs)
    while end and types[end - 1] in ("WS", "S", "B"):  # blanks at the end go with the line, not with the words
        end -= 1
        levels[end] = base
    return "".join(
        sign.translate(_MIRRORED) if level % 2 else sign for sign, level in _reversed_by_levels(signs, levels)
    )


def _resolved(types: Sequence[str], base: int) -> list[str]:
    """Every sign is L, R, EN or AN: the rules W2 to W7, N1 and N2."""
    kinds = list(types)
    strong = "R" if base else "L"
    for at, kind in enumerate(kinds):
        if kind in _STRONG:
            strong = kind
        elif kind == "EN" and strong == "AL":
            kinds[at] = "AN"
    kinds = ["R" if kind == "AL" else kind for kind in kinds]
    _join_separators(kinds)
    _join_terminators(kinds)
    strong = "R" if base else "L"
    for at, kind in enumerate(kinds):
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[at] = "L"
    return _neutrals(kinds, "R" if base else "L")


def _join_separators(kinds: list[str]) -> None:
    """1,000 and 3-4 are one number."""
    for at in range(1, len(kinds) - 1):
        before, kind, after = kinds[at - 1 : at + 2]
        if before == after and ((kind == "ES" and before == "EN") or (kind == "CS" and before in _NUMBERS)):
            kinds[at] = before


def _join_terminators(kinds: list[str]) -> None:
    """What stands at a number as % and € does goes with it; other separators are as neutral as any sign."""
    at = 0
    for is_terminator, group in groupby(list(kinds), key=lambda kind: kind == "ET"):
        length = len(list(group))
        if is_terminator:
            beside = kinds[max(at - 1, 0) : at] + kinds[at + length : at + length + 1]
            kinds[at : at + length] = ["EN" if "EN" in beside else "ON"] * length
        at += length
    kinds[:] = ["ON" if kind in ("ES", "CS", *_NEUTRAL) else kind for kind in kinds]


def _neutrals(kinds: list[str], base: str) -> list[str]:
    """Between two of one direction they have it, too; else that of the line."""
    found: list[str] = []
    at = 0
    for is_neutral, group in groupby(kinds, key=lambda kind: kind == "ON"):
        members = list(group)
        if is_neutral:
            before = _side(kinds[at - 1]) if at else base
            after = _side(kinds[at + len(members)]) if at + len(members) < len(kinds) else base
            members = [before if before == after else base] * len(members)
        found += members
        at += len(members)
    return found


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"


def _levels(kinds: Sequence[str], base: int) -> list[int]:
    """The rules I1 and I2: even levels run to the right, odd ones to the left."""
    if base:
        return [1 if kind == "R" else 2 for kind in kinds]
    return [{"L": 0, "R": 1}.get(kind, 2) for kind in kinds]


def _reversed_by_levels(signs: Sequence[str], levels: Sequence[int]) -> list[tuple[str, int]]:
    """The rule L2: from the highest level down, whatever is at least so high is turned round."""
    order = list(zip(signs, levels, strict=True))
    for level in range(max(levels, default=0), 0, -1):
        turned: list[tuple[str, int]] = []
        for is_high, group in groupby(order, key=lambda pair, level=level: pair[1] >= level):  # type: ignore[misc]
            members = list(group)
            turned += members[::-1] if is_high else members
        order = turned
    return order
