"""Methods about own devices: the list, labels, linking as the front ends see it (the ceremony: tests/node)."""

import pytest

from onionchat.api.devices import find_device
from onionchat.errors import LocalError


def test_devices(world):
    alice = world.add("Alice")
    (device,) = alice.do("device.list")
    assert (device.id, device.name, device.this, device.online, device.state) == (
        alice.device, "device 1", True, True, "active")  # fmt: skip
    assert device.address == alice.address


def test_a_device_is_found_by_label_or_by_the_beginning_of_its_id(world):
    alice = world.add("Alice")
    phone = world.add_device(alice, "phone")
    node = alice.node
    assert find_device(node, "Phone") == find_device(node, phone.device[:8]) == phone.node.own.device
    for wrong in ("nobody", phone.device[:3], ""):
        with pytest.raises(LocalError, match="onionchat devices"):
            find_device(node, wrong)


def test_a_label_is_the_same_on_all_devices_and_stays_at_home(world, friends):
    alice, bob = friends
    phone = world.add_device(alice, "phone")
    alice.do("device.rename", device="phone", name="old phone")
    world.settle()
    assert {d.name for d in phone.do("device.list")} == {"device 1", "old phone"}
    for taken in ("device 1", "DEVICE 1", "devіce 1"):
        with pytest.raises(LocalError):
            alice.do("device.rename", device="old phone", name=taken)
    assert not any("phone" in line.text for line in bob.log("Alice"))


def test_linking_has_a_state_at_any_time(world):
    alice = world.add("Alice")
    assert alice.do("link.state").state == "none"
    with pytest.raises(LocalError, match="onionchat link"):
        alice.do("link.confirm", equal=True)
    started = alice.do("link.start")
    assert started.code.startswith("onionchat-link:") and len(started.qr) > 10 and started.words == []
    with pytest.raises(LocalError):
        alice.do("link.confirm", equal=True)
    alice.do("link.cancel")
    assert (alice.do("link.state").state, alice.do("link.state").code) == ("failed", "")
    assert [event.state for event in alice.heard("link")] == ["waiting", "failed"]
