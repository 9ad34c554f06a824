"""`onionchat doctor`: looks at what onionchat needs, and says for each thing what to do."""

import base64
import fcntl
import os
import re
import resource
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from onionchat.cli.output import bytes_text, length, say, say_json, say_table
from onionchat.cli.session import Context
from onionchat.cli.torcontrol import ControlPort, Refused, socks_greeting, socks_reply_to_nonsense, throw_away_onion
from onionchat.errors import ExitCode, LocalError, OnionchatError, TorError
from onionchat.limits import MIB

Mark = Literal["good", "note", "bad"]
_FREE_BYTES = 100 * MIB
_BAD_ADDRESS = 0xF6
_SHOWN = {"good": "ok", "note": "--", "bad": "!!"}


class Finding(msgspec.Struct):
    """One thing that was looked at. `advice`: what to do, empty when nothing is."""

    what: str
    mark: Mark
    text: str
    advice: str = ""


def doctor(context: Context) -> int:
    """`doctor`: 5 when no Tor can be used, 1 when something else is wrong, else 0."""
    local = [*profile_findings(context), *disk_findings(context.profile), *memory_findings()]
    tor, is_tor_good = tor_findings(context)
    findings = [*local, *tor]
    if context.options.json:
        say_json(findings)
    else:
        _show(findings)
    if not is_tor_good:
        return int(ExitCode.NO_TOR)
    return int(ExitCode.REFUSED if any(each.mark == "bad" for each in findings) else ExitCode.DONE)


def _show(findings: list[Finding]) -> None:
    say_table([(_SHOWN[each.mark], each.what, each.text) for each in findings])
    advice = [each for each in findings if each.advice]
    if not advice:
        say("What to do: nothing.")
        return
    say("\nWhat to do:")
    for each in advice:
        say(f"  {each.what}: {each.advice}")


# --- this machine -----------------------------------------------------------------------------------------
def profile_findings(context: Context) -> Iterator[Finding]:
    """The folder, and whether a node runs on it."""
    folder = context.profile
    try:
        found = folder.stat()
    except OSError:
        yield Finding("profile", "note", f"there is none in {folder}", "onionchat init --name NAME")
        return
    if found.st_uid != os.geteuid():
        yield Finding("profile", "bad", f"{folder} is another user's", "choose another folder with --profile")
    elif stat.S_IMODE(found.st_mode) & 0o077:
        yield Finding("profile", "bad", f"others may look into {folder}", f"chmod 700 {folder}")
    else:
        yield Finding("profile", "good", str(folder))
    try:
        is_running = context.is_node_running()
        yield Finding("node", "good", "running" if is_running else "not running")
    except OnionchatError as error:
        yield Finding("node", "bad", str(error), "is another program at this socket?")


def disk_findings(folder: Path) -> Iterator[Finding]:
    """Room, and whether the file system has the locks that keep two nodes apart."""
    place = next(each for each in (folder, *folder.parents) if each.is_dir())
    free = shutil.disk_usage(place).free
    if free < _FREE_BYTES:
        yield Finding(
            "disk", "bad", f"{bytes_text(free)} free", "make room: messages that cannot be kept are not taken"
        )
    else:
        yield Finding("disk", "good", f"{bytes_text(free)} free")
    if not os.access(place, os.W_OK):
        yield Finding("locks", "bad", f"{place} cannot be written", "choose another folder with --profile")
        return
    try:
        with tempfile.TemporaryFile(dir=place) as first:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Finding("locks", "good", "the file system has them")
    except OSError as error:
        yield Finding(
            "locks", "bad", f"the file system has none ({error.strerror})", "keep the profile on a local disk"
        )


def memory_findings() -> Iterator[Finding]:
    """Whether keys can be kept out of the swap."""
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    has_swap = _swap_is_on()
    if has_swap and soft != resource.RLIM_INFINITY and soft < 8 * MIB:
        text = f"swap is on, and only {bytes_text(soft)} may be locked in memory"
        yield Finding("memory", "note", text, "encrypt the swap, or raise the limit of `ulimit -l`")
    else:
        yield Finding("memory", "good", "keys can stay out of the swap" if has_swap else "no swap")


def _swap_is_on() -> bool:
    try:
        return len(Path("/proc/swaps").read_text("ascii").splitlines()) > 1
    except OSError:
        return False


# --- Tor --------------------------------------------------------------------------------------------------
def tor_findings(context: Context) -> tuple[list[Finding], bool]:
    """The Tor that a node would use: control port, permissions, SOCKS, clock. Also whether one can be used."""
    from onionchat.cli import compose

    try:
        places = compose.tor_places(context.settings())
    except LocalError as error:
        return [Finding("Tor", "bad", str(error), "mend the option, or config.toml")], False
    findings: list[Finding] = []
    for place in places:
        found, is_good = place_findings(place, compose.permission_advice(place.kind))
        if is_good:
            return [*_as_notes(findings), *found], True
        findings += found
    return findings, False


def _as_notes(findings: list[Finding]) -> list[Finding]:
    """What failed does not matter when a later place works."""
    return [Finding(each.what, "note" if each.mark == "bad" else each.mark, each.text) for each in findings]


def place_findings(place: Any, advice: str) -> tuple[list[Finding], bool]:
    """One candidate (`net.find.TorPlace`), and whether a node can use it."""
    kind = str(place.kind.value)
    if place.control is None:
        program = shutil.which("tor", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin")
        if program is None:
            text = "there is no program `tor` to launch"
            return [Finding("Tor", "bad", text, "install Tor (Debian: sudo apt install tor)")], False
        return [Finding("Tor", "good", f"{program} would be launched")], True
    findings = list(_control_findings(str(place.control), kind, place, advice))
    if place.socks is not None:
        findings += _socks_findings(str(place.socks))
    return findings, all(each.mark != "bad" for each in findings)


def _control_findings(where: str, kind: str, place: Any, advice: str) -> Iterator[Finding]:
    try:
        port = ControlPort(where)
    except TorError as error:
        yield Finding("Tor", "bad", f"{kind} Tor at {where}: {error}", advice)
        return
    try:
        port.authenticate()
        version = "".join(port.command("GETINFO version")).removeprefix("version=").split("OK")[0]
        yield Finding("Tor", "good", f"{kind} Tor {version} at {where}")
        yield _bootstrap(port)
        yield from _permissions(port, place, advice)
        yield _clock(port)
    except TorError as error:
        yield Finding("Tor", "bad", f"{kind} Tor at {where}: {error}", advice)
    finally:
        port.close()


def _bootstrap(port: ControlPort) -> Finding:
    told = "".join(port.command("GETINFO status/bootstrap-phase"))
    progress = re.search(r"PROGRESS=([0-9]+)", told)
    if progress is None or int(progress[1]) < 100:
        text = f"Tor is at {progress[1] if progress else '?'} %"
        return Finding("bootstrap", "note", text, "wait; if it stays so, look at Tor's log and the network")
    return Finding("bootstrap", "good", "Tor is connected")


def _permissions(port: ControlPort, place: Any, advice: str) -> Iterator[Finding]:
    """Try what a node does, with a key that is thrown away at once."""
    try:
        port.command("GETINFO onions/current")
    except Refused:
        yield Finding("onions", "bad", "we may not ask for our onions", advice)
        return
    key, client = throw_away_onion()
    target = place.onion_ports.start if place.onion_ports else 17600
    end = f"Port=80,{place.onion_target_host}:{target}"
    try:
        address = _added(port, f"ADD_ONION {key} Flags=V3Auth {end} ClientAuthV3={client}")
        yield Finding("onions", "good", "allowed, hidden from strangers")
    except Refused:
        try:
            address = _added(port, f"ADD_ONION {key} {end}")
        except Refused as error:
            yield Finding("onions", "bad", f"we may not publish any ({error})", advice)
            return
        text = "allowed, but cannot be hidden from strangers"
        yield Finding("onions", "note", text, f"{advice}; or run with --allow-unrestricted")
    yield _client_keys(port, address, advice)
    port.command(f"DEL_ONION {address}")


def _added(port: ControlPort, command: str) -> str:
    told = "\n".join(port.command(command))
    found = re.search(r"ServiceID=([a-z2-7]{56})", told)
    if found is None:
        raise TorError("it does not say which onion it added")
    return found[1]


def _client_keys(port: ControlPort, address: str, advice: str) -> Finding:
    try:
        key = base64.b64encode(os.urandom(32)).decode()
        port.command(f"ONION_CLIENT_AUTH_ADD {address} x25519:{key}")
        port.command(f"ONION_CLIENT_AUTH_REMOVE {address}")
    except Refused:
        return Finding("discovery", "bad", "we may not give Tor the keys that find your contacts", advice)
    return Finding("discovery", "good", "Tor takes the keys that find your contacts")


def _clock(port: ControlPort) -> Finding:
    """Between the consensus' own times, where Tor may be asked for them."""
    try:
        after, until = (_utc(port.command(f"GETINFO consensus/{name}")) for name in ("valid-after", "valid-until"))
    except (TorError, ValueError):
        return Finding(
            "clock", "note", time.strftime("it is %Y-%m-%d %H:%M:%S here; Tor may not be asked for its time")
        )
    now = time.time()
    if after - 3600 <= now <= until:
        return Finding("clock", "good", "agrees with Tor's network")
    off = length(after - now if now < after else now - until)
    return Finding("clock", "bad", f"at least {off} {'slow' if now < after else 'fast'}", "set the clock (timedatectl)")


def _utc(told: list[str]) -> float:
    return datetime.fromisoformat(told[0].split("=", 1)[1]).replace(tzinfo=UTC).timestamp()


def _socks_findings(where: str) -> Iterator[Finding]:
    try:
        socks_greeting(where)
        code = socks_reply_to_nonsense(where)
    except TorError as error:
        yield Finding(
            "SOCKS", "bad", f"{where}: {error}", "give Tor's SOCKS port with --socks, or a SocksPort in torrc"
        )
        return
    if code == _BAD_ADDRESS:
        yield Finding("SOCKS", "good", f"{where}, says why a dial failed")
    else:
        advice = "add ExtendedErrors to its SocksPort line in torrc, and you see why somebody cannot be reached"
        yield Finding("SOCKS", "note", f"{where}, does not say why a dial failed", advice)
