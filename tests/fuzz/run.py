"""Feed one target, or all in turn, with atheris: `python -m tests.fuzz.run NAME|all SECONDS`."""

import subprocess
import sys
import tempfile
from pathlib import Path


def fuzz(name: str, arguments: list[str]) -> None:
    """Run one target in this process until libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["onionchat"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds):
            (Path(corpus) / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], corpus, f"-artifact_prefix={corpus}/", *arguments], target.feed)
        atheris.Fuzz()


def main() -> int:
    """All targets share the seconds; the first finding ends the run with its exit code."""
    name, seconds = sys.argv[1], int(sys.argv[2])
    if name != "all":
        fuzz(name, [f"-max_total_time={seconds}", "-rss_limit_mb=1024", "-verbosity=0"])
        return 0
    from tests.fuzz.targets import TARGETS

    each = max(1, seconds // len(TARGETS))
    for target in TARGETS:
        print(f"{target}: {each} s", flush=True)
        done = subprocess.run([sys.executable, "-m", "tests.fuzz.run", target, str(each)], check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
