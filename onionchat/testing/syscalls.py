"""What a program asks of the system's network and opens for writing, as `strace` saw it, and what of it is foreign.

command = traced(["onionchat", "run"], Path("run.trace"))
...
asked = Asked.read([Path("run.trace")])
asked.foreign(endpoints={("127.0.0.1", 9050)}, sockets=[profile])
"""

import ipaddress
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

# io_uring would do all of it unseen
_SYSCALLS = "%network,io_uring_setup,open,openat,openat2,creat,memfd_create"
_OPENING = ("open", "openat", "openat2", "creat")
_CALL = re.compile(r"(?:\d+ +)?(?:(\w+)\(|<\.\.\. (\w+) resumed>)(.*)")
_INET = re.compile(r'sa_family=AF_INET, sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)')
_INET6 = re.compile(
    r'sa_family=AF_INET6, sin6_port=htons\((\d+)\), sin6_flowinfo=[^,]+, inet_pton\(AF_INET6, "([^"]+)"'
)
_UNIX = re.compile(r'sa_family=AF_UNIX(?:, sun_path=(@?"[^"]*"))?')
_FAMILY = re.compile(r"sa_family=(\w+)")
_TOWARDS = ("connect", "sendto", "sendmsg", "sendmmsg")


def why_not() -> str:
    """Why nothing can be traced here; empty when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            traced(["true"], Path(folder) / "trace"), capture_output=True, text=True, check=False, timeout=30
        )
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()[-200:]}"


def traced(command: Sequence[str], file: Path) -> list[str]:
    """The same command, its process with all threads and children traced into `file`; its process id stays its own."""
    return ["strace", "-D", "-f", "-qq", "-s", "256", "-e", f"trace={_SYSCALLS}", "-o", str(file), *command]


@dataclass
class Asked:
    """Everything that was asked for. `lines`: as strace wrote them."""

    lines: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, files: Iterable[Path]) -> Self:
        """Several traces together."""
        return cls([line for file in files for line in file.read_text(errors="replace").splitlines()])

    def calls(self) -> list[tuple[str, str]]:
        """(system call, the rest of the line); what is no call (signals, ends) is left out."""
        found = (_CALL.match(line) for line in self.lines)
        return [(match[1] or match[2], match[3]) for match in found if match]

    def reached(self) -> set[tuple[str, int]]:
        """(address, port) of every TCP or UDP peer that was connected to or sent to."""
        return {place for name, rest in self.calls() if name in _TOWARDS for place in _places(rest)}

    def bound(self) -> set[tuple[str, int]]:
        """(address, port) of every `bind`."""
        return {place for name, rest in self.calls() if name == "bind" for place in _places(rest)}

    def foreign(self, endpoints: Collection[tuple[str, int]], sockets: Collection[Path]) -> list[str]:
        """What is neither a stream to one of `endpoints`, nor one that listens on loopback, nor a Unix socket.

        Unix sockets must lie in, or be, one of `sockets`: behind others may be a name service.
        """
        faults = []
        for name, rest in self.calls():
            fault = _fault(name, rest, endpoints, sockets)
            if fault:
                faults.append(f"{fault}: {name}({rest}")
        return faults

    def written(self) -> set[str]:
        """The paths of all files that were opened for writing, or made."""
        found = set()
        for name, rest in self.calls():
            if name == "memfd_create":
                found.add("a file in memory")
            match = re.search(r'"((?:[^"\\]|\\.)*)"', rest)
            if name in _OPENING and match and re.search(r"O_WRONLY|O_RDWR|O_CREAT", rest) and " = -1 " not in rest:
                found.add(match[1])
        return found


def _places(rest: str) -> list[tuple[str, int]]:
    return [(host, int(port)) for pattern in (_INET, _INET6) for port, host in pattern.findall(rest)]


def _fault(name: str, rest: str, endpoints: Collection[tuple[str, int]], sockets: Collection[Path]) -> str:
    if name == "io_uring_setup":
        return "input and output that cannot be seen"
    if name == "socket" and not re.match(r"AF_UNIX|AF_LOCAL|AF_INET6?, SOCK_STREAM", rest):
        return "" if rest.startswith((")", " ")) else "a socket that is no stream"
    if name == "getsockname":
        return ""  # of a socket that is not bound it is 0.0.0.0; `bind` says what counts
    places = _places(rest)
    if len(places) + len(_UNIX.findall(rest)) != len(_FAMILY.findall(rest)):
        return "an address of another family"
    if any(not ipaddress.ip_address(host).is_loopback for host, _ in places):
        return "off this machine"
    if name in _TOWARDS and any(place not in endpoints for place in places):
        return "not Tor"
    if name in _TOWARDS and any(not _is_ours(path, sockets) for path in _UNIX.findall(rest) if path):
        return "a foreign socket"
    return ""


def _is_ours(quoted: str, sockets: Collection[Path]) -> bool:
    path = Path(quoted.strip('"'))
    return any(path == each or path.is_relative_to(each) for each in sockets)
