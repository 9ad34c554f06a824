"""People whose onionchat runs in real processes: their profiles, their nodes, and what they say to them.

    with TorNetwork() as network, People(network, folder) as people:
        alice, bob = people.arrive("alice", "bob")
        make_contacts(alice, bob)
        alice.do("send", "bob", "hello")

Everything goes through the command line and the local API, as it does for anyone else. A node ends with the process
that started it, however that ended.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from onionchat.api import types as t
from onionchat.api.client import SyncClient
from onionchat.api.socketpath import socket_path
from onionchat.errors import LocalError, OnionchatError
from onionchat.testing.network import TorClient, TorNetwork
from onionchat.testing.torproc import wait_until

READY_SECONDS = 90.0  # cold start of a node to its onion being reachable: 3 s when nothing else runs here
JOIN_SECONDS = 180.0
COMMAND_SECONDS = 60.0
STOP_SECONDS = 15.0
PAGE = 1000  # of one call of message.log
PASSPHRASE = "correct horse battery staple 7"


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str


class Person:
    """One profile and its node. `control` and `socks` are those of a Tor, as the options of these names take them."""

    def __init__(self, name: str, folder: Path, control: str = "", socks: str = "") -> None:
        """Make the folder; `init` makes the profile in it."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.name = name
        self.profile = folder / "profile"
        self.control, self.socks = control, socks
        self.options: list[str] = []  # more of them, before the command
        self.address = ""
        self.tor: TorClient | None = None
        self.passphrase_file = folder / "passphrase"
        self.passphrase_file.touch(mode=0o600)
        self.passphrase_file.write_text(f"{PASSPHRASE}\n")
        self._out, self._err = folder / "node.out", folder / "node.err"
        self._node: subprocess.Popen[bytes] | None = None

    # --- commands ---------------------------------------------------------------------------------------
    def command(self, *arguments: str) -> list[str]:
        """The argument list of a command of this person."""
        base = [sys.executable, "-m", "onionchat", "--profile", str(self.profile)]
        base += ["--passphrase-file", str(self.passphrase_file)]
        if self.control:
            base += ["--tor", "system", "--control", self.control, "--socks", self.socks]
        return [*base, *self.options, *arguments]

    def run(self, *arguments: str, text: str | None = None, timeout_seconds: float = COMMAND_SECONDS) -> Ran:
        """Run a command to its end, whatever that is; `text` is its standard input."""
        done = subprocess.run(
            self.command(*arguments),
            input=None if text is None else text.encode(),
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            timeout=timeout_seconds,
            env=environment(),
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def do(self, *arguments: str, text: str | None = None, timeout_seconds: float = COMMAND_SECONDS) -> str:
        """Run a command that must succeed; what it printed. LocalError when it failed."""
        done = self.run(*arguments, text=text, timeout_seconds=timeout_seconds)
        if done.code != 0:
            words = " ".join(arguments)
            raise LocalError(f"{self.name}: `{words}` ended with {done.code}: {(done.err or done.out).strip()}")
        return done.out.strip()

    def json(self, *arguments: str) -> Any:
        """What a command with `--json` printed."""
        return json.loads(self.do(*arguments, "--json"))

    def init(self, *arguments: str) -> None:
        """Make the profile, without recovery words."""
        self.do("init", "--name", self.name, *(arguments or ["--no-recovery"]))

    # --- the node ---------------------------------------------------------------------------------------
    @property
    def running(self) -> bool:
        """Whether the node's process is there."""
        return self._node is not None and self._node.poll() is None

    @property
    def pid(self) -> int:
        """Of the node. LocalError when it does not run."""
        if self._node is None or self._node.poll() is not None:
            raise LocalError(f"{self.name}'s node does not run: {self.last_words()}")
        return self._node.pid

    def launch(self, *arguments: str) -> None:
        """Start the node and return at once."""
        if self.running:
            raise LocalError(f"{self.name}'s node runs already")
        self.address = ""
        with self._out.open("wb") as out, self._err.open("ab") as err:
            self._node = subprocess.Popen(
                leashed(self.command("run", *arguments)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment(),
                process_group=0,  # a Ctrl-C on the terminal is for who started us
            )

    def wait_ready(self, timeout_seconds: float = READY_SECONDS) -> str:
        """Until it has printed `ready ADDRESS`; the address. LocalError when it ended, or took longer."""
        if not wait_until(lambda: bool(self._ready_line()) or not self.running, timeout_seconds):
            raise LocalError(f"{self.name}'s node was not ready after {timeout_seconds:g} s: {self.last_words()}")
        if not self._ready_line():
            raise LocalError(f"{self.name}'s node ended: {self.last_words()}")
        self.address = self._ready_line().split()[1]
        return self.address

    def wait_answering(self, timeout_seconds: float = READY_SECONDS) -> None:
        """Until its API answers, whether or not Tor is there."""

        def answers() -> bool:
            try:
                self.api().close()
            except OnionchatError:
                return not self.running
            return True

        if not wait_until(answers, timeout_seconds) or not self.running:
            raise LocalError(f"{self.name}'s node does not answer: {self.last_words()}")

    def start(self, timeout_seconds: float = READY_SECONDS) -> str:
        """Start the node and wait until its onion can be reached; its address."""
        self.launch()
        return self.wait_ready(timeout_seconds)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._node is not None
        self._node.wait()

    def stop(self) -> None:
        """End the node, politely at first; nothing happens when it does not run."""
        if self._node is None or self._node.poll() is not None:
            return
        self._node.terminate()
        try:
            self._node.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._node.kill()
            self._node.wait()

    def restart(self) -> None:
        """Stop it if it runs, start it, wait until it is reachable."""
        self.stop()
        self.start()

    def last_words(self) -> str:
        """The last line that the node wrote on stderr."""
        lines = self._err.read_text(errors="replace").splitlines() if self._err.exists() else []
        return lines[-1] if lines else "it said nothing"

    def _ready_line(self) -> str:
        lines = self._out.read_text().splitlines(keepends=True) if self._out.exists() else []
        return next((line.strip() for line in lines if line.startswith("ready ") and line.endswith("\n")), "")

    # --- the API ----------------------------------------------------------------------------------------
    def api(self) -> SyncClient:
        """A connection to the node's API; the caller closes it."""
        return SyncClient(socket_path(self.profile))

    def call(self, method: str, params: t.Params | None = None) -> Any:
        """One call on a connection of its own."""
        with self.api() as client:
            return client.call(method, params, COMMAND_SECONDS)

    def messages(self, name: str) -> list[t.Message]:
        """The whole conversation in the order of the screen, without the program's own notices."""
        found: list[t.Message] = []
        with self.api() as client:
            while True:
                before = found[0].id if found else None
                params = t.MessageLog(name=name, limit=PAGE, before=before)
                page = [each for each in client.call("message.log", params, COMMAND_SECONDS) if each.id]
                found = [*page, *found]
                if not page:
                    return [each for each in found if each.kind != "notice"]

    def texts(self, name: str) -> list[str]:
        """The texts of the conversation, in the order of the screen."""
        return [message.text for message in self.messages(name)]

    def is_online(self, name: str) -> bool:
        """Whether a device of the contact is connected."""
        return any(each.online for each in self.call("contact.list") if each.name == name)

    def wait_online(self, name: str, timeout_seconds: float = READY_SECONDS) -> None:
        """Until a device of the contact is connected. LocalError when it takes longer."""
        self.wait_until(f"{name} is online", lambda: self.is_online(name), timeout_seconds)

    def wait_request(self, timeout_seconds: float = READY_SECONDS) -> t.ContactRequest:
        """The first incoming request that waits for an answer. LocalError when none comes."""
        found: list[t.ContactRequest] = []

        def look() -> bool:
            found[:] = [each for each in self.call("request.list") if each.direction == "incoming"]
            found[:] = [each for each in found if each.state == "waiting"]
            return bool(found)

        self.wait_until("a request has come", look, timeout_seconds)
        return found[0]

    def wait_contact(self, name: str, timeout_seconds: float = READY_SECONDS) -> t.Contact:
        """The contact of that name, once it is one. LocalError when it takes longer."""
        found: list[t.Contact] = []

        def look() -> bool:
            found[:] = [each for each in self.call("contact.list") if each.name == name]
            return bool(found)

        self.wait_until(f"{name} is a contact", look, timeout_seconds)
        return found[0]

    def wait_until(self, what: str, true: Callable[[], bool], timeout_seconds: float) -> None:
        """Ask again and again. LocalError, with what the node said last, when it does not come true in time."""
        if not wait_until(true, timeout_seconds):
            raise LocalError(f"{self.name}: {what}? Not after {timeout_seconds:g} s. The node: {self.last_words()}")


class People:
    """Persons on one network, each with a folder below `folder` and a Tor client of its own; ended together."""

    def __init__(self, network: TorNetwork, folder: Path) -> None:
        self.network = network
        self.folder = folder
        self.persons: dict[str, Person] = {}

    def add(self, name: str) -> Person:
        """Somebody new, without a profile so far; the Tor client is being started."""
        client = self.network.client(f"tor-{name}")
        client.start()
        person = Person(name, self.folder / name, client.control, client.socks)
        person.tor = client
        self.persons[name] = person
        return person

    def arrive(self, *names: str) -> list[Person]:
        """Somebody new for each name, with a profile and a node that can be reached."""
        arrived = [self.add(name) for name in names]
        for person in arrived:
            person.init()
            person.launch()
        for person in arrived:
            person.wait_ready()
        return arrived

    def stop(self) -> None:
        """End all nodes (all are asked first) and their Tor clients."""
        for person in self.persons.values():
            if person.running:
                os.kill(person.pid, signal.SIGTERM)
        for person in self.persons.values():
            person.stop()
            if person.tor is not None:
                person.tor.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def make_contacts(host: Person, guest: Person) -> None:
    """The host's one-time link, accepted in advance, is added by the guest; returns when each has the other."""
    link = host.do("invite", "--accept-as", guest.name).splitlines()[0]
    guest.do("add", link, "--name", host.name)
    host.wait_contact(guest.name)
    guest.wait_contact(host.name)


def link_device(host: Person, guest: Person, name: str, *arguments: str) -> list[str]:
    """`guest`, without a profile, becomes another device of the host's account; the words that both showed.

    LocalError when either command failed, or the words were different.
    """
    command = leashed(host.command("link", "--yes"))
    linking = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    try:
        assert linking.stdout is not None
        code = linking.stdout.readline().decode().strip()
        joined = guest.do("join", code, "--name", name, "--yes", *arguments, timeout_seconds=JOIN_SECONDS)
        out, err = linking.communicate(timeout=COMMAND_SECONDS)
    finally:
        linking.kill()
    if linking.returncode != 0:
        raise LocalError(f"{host.name}: `link` ended with {linking.returncode}: {err.decode().strip()}")
    words = joined.splitlines()[0].split()
    if out.decode().splitlines()[0] != f"{name}: {' '.join(words)}":
        raise LocalError(f"the words were different: {words} and {out.decode()!r}")
    return words


def wait_delivered(client: SyncClient, wanted: Sequence[str], timeout_seconds: float) -> None:
    """Until each of these messages was delivered; the client has subscribed to `delivered`, and only to that.

    LocalError when it takes longer.
    """
    missing = set(wanted)
    reached = wait_until(lambda: _take_delivered(client, missing), timeout_seconds)
    if not reached:
        raise LocalError(f"{len(missing)} of {len(wanted)} messages were not delivered in {timeout_seconds:g} s")


def _take_delivered(client: SyncClient, missing: set[str]) -> bool:
    while missing and (event := client.next_event(0.2)) is not None:
        if event.event == "delivered" and isinstance(event.id, str):
            missing.discard(event.id)
    return not missing


def environment() -> dict[str, str]:
    """Ours, without what would point a node elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ONIONCHAT_PROFILE", "TOR_"))}


def leashed(command: Sequence[str]) -> list[str]:
    """The same command, which the kernel kills when the thread that started it is gone (where util-linux is there)."""
    leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    return [*leash, *command]
