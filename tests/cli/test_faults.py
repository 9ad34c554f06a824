"""Faults that nobody took: kind and place on stderr, never what they were about."""

import subprocess
import sys

import pytest
from twisted.logger import LogLevel
from twisted.python.failure import Failure

from onionchat.cli.faults import write

SECRET = "the xylophone is in the boathouse"
LOST = f"""
import gc
from onionchat.cli import mainloop
from twisted.internet.defer import fail
async def main(reactor, interrupted):
    fail(ValueError({SECRET!r}))
    gc.collect()
    raise SystemExit(0)
mainloop.run(main)
"""


def failed() -> Failure:
    try:
        raise KeyError(SECRET)
    except KeyError:
        return Failure()


@pytest.mark.parametrize("debug", ["", "1"])
def test_the_text_of_an_error_is_never_written(debug, monkeypatch, capsys):
    monkeypatch.setenv("ONIONCHAT_DEBUG", debug)
    write({"log_level": LogLevel.critical, "log_failure": failed(), "log_format": SECRET})
    told = capsys.readouterr().err
    assert "(KeyError)" in told and "in failed" in told and SECRET not in told


def test_errors_are_told_to_who_asks(monkeypatch, capsys):
    event = {"log_level": LogLevel.error, "log_format": "a job failed: {kind}", "kind": "OSError"}
    monkeypatch.delenv("ONIONCHAT_DEBUG", raising=False)
    write(event)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("ONIONCHAT_DEBUG", "1")
    write(event)
    assert capsys.readouterr().err == "onionchat: a job failed: OSError\n"


def test_a_failure_that_nobody_took_in_a_real_run():
    done = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, check=False, timeout=60)
    assert "(ValueError)" in done.stderr and SECRET not in done.stderr + done.stdout
