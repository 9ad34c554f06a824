"""The program as a whole: exit codes, one-line errors, pipes, interruptions, what it imports."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from onionchat.api import types as t
from onionchat.cli import commands_node
from onionchat.cli.main import main, profile_folder
from onionchat.errors import LocalError, LockedError, NoNodeError, RemoteError, StoreError, TorError, UsageError
from tests.api.recording import RecordingService
from tests.cli.running import Runner

PROGRAM = [sys.executable, "-m", "onionchat"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LocalError("x"), 1),
        (StoreError("x"), 1),
        (RemoteError("x"), 1),
        (UsageError("x"), 2),
        (LockedError("x"), 3),
        (NoNodeError("x"), 4),
        (TorError("x"), 5),
    ],
)
def test_exit_codes(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(context: object) -> int:
        raise error

    monkeypatch.setattr(commands_node, "version", fail)
    assert main(["version"]) == code
    assert capsys.readouterr() == ("", "onionchat: x\n")


def test_an_error_is_one_safe_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(context: object) -> int:
        raise LocalError("one\ntwo \x1b[2J\u202ethree")

    monkeypatch.setattr(commands_node, "version", fail)
    assert main(["version"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("onionchat: one two ")
    assert err.count("\n") == 1
    assert not {"\x1b", "\u202e"} & set(err)


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_fault_inside_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], debug: str
) -> None:
    def fail(context: object) -> int:
        passphrase = "hunter2"
        raise ValueError(f"bad {passphrase}")

    monkeypatch.setenv("ONIONCHAT_DEBUG", debug)
    monkeypatch.setattr(commands_node, "version", fail)
    assert main(["version"]) == 1
    err = capsys.readouterr().err
    assert "ValueError" in err
    assert "hunter2" not in err
    assert "Traceback" not in err
    assert ("in fail" in err) == bool(debug)


def test_what_the_system_refuses_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(context: object) -> int:
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr(commands_node, "version", fail)
    assert main(["version"]) == 1
    assert capsys.readouterr().err == "onionchat: the system says: No space left on device (/somewhere)\n"


def test_an_interruption_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(context: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands_node, "version", fail)
    assert main(["version"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("command", ["file send", "nonsense", "Send"])
def test_unknown_commands(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main(command.split()) == 2
    err = capsys.readouterr().err
    assert err.startswith("onionchat: unknown command")
    assert err.count("\n") == 1


def test_arguments_that_are_no_utf8(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", "bob", "\udcff"]) == 2
    assert capsys.readouterr().err == "onionchat: an argument is not valid UTF-8\n"


@pytest.mark.parametrize(
    ("named", "variables", "folder"),
    [
        ("/a/b", {"ONIONCHAT_PROFILE": "/c"}, "/a/b"),
        (None, {"ONIONCHAT_PROFILE": "/c", "XDG_DATA_HOME": "/d"}, "/c"),
        (None, {"ONIONCHAT_PROFILE": "", "XDG_DATA_HOME": "/d"}, "/d/onionchat"),
        (None, {"XDG_DATA_HOME": "relative", "HOME": "/home/x"}, "/home/x/.local/share/onionchat"),
        ("~/p", {"HOME": "/home/x"}, "/home/x/p"),
    ],
)
def test_where_the_profile_is(
    monkeypatch: pytest.MonkeyPatch, named: str | None, variables: dict[str, str], folder: str
) -> None:
    for name in ("ONIONCHAT_PROFILE", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert profile_folder(named) == Path(folder)


@pytest_twisted.ensureDeferred
async def test_without_node_and_profile(run: Runner, composed: Any) -> None:
    result = await run("contacts")
    assert (result.code, result.out) == (1, "")
    assert "there is no profile" in result.err


@pytest_twisted.ensureDeferred
async def test_with_a_node_no_passphrase_is_asked(run: Runner, node: RecordingService, composed: Any) -> None:
    node.answers["contact.list"] = []
    assert (await run("contacts", "--json")).out == "[]\n"
    assert composed.calls == []


@pytest_twisted.ensureDeferred
async def test_without_a_node_the_profile_is_opened(
    run: Runner, composed: Any, service: RecordingService, made: Path, secret: str
) -> None:
    service.answers["message.send"] = t.Sent(id="abc")
    result = await run("--passphrase-file", secret, "send", "Bob", "hi")
    assert (result.code, result.out) == (0, "abc\n")
    assert "no node is running" in result.err
    assert composed.calls == [("open", made), ("close",)]


@pytest_twisted.ensureDeferred
async def test_a_wrong_passphrase(run: Runner, composed: Any, made: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong")
    assert (await run("contacts", "--passphrase-file", str(tmp_path / "wrong"))).code == 3
    assert (await run("contacts")).code == 3


# --- as real processes --------------------------------------------------------------------------------------
def environment(profile: Path) -> dict[str, str]:
    return {**os.environ, "ONIONCHAT_PROFILE": str(profile), "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest_twisted.ensureDeferred
async def test_a_process_at_a_node(node: RecordingService, profile: Path) -> None:
    node.answers["contact.list"] = []
    found = await deferToThread(
        subprocess.run, [*PROGRAM, "contacts", "--json"], capture_output=True, env=environment(profile), timeout=60
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, b"[]\n", b"")


@pytest_twisted.ensureDeferred
async def test_a_reader_that_goes_away_ends_it_quietly(node: RecordingService, profile: Path) -> None:
    """As in `onionchat log bob | head -1`."""
    node.answers["invite.list"] = [
        t.Invitation(link=f"onionchat:{n}", kind="once", expires=None, state="published") for n in range(20_000)
    ]

    def pipe() -> tuple[int, bytes]:
        child = subprocess.Popen(
            [*PROGRAM, "invitations"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(profile)
        )
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        err = child.stderr.read()
        child.stderr.close()
        return child.wait(timeout=60), err

    assert await deferToThread(pipe) == (141, b"")


@pytest_twisted.ensureDeferred
async def test_ctrl_c_ends_watch_cleanly(node: RecordingService, profile: Path) -> None:
    def watch() -> tuple[int, bytes]:
        child = subprocess.Popen([*PROGRAM, "watch"], stderr=subprocess.PIPE, env=environment(profile))
        assert child.stderr is not None
        while not node.subscribers:
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        err = child.stderr.read()
        child.stderr.close()
        return child.wait(timeout=60), err

    assert await deferToThread(watch) == (0, b"")


@pytest.mark.parametrize("arguments", [["--help"], ["send", "--help"], ["version"]])
def test_help_loads_neither_twisted_nor_the_store(arguments: list[str]) -> None:
    program = (
        "import sys; from onionchat.cli.main import main; code = main(sys.argv[1:]); "
        "heavy = {'twisted', 'sqlcipher3', 'nacl', 'urwid', 'cryptography'} & {m.split('.')[0] for m in sys.modules}; "
        "sys.exit(code or len(heavy))"
    )
    found = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, timeout=60)
    assert (found.returncode, found.stderr) == (0, b"")
    assert b"onionchat" in found.stdout


@pytest_twisted.ensureDeferred
async def test_a_call_at_a_node_loads_no_twisted_either(node: RecordingService, profile: Path) -> None:
    node.answers["contact.list"] = []
    program = (
        "import sys; from onionchat.cli.main import main; code = main(['contacts', '--json']); "
        "sys.exit(code or 'twisted' in sys.modules)"
    )
    found = await deferToThread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, env=environment(profile), timeout=60
    )
    assert (found.returncode, found.stdout) == (0, b"[]\n")
