"""The stand-in for onion-grater reads our profiles and decides as the real one does."""

import pytest

from onionchat.errors import LocalError
from onionchat.net.torprofile import profile_text
from onionchat.testing.controlfilter import FilterRules, read_profile

PROFILE = """\
# a comment
---
- name: small
  users:
    - 'it''s me'
  commands:
    GETINFO:
      - 'version'
      - pattern: 'a(.)c'
        replacement: 'x{}z {client-address}'
        response:
        - pattern: '250-(.*)=.*'
          replacement: '250-{}=hidden'
    EMPTY:
  events:
    A:
    B:
      suppress: true
    C:
      response:
        - pattern: '650 C (\\S+) .*'
          replacement: '650 C {}'
        - pattern: '.*'
          replacement: ''
"""


@pytest.fixture
def rules():
    return FilterRules.from_text(PROFILE, "10.0.0.2")


def test_the_subset_of_yaml_is_read():
    profile = read_profile(PROFILE)
    assert profile["users"] == ["it's me"]
    assert profile["commands"]["GETINFO"][0] == "version"
    assert profile["commands"]["GETINFO"][1]["response"][0]["replacement"] == "250-{}=hidden"
    assert profile["commands"]["EMPTY"] is None
    assert profile["events"]["B"] == {"suppress": True}


@pytest.mark.parametrize("kind", ["whonix", "tails"])
def test_the_shipped_profiles_are_read_whole(kind):
    profile = read_profile(profile_text(kind))
    assert set(profile["commands"]) == {
        "GETINFO", "ADD_ONION", "DEL_ONION", "ONION_CLIENT_AUTH_ADD", "ONION_CLIENT_AUTH_REMOVE", "HSFETCH"
    }  # fmt: skip
    assert set(profile["events"]) == {"STATUS_CLIENT", "HS_DESC"}


@pytest.mark.parametrize("text", ["- a: b\n- c: d\n", "a: b\n", "- a: b\n   ?\n"])
def test_anything_else_is_an_error(text):
    with pytest.raises(LocalError):
        read_profile(text)


def test_a_rule_matches_all_of_the_arguments(rules):
    assert rules.command("GETINFO version").line == "GETINFO version"
    assert rules.command("getinfo version") is not None
    for line in ("GETINFO version x", "GETINFO xversion", "GETINFO", "EMPTY", "OTHER version"):
        assert rules.command(line) is None


def test_commands_and_answers_are_rewritten(rules):
    passed = rules.command("GETINFO abc")
    assert passed.line == "GETINFO xbz 10.0.0.2"
    assert rules.answer(passed.rule, ["250-key=value", "250 OK"]) == ["250-key=hidden", "250 OK"]


def test_events_are_allowed_all_or_none_and_rewritten(rules):
    assert rules.may_listen(["A", "b"])
    assert not rules.may_listen(["A", "D"])
    assert rules.heard(["A", "B"]) == ["A"]
    assert rules.event("650 A anything") == "650 A anything"
    assert rules.event("650 C who secret") == "650 C who"
    assert rules.event("650 C who") == ""
