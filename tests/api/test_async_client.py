"""The Twisted client against the real server."""

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred

from onionchat.api import client as client_module
from onionchat.api import types as t
from onionchat.api.async_client import AsyncClient
from onionchat.api.server import ApiServer
from onionchat.errors import LocalError, LockedError, NoNodeError, OnionchatError
from tests.api.recording import RecordingService

reactor: Any = real_reactor


def test_it_is_also_found_beside_the_blocking_one() -> None:
    assert client_module.AsyncClient is AsyncClient
    with pytest.raises(AttributeError):
        _ = client_module.NoSuchThing  # type: ignore[attr-defined, unused-ignore]


@pytest_twisted.ensureDeferred
async def test_calls_events_and_the_end(tmp_path: Path) -> None:
    service = RecordingService()
    service.answers["message.send"] = t.Sent(id="abc")
    service.answers["contact.list"] = LockedError("locked")
    server = ApiServer(service, tmp_path / "s", reactor)
    server.start()
    client = await AsyncClient.connect(reactor, tmp_path / "s")
    assert await client.call("message.send", t.MessageSend(name="bob", text="hi")) == t.Sent(id="abc")
    with pytest.raises(LockedError):
        await client.call("contact.list")
    heard: list[t.Event] = []
    ended: Deferred[OnionchatError] = Deferred()
    client.on_lost = ended.callback
    client.subscribe(heard.append)
    service.answers["status.get"] = lambda _: Deferred()
    await client.call("node.lock")
    service.publish(t.Event(event="online", time=1, contact="bob"))
    hanging = client.call("status.get")
    await server.stop()
    assert isinstance(await ended, NoNodeError)
    assert heard == [t.Event(event="online", time=1, contact="bob")]
    for late in (hanging, client.call("node.lock")):
        with pytest.raises(NoNodeError, match="has stopped"):
            await late


@pytest_twisted.ensureDeferred
async def test_closing_it_ourselves_is_no_loss(tmp_path: Path) -> None:
    server = ApiServer(RecordingService(), tmp_path / "s", reactor)
    server.start()
    client = await AsyncClient.connect(reactor, tmp_path / "s")
    lost: list[OnionchatError] = []
    client.on_lost = lost.append
    client.close()
    await server.stop()
    assert lost == []


@pytest_twisted.ensureDeferred
async def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(NoNodeError, match="onionchat run"):
        await AsyncClient.connect(reactor, tmp_path / "s")


@pytest_twisted.ensureDeferred
async def test_one_fault_in_an_answer_does_not_spoil_the_others(tmp_path: Path) -> None:
    service = RecordingService()
    service.answers["contact.list"] = 7
    server = ApiServer(service, tmp_path / "s", reactor)
    server.start()
    client = await AsyncClient.connect(reactor, tmp_path / "s")
    with pytest.raises(LocalError):
        await client.call("contact.list")
    assert await client.call("node.lock") == t.Done()
    client.close()
    await server.stop()
