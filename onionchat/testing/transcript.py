"""What a demonstration tells while it runs: each step with its time, and what was waited for, as text or as JSON."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO


@dataclass
class Step:
    """A step that is under way. `note` ends its line; `lines` follow below it; `facts` are for JSON."""

    note: str = ""
    lines: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


class Transcript:
    """Writes one line a step, the beginning at once, so that one sees what is being waited for.

    As JSON: one object a step when it has ended, with `at` and `seconds` since the start and of the step.
    """

    def __init__(self, out: TextIO, as_json: bool = False) -> None:
        self._out = out
        self._as_json = as_json
        self._begin = time.monotonic()
        self._open = False

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._begin

    def title(self, text: str) -> None:
        """A heading."""
        self._write_json({"title": text}) if self._as_json else self._write(f"\n{text}\n")

    def say(self, text: str, **facts: Any) -> None:
        """A line without a wait."""
        if self._as_json:
            self._write_json({"text": text, **facts})
        else:
            self._write(f"          {text}\n")

    @contextmanager
    def step(self, text: str) -> Iterator[Step]:
        """Something that takes time. When it fails the line says so."""
        begin = time.monotonic()
        at = self.seconds
        step = Step()
        if not self._as_json:
            self._write(f"{at:7.1f} s {text} …")
            self._open = True
        try:
            yield step
        except BaseException:
            self._fail(text)
            raise
        self._end(text, at, step, time.monotonic() - begin)

    def _end(self, text: str, at: float, step: Step, seconds: float) -> None:
        if self._as_json:
            facts = {"step": text, "seconds": round(seconds, 3), "at": round(at, 3), "note": step.note}
            self._write_json({**facts, "lines": step.lines, **step.facts})
            return
        self._open = False
        self._write(f" {step.note or f'{seconds:.1f} s'}\n" + "".join(f"          {line}\n" for line in step.lines))

    def _fail(self, text: str) -> None:
        if self._as_json:
            self._write_json({"failed": text})
        elif self._open:
            self._open = False
            self._write(" broken off\n")

    def _write_json(self, value: dict[str, Any]) -> None:
        self._write(json.dumps(value, ensure_ascii=False) + "\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
