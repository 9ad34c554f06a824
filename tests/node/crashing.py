"""A deed on a profile, in a child that is killed at its N-th touch of a file. A program: FOLDER DEED.

Prints for each N a folder with what was left; ends after the first run that came through.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from onionchat.crypto.vault import Cost
from onionchat.node import profile
from tests.node.worlds import PASSPHRASE, make_profile

TOUCHES = frozenset({"open", "os.rename", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree", "sqlite3.connect"})


def deed(name: str, directory: Path) -> None:
    if name == "create":
        profile.create_profile(directory, "Bob", PASSPHRASE, "keep", Cost.TESTS)
    elif name == "passwd":
        profile.change_passphrase(directory, PASSPHRASE, "new", False, Cost.TESTS)
    elif name == "rekey":
        profile.change_passphrase(directory, PASSPHRASE, "new", True, Cost.TESTS)
    elif name == "wipe":
        profile.wipe_profile(directory)
    elif name == "import":
        profile.import_profile(directory, directory.parent / "export", "other", None, PASSPHRASE, Cost.TESTS)


def kill_at(number: int) -> None:
    """End this process right before its N-th touch of a file."""
    count = 0

    def touched(event: str, _: tuple[object, ...]) -> None:
        nonlocal count
        if event in TOUCHES:  # killing is an event too
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(touched)


def main(folder: Path, name: str) -> None:
    make_profile(folder / "template")
    if name == "import":
        profile.export_profile(folder / "template", PASSPHRASE, folder / "export", "other", cost=Cost.TESTS)
    for number in range(1, 500):
        directory = folder / str(number)
        if name not in ("create", "import"):
            shutil.copytree(folder / "template", directory)
        child = os.fork()
        if child == 0:
            kill_at(number)
            deed(name, directory)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(directory, flush=True)
        if not os.WIFSIGNALED(status):
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
