"""`devices`, `link` and `join`: what they print, ask and refuse."""

import time

import pytest
import pytest_twisted

from onionchat.api import types as t
from onionchat.cli import commands_devices
from onionchat.cli.commands_devices import history_not_before_ms
from tests.api.recording import RecordingService
from tests.cli.running import Runner

WORDS = ["one", "two", "three", "four", "five", "six"]
CODE = "onionchat-link:" + "a" * 56


@pytest_twisted.ensureDeferred
async def test_devices(run: Runner, node: RecordingService) -> None:
    node.answers["device.list"] = [
        t.OwnDevice(id="d" * 52, name="desktop", this=True, online=True, state="active"),
        t.OwnDevice(id="e" * 52, name="", this=False, online=False, state="stolen"),
    ]
    found = (await run("devices", "--json")).json
    assert [{"id", "name", "this", "online", "state"} <= set(each) for each in found] == [True, True]
    assert (await run("devices")).lines == [
        f"desktop    active  this one  {'d' * 52}",
        f"(no name)  stolen  offline   {'e' * 52}",
        "(2 devices)",
    ]


def states(*found: t.LinkStatus) -> object:
    """Answers one after the other; the last one stays."""
    waiting = list(found)
    return lambda params: waiting.pop(0) if len(waiting) > 1 else waiting[0]


@pytest_twisted.ensureDeferred
async def test_link_shows_code_and_words_and_confirms(run: Runner, node: RecordingService) -> None:
    node.answers["link.start"] = t.LinkStatus(state="waiting", code=CODE, qr=["##"])
    comparing = t.LinkStatus(state="comparing", words=WORDS, device="phone", published=True)
    node.answers["link.state"] = states(comparing, t.LinkStatus(state="linked", device="phone"))
    node.answers["link.confirm"] = comparing
    done = await run("link", "--yes", "--qr")
    assert done.code == 0
    assert done.lines == [CODE, "", "##", "", "phone: one two three four five six", "linked: phone"]
    assert [call for call in node.calls if call[0] == "link.confirm"] == [("link.confirm", t.LinkConfirm(equal=True))]


@pytest_twisted.ensureDeferred
async def test_link_says_why_it_failed(run: Runner, node: RecordingService) -> None:
    node.answers["link.start"] = t.LinkStatus(state="waiting", code=CODE)
    node.answers["link.state"] = t.LinkStatus(state="failed", problem="the code has expired; make a new one")
    node.answers["link.cancel"] = t.Done()
    done = await run("link", "--yes")
    assert (done.code, done.err.splitlines()[-1]) == (1, "onionchat: the code has expired; make a new one")


@pytest_twisted.ensureDeferred
async def test_without_a_terminal_a_yes_is_needed_before_anything_begins(run: Runner, node: RecordingService) -> None:
    done = await run("link")
    assert done.code == 1 and "--yes" in done.err and not node.calls


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("code", "name", "says"),
    [
        ("onionchat-link:abc", "phone", "cut off"),
        ("onionchat:" + "a" * 56, "phone", "onionchat add"),
        (CODE, "phone", "checksum"),
        (CODE, "a\x1bb", "name"),
    ],
)
async def test_join_refuses_at_once_what_cannot_be(run: Runner, code: str, name: str, says: str) -> None:
    done = await run("join", code, "--name", name, "--yes")
    assert done.code == 1 and says in done.err and len(done.err.splitlines()) == 1
    assert not run.profile.exists()  # type: ignore[attr-defined]


@pytest_twisted.ensureDeferred
async def test_join_is_used_rightly_or_not_at_all(run: Runner) -> None:
    for wrong in (["join"], ["join", CODE], ["join", CODE, "--name", "x", "--history", "some"]):
        assert (await run(*wrong)).code == 2


def test_how_much_history() -> None:
    now = time.time()
    assert history_not_before_ms("all", now) == 0
    assert history_not_before_ms("none", now) == int(now * 1000)
    assert history_not_before_ms("1764000000000", now) == 1764000000000


def test_what_joining_came_to() -> None:
    assert commands_devices._joined("", True) == 0
    assert commands_devices._joined("waiting", True) == 0
    for outcome, is_certain in (("refused", True), ("refused", False), ("waiting", False)):
        with pytest.raises(Exception, match=r"nothing was linked|onionchat run"):
            commands_devices._joined(outcome, is_certain)


# --- untrust ----------------------------------------------------------------------------------------------
DEEDS = [t.Deed(id="f" * 52, kind="trust", time=None, text="marked “Bob” as validated", undo=True)]


@pytest_twisted.ensureDeferred
async def test_untrust_without_a_terminal_asks_nothing_and_undoes_nothing(run: Runner, node: RecordingService) -> None:
    node.answers["device.untrust"] = t.Done(notice="“phone” is out; this device moves to a new address")
    done = await run("untrust", "phone", "--stolen")
    assert done.code == 0 and "is out" in done.err
    assert node.calls == [("device.untrust", t.DeviceUntrust(device="phone", stolen=True, undo="none"))]


@pytest_twisted.ensureDeferred
async def test_untrust_lists_and_asks_on_a_terminal(
    run: Runner, node: RecordingService, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [True, True, True, False, False]
    monkeypatch.setattr(commands_devices, "can_be_asked", lambda: True)
    monkeypatch.setattr(commands_devices, "ask_yes", lambda question: answers.pop(0))
    node.answers["device.review"] = DEEDS
    for undo in ("all", "none"):
        done = await run("untrust", "phone")
        assert "marked “Bob” as validated" in done.out
        assert node.calls[-1] == ("device.untrust", t.DeviceUntrust(device="phone", undo=undo))
    refused = await run("untrust", "phone")
    assert refused.code == 1 and "nothing was done" in refused.err
    assert (await run("untrust", "phone", "--undo", "all")).code == 0, "asks nothing"
