"""The rules of the tree, read from the source with `ast`: who imports whom, sizes, names, a test file a module.

Every exception stands in a table here, with its reason.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Rooms by layer; a room imports rooms of lower layers and itself.
LAYERS = {
    **dict.fromkeys(("errors", "ids", "codec", "limits", "text"), 0),
    "crypto": 1,
    "identity": 2,
    "wire": 3,
    "log": 4,
    "kinds": 5,
    **dict.fromkeys(("store", "net"), 6),
    "node": 7,
    "api": 8,
    **dict.fromkeys(("cli", "tui", "gateways", "__main__"), 9),
    "testing": 10,
}
IO_LINE = 6  # layers below it perform no I/O

# Within a layer nobody imports siblings, apart from these pairs.
SIBLINGS = {
    ("ids", "errors"),
    ("codec", "errors"),
    ("text", "errors"),
    ("text", "limits"),
    ("__main__", "cli"),
    ("cli", "tui"),  # `onionchat` without a command opens the console
}
FRONT_ENDS = {"cli", "tui", "gateways"}
FRONT_END_IMPORTS = {"api", "errors", "ids", "limits", "text"}
# Modules that may import more than their room: the composition root, and what runs a node.
COMPOSITION = {
    "onionchat.cli.compose": {"node", "store", "net"},  # puts a node together from its parts
    "onionchat.cli.run": {"node"},  # owns the reactor of a headless node
}
LAZY_TESTING = {"cli"}  # `demo` imports onionchat.testing, inside a function, so that nothing else loads it

# What performs I/O, tells the time, throws dice or waits: not above the line.
# fmt: off
IMPURE = {
    "asyncio", "concurrent", "ctypes", "logging", "mmap", "multiprocessing", "os", "pathlib", "random", "resource",
    "secrets", "select", "selectors", "shutil", "signal", "socket", "socks", "socksio", "sqlcipher3", "sqlite3", "ssl",
    "stem", "subprocess", "tempfile", "threading", "time", "twisted", "txtorcon", "urwid", "uuid",
}
# fmt: on
IMPURE_EXCEPTIONS = {"onionchat.crypto.memory": {"ctypes", "mmap", "os", "resource"}}  # locks and wipes pages
IMPURE_CALLS = {
    "os.urandom",
    "nacl.utils.random",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.date.today",
}
CRYPTO_LIBRARIES = {"OpenSSL", "nacl", "cryptography", "noise", "mnemonic"}  # above the line: behind crypto/ only

MODULE_LINES_MAX = 600
FUNCTION_LINES_MAX = 50
FORBIDDEN_WORDS = {"Manager", "Handler", "Engine", "Helper", "Helpers", "Util", "Utils", "Impl", "Base"}

# Modules without a test file of their own, and why.
UNTESTED = {
    "onionchat.limits": "constants, used by every other test",
    "onionchat.errors": "exception classes without behaviour; their exit codes are tested in tests/cli",
}


@dataclass(frozen=True)
class Module:
    """One source file. `name` is dotted; `room` is the part after `onionchat.`, empty for the package itself."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        return [*self.name.split("."), ""][1]

    @property
    def pure(self) -> bool:
        return bool(self.room) and LAYERS.get(self.room, IO_LINE) < IO_LINE


@dataclass(frozen=True)
class Import:
    """`target` is dotted, with the imported name for `from a import b`."""

    target: str
    line: int
    lazy: bool


@cache
def modules() -> list[Module]:
    found = []
    for path in sorted((ROOT / "onionchat").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found.append(Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path))))
    return found


def imports(tree: ast.AST, lazy: bool = False) -> Iterator[Import]:
    """Every import below a node; `lazy` when it stands in a function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Import(f"{node.module}.{alias.name}", node.lineno, lazy) for alias in node.names)
        inside = lazy or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        yield from imports(node, inside)


def may_import(module: Module, target_room: str, lazy: bool) -> bool:
    """The layer rule, for one import of ours."""
    room = module.room
    if target_room in ("", room) or target_room in COMPOSITION.get(module.name, ()):
        return True
    if target_room == "testing":
        return room in LAZY_TESTING and lazy
    if (room, target_room) in SIBLINGS:
        return True
    if room in FRONT_ENDS and target_room not in FRONT_END_IMPORTS:
        return False
    return LAYERS[target_room] < LAYERS[room]


def layer_faults(module: Module) -> list[str]:
    faults = []
    for found in imports(module.tree):
        parts = found.target.split(".")
        if parts[0] != "onionchat":
            continue
        room = parts[1] if len(parts) > 1 and parts[1] in LAYERS else ""
        if module.room == "" and room:
            faults.append(f"line {found.line}: the package itself imports {room}")
        elif not may_import(module, room, found.lazy):
            faults.append(f"line {found.line}: {module.room} imports {found.target}")
    return faults


def purity_faults(module: Module) -> list[str]:
    """Imports and calls that layers 0-5 may not have."""
    allowed = IMPURE_EXCEPTIONS.get(module.name, set())
    barred = IMPURE - allowed | (CRYPTO_LIBRARIES if module.room != "crypto" else set())
    faults = [
        f"line {found.line}: imports {found.target}"
        for found in imports(module.tree)
        if found.target.split(".")[0] in barred or found.target in IMPURE_CALLS
    ]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in IMPURE_CALLS:
            faults.append(f"line {node.lineno}: uses {ast.unparse(node)}")
        elif isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)):
            faults.append(f"line {node.lineno}: is asynchronous")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("open", "print", "input", "__import__"):
            faults.append(f"line {node.lineno}: calls {ast.unparse(node.func)}")
    return faults


def size_faults(module: Module) -> list[str]:
    lines = len(module.path.read_text(encoding="utf-8").splitlines())
    faults = [f"{lines} lines, at most {MODULE_LINES_MAX}"] if lines > MODULE_LINES_MAX else []
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                faults.append(f"line {node.lineno}: {node.name} has {length} lines, at most {FUNCTION_LINES_MAX}")
    return faults


def name_faults(module: Module) -> list[str]:
    names = [part.title() for part in module.name.split(".")[-1].split("_")]
    names += [node.name for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    return [name for name in names if FORBIDDEN_WORDS & set(re.findall(r"[A-Z][a-z0-9]*", name))]


def mirror_of(module: Module) -> Path:
    """onionchat/a/b.py is tested in tests/a/test_b.py."""
    *folders, last = module.name.split(".")[1:]
    return ROOT.joinpath("tests", *folders, f"test_{last}.py")


def parse(name: str, source: str) -> Module:
    return Module(name, Path("made-up.py"), ast.parse(source))


every_module = pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)


@every_module
def test_every_room_has_a_layer(module: Module) -> None:
    assert module.room == "" or module.room in LAYERS, f"give {module.room} a layer in this file"


@every_module
def test_imports_go_to_lower_layers(module: Module) -> None:
    assert layer_faults(module) == []


@pytest.mark.parametrize("module", [m for m in modules() if m.pure], ids=lambda module: module.name)
def test_no_io_time_or_chance_above_the_line(module: Module) -> None:
    assert purity_faults(module) == []


@every_module
def test_sizes(module: Module) -> None:
    assert size_faults(module) == []


@every_module
def test_names_say_something(module: Module) -> None:
    assert name_faults(module) == []


@every_module
def test_every_module_has_a_docstring_and_a_test_file(module: Module) -> None:
    assert ast.get_docstring(module.tree), "open with what this module, or package, is"
    if module.path.name in ("__init__.py", "__main__.py") or module.name in UNTESTED:
        return
    assert mirror_of(module).is_file(), f"{mirror_of(module).relative_to(ROOT)} is missing"


def test_exceptions_name_modules_that_exist() -> None:
    """An exception for a module that is gone would wait for the next one of that name."""
    known = {module.name for module in modules()}
    rooms = {name.split(".")[1] for name in known if "." in name}
    listed = {*COMPOSITION, *IMPURE_EXCEPTIONS, *UNTESTED}
    assert {name for name in listed if name.split(".")[1] in rooms} <= known


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("onionchat.crypto.keys", "from onionchat.identity.device import Device"),
        ("onionchat.crypto.keys", "from onionchat import wire"),
        ("onionchat.ids", "import onionchat.codec"),
        ("onionchat.store.db", "from onionchat.net.peer import Peer"),
        ("onionchat.tui.app", "from onionchat.store.db import Database"),
        ("onionchat.tui.app", "from onionchat.cli.main import main"),
        ("onionchat.cli.main", "from onionchat.testing import TorNetwork"),
        ("onionchat.node.node", "def f():\n    from onionchat.testing import TorNetwork"),
        ("onionchat", "from onionchat.errors import LocalError"),
    ],
)
def test_the_layer_rule_sees(name: str, source: str) -> None:
    assert layer_faults(parse(name, source))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("onionchat.wire.frame", "from onionchat.crypto.keys import sign\nfrom onionchat.wire.records import R"),
        ("onionchat.cli.compose", "from onionchat.store.db import Database"),
        ("onionchat.cli.demo", "def run():\n    from onionchat.testing import TorNetwork"),
        ("onionchat.testing.network", "from onionchat.net.tor import Tor"),
    ],
)
def test_the_layer_rule_allows(name: str, source: str) -> None:
    assert layer_faults(parse(name, source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from os import urandom",
        "import nacl.utils\nnacl.utils.random(4)",
        "from nacl.utils import random",
        "from datetime import datetime\ndatetime.now()",
        "def f():\n    import socket",
        "async def f(): ...",
        "print(1)",
    ],
)
def test_the_purity_rule_sees(source: str) -> None:
    assert purity_faults(parse("onionchat.crypto.keys", source))


def test_a_library_of_cryptography_is_for_crypto_alone() -> None:
    assert purity_faults(parse("onionchat.log.entry", "import nacl.signing"))
    assert purity_faults(parse("onionchat.crypto.keys", "import nacl.signing")) == []
