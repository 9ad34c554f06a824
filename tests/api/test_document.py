"""docs/api.md is made from the table, and is not stale."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from onionchat.api import types as t
from onionchat.api.document import page, type_text
from onionchat.api.methods import EVENTS, METHODS

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


def test_every_method_event_and_key_is_there() -> None:
    text = page()
    for method in METHODS:
        assert f"### {method.name}\n" in text
        assert all(f"| `{name}` |" in text for name in method.params.__struct_encode_fields__)
    assert all(f"`{name}`" in text for name in EVENTS)
    assert "### PeerStatus" in text  # an object inside another


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (str | None, "string or null"),
        (list[t.Device], "list of [Device](#device)"),
        (Literal["a", "b"], '`"a"`, `"b"`'),
        (Annotated[int, msgspec.Meta(ge=1, le=9)], "integer (≥ 1, ≤ 9)"),
        (str | msgspec.UnsetType, "string"),
    ],
)
def test_types_are_named_as_in_json(kind: object, text: str) -> None:
    assert type_text(kind) == text
