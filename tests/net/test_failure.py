"""Every way a dial fails has a line of its own for people."""

from onionchat.errors import ExitCode, TorError
from onionchat.net.failure import DialError, DialFailure


def test_each_failure_has_one_line_of_its_own():
    lines = [failure.value for failure in DialFailure]
    assert len(set(lines)) == len(lines)
    assert all("\n" not in line and len(line) <= 100 for line in lines)


def test_the_error_carries_the_failure_and_its_line():
    error = DialError(DialFailure.NO_DESCRIPTOR)
    assert isinstance(error, TorError)
    assert (error.failure, str(error)) == (DialFailure.NO_DESCRIPTOR, "no descriptor (it is off)")
    assert error.exit_code is ExitCode.NO_TOR
