"""Where the program starts and ends: the command's function, its errors as one line, its exit code."""

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from onionchat.cli.parser import find_command, parse
from onionchat.errors import ExitCode, OnionchatError, UsageError

EXIT_INTERRUPTED = 130  # as shells say it: 128 + SIGINT
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE
_CONSOLE = "console:console"
_STDERR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    _prepare_streams()
    try:
        return _finish(_run(sys.argv[1:] if arguments is None else arguments))
    except SystemExit as end:  # argparse, after --help
        return end.code if isinstance(end.code, int) else int(ExitCode.DONE)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _broken_pipe()
    except OnionchatError as error:
        _complain(str(error))
        return int(error.exit_code)
    except Exception as error:
        _complain(_unexpected(error))
        return int(ExitCode.REFUSED)


def _run(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    run = _function(options)
    from onionchat.cli.passphrase import Source
    from onionchat.cli.session import Context

    file = Path(options.passphrase_file) if options.passphrase_file else None
    context = Context(options, profile_folder(options.profile), Source(file, options.passphrase_fd))
    try:
        return run(context)
    finally:
        context.close()


def _function(options: argparse.Namespace) -> Callable[..., int]:
    place = _CONSOLE if options.command is None else find_command(options.command).run
    module, name = place.split(":")
    function: Callable[..., int] = getattr(importlib.import_module(f"onionchat.cli.{module}"), name)
    return function


def profile_folder(named: str | None) -> Path:
    """The profile's folder: as named, else $ONIONCHAT_PROFILE, else `onionchat` among the user's data."""
    if named == "":  # as a script gives it whose variable is not set: never mean the usual profile by that
        raise UsageError("--profile is empty: name a folder, or leave the option out")
    if named or (named := os.environ.get("ONIONCHAT_PROFILE")):
        return _expanded(named)
    data = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
    return base / "onionchat"


def _expanded(named: str) -> Path:
    try:
        return Path(named).expanduser().absolute()
    except (RuntimeError, ValueError):
        raise UsageError(f"there is no such folder and can be none: {named}; name another one") from None


def _prepare_streams() -> None:
    """What a terminal's character set lacks is shown as a question mark rather than ending the program.

    Standard streams that are closed are opened on nothing: else a database might get the descriptor of one of them.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        pass
    os.close(descriptor)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for as long as we run
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _finish(code: int) -> int:
    sys.stdout.flush()  # here, so that a closed pipe is noticed before the interpreter's end
    return code


def _broken_pipe() -> int:
    """Whoever read our output has gone (`| head`): end quietly, with nothing left to flush."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_BROKEN_PIPE


def _complain(text: str) -> None:
    from onionchat.text import safe_line

    with contextlib.suppress(OSError):  # nobody is there to read it
        print(f"onionchat: {safe_line(' '.join(text.split()))}", file=sys.stderr, flush=True)


def _unexpected(error: Exception) -> str:
    """One line for a fault of ours. Its text may hold what must not be shown, so that only its kind is said."""
    if os.environ.get("ONIONCHAT_DEBUG") == "1":
        import traceback

        for frame in traceback.extract_tb(error.__traceback__):  # places only: no values, no text of the error
            print(f"  {frame.filename}:{frame.lineno} in {frame.name}", file=sys.stderr)
    if isinstance(error, OSError) and error.strerror:
        return f"the system says: {error.strerror}" + (f" ({error.filename})" if error.filename else "")
    return f"an error inside onionchat ({type(error).__name__}); ONIONCHAT_DEBUG=1 shows where; please report it"


if __name__ == "__main__":
    sys.exit(main())
