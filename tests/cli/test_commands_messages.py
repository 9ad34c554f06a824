"""Commands about messages: calls, output, waiting, standard input."""

import json
import time
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor

from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.limits import TEXT_MAX_BYTES
from tests.api.recording import RecordingService
from tests.cli.running import Runner

reactor: Any = real_reactor
ID = "i" * 52


def message(text: str = "hi", **changes: Any) -> t.Message:
    values: dict[str, Any] = {
        "id": ID,
        "time": 1_790_000_000_000,
        "sender": "Bob",
        "kind": "text",
        "text": text,
        "state": "received",
        "delivered_to": [],
        "cursor": 7,
    }
    return t.Message(**(values | changes))


@pytest.mark.parametrize(
    ("arguments", "method", "params"),
    [
        (["send", "Bob", "hi"], "message.send", t.MessageSend(name="Bob", text="hi")),
        (["send", "Bob", "hi\n"], "message.send", t.MessageSend(name="Bob", text="hi")),
        (["send", "Bob", "--", "-x"], "message.send", t.MessageSend(name="Bob", text="-x")),
        (
            ["send", "Bob", "--expires", "1d", "hi", "--force", "--reply", ID],
            "message.send",
            t.MessageSend(name="Bob", text="hi", expires_seconds=86400, force=True, reply_to=ID),
        ),
        (["log", "Bob"], "message.log", t.MessageLog(name="Bob")),
        (["log", "Bob", "-n", "5"], "message.log", t.MessageLog(name="Bob", limit=5)),
        (["log", "Bob", "--since", "0"], "message.log", t.MessageLog(name="Bob", limit=1000, since=0)),
        (["log", "Bob", "--since", "9", "-n", "3"], "message.log", t.MessageLog(name="Bob", limit=3, since=9)),
        (["search", "old key"], "message.search", t.Search(query="old key")),
        (["search", "key", "--in", "Bob", "-n", "9"], "message.search", t.Search(query="key", name="Bob", limit=9)),
        (["edit", "Bob", ID, "new"], "message.edit", t.MessageEdit(name="Bob", id=ID, text="new")),
        (["react", "Bob", ID, "👍"], "message.react", t.MessageReact(name="Bob", id=ID, emoji="👍")),
        (["react", "Bob", ID, ""], "message.react", t.MessageReact(name="Bob", id=ID, emoji="")),
        (["retract", "Bob", ID], "message.retract", t.MessageRetract(name="Bob", id=ID)),
        (["forget", "Bob", ID, "j"], "message.forget", t.MessageForget(name="Bob", ids=[ID, "j"])),
        (
            ["forget", "Bob", "--before", "2026-11-20T00:00:00+00:00", "--keep-unsent"],
            "message.forget",
            t.MessageForget(name="Bob", before=1795132800000, withdraw=False),
        ),
        (["forget", "Bob", ID + ".." + ID], "message.forget", t.MessageForget(name="Bob", first=ID, last=ID)),
        (["forget", "Bob", "abcdef.."], "message.forget", t.MessageForget(name="Bob", first="abcdef")),
        (["forget", "Bob", "--all", "--yes"], "message.forget", t.MessageForget(name="Bob", whole=True)),
        (
            ["forget", "Bob", "--after", "2026-11-20T00:00:00+00:00"],
            "message.forget",
            t.MessageForget(name="Bob", after=1795132800000),
        ),
        (["read", "Bob"], "message.read", t.ReadMark(name="Bob")),
        (["timer", "Bob", "1d"], "conversation.timer", t.Timer(name="Bob", seconds=86400)),
        (["timer", "Bob", "off"], "conversation.timer", t.Timer(name="Bob", seconds=None)),
    ],
)
@pytest_twisted.ensureDeferred
async def test_each_command_calls_its_method(
    node: RecordingService, run: Runner, arguments: list[str], method: str, params: t.Params
) -> None:
    sent = t.Sent(id=ID)
    node.answers |= dict.fromkeys(("message.send", "message.edit", "message.react", "message.retract"), sent)
    node.answers |= {"message.log": [], "message.search": [message()], "message.forget": t.Forgotten(count=2)}
    result = await run(*arguments)
    assert (result.code, result.err) == (0, "")
    assert node.calls == [(method, params)]


# --- send -------------------------------------------------------------------------------------------------
@pytest_twisted.ensureDeferred
async def test_send_prints_the_id(node: RecordingService, run: Runner) -> None:
    node.answers["message.send"] = t.Sent(id=ID)
    assert (await run("send", "Bob", "hi")).out == ID + "\n"
    assert (await run("send", "Bob", "hi", "--json")).json == {"id": ID}


@pytest.mark.parametrize(
    ("stdin", "text"), [(b"one\ntwo\n", "one\ntwo"), (b"one\n\n", "one\n"), ("é".encode(), "é"), (b" x ", " x ")]
)
@pytest_twisted.ensureDeferred
async def test_send_reads_standard_input(node: RecordingService, run: Runner, stdin: bytes, text: str) -> None:
    node.answers["message.send"] = t.Sent(id=ID)
    assert (await run("send", "Bob", stdin=stdin)).code == 0
    assert node.calls == [("message.send", t.MessageSend(name="Bob", text=text))]


@pytest.mark.parametrize("stdin", [b"", b"\n", b" \n", b"\xff\xfe", b"x" * (TEXT_MAX_BYTES + 1), b"\xff" * 40_000])
@pytest_twisted.ensureDeferred
async def test_send_refuses_what_is_no_message(node: RecordingService, run: Runner, stdin: bytes) -> None:
    result = await run("send", "Bob", stdin=stdin)
    assert (result.code, result.out, node.calls) == (1, "", [])
    assert result.err.startswith("onionchat: ")


@pytest_twisted.ensureDeferred
async def test_the_longest_message_passes(node: RecordingService, run: Runner) -> None:
    node.answers["message.send"] = t.Sent(id=ID)
    assert (await run("send", "Bob", stdin=b"x" * TEXT_MAX_BYTES + b"\n")).code == 0


@pytest_twisted.ensureDeferred
async def test_a_compromised_contact_is_refused(node: RecordingService, run: Runner) -> None:
    node.answers["message.send"] = LocalError("Bob is compromised; use --force to send all the same")
    result = await run("send", "Bob", "hi")
    assert (result.code, result.out) == (1, "")


@pytest_twisted.ensureDeferred
async def test_wait_ends_with_the_delivery_of_that_message(node: RecordingService, run: Runner) -> None:
    def send(_: t.Params) -> t.Sent:
        node.publish(t.Event(event="delivered", time=1, id="another"))
        reactor.callLater(0.01, node.publish, t.Event(event="delivered", time=2, id=ID))
        return t.Sent(id=ID)

    node.answers["message.send"] = send
    result = await run("send", "Bob", "hi", "--wait", "delivered", "--timeout", "30")
    assert (result.code, result.out) == (0, ID + "\n")


@pytest_twisted.ensureDeferred
async def test_a_delivery_that_is_faster_than_the_answer_counts(node: RecordingService, run: Runner) -> None:
    def send(_: t.Params) -> t.Sent:
        node.publish(t.Event(event="delivered", time=1, id=ID))
        return t.Sent(id=ID)

    node.answers["message.send"] = send
    assert (await run("send", "Bob", "hi", "--wait", "delivered", "--timeout", "30")).code == 0


@pytest_twisted.ensureDeferred
async def test_wait_gives_up_in_the_end_and_the_message_is_kept(node: RecordingService, run: Runner) -> None:
    node.answers["message.send"] = t.Sent(id=ID)
    result = await run("send", "Bob", "hi", "--wait", "delivered", "--timeout", "0.05")
    assert (result.code, result.out) == (1, ID + "\n")
    assert "it is kept" in result.err


@pytest_twisted.ensureDeferred
async def test_wait_without_a_node_sends_nothing(run: Runner) -> None:
    assert (await run("send", "Bob", "hi", "--wait", "delivered")).code == 4


# --- log --------------------------------------------------------------------------------------------------
class Conversation:
    """Answers message.log as a node does, from messages in the order of the screen."""

    def __init__(self, messages: list[t.Message]) -> None:
        self.messages = messages

    def page(self, params: t.MessageLog) -> list[t.Message]:
        if params.since is not None:
            arrived = sorted(self.messages, key=lambda each: each.cursor)
            return [each for each in arrived if each.cursor > params.since][: params.limit]
        end = len(self.messages)
        if params.before is not None:
            end = next(at for at, each in enumerate(self.messages) if each.id == params.before)
        return self.messages[max(0, end - params.limit) : end]


@pytest_twisted.ensureDeferred
async def test_log_takes_as_many_pages_as_it_needs(node: RecordingService, run: Runner) -> None:
    conversation = Conversation([message(str(n), id=f"id{n}", time=n, cursor=3000 - n) for n in range(2500)])
    node.answers["message.log"] = conversation.page
    found = (await run("log", "Bob", "-n", "2200", "--json")).json
    assert [each["id"] for each in found] == [f"id{n}" for n in range(300, 2500)]
    found = (await run("log", "Bob", "-n", "9999", "--json")).json
    assert len(found) == 2500
    assert len((await run("log", "Bob", "--json")).json) == 50


@pytest_twisted.ensureDeferred
async def test_since_misses_nothing_that_came_late_and_shows_it_in_the_order_of_the_screen(
    node: RecordingService, run: Runner
) -> None:
    conversation = Conversation([message(str(n), id=f"id{n}", time=n, cursor=5000 - n) for n in range(2500)])
    node.answers["message.log"] = conversation.page
    found = (await run("log", "Bob", "--since", "2600", "--json")).json
    assert [each["time"] for each in found] == list(range(2400))
    first = (await run("log", "Bob", "--since", "2600", "-n", "10", "--json")).json
    assert sorted(each["cursor"] for each in first) == list(range(2601, 2611))
    assert (await run("log", "Bob", "--since", "5000", "--json")).json == []


@pytest_twisted.ensureDeferred
async def test_log_has_the_keys_of_the_contract(node: RecordingService, run: Runner) -> None:
    node.answers["message.log"] = [message()]
    result = await run("log", "Bob", "--json")
    assert result.out.count("\n") == 1
    (found,) = result.json
    assert {"id", "time", "from", "kind", "text", "state", "delivered_to", "cursor"} <= set(found)
    assert found["from"] == "Bob"


@pytest_twisted.ensureDeferred
async def test_search_has_the_keys_of_log_and_in(node: RecordingService, run: Runner) -> None:
    node.answers["message.search"] = [message(conversation="Bob")]
    (found,) = (await run("search", "hi", "--json")).json
    assert {"id", "time", "from", "kind", "text", "state", "delivered_to", "cursor", "in"} <= set(found)
    assert found["in"] == "Bob"


@pytest_twisted.ensureDeferred
async def test_nothing_found_is_no_error(node: RecordingService, run: Runner) -> None:
    node.answers["message.search"] = []
    assert (await run("search", "hi", "--json")).json == []
    result = await run("search", "hi")
    assert (result.code, result.out, result.err) == (0, "", "onionchat: nothing was found\n")


@pytest_twisted.ensureDeferred
async def test_hostile_text_is_made_safe_once_more(node: RecordingService, run: Runner) -> None:
    node.answers["message.log"] = [message("a\x1b]0;x\x07\n\u202eb\x9b", sender="B\x1bob")]
    out = (await run("log", "Bob")).out
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(out)


# --- forget -----------------------------------------------------------------------------------------------
@pytest_twisted.ensureDeferred
async def test_forget_before_a_length_of_time_ago(node: RecordingService, run: Runner) -> None:
    node.answers["message.forget"] = t.Forgotten(count=1, unsent=1)
    result = await run("forget", "Bob", "--before", "2d")
    assert result.out == "forgot 1 message, 1 of them had not been sent\n"
    ((_, params),) = node.calls
    assert isinstance(params, t.MessageForget)
    assert params.before is not None
    assert abs(params.before / 1000 - (time.time() - 2 * 86400)) < 60


@pytest_twisted.ensureDeferred
async def test_forget_says_which_devices_have_yet_to_hear_of_it(node: RecordingService, run: Runner) -> None:
    node.answers["message.forget"] = t.Forgotten(count=3, devices=3, waiting=["phone", "tablet"])
    own = {"this": False, "online": False, "state": "active"}
    phone = t.OwnDevice(id="p", name="phone", to_forget=1, **own)
    node.answers["device.list"] = [phone, t.OwnDevice(id="t", name="tablet", **own)]
    result = await run("forget", "Bob", "--all", "--yes")
    assert result.out == "forgot 3 messages\nforgotten on 2 of 3 devices; when they connect: phone\n"


@pytest_twisted.ensureDeferred
async def test_forgetting_all_wants_a_yes(node: RecordingService, run: Runner) -> None:
    result = await run("forget", "Bob", "--all")
    assert result.code == 1 and "--yes" in result.err and node.calls == []


# --- watch ------------------------------------------------------------------------------------------------
@pytest_twisted.ensureDeferred
async def test_watch_prints_one_object_a_line_until_the_node_stops(
    node: RecordingService, run: Runner, profile: Any
) -> None:
    running = run("watch", "--json")
    while not node.subscribers:
        await _pause()
    ((names, _),) = node.subscribers.values()
    assert set(names) == {
        "message", "delivered", "online", "offline", "request", "trust", "device", "transfer", "tor",
    }  # fmt: skip
    node.publish(t.Event(event="delivered", time=1, id=ID, conversation="Bob", device="d"))
    node.publish(t.Event(event="online", time=2, contact="Bob", device="d"))
    node.publish(t.Event(event="message", time=3, sender="Bob", text="x\ny", conversation="Bob", id=ID))
    await _pause()
    from onionchat.api.async_client import AsyncClient
    from onionchat.api.socketpath import socket_path

    other = await AsyncClient.connect(reactor, socket_path(profile))
    await other.call("node.lock")
    other.close()
    for connection in tuple(_server(node)):
        connection.close()
    result = await running
    assert result.code == 4
    assert [json.loads(line) for line in result.lines] == [
        {"event": "delivered", "time": 1, "id": ID, "in": "Bob", "device": "d"},
        {"event": "online", "time": 2, "contact": "Bob", "device": "d"},
        {"event": "message", "time": 3, "from": "Bob", "text": "x\ny", "in": "Bob", "id": ID},
    ]


def _server(node: RecordingService) -> Any:
    ((_, send),) = node.subscribers.values()
    return [send.__self__]  # type: ignore[attr-defined]


async def _pause() -> None:
    from twisted.internet.task import deferLater

    await deferLater(reactor, 0.01)


@pytest.mark.parametrize(
    "arguments",
    [
        ["send"],
        ["send", "Bob", "hi", "--timeout", "3"],
        ["send", "Bob", "hi", "--wait", "read"],
        ["send", "Bob", "hi", "--expires", "0s"],
        ["log", "Bob", "-n", "0"],
        ["log", "Bob", "-n", "-3"],
        ["log", "Bob", "--since", "yesterday"],
        ["forget", "Bob"],
        ["forget", "Bob", ID, "--before", "2d"],
        ["forget", "Bob", "--all", "--before", "2d"],
        ["forget", "Bob", ID + ".." + ID, ID],
        ["forget", "Bob", "--before", "whenever"],
        ["timer", "Bob", "sometimes"],
        ["edit", "Bob", ID],
    ],
)
@pytest_twisted.ensureDeferred
async def test_wrong_usage(node: RecordingService, run: Runner, arguments: list[str]) -> None:
    result = await run(*arguments)
    assert (result.code, result.out, node.calls) == (2, "", [])
    assert result.err.startswith("onionchat: ")
    assert result.err.count("\n") == 1
