"""Commands about the node, and small ones."""

import sys
import types
from typing import Any

import pytest
import pytest_twisted

from onionchat import __version__
from onionchat.api import types as t
from onionchat.errors import LockedError
from tests.api.recording import RecordingService
from tests.cli.running import Runner

STATUS = t.Status(
    device="d" * 52,
    account="a" * 52,
    name="alice",
    device_label="desktop",
    tor=t.TorStatus(state="ready", bootstrap=100, version="0.4.9.11"),
    onion="reachable",
    restricted_discovery=True,
    peers=[t.PeerStatus(contact="Bob", device="e" * 52, since=1, rtt_ms=912.4)],
    missing=[],
    clock_skew_s=-120.0,
    queued=1,
    address="x" * 56,
)


@pytest_twisted.ensureDeferred
async def test_status_has_the_keys_of_the_contract(node: RecordingService, run: Runner) -> None:
    node.answers["status.get"] = STATUS
    found = (await run("status", "--json")).json
    assert {
        "device", "account", "name", "tor", "onion", "restricted_discovery", "peers", "missing", "clock_skew_s",
        "queued",
    } <= set(found)  # fmt: skip
    assert {"state", "bootstrap", "version"} <= set(found["tor"])
    assert found["peers"] == [{"contact": "Bob", "device": "e" * 52, "since": 1, "rtt_ms": 912.4}]


@pytest_twisted.ensureDeferred
async def test_status_for_people(node: RecordingService, run: Runner) -> None:
    node.answers["status.get"] = STATUS
    assert (await run("status")).lines == [
        "profile    alice · desktop",
        "node       running",
        "Tor        ready 0.4.9.11",
        "onion      reachable, hidden from strangers",
        f"address    {'x' * 56}",
        "connected  Bob (eeeeeeee, 912 ms)",
        "clock      2 min ahead of most peers'",
        "queued     1 message",
        "unread     0 messages",
        "devices    1",
    ]


@pytest_twisted.ensureDeferred
async def test_status_without_a_node(
    run: Runner, composed: Any, service: RecordingService, made: Any, secret: str
) -> None:
    service.answers["status.get"] = t.Status(
        **{name: getattr(STATUS, name) for name in STATUS.__struct_fields__} | {"running": False, "warnings": ["hm"]}
    )
    result = await run("--passphrase-file", secret, "status")
    assert result.code == 0
    assert "node       not running" in result.lines
    assert result.err == "onionchat: hm\n"
    assert composed.calls[-1] == ("close",)


@pytest.mark.parametrize("command", ["lock", "stop"])
@pytest_twisted.ensureDeferred
async def test_lock_and_stop(node: RecordingService, run: Runner, command: str) -> None:
    assert (await run(command)).code == 0
    assert node.calls == [(f"node.{command}", t.Nothing())]


@pytest_twisted.ensureDeferred
async def test_unlock_gives_the_passphrase(node: RecordingService, run: Runner, secret: str) -> None:
    assert (await run("unlock", "--passphrase-file", secret)).code == 0
    assert node.calls == [("node.unlock", t.Passphrase(passphrase="correct horse"))]
    node.answers["node.unlock"] = LockedError("wrong passphrase")
    result = await run("unlock", "--passphrase-file", secret)
    assert (result.code, result.err) == (3, "onionchat: wrong passphrase\n")
    assert (await run("unlock")).code == 3


@pytest.mark.parametrize("command", ["lock", "unlock", "stop", "watch"])
@pytest_twisted.ensureDeferred
async def test_they_need_a_node(run: Runner, made: Any, command: str) -> None:
    result = await run(command)
    assert (result.code, result.out) == (4, "")
    assert result.err.count("\n") == 1
    assert "onionchat run" in result.err


@pytest_twisted.ensureDeferred
async def test_a_locked_node_answers_3(node: RecordingService, run: Runner) -> None:
    node.answers["contact.list"] = LockedError("the node is locked; `onionchat unlock`")
    assert (await run("contacts")).code == 3


@pytest_twisted.ensureDeferred
async def test_tor_profile_is_yaml_with_the_instructions_as_comments(run: Runner, composed: Any) -> None:
    from onionchat.net.torprofile import instructions, profile_text

    composed.filter_profile = lambda kind: (profile_text(kind), instructions(kind))
    for kind in ("whonix", "tails"):
        result = await run("tor-profile", kind)
        assert result.code == 0
        profile = profile_text(kind).rstrip("\n")
        assert result.out.startswith(profile + "\n")
        assert all(line.startswith("#") for line in result.out[len(profile) + 1 :].splitlines())
    assert (await run("tor-profile", "windows")).code == 2


@pytest_twisted.ensureDeferred
async def test_demo_gets_all_that_follows(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []
    demo = types.ModuleType("onionchat.testing.demo")
    demo.run = lambda arguments: given.append(arguments)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onionchat.testing.demo", demo)
    assert (await run("demo", "--keep", "3", "stop")).code == 0
    assert given == [["--keep", "3", "stop"]]


@pytest.mark.parametrize("argument", ["version", "--version"])
@pytest_twisted.ensureDeferred
async def test_version(run: Runner, argument: str) -> None:
    assert (await run(argument)).out == f"onionchat {__version__}\n"
