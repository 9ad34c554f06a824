"""Identifiers and onion addresses: round trips, and each way to be wrong."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat.errors import LocalError
from onionchat.ids import id_text, onion_address, parse_id, parse_onion_address

keys = st.binary(min_size=32, max_size=32)
# Known to the world: The Tor Project's own site, and the key in it.
TOR_PROJECT = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid"


@given(keys)
def test_ids_survive_the_journey(raw: bytes) -> None:
    assert len(id_text(raw)) == 52
    assert id_text(raw) == base64.b32encode(raw).decode().rstrip("=").lower()
    assert parse_id(id_text(raw)) == raw
    assert parse_id(f" {id_text(raw).upper()}\n") == raw


@given(keys)
def test_addresses_survive_the_journey(raw: bytes) -> None:
    assert parse_onion_address(onion_address(raw)) == raw
    assert parse_onion_address(onion_address(raw).upper() + ".ONION") == raw


def test_an_address_of_the_real_world() -> None:
    assert onion_address(parse_onion_address(TOR_PROJECT + ".onion")) == TOR_PROJECT


@pytest.mark.parametrize(
    "text", ["", "a" * 51, "a" * 53, "1" * 52, "a" * 51 + "b", "é" * 52, "a" * 26 + "=" + "a" * 25]
)
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(LocalError, match="identifier"):
        parse_id(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "56 letters"),
        (TOR_PROJECT[:-1], "56 letters"),
        (TOR_PROJECT + "a", "56 letters"),
        ("0" + TOR_PROJECT[1:], "56 letters"),
        ("é" + TOR_PROJECT[1:], "56 letters"),
        ("3" + TOR_PROJECT[1:], "checksum"),
        (TOR_PROJECT[:-1] + "e", "checksum"),
    ],
)
def test_each_wrong_address_has_its_sentence(text: str, sentence: str) -> None:
    with pytest.raises(LocalError, match=sentence):
        parse_onion_address(text)


@given(st.text(max_size=70))
def test_garbage_raises_only_local_error(text: str) -> None:
    for parse in (parse_id, parse_onion_address):
        with pytest.raises(LocalError):
            parse(text)
