"""A network namespace whose loopback acknowledges at once, for measuring.

On the ordinary loopback some circuits of a private Tor network show steps of 44 ms: delayed ACKs between relays.
In this namespace the loopback route has `quickack 1`, which removes them; and nothing but loopback can be reached.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from typing import ClassVar

# `$@` is what runs inside. Both loopback routes get quickack; the namespace ends with its last process.
_SETUP = """set -e
ip link set lo up
for net in 127.0.0.0/8 127.0.0.1; do
    ip route change local "$net" dev lo proto kernel scope host src 127.0.0.1 table local quickack 1
done
exec "$@"
"""


class QuickackNamespace:
    """Runs programs in a namespace of their own; two that are to meet need one common parent inside."""

    MARK: ClassVar[str] = "ONIONCHAT_QUICKACK"  # set to 1 for what runs inside

    @staticmethod
    def inside() -> bool:
        """Whether this very process runs in one."""
        return os.environ.get(QuickackNamespace.MARK) == "1"

    @staticmethod
    @cache
    def available() -> bool:
        """Whether it can be made here: needs root, and a kernel (or container) that allows it."""
        if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
            return False
        tried = subprocess.run(QuickackNamespace.command(["true"]), capture_output=True, check=False, timeout=10)
        return tried.returncode == 0

    @staticmethod
    def command(arguments: Sequence[str]) -> list[str]:
        """The argument list that runs `arguments` in a new namespace."""
        mark = f"{QuickackNamespace.MARK}=1"
        return ["unshare", "--net", "env", mark, "sh", "-c", _SETUP, "quickack", *arguments]

    @staticmethod
    def reexecute() -> None:
        """Start this Python program anew, with the same arguments, inside; no return unless already inside."""
        if QuickackNamespace.inside():
            return
        sys.stdout.flush()
        sys.stderr.flush()
        arguments = QuickackNamespace.command([sys.executable, *sys.orig_argv[1:]])
        os.execvp(arguments[0], arguments)
