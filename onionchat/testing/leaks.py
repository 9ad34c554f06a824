"""Looks for secrets where none should be: in bytes, in the files of a folder, in the memory of a process.

A secret is looked for in the shapes in which programs write things down: as it is, in hexadecimal, base 32, base 64
(at every position within a group), UTF-16.
"""

import base64
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

SHORTEST_BYTES = 6  # what is shorter is found by chance
CHUNK_BYTES = 16 * 2**20


def shapes(secret: bytes) -> dict[str, bytes]:
    """All shapes by name. ValueError for a secret so short that it is found by chance."""
    if len(secret) < SHORTEST_BYTES:
        raise ValueError(f"{len(secret)} bytes are found by chance; take {SHORTEST_BYTES}")
    found = {"raw": secret, "hex": secret.hex().encode(), "HEX": secret.hex().upper().encode()}
    for shift in range(3):
        standard = _inner(base64.b64encode, secret, shift, 3, 4)
        found[f"base64+{shift}"] = standard
        found[f"base64url+{shift}"] = standard.replace(b"+", b"-").replace(b"/", b"_")
    for shift in range(5):
        upper = _inner(base64.b32encode, secret, shift, 5, 8)
        found[f"base32+{shift}"], found[f"base32 lower+{shift}"] = upper, upper.lower()
    text = _text(secret)
    if text is not None:
        found["UTF-16"], found["UTF-16 BE"] = text.encode("utf-16-le"), text.encode("utf-16-be")
    return found


def _inner(encode: Callable[[bytes], bytes], secret: bytes, shift: int, group: int, letters: int) -> bytes:
    """The letters that do not depend on what stands before and after."""
    padded = bytes(shift) + secret
    whole = len(padded) // group * group
    return encode(padded[:whole])[letters if shift else 0 :]


def _text(secret: bytes) -> str | None:
    try:
        return secret.decode()
    except UnicodeDecodeError:
        return None


class Secrets:
    """Named secrets; every search gives what it found as `name (shape) in place`."""

    def __init__(self, secrets: Mapping[str, bytes | str]) -> None:
        raw = {name: each.encode() if isinstance(each, str) else each for name, each in secrets.items()}
        self._shapes = {name: shapes(each) for name, each in raw.items()}

    def in_bytes(self, data: bytes, place: str = "") -> list[str]:
        """In these bytes."""
        where = f" in {place}" if place else ""
        return [
            f"{name} ({shape}){where}"
            for name, all_shapes in self._shapes.items()
            for shape, form in all_shapes.items()
            if len(form) >= SHORTEST_BYTES and form in data
        ]

    def in_folder(self, folder: Path) -> list[str]:
        """In the names and the bytes of all files below; sockets and pipes have a name alone."""
        found = []
        for path in sorted(folder.rglob("*")):
            place = str(path.relative_to(folder))
            found += self.in_bytes(os.fsencode(place), f"the name {place}")
            if path.is_symlink():
                found += self.in_bytes(os.fsencode(os.readlink(path)), f"the link {place}")
            elif path.is_file():
                found += self.in_bytes(path.read_bytes(), place)
        return found

    def in_memory(self, pid: int) -> dict[str, int]:
        """How often each secret stands in a process's memory, as it is or in hexadecimal. OSError: not allowed."""
        counts = dict.fromkeys(self._shapes, 0)
        overlap = max(len(each["hex"]) for each in self._shapes.values())
        for data in _memory(pid, overlap):
            for name, all_shapes in self._shapes.items():
                counts[name] += data.count(all_shapes["raw"]) + data.count(all_shapes["hex"])
        return counts


def _memory(pid: int, overlap: int) -> Iterator[bytes]:
    """Everything that can be read and written in it, in pieces that overlap by so many bytes."""
    writable = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) rw", Path(f"/proc/{pid}/maps").read_text(), re.MULTILINE)
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for start, end in ((int(low, 16), int(high, 16)) for low, high in writable):
            for at in range(start, end, CHUNK_BYTES):
                try:
                    memory.seek(at)
                    yield memory.read(min(CHUNK_BYTES + overlap, end - at))
                except OSError:  # pages that no one can read, such as guard pages
                    continue
