"""Makes docs/performance.md of bench/results.json: `python -m bench.page > docs/performance.md`."""

import json
import sys
from pathlib import Path
from typing import Any

from bench.figures import PLAIN, QUICKACK, RESULTS, Figure, beside, number, short

HEAD = """# Performance

Made from `bench/results.json` and `bench/scale.md` by `python -m bench.page`; do not edit. `make bench` measures again.

Every figure stands beside what the network or the disk below it needs for the same, or another program, measured in the
same run on the same Tors. The Tor network is a private one on one machine's loopback (five relays): it has no distance,
so that what the program itself adds can be seen. The real network adds its own 0.2-1 s to each round trip.
Values are medians of the rounds that are given in brackets (lowest to highest).

Measured in a network namespace whose loopback acknowledges at once (*quickack*). On the ordinary loopback some circuits
of such a network show steps of 44 ms, which are delayed ACKs between its relays; the columns *plain* show that.
"""
SCALE = Path(__file__).with_name("scale.md")


def page(results: dict[str, Any], scale: str = "") -> str:
    """The page in Markdown; `scale` is the part that was written by hand."""
    sections = "".join(f"\n{_section(name, result)}" for name, result in results.items())
    return HEAD + sections + (f"\n{scale}" if scale else "")


def _section(name: str, result: dict[str, Any]) -> str:
    runs = [(where, result[where]) for where in (QUICKACK, PLAIN) if where in result]
    heads = ["quickack", "plain"] if len(runs) == 2 else ["value"]
    columns = "".join(f" {head} | beside |" for head in heads)
    lines = [f"## {name}", "", f"| figure |{columns}", "|---|" + "---|---|" * len(runs)]
    found = [{each["what"]: Figure(**each) for each in run["figures"]} for _, run in runs]
    for what in found[0]:
        cells = "".join(_cells(figures.get(what)) for figures in found)
        lines.append(f"| {what} |{cells}")
    return "\n".join([*lines, "", *(_machine(where, run) for where, run in runs), ""])


def _cells(figure: Figure | None) -> str:
    if figure is None:
        return " | |"
    spread = f" ({short(min(figure.rounds))}-{short(max(figure.rounds))})" if len(figure.rounds) > 1 else ""
    note = f" {figure.note}" if figure.note else ""
    return f" **{number(figure)}**{spread} | {beside(figure)}{note} |"


def _machine(where: str, result: dict[str, Any]) -> str:
    found = result["machine"]
    load = f"; load of the machine before: {result['load']}" if "load" in result else ""
    size = ", quick run" if result["quick"] else ""
    return (
        f"{result['day']}, {found['cores']} cores ({found['processor']}), {found['memory_gib']} GiB, Python"
        f" {found['python']}, Tor {found['tor']}, {where}{load}{size}."
    )


if __name__ == "__main__":
    sys.stdout.write(page(json.loads(RESULTS.read_text()), SCALE.read_text() if SCALE.exists() else ""))
