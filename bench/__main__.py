"""`python -m bench [--quick] [NAME…]`."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence

from bench import console, memory, parts, start, talk
from bench.figures import Figure, Size, keep, show
from onionchat.testing.namespace import QuickackNamespace

BENCHES: dict[str, Callable[[Size], list[Figure]]] = {
    "round-trip": talk.round_trip,
    "burst": talk.burst,
    "backlog": talk.backlog,
    "parts": parts.parts,
    "start": start.start,
    "memory": memory.memory,
    "contacts": memory.contacts,
    "console": console.console,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named benches (all when none is), print and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Side-by-side measurements.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--plain", action="store_true", help="not in the namespace whose loopback acknowledges at once")
    parser.add_argument("--no-write", action="store_true", help="do not change bench/results.json")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
    if not options.plain and QuickackNamespace.available():
        QuickackNamespace.reexecute()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    where = "in the quickack namespace" if QuickackNamespace.inside() else "on the plain loopback"
    print(f"measuring {where}", flush=True)
    size = Size(options.quick)
    for name in options.names or BENCHES:
        begin = time.monotonic()
        figures = BENCHES[name](size)
        print(f"{show(name, figures)}\n  [{time.monotonic() - begin:.0f} s]", flush=True)
        if not options.no_write:
            keep(name, figures, size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
