"""Secrets are wiped and never show; the process is hardened, in a child so that this one stays as it is."""

import copy
import os
import pickle
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from onionchat.crypto import memory
from onionchat.crypto.memory import SecretBytes, harden_process, wipe_buffer
from onionchat.testing.leaks import Secrets

CHILD = """
import ctypes, resource
from onionchat.crypto.memory import harden_process
print(harden_process())
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


def run(code: str) -> str:
    """What a child prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_a_hardened_process_dumps_no_core() -> None:
    lines = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert lines[1] == "(0, 0) 0"
    assert lines[0].startswith("[")


def test_what_could_not_be_done_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError

    monkeypatch.setattr(memory.resource, "setrlimit", refuse)
    monkeypatch.setattr(memory.resource, "getrlimit", lambda kind: (1024, 1024))
    monkeypatch.setattr(memory.ctypes, "CDLL", refuse)
    faults = harden_process()
    assert len(faults) == 3
    assert "core dumps" in faults[0] and "memory of this process" in faults[1] and "swap" in faults[2]


def test_a_secret_is_given_out_and_wiped() -> None:
    with SecretBytes(b"secret" * 10) as secret:
        assert secret.reveal() == b"secret" * 10 and len(secret) == 60
        assert isinstance(secret.locked, bool) and not secret.wiped
    assert secret.wiped and len(secret) == 60
    with pytest.raises(ValueError, match="wiped"):
        secret.reveal()
    secret.wipe()


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 20_000])
def test_secrets_of_any_size(size: int) -> None:
    secret = SecretBytes(bytearray(b"s" * size))
    assert secret.reveal() == b"s" * size


def test_wiping_overwrites_before_the_pages_go(monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = memory._sodium, []

    def unlock(address: Any, size: int) -> int:
        seen.append(bytes(real.ffi.buffer(address, size)))
        return int(real.lib.sodium_munlock(address, size))

    secret = SecretBytes(b"secret")
    library = SimpleNamespace(sodium_memzero=real.lib.sodium_memzero, sodium_munlock=unlock)
    monkeypatch.setattr(memory, "_sodium", SimpleNamespace(ffi=real.ffi, lib=library))
    secret.wipe()
    assert seen == [bytes(len(seen[0]))]


def test_a_buffer_is_overwritten() -> None:
    buffer = bytearray(b"secret")
    wipe_buffer(buffer)
    assert buffer == bytes(6)
    wipe_buffer(bytearray())


def test_one_secret_s_end_leaves_the_others_alone() -> None:
    kept, gone = SecretBytes(b"kept"), SecretBytes(b"gone")
    gone.wipe()
    assert kept.reveal() == b"kept"


def test_secrets_compare() -> None:
    assert SecretBytes(b"a") == SecretBytes(b"a") and SecretBytes(b"a") != SecretBytes(b"b")
    assert SecretBytes(b"a") != b"a"


def test_a_secret_is_not_shown_copied_hashed_or_stored() -> None:
    secret = SecretBytes(b"secret")
    assert repr(secret) == str(secret) == "SecretBytes(…)"
    for refused in (copy.copy, copy.deepcopy, pickle.dumps, hash):
        with pytest.raises(TypeError):
            refused(secret)  # type: ignore[operator]


def test_without_locked_memory_a_secret_still_works() -> None:
    code = """
import resource
resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
from onionchat.crypto.memory import SecretBytes
secret = SecretBytes(b"x")
print(secret.locked, secret.reveal())
"""
    assert run(code).split()[1] == "b'x'"


LET_GO = """
import sys
from onionchat.crypto.memory import harden_process, overwrite_let_go
is_hardened = sys.argv[1] == "hardened"
if is_hardened:
    harden_process()
def make(size):
    return bytes(byte ^ 0x5A for byte in bytes(range(100, 132)) * (size // 32))
kept = [make(32 * (1 + n % 12)) for n in range(3000)]
large = [bytearray(make(64 * 1024)) for _ in range(8)]
mixed = [kept.pop() for _ in range(2500)]
del kept[:], mixed[:], large[:]
if is_hardened:
    overwrite_let_go()
print("done", flush=True)
sys.stdin.read()
"""


def copies_in(how: str) -> int:
    """How often the secret of LET_GO stands in the memory of that program once it has let go of it."""
    child = subprocess.Popen([sys.executable, "-c", LET_GO, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None and child.stdout.readline() == b"done\n"
        secret = bytes(byte ^ 0x5A for byte in range(100, 132))
        return Secrets({"secret": secret}).in_memory(child.pid)["secret"]


def test_what_was_let_go_is_overwritten() -> None:
    """Without it the same program still has thousands of copies, which shows that they are looked for in earnest."""
    if os.geteuid() != 0:
        pytest.skip("a hardened process lets nobody but root read its memory")
    assert copies_in("ordinary") > 1000
    assert copies_in("hardened") < 50  # in small blocks that the C library keeps for itself
