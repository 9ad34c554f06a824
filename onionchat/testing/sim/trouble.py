"""How much of what happens in a world."""

from dataclasses import dataclass

HOUR = 3600.0
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Trouble:
    """Weights of what may happen next, relative to each other, and how long all of it goes on.

    `pause_seconds`: mean time between two happenings. `seconds`: of trouble, before the world heals.
    """

    seconds: float = HOUR
    pause_seconds: float = 6.0
    # what people do
    write: float = 12.0
    burst: float = 0.5
    note: float = 1.0
    edit: float = 1.0
    react: float = 1.0
    retract: float = 0.7
    forget: float = 1.0
    read: float = 2.0
    timer: float = 0.3
    trust: float = 0.3
    rename: float = 0.2
    meet: float = 0.2
    link: float = 0.0
    block: float = 0.0
    lock: float = 0.2
    untrust: float = 0.0
    # what machines and networks do
    break_links: float = 1.0
    partition: float = 0.4
    kill: float = 2.0
    stop: float = 0.7
    sleep: float = 0.7
    offline: float = 0.7
    skew: float = 0.3
    fill_disk: float = 0.3
    absence: float = 0.1
    devices_max: int = 5  # of a person, by linking
    refused_share: float = 0.1
    skews_seconds: tuple[float, ...] = (0, 0, 5, -5, 300, -300, 3 * HOUR, -2 * DAY, 365 * DAY, -365 * DAY)


QUIET = Trouble(seconds=0.0, refused_share=0.0)
# fmt: off
PEOPLES = (
    "write", "burst", "note", "edit", "react", "retract", "forget", "read", "timer", "trust", "rename", "meet", "link",
    "block", "lock", "untrust",
)
"""What somebody does at a device: nothing, when that is off."""
EVENTFUL = (
    *PEOPLES, "break_links", "partition", "kill", "stop", "sleep", "offline", "skew", "fill_disk", "absence",
)
# fmt: on
