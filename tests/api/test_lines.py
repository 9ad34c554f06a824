"""Lines out of a stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.api.lines import LineBuffer
from onionchat.errors import UsageError


def lines_of(buffer: LineBuffer) -> list[bytes]:
    found = []
    while (line := buffer.next_line()) is not None:
        found.append(line)
    return found


@given(st.lists(st.binary(max_size=20).filter(lambda raw: b"\n" not in raw)), st.integers(1, 9))
def test_however_it_is_cut_the_same_lines_come_out(lines: list[bytes], step: int) -> None:
    raw = b"".join(line + b"\n" for line in lines) + b"rest"
    buffer, found = LineBuffer(20), []
    for at in range(0, len(raw), step):
        buffer.feed(raw[at : at + step])
        found += lines_of(buffer)
    assert found == lines


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_over_the_cap_is_refused_whether_it_ends_or_not(end: bytes) -> None:
    buffer = LineBuffer(5)
    buffer.feed(b"12345\n123456" + end)
    assert buffer.next_line() == b"12345"
    with pytest.raises(UsageError):
        buffer.next_line()
    assert buffer.next_line() is None
