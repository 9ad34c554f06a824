"""The API server: what it answers, what it refuses, and what a client may cost."""

import contextlib
import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from onionchat import limits
from onionchat.api import server as server_module
from onionchat.api import types as t
from onionchat.api.client import SyncClient
from onionchat.api.server import ApiServer
from onionchat.errors import LocalError, LockedError, NoNodeError, StoreError, TorError, UsageError
from tests.api.recording import RecordingService

reactor: Any = real_reactor


@pytest.fixture
def service() -> RecordingService:
    return RecordingService()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "api.sock"


@pytest.fixture
def server(service: RecordingService, path: Path) -> Iterator[ApiServer]:
    made = ApiServer(service, path, reactor)
    made.start()
    yield made
    pytest_twisted.blockon(made.stop())


def in_thread(function: Any, *arguments: Any) -> Any:
    """A Deferred: run something that blocks, while the reactor serves it."""
    return deferToThread(function, *arguments)


class Raw:
    """A client that says whatever it likes."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def say(self, data: bytes) -> None:
        self.socket.sendall(data)

    def hear(self) -> Any:
        line = self.file.readline()
        return json.loads(line) if line else None

    def close(self) -> None:
        self.file.close()
        self.socket.close()


async def dialogue(path: Path, *said: bytes, answers: int) -> list[Any]:
    """Say it all, then hear so many lines (None: the connection was closed)."""

    def talk() -> list[Any]:
        raw = Raw(path)
        try:
            for data in said:
                raw.say(data)
            return [raw.hear() for _ in range(answers)]
        finally:
            raw.close()

    return list(await in_thread(talk))


def call(method: str, number: Any = 1, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_call_is_answered_with_its_result(service: RecordingService, path: Path) -> None:
    service.answers["message.send"] = t.Sent(id="abc")
    assert await dialogue(path, call("message.send", 7, name="bob", text="hi"), answers=1) == [
        {"jsonrpc": "2.0", "id": 7, "result": {"id": "abc"}}
    ]
    assert service.calls == [("message.send", t.MessageSend(name="bob", text="hi"))]


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_parameters_may_be_left_out(service: RecordingService, path: Path) -> None:
    service.answers["contact.list"] = []
    line = b'{"jsonrpc":"2.0","id":"a","method":"contact.list"}\n'
    assert await dialogue(path, line, answers=1) == [{"jsonrpc": "2.0", "id": "a", "result": []}]


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_call_may_come_in_pieces_and_several_in_one(path: Path) -> None:
    both = call("node.lock", 1) + b"\r\n\n" + call("node.lock", 2)
    found = await dialogue(path, *(both[at : at + 1] for at in range(len(both))), answers=2)
    assert [answer["id"] for answer in found] == [1, 2]


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_call_without_id_gets_no_answer(service: RecordingService, path: Path) -> None:
    silent = b'{"jsonrpc":"2.0","method":"node.lock"}\n'
    assert [answer["id"] for answer in await dialogue(path, silent, call("node.lock", 2), answers=1)] == [2]
    assert service.methods == ["node.lock", "node.lock"]


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_answers_come_in_the_order_in_which_calls_finish(service: RecordingService, path: Path) -> None:
    slow: Deferred[t.Sent] = Deferred()

    def send(params: t.MessageSend) -> Any:
        if params.text == "slow":
            return slow
        reactor.callLater(0, slow.callback, t.Sent(id="slow"))
        return t.Sent(id="fast")

    service.answers["message.send"] = send
    said = [call("message.send", number, name="bob", text=text) for number, text in ((1, "slow"), (2, "fast"))]
    found = await dialogue(path, *said, answers=2)
    assert [(answer["id"], answer["result"]["id"]) for answer in found] == [(2, "fast"), (1, "slow")]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LocalError("no such contact"), 1),
        (StoreError("the disk is full"), 1),
        (UsageError("no"), 2),
        (LockedError("locked"), 3),
        (NoNodeError("none"), 4),
        (TorError("no Tor"), 5),
    ],
)
@pytest.mark.parametrize("is_late", [False, True])
@pytest_twisted.ensureDeferred
async def test_an_error_carries_the_exit_code(
    service: RecordingService, path: Path, error: Exception, code: int, is_late: bool
) -> None:
    failing: Deferred[Any] = Deferred()
    service.answers["node.lock"] = (lambda _: failing) if is_late else error
    if is_late:
        reactor.callLater(0.01, failing.errback, error)
    assert await dialogue(path, call("node.lock"), answers=1) == [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "error": {"code": -32000 - code, "message": str(error), "data": {"exit_code": code}},
        }
    ]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("is_late", [False, True])
@pytest_twisted.ensureDeferred
async def test_a_fault_inside_tells_the_client_its_kind_and_no_more(
    service: RecordingService, path: Path, is_late: bool
) -> None:
    failing: Deferred[Any] = Deferred()
    fault = ValueError("the key is 1234")
    service.answers["node.lock"] = (lambda _: failing) if is_late else fault
    if is_late:
        reactor.callLater(0.01, failing.errback, fault)
    (answer,) = await dialogue(path, call("node.lock"), answers=1)
    assert answer["error"]["data"] == {"exit_code": 1}
    assert "ValueError" in answer["error"]["message"]
    assert "1234" not in json.dumps(answer)
    assert "Traceback" not in json.dumps(answer)


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_result_that_cannot_be_encoded_is_a_fault_inside(service: RecordingService, path: Path) -> None:
    service.answers["node.lock"] = lambda _: object()
    (answer,) = await dialogue(path, call("node.lock"), answers=1)
    assert answer["error"]["data"] == {"exit_code": 1}


GARBAGE = [
    b"hello\n",
    b"\xff\xfe\n",
    b"[]\n",
    b"null\n",
    b"{}\n",
    b'{"jsonrpc":"1.0","id":1,"method":"contact.list"}\n',
    b'{"jsonrpc":"2.0","id":1}\n',
    b'{"jsonrpc":"2.0","id":{},"method":"contact.list"}\n',
    b'{"jsonrpc":"2.0","id":1e400,"method":"contact.list"}\n',
    b'{"jsonrpc":"2.0","id":99999999999999999999999999,"method":"contact.list"}\n',
    b'{"jsonrpc":"2.0","id":"' + b"x" * 129 + b'","method":"contact.list"}\n',
    b'[{"jsonrpc":"2.0","id":1,"method":"contact.list"}]\n',
    b"[" * 500_000 + b"\n",
    b'{"jsonrpc":"2.0","id":1,"method":"contact.list","params":' + b'{"a":' * 100_000 + b"\n",
    b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}\n',
    call("no.such.method"),
    call("file.send", name="bob"),
    call("contact.get"),
    call("contact.get", name=5),
    call("contact.get", name="bob", extra=1),
    call("contact.list", extra=1),
    b'{"jsonrpc":"2.0","id":1,"method":"contact.list","params":[]}\n',
    b'{"jsonrpc":"2.0","id":1,"method":"contact.list","params":null}\n',
    call("message.log", name="bob", limit=0),
    call("message.log", name="bob", limit=10**30),
    call("subscribe", events=["nothing"]),
    call("subscribe", events="message"),
]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("line", GARBAGE, ids=range(len(GARBAGE)))
@pytest_twisted.ensureDeferred
async def test_what_is_no_call_is_refused_and_the_connection_lives(
    service: RecordingService, path: Path, line: bytes
) -> None:
    refused, good = await dialogue(path, line, call("node.lock", 2), answers=2)
    assert refused["error"]["code"] == -32002
    assert refused["error"]["data"] == {"exit_code": 2}
    assert good["id"] == 2
    assert service.methods == ["node.lock"]


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_refusal_does_not_carry_control_characters(path: Path) -> None:
    (answer,) = await dialogue(path, call("\x1b[2Jhello\n"), answers=1)
    assert "\x1b" not in answer["error"]["message"]
    assert "\n" not in answer["error"]["message"]


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_refusal_of_a_passphrase_does_not_repeat_it(path: Path) -> None:
    (answer,) = await dialogue(path, call("node.unlock", passphrase=["hunter2"]), answers=1)
    assert answer["error"]["data"] == {"exit_code": 2}
    assert "hunter2" not in json.dumps(answer)


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_line_that_is_too_long_ends_the_connection(service: RecordingService, path: Path) -> None:
    def talk() -> list[Any]:
        raw = Raw(path)
        try:
            raw.say(call("node.lock"))
            first = raw.hear()
            with contextlib.suppress(OSError):
                raw.say(b" " * (limits.API_LINE_MAX_BYTES + 200_000))
            try:
                return [first, raw.hear(), raw.hear()]
            except ConnectionError:
                return [first, None, None]
        finally:
            raw.close()

    first, refused, end = await in_thread(talk)
    assert first["id"] == 1
    assert refused is None or refused["error"]["data"] == {"exit_code": 2}
    assert end is None
    assert service.methods == ["node.lock"]


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_the_longest_line_passes(service: RecordingService, path: Path) -> None:
    line = call("conversation.draft", name="bob", text="")
    line = call("conversation.draft", name="bob", text="x" * (limits.API_LINE_MAX_BYTES - len(line) + 1))
    assert len(line) == limits.API_LINE_MAX_BYTES + 1
    (answer,) = await dialogue(path, line, answers=1)
    assert "result" in answer
    assert service.methods == ["conversation.draft"]


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_half_a_line_and_goodbye_calls_nothing(service: RecordingService, path: Path) -> None:
    await dialogue(path, call("node.lock")[:-1], answers=0)
    await dialogue(path, call("status.get"), answers=1)
    assert service.methods == ["status.get"]


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_client_that_has_said_all_still_hears_its_answers(service: RecordingService, path: Path) -> None:
    late: Deferred[t.Done] = Deferred()
    service.answers["node.lock"] = lambda _: late

    def talk() -> list[Any]:
        raw = Raw(path)
        try:
            raw.say(call("node.lock"))
            raw.socket.shutdown(socket.SHUT_WR)
            return [raw.hear(), raw.hear()]
        finally:
            raw.close()

    reactor.callLater(0.05, late.callback, t.Done())
    answer, end = await in_thread(talk)
    assert answer["id"] == 1
    assert end is None


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_the_socket_is_ours_alone(path: Path) -> None:
    found = path.lstat()
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600


@pytest_twisted.ensureDeferred
async def test_the_socket_is_never_open_to_others(service: RecordingService, path: Path) -> None:
    """Even under a careless umask, and before its mode is set."""
    before = os.umask(0)
    try:
        made = ApiServer(service, path, reactor)
        made.start()
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    await made.stop()
    assert not path.exists()


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_another_user_is_refused(service: RecordingService, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "peer_uid", lambda transport: os.geteuid() + 1)
    answer, end = await dialogue(path, answers=2)
    assert answer["error"]["data"] == {"exit_code": 1}
    assert end is None
    assert service.calls == []


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_the_kernel_says_who_is_at_the_other_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = server_module.peer_uid
    monkeypatch.setattr(server_module, "peer_uid", lambda transport: seen.append(real(transport)) or real(transport))
    await dialogue(path, call("node.lock"), answers=1)
    assert seen == [os.geteuid()]


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_there_is_a_cap_on_clients(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "API_CLIENTS_MAX", 2)

    def talk() -> list[Any]:
        clients = [Raw(path) for _ in range(3)]
        for client in clients[:2]:
            client.say(call("node.lock"))
        found = [client.hear() for client in clients] + [clients[2].hear()]
        for client in clients:
            client.close()
        return found

    first, second, third, end = await in_thread(talk)
    assert (first["id"], second["id"]) == (1, 1)
    assert third["error"]["data"] == {"exit_code": 1}
    assert end is None


@pytest_twisted.ensureDeferred
async def test_a_dead_socket_means_nothing(service: RecordingService, path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    made = ApiServer(service, path, reactor)
    made.start()
    assert len(await dialogue(path, call("node.lock"), answers=1)) == 1
    await made.stop()


@pytest_twisted.ensureDeferred
async def test_what_is_no_socket_is_not_removed(service: RecordingService, path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(LocalError, match="in the way"):
        ApiServer(service, path, reactor).start()
    assert path.read_text() == "precious"


# --- events ---------------------------------------------------------------------------------------------
def event(name: str = "message", **more: Any) -> t.Event:
    return t.Event(event=name, time=5, **more)


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_events_go_to_those_who_asked(service: RecordingService, path: Path) -> None:
    def talk() -> list[Any]:
        some, all_of_them, none = Raw(path), Raw(path), Raw(path)
        some.say(call("subscribe", events=["online"]))
        all_of_them.say(call("subscribe"))
        none.say(call("contact.list"))
        heard = [raw.hear() for raw in (some, all_of_them, none)]
        reactor.callFromThread(service.publish, event("message", text="hi"))
        reactor.callFromThread(service.publish, event("online", contact="bob"))
        heard += [some.hear(), all_of_them.hear(), all_of_them.hear()]
        none.say(call("contact.list", 2))
        heard.append(none.hear())
        for raw in (some, all_of_them, none):
            raw.close()
        return heard

    service.answers["contact.list"] = []
    heard = await in_thread(talk)
    online = {"jsonrpc": "2.0", "method": "event", "params": {"event": "online", "time": 5, "contact": "bob"}}
    message = {"jsonrpc": "2.0", "method": "event", "params": {"event": "message", "time": 5, "text": "hi"}}
    assert heard[3:6] == [online, message, online]
    assert heard[6]["id"] == 2


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_subscription_ends_with_the_connection_and_is_replaced_by_the_next(
    service: RecordingService, path: Path
) -> None:
    await dialogue(path, call("subscribe", 1, events=["online"]), call("subscribe", 2, events=["tor"]), answers=2)
    await _until(lambda: not service.subscribers)
    assert service.subscribers == {}


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_subscriber_that_does_not_read_is_dropped(
    service: RecordingService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = Raw(path)
    raw.say(call("subscribe"))
    assert (await in_thread(raw.hear))["id"] == 1
    for _ in range(limits.API_EVENTS_QUEUED_MAX * 3):
        if not service.subscribers:
            break
        service.publish(event(text="x" * 500))
        if not _ % 100:
            await _pause()
    assert service.subscribers == {}
    # others are served on
    assert len(await dialogue(path, call("node.lock"), answers=1)) == 1
    raw.close()


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_subscriber_that_reads_in_the_end_misses_nothing(service: RecordingService, path: Path) -> None:
    raw = Raw(path)
    raw.say(call("subscribe"))
    assert (await in_thread(raw.hear))["id"] == 1
    for number in range(3000):
        service.publish(event(text="x" * 500, cursor=number))
    heard = await in_thread(lambda: [raw.hear()["params"]["cursor"] for _ in range(3000)])
    assert heard == list(range(3000))
    raw.close()


# --- back-pressure ----------------------------------------------------------------------------------------
@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_a_client_that_does_not_read_its_answers_is_not_read_either(
    service: RecordingService, path: Path
) -> None:
    service.answers["message.send"] = t.Sent(id="x" * 10_000)
    raw = Raw(path)
    raw.socket.setblocking(False)
    line = call("message.send", name="bob", text="hi")
    calls, stuck = 0, 0
    while stuck < 50:
        try:
            raw.socket.send(line)
            calls, stuck = calls + 1, 0
        except BlockingIOError:
            stuck += 1
            await _pause()
    carried_out = len(service.calls)
    assert carried_out < calls
    assert carried_out < 200  # about what the kernel's buffers and ours take
    raw.socket.settimeout(20)
    heard = await in_thread(lambda: [raw.hear() for _ in range(carried_out + 5)])
    assert all(answer["id"] == 1 for answer in heard)
    raw.close()


@pytest.mark.usefixtures("server")
@pytest_twisted.ensureDeferred
async def test_calls_under_way_are_capped(
    service: RecordingService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "API_CALLS_IN_FLIGHT_MAX", 3)
    waiting: list[Deferred[t.Done]] = []

    def wait(_: t.Params) -> Deferred[t.Done]:
        waiting.append(Deferred())
        return waiting[-1]

    service.answers["node.lock"] = wait
    raw = Raw(path)
    raw.say(b"".join(call("node.lock", number) for number in range(10)))
    await _until(lambda: len(waiting) >= 3)
    await _pause()
    assert len(waiting) == 3
    for number in range(10):
        waiting[number].callback(t.Done())
    assert sorted(answer["id"] for answer in await in_thread(lambda: [raw.hear() for _ in range(10)])) == list(
        range(10)
    )
    raw.close()


@pytest_twisted.ensureDeferred
async def test_stop_lets_the_last_answer_out(service: RecordingService, path: Path) -> None:
    made = ApiServer(service, path, reactor)
    made.start()

    def stop(_: t.Params) -> t.Done:
        reactor.callLater(0, made.stop)
        return t.Done(notice="bye")

    service.answers["node.stop"] = stop
    answer, end = await dialogue(path, call("node.stop"), answers=2)
    assert answer["result"] == {"notice": "bye"}
    assert end is None
    await _until(lambda: not path.exists())


@pytest_twisted.ensureDeferred
async def test_stop_does_not_wait_for_those_who_do_not_read(
    service: RecordingService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "API_CLOSE_SECONDS", 0.05)
    made = ApiServer(service, path, reactor)
    made.start()
    service.answers["message.send"] = t.Sent(id="x" * 4_000_000)
    raw = Raw(path)
    raw.say(call("message.send", name="bob", text="hi"))
    await _until(lambda: bool(service.calls))
    await made.stop()
    raw.close()


@pytest_twisted.ensureDeferred
async def test_thousands_of_pipelined_calls(service: RecordingService, path: Path) -> None:
    made = ApiServer(service, path, reactor)
    made.start()
    service.answers["message.send"] = lambda params: t.Sent(id=params.text)

    def talk() -> list[str]:
        with SyncClient(path) as client:
            many = (t.MessageSend(name="bob", text=str(number)) for number in range(3000))
            return [sent.id for sent in client.call_many("message.send", many)]

    assert await in_thread(talk) == [str(number) for number in range(3000)]
    await made.stop()


def _pause() -> "Deferred[None]":
    done: Deferred[None] = Deferred()
    reactor.callLater(0.002, done.callback, None)
    return done


async def _wait_until(condition: Any) -> None:
    for _ in range(2000):
        if condition():
            return
        await _pause()
    raise AssertionError("it did not happen")


def _until(condition: Any) -> "Deferred[None]":
    return Deferred.fromCoroutine(_wait_until(condition))
