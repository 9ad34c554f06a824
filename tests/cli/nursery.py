"""Ways to run the program as a process, for tests that are about its end: codes, streams, signals."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.running import Result

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 30.0
NURSERY = """
import json, os, sys
import onionchat.cli.commands_messages, onionchat.cli.commands_node, onionchat.cli.commands_people
import onionchat.cli.commands_profile, onionchat.cli.compose, onionchat.cli.doctor, onionchat.cli.run
from onionchat.cli.main import main

for line in sys.stdin.buffer:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        for number, name in enumerate(order["streams"]):
            os.dup2(os.open(name, os.O_RDWR), number)
        os.environ.update(order["environment"])
        if order["user"]:
            import encodings.idna  # from a file that this user may not be able to read
            os.setgroups([])
            os.setgid(order["user"])
            os.setuid(order["user"])
        sys.argv = ["onionchat", *order["arguments"]]
        os._exit(main())
    _, status = os.waitpid(child, 0)
    sys.stdout.write(str(os.waitstatus_to_exitcode(status)) + chr(10))
    sys.stdout.flush()
"""


class Nursery:
    """A process that has imported the program, and forks for each command line.

    One at a time: the children share the (never running) reactor's descriptors.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            cwd=ROOT,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(
        self, folder: Path, arguments: Sequence[str], stdin: bytes, environment: dict[str, str], user: int = 0
    ) -> Result:
        streams = [folder / name for name in ("stdin", "stdout", "stderr")]
        for stream, content in zip(streams, (stdin, b"", b""), strict=True):
            stream.write_bytes(content)
        order = {
            "streams": [str(stream) for stream in streams],
            "arguments": arguments,
            "environment": environment,
            "user": user,
        }
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Result(code, streams[1].read_bytes().decode(), streams[2].read_bytes().decode())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass
class Runner:
    """`run("log", "Ann")` on the profile; the passphrase is among the arguments, or is not."""

    nursery: Nursery
    profile: Path
    folder: Path

    def __call__(self, *arguments: str, stdin: bytes = b"", **environment: str) -> Result:
        return self.nursery.run(self.folder, ["--profile", str(self.profile), *arguments], stdin, environment)


class Program:
    """The program as a process of its own, in a session without a terminal."""

    def __init__(self, profile: Path, secret: str) -> None:
        self.profile, self.secret = profile, secret
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str | bytes, **options: Any) -> "subprocess.Popen[bytes]":
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        command = [sys.executable, "-m", "onionchat", "--profile", str(self.profile)]
        process = subprocess.Popen(
            [*command, "--passphrase-file", self.secret, *arguments], cwd=ROOT, start_new_session=True, **given
        )
        self._started.append(process)
        return process

    def end_all(self) -> None:
        """Leave nothing behind, also when a test has failed."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()

    def __call__(self, *arguments: str | bytes, **options: Any) -> Result:
        """Run to the end."""
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=WAIT_SECONDS)
        return Result(process.returncode, (out or b"").decode(), (err or b"").decode())
