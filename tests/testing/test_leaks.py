"""Secrets are found in every shape, wherever they stand within it, and nothing else is."""

import base64
import os
import subprocess
import sys

import pytest

from onionchat.testing.leaks import CHUNK_BYTES, Secrets, shapes

KEY = bytes(range(7, 39))


@pytest.mark.parametrize("before", range(8))
@pytest.mark.parametrize("after", [0, 1, 5])
def test_inside_of_something_encoded(before, after):
    data = os.urandom(before) + KEY + os.urandom(after)
    secrets = Secrets({"key": KEY})
    for coded in (data, data.hex().encode(), data.hex().upper().encode(), base64.b64encode(data),
                  base64.urlsafe_b64encode(data), base64.b32encode(data), base64.b32encode(data).lower()):  # fmt: skip
        assert secrets.in_bytes(coded), coded


def test_text_in_utf_16():
    secrets = Secrets({"text": "the marmalade"})
    assert secrets.in_bytes("x the marmalade".encode("utf-16-be")) == ["text (UTF-16 BE)"]
    assert secrets.in_bytes("the marmalade".encode("utf-16-le")) == ["text (UTF-16)"]


def test_what_is_not_there_is_not_found(tmp_path):
    (tmp_path / "file").write_bytes(KEY[:-1] + b"\xff" + KEY[1:])
    secrets = Secrets({"key": KEY, "text": "the marmalade"})
    assert secrets.in_folder(tmp_path) == []


def test_files_names_and_links(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"x" * 5000 + KEY.hex().encode())
    (tmp_path / "marmalade.tmp").touch()
    (tmp_path / "link").symlink_to("/somewhere/marmalade")
    found = Secrets({"key": KEY, "name": "marmalade"}).in_folder(tmp_path)
    assert found == [
        "key (hex) in deep/file",
        "name (raw) in the link link",
        "name (raw) in the name marmalade.tmp",
    ]


def test_too_short_is_refused():
    with pytest.raises(ValueError, match="chance"):
        shapes(b"short")


def test_the_memory_of_a_process():
    """Also where it lies across two pieces of what is read at a time."""
    script = (
        f"import mmap, sys\nkey = bytes(reversed(bytes({list(reversed(KEY))})))\n"
        f"pages = mmap.mmap(-1, {2 * CHUNK_BYTES})\npages[{CHUNK_BYTES - 9}:{CHUNK_BYTES + 23}] = key\n"
        "print('there', flush=True)\nsys.stdin.read()"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        try:
            found = Secrets({"key": KEY, "other": b"y" + KEY}).in_memory(child.pid)
        except OSError as error:
            pytest.skip(f"the memory of other processes may not be read here: {error.strerror}")
        assert found["key"] >= 2 and found["other"] == 0
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()
