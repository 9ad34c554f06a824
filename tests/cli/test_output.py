"""What goes to stdout and stderr."""

import pytest

from onionchat.cli import output


def test_columns_are_aligned_by_width_on_the_screen() -> None:
    assert output.aligned([("a", "long", "x"), ("日本", "b", ""), ("", "c")]) == ["a     long  x", "日本  b", "      c"]
    assert output.aligned([]) == []


def test_cells_cannot_break_out_of_their_line() -> None:
    assert output.aligned([("a\nb", "\x1b[2J\u202e")])[0].count("\n") == 0
    assert "\x1b" not in output.aligned([("\x1b[2J",)])[0]


def test_text_keeps_its_lines_and_loses_its_controls(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("a\nb\x1b[31m\u202e")
    output.note("one\ntwo\x07")
    found = capsys.readouterr()
    assert found.out.count("\n") == 2
    assert found.err.count("\n") == 1
    assert found.err.startswith("onionchat: one two")
    assert not {"\x1b", "\u202e", "\x07"} & set(found.out + found.err)


def test_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.say_json({"a": ["x\ny", None, True]})
    assert capsys.readouterr().out == '{"a":["x\\ny",null,true]}\n'


@pytest.mark.parametrize(("seconds", "text"), [(45, "45 s"), (119, "119 s"), (720, "12 min"), (9e5, "10 d")])
def test_lengths(seconds: float, text: str) -> None:
    assert output.length(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(1023, "1023 bytes"), (1536, "1.5 KiB"), (319488, "312 KiB"), (1 << 30, "1 GiB")],
)
def test_sizes(count: int, text: str) -> None:
    assert output.bytes_text(count) == text


def test_plurals() -> None:
    assert [output.plural(n, "device") for n in (0, 1, 2)] == ["0 devices", "1 device", "2 devices"]


@pytest.mark.parametrize("ms", [-(10**18), 0, 10**18])
def test_times_that_no_calendar_has_are_no_error(ms: int) -> None:
    assert output.day(ms)
    assert output.clock(ms)
    assert output.date_and_clock(ms)
    assert output.date_and_clock(None) == "never"
