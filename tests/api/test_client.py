"""The blocking client against the real server, and against servers that misbehave."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from onionchat.api import types as t
from onionchat.api.client import SyncClient
from onionchat.api.server import ApiServer
from onionchat.errors import LocalError, LockedError, NoNodeError
from tests.api.recording import RecordingService

reactor: Any = real_reactor


@pytest.fixture
def service() -> RecordingService:
    return RecordingService()


@pytest.fixture
def path(tmp_path: Path, service: RecordingService) -> Iterator[Path]:
    made = ApiServer(service, tmp_path / "api.sock", reactor)
    made.start()
    yield tmp_path / "api.sock"
    pytest_twisted.blockon(made.stop())


def with_client(path: Path, talk: Callable[[SyncClient], Any]) -> "Deferred[Any]":
    def run() -> Any:
        with SyncClient(path) as client:
            return talk(client)

    return deferToThread(run)


@pytest_twisted.ensureDeferred
async def test_results_are_typed(service: RecordingService, path: Path) -> None:
    service.answers["request.list"] = [
        t.ContactRequest(id="1", name="bob", greeting="", words=[], time=1, direction="incoming")
    ]
    found = await with_client(path, lambda client: client.call("request.list"))
    assert found == service.answers["request.list"]


@pytest_twisted.ensureDeferred
async def test_errors_are_raised_as_what_they_were(service: RecordingService, path: Path) -> None:
    service.answers["contact.list"] = LockedError("it is locked; unlock it")
    with pytest.raises(LockedError, match="unlock it"):
        await with_client(path, lambda client: client.call("contact.list"))


@pytest_twisted.ensureDeferred
async def test_events_that_come_between_are_kept(service: RecordingService, path: Path) -> None:
    def send(_: t.Params) -> t.Sent:
        for number in range(3):
            service.publish(t.Event(event="delivered", time=number, id="abc"))
        return t.Sent(id="abc")

    service.answers["message.send"] = send

    def talk(client: SyncClient) -> Any:
        client.subscribe(["delivered"])
        sent = client.call("message.send", t.MessageSend(name="bob", text="x"))
        events = client.events()
        return sent, [next(events).time for _ in range(3)], client.next_event(timeout_seconds=0.01)

    assert await with_client(path, talk) == (t.Sent(id="abc"), [0, 1, 2], None)


@pytest_twisted.ensureDeferred
async def test_a_wait_has_a_limit(service: RecordingService, path: Path) -> None:
    service.answers["status.get"] = lambda _: Deferred()
    with pytest.raises(LocalError, match="in time"):
        await with_client(path, lambda client: client.call("status.get", timeout_seconds=0.02))


@pytest_twisted.ensureDeferred
async def test_pipelined_calls_do_not_lock_up_when_answers_are_large(service: RecordingService, path: Path) -> None:
    """Both sides could wait for the other to read."""
    service.answers["conversation.draft"] = lambda params: t.Done(notice=params.text)
    many = [t.Draft(name="bob", text=str(number) * 20_000) for number in range(10)] * 30
    found = await with_client(path, lambda client: [r.notice for r in client.call_many("conversation.draft", many)])
    assert found == [params.text for params in many]


@pytest_twisted.ensureDeferred
async def test_the_node_s_end_is_told(service: RecordingService, tmp_path: Path) -> None:
    made = ApiServer(service, tmp_path / "s", reactor)
    made.start()

    def talk(client: SyncClient) -> None:
        client.subscribe()
        reactor.callFromThread(made.stop)
        for _ in client.events():
            pass

    with pytest.raises(NoNodeError, match="has stopped"):
        await with_client(tmp_path / "s", talk)


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(NoNodeError, match="onionchat run"):
        SyncClient(tmp_path / "api.sock")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "api.sock"))
    dead.close()
    with pytest.raises(NoNodeError, match="onionchat run"):
        SyncClient(tmp_path / "api.sock")


def test_what_may_not_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="cannot be used"):
        SyncClient(tmp_path / ("x" * 200))


@pytest.fixture
def misbehaving(tmp_path: Path) -> Iterator[Callable[[bytes], Path]]:
    """A server that says one thing and hangs up."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "bad"))
    listener.listen()

    def answer_with(data: bytes) -> Path:
        def serve() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(data)
            connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return tmp_path / "bad"

    yield answer_with
    listener.close()


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff\n",
        b"[]\n",
        b'{"jsonrpc":"2.0","id":1,"result":7}\n',
        b'{"jsonrpc":"2.0","id":1}\n',
        b'{"jsonrpc":"2.0","method":"event","params":[]}\n',
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"go away"}}\n',
    ],
)
def test_nonsense_from_the_other_end_is_one_clear_error(misbehaving: Callable[[bytes], Path], data: bytes) -> None:
    with SyncClient(misbehaving(data)) as client, pytest.raises(LocalError):
        client.call("contact.list")


def test_silence_from_the_other_end(misbehaving: Callable[[bytes], Path]) -> None:
    with SyncClient(misbehaving(b"")) as client, pytest.raises(NoNodeError):
        client.call("contact.list")


def test_keys_of_a_newer_node_are_ignored(misbehaving: Callable[[bytes], Path]) -> None:
    line = b'{"jsonrpc":"2.0","id":1,"more":1,"result":{"id":"a","hue":"green"}}\n'
    with SyncClient(misbehaving(line)) as client:
        assert client.call("message.send", t.MessageSend(name="a", text="b")) == t.Sent(id="a")
