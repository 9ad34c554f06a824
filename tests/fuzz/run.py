"""Feed one target, or all in turn, with atheris: `python -m tests.fuzz.run NAME|all SECONDS [CORPUS]`.

What is found is left in a folder that is named at the end; put it into `tests/fuzz/corpus/TARGET/`, where every test
run feeds it again. With CORPUS, a folder, what reaches new lines is kept there from one run to the next.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def fuzz(name: str, corpus: Path, arguments: list[str]) -> None:
    """Run one target in this process until libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["onionchat"]):
        from tests.fuzz.target import kept
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    for number, seed in enumerate((*target.seeds, *kept(name))):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], str(corpus), *arguments], target.feed)
    atheris.Fuzz()


def fuzz_all(seconds: int, corpora: Path) -> int:
    """Every target in a process of its own, all within these seconds; how many found something."""
    from tests.fuzz.targets import TARGETS

    each = max(1, seconds // len(TARGETS))
    findings = Path(tempfile.mkdtemp(prefix="onionchat-fuzz-"))
    found = []
    for name in TARGETS:
        print(f"== {name}: {each} s", flush=True)
        corpus = corpora / name
        corpus.mkdir(parents=True, exist_ok=True)
        limits = [
            f"-max_total_time={each}",
            "-timeout=10",
            "-rss_limit_mb=1024",
            "-max_len=8192",
            "-print_final_stats=1",
        ]
        command = [sys.executable, "-m", "tests.fuzz.run", name, str(corpus), f"-artifact_prefix={findings}/{name}-"]
        if subprocess.run([*command, *limits], check=False).returncode:
            found.append(name)
    if found:
        print(f"found something: {', '.join(found)}; see {findings}")
    else:
        shutil.rmtree(findings)
    return len(found)


def main() -> int:
    """The number of targets that found something."""
    name, *rest = sys.argv[1:]
    if name != "all":
        fuzz(name, Path(rest[0]), rest[1:])
        return 0
    if len(rest) > 1:
        return fuzz_all(int(rest[0]), Path(rest[1]))
    with tempfile.TemporaryDirectory() as corpora:
        return fuzz_all(int(rest[0]), Path(corpora))


if __name__ == "__main__":
    sys.exit(main())
