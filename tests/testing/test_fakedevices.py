"""Linking on the made-up node goes the way of the real one."""

import pytest

from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.testing.fakeservice import FakeService


def test_from_the_code_to_the_device():
    service, states = FakeService(), []
    service.subscribe(lambda event: states.append((event.event, event.state)))
    assert service.do_link_start(t.Nothing()).code.startswith("onionchat-link:")
    with pytest.raises(LocalError):
        service.do_link_confirm(t.LinkConfirm(equal=True))
    service.device_comes()
    assert len(service.do_link_state(t.Nothing()).words) == 6
    assert service.do_link_confirm(t.LinkConfirm(equal=True)).said_yes
    service.device_says_yes()
    assert "tablet" in [device.name for device in service.do_device_list(t.Nothing())]
    assert [state for event, state in states if event == "link"] == [
        "waiting", "comparing", "comparing", "admitting", "linked"
    ]  # fmt: skip


def test_a_no_and_a_cancel_end_it():
    service = FakeService()
    service.do_link_start(t.Nothing())
    service.device_comes()
    assert service.do_link_confirm(t.LinkConfirm(equal=False)).problem
    service.do_link_start(t.Nothing())
    service.do_link_cancel(t.Nothing())
    assert service.do_link_state(t.Nothing()).state == "failed"


def test_labels():
    service = FakeService()
    service.do_device_rename(t.DeviceRename(device="laptop", name="new"))
    with pytest.raises(LocalError):
        service.do_device_rename(t.DeviceRename(device="laptop", name="new"))


def test_removing():
    service = FakeService()
    assert [deed.undo for deed in service.do_device_review(t.DeviceOnly(device="laptop"))] == [True, False]
    service.do_device_untrust(t.DeviceUntrust(device="laptop"))
    assert [d.state for d in service.do_device_list(t.Nothing())] == ["active", "removed", "stolen"]
