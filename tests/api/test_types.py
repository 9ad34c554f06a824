"""The JSON of the API: keys of the contract, strictness of parameters, and what a repr does not show."""

import json
from typing import Any

import msgspec
import pytest

from onionchat.api import types as t
from onionchat.api.methods import METHODS


@pytest.mark.parametrize("kind", {method.params for method in METHODS}, ids=lambda kind: kind.__name__)
def test_parameters_refuse_keys_that_they_do_not_know(kind: type[t.Params]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"no_such_key":1}', type=kind)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (t.MessageLog, {"name": "b", "limit": 0}),
        (t.MessageLog, {"name": "b", "limit": 1001}),
        (t.ContactTrust, {"name": "b", "trust": "friend"}),
        (t.MessageSend, {"name": "b", "text": 5}),
        (t.MessageSend, {"name": "b", "text": "x", "expires_seconds": -1}),
        (t.ContactQuota, {"name": "b", "size_bytes": 5}),
        (t.Setting, {"key": ""}),
        (t.Setting, {"key": "k", "value": "x" * 5000}),
    ],
)
def test_values_out_of_bounds_are_refused(kind: type[t.Params], raw: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(raw), type=kind)


def test_secrets_are_in_no_repr() -> None:
    assert "hunter2" not in repr(t.Passphrase(passphrase="hunter2"))
    assert "hunter2" not in repr(t.ProfileExport(path="/x", passphrase="hunter2"))


def test_a_message_has_the_keys_of_the_contract() -> None:
    message = t.Message(
        id="i", time=1, sender="me", kind="text", text="x", state="sent", delivered_to=[], cursor=1, conversation="bob"
    )
    found = json.loads(msgspec.json.encode(message))
    assert {"id", "time", "from", "kind", "text", "state", "delivered_to", "cursor", "in"} <= set(found)
    assert (found["from"], found["in"]) == ("me", "bob")


def test_an_event_has_only_the_keys_that_were_given() -> None:
    assert json.loads(msgspec.json.encode(t.Event(event="locked", time=1))) == {"event": "locked", "time": 1}
