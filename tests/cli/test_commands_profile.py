"""Commands about the profile as a whole."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from onionchat.api import types as t
from onionchat.cli import asking, commands_profile, passphrase
from onionchat.errors import LocalError
from tests.api.recording import RecordingService
from tests.cli.running import Runner


# --- init -------------------------------------------------------------------------------------------------
@pytest_twisted.ensureDeferred
async def test_init_makes_a_profile_and_keeps_the_words_when_nobody_sees_them(
    run: Runner, composed: Any, profile: Path, secret: str
) -> None:
    result = await run("--passphrase-file", secret, "init", "--name", "alice")
    assert result.code == 0
    assert composed.calls == [("create", profile, "alice", "correct horse", "keep")]
    assert "word1" not in result.out + result.err
    assert "kept in the profile" in result.err


@pytest_twisted.ensureDeferred
async def test_init_writes_the_words_to_a_private_file_and_settles(
    run: Runner, composed: Any, service: RecordingService, secret: str, tmp_path: Path
) -> None:
    words = tmp_path / "words"
    result = await run("init", "--name", "alice", "--recovery-file", str(words), "--passphrase-file", secret)
    assert result.code == 0
    assert words.read_text() == " ".join(composed.profiles.words) + "\n"
    assert stat.S_IMODE(words.stat().st_mode) == 0o600
    assert service.calls == [("recovery.settle", t.RecoverySettled(written=True))]
    assert composed.calls[-1] == ("close",)


@pytest_twisted.ensureDeferred
async def test_init_without_recovery(run: Runner, composed: Any, service: RecordingService, secret: str) -> None:
    result = await run("init", "--name", "alice", "--no-recovery", "--passphrase-file", secret)
    assert (result.code, result.err) == (0, "")
    assert composed.calls[0][-1] == "decline"
    assert service.calls == []


@pytest_twisted.ensureDeferred
async def test_init_shows_the_words_on_a_terminal_and_asks(
    run: Runner, composed: Any, service: RecordingService, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[bool] = []
    monkeypatch.setattr(commands_profile, "_hand_out", lambda words, file: shown.append(True) or True)
    assert (await run("init", "--name", "alice", "--passphrase-file", secret)).code == 0
    assert shown == [True]
    assert service.methods == ["recovery.settle"]


@pytest.mark.parametrize(("answer", "is_settled"), [("yes\n", True), ("no\n", False), ("", False)])
def test_the_words_are_numbered_and_settled_after_a_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, is_settled: bool
) -> None:
    import io
    import sys

    terminal = io.StringIO(answer)
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert commands_profile._hand_out([f"word{n}" for n in range(24)], None) == is_settled
    assert "24 word23" in capsys.readouterr().out


@pytest_twisted.ensureDeferred
async def test_init_refuses_to_overwrite_before_it_asks(run: Runner, composed: Any, made: Path, secret: str) -> None:
    result = await run("init", "--name", "alice")
    assert result.code == 1
    assert "already" in result.err
    assert composed.calls == []


@pytest_twisted.ensureDeferred
async def test_init_does_not_overwrite_the_file_for_the_words(
    run: Runner, composed: Any, secret: str, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("secret", "link"):
        result = await run("init", "--name", "a", "--passphrase-file", secret, "--recovery-file", str(tmp_path / name))
        assert (result.code, composed.calls) == (1, [])


@pytest_twisted.ensureDeferred
async def test_init_without_a_terminal_or_passphrase(run: Runner, composed: Any) -> None:
    result = await run("init", "--name", "alice")
    assert (result.code, composed.calls) == (3, [])


@pytest_twisted.ensureDeferred
async def test_init_with_an_empty_passphrase(run: Runner, composed: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    result = await run("init", "--name", "alice", "--passphrase-file", str(tmp_path / "empty"))
    assert (result.code, composed.calls) == (1, [])


@pytest.mark.parametrize("more", [["--no-recovery", "--recovery-file", "x"], ["--passphrase-fd", "0"]])
@pytest_twisted.ensureDeferred
async def test_init_with_two_answers_to_one_question(run: Runner, composed: Any, secret: str, more: list[str]) -> None:
    result = await run("init", "--name", "alice", "--passphrase-file", secret, *more)
    assert (result.code, composed.calls) == (2, [])


# --- passwd, export, import -----------------------------------------------------------------------------------
@pytest_twisted.ensureDeferred
async def test_passwd(run: Runner, composed: Any, made: Path, secret: str, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("staple")
    arguments = ["passwd", "--passphrase-file", secret, "--new-passphrase-file", str(tmp_path / "new")]
    assert (await run(*arguments)).code == 0
    assert (await run(*arguments, "--rekey")).code == 0
    assert composed.calls == [
        ("change", made, "correct horse", "staple", False),
        ("change", made, "correct horse", "staple", True),
    ]


@pytest_twisted.ensureDeferred
async def test_passwd_does_not_take_the_old_passphrase_for_the_new(
    run: Runner, composed: Any, made: Path, secret: str
) -> None:
    result = await run("passwd", "--passphrase-file", secret)
    assert (result.code, composed.calls) == (3, [])


@pytest_twisted.ensureDeferred
async def test_passwd_asks_twice_on_a_terminal(
    run: Runner, composed: Any, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["correct horse", "a quiet garden behind walls", "a quiet garden behind walls"])
    monkeypatch.setattr(passphrase, "can_ask", lambda: True)
    monkeypatch.setattr(passphrase.Source, "__init__", _asking(answers))
    assert (await run("passwd")).code == 0
    assert composed.calls == [("change", made, "correct horse", "a quiet garden behind walls", False)]


def _asking(answers: Any) -> Any:
    def __init__(self: Any, file: Any = None, fd: Any = None, ask: Any = None) -> None:
        for name, value in (("file", file), ("fd", fd), ("ask", lambda prompt: next(answers))):
            object.__setattr__(self, name, value)

    return __init__


@pytest.mark.usefixtures("node")
@pytest_twisted.ensureDeferred
async def test_passwd_needs_the_profile_for_itself(run: Runner, composed: Any, made: Path, secret: str) -> None:
    result = await run("passwd", "--passphrase-file", secret)
    assert (result.code, composed.calls) == (1, [])
    assert "onionchat stop" in result.err


@pytest_twisted.ensureDeferred
async def test_export_without_a_node(run: Runner, composed: Any, made: Path, secret: str, tmp_path: Path) -> None:
    (tmp_path / "own").write_text("its own")
    target = tmp_path / "export"
    arguments = ["export", str(target), "--passphrase-file", secret]
    assert (await run(*arguments, "--export-passphrase-file", str(tmp_path / "own"), "--salvage")).code == 0
    result = await run(*arguments)
    assert result.code == 0
    assert "one passphrase" in result.err
    assert "3 messages and 1 contacts" in result.out
    assert composed.calls == [
        ("export", made, "correct horse", target, "its own", True),
        ("export", made, "correct horse", target, "correct horse", False),
    ]


@pytest_twisted.ensureDeferred
async def test_export_at_a_node_asks_for_no_passphrase_of_the_profile(
    run: Runner, node: RecordingService, tmp_path: Path
) -> None:
    (tmp_path / "own").write_text("its own")
    target = tmp_path / "export"
    result = await run("export", str(target), "--new-passphrase-file", str(tmp_path / "own"))
    assert result.code == 0
    assert node.calls == [("profile.export", t.ProfileExport(path=str(target), passphrase="its own"))]
    assert "its own" not in repr(node.calls)
    assert (await run("export", str(target))).code == 2


@pytest_twisted.ensureDeferred
async def test_export_does_not_overwrite(run: Runner, composed: Any, made: Path, secret: str) -> None:
    result = await run("export", secret, "--passphrase-file", secret)
    assert (result.code, composed.calls) == (1, [])


@pytest_twisted.ensureDeferred
async def test_import(run: Runner, composed: Any, profile: Path, secret: str, tmp_path: Path) -> None:
    (tmp_path / "own").write_text("its own")
    (tmp_path / "export").write_bytes(b"x")
    source = tmp_path / "export"
    arguments = ["import", str(source), "--passphrase-file", secret, "--export-passphrase-file", str(tmp_path / "own")]
    assert (await run(*arguments, "--name", "reader")).code == 0
    assert composed.calls == [("import", profile, source, "its own", "reader", "correct horse")]
    assert (await run("import", str(tmp_path / "nothing"), "--passphrase-file", secret)).code == 1


# --- wipe -------------------------------------------------------------------------------------------------
@pytest_twisted.ensureDeferred
async def test_wipe_needs_a_yes(run: Runner, composed: Any, made: Path) -> None:
    result = await run("wipe")
    assert (result.code, composed.calls) == (1, [])
    assert "--yes" in result.err
    assert (await run("wipe", "--yes")).code == 0
    assert composed.calls == [("wipe", made)]


@pytest_twisted.ensureDeferred
async def test_wipe_stops_the_node_first(
    run: Runner, composed: Any, node: RecordingService, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = iter([True, True, False])
    monkeypatch.setattr("onionchat.cli.session.Context.is_node_running", lambda self: next(seen))
    assert (await run("wipe", "--yes")).code == 0
    assert node.methods == ["node.stop"]
    assert composed.calls == [("wipe", made)]


@pytest_twisted.ensureDeferred
async def test_wipe_gives_up_when_the_node_stays(
    run: Runner, composed: Any, node: RecordingService, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands_profile, "_STOP_SECONDS", 0.1)
    assert (await run("wipe", "--yes")).code == 1
    assert composed.calls == []


def test_no_is_no(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(asking, "ask_yes", lambda question: False)
    with pytest.raises(LocalError, match="nothing was done"):
        asking.confirm("Sure?", False)


def test_the_words_file_is_ours_alone_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        commands_profile._write_private(tmp_path / "w", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "w").stat().st_mode) == 0o600
    with pytest.raises(LocalError, match="kept in the profile"):
        commands_profile._write_private(tmp_path / "w", "y")
