"""One damaged page, any one of them: every answer is right, or says that the database is damaged and what to do."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from onionchat.crypto.vault import Cost
from onionchat.errors import OnionchatError, StoreError
from onionchat.node.profile import export_profile
from onionchat.testing.nodes import PASSPHRASE, Actor, World

PAGE_BYTES = 4096
LINES = 30


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Alice's profile, with friends and words; nobody has it open."""
    folder = tmp_path_factory.mktemp("history")
    world = World(folder)
    alice, bob = world.add("Alice"), world.add("Bob")
    world.befriend(alice, bob)
    for number in range(LINES):
        alice.send("Bob", f"marmalade {number} " + "x" * 400)
        bob.send("Alice", f"honey {number}")
    alice.do("invite.create", open=True)
    world.stop()
    return folder / "Alice"


CALLS: dict[str, dict[str, Any]] = {
    "contact.list": {},
    "request.list": {},
    "invite.list": {},
    "message.log": {"name": "Bob", "limit": 1000},
    "message.search": {"query": "marmalade"},
    "conversation.list": {},
    "status.get": {},
    "message.read": {"name": "Bob"},
    "message.send": {"name": "Bob", "text": "still there?"},
}


def outcome(actor: Actor, method: str, params: dict[str, Any]) -> str:
    """What a user sees: `ok`, or the line of an error."""
    try:
        actor.do(method, **params)
    except OnionchatError as error:
        assert "\n" not in str(error)
        return str(error)
    return "ok"


def damage(profile: Path, page: int) -> None:
    database = profile / "onionchat.db"
    raw = bytearray(database.read_bytes())
    raw[page * PAGE_BYTES + 300] ^= 1
    database.write_bytes(raw)


def visit(folder: Path, history: Path, page: int) -> tuple[set[str], list[str]]:
    """Open the profile with a bit of one page turned, ask for everything: what was answered, and what was logged."""
    shutil.copytree(history, folder / "Alice")
    damage(folder / "Alice", page)
    world = World(folder)
    answers = set()
    try:
        alice = Actor(world, "Alice", 3, lambda _: None)
    except OnionchatError as error:
        answers.add(str(error))
    else:
        world.actors.append(alice)
        answers = {outcome(alice, method, params) for method, params in CALLS.items()}
        world.pass_time(20)
    world.stop()
    return answers, world.faults


def pages_of(history: Path) -> int:
    return (history / "onionchat.db").stat().st_size // PAGE_BYTES


def require_clear(answers: set[str], logged: list[str]) -> None:
    assert all(answer == "ok" or answer.startswith("the database is damaged") for answer in answers), answers
    assert all("--salvage" in answer for answer in answers if answer != "ok")
    assert not [line for line in logged if "Traceback" in line]


@pytest.mark.slow
def test_any_page(history: Path, tmp_path: Path) -> None:
    told = 0
    for page in range(pages_of(history)):
        answers, logged = visit(tmp_path / str(page), history, page)
        require_clear(answers, logged)
        told += answers != {"ok"}
    assert told > pages_of(history) // 2, "most pages are read by something"


def test_some_pages(history: Path, tmp_path: Path) -> None:
    for page in range(0, pages_of(history), 7):
        require_clear(*visit(tmp_path / str(page), history, page))


def test_what_is_readable_comes_out_of_any_of_them(history: Path, tmp_path: Path) -> None:
    """A salvage loses what stood on the page and on nothing else, or says why nothing can be read."""
    whole = 0
    for page in range(1, pages_of(history), 5):
        folder = tmp_path / str(page)
        shutil.copytree(history, folder / "Alice")
        damage(folder / "Alice", page)
        try:
            exported = export_profile(folder / "Alice", PASSPHRASE, folder / "export", PASSPHRASE, True, Cost.TESTS)
        except StoreError as error:
            assert "damaged" in str(error)
            continue
        whole += exported.messages > LINES
        assert exported.messages <= 2 * LINES + 2
    assert whole > pages_of(history) // 5 // 2
