"""`tools/run-tests`: both runs are made, a failure of either is the whole's, and the closing line adds up."""

import stat
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "tools" / "run-tests"


def run(folder: Path, *arguments: str, computing: int = 0, waiting: int = 0) -> subprocess.CompletedProcess[str]:
    """With a stand-in for pytest that tells what it was given."""
    stand_in = folder / "pytest"
    stand_in.write_text(
        "#!/bin/sh\n"
        'echo "run: $*"\n'
        'case "$*" in\n'
        f'  "tests/tor "*) echo "=== 2 passed, 1 skipped, 1 warning in 1.50s ==="; exit {waiting};;\n'
        f'  *) echo "= 1 failed, 40 passed, 3 warnings in 61.20s (0:01:01) ="; exit {computing};;\n'
        "esac\n"
    )
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    command = ["bash", str(SCRIPT), str(stand_in), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("computing", "waiting", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (2, 1, 1)])
def test_both_are_run_and_either_may_fail(tmp_path: Path, computing: int, waiting: int, code: int) -> None:
    done = run(tmp_path, computing=computing, waiting=waiting)
    assert (done.returncode == 0) == (code == 0)
    given = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("run:")]
    assert given[0][0] == "tests" and "--ignore=tests/tor" in given[0] and "tests/tor" in given[1]
    assert {f"--ignore={path}" for path in given[1]} == set(given[0][1:])
    closing = done.stdout.splitlines()[-1]
    assert closing.startswith("===== ") and "1 failed" in closing and "42 passed" in closing
    assert "1 skipped" in closing and "4 warnings" in closing and closing.endswith(") =====")


def test_options_make_one_run(tmp_path: Path) -> None:
    done = run(tmp_path, "-k", "words")
    assert done.stdout.splitlines()[0] == "run: tests -k words" and done.returncode == 0
    assert done.stdout.count("run:") == 1
