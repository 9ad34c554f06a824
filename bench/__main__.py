"""`python -m bench [--quick] [NAME…]`."""

import argparse
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence

from bench import away, console, hostile, linking, memory, onionshare, parts, scale, start, sync, talk
from bench.figures import Figure, Size, keep, show, where
from onionchat.testing.namespace import QuickackNamespace

BENCHES: dict[str, Callable[[Size], list[Figure]]] = {
    "round-trip": talk.round_trip,
    "burst": talk.burst,
    "onionshare": onionshare.onionshare,
    "start": start.start,
    "away": away.away,
    "backlog": talk.backlog,
    "parts": parts.parts,
    "sync": sync.sync,
    "linking": linking.linking,
    "memory": memory.memory,
    "console": console.console,
    "contacts": memory.contacts,
    "scale": scale.scale,
    "hostile": hostile.hostile,
}
TWICE = ("round-trip", "burst", "onionshare")
"""Where the delayed ACKs of the plain loopback show: measured there too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named benches (all when none is), print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Side-by-side measurements.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--plain", action="store_true", help="all of them on the plain loopback, and only there")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # in the namespace, if this is one
    parser.add_argument("--load", type=float, default=os.getloadavg()[0], help=argparse.SUPPRESS)
    parser.add_argument("--no-write", action="store_true", help="do not change bench/results.json")
    options = parser.parse_args(arguments)
    names = options.names or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    if "onionshare" in names and not options.here:
        onionshare.prepare()  # there is no network in the namespace
    failed = False
    if not (options.plain or options.here) and QuickackNamespace.available():
        failed = _in_namespace(names, options) != 0
        names = [name for name in names if name in TWICE]
    for name in names:
        try:
            _run(name, options)
        except Exception:  # what the others find is worth having; the exit code tells
            traceback.print_exc()
            print(f"== {name} has failed, and its figures stay as they were", flush=True)
            failed = True
    return int(failed)


def _in_namespace(names: Sequence[str], options: argparse.Namespace) -> int:
    """Run them all in the namespace whose loopback acknowledges at once; how that ended."""
    flags = [flag for flag in ("--quick", "--no-write") if getattr(options, flag[2:].replace("-", "_"))]
    command = [sys.executable, "-m", "bench", "--here", f"--load={options.load}", *flags, *names]
    with subprocess.Popen(QuickackNamespace.command(command)) as running:
        try:
            return running.wait()
        finally:
            running.terminate()


def _run(name: str, options: argparse.Namespace) -> None:
    begin, size = time.monotonic(), Size(options.quick)
    figures = BENCHES[name](size)
    print(f"{show(f'{name}, {where()}', figures)}\n  [{time.monotonic() - begin:.0f} s]", flush=True)
    if not options.no_write:
        keep(name, figures, size, options.load)


if __name__ == "__main__":
    sys.exit(main())
