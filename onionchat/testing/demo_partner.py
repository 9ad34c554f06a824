"""Bob, when you try the console: a real node, and a script that answers what you write to him."""

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onionchat.api import types as t
from onionchat.api.client import SyncClient
from onionchat.errors import NoNodeError, OnionchatError
from onionchat.testing.people import Person

AWAY_SECONDS = 15.0
TYPING_SECONDS = 0.7
POLL_SECONDS = 0.3
HELLO = (
    "Hi! I am Bob: a program of my own, a profile of my own, on a Tor of my own. Between us there are five relays, "
    "all on this machine.",
    "Write me something. “help” tells what I understand.",
)
HELP = (
    "I know: “words” (we compare words) · “sleep” (my program is killed for 15 seconds; write to me meanwhile, and see "
    "it arrive) · “edit” · “react” · “many” (twenty messages at once) · “long”. All else I just answer."
)


@dataclass(frozen=True)
class Say:
    """Write this."""

    text: str


@dataclass(frozen=True)
class React:
    """React to what was just read."""

    emoji: str


@dataclass(frozen=True)
class Correct:
    """Write the first, then edit it to the second."""

    first: str
    then: str


@dataclass(frozen=True)
class Sleep:
    """Be killed (kill -9), and come back after so many seconds."""

    seconds: float


Deed = Say | React | Correct | Sleep


def deeds(text: str, count: int, words: Sequence[str]) -> list[Deed]:
    """What Bob does about the `count`-th message that he reads. `words`: his own comparison words."""
    low = text.lower()
    said = set(re.findall(r"\w+", low))
    if "help" in said:
        return [Say(HELP)]
    if said & {"words", "compare", "validate", "verify"}:
        return [Say("Mine are: " + " ".join(words)), Say("Press F2: the same should stand there under my name.")]
    if said & {"sleep", "kill", "offline", "away"}:
        return [Say("Somebody pulls my plug now (kill -9). Write on: it waits until I am back."), Sleep(AWAY_SECONDS)]
    if said & {"edit", "correct"}:
        return [Correct("I never make mistakse.", "I never make mistakes.")]
    if said & {"react", "emoji"}:
        return [React("🧅")]
    if "many" in said:
        return [Say(f"{number} of 20") for number in range(1, 21)]
    if "long" in said:
        return [Say("\n".join(f"Line {number}: {'la ' * (number * 3)}".rstrip() for number in range(1, 13)))]
    return _small_talk(text, low, said, count)


def _small_talk(text: str, low: str, said: set[str], count: int) -> list[Deed]:
    if said & {"bye", "goodbye", "ciao"}:
        return [React("👋"), Say("Bye! Ctrl-Q leaves, and everything here is removed.")]
    if said & {"thanks", "thank", "thx"}:
        return [React("❤️")]
    if said & {"hello", "hi", "hey", "hallo"}:
        return [React("👋"), Say("Hello Alice! How did you find me? (I know: by a link.)")]
    if "?" in low:
        return [Say(f"“{_quoted(text)}” A good question. I am a short script: ask my author, or say “help”.")]
    if count % 4 == 0:
        return [React("👍"), Say(f"That is your message number {count}; all of them are on my disk, in order.")]
    return [Say(f"I got “{_quoted(text)}”: {len(text)} characters, and nobody between us could count them.")]


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"


class Partner:
    """Answers in a thread: `start` when Bob's node runs, `stop` before it is ended."""

    def __init__(self, bob: Person, friend: str) -> None:
        self._bob, self._friend = bob, friend
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._live, name="Bob", daemon=True)
        self._count = 0
        self._has_greeted = False

    def start(self) -> None:
        """Begin: accept the friend's request, greet, answer."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait until the thread has."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _live(self) -> None:
        while not self._stopping.is_set():
            try:
                self._answer_while_running()
            except OnionchatError:  # the node was killed, by ourselves or by the end of the demonstration
                self._stopping.wait(POLL_SECONDS)

    def _answer_while_running(self) -> None:
        with self._bob.api() as client:
            client.subscribe(["message"])
            self._accept(client)
            if not self._has_greeted:
                self._has_greeted = True
                for text in HELLO:
                    self._do(client, Say(text), None)
            self._answer_backlog(client)
            for event in self._events(client):
                self._answer_backlog(client) if event.sender == self._friend else None

    def _accept(self, client: SyncClient) -> None:
        """Wait for the friend's request, unless they are a contact already."""
        while not self._stopping.is_set():
            if any(contact.name == self._friend for contact in client.call("contact.list")):
                return
            for request in client.call("request.list"):
                if request.direction == "incoming" and request.state == "waiting":
                    client.call("request.accept", t.RequestAccept(id=request.id, name=self._friend))
            self._stopping.wait(POLL_SECONDS)

    def _events(self, client: SyncClient) -> Iterator[t.Event]:
        while not self._stopping.is_set():
            event = client.next_event(POLL_SECONDS)
            if event is not None:
                yield event

    def _answer_backlog(self, client: SyncClient) -> None:
        """Answer what is unread, oldest first; what came while Bob was away, too."""
        log: list[t.Message] = client.call("message.log", t.MessageLog(name=self._friend, limit=100))
        for message in log:
            if message.sender == self._friend and message.unread and not self._stopping.is_set():
                self._count += 1
                client.call("message.read", t.ReadMark(name=self._friend, id=message.id))
                words: t.Words = client.call("contact.words", t.ContactName(name=self._friend))
                for deed in deeds(message.text, self._count, words.mine):
                    self._do(client, deed, message)

    def _do(self, client: SyncClient, deed: Deed, about: t.Message | None) -> None:
        self._stopping.wait(TYPING_SECONDS)
        match deed:
            case Say(text):
                client.call("message.send", t.MessageSend(name=self._friend, text=text))
            case React(emoji):
                assert about is not None
                client.call("message.react", t.MessageReact(name=self._friend, id=about.id, emoji=emoji))
            case Correct(first, then):
                sent: t.Sent = client.call("message.send", t.MessageSend(name=self._friend, text=first))
                self._stopping.wait(3 * TYPING_SECONDS)
                client.call("message.edit", t.MessageEdit(name=self._friend, id=sent.id, text=then))
            case Sleep(seconds):
                self._sleep(client, seconds)

    def _sleep(self, client: SyncClient, seconds: float) -> None:
        """Let the last message out, die, come back. NoNodeError: the connection is of the dead node."""
        time.sleep(TYPING_SECONDS)
        self._bob.kill()
        self._stopping.wait(seconds)
        if not self._stopping.is_set():
            self._bob.start()
        raise NoNodeError("Bob's program was killed, as he was asked")
