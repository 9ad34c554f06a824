"""Medians, tables, the file of results, and the page that is made of it."""

import json

import pytest

from bench import figures
from bench.figures import Figure, Size, keep, median, p95, show
from bench.page import page


def test_medians_and_percentiles():
    assert median([3, 1, 2]) == 2
    assert p95(range(100)) == 95
    assert p95([7]) == 7


def test_a_table_has_a_line_for_each_figure():
    lines = show("talk", [Figure("one", 1.234, "ms", "echo", 0.5), Figure("two", 12345.6, "msg/s")]).splitlines()
    assert lines == ["== talk", "  one       1.23 ms  echo: 0.50 ms", "  two  12,346 msg/s"]


def test_results_of_other_benches_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(figures, "machine", lambda: {"cores": 2})
    keep("one", [Figure("a", 1, "s")], Size(quick=True))
    keep("two", [Figure("b", 2, "s")], Size(quick=False))
    keep("one", [Figure("a", 3, "s")], Size(quick=False))
    kept = json.loads((tmp_path / "results.json").read_text())
    assert {name: (each["figures"][0]["value"], each["quick"]) for name, each in kept.items()} == {
        "one": (3, False),
        "two": (2, False),
    }


@pytest.mark.parametrize("inside", [True, False])
def test_the_page_shows_value_spread_and_what_stands_beside(inside):
    machine = {"cores": 2, "memory_gib": 4, "processor": "x", "python": "3", "tor": "0.4", "quickack_namespace": inside}
    figure = {"what": "trip", "value": 2.0, "unit": "ms", "beside": "echo", "beside_value": 1.0, "rounds": [1.9, 2.4]}
    text = page({"talk": {"day": "2026-11-21", "quick": False, "machine": machine, "figures": [figure]}})
    assert "| trip | **2.00 ms** (1.90-2.40) | echo: 1.00 ms |" in text
    assert ("namespace" in text.splitlines()[-1]) is inside
