"""Makes docs/performance.md of bench/results.json: `python -m bench.page > docs/performance.md`."""

import json
import sys
from typing import Any

from bench.figures import RESULTS, Figure, beside, number, short

HEAD = """# Performance

Made from `bench/results.json` by `python -m bench.page`; do not edit. `python -m bench` measures again.

Every figure stands beside what the network or the disk below it needs for the same, measured in the same run on the
same Tors. The Tor network is a private one on one machine's loopback (five relays): it has no distance, so that what
the program itself adds can be seen. The real network adds its own 0.2-1 s to each round trip.
Values are medians of the rounds that are given in brackets (lowest to highest).
"""


def page(results: dict[str, Any]) -> str:
    """The page in Markdown."""
    return HEAD + "".join(f"\n{_section(name, result)}" for name, result in results.items())


def _section(name: str, result: dict[str, Any]) -> str:
    lines = [f"## {name}", "", "| figure | value | beside |", "|---|---|---|"]
    for each in result["figures"]:
        figure = Figure(**each)
        spread = f" ({short(min(figure.rounds))}-{short(max(figure.rounds))})" if len(figure.rounds) > 1 else ""
        note = f" {figure.note}" if figure.note else ""
        lines.append(f"| {figure.what} | **{number(figure)}**{spread} | {beside(figure)}{note} |")
    return "\n".join([*lines, "", _machine(result), ""])


def _machine(result: dict[str, Any]) -> str:
    found = result["machine"]
    quickack = "in the quickack namespace" if found["quickack_namespace"] else "on the plain loopback"
    size = ", quick run" if result["quick"] else ""
    return (
        f"{result['day']}, {found['cores']} cores ({found['processor']}), {found['memory_gib']} GiB, Python"
        f" {found['python']}, Tor {found['tor']}, {quickack}{size}."
    )


if __name__ == "__main__":
    sys.stdout.write(page(json.loads(RESULTS.read_text())))
