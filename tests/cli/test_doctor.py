"""The doctor, at simulated Tors and behind the very filters that we ship profiles for."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread

from onionchat.cli import doctor
from onionchat.cli.doctor import Finding, disk_findings, memory_findings, place_findings
from onionchat.net.torprofile import profile_text
from onionchat.testing.controlfilter import FilterRules
from onionchat.testing.controlport import ControlServerFactory, SimulatedTor
from onionchat.testing.socksport import SocksServer
from tests.cli.running import Runner

reactor: Any = real_reactor
ADVICE = "do this"


@dataclass
class Kind:
    value: str = "system"


@dataclass
class Place:
    """As `net.find.TorPlace`."""

    control: str | None
    socks: str | None
    kind: Kind
    onion_target_host: str = "127.0.0.1"
    onion_ports: range | None = None


class Simulation:
    """A control port and a SOCKS port."""

    def __init__(self, folder: Path) -> None:
        self.tor = SimulatedTor()
        self.reply = 0xF6
        self._folder = folder
        self._ports: list[Any] = []

    def place(self, rules: FilterRules | None = None, ports: range | None = None) -> Place:
        socks = Factory.forProtocol(lambda: SocksServer(lambda request: self.reply))
        socks.noisy = False
        control_path, socks_path = str(self._folder / "control"), str(self._folder / "socks")
        self._ports = [
            reactor.listenUNIX(control_path, ControlServerFactory(self.tor, rules)),
            reactor.listenUNIX(socks_path, socks),
        ]
        return Place(f"unix:{control_path}", f"unix:{socks_path}", Kind(), onion_ports=ports)

    async def stop(self) -> None:
        for port in self._ports:
            await port.stopListening()


@pytest.fixture
def simulation(tmp_path: Path) -> Iterator[Simulation]:
    made = Simulation(tmp_path)
    yield made
    from twisted.internet.defer import Deferred

    pytest_twisted.blockon(Deferred.fromCoroutine(made.stop()))


def marks(findings: list[Finding]) -> dict[str, str]:
    return {each.what: each.mark for each in findings}


@pytest_twisted.ensureDeferred
async def test_a_good_tor(simulation: Simulation) -> None:
    findings, is_good = await deferToThread(place_findings, simulation.place(), ADVICE)
    assert is_good
    assert marks(findings) == {
        "Tor": "good",
        "bootstrap": "good",
        "onions": "good",
        "discovery": "good",
        "clock": "note",
        "SOCKS": "good",
    }
    assert simulation.tor.onions == {}  # what was tried is gone
    assert simulation.tor.discovery_keys == {}


@pytest.mark.parametrize(("kind", "ports"), [("whonix", range(16600, 16650)), ("tails", None)])
@pytest_twisted.ensureDeferred
async def test_behind_our_own_filter_profiles(simulation: Simulation, kind: str, ports: range | None) -> None:
    rules = FilterRules.from_text(profile_text(kind))
    findings, is_good = await deferToThread(place_findings, simulation.place(rules, ports), ADVICE)
    assert is_good
    assert marks(findings)["onions"] == "good"
    assert marks(findings)["discovery"] == "good"


@pytest.mark.parametrize(
    ("refused", "what", "mark"),
    [
        ("GETINFO onions", "onions", "bad"),
        ("ADD_ONION .*ClientAuthV3", "onions", "note"),
        ("ADD_ONION", "onions", "bad"),
        ("ONION_CLIENT_AUTH_ADD", "discovery", "bad"),
        ("AUTHENTICATE", "Tor", "bad"),
        ("GETINFO version", "Tor", "bad"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_each_refusal_comes_with_advice(simulation: Simulation, refused: str, what: str, mark: str) -> None:
    simulation.tor.refusals[refused] = "510 Command filtered"
    findings, is_good = await deferToThread(place_findings, simulation.place(), ADVICE)
    (found,) = [each for each in findings if each.what == what]
    assert (found.mark, is_good) == (mark, mark != "bad")
    assert ADVICE in found.advice


@pytest_twisted.ensureDeferred
async def test_a_tor_on_its_way(simulation: Simulation) -> None:
    simulation.tor.progress = 45
    findings, _ = await deferToThread(place_findings, simulation.place(), ADVICE)
    assert "45 %" in next(each.text for each in findings if each.what == "bootstrap")


@pytest_twisted.ensureDeferred
async def test_a_socks_port_without_extended_errors(simulation: Simulation) -> None:
    simulation.reply = 1
    findings, is_good = await deferToThread(place_findings, simulation.place(), ADVICE)
    assert is_good
    assert "ExtendedErrors" in findings[-1].advice


@pytest.mark.parametrize(("shift", "mark"), [(0, "good"), (7 * 86400, "bad"), (-7 * 86400, "bad")])
def test_the_clock_is_held_against_the_consensus(monkeypatch: pytest.MonkeyPatch, shift: float, mark: str) -> None:
    class Port:
        def command(self, line: str) -> list[str]:
            name = line.removeprefix("GETINFO consensus/")
            return [f"consensus/{name}=2026-11-2{0 if name == 'valid-after' else 1} 10:00:00", "OK"]

    monkeypatch.setattr(doctor.time, "time", lambda: 1_795_200_000.0 + shift)
    assert doctor._clock(Port()).mark == mark  # type: ignore[arg-type]


def test_a_tor_that_would_be_launched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda name, path: "/usr/bin/tor")
    assert place_findings(Place(None, None, Kind("launched")), ADVICE)[1]
    monkeypatch.setattr(doctor.shutil, "which", lambda name, path: None)
    findings, is_good = place_findings(Place(None, None, Kind("launched")), ADVICE)
    assert not is_good
    assert "install Tor" in findings[0].advice


def test_disk_and_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert marks(list(disk_findings(tmp_path / "not" / "yet")))["locks"] == "good"
    assert set(marks(list(memory_findings()))) == {"memory"}
    monkeypatch.setattr(doctor, "_FREE_BYTES", 1 << 70)
    assert marks(list(disk_findings(tmp_path)))["disk"] == "bad"

    def no_locks(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(doctor.fcntl, "flock", no_locks)
    assert marks(list(disk_findings(tmp_path)))["locks"] == "bad"


@pytest_twisted.ensureDeferred
async def test_the_command(run: Runner, composed: Any, made: Path) -> None:
    composed.permission_advice = lambda kind: ADVICE
    composed.tor_places = lambda settings: [Place("unix:/nowhere/control", None, Kind())]
    result = await run("doctor", "--json")
    assert result.code == 5
    assert {each["what"]: each["mark"] for each in result.json}["Tor"] == "bad"
    text = await run("doctor")
    assert "What to do:" in text.out
    assert f"Tor: {ADVICE}" in text.out


@pytest_twisted.ensureDeferred
async def test_a_later_place_that_works_is_enough(
    run: Runner, composed: Any, made: Path, simulation: Simulation
) -> None:
    composed.permission_advice = lambda kind: ADVICE
    good = simulation.place()
    composed.tor_places = lambda settings: [Place("unix:/nowhere/control", None, Kind()), good]
    result = await run("doctor")
    assert result.code == 0
    os.chmod(made, 0o755)
    result = await run("doctor")
    assert result.code == 1
    assert f"chmod 700 {made}" in result.out


@pytest_twisted.ensureDeferred
async def test_a_wrong_option(run: Runner, composed: Any, made: Path) -> None:
    def places(settings: object) -> Any:
        from onionchat.errors import LocalError

        raise LocalError("that is no port of Tor")

    composed.tor_places = places
    result = await run("doctor")
    assert result.code == 5
    assert "that is no port of Tor" in result.out
