"""The scenes of the manual."""

from onionchat.testing.screens import SCENES


def test_names_are_file_names_and_differ():
    names = [scene.name for scene in SCENES]
    assert len(names) == len(set(names))
    assert all(name.replace("-", "").isalnum() for name in names)


def test_the_three_sizes_are_among_them():
    assert {(80, 24), (40, 15), (200, 60)} <= {(scene.columns, scene.rows) for scene in SCENES}


def test_every_scene_says_when_it_is_there():
    assert all(scene.until for scene in SCENES)
