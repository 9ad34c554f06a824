"""Makes docs/keys.md of the tables of keys and commands: `python -m onionchat.tui.keyspage > docs/keys.md`."""

import sys

from onionchat.tui.commands import COMMANDS
from onionchat.tui.config import CONFIG_NAME, EXAMPLE
from onionchat.tui.keys import KEYS, SECTIONS, key_shown

_HEAD = """# Keys and commands of the console

Made by `python -m onionchat.tui.keyspage` from the tables that `F1` shows; do not edit.
"""
_COMMANDS = """
## Commands

They are typed into the input; Tab completes them and their arguments. Names with blanks stand in quotes. `//` at the
start sends a message that begins with a slash. An argument in brackets may be left out; a NAME that is left out is the
conversation that is open.

| command | does |
|---|---|
"""
_CONFIG = f"""
## {CONFIG_NAME}

What `{CONFIG_NAME}` may say about the look of the console and its keys; everything may be left out. Keys go by the
names of actions in the tables above.

```toml
{EXAMPLE}```
"""


def page() -> str:
    """The page in Markdown."""
    parts = [_HEAD]
    for where, title in SECTIONS:
        parts.append(f"\n## {title}\n\n| key | does | action |\n|---|---|---|\n")
        for row in KEYS:
            if row.where == where:
                keys = ", ".join(f"`{key_shown(name)}`" for name in row.names)
                parts.append(f"| {_cell(keys)} | {_cell(row.help)} | `{row.action}` |\n")
    parts.append(_COMMANDS)
    parts += [f"| `{_cell(command.usage)}` | {_cell(command.help)} |\n" for command in COMMANDS]
    return "".join([*parts, _CONFIG])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
