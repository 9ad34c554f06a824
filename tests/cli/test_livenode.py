"""A node with its socket."""

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor
from twisted.internet.defer import fail

from onionchat.api import types as t
from onionchat.api.async_client import AsyncClient
from onionchat.api.socketpath import socket_path
from onionchat.cli.livenode import LiveNode
from onionchat.errors import LocalError
from tests.api.recording import RecordingService
from tests.cli.conftest import FakeNode

reactor: Any = real_reactor


@pytest_twisted.ensureDeferred
async def test_it_serves_and_is_stopped_from_outside(tmp_path: Path) -> None:
    calls: list[tuple[object, ...]] = []
    service = RecordingService()
    live = LiveNode(FakeNode(calls, None), service, tmp_path, reactor)
    await live.start()
    client = await AsyncClient.connect(reactor, socket_path(tmp_path))
    await client.call("node.lock")
    heard: list[t.Event] = []
    client.subscribe(heard.append, ["tor"])
    await client.call("node.lock")
    service.publish(t.Event(event="tor", time=1))
    assert await client.call("node.stop") == t.Done()
    await live.stop_asked
    assert live.call("node.stop", t.Nothing()) == t.Done()  # twice is no error
    await live.stop()
    assert [event.event for event in heard] == ["tor"]
    assert service.methods == ["node.lock", "node.lock"]
    assert [call[0] for call in calls] == ["start", "stop"]
    assert not socket_path(tmp_path).exists()


@pytest_twisted.ensureDeferred
async def test_without_its_socket_the_node_is_stopped_again(tmp_path: Path) -> None:
    (tmp_path / "api.sock").write_text("no socket")
    calls: list[tuple[object, ...]] = []
    with pytest.raises(LocalError, match="in the way"):
        await LiveNode(FakeNode(calls, None), RecordingService(), tmp_path, reactor).start()
    assert [call[0] for call in calls] == ["start", "stop"]


@pytest_twisted.ensureDeferred
async def test_a_node_that_does_not_start_has_no_socket(tmp_path: Path) -> None:
    node = FakeNode([], None)
    node.start = lambda: fail(LocalError("no"))  # type: ignore[method-assign]
    with pytest.raises(LocalError, match="no"):
        await LiveNode(node, RecordingService(), tmp_path, reactor).start()
    assert not (tmp_path / "api.sock").exists()


@pytest_twisted.ensureDeferred
async def test_a_wiped_profile_stops_its_node(tmp_path: Path) -> None:
    service = RecordingService()
    live = LiveNode(FakeNode([], None), service, tmp_path, reactor)
    await live.start()
    client = await AsyncClient.connect(reactor, socket_path(tmp_path))
    socket_path(tmp_path).unlink()  # as the wipe does
    assert await client.call("profile.wipe", t.ProfileWipe(sure="wipe")) == t.Done()
    await live.stop_asked
    await live.stop()
    assert service.methods == ["profile.wipe"]


@pytest_twisted.ensureDeferred
async def test_a_wipe_that_failed_stops_nothing(tmp_path: Path) -> None:
    service = RecordingService()
    service.call = lambda name, params: fail(LocalError("the disk refuses"))  # type: ignore[method-assign]
    live = LiveNode(FakeNode([], None), service, tmp_path, reactor)
    with pytest.raises(LocalError, match="refuses"):
        await live.call("profile.wipe", t.ProfileWipe(sure="wipe"))
    assert not live.stop_asked.called
