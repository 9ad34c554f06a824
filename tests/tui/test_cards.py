"""Links in messages, and adding whom a card introduces."""

from onionchat.api import types as t
from onionchat.testing.fakeservice import FakeService
from onionchat.tui.cards import introduced_name, link_in

LINK = "onionchat:" + "abcdefg2" * 7


def card(text, kind="card"):
    return t.Message(id="x", time=1, sender="Bob", kind=kind, text=text, state="received", delivered_to=[], cursor=1)


def test_links_are_found_and_nothing_else():
    assert link_in(f"look: {LINK}, it is Erin") == LINK
    assert link_in(f"look: {LINK.upper()}.") == LINK.upper()
    for text in ("", "onionchat:abc", LINK + "a", "https://example.org", LINK.replace("2", "1")):
        assert link_in(text) is None


def test_only_a_card_says_a_name():
    assert introduced_name(card(f"introduces Erin B.: {LINK}")) == "Erin B."
    assert introduced_name(card(f"introduces Erin: {LINK}", "text")) == ""
    assert "\x1b" not in introduced_name(card(f"introduces E\x1b[2Jrin: {LINK}"))
    assert introduced_name(card("something else")) == ""


def test_a_card_is_added_with_two_keys(open_console):
    service = FakeService()
    service.receive("Bob", f"introduces Erin: {LINK}", kind="card")
    trial = open_console(service=service).press("meta >", "up", "a")
    assert "Name here: Erin" in trial.text
    trial.press("enter")
    (asked,) = trial.asked("contact.add")
    assert (asked.link, asked.name) == (LINK, "Erin")
    assert "request goes out" in trial.text


def test_a_message_without_a_link_says_so(open_console):
    trial = open_console().press("meta >", "up", "a")
    assert "no onionchat: link" in trial.text


def test_a_link_without_a_name_asks_for_one(open_console):
    service = FakeService()
    service.receive("Bob", f"try {LINK}")
    trial = open_console(service=service).press("meta >", "up", "a", "enter")
    assert trial.asked("contact.add") == []
    trial.type("Zoe").press("enter")
    assert trial.asked("contact.add")[0].name == "Zoe"
