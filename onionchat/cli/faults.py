"""What goes wrong inside is told by kind and place alone: the text of an error may quote a message or a key."""

import os
import sys
from functools import cache
from typing import Any


@cache
def tell_places_only() -> None:
    """Take the log over from Twisted, which would write out whole errors. Once in a process."""
    from twisted.logger import globalLogBeginner

    observer: Any = write
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)


def write(event: Any) -> None:
    """Faults that nobody took; with ONIONCHAT_DEBUG=1 all errors."""
    from twisted.logger import LogLevel, formatEvent

    level, failure = event.get("log_level"), event.get("log_failure")
    if level is not LogLevel.critical and not (level is LogLevel.error and os.environ.get("ONIONCHAT_DEBUG") == "1"):
        return
    if failure is None:
        lines = [f"onionchat: {' '.join(formatEvent(event).split())}"]
    else:
        lines = [f"onionchat: an error inside onionchat ({failure.type.__name__}); please report it"]
        lines += [f"  {file}:{line} in {name}" for name, file, line, *_ in failure.frames]
    print(*lines, sep="\n", file=sys.stderr, flush=True)
