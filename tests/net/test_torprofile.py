"""The shipped profiles allow what we say, and nothing much else."""

import base64

import pytest

from onionchat.errors import UsageError
from onionchat.limits import CONTROL_LINE_MAX_BYTES, DISCOVERY_KEYS
from onionchat.net.torprofile import instructions, profile_text
from onionchat.testing.controlfilter import FilterRules

KEY = base64.b64encode(bytes(64)).decode()
ADDRESS = "a" * 56
TARGET = {"whonix": "16600", "tails": "127.0.0.1:16600"}
KINDS = ("whonix", "tails")


def rules(kind):
    return FilterRules.from_text(profile_text(kind), "10.152.152.11")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "flags",
    [
        "",
        " Flags=V3Auth",
        " PoWDefensesEnabled=1",
        " Flags=V3Auth PoWDefensesEnabled=1",
        " PoWDefensesEnabled=1 MaxStreams=4",
    ],
)
def test_every_form_of_our_onions_passes(kind, flags):
    clients = f" ClientAuthV3={'A' * 52}" * (DISCOVERY_KEYS if "V3Auth" in flags else 0)
    line = f"ADD_ONION ED25519-V3:{KEY}{flags} Port=16600,127.0.0.1:16600{clients}"
    passed = rules(kind).command(line)
    assert len(line) < CONTROL_LINE_MAX_BYTES
    assert passed is not None
    if kind == "whonix":
        assert passed.line == line.replace("127.0.0.1:", "10.152.152.11:")
    else:
        assert passed.line == line


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "line",
    [
        "GETINFO version", "GETINFO onions/current", "GETINFO status/bootstrap-phase",
        "GETINFO status/circuit-established", f"DEL_ONION {ADDRESS}", f"ONION_CLIENT_AUTH_REMOVE {ADDRESS}",
        f"HSFETCH {ADDRESS}",
        f"ONION_CLIENT_AUTH_ADD {ADDRESS} x25519:{base64.b64encode(bytes(32)).decode()}",
    ],
)  # fmt: skip
def test_every_other_command_of_ours_passes_unchanged(kind, line):
    passed = rules(kind).command(line)
    assert passed is not None
    assert passed.line == line


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "line",
    [
        "GETINFO address", "GETINFO version onions/current", "GETINFO circuit-status", "SETCONF SocksPort=1",
        "GETCONF SocksPort", "SIGNAL SHUTDOWN", "ADD_ONION NEW:BEST Port=80", "DEL_ONION " + "a" * 57,
        f"ADD_ONION ED25519-V3:{KEY} Port=80,8.8.8.8:80",
        f"ADD_ONION ED25519-V3:{KEY} Flags=Detach Port=80,127.0.0.1:16600",
        f"ADD_ONION ED25519-V3:{KEY} Port=80,unix:/run/x", "EXTENDCIRCUIT 0", "TAKEOWNERSHIP",
    ],
)  # fmt: skip
def test_what_we_never_say_is_refused(kind, line):
    assert rules(kind).command(line) is None


@pytest.mark.parametrize("kind", KINDS)
def test_both_events_may_be_heard(kind):
    assert rules(kind).may_listen(["HS_DESC", "STATUS_CLIENT"])
    assert not rules(kind).may_listen(["HS_DESC", "CIRC"])


def test_whonix_hides_the_directories_and_the_gateways_start():
    whonix = rules("whonix")
    line = f"650 HS_DESC UPLOADED {ADDRESS} UNKNOWN $ABCD~relay"
    assert whonix.event(line) == f"650 HS_DESC UPLOADED {ADDRESS} UNKNOWN redacted"
    assert whonix.event(f"650 HS_DESC FAILED {ADDRESS} NO_AUTH x") == ""
    passed = whonix.command("GETINFO status/bootstrap-phase")
    assert passed is not None
    assert "PROGRESS=100" in whonix.answer(passed.rule, ["250-status/bootstrap-phase=WARN secret"])[0]


def test_the_instructions_name_what_is_to_be_done():
    assert "onion-grater" in instructions("whonix")
    assert "EXTERNAL_OPEN_PORTS" in instructions("whonix")
    assert "/etc/onion-grater.d/" in instructions("tails")


def test_only_these_two_are_known():
    for function in (profile_text, instructions):
        with pytest.raises(UsageError):
            function("../../etc/passwd")
