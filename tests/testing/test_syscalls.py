"""What strace writes is understood, and what does not belong is found: in made-up lines, and in programs that do it."""

import subprocess
import sys
from pathlib import Path

import pytest

from onionchat.testing import syscalls
from onionchat.testing.syscalls import Asked, traced, why_not

TOR = ("127.0.0.1", 9050)
PROFILE = Path("/home/a/profile")


def foreign(*lines: str) -> list[str]:
    return Asked(list(lines)).foreign({TOR}, [PROFILE])


@pytest.mark.parametrize(
    "line",
    [
        "12 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3",
        "12 socket(AF_UNIX, SOCK_DGRAM, 0) = 3",
        '12 connect(3, {sa_family=AF_INET, sin_port=htons(9050), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
        '12 connect(3, {sa_family=AF_UNIX, sun_path="/home/a/profile/api.sock"}, 110) = 0',
        '12 bind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
        '12 <... accept4 resumed>{sa_family=AF_INET, sin_port=htons(7), sin_addr=inet_addr("127.0.0.1")}, [16], 0) = 4',
        '12 sendto(4, "abc", 3, 0, NULL, 0) = 3',
        "12 +++ exited with 0 +++",
        "12 --- SIGTERM {si_signo=SIGTERM} ---",
    ],
)
def test_what_belongs(line):
    assert foreign(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "12 socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC, IPPROTO_IP) = 3",
        "12 socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) = 3",
        "12 socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 3",
        "socket(AF_PACKET, SOCK_RAW, 768) = -1 EPERM (Operation not permitted)",
        '12 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
        '12 connect(3, {sa_family=AF_INET, sin_port=htons(9050), sin_addr=inet_addr("192.0.2.1")}, 16 <unfinished ...>',
        '12 bind(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("0.0.0.0")}, 16) = 0',
        '12 sendto(3, "a", 1, 0, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr("127.0.0.1")}, 16) = 1',
        "12 connect(3, {sa_family=AF_INET6, sin6_port=htons(9050), sin6_flowinfo=htonl(0),"
        ' inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = 0',
        '12 connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file)',
        "12 connect(3, {sa_family=AF_VSOCK, svm_cid=VMADDR_CID_HOST, svm_port=0x1}, 16) = 0",
        "12 io_uring_setup(8, {flags=0}) = 3",
    ],
)
def test_what_does_not(line):
    assert len(foreign(line)) == 1


def test_who_was_reached_and_what_was_bound():
    asked = Asked(
        [
            '1 connect(3, {sa_family=AF_INET, sin_port=htons(9050), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
            '1 bind(4, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
        ]
    )
    assert (asked.reached(), asked.bound()) == ({TOR}, {("127.0.0.1", 0)})


def test_what_was_opened_for_writing():
    asked = Asked(
        [
            '1 openat(AT_FDCWD, "/a/read", O_RDONLY|O_CLOEXEC) = 3',
            '1 openat(AT_FDCWD, "/a/written", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 3',
            '1 openat(AT_FDCWD, "/dev/tty", O_RDWR) = -1 ENXIO (No such device or address)',
            '1 memfd_create("x", 0) = 4',
        ]
    )
    assert asked.written() == {"/a/written", "a file in memory"}


def test_a_program_that_does_it_is_seen(tmp_path):
    """With its thread and its child; not only lines that we wrote ourselves."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    script = (
        "import os, socket, threading\n"
        "def ask(): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'?', ('127.0.0.1', 53))\n"
        "thread = threading.Thread(target=ask); thread.start(); thread.join()\n"
        "if os.fork() == 0:\n"
        "    open('made', 'w').close()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    file = tmp_path / "trace"
    subprocess.run(traced([sys.executable, "-c", script], file), check=True, cwd=tmp_path, timeout=60)
    asked = Asked.read([file])
    faults = [fault.split(":")[0] for fault in asked.foreign({TOR}, [])]
    assert faults == ["a socket that is no stream", "not Tor"], asked.lines
    assert asked.reached() == {("127.0.0.1", 53)} and "made" in asked.written()


def test_without_strace_it_says_so(monkeypatch):
    monkeypatch.setattr(syscalls.shutil, "which", lambda name: None)
    assert why_not() == "strace is not installed"
