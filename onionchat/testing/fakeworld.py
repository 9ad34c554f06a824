"""The people of the sketches, and how made-up ids, words and QR codes are made: all of it hangs on names alone."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import segno

from onionchat.api import types as t

if TYPE_CHECKING:
    from onionchat.testing.fakeservice import FakeService

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
START_MS = 1_795_210_860_000  # Friday 20 November 2026, 21:41 UTC


def fake_id(*parts: object) -> str:
    """52 letters and digits that hang on the parts alone."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def fake_words(seed: str, count: int = 12) -> list[str]:
    """Pronounceable words that hang on the seed."""
    raw = hashlib.sha512(seed.encode()).digest()
    first, second = (
        ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "tr"],
        ["a", "e", "i", "o", "u"],
    )
    made = []
    for at in range(count):
        one, two, three, four = raw[at * 4 : at * 4 + 4]
        made.append(first[one % 16] + second[two % 5] + first[three % 13] + second[four % 5] + "lnrst"[one % 5])
    return made


@dataclass
class FakeTalk:
    """A conversation and the contact behind it."""

    name: str
    kind: str = "direct"
    trust: t.Trust = "unvalidated"
    devices: int = 1
    devices_online: int = 0
    connecting: bool = False
    draft: str = ""
    blocked: bool = False
    timer_seconds: int | None = None
    messages: list[t.Message] = field(default_factory=list)

    @property
    def unread(self) -> int:
        """How many messages were not read."""
        return sum(message.unread for message in self.messages)


def qr_code(text: str) -> list[str]:
    """Half blocks: a full block is two dark modules, with a border of two modules."""
    rows = [list(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    signs = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
    return [
        "".join(signs[(int(bool(top)), int(bool(below)))] for top, below in zip(rows[at], rows[at + 1], strict=True))
        for at in range(0, len(rows), 2)
    ]


def fill(service: "FakeService") -> None:
    """The people of the sketches, in the order of the list."""
    _fill_bob(service)
    _fill_others(service)
    _fill_requests(service)


def _ago(service: "FakeService", minutes: float) -> int:
    return service.now_ms - int(minutes * MINUTE_MS)


def _fill_bob(service: "FakeService") -> None:
    bob = service.add_talk(FakeTalk("Bob", devices=3, devices_online=2))
    everywhere = [fake_id("Bob", number) for number in range(3)]

    def say(sender: str, text: str, minutes_ago: float, **keys: Any) -> t.Message:
        return service.add_message(bob, sender, text, _ago(service, minutes_ago), **keys)

    say("", "Bob is a contact now. Compare words before you trust that it is Bob.", 1600, kind="notice")
    say("Bob", "Hello! So this is how it looks.", 1590)
    say("me", "It does. Calm, isn't it?", 1588, delivered_to=everywhere)
    asked = say("me", "Are you on the train already?", 37, delivered_to=everywhere)
    say("Bob", "Yes. It comes in drops, though.", 36)
    answer = "The tunnel is next. I will be gone for a while; leave it here, my laptop fetches it."
    say("Bob", answer, 36, reply_to=asked.id, reply_text=asked.text, reply_from="me")
    say("me", "Fine", 35, delivered_to=everywhere[:2], reactions=[t.Reactions(emoji="👍", by=["Bob"])])
    say("Bob", "I am back", 29, arrived=_ago(service, 1), late=True, unread=True)
    say("Bob", "map.png · 312 KB · picture", 1, kind="file", unread=True)


def _fill_others(service: "FakeService") -> None:
    carol = service.add_talk(FakeTalk("Carol", trust="validated", devices_online=1))
    dave = service.add_talk(FakeTalk("Dave", trust="validated"))
    notes = service.add_talk(FakeTalk("Notes", kind="self", trust="validated"))
    mallory = service.add_talk(FakeTalk("Mallory", trust="compromised"))
    jun = service.add_talk(FakeTalk("佐藤 潤", connecting=True, devices=2))

    def say(talk: FakeTalk, sender: str, text: str, minutes_ago: float, **keys: Any) -> None:
        service.add_message(talk, sender, text, _ago(service, minutes_ago), **keys)

    say(carol, "Carol", "See you tomorrow at ten.", 2900)
    say(carol, "me", "Ten it is 🎉", 2899, delivered_to=[fake_id("Carol", 0)])
    say(dave, "Dave", "Call me when you can.", 5000, unread=True)
    say(dave, "me", "I cannot before Monday.", 50, state="waiting")
    say(notes, "me", "milk\nbread\nonions", 300)
    say(mallory, "Mallory", "It is really me this time.", 9000)
    say(jun, "佐藤 潤", "おはようございます。明日の会議は十時からです。よろしくお願いします。", 700)
    say(jun, "me", "はい 👨‍👩‍👧", 690, state="sent")


def _fill_requests(service: "FakeService") -> None:
    def asks(number: int, name: str, greeting: str, minutes_ago: float, **keys: Any) -> None:
        request = t.ContactRequest(
            id=fake_id("request", number),
            name=name,
            greeting=greeting,
            words=fake_words(f"{name} {number}"),
            time=_ago(service, minutes_ago),
            **keys,
        )
        service.requests.append(request)

    asks(1, "Erin", "Hi, it is Erin from the allotment. Carol gave me your link.", 90, direction="incoming")
    asks(2, "Вob", "it's me, new phone", 20, direction="incoming", suspicious_name=True)
    asks(3, "Frank", "", 400, direction="outgoing")
