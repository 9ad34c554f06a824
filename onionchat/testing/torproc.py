"""One tor process: written, started, asked, stopped, killed, frozen. Synchronous; nothing here knows of a network."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from onionchat.errors import TorError
from onionchat.limits import UNIX_PATH_MAX_BYTES

POLL_SECONDS = 0.05
LISTEN_SECONDS = 20.0
STOP_SECONDS = 5.0  # then it is killed
ANSWER_SECONDS = 5.0
LOWEST_PORT = 10_000
EPHEMERAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def tor_program() -> str:
    """The path of tor; TorError when there is none."""
    found = shutil.which("tor", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise TorError("tor is not installed: on Debian `apt-get install tor`, or `make venv` in the source tree")
    return found


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nobody listens on now.

    They lie below the range from which the kernel takes ports for outgoing connections, so that a tor that was stopped
    finds its port again. Another program may still be quicker: whoever starts a tor must be ready to try again.
    """
    first_ephemeral = int(EPHEMERAL_PORTS.read_text().split()[0]) if EPHEMERAL_PORTS.exists() else 32_768
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(LOWEST_PORT, max(first_ephemeral, LOWEST_PORT + 10_000))
        if port not in ports and _is_free(port):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def wait_until(true: Callable[[], bool], timeout_seconds: float) -> bool:
    """Ask again and again; whether it became true in time."""
    end = time.monotonic() + timeout_seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


class TorProcess:
    """A tor with its data directory, control socket (`control` in it) and log (`log` in it).

    It ends itself within 15 s when the process that started it is gone, however that ended.
    """

    def __init__(self, data_directory: Path, options: Sequence[str]) -> None:
        """`options` are torrc lines; data directory, control socket and cookie are added. TorError: path too long."""
        self.data_directory = data_directory
        self.control_socket = data_directory / "control"
        self._cookie = data_directory / "control_auth_cookie"  # tor writes it after it has opened all its ports
        if len(os.fsencode(self.control_socket)) >= UNIX_PATH_MAX_BYTES:
            raise TorError(f"{data_directory} is too long a path for a control socket; set TMPDIR to a shorter one")
        self._options = list(options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """TorError when it does not run."""
        if self._process is None or self._process.poll() is not None:
            raise TorError(f"this tor does not run: {self.last_words()}")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait_listening(self) -> bool:
        """Wait until all its ports are open, or it has ended; whether they are open."""

        def settled() -> bool:
            return not self.running or self._cookie.exists()

        return wait_until(settled, LISTEN_SECONDS) and self.running

    def start(self) -> None:
        """Launch it and return at once; TorError when it already runs."""
        if self.running:
            raise TorError("this tor already runs")
        self.data_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.control_socket.unlink(missing_ok=True)  # of one that was killed
        self._cookie.unlink(missing_ok=True)
        torrc = self.data_directory / "torrc"
        torrc.write_text("\n".join([*self._options, *self._own_options()]) + "\n")
        # A group of its own in our session: no Ctrl-C from the terminal, and when we die while it is frozen
        # the kernel wakes it (SIGHUP, SIGCONT to an orphaned group), so that it can notice and end.
        with (self.data_directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [tor_program(), "-f", str(torrc), "--defaults-torrc", "/dev/null"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data_directory,
                process_group=0,
            )

    def _own_options(self) -> list[str]:
        return [
            f"DataDirectory {self.data_directory}",
            f"ControlSocket {self.control_socket}",
            "CookieAuthentication 1",
            f"__OwningControllerProcess {os.getpid()}",
        ]

    def ask_to_stop(self) -> None:
        """Begin to end it politely; nothing happens when it does not run."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.send_signal(signal.SIGCONT)  # a frozen one must wake up to end

    def stop(self) -> None:
        """End it, politely at first; nothing happens when it does not run."""
        if self._process is None:
            return
        self.ask_to_stop()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def pause(self) -> None:
        """Freeze it: its sockets stay open and nobody answers, as when a cable is pulled."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def ask(self, command: str) -> str:
        """Send one command over the control socket; the reply lines. OSError while tor is not ready for it."""
        cookie = self._cookie.read_bytes()
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(ANSWER_SECONDS)
            control.connect(str(self.control_socket))
            control.sendall(f"AUTHENTICATE {cookie.hex()}\r\n{command}\r\nQUIT\r\n".encode())
            with control.makefile("r", encoding="utf-8", newline="\r\n") as lines:
                reply = lines.read()
        accepted, _, answer = reply.partition("\r\n")
        if not accepted.startswith("250"):
            raise ConnectionError(f"tor refused the cookie: {accepted}")
        return answer.removesuffix("250 closing connection\r\n")

    def bootstrapped(self) -> bool:
        """Whether it is connected to its network; TorError when it has ended."""
        if not self.running:
            raise TorError(f"this tor does not run: {self.last_words()}")
        try:
            return "PROGRESS=100" in self.ask("GETINFO status/bootstrap-phase")
        except OSError:
            return False

    def last_words(self) -> str:
        """What its log says last of errors, else its last line."""
        path = self.data_directory / "log"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        told = [line for line in lines if "[err]" in line or "[warn] Could not bind" in line] or lines
        return told[-1] if told else "it said nothing"
