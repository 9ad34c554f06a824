"""A careless user, and an unlucky one: whatever goes wrong ends in one line that says what to do, and loses nothing.

The program runs on a real profile, as a process of its own. Most are forked from one that has imported the program
already (`Nursery`), for a start of Python takes longer than all that it then does.
"""

import json
import os
import pty
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor
from twisted.internet.threads import deferToThread

from onionchat.api.socketpath import socket_path
from onionchat.store.db import SCHEMA_VERSION
from onionchat.testing.controlport import ControlServerFactory, SimulatedTor
from tests.cli.nursery import ROOT, WAIT_SECONDS, Nursery, Program, Runner
from tests.cli.running import Result
from tests.node.worlds import PASSPHRASE, make_profile, opened

reactor: Any = real_reactor
NO_TOR = ("--tor", "system", "--control", "unix:/nonexistent")
KEPT = "an answer about marmalade"  # what Ann said in the profile of `worlds`
Say = Callable[..., Result]
Control = tuple[SimulatedTor, tuple[str, ...]]


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile called Bob with a contact Ann, made once; nobody writes in it."""
    folder = tmp_path_factory.mktemp("golden") / "profile"
    make_profile(folder)
    return folder


@pytest.fixture
def profile(golden: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copy = tmp_path / "profile"
    shutil.copytree(golden, copy)
    return copy


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """A file with its passphrase."""
    file = tmp_path / "secret"
    file.write_text(PASSPHRASE + "\n")
    return str(file)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def run(nursery: Nursery, profile: Path, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(nursery, profile, tmp_path_factory.mktemp("streams"))


@pytest.fixture
def say(run: Runner, secret: str) -> Say:
    """One command line with the right passphrase."""
    return lambda *arguments, stdin=b"": run("--passphrase-file", secret, *arguments, stdin=stdin)


@pytest.fixture
def program(profile: Path, secret: str) -> Iterator[Program]:
    program = Program(profile, secret)
    yield program
    program.end_all()


def complains(result: Result, code: int, *words: str) -> None:
    """One line on standard error that begins with our name and holds these words, and nothing of Python's."""
    lines = result.err.splitlines()
    assert result.code == code, result
    assert len(lines) == 1 and lines[0].startswith("onionchat: "), result.err
    assert "Traceback" not in result.err and "inside onionchat" not in result.err
    for word in words:
        assert word in lines[0], lines[0]


def still_there(say: Say) -> None:
    """The profile opens with the right passphrase and has its messages."""
    log = say("log", "Ann")
    assert log.code == 0 and KEPT in log.out


def until(condition: Callable[[], Any]) -> Any:
    """What the condition gives once it is true."""
    end = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, "waited for too long"
        time.sleep(0.02)
    return found


def end(process: "subprocess.Popen[bytes]", number: int = signal.SIGTERM) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=WAIT_SECONDS)
    return process.returncode, (out or b"").decode(), (err or b"").decode()


@pytest.fixture
def node(program: Program) -> Iterator["subprocess.Popen[bytes]"]:
    """A node that waits for a Tor that is not there; its socket answers."""
    process = program.start(*NO_TOR, "run")
    until(lambda: socket_path(program.profile).exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    yield process
    if process.poll() is None:
        end(process)


# --- the passphrase ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("typed", ["wrong", "", "correct horse ", "Correct Horse", "\N{KELVIN SIGN}" * 1000])
def test_a_wrong_or_empty_passphrase(run: Runner, say: Say, tmp_path: Path, typed: str) -> None:
    (tmp_path / "typed").write_text(typed)
    for command in ("log", "Ann"), ("export", str(tmp_path / "out"), "--export-passphrase-file", str(tmp_path / "x")):
        (tmp_path / "x").write_text("another one")
        result = run("--passphrase-file", str(tmp_path / "typed"), *command)
        complains(result, 3, "wrong passphrase: try again")
    assert not (tmp_path / "out").exists()
    still_there(say)


def test_a_passphrase_file_that_is_none(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "long").write_bytes(b"a" * 5000)
    for name, word in ("bytes", "not UTF-8"), ("long", "too long"), ("none", "cannot be read"), (".", "cannot be read"):
        result = run("--passphrase-file", str(tmp_path / name), "status")
        complains(result, 1, word)
    complains(run("--passphrase-fd", "987", "status"), 1, "descriptor 987")


def test_a_new_passphrase_that_is_empty_changes_nothing(say: Say, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    complains(say("passwd", "--new-passphrase-file", str(tmp_path / "empty")), 1, "empty passphrase protects nothing")
    still_there(say)


def test_no_terminal_to_ask_on(program: Program) -> None:
    command = [sys.executable, "-m", "onionchat", "--profile", str(program.profile), "status"]
    done = subprocess.run(command, cwd=ROOT, start_new_session=True, stdin=subprocess.DEVNULL, capture_output=True)
    complains(Result(done.returncode, "", done.stderr.decode()), 3, "no terminal to ask on", "--passphrase-file")


# --- the files of the profile -----------------------------------------------------------------------------
def flipped(content: bytes) -> bytes:
    damaged = bytearray(content)
    for index in range(4096, len(damaged), 997):
        damaged[index] ^= 0x55
    return bytes(damaged)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": flipped,
    "cut": lambda content: content[: len(content) // 3 + 17],
    "first page": lambda content: b"\0" * 4096 + content[4096:],
    "garbage": lambda content: bytes(index * 197 % 251 for index in range(len(content))),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_database(say: Say, profile: Path, damage: str) -> None:
    database = profile / "onionchat.db"
    good = database.read_bytes()
    bad = DAMAGES[damage](good)
    database.write_bytes(bad)
    for command in ("status",), ("log", "Ann"), (*NO_TOR, "run", "--once"):
        complains(say(*command), 1, "damaged", "onionchat export --salvage FILE")
        assert database.read_bytes() == bad, "what is left is for a salvage"
    database.write_bytes(good)
    still_there(say)


def test_somebody_else_s_database(say: Say, profile: Path, tmp_path: Path) -> None:
    database = profile / "onionchat.db"
    good = database.read_bytes()
    foreign = sqlite3.connect(tmp_path / "foreign.db")
    foreign.execute("CREATE TABLE t (x)")
    foreign.close()
    make_profile(tmp_path / "other", seed=5)
    for source in tmp_path / "foreign.db", tmp_path / "other" / "onionchat.db":
        shutil.copy(source, database)
        complains(say("status"), 1, "not of this profile")
        assert database.read_bytes() == source.read_bytes()
    database.write_bytes(good)
    still_there(say)


def test_a_missing_database(say: Say, profile: Path) -> None:
    (profile / "onionchat.db").rename(profile / "away")
    complains(say("status"), 1, "onionchat.db is missing", "put it back")
    assert not (profile / "onionchat.db").exists()
    (profile / "away").rename(profile / "onionchat.db")
    still_there(say)


def test_a_database_of_no_bytes_is_left_as_it_is(say: Say, profile: Path) -> None:
    database = profile / "onionchat.db"
    good = database.read_bytes()
    database.write_bytes(b"")
    for command in ("status",), (*NO_TOR, "run", "--once"):
        complains(say(*command), 1, "onionchat.db is empty", "put it back")
    assert database.read_bytes() == b""
    database.write_bytes(good)
    still_there(say)


def test_a_missing_key_file(say: Say, profile: Path) -> None:
    (profile / "key").rename(profile / "away")
    for command in ("status",), ("init", "--name", "x"):
        complains(say(*command), 1, "key", "put that back" if command[0] == "init" else "put it back")
    (profile / "away").rename(profile / "key")
    still_there(say)


@pytest.mark.parametrize("content", [b"", b"x" * 200, None, "middle", "folder"])
def test_a_damaged_key_file(say: Say, profile: Path, content: bytes | str | None) -> None:
    key = profile / "key"
    good = key.read_bytes()
    key.unlink()
    if content == "folder":
        key.mkdir()
    else:
        middle = bytes(byte ^ (index == len(good) // 2) for index, byte in enumerate(good))
        key.write_bytes(content if isinstance(content, bytes) else middle if content == "middle" else good[:-1])
    for command in ("status",), (*NO_TOR, "run", "--once"):
        complains(say(*command), 1)
    key.rmdir() if content == "folder" else key.unlink()
    key.write_bytes(good)
    still_there(say)


def test_a_newer_schema(say: Say, profile: Path) -> None:
    def set_version(number: int) -> None:
        c = opened(profile)
        c.execute(f"PRAGMA user_version={number}")
        c.close()

    set_version(SCHEMA_VERSION + 1)
    for command in ("status",), ("send", "Ann", "hi"), (*NO_TOR, "run", "--once"):
        complains(say(*command), 1, "newer onionchat", "install the newer version")
    set_version(SCHEMA_VERSION)
    still_there(say)


def test_a_profile_that_does_not_exist(program: Program, run: Runner, secret: str, tmp_path: Path) -> None:
    for folder in "nowhere", "secret/profile", "with\nline":
        run.profile = tmp_path / folder
        for command in ("status",), ("send", "Ann", "hi"), (*NO_TOR, "run"), ("passwd",), ("devices", "--json"):
            result = run("--passphrase-file", secret, *command)
            complains(result, 1, "there is no profile", "onionchat init --name NAME")
            assert result.out == ""
    complains(run("--passphrase-file", secret, "stop"), 4, "onionchat run")


def test_a_profile_is_not_made_over_another(say: Say, tmp_path: Path) -> None:
    complains(say("init", "--name", "Eve"), 1, "already", "another --profile")
    complains(say("import", str(tmp_path / "secret")), 1, "already")
    still_there(say)


def test_a_second_process(node: "subprocess.Popen[bytes]", program: Program) -> None:
    complains(program(*NO_TOR, "run"), 1, "running on this profile already")
    (program.profile / "api.sock").unlink()  # now nothing but the lock says so
    complains(program("status"), 1, f"in use by another onionchat (process {node.pid}); close that first")
    complains(program(*NO_TOR, "run"), 1, f"process {node.pid}")


SOMEBODY_ELSE = 65534 if os.geteuid() == 0 else 0  # for root, a user for whom permissions count


@pytest.fixture
def readable(golden: Path) -> Iterator[Path]:
    """A profile where a user without rights can get at it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(golden, folder / "profile")
        (folder / "secret").write_text(PASSPHRASE)
        for path in folder / "profile", *(folder / "profile").iterdir(), folder / "secret":
            if SOMEBODY_ELSE:
                os.chown(path, SOMEBODY_ELSE, SOMEBODY_ELSE)
        yield folder
        (folder / "profile").chmod(0o700)


def test_a_read_only_profile(nursery: Nursery, readable: Path, tmp_path: Path) -> None:
    profile = readable / "profile"

    def say(*arguments: str) -> Result:
        line = ["--profile", str(profile), "--passphrase-file", str(readable / "secret"), *arguments]
        return nursery.run(tmp_path, line, b"", {}, SOMEBODY_ELSE)

    for path in profile.iterdir():
        path.chmod(0o400)
    profile.chmod(0o500)
    for command in ("status",), (*NO_TOR, "run", "--once"):
        complains(say(*command), 1, "check owner and permissions")
    profile.chmod(0)
    complains(say("status"), 1, "Permission denied")
    profile.chmod(0o700)
    for path in profile.iterdir():
        path.chmod(0o600)
    assert KEPT in say("log", "Ann").out


def test_after_a_kill_nothing_is_in_the_way(node: "subprocess.Popen[bytes]", program: Program, say: Say) -> None:
    node.kill()
    node.wait()
    assert socket_path(program.profile).exists(), "a dead socket is left"
    still_there(say)
    complains(say("stop"), 4, "no node is running")
    again = program.start(*NO_TOR, "run")
    until(lambda: say("lock").code != 4)
    code, _, err = end(again)
    assert code == 0 and "Traceback" not in err
    still_there(say)


def test_a_dead_lock_and_a_dead_socket_of_long_ago(say: Say, profile: Path) -> None:
    (profile / "lock").write_text("99999999\n")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(profile / "api.sock"))
    still_there(say)


def test_something_else_where_the_socket_should_be(program: Program, say: Say) -> None:
    (program.profile / "api.sock").write_text("mine")
    complains(program(*NO_TOR, "run"), 1, "api.sock")
    assert (program.profile / "api.sock").read_text() == "mine"


def test_a_path_that_is_too_long_for_a_socket(golden: Path, secret: str, tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    shutil.copytree(golden, folder)
    program = Program(folder, secret)
    process = program.start(*NO_TOR, "run")
    until(lambda: socket_path(folder).exists() or process.poll() is not None)
    assert len(os.fsencode(socket_path(folder))) <= 107
    status = until(lambda: (found := program("status", "--json")).code == 0 and found)
    assert json.loads(status.out)["running"] is True
    assert end(process)[0] == 0


# --- Tor --------------------------------------------------------------------------------------------------
def test_no_tor_once(program: Program, say: Say) -> None:
    result = program(*NO_TOR, "run", "--once")
    complains(result, 5, "cannot be reached", "onionchat doctor")
    assert result.out == ""
    still_there(say)


def test_no_tor_and_patience(program: Program, say: Say) -> None:
    process = program.start(*NO_TOR, "run")
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    assert re.fullmatch(r"onionchat: .*cannot be reached.*; waiting for it\n", line), line
    sent = say("send", "Ann", "for later")
    assert sent.code == 0 and sent.out.strip()
    assert end(process) == (0, "", ""), "it says so once, and ends when it is asked to"
    assert "for later" in say("log", "Ann").out


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    """A control port, and the options that lead to it."""
    tor = SimulatedTor()
    with tempfile.TemporaryDirectory() as folder:  # a short path, for a socket
        port = reactor.listenUNIX(f"{folder}/control", ControlServerFactory(tor))
        socks = ("--socks", f"unix:{folder}/socks")
        yield tor, ("--tor", "system", "--control", f"unix:{folder}/control", *socks)
        pytest_twisted.blockon(port.stopListening())


REFUSALS = {
    "a filter": ({"GETINFO version": "510 Command filtered"}, "510"),
    "a wrong cookie": ({"AUTHENTICATE": "515 Authentication failed: Wrong length on authentication cookie."}, "515"),
    "no onions": ({"ADD_ONION": "510 Command filtered"}, "was not published"),
    "no hidden onions": ({"ADD_ONION .*V3Auth": "512 Unrecognized flag"}, "--allow-unrestricted"),
}


@pytest.mark.parametrize("which", REFUSALS)
@pytest_twisted.inlineCallbacks
def test_a_tor_that_refuses(control: Control, program: Program, which: str) -> Iterator[Any]:
    tor, options = control
    tor.refusals, word = REFUSALS[which]
    complains((yield deferToThread(program, *options, "run", "--once")), 5, word)


@pytest_twisted.inlineCallbacks
def test_a_cookie_that_is_no_cookie(control: Control, program: Program) -> Iterator[Any]:
    tor, options = control
    tor.cookie_path = program.profile / "cookie"
    tor.cookie_path.write_bytes(b"short")
    complains((yield deferToThread(program, *options, "run", "--once")), 5, "cookie")


@pytest.mark.parametrize(
    "options",
    [("--control", "foo"), ("--control", "tcp:example.com:1"), ("--socks", "8.8.8.8:9050"),
     ("--control", "tcp:127.0.0.1:0"), ("--socks", "127.0.0.1:99999"), ("--control", "unix:" + "x" * 200)],
)  # fmt: skip
def test_a_place_that_is_no_tor_s(say: Say, options: tuple[str, ...]) -> None:
    result = say("--tor", "system", *options, "run", "--once")
    complains(result, result.code)
    assert result.code in (1, 2)


@pytest.mark.parametrize(
    "content",
    [b"tor = [", b"\xff\xfe", b'tor = "x"', b"onion-port = true", b"tor-option = [1]", b"nonsense = 1", b"\0"],
)
def test_a_broken_config(say: Say, profile: Path, content: bytes) -> None:
    (profile / "config.toml").write_bytes(content)
    complains(say("run", "--once"), 1, "config.toml")
    assert "config.toml" in say("doctor").out
    still_there(say)


# --- links ------------------------------------------------------------------------------------------------
def test_a_tor_option_that_is_none(say: Say) -> None:
    complains(say("--tor", "launch", "--tor-option", "Foo", "run"), 1, "'Name value'")


def test_links_that_are_none(say: Say) -> None:
    good = say("invite").lines[0]
    changed = good[:-9] + ("a" if good[-9] != "a" else "b") + good[-8:]
    bad = {
        "": "paste the whole link",
        "hello": 'begins with "onionchat:"',
        "https://example.com": "link to something else",
        good[:30]: "cut off",
        good + "a": "too long by 1",
        good + good: "one at a time",
        changed: "wrong checksum",
        good.replace("onionchat:", "onionchat-link:"): "device of your own",
        good[:15] + "1" + good[16:]: "letters a-z and digits 2-7",
        "onionchat:" + "\u202e" * 56: "U+202E",
        "x" * 100_000: "too long",
        good: "that is your own link",
    }
    for link, word in bad.items():
        complains(say("add", link), 1, word)
        complains(say("uninvite", link), 1) if link != good else None
    still_there(say)


def test_a_link_that_was_added_or_closed(say: Say, run: Runner, profile: Path, tmp_path: Path, secret: str) -> None:
    link = say("invite").lines[0]
    run.profile = tmp_path / "other"
    make_profile(run.profile, seed=9)
    assert say("add", link, "--name", "Ben").code == 0
    complains(say("add", link.upper(), "--name", "Ben"), 1, "added already", "waiting for an answer")
    complains(say("add", link, "--json"), 1, "added already")
    other = say("invite").lines[0]
    assert say("uninvite", other).code == 0
    complains(say("add", other), 1, "your own link")


# --- names ------------------------------------------------------------------------------------------------
NAMES = {
    "": "must not be empty",
    "me": '"me"',
    "ME": '"me"',
    "m\u0435": '"me"',  # Cyrillic
    "a\x1b[31mb": "cannot be seen or shown",
    "a\u202eb": "cannot be seen or shown",
    "a\u200bb": "cannot be seen or shown",
    "a\nb": "cannot be seen or shown",
    " a": "blank",
    "a  b": "blank",
    "x" * 65: "at most 64",
    "/quit": 'must not begin with "/"',
    "-a": 'must not begin with "/" or "-"',
    "Ann": "in use",
    "aNN": "in use",
    "\u0410nn": "looks like",  # Cyrillic
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_cannot_be(say: Say, run: Runner, profile: Path, tmp_path: Path, name: str) -> None:
    word = NAMES[name]
    if word not in ("in use", "looks like"):
        run.profile = tmp_path / "new"
        complains(say("init", f"--name={name}"), 1, word)
        assert not (run.profile / "key").exists()
        run.profile = profile
    complains(say("invite", f"--accept-as={name}"), 1, word)
    still_there(say)


@pytest.mark.parametrize("name", ["nobody", "\x1b[2Jx", "\u202eevil", "x" * 5000, ""])
def test_a_contact_that_is_not_there(say: Say, name: str) -> None:
    for command in ("send", name, "hi"), ("log", name, "--json"):
        result = say(*command)
        complains(result, 1)
        assert result.err.rstrip("\n").isprintable()


# --- messages ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"x" * 2**20, "too long|longer"),
        (b"a\xffb", "UTF-8"),
        (b"\xed\xa0\x80", "UTF-8"),
    ],
)
def test_a_message_that_cannot_be_sent(program: Program, say: Say, text: bytes, word: str) -> None:
    result = say("send", "Ann", stdin=text)
    complains(result, 1)
    assert re.search(word, result.err)
    if b"\xff" in text:
        complains(program(b"send", b"Ann", text), 2, "not valid UTF-8")
    elif len(text) < 2**17:
        complains(say("send", "Ann", text.decode("utf-8", "surrogateescape")), 2 if word == "UTF-8" else 1)
    assert len(say("log", "Ann", "--json").json) == 3, "nothing was kept of it"


def test_text_that_would_command_the_terminal_is_shown_as_text(say: Say) -> None:
    assert say("send", "Ann", "\x1b]0;owned\x07\u202eabc\x00\r\x9b2J").code == 0
    log = say("log", "Ann").out
    assert "owned" in log and all(character.isprintable() or character == "\n" for character in log)


def test_the_longest_message_is_taken(say: Say) -> None:
    assert say("send", "Ann", stdin=b"x" * 32768).code == 0
    complains(say("send", "Ann", stdin=b"x" * 32769), 1)


@pytest.mark.parametrize("verb", [("edit", "new"), ("react", "x"), ("retract",), ("forget",), ("send", "--reply")])
def test_a_message_id_that_is_none(say: Say, verb: tuple[str, ...]) -> None:
    for entry in "../../etc", "a" * 52, "\x1b":
        if verb[0] == "send":
            complains(say("send", "Ann", "hi", "--reply", entry), 1)
        else:
            complains(say(verb[0], "Ann", entry, *verb[1:]), 1)
    still_there(say)


# --- the command line -------------------------------------------------------------------------------------
WRONG_USAGE = """
    frob | send | send Ann a b | log Ann --nope | log Ann -n 0 | log Ann -n -1 | log Ann --since x | invite --expires 0d
    log Ann --since 99999999999999999999 | invite --expires 99999w | timer Ann x | quota Ann lots | forget Ann
    forget Ann --before never | contact Ann rename | contact Ann frob | tor-profile x | completion x | status extra
    --onion-port 70000 run | --tor x run | send Ann x --timeout -1 | --passphrase-fd x status | --passphrase-fd 3 status
    --passphrase-fd 99999999999999999999 status | invite --open --accept-as x
"""


@pytest.mark.parametrize("line", [line.strip() for line in re.split(r"[|\n]", WRONG_USAGE.strip())])
def test_wrong_usage(say: Say, line: str) -> None:
    result = say(*line.split())
    complains(result, 2)
    assert result.out == ""


@pytest.mark.parametrize("command", [("log", "nobody"), ("words", "nobody"), ("add", "x"), ("watch",), ("search", "")])
def test_errors_stay_one_line_with_json(say: Say, command: tuple[str, ...]) -> None:
    result = say(*command, "--json")
    complains(result, 4 if command[0] == "watch" else 1)
    assert result.out == ""


@pytest.mark.parametrize("query", ['"unclosed', "AND OR NOT", "* ^ :", "a" * 10_000, "\x00", "'; DROP TABLE entry; --"])
def test_any_search(say: Say, query: str) -> None:
    result = say("search", query, "--json")
    assert result.code in (0, 1) and "inside onionchat" not in result.err
    assert result.code or result.json == []
    still_there(say)


def test_home_is_not_set(secret: str, golden: Path, tmp_path: Path) -> None:
    def status(environment: dict[str, str]) -> Result:
        command = [sys.executable, "-m", "onionchat", "--passphrase-file", secret, "log", "Ann"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, stdin=subprocess.DEVNULL)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    shutil.copytree(golden, tmp_path / "data" / "onionchat")
    path = {"PATH": os.environ["PATH"]}
    assert KEPT in status({**path, "XDG_DATA_HOME": str(tmp_path / "data")}).out
    assert KEPT in status({**path, "ONIONCHAT_PROFILE": str(tmp_path / "data" / "onionchat")}).out
    complains(status({**path, "HOME": "", "XDG_DATA_HOME": "relative"}), 1, "there is no profile")


@pytest.mark.parametrize("place", ["/dev/null", "relative/../path", "/proc", "/tmp/a\nb", "/tmp/\x1b[31m"])
def test_a_strange_data_folder(nursery: Nursery, tmp_path: Path, secret: str, place: str) -> None:
    def say(*command: str) -> Result:
        environment = {"XDG_DATA_HOME": place, "HOME": place}
        return nursery.run(tmp_path, ["--passphrase-file", secret, *command], b"", environment)

    complains(say("status"), 1, "there is no profile")
    if place in ("/dev/null", "/proc"):
        complains(say("init", "--name", "x"), 1, "cannot be a profile's folder", "choose another")


def test_a_profile_named_by_nothing(run: Runner) -> None:
    run.profile = Path()
    result = run.nursery.run(run.folder, ["--profile", "", "wipe", "--yes"], b"", {})
    complains(result, 2, "--profile is empty")
    for place, word in ("~nobody-of-that-name/x", "there is no such folder"), ("/" + "x" * 300, "choose another"):
        for command in ("status",), ("init", "--name", "x"):
            complains(
                run.nursery.run(run.folder, ["--profile", place, *command], b"x", {}), 2 if "~" in place else 1, word
            )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_standard_stream_that_is_closed(program: Program, say: Say, closed: str) -> None:
    line = [sys.executable, "-m", "onionchat", "--profile", str(program.profile), "--passphrase-file", program.secret]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *line, "send", "Ann", "hello"], cwd=ROOT, capture_output=True
    )
    assert done.returncode == 0 and b"inside" not in done.stderr
    assert "hello" in say("log", "Ann").out


# --- streams and signals ----------------------------------------------------------------------------------
def test_nobody_reads_what_is_written(program: Program, say: Say) -> None:
    for number in range(3):
        assert say("send", "Ann", stdin=str(number).encode() * 32000).code == 0
    process = program.start("log", "Ann")
    assert process.stdout is not None
    process.stdout.close()
    process.wait(WAIT_SECONDS)
    assert process.stderr is not None and process.stderr.read() == b""
    assert process.returncode == 141


def test_standard_input_is_closed(program: Program) -> None:
    process = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", sys.executable, "-m", "onionchat", "--profile", str(program.profile),
         "--passphrase-file", program.secret, "send", "Ann"], cwd=ROOT, capture_output=True, start_new_session=True,
    )  # fmt: skip
    complains(Result(process.returncode, "", process.stderr.decode()), 1)


def test_ctrl_c_while_a_node_waits_for_tor(node: "subprocess.Popen[bytes]", say: Say) -> None:
    code, _, err = end(node, signal.SIGINT)
    assert code == 0 and "Traceback" not in err
    still_there(say)


def test_ctrl_c_while_others_wait_for_the_node(node: "subprocess.Popen[bytes]", program: Program) -> None:
    watch, send = program.start("watch"), program.start("send", "Ann", "patience", "--wait", "delivered")
    assert send.stdout is not None
    assert send.stdout.readline().strip(), "the id comes first: it is committed"
    until(lambda: b"sock" in Path(f"/proc/{watch.pid}/net/unix").read_bytes())
    time.sleep(0.7)  # `watch` says nothing when it has begun
    assert end(watch, signal.SIGINT)[::2] == (0, "")
    code, _, err = end(send, signal.SIGINT)
    assert code == 130 and "Traceback" not in err
    assert "patience" in program("log", "Ann").out


def test_ctrl_c_while_text_is_awaited(program: Program, say: Say) -> None:
    reading, writing = os.pipe()
    process = program.start("send", "Ann", stdin=reading)
    os.write(writing, b"half a sen")
    until(lambda: "pipe_read" in _waits_for(process.pid) or process.poll() is not None)
    code, out, err = end(process, signal.SIGINT)
    os.close(writing)
    os.close(reading)
    assert (code, out, err) == (130, "", "")
    assert "half" not in say("log", "Ann").out


def _waits_for(pid: int) -> str:
    try:
        found = Path(f"/proc/{pid}/wchan").read_text()
    except OSError:
        found = "0"
    if found in ("0", ""):  # the kernel does not tell: it has had time enough
        time.sleep(1)
        return "pipe_read"
    return found


def test_ctrl_c_at_the_passphrase(program: Program) -> None:
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "onionchat", "--profile", str(program.profile), "status"]
    take_terminal = (
        "import fcntl,os,sys,termios;fcntl.ioctl(0,termios.TIOCSCTTY,0);os.execv(sys.executable,sys.argv[1:])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", take_terminal, *command], cwd=ROOT, stdin=child, stdout=child, stderr=child,
        start_new_session=True,
    )  # fmt: skip
    os.close(child)
    shown = b""
    while b"Passphrase" not in shown:
        shown += os.read(parent, 1000)
    os.write(parent, b"\x03")
    assert process.wait(WAIT_SECONDS) == 130
    rest = b""
    try:
        while piece := os.read(parent, 1000):
            rest += piece
    except OSError:
        pass
    os.close(parent)
    assert b"Traceback" not in rest and b"Error" not in rest


# --- the machine ------------------------------------------------------------------------------------------
def test_a_clock_that_was_set_back(say: Say) -> None:
    """The profile's messages came in January 2027; what is written now stands behind them all the same."""
    assert say("status").code == 0
    assert say("send", "Ann", "still in order").code == 0
    texts = [message["text"] for message in say("log", "Ann", "--json").json]
    assert texts.index("still in order") > texts.index(KEPT)


def test_the_disk_is_full(golden: Path, secret: str, run: Runner, say: Say) -> None:
    with tempfile.TemporaryDirectory() as name:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", name], capture_output=True)
        if mounted.returncode:
            pytest.skip("a small disk cannot be made here")
        try:
            run.profile = Path(name) / "profile"
            shutil.copytree(golden, run.profile)
            (Path(name) / "filler").write_bytes(b"x" * (os.statvfs(name).f_bavail * 4096))
            result = say("send", "Ann", stdin=b"x" * 30000)
            complains(result, 1, "disk is full", "free some space")
            assert not result.out
            (Path(name) / "filler").unlink()
            still_there(say)
            assert say("send", "Ann", stdin=b"x" * 30000).code == 0
        finally:
            subprocess.run(["umount", "-l", name], check=True)
