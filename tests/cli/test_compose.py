"""The composition root, on a real profile and without Tor."""

from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

pytest.importorskip("onionchat.node.profile")

from onionchat.api import types as t
from onionchat.cli import compose
from onionchat.cli.settings import Settings
from onionchat.errors import LocalError, LockedError, NoNodeError

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def alice(tmp_path: Path) -> Path:
    words = compose.profiles.create_profile(tmp_path / "alice", "alice", PASSPHRASE, "keep")
    assert len(words) == 24
    return tmp_path / "alice"


def test_what_is_a_profile(alice: Path, tmp_path: Path) -> None:
    compose.require_profile(alice)
    compose.require_no_profile(tmp_path / "bob")
    with pytest.raises(LocalError, match="onionchat init"):
        compose.require_profile(tmp_path / "bob")
    with pytest.raises(LocalError, match="already"):
        compose.require_no_profile(alice)


@pytest_twisted.ensureDeferred
async def test_methods_without_a_node(alice: Path) -> None:
    def use() -> t.Status:
        session = compose.OfflineSession(alice, PASSPHRASE)
        try:
            assert session.call("contact.list") == []
            assert len(session.call("recovery.words").words) == 24
            with pytest.raises(NoNodeError):
                session.call("node.lock")
            with pytest.raises(LocalError):
                session.call("message.send", t.MessageSend(name="nobody", text="hi"))
            status: t.Status = session.call("status.get")
            return status
        finally:
            session.close()

    first = await deferToThread(use)
    assert (first.name, first.running, first.onion) == ("alice", False, "unpublished")
    assert await deferToThread(use) == first  # it was closed well


@pytest_twisted.ensureDeferred
async def test_a_wrong_passphrase_and_a_profile_in_use(alice: Path) -> None:
    def use() -> None:
        with pytest.raises(LockedError):
            compose.OfflineSession(alice, "wrong")
        session = compose.OfflineSession(alice, PASSPHRASE)
        try:
            with pytest.raises(LocalError, match="use"):
                compose.OfflineSession(alice, PASSPHRASE)
        finally:
            session.close()

    await deferToThread(use)


def test_tor_options_and_places() -> None:
    settings = Settings("system", "tcp:127.0.0.1:9", "127.0.0.1:8", ("UseBridges 1",), 17600)
    options = compose.tor_options(settings)
    assert (options.mode, options.control, options.socks) == ("system", "tcp:127.0.0.1:9", "127.0.0.1:8")
    assert (options.tor_options, options.onion_port) == (("UseBridges 1",), 17600)
    (place,) = compose.tor_places(settings)
    assert str(place.control) == "tcp:127.0.0.1:9"
    assert compose.permission_advice(place.kind)


@pytest.mark.parametrize("kind", ["whonix", "tails"])
def test_filter_profiles(kind: str) -> None:
    text, instructions = compose.filter_profile(kind)
    assert "ADD_ONION" in text
    assert "onionchat doctor" in instructions
