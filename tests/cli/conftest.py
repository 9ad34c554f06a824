"""A running "node" that writes down what it is asked, and nobody at the terminal."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred, succeed

import onionchat.cli
from onionchat.api import types as t
from onionchat.api.server import ApiServer
from onionchat.api.socketpath import socket_path
from onionchat.cli import passphrase
from onionchat.errors import LocalError, LockedError
from onionchat.node.export import Exported
from tests.api.recording import RecordingService
from tests.cli.running import Runner

reactor: Any = real_reactor


@pytest.fixture(autouse=True)
def _nobody_at_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase, "can_ask", lambda: False)


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "profile"


@pytest.fixture
def service() -> RecordingService:
    return RecordingService()


@pytest.fixture
def node(service: RecordingService, profile: Path) -> Iterator[RecordingService]:
    """A server on the profile's socket; the service behind it."""
    profile.mkdir(mode=0o700)
    server = ApiServer(service, socket_path(profile), reactor)
    server.start()
    yield service
    pytest_twisted.blockon(server.stop())


@pytest.fixture
def run(profile: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(profile, capsys, monkeypatch)


class FakeProfiles:
    """The functions of `node.profile`, written down. Profiles are folders with a file `made` in them."""

    def __init__(self, calls: list[tuple[object, ...]]) -> None:
        self.calls = calls
        self.words = [f"word{n}" for n in range(24)]

    def profile_exists(self, directory: Path) -> bool:
        return (directory / "made").exists()

    def create_profile(self, directory: Path, name: str, passphrase: str, recovery: str) -> list[str]:
        self.calls.append(("create", directory, name, passphrase, recovery))
        directory.mkdir(mode=0o700, exist_ok=True)
        (directory / "made").write_text(passphrase)
        return self.words if recovery == "keep" else []

    def change_passphrase(self, directory: Path, old: str, new: str, rekey: bool) -> None:
        self.calls.append(("change", directory, old, new, rekey))

    def export_profile(self, directory: Path, passphrase: str, target: Path, own: str, salvage: bool) -> Exported:
        self.calls.append(("export", directory, passphrase, target, own, salvage))
        return Exported(3, 1)

    def import_profile(self, directory: Path, source: Path, own: str, name: str | None, passphrase: str) -> None:
        self.calls.append(("import", directory, source, own, name, passphrase))

    def wipe_profile(self, directory: Path) -> list[str]:
        self.calls.append(("wipe", directory))
        return ["notes.txt"]


class FakeNode:
    """A node that starts and stops at once."""

    def __init__(self, calls: list[tuple[object, ...]], settings: object) -> None:
        self.calls = calls
        self.settings = settings

    def start(self) -> Any:
        self.calls.append(("start", self.settings))
        return succeed(None)

    def stop(self) -> Any:
        self.calls.append(("stop",))
        return succeed(None)


class FakeCompose(types.ModuleType):
    """Stands for `cli.compose`, so that commands are tested without a store and without Tor."""

    def __init__(self, service: RecordingService) -> None:
        super().__init__("onionchat.cli.compose")
        self.calls: list[tuple[object, ...]] = []
        self.profiles = FakeProfiles(self.calls)
        self.service = service

    def require_profile(self, directory: Path) -> None:
        if not self.profiles.profile_exists(directory):
            raise LocalError(f"there is no profile in {directory}")

    def require_no_profile(self, directory: Path) -> None:
        if self.profiles.profile_exists(directory):
            raise LocalError(f"there is a profile in {directory} already")

    def build_node(self, directory: Path, passphrase: str, reactor: Any, settings: object) -> FakeNode:
        if (directory / "made").read_text() != passphrase:
            raise LockedError("wrong passphrase")
        self.calls.append(("open", directory))
        return FakeNode(self.calls, settings)

    def require_joinable(self, directory: Path, code: str, label: str) -> None:
        if not code.startswith("onionchat-link:"):
            raise LocalError("that is no code")

    def start_joining(self, directory: Path, *arguments: Any) -> "FakeJoining":
        self.calls.append(("join", directory, *arguments[:4]))
        self.joining = FakeJoining(self, directory, arguments[2])
        return self.joining

    def build_service(self, node: FakeNode) -> RecordingService:
        return self.service

    def OfflineSession(self, directory: Path, passphrase: str) -> Any:
        self.build_node(directory, passphrase, None, None)
        return FakeOffline(self.service, self.calls)


class FakeJoining:
    """A device on its way; a yes makes the profile."""

    def __init__(self, compose: FakeCompose, directory: Path, passphrase: str) -> None:
        self.compose, self.directory, self.passphrase = compose, directory, passphrase
        self.cancelled = 0
        self.done: Deferred[str] = Deferred()

    def confirm(self, is_equal: bool) -> None:
        if is_equal:
            self.compose.profiles.create_profile(self.directory, "", self.passphrase, "decline")
            self.done.callback("joined")
        else:
            self.done.errback(LocalError("nothing was linked"))

    def cancel(self) -> None:
        self.cancelled += 1
        if not self.done.called:
            self.done.errback(LocalError("it was cancelled"))


class FakeOffline:
    """A session on the store alone."""

    is_live = False

    def __init__(self, service: RecordingService, calls: list[tuple[object, ...]]) -> None:
        self._service = service
        self._calls = calls

    def call(self, name: str, params: t.Params | None = None) -> Any:
        return self._service.call(name, t.Nothing() if params is None else params)

    def close(self) -> None:
        self._calls.append(("close",))


@pytest.fixture
def composed(service: RecordingService, monkeypatch: pytest.MonkeyPatch) -> FakeCompose:
    fake = FakeCompose(service)
    monkeypatch.setitem(sys.modules, "onionchat.cli.compose", fake)
    monkeypatch.setattr(onionchat.cli, "compose", fake, raising=False)
    return fake


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """A file with the passphrase."""
    file = tmp_path / "secret"
    file.write_text("correct horse\n")
    return str(file)


@pytest.fixture
def made(profile: Path) -> Path:
    """A profile that the fake composition knows."""
    profile.mkdir(mode=0o700, exist_ok=True)
    (profile / "made").write_text("correct horse")
    return profile
