"""Where the socket of a profile's node stands. Used by the server and by every client."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from onionchat.errors import LocalError
from onionchat.limits import UNIX_PATH_MAX_BYTES

SOCKET_NAME = "api.sock"


def socket_path(profile: Path) -> Path:
    """The Unix socket of the node on this profile: `DIR/api.sock`.

    A Unix socket's path has at most 107 bytes. For a longer one the socket stands under a hash of the profile's
    real path in $XDG_RUNTIME_DIR, else in a folder of the user's own among the temporary files. LocalError when
    that folder belongs to somebody else.
    """
    path = Path(os.path.realpath(profile)) / SOCKET_NAME
    if _fits(path):
        return path
    name = "onionchat-" + hashlib.blake2b(os.fsencode(path), digest_size=16).hexdigest() + ".sock"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/") and _is_own_folder(Path(runtime)) and _fits(Path(runtime) / name):
        return Path(runtime) / name
    return _private_folder() / name


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= UNIX_PATH_MAX_BYTES


def _is_own_folder(folder: Path) -> bool:
    """A real folder of ours that nobody else may enter or write."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _private_folder() -> Path:
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - the folder is made ours, and checked
        folder = Path(parent) / f"onionchat-{os.geteuid()}"
        if not _fits(folder / ("x" * 48)):
            continue
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError:
            continue
        if _is_own_folder(folder):
            return folder
    raise LocalError("there is no private place for the node's socket: use a profile folder with a shorter path")
