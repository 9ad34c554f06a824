"""Two people in real processes do the main job; from outside we look at their system calls, files, outputs and memory.

The tests share the two and run in this order. Ann's processes are traced (where that is allowed) and use a Tor that is
there; Ben's node launches a Tor of its own, inside his profile. Both say all that they say with ONIONCHAT_DEBUG=1.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from onionchat.crypto.vault import unwrap_key
from onionchat.ids import onion_address
from onionchat.store.db import connect
from onionchat.testing.leaks import Secrets
from onionchat.testing.namespace import QuickackNamespace
from onionchat.testing.network import TorNetwork
from onionchat.testing.people import PASSPHRASE, Person, Ran, environment
from onionchat.testing.syscalls import Asked, traced, why_not
from onionchat.testing.torproc import wait_until

pytestmark = [pytest.mark.tor, pytest.mark.timeout(180)]

ANNS_NAME, BENS_NAME = "Quokkabella", "Zeppelinus"  # as they call themselves
FOR_ANN, FOR_BEN = "Marmaladia", "Vuvuzelix"  # as they call each other
GREETING = "we met at the lighthouse"
FROM_ANN, FROM_BEN = "the xylophone is in the boathouse", "the harpsichord has no strings"
WRONG = "a passphrase that was mistyped"
SILENT_SECONDS = 20.0


class Watched(Person):
    """Every command is traced, where that is allowed, and what failing ones said is kept."""

    def __init__(self, name: str, folder: Path, is_traced: bool) -> None:
        super().__init__(name, folder)
        self.traces: list[Path] = []
        self.complaints = b""
        self._traces = folder / "traces" if is_traced else None
        if self._traces is not None:
            self._traces.mkdir()

    def command(self, *arguments: str) -> list[str]:
        command = super().command(*arguments)
        if self._traces is None:
            return command
        self.traces.append(self._traces / str(len(self.traces)))
        return traced(command, self.traces[-1])

    def fail(self, *arguments: str, text: str | None = None) -> Ran:
        """Run what must fail."""
        ran = self.run(*arguments, text=text)
        assert ran.code != 0, arguments
        self.complaints += f"{ran.out}\n{ran.err}\n".encode()
        return ran

    @property
    def said_by_node(self) -> bytes:
        """All of its outputs, but for the line that says its address."""
        out = [line for line in self._out.read_bytes().splitlines() if not line.startswith(b"ready ")]
        return b"\n".join([*out, self._err.read_bytes()])


class Scene:
    """The two, everything that is secret, and the folder in which all of it is."""

    def __init__(self, network: TorNetwork, folder: Path) -> None:
        self.network, self.folder = network, folder
        self.why_untraced = why_not()
        client = network.client("proof-ann")
        client.start()
        self.ann = Watched(ANNS_NAME, folder / "a", not self.why_untraced)
        self.ann.tor, self.ann.control, self.ann.socks = client, client.control, client.socks
        self.ben = Watched(BENS_NAME, folder / "b", False)
        self.ben.options = ["--tor", "launch"]
        for option in network.torrc_options():
            self.ben.options += ["--tor-option", option]
        self.link = ""

    def play(self) -> None:
        """Profiles, nodes, a link, a request, an acceptance, a message each way."""
        ann, ben = self.ann, self.ben
        ann.init()
        ben.init()
        self.network.prepare(ben.profile / "tor")
        ann.launch()
        ben.launch()
        ann.wait_ready()
        ben.wait_ready()
        self.link = ann.do("invite").splitlines()[0]
        ben.do("add", self.link, "--name", FOR_ANN, "-m", GREETING)
        ann.do("accept", ann.wait_request().id, "--name", FOR_BEN)
        ben.wait_contact(FOR_ANN)
        ann.do("send", FOR_BEN, FROM_ANN, "--wait", "delivered")
        ben.do("send", FOR_ANN, "--wait", "delivered", text=FROM_BEN)
        assert ann.texts(FOR_BEN) == ben.texts(FOR_ANN) == [FROM_ANN, FROM_BEN]

    def words(self) -> dict[str, bytes | str]:
        """What people know."""
        return {
            "passphrase": PASSPHRASE, "Ann's name": ANNS_NAME, "Ben's name": BENS_NAME, "name for Ann": FOR_ANN,
            "name for Ben": FOR_BEN, "greeting": GREETING, "text of Ann": FROM_ANN, "text of Ben": FROM_BEN,
            "link": self.link.removeprefix("onionchat:"),
        }  # fmt: skip

    def addresses(self) -> dict[str, bytes | str]:
        return {
            "Ann's address": self.ann.address.removesuffix(".onion"),
            "Ben's": self.ben.address.removesuffix(".onion"),
        }

    def keys(self) -> dict[str, bytes | str]:
        """Every private key that the two databases hold, and those of the databases."""
        found: dict[str, bytes | str] = {}
        for person in (self.ann, self.ben):
            key = unwrap_key((person.profile / "key").read_bytes(), PASSPHRASE)
            found[f"{person.name}: database key"] = key
            c = connect(person.profile / "onionchat.db", key, read_only=True)
            rows = c.execute(
                "SELECT key, value FROM meta WHERE key = 'identity' OR key LIKE 'static:%'"
                " UNION ALL SELECT 'address', seed FROM address UNION ALL SELECT 'log ' || n, seed FROM log"
                " WHERE seed NOTNULL UNION ALL SELECT 'slot ' || slot, private FROM slot WHERE slot < 4"
            ).fetchall()
            found.update({f"{person.name}: {name}": bytes(value) for name, value in rows})
            own = c.execute("SELECT key FROM address").fetchall()
            found.update({f"{person.name}: address {n}": onion_address(bytes(row[0])) for n, row in enumerate(own)})
            c.close()
        return found


def allow_cores(hard: int) -> None:
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):  # only root may raise it; an earlier test may have lowered it for this process
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


@pytest.fixture(scope="module")
def scene():
    folder = Path(tempfile.mkdtemp(prefix="ocp-"))
    cores = resource.getrlimit(resource.RLIMIT_CORE)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("home", "tmp", "run"):
            (folder / name).mkdir(mode=0o700)
        for name, place in (("HOME", "home"), ("TMPDIR", "tmp"), ("XDG_RUNTIME_DIR", "run")):
            patch.setenv(name, str(folder / place))
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            patch.setenv(name, str(folder / "home" / name))
        patch.setenv("ONIONCHAT_DEBUG", "1")
        patch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        allow_cores(cores[1])  # so that it is they who forbid it
        with TorNetwork() as network:
            scene = Scene(network, folder)
            try:
                scene.play()
                yield scene
            finally:
                scene.ann.stop()
                scene.ben.stop()
                resource.setrlimit(resource.RLIMIT_CORE, cores)
    shutil.rmtree(folder)


# --- 1: only Tor ------------------------------------------------------------------------------------------
def test_every_system_call_goes_to_tor_or_stays_here(scene):
    """All of Ann's processes, from `init` on: streams to Tor's SOCKS port, Unix sockets, listening on loopback."""
    if scene.why_untraced:
        pytest.skip(scene.why_untraced)
    host, _, port = scene.ann.socks.rpartition(":")
    tor = (host, int(port))
    asked = Asked.read(scene.ann.traces)
    assert asked.foreign({tor}, [scene.ann.profile, Path(scene.ann.control.removeprefix("unix:"))]) == []
    assert asked.reached() == {tor}
    assert {host for host, _ in asked.bound()} == {"127.0.0.1"}


def test_it_works_where_nothing_but_loopback_is(tmp_path):
    if not QuickackNamespace.available():
        pytest.skip("needs root and a kernel that lets us make a network namespace")
    script = Path(__file__).with_name("main_job.py")
    command = QuickackNamespace.command([sys.executable, str(script), tempfile.mkdtemp(dir=tmp_path, prefix="")])
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["lo"], ["one", "two"], ["one", "two"]]


# --- 2: nothing in the clear -------------------------------------------------------------------------------
def test_files_are_written_in_the_profile_alone(scene):
    """Whatever any process of Ann's opened for writing."""
    if scene.why_untraced:
        pytest.skip(scene.why_untraced)
    profile = str(scene.ann.profile)
    written = Asked.read(scene.ann.traces).written()
    assert {path for path in written if not path.startswith((profile + "/", "/dev/"))} == set()
    assert f"{profile}/onionchat.db" in written


def assert_nothing_on_disk(scene: Scene) -> None:
    secrets = Secrets({**scene.words(), **scene.addresses(), **scene.keys()})
    places = [scene.ann.profile, scene.ben.profile, *(scene.folder / name for name in ("home", "tmp", "run"))]
    assert [found for place in places for found in secrets.in_folder(place)] == []


def test_nothing_is_in_the_clear_while_they_run(scene):
    """Database, write-ahead log, its index, key file, lock, the launched Tor's folder, temporary files."""
    names = {path.name for path in scene.ben.profile.rglob("*")}
    assert {"onionchat.db", "onionchat.db-wal", "onionchat.db-shm", "key", "lock", "tor", "state"} <= names
    assert len(scene.keys()) > 20
    assert_nothing_on_disk(scene)


# --- 6: outputs --------------------------------------------------------------------------------------------
def test_failures_say_nothing_secret(scene):
    """Outputs of the nodes, and of commands that fail in many ways; Tor is killed and comes back meanwhile."""
    ann, ben = scene.ann, scene.ben
    wrong = ben.passphrase_file.with_name("wrong")
    wrong.write_text(WRONG)
    assert ann.tor is not None
    ann.tor.kill()
    for extra in ([], ["--json"]):
        ann.fail("send", "nobody", FROM_ANN, *extra)
        ann.fail("send", FOR_BEN, FROM_ANN, "--wait", "read", "--timeout", "1", *extra)
        ben.fail("add", scene.link[:-3] + "234", "-m", GREETING, *extra)
        ben.fail("accept", "abcdefgh", "--name", FROM_BEN, *extra)
    ann.fail("run")
    ann.do("lock")
    ann.fail("log", FOR_BEN)
    options, ann.options = ann.options, ["--passphrase-file", str(wrong)]
    ann.fail("unlock")
    ann.options = options
    ann.tor.restart()
    ann.do("unlock")
    ben.stop()
    ben.options, options = [*ben.options, "--passphrase-file", str(wrong)], ben.options
    ben.fail("log", FOR_ANN)
    ben.fail("run")
    ben.options = options
    ben.start()
    ben.wait_online(FOR_ANN)
    assert b"onionchat: " in ann.complaints and ann.complaints.count(b"\n") > 10
    keys = scene.keys()
    hidden = {"texts": FROM_ANN, "of Ben": FROM_BEN, "greeting": GREETING, "pass": PASSPHRASE, "mistyped": WRONG}
    for person in (ann, ben):
        assert (
            Secrets({**scene.words(), **scene.addresses(), **keys, "mistyped": WRONG}).in_bytes(person.said_by_node)
            == []
        )
        assert Secrets({**hidden, **keys}).in_bytes(person.complaints) == []


def test_no_argument_and_no_variable_holds_a_secret(scene):
    secrets = Secrets({**scene.words(), **scene.keys()})
    for person in (scene.ann, scene.ben):
        for name in ("cmdline", "environ"):
            assert secrets.in_bytes(Path(f"/proc/{person.pid}/{name}").read_bytes()) == []


# --- a locked node -----------------------------------------------------------------------------------------
def test_a_locked_node_s_memory_holds_no_key_and_no_passphrase(scene):
    """Unlocked all of them are there. A text may be left in a freed block: docs/threat-model.md, "Memory"."""
    ben = scene.ben
    keys = {name: value for name, value in scene.keys().items() if name.startswith(ben.name)}
    chosen = {name: keys[f"{ben.name}: {name}"] for name in ("database key", "identity", "static:1")}
    secrets = Secrets({**chosen, "passphrase": PASSPHRASE})
    try:
        before = secrets.in_memory(ben.pid)
    except OSError as error:
        pytest.skip(f"the memory of a hardened process cannot be read here: {error.strerror}")
    assert all(before[name] for name in chosen), before
    for _ in range(2):
        ben.do("lock")
        assert wait_until(lambda: not any(secrets.in_memory(ben.pid).values()), 5), secrets.in_memory(ben.pid)
        ben.do("unlock")
    ben.wait_online(FOR_ANN)


# --- crashes, and the end ------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_leaves_no_core(scene, number):
    """The kernel itself says whether it wrote one, wherever it would have put it."""
    ann = scene.ann
    pid = ann.pid
    os.kill(pid, number)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == number
    assert not os.WCOREDUMP(status)
    ann.start()


def test_without_our_care_the_kernel_would_write_one(scene, tmp_path):
    """The same crash of a program that forbids nothing, with the same limits: else the test above shows nothing."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern.startswith(("|", "/")):
        pytest.skip(f"this system sends cores elsewhere ({pattern.split()[0]}), and we would leave one there")
    if resource.getrlimit(resource.RLIMIT_CORE)[0] == 0:
        pytest.skip("no cores are allowed here, or an earlier test forbade them to this process: run this file alone")
    child = subprocess.Popen([sys.executable, "-c", "import os; os.abort()"], cwd=tmp_path)
    _, status = os.waitpid(child.pid, 0)
    assert os.WCOREDUMP(status)


def test_nothing_is_in_the_clear_after_kills_and_stops(scene):
    assert_nothing_on_disk(scene)
    scene.ann.stop()
    scene.ben.stop()
    assert_nothing_on_disk(scene)


def test_after_a_wipe_nothing_is_left(scene):
    for person in (scene.ann, scene.ben):
        person.do("wipe", "--yes")
        assert not person.profile.exists()
    assert [
        path for name in ("home", "tmp", "run") for path in (scene.folder / name).rglob("*") if path.is_file()
    ] == []
