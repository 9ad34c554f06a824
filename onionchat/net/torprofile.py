"""The profiles for the control-port filters of Whonix and Tails, and how to install them.

The files in `profiles/` are the very text that the tests' filter obeys.
"""

from importlib.resources import files

from onionchat.errors import UsageError

KINDS = ("whonix", "tails")

_WHONIX = """\
# Whonix: on the Gateway, in a terminal
sudo mkdir -p /usr/local/etc/onion-grater-merger.d
sudoedit /usr/local/etc/onion-grater-merger.d/50_user.yml     # put the profile above in, from --- on
sudo systemctl restart onion-grater

# on the Workstation: let the Gateway reach onionchat's ports
sudo mkdir -p /usr/local/etc/whonix_firewall.d
echo 'EXTERNAL_OPEN_PORTS+=" $(seq -s " " 16600 16649) "' | sudo tee -a /usr/local/etc/whonix_firewall.d/50_user.conf
sudo whonix_firewall

# then: onionchat doctor
"""

_TAILS = """\
# Tails: start it with an administration password; again after each start (Tails forgets /etc)
onionchat tor-profile tails > ~/Persistent/onionchat.yml      # once, when Persistent Storage is on
sudo install -m 0644 ~/Persistent/onionchat.yml /etc/onion-grater.d/onionchat.yml
sudo systemctl restart onion-grater

# then: onionchat doctor
# The profile opens these commands to every Python program of the user amnesia: the filter sees the interpreter only.
"""


def profile_text(kind: str) -> str:
    """The YAML of the filter profile for `whonix` or `tails`; UsageError for anything else."""
    return files("onionchat.net").joinpath("profiles", f"onionchat-{_known(kind)}.yml").read_text("utf-8")


def instructions(kind: str) -> str:
    """How to install it, as commands to copy."""
    return _WHONIX if _known(kind) == "whonix" else _TAILS


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise UsageError("`onionchat tor-profile` knows whonix and tails")
    return kind
