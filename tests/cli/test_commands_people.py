"""Commands about people: which method each calls, and what it prints."""

from typing import Any

import pytest
import pytest_twisted

from onionchat.api import types as t
from onionchat.errors import LocalError
from tests.api.recording import RecordingService
from tests.cli.running import Runner

LINK = "onionchat:" + "a" * 56
CONTACT = t.Contact(
    id="c" * 52,
    name="Bob",
    trust="unvalidated",
    online=True,
    devices=[t.Device(id="d" * 52, online=True, last_seen=None), t.Device(id="e" * 52, online=False, last_seen=10**12)],
    former=["f" * 52],
    unread=3,
)
REQUEST = t.ContactRequest(
    id="r" * 52, name="Eve", greeting="hello\nthere", words=["one", "two"], time=10**12, direction="incoming"
)
INVITATION = t.Invitation(link=LINK, kind="once", expires=10**12, state="published")
WORDS = t.Words(mine=[f"m{n}" for n in range(12)], theirs=[f"t{n}" for n in range(12)], devices=2, roster="abcdefghij")


@pytest.mark.parametrize(
    ("arguments", "method", "params"),
    [
        (["invite"], "invite.create", t.InviteCreate()),
        (["invite", "--open", "--expires", "2w"], "invite.create", t.InviteCreate(open=True, expires_seconds=1209600)),
        (["invite", "--accept-as", "Bob"], "invite.create", t.InviteCreate(accept_as="Bob")),
        (["invitations"], "invite.list", t.Nothing()),
        (["uninvite", LINK], "invite.close", t.LinkOnly(link=LINK)),
        (["add", LINK], "contact.add", t.ContactAdd(link=LINK)),
        (
            ["add", LINK, "--name", "Bob", "-m", "It is me"],
            "contact.add",
            t.ContactAdd(link=LINK, name="Bob", greeting="It is me"),
        ),
        (["requests"], "request.list", t.Nothing()),
        (["accept", "rrrrrr"], "request.accept", t.RequestAccept(id="rrrrrr")),
        (["accept", "rrrrrr", "--name", "Eva"], "request.accept", t.RequestAccept(id="rrrrrr", name="Eva")),
        (["ignore", "rrrrrr"], "request.ignore", t.IdOnly(id="rrrrrr")),
        (["block", "rrrrrr"], "contact.block", t.IdOnly(id="rrrrrr")),
        (["unblock", "Bob"], "contact.unblock", t.IdOnly(id="Bob")),
        (["contacts"], "contact.list", t.Nothing()),
        (["contact", "Bob"], "contact.get", t.ContactName(name="Bob")),
        (["contact", "Bob", "validated"], "contact.trust", t.ContactTrust(name="Bob", trust="validated")),
        (["contact", "Bob", "unvalidated"], "contact.trust", t.ContactTrust(name="Bob", trust="unvalidated")),
        (["contact", "Bob", "compromised"], "contact.trust", t.ContactTrust(name="Bob", trust="compromised")),
        (["contact", "Bob", "rename", "Robert"], "contact.rename", t.ContactRename(name="Bob", new="Robert")),
        (["contact", "Bob", "remove"], "contact.remove", t.ContactRemove(name="Bob")),
        (["words", "Bob"], "contact.words", t.ContactName(name="Bob")),
        (["introduce", "Carol", "Bob"], "contact.introduce", t.Introduce(name="Carol", to="Bob")),
        (["quota", "Bob", "2G"], "contact.quota", t.ContactQuota(name="Bob", size_bytes=2 * 1024**3)),
    ],
)
@pytest_twisted.ensureDeferred
async def test_each_command_calls_its_method(
    node: RecordingService, run: Runner, arguments: list[str], method: str, params: t.Params
) -> None:
    answer(node)
    result = await run(*arguments)
    assert (result.code, result.err) == (0, "")
    assert node.calls == [(method, params)]


def answer(node: RecordingService) -> None:
    node.answers |= {
        "invite.create": INVITATION,
        "invite.list": [INVITATION],
        "contact.add": t.Added(id="q" * 52),
        "request.list": [REQUEST],
        "request.accept": CONTACT,
        "contact.list": [CONTACT],
        "contact.get": CONTACT,
        "contact.words": WORDS,
    }


@pytest_twisted.ensureDeferred
async def test_the_link_is_the_first_line(node: RecordingService, run: Runner) -> None:
    node.answers["invite.create"] = INVITATION
    node.answers["invite.qr"] = t.Invitation(link=LINK, kind="once", expires=None, state="published", qr=["██", "▄▄"])
    assert (await run("invite")).lines == [LINK]
    assert (await run("invite", "--qr")).lines == [LINK, "  ", "  ██", "  ▄▄", "  "]
    assert node.methods == ["invite.create", "invite.create", "invite.qr"]


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["invitations", "--json"], {"link", "kind", "expires", "state"}),
        (["requests", "--json"], {"id", "name", "greeting", "words", "time", "direction"}),
        (["contacts", "--json"], {"id", "name", "trust", "online", "devices", "former", "unread"}),
    ],
)
@pytest_twisted.ensureDeferred
async def test_lists_have_the_keys_of_the_contract(
    node: RecordingService, run: Runner, arguments: list[str], keys: set[str]
) -> None:
    answer(node)
    result = await run(*arguments)
    assert len(result.lines) == 1
    (found,) = result.json
    assert keys <= set(found)


@pytest_twisted.ensureDeferred
async def test_devices_of_a_contact_have_the_keys_of_the_contract(node: RecordingService, run: Runner) -> None:
    answer(node)
    (found,) = (await run("contacts", "--json")).json
    assert found["devices"][1] == {"id": "e" * 52, "online": False, "last_seen": 10**12}


@pytest_twisted.ensureDeferred
async def test_words_have_the_keys_of_the_contract(node: RecordingService, run: Runner) -> None:
    answer(node)
    found = (await run("words", "Bob", "--json")).json
    assert (found["mine"], found["theirs"], found["devices"]) == (WORDS.mine, WORDS.theirs, 2)


@pytest_twisted.ensureDeferred
async def test_words_stand_below_each_other(node: RecordingService, run: Runner) -> None:
    answer(node)
    lines = (await run("words", "Bob")).lines
    assert lines[1:7] == [
        "you  m0  m1  m2   m3",
        "     m4  m5  m6   m7",
        "     m8  m9  m10  m11",
        "Bob  t0  t1  t2   t3",
        "     t4  t5  t6   t7",
        "     t8  t9  t10  t11",
    ]


@pytest_twisted.ensureDeferred
async def test_contacts_for_people(node: RecordingService, run: Runner) -> None:
    answer(node)
    assert (await run("contacts")).lines == ["Bob  unvalidated  online (1 of 2)  3 unread"]
    node.answers["contact.list"] = []
    assert "onionchat invite" in (await run("contacts")).out


@pytest_twisted.ensureDeferred
async def test_a_request_shows_name_greeting_and_words(node: RecordingService, run: Runner) -> None:
    answer(node)
    lines = (await run("requests")).lines
    assert lines[0].startswith("rrrrrrrrrrrr  from Eve")
    assert lines[1:] == ["    hello", "    there", "    words: one two"]


@pytest_twisted.ensureDeferred
async def test_hostile_text_is_made_safe_once_more(node: RecordingService, run: Runner) -> None:
    node.answers["request.list"] = [
        t.ContactRequest(id="r", name="a\x1b[2Jb\u202ec", greeting="\x07\x9b", words=[], time=1, direction="incoming")
    ]
    out = (await run("requests")).out
    assert not {"\x1b", "\u202e", "\x07", "\x9b"} & set(out)


@pytest_twisted.ensureDeferred
async def test_a_notice_goes_to_stderr(node: RecordingService, run: Runner) -> None:
    node.answers["contact.trust"] = t.Done(notice="compare again")
    result = await run("contact", "Bob", "validated")
    assert (result.code, result.out, result.err) == (0, "", "onionchat: compare again\n")


@pytest_twisted.ensureDeferred
async def test_a_clash_of_names_is_refused(node: RecordingService, run: Runner) -> None:
    node.answers["contact.rename"] = LocalError("there is a “Bob” already; choose another name")
    result = await run("contact", "Robert", "rename", "Bob")
    assert (result.code, result.out) == (1, "")
    assert result.err == "onionchat: there is a “Bob” already; choose another name\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["contact", "Bob", "rename"],
        ["contact", "Bob", "validated", "extra"],
        ["contact", "Bob", "befriended"],
        ["invite", "--open", "--accept-as", "Bob"],
        ["invite", "--expires", "soon"],
        ["quota", "Bob", "much"],
        ["accept"],
    ],
)
@pytest_twisted.ensureDeferred
async def test_wrong_usage(node: RecordingService, run: Runner, arguments: list[str]) -> None:
    result = await run(*arguments)
    assert (result.code, result.out, node.calls) == (2, "", [])
    assert result.err.startswith("onionchat: ")
    assert result.err.count("\n") == 1


@pytest_twisted.ensureDeferred
async def test_json_of_what_was_made(node: RecordingService, run: Runner) -> None:
    answer(node)
    found: dict[str, Any] = (await run("invite", "--json")).json
    assert found["link"] == LINK
    assert (await run("add", LINK, "--json")).json["id"] == "q" * 52
    assert (await run("accept", "rrrrrr", "--json")).json["name"] == "Bob"
    assert (await run("contact", "Bob", "--json")).json["trust"] == "unvalidated"
