"""The made-up node is a backend, as the real ones are; the options have sane defaults."""

from onionchat.api import types as t
from onionchat.testing.fakeservice import FakeService
from onionchat.tui.backend import Backend, Options


def test_the_made_up_node_is_a_backend():
    backend: Backend = FakeService()
    seen = []
    backend.subscribe(seen.append)
    backend.call("contact.trust", t.ContactTrust(name="Bob", trust="validated"))
    assert [event.event for event in seen] == ["trust"]


def test_nothing_has_to_be_chosen():
    options = Options()
    assert (options.colours, options.ascii_only, options.plain) == ("auto", None, False)
    assert options.paste_lines_max > 1
