"""`recover`: which devices are named or asked about, where the words come from, and what is said afterwards."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from onionchat.cli import commands_recovery, compose
from onionchat.crypto.vault import Cost
from onionchat.crypto.words import recovery_words
from onionchat.errors import LocalError
from onionchat.node import recovering
from onionchat.node.profile import create_profile, export_profile, import_profile
from tests.cli.running import Runner

WORDS = " ".join(recovery_words(bytes(range(32))))


@dataclass
class Device:
    id: str
    label: str
    state: str = "active"
    linked_by: str = ""

    @property
    def short_id(self) -> str:
        return self.id


@dataclass
class Done:
    is_new_device: bool = False
    is_admitted: bool = True
    removed: list[str] = field(default_factory=list)
    fell: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    contacts: int = 0


class FakeRecovery:
    """The account of a laptop, a phone, and a tablet that is out."""

    is_new_device = False
    is_disputed = False

    def __init__(self) -> None:
        self.devices = [Device("l", "laptop"), Device("p", "phone", "active", "laptop")]
        self.devices.append(Device("t", "tablet", "removed"))
        self.done = Done()
        self.carried: list[tuple[dict[str, str], set[str]]] = []
        self.opened: list[tuple[Path, str, str]] = []
        self.closed = 0

    def open(self, directory: Path, passphrase: str, words: str) -> "FakeRecovery":
        self.opened.append((directory, passphrase, words))
        return self

    def find(self, name: str) -> Device:
        for device in self.devices:
            if name == device.label:
                return device
        raise LocalError("that is not one other device of this account")

    def carry_out(self, removals: dict[str, str], keep: set[str]) -> Done:
        self.carried.append((removals, keep))
        return self.done

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def recovery(composed: Any, made: Path) -> FakeRecovery:
    fake = FakeRecovery()
    composed.open_recovery = fake.open
    return fake


@pytest.fixture
def words(tmp_path: Path) -> str:
    file = tmp_path / "words"
    file.write_text(WORDS + "\n")
    return str(file)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Somebody at the terminal: what is answered to a question that begins so."""
    said: dict[str, bool] = {}

    def ask(question: str) -> bool:
        return next(yes for begin, yes in said.items() if question.strip().startswith(begin))

    monkeypatch.setattr(commands_recovery, "can_be_asked", lambda: True)
    monkeypatch.setattr(commands_recovery, "ask_yes", ask)
    monkeypatch.setattr(commands_recovery, "confirm", lambda question, is_sure: None)
    return said


@pytest_twisted.ensureDeferred
async def test_a_script_names_whom_it_removes(
    run: Runner, recovery: FakeRecovery, profile: Path, secret: str, words: str
) -> None:
    base = ["--passphrase-file", secret, "recover", "--words-file", words, "--yes"]
    assert (await run(*base)).code == 0
    assert (await run(*base, "--remove", "phone", "--stolen", "--keep", "tablet")).code == 0
    assert (await run(*base, "--remove", "all", "--keep", "laptop")).code == 0
    assert recovery.opened[0] == (profile, "correct horse", WORDS)
    assert recovery.carried == [({}, set()), ({"p": "stolen"}, {"t"}), ({"p": "retired"}, {"l"})]
    assert recovery.closed == 3


@pytest_twisted.ensureDeferred
async def test_the_user_is_asked_of_each_device(
    run: Runner, recovery: FakeRecovery, secret: str, words: str, answers: dict[str, bool]
) -> None:
    answers |= {"laptop": True, "phone": False, "Can somebody": True, "tablet": True}
    assert (await run("--passphrase-file", secret, "recover", "--words-file", words)).code == 0
    answers["Can somebody"] = False
    answers["tablet"] = False
    assert (await run("--passphrase-file", secret, "recover", "--words-file", words)).code == 0
    assert recovery.carried == [({"p": "stolen"}, {"l", "t"}), ({"p": "retired"}, {"l"})]


@pytest_twisted.ensureDeferred
async def test_in_a_quarrel_those_that_are_out_are_asked_about_too(
    run: Runner, recovery: FakeRecovery, secret: str, words: str, answers: dict[str, bool]
) -> None:
    recovery.is_disputed = True
    answers |= {"laptop": True, "phone": True, "tablet": False, "Can somebody": True}
    assert (await run("--passphrase-file", secret, "recover", "--words-file", words)).code == 0
    answers["Can somebody"] = False
    assert (await run("--passphrase-file", secret, "recover", "--words-file", words)).code == 0
    assert recovery.carried == [({"t": "stolen"}, {"l", "p"}), ({}, {"l", "p"})]


@pytest_twisted.ensureDeferred
async def test_without_a_yes_nothing_is_done(run: Runner, recovery: FakeRecovery, secret: str, words: str) -> None:
    result = await run("--passphrase-file", secret, "recover", "--words-file", words)
    assert (result.code, recovery.carried, recovery.closed) == (1, [], 1)
    assert "give --yes" in result.err


@pytest_twisted.ensureDeferred
async def test_what_has_changed_is_said(run: Runner, recovery: FakeRecovery, secret: str, words: str) -> None:
    recovery.is_new_device = True
    recovery.done = Done(True, True, ["phone"], ["watch"], ["tablet"], 2)
    result = await run("--passphrase-file", secret, "recover", "--words-file", words, "--yes")
    assert "a new device of your account" in result.out and "removed: phone" in result.out
    assert "had linked it (link it anew if it is yours): watch" in result.out and "in again: tablet" in result.out
    assert "2 contacts to be met once more" in result.out and "compare words" in result.err
    assert "linked by laptop" in result.out and WORDS.split()[0] not in result.out + result.err


@pytest_twisted.ensureDeferred
async def test_words_come_from_a_file_a_descriptor_or_the_terminal(
    run: Runner, recovery: FakeRecovery, secret: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.write(writing, WORDS.encode())
    os.close(writing)
    assert (await run("--passphrase-file", secret, "recover", "--words-fd", str(reading), "--yes")).code == 0
    assert recovery.opened[-1][2] == WORDS
    result = await run("--passphrase-file", secret, "recover", "--yes")
    assert result.code == 2 and "--words-file" in result.err
    result = await run("--passphrase-file", secret, "recover", "--words-fd", "0", "--words-file", words, "--yes")
    assert result.code == 2
    result = await run("--passphrase-file", secret, "recover", "--words-file", words + ".not", "--yes")
    assert result.code == 1 and "the file of the words cannot be read" in result.err
    result = await run("--passphrase-file", secret, "recover", "--words-file", words, "--stolen", "--yes")
    assert result.code == 2 and "--remove" in result.err


@pytest_twisted.ensureDeferred
async def test_the_profile_must_be_there_and_free(
    run: Runner, composed: Any, node: Any, profile: Path, secret: str, words: str
) -> None:
    result = await run("--passphrase-file", secret, "recover", "--words-file", words, "--yes")
    assert result.code == 1 and "The words alone do not say" in result.err
    (profile / "made").write_text("correct horse")
    result = await run("--passphrase-file", secret, "recover", "--words-file", words, "--yes")
    assert result.code == 1 and "onionchat stop" in result.err


@pytest_twisted.ensureDeferred
async def test_an_export_becomes_a_device_on_a_real_store(
    run: Runner, tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made() -> str:
        found = create_profile(tmp_path / "old", "alice", "correct horse", "keep", Cost.TESTS)
        export_profile(tmp_path / "old", "correct horse", tmp_path / "export", "x", cost=Cost.TESTS)
        import_profile(run.profile, tmp_path / "export", "x", None, "correct horse", Cost.TESTS)
        return " ".join(found)

    file = tmp_path / "words"
    file.write_text(await deferToThread(made))
    cheap = lambda *arguments: recovering.Recovery(*arguments, Cost.TESTS)  # noqa: E731
    monkeypatch.setattr(compose, "open_recovery", cheap)
    base = ["--passphrase-file", secret]
    result = await run(*base, "recover", "--words-file", str(file), "--remove", "device 1", "--yes")
    assert result.code == 0
    assert result.lines[1:] == ["this profile is a new device of your account now", "removed: device 1"]
    listed = (await run(*base, "devices", "--json")).json
    assert sorted((device["state"], device["this"]) for device in listed) == [("active", True), ("removed", False)]
    other = tmp_path / "other"
    other.write_text(WORDS)
    result = await run(*base, "recover", "--words-file", str(other), "--yes")
    assert result.code == 1 and "words of another account" in result.err and len(result.err.splitlines()) == 1
