"""Tor options: from the command line, else from `config.toml` in the profile's folder, which only the user writes."""

import argparse
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onionchat.errors import LocalError, UsageError

CONFIG_NAME = "config.toml"
_MODES = ("auto", "system", "launch")
_TYPES: dict[str, type] = {"tor": str, "control": str, "socks": str, "tor-option": list, "onion-port": int}


@dataclass(frozen=True)
class Settings:
    """What the user wants of Tor. None: not said."""

    tor: str = "auto"
    control: str | None = None
    socks: str | None = None
    tor_options: tuple[str, ...] = ()
    onion_port: int | None = None
    allow_unrestricted: bool = False


def load_settings(profile: Path, options: argparse.Namespace) -> Settings:
    """The settings for this run. LocalError when the file is wrong, UsageError when an option is."""
    config = read_config(profile / CONFIG_NAME)
    port = options.onion_port if options.onion_port is not None else config.get("onion-port")
    if port is not None and not 0 < port < 65536:
        raise UsageError("--onion-port is a number from 1 to 65535")
    return Settings(
        tor=options.tor or config.get("tor", "auto"),
        control=options.control or config.get("control"),
        socks=options.socks or config.get("socks"),
        tor_options=tuple(options.tor_option or config.get("tor-option", ())),
        onion_port=port,
        allow_unrestricted=bool(options.allow_unrestricted),
    )


def read_config(path: Path) -> dict[str, Any]:
    """The values in `config.toml`, checked; empty when there is no such file."""
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise LocalError(f"{path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalError(f"{path} is not TOML: {error}") from None
    return {key: _checked(path, key, value) for key, value in found.items()}


def _checked(path: Path, key: str, value: Any) -> Any:
    wanted = _TYPES.get(key)
    if wanted is None:
        raise LocalError(f"{path}: unknown key “{key}”; there are {', '.join(_TYPES)}")
    is_good = isinstance(value, wanted) and not isinstance(value, bool)
    if wanted is list:
        is_good = is_good and all(isinstance(line, str) for line in value)
    if not is_good:
        kinds = {str: "a text", int: "a number", list: "a list of texts"}
        raise LocalError(f"{path}: “{key}” must be {kinds[wanted]}")
    if key == "tor" and value not in _MODES:
        raise LocalError(f"{path}: “tor” must be one of {', '.join(_MODES)}")
    return value
