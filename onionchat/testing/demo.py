"""`onionchat demo`: a private Tor network on this machine, two people, two devices each; nothing leaves the machine.

On a terminal you are Alice, in the real console, and Bob answers. Without one, or with `--script`, both are driven
by a story that is printed as it happens. Whatever ends it, all processes and files of it are removed.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from onionchat.errors import LocalError, UsageError
from onionchat.testing.demo_partner import Partner
from onionchat.testing.demo_story import Story
from onionchat.testing.network import RELAYS, TorNetwork
from onionchat.testing.people import PASSPHRASE, People, Person, environment, leashed
from onionchat.testing.torproc import tor_program
from onionchat.testing.transcript import Transcript

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CONSOLE_STOP_SECONDS = 10.0
_INTRODUCTION = f"""
You are Alice, and this is your console. Bob is a second program on this
machine, with a profile and a Tor of his own. You have just sent him a request;
he will accept it.
  Ctrl-N opens what he wrote · F2 compares words · F1 helps
  Ctrl-L locks; the passphrase is: {PASSPHRASE}
  Ctrl-Q leaves, and cleans up
"""


class Interrupted(BaseException):
    """A signal came. Not an Exception: nothing on the way up may take it for a fault that it can mend."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(arguments: Sequence[str]) -> int:
    """Run the demonstration; the exit code. TorError when tor is not installed, LocalError where something failed."""
    options = _parser().parse_args(list(arguments))
    tor_program()
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    with _signals_raise():
        try:
            return _run(options, is_script=options.script or options.json or not on_terminal)
        except Interrupted as end:
            print("\ninterrupted; everything was removed", file=sys.stderr)
            return 128 + end.number


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="onionchat demo", description=__doc__.split("\n\n")[1], allow_abbrev=False)
    parser.add_argument("--script", action="store_true", help="print the story, also on a terminal")
    parser.add_argument("--json", action="store_true", help="print the story as JSON, one object a step")
    parser.add_argument("--plain", action="store_true", help="your console as a linear dialogue")
    parser.add_argument("--keep", action="store_true", help="keep both profiles, to look at them afterwards")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `onionchat demo --help`")


def _run(options: argparse.Namespace, is_script: bool) -> int:
    tell = Transcript(sys.stdout, as_json=options.json)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="onionchat-demo-"))
        stack.callback(_tidy, folder, options.keep, tell)
        network = TorNetwork()
        stack.callback(network.stop)
        people = stack.enter_context(People(network, folder))
        stack.callback(_ignore_signals)  # first of all at the end: cleaning up is not broken off
        alice, bob = _prepare(tell, network, people, folder)
        if is_script:
            _tell_story(Story(alice, bob, people.add("AlicesPhone"), people.add("BobsTablet"), tell), tell)
        else:
            _open_console(stack, tell, alice, bob, options.plain)
    return 0


def _prepare(tell: Transcript, network: TorNetwork, people: People, folder: Path) -> list[Person]:
    version = subprocess.run([tor_program(), "--version"], capture_output=True, text=True, check=True).stdout
    tell.title(f"A private Tor network ({version.splitlines()[0].removesuffix('.')}); nothing leaves this machine")
    with tell.step(f"{RELAYS} relays start"):
        network.start(base=folder)
    with tell.step("a Tor client for Alice, one for Bob"):
        both = [people.add(name) for name in ("Alice", "Bob")]
        for person in both:
            assert person.tor is not None
            person.tor.wait_ready()
    return both


def _tell_story(story: Story, tell: Transcript) -> None:
    story.run()
    tell.title("The end")
    tell.say(
        f"{story.sent} messages, each delivered once, in the same order on all four devices;"
        f" {tell.seconds:.1f} s in all.",
        messages=story.sent,
        total_seconds=round(tell.seconds, 1),
    )


def _open_console(stack: ExitStack, tell: Transcript, alice: Person, bob: Person, is_plain: bool) -> None:
    """Bob's node with his script, Alice's console in this terminal until she leaves."""
    with tell.step("Alice and Bob make profiles"):
        alice.init()
        bob.init()
    with tell.step("Bob's node publishes its onion"):
        bob.start()
    with tell.step("Alice adds a link of Bob's"):
        link = bob.do("invite").splitlines()[0]
        alice.do("add", link, "--name", bob.name, "-m", "Hello Bob, this is Alice.")
    partner = Partner(bob, alice.name)
    stack.callback(partner.stop)
    partner.start()
    print(_INTRODUCTION, flush=True)
    if sys.stdin.isatty():
        input("Press Enter to open the console. ")
    code = _run_console(alice, ["--plain"] if is_plain else [])
    if code != 0:
        raise LocalError(f"the console ended with {code}")


def _run_console(alice: Person, options: list[str]) -> int:
    """The console, as a child that has this terminal."""
    alice.options += options
    console = subprocess.Popen(leashed(alice.command()), env=environment())
    try:
        return console.wait()
    finally:
        if console.poll() is None:
            console.terminate()
            try:
                console.wait(CONSOLE_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                console.kill()
                console.wait()


def _tidy(folder: Path, is_kept: bool, tell: Transcript) -> None:
    if not is_kept:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for name in ("Alice", "Bob"):
        place = folder / name
        command = f"onionchat --profile {place / 'profile'} --passphrase-file {place / 'passphrase'}"
        tell.say(f"kept: {command} log {'Bob' if name == 'Alice' else 'Alice'}", kept=str(place))


# --- signals ----------------------------------------------------------------------------------------------
@contextmanager
def _signals_raise() -> Iterator[None]:
    """The first signal raises Interrupted where the program is; those after it change nothing."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        _ignore_signals()
        raise Interrupted(number)

    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
