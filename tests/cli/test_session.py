"""Sessions: the node that runs, else the store."""

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from onionchat.api import types as t
from onionchat.cli.parser import parse
from onionchat.cli.passphrase import Source
from onionchat.cli.session import Context, LiveSession
from onionchat.errors import LocalError, NoNodeError
from tests.api.recording import RecordingService


def context(profile: Path, secret: str) -> Context:
    return Context(parse(["status"]), profile, Source(Path(secret)))


@pytest_twisted.ensureDeferred
async def test_the_running_node_comes_first_and_is_asked_once(
    node: RecordingService, composed: Any, made: Path, secret: str
) -> None:
    def use() -> None:
        found = context(made, secret)
        assert found.is_node_running()
        session = found.session()
        assert isinstance(session, LiveSession)
        assert found.session() is session
        assert found.live() is session
        assert found.call("node.lock") == t.Done()
        found.close()
        found.close()

    await deferToThread(use)
    assert composed.calls == []


def test_else_the_store(composed: Any, made: Path, secret: str) -> None:
    found = context(made, secret)
    assert not found.is_node_running()
    assert not found.session().is_live
    found.close()
    assert composed.calls == [("open", made), ("close",)]


def test_live_wants_a_node(made: Path, secret: str) -> None:
    with pytest.raises(NoNodeError):
        context(made, secret).live()


def test_without_a_profile_no_passphrase_is_read(composed: Any, profile: Path) -> None:
    with pytest.raises(LocalError, match="there is no profile"):
        context(profile, "/nowhere").session()


def test_settings_come_from_the_profile(made: Path, secret: str) -> None:
    (made / "config.toml").write_text('tor = "launch"')
    assert context(made, secret).settings().tor == "launch"
