"""The console's way in: the running node, the first run, the passphrase. The screens have tests of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, succeed

from onionchat.api import types as t
from onionchat.api.async_client import AsyncClient
from onionchat.api.local import LocalClient
from onionchat.cli import console
from onionchat.errors import LocalError, LockedError
from tests.api.recording import RecordingService
from tests.cli.running import Runner


class Screens:
    """Stands for the three screens: the backend that each got."""

    def __init__(self) -> None:
        self.shown: list[Any] = []
        self.typed = "correct horse"
        self.refused: list[Exception] = []

    def run(self, backend: Any, reactor: Any, options: Any, outside: Any, until: Any) -> Any:
        self.shown.append(backend)
        return backend.call("conversation.list", t.Nothing()).addCallback(lambda _: None)

    def unlock(self, open_it: Any, reactor: Any, options: Any) -> "Deferred[Any]":
        opening: Deferred[Any] = open_it(self.typed)
        return opening.addErrback(lambda failure: self.refused.append(failure.value))

    def first_run(self, founder: Any, reactor: Any, options: Any) -> "Deferred[Any]":
        if not self.typed:
            return succeed(None)
        assert founder.strength("password")[0] == 0
        return founder.create_profile("alice", self.typed)  # type: ignore[no-any-return]


@pytest.fixture
def screens(monkeypatch: pytest.MonkeyPatch, service: RecordingService) -> Iterator[Screens]:
    made = Screens()
    service.answers["conversation.list"] = []
    monkeypatch.setattr(console.screen, "run", made.run)
    monkeypatch.setattr(console.screen, "wants_plain", lambda options: options.plain)
    monkeypatch.setattr(console.unlock, "run", made.unlock)
    monkeypatch.setattr(console.firstrun, "run", made.first_run)
    yield made


@pytest_twisted.ensureDeferred
async def test_it_attaches_to_the_running_node(
    run: Runner, node: RecordingService, composed: Any, screens: Screens
) -> None:
    assert (await run()).code == 0
    (backend,) = screens.shown
    assert isinstance(backend, AsyncClient)
    assert node.methods == ["conversation.list"]
    assert composed.calls == []


@pytest_twisted.ensureDeferred
async def test_it_ends_with_the_node_that_it_is_attached_to(
    run: Runner, node: RecordingService, composed: Any, screens: Screens, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stay(backend: Any, reactor: Any, options: Any, outside: Any, until: Any) -> Any:
        backend.transport.abortConnection()  # as when the node is killed
        return Deferred()

    monkeypatch.setattr(console.screen, "run", stay)
    ended = await run()
    assert (ended.code, "the node has stopped" in ended.err) == (4, True)


@pytest_twisted.ensureDeferred
async def test_it_asks_for_the_passphrase_and_runs_a_node_of_its_own(
    run: Runner, composed: Any, made: Path, screens: Screens
) -> None:
    assert (await run()).code == 0
    (backend,) = screens.shown
    assert isinstance(backend, LocalClient)
    assert [call[0] for call in composed.calls] == ["open", "start", "stop"]


@pytest_twisted.ensureDeferred
async def test_a_wrong_passphrase_is_refused_on_the_screen(
    run: Runner, composed: Any, made: Path, screens: Screens
) -> None:
    screens.typed = "wrong"
    assert (await run()).code == 0
    assert isinstance(screens.refused[0], LockedError)
    assert screens.shown == []


@pytest_twisted.ensureDeferred
async def test_a_passphrase_from_a_file_asks_nothing(
    run: Runner, composed: Any, made: Path, screens: Screens, secret: str
) -> None:
    screens.typed = "not asked for"
    assert (await run("--passphrase-file", secret)).code == 0
    assert len(screens.shown) == 1


@pytest_twisted.ensureDeferred
async def test_plain_wants_the_passphrase_before(
    run: Runner, composed: Any, made: Path, screens: Screens, secret: str
) -> None:
    assert (await run("--plain")).code == 3
    assert (await run("--plain", "--passphrase-file", secret)).code == 0
    assert len(screens.shown) == 1


@pytest_twisted.ensureDeferred
async def test_plain_without_a_profile(run: Runner, composed: Any, screens: Screens) -> None:
    result = await run("--plain")
    assert result.code == 1
    assert "there is no profile" in result.err


@pytest_twisted.ensureDeferred
async def test_the_first_run(run: Runner, composed: Any, profile: Path, screens: Screens) -> None:
    assert (await run()).code == 0
    assert [call[0] for call in composed.calls] == ["create", "open", "start", "stop"]
    assert composed.calls[0] == ("create", profile, "alice", "correct horse", "keep")
    assert len(screens.shown) == 1


@pytest_twisted.ensureDeferred
async def test_the_first_run_may_be_left(run: Runner, composed: Any, screens: Screens) -> None:
    screens.typed = ""
    assert (await run()).code == 0
    assert (composed.calls, screens.shown) == ([], [])


@pytest.mark.parametrize("answer", [True, False, None])
@pytest_twisted.ensureDeferred
async def test_a_first_run_that_joins_an_account(
    run: Runner, composed: Any, profile: Path, screens: Screens, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    refused: list[Any] = []

    def first_run(founder: Any, reactor: Any, options: Any) -> "Deferred[Any]":
        with pytest.raises(LocalError):
            founder.require_joinable("onionchat:x", "tablet")
        joiner = founder.join("onionchat-link:x", "tablet", "correct horse", 7, None)
        joiner.done.addErrback(lambda failure: refused.append(str(failure.value)))
        if answer is None:  # the user leaves
            return succeed(None)
        joiner.confirm(answer)
        done: Deferred[Any] = joiner.done
        return done

    monkeypatch.setattr(console.firstrun, "run", first_run)
    assert (await run()).code == 0
    assert composed.calls[0] == ("join", profile, "onionchat-link:x", "tablet", "correct horse", 7)
    if answer:
        assert [call[0] for call in composed.calls] == ["join", "create", "open", "start", "stop"]
        assert len(screens.shown) == 1 and refused == []
    else:
        assert [call[0] for call in composed.calls] == ["join"]
        assert refused == ["nothing was linked" if answer is False else "it was cancelled"]
