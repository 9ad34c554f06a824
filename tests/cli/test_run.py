"""`onionchat run`: ready, waiting for Tor, giving up, stopping."""

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from onionchat.api import types as t
from onionchat.api.async_client import AsyncClient
from onionchat.api.socketpath import socket_path
from onionchat.cli.run import Readiness
from onionchat.errors import LockedError, TorError
from tests.api.recording import RecordingService
from tests.cli.running import Runner

reactor: Any = real_reactor
TOR = t.Event(event="tor", time=1)


def status(onion: str = "publishing", state: str = "ready", summary: str = "") -> t.Status:
    values: dict[str, Any] = {
        "device": "d",
        "account": "a",
        "name": "alice",
        "tor": t.TorStatus(state=state, bootstrap=100, version="1", summary=summary),
        "onion": onion,
        "restricted_discovery": True,
        "peers": [],
        "missing": [],
        "clock_skew_s": None,
        "queued": 0,
        "address": "x" * 56,
    }
    return t.Status(**values)


def test_ready_is_said_once_and_only_when_reachable(capsys: pytest.CaptureFixture[str]) -> None:
    service = RecordingService()
    readiness = Readiness(service, is_once=False)
    for found in (status(), status("reachable"), status(), status("reachable")):
        service.answers["status.get"] = found
        readiness.look(TOR)
    assert capsys.readouterr() == ("ready " + "x" * 56 + "\n", "")


def test_a_missing_tor_is_said_once_for_each_reason(capsys: pytest.CaptureFixture[str]) -> None:
    service = RecordingService()
    readiness = Readiness(service, is_once=False)
    for reason in ("", "", "its cookie may not be read", ""):
        service.answers["status.get"] = status("unpublished", "lost", reason)
        readiness.look()
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.count("\n") == 3
    assert "its cookie may not be read; waiting for it" in found.err
    assert not readiness.gave_up.called


def test_once_gives_up() -> None:
    service = RecordingService()
    readiness = Readiness(service, is_once=True)
    service.answers["status.get"] = status("unpublished", "lost", "nothing answers")
    readiness.look()
    readiness.look()
    caught: list[Any] = []
    readiness.gave_up.addErrback(caught.append)
    assert isinstance(caught[0].value, TorError)
    assert str(caught[0].value) == "nothing answers"


def test_once_does_not_give_up_what_was_ready() -> None:
    service = RecordingService()
    readiness = Readiness(service, is_once=True)
    for found in (status("reachable"), status("unpublished", "lost")):
        service.answers["status.get"] = found
        readiness.look()
    assert not readiness.gave_up.called


def test_a_locked_node_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    service = RecordingService()
    service.answers["status.get"] = LockedError("locked")
    Readiness(service, is_once=True).look()
    assert capsys.readouterr() == ("", "")


async def until(condition: Any) -> None:
    for _ in range(2000):
        if condition():
            return
        await deferLater(reactor, 0.005)
    raise AssertionError("it did not happen")


@pytest_twisted.ensureDeferred
async def test_it_runs_until_it_is_stopped(
    run: Runner, composed: Any, service: RecordingService, made: Path, secret: str
) -> None:
    service.answers["status.get"] = status()
    (made / "config.toml").write_text('tor = "launch"')
    running = run("run", "--passphrase-file", secret)
    await until(lambda: service.subscribers)
    service.answers["status.get"] = status("reachable")
    service.publish(TOR)
    client = await AsyncClient.connect(reactor, socket_path(made))
    second = await deferred_second(run, secret)
    assert second == 1
    await client.call("node.stop")
    result = await running
    assert result.code == 0
    assert [call[0] for call in composed.calls] == ["open", "start", "stop"]
    assert composed.calls[1][1].tor == "launch"
    assert service.subscribers == {}
    assert not socket_path(made).exists()


async def deferred_second(run: Runner, secret: str) -> int:
    """A second `run` on the same profile."""
    from twisted.internet.threads import deferToThread

    from onionchat.cli.main import main

    arguments = ["--profile", str(run.profile), "run", "--passphrase-file", secret]
    code: int = await deferToThread(main, arguments)
    return code


@pytest_twisted.ensureDeferred
async def test_once_ends_with_5(run: Runner, composed: Any, service: RecordingService, made: Path, secret: str) -> None:
    service.answers["status.get"] = status("unpublished", "lost", "nothing answers on 9051")
    result = await run("run", "--once", "--passphrase-file", secret)
    assert (result.code, result.out, result.err) == (5, "", "onionchat: nothing answers on 9051\n")
    assert [call[0] for call in composed.calls] == ["open", "start", "stop"]


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_run(run: Runner, composed: Any, profile: Path, secret: str, tmp_path: Path) -> None:
    assert (await run("run", "--passphrase-file", secret)).code == 1
    profile.mkdir()
    (profile / "made").write_text("correct horse")
    assert (await run("run")).code == 3
    (tmp_path / "wrong").write_text("wrong")
    assert (await run("run", "--passphrase-file", str(tmp_path / "wrong"))).code == 3
    (profile / "config.toml").write_text("nonsense = 1")
    assert (await run("run", "--passphrase-file", secret)).code == 1


def test_deferred_is_what_services_may_answer(capsys: pytest.CaptureFixture[str]) -> None:
    service = RecordingService()
    late: Deferred[t.Status] = Deferred()
    service.answers["status.get"] = late
    Readiness(service, is_once=False).look()
    assert capsys.readouterr().out == ""
    late.callback(status("reachable"))
    assert capsys.readouterr().out.startswith("ready ")
