"""The pages are true where a program can tell: links, generated pages, commands, records, kinds, limits, tests."""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from onionchat import limits
from onionchat.cli.parser import parse
from onionchat.cli.table import BY_NAME
from onionchat.codec import encode
from onionchat.kinds import chat
from onionchat.kinds.fold import KINDS, Place
from onionchat.wire.records import AnyRecord

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "newsfragments").glob("*.md")]
    if path.name != "CLAUDE.md"
)
SPEC = (DOCS / "spec" / "README.md").read_text("utf-8")
SELF = (DOCS / "spec" / "self.md").read_text("utf-8")
EVIDENCE = (DOCS / "security-evidence.md").read_text("utf-8")
COMMAND_PAGES = [ROOT / "README.md", DOCS / "manual.md", DOCS / "install.md", DOCS / "tails.md", DOCS / "whonix.md"]

# Words in capitals that are no limits: Tor's commands, variables, pragmas of other programs.
NO_LIMITS = re.compile(
    r"ONION_CLIENT_AUTH_\w+|(ADD|DEL)_ONION|HS_DESC|STATUS_CLIENT|ONIONCHAT_\w+|XDG_\w+|NO_COLOR|TOR_CONTROL_\w+"
    r"|TLS_\w+|OP_NO_TICKET|MODE_RELEASE_BUFFERS|MCL_FUTURE|EXTERNAL_OPEN_PORTS"
)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


# --- links ------------------------------------------------------------------------------------------------
def without_code(text: str) -> str:
    """A page without its blocks and pieces of code."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"(?ms)^```.*?^```", "", text))


def slug(heading: str) -> str:
    """The anchor that a heading gets on the usual sites."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def link_faults(page: Path, text: str) -> list[str]:
    """Relative links of a page that lead nowhere."""
    faults = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = page if not name else (page.parent / name)
        if not file.exists():
            faults.append(f"{target}: there is no such file")
        elif anchor and anchor not in {slug(h) for h in re.findall(r"(?m)^#+ (.*)$", file.read_text("utf-8"))}:
            faults.append(f"{target}: there is no such heading")
    return faults


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    assert link_faults(page, page.read_text("utf-8")) == []


def test_a_dead_link_is_seen() -> None:
    page = DOCS / "README.md"
    assert link_faults(page, "[a](nowhere.md)")
    assert link_faults(page, "[a](manual.md#nothing-of-this-name)")
    assert link_faults(page, "[a](manual.md) [b](https://example.org) `[c](nowhere.md)`") == []


def test_every_page_is_in_an_index() -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    for page in [*DOCS.glob("*.md"), *(DOCS / "decisions").glob("*.md")]:
        name = str(page.relative_to(DOCS))
        assert name in index or name == "README.md", f"docs/README.md does not name {name}"
    for page in (DOCS / "spec").glob("*.md"):
        assert page.name in SPEC or page.name == "README.md", f"docs/spec/README.md does not name {page.name}"


# --- generated pages ----------------------------------------------------------------------------------------
def generators() -> list[tuple[str, str]]:
    """(module, page): those of the Makefile, the manual page, and the measurements."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    found = {(module, page) for module, page in re.findall(r"(?m)^\s+([\w.]+):(docs/[\w./-]+)", makefile)}
    found |= {("onionchat.cli.manpage", "docs/onionchat.1"), ("bench.page", "docs/performance.md")}
    return sorted(found)


@pytest.mark.parametrize(("module", "page"), generators())
def test_generated_pages_are_not_stale(module: str, page: str) -> None:
    made = subprocess.run([sys.executable, "-m", module], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    assert (ROOT / page).read_text("utf-8") == made.stdout, f"stale: run `python -m {module} > {page}`"


# --- commands -------------------------------------------------------------------------------------------------
def commands_of(text: str) -> list[str]:
    """Lines of code blocks, and pieces of code, that call onionchat, without comments and what they are piped to."""
    blocks = re.findall(r"(?ms)^```\n(.*?)^```", text)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(onionchat [^`\n]+)`", re.sub(r"(?ms)^```.*?^```", "", text))
    found = []
    for line in lines:
        call = re.search(r"(?:^|[|(/=]\s*)(onionchat(?: [^|>)]*)?)", line.strip())
        if call:
            found.append(call[1].split(" #")[0].strip())
    return found


def command_faults(line: str) -> list[str]:
    """What the program's own parser says of a command line of a page."""
    words = [word for word in shlex.split(line.replace("…", "x").replace("$cursor", "1"))[1:] if word]
    if words[:1] == ["COMMAND"] or "--help" in words:
        return []
    values = {"SIZE": "1G", "TIME": "1d", "SECONDS": "1"}
    try:
        parse([values.get(word, word) for word in words])
    except Exception as error:
        return [f"{line}: {error}"]
    return []


@pytest.mark.parametrize("page", COMMAND_PAGES, ids=lambda page: page.name)
def test_commands_are_those_of_the_program(page: Path) -> None:
    found = commands_of(page.read_text("utf-8"))
    assert found
    complete = [line for line in found if not is_bare(line)]
    assert [fault for line in complete for fault in command_faults(line)] == []
    assert [line for line in found if is_bare(line) and line.split()[1] not in BY_NAME] == []


def is_bare(line: str) -> bool:
    """`onionchat wipe`: named in a sentence, without its arguments."""
    return len(line.split()) == 2 and not line.split()[1].startswith("-")


def test_a_wrong_command_is_seen() -> None:
    assert commands_of("```\nonionchat send Bob hi   # say hi\n```\nand `onionchat lick`") == [
        "onionchat send Bob hi",
        "onionchat lick",
    ]
    assert command_faults("onionchat send Bob --loud hi")
    assert command_faults("onionchat lick Bob")


def test_the_manual_lists_every_command() -> None:
    listed = (DOCS / "manual.md").read_text("utf-8").split("## Commands")[1]
    assert [name for name in BY_NAME if f"`{name}`" not in listed] == []


def test_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for page in PAGES:
        named = re.findall(r"`make ([a-z-]+(?: [a-z-]+)*)", page.read_text("utf-8"))
        named += re.findall(r"(?m)^make ([a-z-]+)", page.read_text("utf-8"))
        for target in {word for words in named for word in words.split()}:
            assert re.search(rf"(?m)^{target}:", makefile), f"{page.name}: there is no `make {target}`"


# --- the specification ------------------------------------------------------------------------------------------
def test_records_and_tags_are_those_of_the_program() -> None:
    listed = {name: int(tag) for tag, name in re.findall(r"(?m)^\| (\d+) \| `(\w+)` \|", SPEC)}
    assert listed == {kind.__name__: kind.__struct_config__.tag for kind in get_args(AnyRecord)}


def test_each_record_is_written_down_where_the_list_says() -> None:
    for _, name, page in re.findall(r"(?m)^\| (\d+) \| `(\w+)` \| ([\w.]+) \|", SPEC):
        assert name in (DOCS / "spec" / page).read_text("utf-8"), f"{page} does not tell of {name}"


def test_records_of_contacts_have_the_fields_that_are_written() -> None:
    text = (DOCS / "spec" / "contacts.md").read_text("utf-8")
    for kind in get_args(AnyRecord):
        tag = kind.__struct_config__.tag
        written = re.search(rf"(?m)^{kind.__name__}\s+= \[(.*)\]$", text)
        if written:
            number, *fields = parts(written[1])
            assert (int(number), len(fields)) == (tag, len(kind.__struct_fields__)), kind.__name__


def parts(fields: str) -> list[str]:
    """`a, [b, c], d` → its three parts."""
    found, depth = [""], 0
    for character in fields:
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return [part.strip() for part in found]


def test_kinds_are_those_of_the_program() -> None:
    listed = {
        name: (places, body)
        for name, places, body in re.findall(r"(?m)^\| `(\w+)` \| ([\w, ]+) \| `\[(.*)\]` \|", SELF)
    }
    assert set(listed) == set(KINDS)
    for name, (places, body) in listed.items():
        struct, allowed = KINDS[name]
        assert {Place(place) for place in places.split(", ")} == allowed, name
        fields = parts(body)
        assert len(fields) == len(struct.__struct_fields__), name
        for written, real in zip(fields, struct.__struct_fields__, strict=True):
            assert written.startswith("[") or written.split()[0] == real, f"{name}: {written} is {real}"


def test_examples_of_bodies() -> None:
    examples = {
        "92a448657921c400": chat.Text("Hey!"),
        "91ce00015180": chat.Timer(86400),
        "91c420": chat.Retract(bytes(32)),
    }
    for written, body in examples.items():
        assert f"`{written}`" in SELF
        assert encode(body).hex().startswith(written)


@every_page
def test_limits_have_their_names(page: Path) -> None:
    for piece in re.findall(r"`([^`\n]+)`", page.read_text("utf-8")):
        for name in re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", piece):
            assert NO_LIMITS.fullmatch(name) or hasattr(limits, name), f"{name} is not in limits.py"


# --- what is named exists ---------------------------------------------------------------------------------------
def test_the_evidence_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", EVIDENCE)
    assert len(named) > 50
    missing = [f"{file}::{name}" for file, name in named if not has_test(file, name)]
    assert missing == []


@cache
def source_of(file: str) -> str:
    path = ROOT / file
    return path.read_text("utf-8") if path.is_file() else ""


def has_test(file: str, name: str) -> bool:
    return bool(source_of(file)) and (not name or f"def {name}(" in source_of(file))


def test_missing_evidence_is_seen() -> None:
    assert has_test("tests/test_docs.py", "test_missing_evidence_is_seen")
    assert not has_test("tests/test_docs.py", "test_of_nothing")
    assert not has_test("tests/test_nothing.py", "")


@every_page
def test_modules_that_are_named_exist(page: Path) -> None:
    known = [str(path.relative_to(ROOT)) for path in ROOT.glob("*/**/*.py") if ".venv" not in path.parts]
    for piece in re.findall(r"`([\w/]+\.py)`", page.read_text("utf-8")):
        assert any(path == piece or path.endswith("/" + piece) for path in known), f"there is no {piece}"
