"""Medians, tables, the file of results, and the page that is made of it."""

import json

import pytest

from bench import figures
from bench.figures import PLAIN, QUICKACK, Figure, Size, keep, median, p95, show
from bench.memory import PER_CHANNEL
from bench.page import page
from bench.scale import BYTES, PROCESSOR


def test_medians_and_percentiles():
    assert median([3, 1, 2]) == 2
    assert p95(range(100)) == 95
    assert p95([7]) == 7


def test_a_table_has_a_line_for_each_figure():
    lines = show("talk", [Figure("one", 1.234, "ms", "echo", 0.5), Figure("two", 12345.6, "msg/s")]).splitlines()
    assert lines == ["== talk", "  one       1.23 ms  echo: 0.50 ms", "  two  12,346 msg/s"]


def test_results_of_other_benches_and_of_the_other_loopback_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(figures, "machine", lambda: {"cores": 2})
    for name, value, where in (("one", 1, PLAIN), ("two", 2, PLAIN), ("one", 3, PLAIN), ("one", 4, QUICKACK)):
        monkeypatch.setattr(figures, "where", lambda where=where: where)
        keep(name, [Figure("a", value, "s")], Size(quick=value == 1), 0.5)
    kept = json.loads((tmp_path / "results.json").read_text())
    found = {(name, where): run["figures"][0]["value"] for name, runs in kept.items() for where, run in runs.items()}
    assert found == {("one", PLAIN): 3, ("two", PLAIN): 2, ("one", QUICKACK): 4}
    assert not kept["one"][PLAIN]["quick"]
    assert kept["one"][PLAIN]["load"] == 0.5


MACHINE = {"cores": 2, "memory_gib": 4, "processor": "x", "python": "3", "tor": "0.4"}


def run(*values: float) -> dict[str, object]:
    """One bench on one loopback."""
    figures = [
        {"what": what, "value": value, "unit": "ms", "beside": "echo", "beside_value": 1.0, "rounds": [1.9, 2.4]}
        for what, value in zip(("trip", "more"), values, strict=False)
    ]
    return {"day": "2026-11-21", "quick": False, "load": 0.3, "machine": MACHINE, "figures": figures}


@pytest.mark.parametrize("where", [PLAIN, QUICKACK])
def test_the_page_shows_value_spread_and_what_stands_beside(where):
    text = page({"talk": {where: run(2.0)}})
    assert "| trip | **2.00 ms** (1.90-2.40) | echo: 1.00 ms |" in text
    assert where in text.splitlines()[-1]
    assert "load of the machine before: 0.3" in text


def test_two_loopbacks_are_two_columns():
    text = page({"talk": {PLAIN: run(9.0), QUICKACK: run(2.0, 3.0)}}, "## by hand\n")
    assert "| trip | **2.00 ms** (1.90-2.40) | echo: 1.00 ms | **9.00 ms** (1.90-2.40) | echo: 1.00 ms |" in text
    assert "| more | **3.00 ms** (1.90-2.40) | echo: 1.00 ms | | |" in text
    assert text.endswith("\n## by hand\n")


def test_what_contacts_cost_is_reckoned_from_one_channel():
    figures = [
        {"what": BYTES, "value": 2048.0, "unit": "KiB"},
        {"what": PROCESSOR, "value": 5.0, "unit": "µs each second"},
        {"what": PER_CHANNEL, "value": 102.4, "unit": "KiB", "beside": "of its Tor", "beside_value": 51.2},
    ]
    results = {
        "scale": {PLAIN: {**run(), "figures": figures[:2]}},
        "contacts": {PLAIN: {**run(), "figures": figures[2:]}},
    }
    text = page(results, "## Scale\n\nTABLE\n")
    assert "| 100 | 3 | 300 | 30.0 MiB | 15.0 MiB | 0.15 % | 600 MiB | 1,155 MiB |" in text
    assert "(not measured yet)" in page({}, "TABLE")
