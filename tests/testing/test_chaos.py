"""The storm draws the same faults from the same seed, fills a disk to its last byte, and sees what went wrong."""

import random
from itertools import islice
from pathlib import Path

import pytest

from onionchat.errors import LocalError
from onionchat.testing.chaos import KINDS, Report, SmallDisk, check, faults

WRITTEN = [["a 1", "a 2"], ["b 1"]]
LINES = [("1", "a 1"), ("2", "b 1"), ("3", "a 2")]


def test_a_seed_draws_the_same_faults():
    drawn = list(islice(faults(random.Random(7)), 200))
    assert drawn == list(islice(faults(random.Random(7)), 200)) != list(islice(faults(random.Random(8)), 200))
    assert {fault.kind for fault in drawn} == set(KINDS) and {fault.who for fault in drawn} == {0, 1}
    assert drawn == sorted(drawn, key=lambda fault: fault.at)
    assert {fault.kind for fault in islice(faults(random.Random(7), ["cut"]), 50)} == {"cut"}


def test_a_right_conversation():
    assert check([LINES, LINES], WRITTEN, {"1", "3"}) == []


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (LINES[:2], "1 lacks a 2"),
        ([*LINES, ("4", "a 2")], "1 has 2 times a 2"),
        ([*LINES, ("4", "c 1")], "1 has c 1, which nobody wrote"),
        (LINES[::-1], "1 has what 0 wrote out of order"),
        ([("9", "a 1"), *LINES[1:]], "1 lacks the committed 1"),
        ([LINES[1], LINES[0], LINES[2]], "the two have different conversations"),
    ],
    ids=["lost", "doubled", "made up", "turned", "another id", "another order"],
)
def test_what_is_wrong_is_seen(lines, wrong):
    assert wrong in check([LINES, lines], WRITTEN, {"1"})


def test_a_report_says_what_happened():
    report = Report(10, 3.0, 1.0)
    report.faults["tor"] += 2
    assert "10 messages in 3 s through 2 × tor" in str(report) and "none lost" in str(report)
    report.wrong = ["1 lacks a 2"]
    assert "WRONG: 1 lacks a 2" in str(report)


@pytest.fixture
def disk(tmp_path, capsys):
    try:
        if not SmallDisk.available():
            raise LocalError("mounting needs root")
        disk = SmallDisk(tmp_path / "small", 2)
    except LocalError as error:
        with capsys.disabled():
            print(f"\nno small disk: {error}")
        pytest.skip(str(error))
    yield disk
    disk.unmount()


def test_a_disk_is_full_to_its_last_byte_and_has_room_again(disk):
    (disk.folder / "before").write_bytes(bytes(5000))
    disk.fill()
    with pytest.raises(OSError, match="No space"):
        (disk.folder / "more").write_bytes(b"x")
    disk.make_room()
    (disk.folder / "more").write_bytes(bytes(100_000))
    disk.unmount()
    assert not Path(disk.folder / "before").exists()


def test_no_disk_where_none_can_be_mounted(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not SmallDisk.available()
