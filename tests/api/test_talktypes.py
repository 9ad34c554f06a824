"""The types about messages are those that everybody finds in `types`."""

import inspect

import msgspec

from onionchat.api import talktypes
from onionchat.api import types as t


def test_all_of_them_are_in_types() -> None:
    here = {name: kind for name, kind in vars(talktypes).items() if inspect.isclass(kind)}
    own = {name: kind for name, kind in here.items() if kind.__module__ == talktypes.__name__}
    assert len(own) > 10 and all(getattr(t, name) is kind for name, kind in own.items())


def test_the_keys_of_the_contract() -> None:
    message = talktypes.Message(
        id="x", time=1, sender="me", kind="text", text="t", state="sent", delivered_to=[], cursor=1, conversation="b"
    )
    keys = {"id", "time", "from", "kind", "text", "state", "delivered_to", "cursor", "in"}
    assert keys <= set(msgspec.json.decode(msgspec.json.encode(message)))
