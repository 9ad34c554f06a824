"""What is told while it happens."""

import io
import json

import pytest

from onionchat.testing.transcript import Transcript


def test_a_step_is_announced_before_it_ends():
    out = io.StringIO()
    tell = Transcript(out)
    with tell.step("the kettle") as step:
        assert out.getvalue().endswith("the kettle …")
        step.note = "boils"
        step.lines.append("careful")
    assert out.getvalue().splitlines()[-2:] == [out.getvalue().splitlines()[0], "          careful"]
    assert out.getvalue().splitlines()[0].endswith(" s the kettle … boils")


def test_a_step_without_a_note_ends_with_its_time():
    out = io.StringIO()
    with Transcript(out).step("the kettle"):
        pass
    assert out.getvalue().endswith("the kettle … 0.0 s\n")


def test_a_step_that_fails_ends_its_line():
    out = io.StringIO()
    with pytest.raises(ZeroDivisionError), Transcript(out).step("the kettle"):
        raise ZeroDivisionError
    assert out.getvalue().endswith("the kettle … broken off\n")


def test_as_json_each_line_is_an_object():
    out = io.StringIO()
    tell = Transcript(out, as_json=True)
    tell.title("Tea")
    with tell.step("the kettle") as step:
        step.facts["degrees"] = 100
    tell.say("ready", cups=2)
    with pytest.raises(ZeroDivisionError), tell.step("the cup"):
        raise ZeroDivisionError
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert told[0] == {"title": "Tea"}
    assert (told[1]["step"], told[1]["degrees"]) == ("the kettle", 100)
    assert told[2:] == [{"text": "ready", "cups": 2}, {"failed": "the cup"}]
