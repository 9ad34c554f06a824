"""The frame of the demonstration: options, signals, cleaning up. With real Tor: tests/tor/test_demo.py."""

import os
import signal

import pytest

from onionchat.errors import TorError, UsageError
from onionchat.testing import demo, torproc


def test_wrong_options_are_wrong_usage():
    with pytest.raises(UsageError, match="--sript"):
        demo.run(["--sript"])


def test_help_ends_well(capsys):
    with pytest.raises(SystemExit) as end:
        demo.run(["--help"])
    assert end.value.code == 0
    assert "--keep" in capsys.readouterr().out


def test_without_tor_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(torproc.shutil, "which", lambda *_, **__: None)
    with pytest.raises(TorError, match="apt-get install tor"):
        demo.run(["--script"])


@pytest.mark.parametrize("number", demo.SIGNALS)
def test_a_signal_breaks_it_off_and_the_folder_is_removed(monkeypatch, tmp_path, number, capsys):
    monkeypatch.setattr(demo.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(demo, "tor_program", lambda: "tor")
    before = signal.getsignal(number)

    def interrupted(*_):
        assert len(os.listdir(tmp_path)) == 1
        os.kill(os.getpid(), number)
        raise AssertionError("the signal did not come")

    monkeypatch.setattr(demo, "_prepare", interrupted)
    assert demo.run(["--script"]) == 128 + number
    assert os.listdir(tmp_path) == []
    assert signal.getsignal(number) == before
    assert "removed" in capsys.readouterr().err


def test_an_error_leaves_nothing_either(monkeypatch, tmp_path):
    monkeypatch.setattr(demo.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(demo, "tor_program", lambda: "tor")

    def broken(*_):
        raise TorError("no")

    monkeypatch.setattr(demo, "_prepare", broken)
    with pytest.raises(TorError):
        demo.run(["--script"])
    assert os.listdir(tmp_path) == []
