"""Figures: numbers with what stands beside them; medians, tables, and the file of results."""

import json
import os
import platform
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from onionchat.testing.namespace import QuickackNamespace
from onionchat.testing.torproc import tor_program

QUICKACK, PLAIN = "in the quickack namespace", "on the plain loopback"
RESULTS = Path(__file__).with_name("results.json")


@dataclass(frozen=True)
class Figure:
    """One measured number. `beside`: what it is to be compared with, and its number in the same unit.

    `rounds`: the numbers that `value` is the median of.
    """

    what: str
    value: float
    unit: str
    beside: str = ""
    beside_value: float | None = None
    rounds: list[float] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True)
class Size:
    """How much of everything is done."""

    quick: bool

    def of(self, full: int, quick: int) -> int:
        """One of two numbers."""
        return quick if self.quick else full

    def rounds(self, full: int) -> int:
        """On how many circuits; on the plain loopback, whose numbers only stand beside, and in a quick run two."""
        return min(full, 2) if self.quick or where() == PLAIN else full


def median(numbers: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(numbers)


def p95(numbers: Sequence[float]) -> float:
    """The one that 95 of 100 do not exceed."""
    return sorted(numbers)[min(len(numbers) - 1, int(len(numbers) * 0.95))]


def show(name: str, figures: Sequence[Figure]) -> str:
    """A table for a terminal."""
    rows = [[figure.what, number(figure), beside(figure), figure.note] for figure in figures]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = [f"== {name}"]
    for what, value, other, note in rows:
        line = f"  {what:<{widths[0]}}  {value:>{widths[1]}}  {other:<{widths[2]}}"
        lines.append(line.rstrip() + (f"  ({note})" if note else ""))
    return "\n".join(lines)


def number(figure: Figure) -> str:
    """`1.23 ms`"""
    return f"{short(figure.value)} {figure.unit}"


def beside(figure: Figure) -> str:
    """`raw echo: 1.0 ms`"""
    if figure.beside_value is None:
        return figure.beside
    return f"{figure.beside}: {short(figure.beside_value)} {figure.unit}"


def short(value: float) -> str:
    """Three digits or so."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def where() -> str:
    """Which loopback this process measures on."""
    return QUICKACK if QuickackNamespace.inside() else PLAIN


def machine() -> dict[str, Any]:
    """What it was measured on; nothing that names the machine."""
    version = subprocess.run([tor_program(), "--version"], capture_output=True, text=True, check=True).stdout
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "tor": version.split()[2].rstrip("."),
    }


def keep(name: str, figures: Sequence[Figure], size: Size, load: float) -> None:
    """Put the results of one bench into the file; those of others, and of the other loopback, stay.

    `load`: the machine's load before anything of ours ran.
    """
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept.setdefault(name, {})[where()] = {
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "quick": size.quick,
        "load": round(load, 1),
        "machine": machine(),
        "figures": [asdict(figure) for figure in figures],
    }
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
