"""What holds for every test: loopback only, no profile of the person who runs them, marks by folder."""

import ipaddress
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: those we start inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

FOLDER_MARKS = ("tor", "ui", "sim", "chaos")

settings.register_profile("onionchat", deadline=None)
settings.load_profile("onionchat")


def _refuse_the_internet(event: str, arguments: tuple[object, ...]) -> None:
    """Audit hook: a test that would leave the machine, or ask a name server, fails there and then."""
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            raise PermissionError(f"a test wanted to reach {address[0]}: only loopback is allowed")
    elif event == "socket.getaddrinfo":
        name = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
        if name and not _is_loopback(str(name)) and not _is_number(str(name)):
            raise PermissionError(f"a test wanted to look up {name}: names are for Tor alone")


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host in ("", "localhost") or (_is_number(host) and ipaddress.ip_address(host).is_loopback)


sys.addaudithook(_refuse_the_internet)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """tests/tor/… is marked `tor`, and so on, before `-m` chooses."""
    root = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(root).parts[0] if item.path.is_relative_to(root) else ""
        if folder in FOLDER_MARKS:
            item.add_marker(folder)


@pytest.fixture(autouse=True)
def _nobody_s_profile(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees the profile, the Tor or the terminal settings of whoever runs it."""
    for name in [name for name in os.environ if name.startswith(("ONIONCHAT_PROFILE", "TOR_", "NO_COLOR"))]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "nobody"
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(home))
    yield
