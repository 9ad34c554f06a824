"""The picture of the README is of the real program, and can be made again."""

from pathlib import Path

import pytest

from onionchat.testing import demo_picture

KEPT = Path(__file__).parents[2] / "docs" / "screens"


@pytest.mark.tor
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_it_is_drawn(tmp_path: Path) -> None:
    demo_picture.draw(tmp_path)
    text = (tmp_path / "demo.txt").read_text("utf-8")
    for said, answer in demo_picture.LINES:
        assert said in text or answer in text
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")


def test_the_one_that_is_kept_shows_the_conversation() -> None:
    lines = (KEPT / "demo.txt").read_text("utf-8").splitlines()
    assert len(lines) == demo_picture.ROWS
    text = "\n".join(lines)
    assert "Bob" in text
    assert demo_picture.LINES[-1][0] in text
    assert demo_picture.LINES[-1][1] in text
