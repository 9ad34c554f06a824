"""Makes docs/performance.md of bench/results.json: `python -m bench.page > docs/performance.md`."""

import json
import sys
from pathlib import Path
from typing import Any

from bench.figures import PLAIN, QUICKACK, RESULTS, Figure, beside, number, short
from bench.memory import PER_CHANNEL
from bench.scale import BYTES, PROCESSOR

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
TABLE = "TABLE"
PEOPLE = [(contacts, devices) for contacts in (10, 100, 1000) for devices in (1, 3, 5)]
CELLS = 2 * 514 / 534
"""Bytes of cells for each byte of a heartbeat's TLS record."""


def page(results: dict[str, Any], scale: str = "") -> str:
    """The page in Markdown; `scale` is the part that was written by hand."""
    sections = "".join(f"\n{_section(name, result)}" for name, result in results.items())
    table = _reckoned(results)
    return HEAD + sections + (f"\n{scale.replace(TABLE, table)}" if scale else "")


def _reckoned(results: dict[str, Any]) -> str:
    """What contacts cost, from what one channel does."""
    try:
        found = {each["what"]: each for name in ("scale", "contacts") for each in _any(results[name])["figures"]}
        bytes_kib, cpu_us = found[BYTES]["value"], found[PROCESSOR]["value"]
        memory_kib, tor_kib = found[PER_CHANNEL]["value"], found[PER_CHANNEL]["beside_value"]
    except KeyError:
        bytes_kib = cpu_us = memory_kib = tor_kib = None
    if None in (bytes_kib, cpu_us, memory_kib, tor_kib):
        return "(not measured yet)"
    lines = [
        "| contacts | devices each | circuits | memory for them | of Tor | processor | in TLS a day | to the guard |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for contacts, devices in PEOPLE:
        n = contacts * devices
        day_mib = n * bytes_kib / 1024
        mib = [n * memory_kib / 1024, n * tor_kib / 1024, day_mib, day_mib * CELLS]
        memory, of_tor, a_day, wire = (f"{short(each)} MiB" for each in mib)
        shown = (f"{n:,}", memory, of_tor, f"{short(n * cpu_us / 1e4)} %", a_day, wire)
        lines.append(f"| {contacts:,} | {devices} | {' | '.join(shown)} |")
    return "\n".join(lines)


def _any(result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(result.values()))
    return found


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
