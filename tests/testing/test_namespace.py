"""The namespace with quick acknowledgements. Where it cannot be made, that is what is tested."""

import subprocess
import sys

import pytest

from onionchat.testing.namespace import QuickackNamespace


@pytest.fixture
def namespace() -> type[QuickackNamespace]:
    if not QuickackNamespace.available():
        pytest.skip("needs root and a kernel that lets us make a network namespace")
    return QuickackNamespace


def inside(script: str) -> str:
    command = QuickackNamespace.command([sys.executable, "-c", script])
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout


def test_the_routes_of_loopback_acknowledge_at_once(namespace: type[QuickackNamespace]) -> None:
    command = namespace.command(["ip", "route", "show", "table", "local"])
    routes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [("quickack 1" in line) for line in routes if line.startswith("local 127.")] == [True, True]


def test_loopback_works_in_it_and_nothing_else_is_there(namespace: type[QuickackNamespace]) -> None:
    assert (
        inside(
            "import os, socket\n"
            "with socket.create_server(('127.0.0.1', 0)) as server:\n"
            "    socket.create_connection(server.getsockname()).close()\n"
            "print(os.listdir('/sys/class/net') and [name for _, name in socket.if_nameindex()])"
        )
        == "['lo']\n"
    )


def test_what_runs_in_it_knows(namespace: type[QuickackNamespace]) -> None:
    question = "from onionchat.testing.namespace import QuickackNamespace as Q; print(Q.inside())"
    assert not namespace.inside()
    assert inside(question) == "True\n"


def test_a_program_starts_itself_again_inside_once(namespace: type[QuickackNamespace]) -> None:
    script = (
        "import os, socket\nfrom onionchat.testing.namespace import QuickackNamespace as Q\n"
        "print('outside' if not Q.inside() else 'inside')\nQ.reexecute()\n"
        "print(len(socket.if_nameindex()))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout == "outside\ninside\n1\n"


def test_without_root_it_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    QuickackNamespace.available.cache_clear()
    try:
        assert not QuickackNamespace.available()
    finally:
        QuickackNamespace.available.cache_clear()


def test_arguments_reach_the_program_unchanged() -> None:
    assert QuickackNamespace.command(["a b", "$HOME", "'"])[-3:] == ["a b", "$HOME", "'"]
