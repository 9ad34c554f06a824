"""Parameters refuse what they do not know, results let more keys pass; lengths of time in words."""

import msgspec
import pytest

from onionchat.api.shapes import Done, Nothing, duration_text


def test_parameters_are_strict_and_results_are_not() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"more":1}', type=Nothing)
    assert msgspec.json.decode(b'{"notice":"x","more":1}', type=Done) == Done(notice="x")


@pytest.mark.parametrize(
    ("seconds", "text"), [(86400, "1 d"), (7200, "2 h"), (90, "90 s"), (1800, "30 min"), (0, "0 s"), (86401, "86401 s")]
)
def test_the_largest_unit_without_a_rest(seconds: int, text: str) -> None:
    assert duration_text(seconds) == text
