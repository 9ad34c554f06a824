"""The client in the node's own process."""

import pytest
import pytest_twisted

from onionchat.api import types as t
from onionchat.api.local import LocalClient
from onionchat.errors import LockedError
from tests.api.recording import RecordingService


@pytest_twisted.ensureDeferred
async def test_calls_and_events() -> None:
    service = RecordingService()
    service.answers["message.send"] = t.Sent(id="abc")
    service.answers["contact.list"] = LockedError("locked")
    client = LocalClient(service)
    assert await client.call("message.send", t.MessageSend(name="bob", text="hi")) == t.Sent(id="abc")
    with pytest.raises(LockedError):
        await client.call("contact.list")
    first: list[t.Event] = []
    second: list[t.Event] = []
    client.subscribe(first.append)
    client.subscribe(second.append, ["online"])
    event = t.Event(event="online", time=1)
    service.publish(event)
    service.publish(t.Event(event="message", time=1))
    assert (first, second) == ([], [event])
    client.close()
    assert service.subscribers == {}
