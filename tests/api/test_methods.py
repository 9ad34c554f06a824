"""The table of methods: names, types, help."""

import re

import msgspec
import pytest

from onionchat.api import types as t
from onionchat.api.methods import BY_NAME, EVENTS, METHODS, Method


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_row_is_whole(method: Method) -> None:
    assert method.name == "subscribe" or re.fullmatch(r"[a-z]+\.[a-z]+", method.name)
    assert issubclass(method.params, t.Params)
    assert method.help.endswith(".")
    msgspec.json.Decoder(method.params)
    msgspec.json.Decoder(method.result)


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(METHODS)
    assert len(set(EVENTS)) == len(EVENTS)


def test_what_works_while_it_is_locked_is_what_must() -> None:
    assert {method.name for method in METHODS if method.locked} == {
        "status.get",
        "node.unlock",
        "node.stop",
        "profile.wipe",  # whoever is in a hurry types no passphrase
        "subscribe",
    }
