"""The story that `onionchat demo --script` tells: two people meet, talk, lose each other, catch up, and link devices.

Every line of it is something that the two programs did; where they do not do it, the story ends with an error.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from onionchat.api import types as t
from onionchat.errors import LocalError
from onionchat.testing.people import Person, link_device, wait_delivered
from onionchat.testing.torproc import wait_until
from onionchat.testing.transcript import Transcript

DELIVERY_SECONDS = 60.0  # a message to somebody who is there: some milliseconds; more is a fault
RETURN_SECONDS = 120.0
GREETING = "It is me, from the garden. Is that you?"
TALK = (
    (True, "Hello Bob. No server has seen this."),
    (False, "Nor this answer. Your address is an onion, and so is mine."),
    (True, "They cannot even see that we know each other."),
    (False, "Tea at five? I bring the biscuits: 🍪"),
)
WHILE_AWAY = (
    "Are you still there?",
    "Your laptop's battery, I suppose. I write on: it waits here, on my disk.",
    "See you at five, at the kiosk.",
)
CORRECTED = "See you at six, at the kiosk."
PHONE, TABLET = "phone", "tablet"
ON_THE_WAY = "I leave now, and my desktop goes to sleep. Read this where you like."


@dataclass(frozen=True)
class Seen:
    """What both sides must agree on, of one message."""

    id: str
    author: str
    text: str
    edited: bool
    reactions: tuple[tuple[str, int], ...]


class Story:
    """Alice and Bob, each with two devices; each device has a profile and a node on a Tor of its own."""

    def __init__(self, alice: Person, bob: Person, phone: Person, tablet: Person, transcript: Transcript) -> None:
        self.alice, self.bob, self.phone, self.tablet = alice, bob, phone, tablet
        self._tell = transcript
        self.sent = 0

    def run(self) -> None:
        """The whole story. OnionchatError where something is not as it should be."""
        self.begin()
        self.meet()
        self.compare_words()
        self.talk()
        self.lose_and_find_bob()
        self.change_their_minds()
        self.link_devices()
        self.go_by_whoever_is_on()
        self.read_back()

    def begin(self) -> None:
        """Profiles and nodes."""
        self._tell.title("Two people, two programs, two profiles")
        for person in (self.alice, self.bob):
            with self._tell.step(f"{person.name} makes a profile"):
                person.init()
        for person in (self.alice, self.bob):
            person.launch()
        for person in (self.alice, self.bob):
            with self._tell.step(f"{person.name}'s node publishes its onion, and reaches it through Tor") as step:
                step.lines.append(person.wait_ready())
                step.facts["address"] = person.address

    def meet(self) -> None:
        """Link, request, acceptance."""
        self._tell.title("They meet")
        with self._tell.step("Alice makes a link, for one person and one use") as step:
            link = self.alice.do("invite").splitlines()[0]
            step.lines.append(link)
            step.facts["link"] = link
        with self._tell.step("Bob adds it with a greeting; Alice's console would show") as step:
            self.bob.do("add", link, "--name", self.alice.name, "-m", GREETING)
            request = self.alice.wait_request()
            step.lines += [
                f"a request from “{request.name}”: {request.greeting}",
                _words_line("his words", request.words),
            ]
        _check(request.greeting == GREETING, "the greeting came as it was written")
        with self._tell.step("Alice accepts; Bob hears of it"):
            self.alice.do("accept", request.id, "--name", self.bob.name)
            self.bob.wait_contact(self.alice.name)
        with self._tell.step("each sees the other online"):
            self.alice.wait_online(self.bob.name)
            self.bob.wait_online(self.alice.name)

    def compare_words(self) -> None:
        """The comparison words, which two people read to each other on the telephone."""
        self._tell.title("They compare words, on the telephone, say")
        with self._tell.step("both ask for the words") as step:
            hers: t.Words = self.alice.call("contact.words", t.ContactName(name=self.bob.name))
            his: t.Words = self.bob.call("contact.words", t.ContactName(name=self.alice.name))
            step.lines += [_words_line("Alice", hers.mine), _words_line("Bob", hers.theirs)]
            step.facts.update(alice=hers.mine, bob=hers.theirs)
        _check(hers.mine == his.theirs and hers.theirs == his.mine, "both sides see the same words")
        for person, other in ((self.alice, self.bob), (self.bob, self.alice)):
            person.do("contact", other.name, "validated")
        self._tell.say("they are the same on both sides: each marks the other as validated")

    def talk(self) -> None:
        """Messages both ways, each with its delivery."""
        self._tell.title("They talk; the time is from writing to the answer that it is on the other's disk")
        for is_alice, text in TALK:
            self._send(self.alice if is_alice else self.bob, text)

    def lose_and_find_bob(self) -> None:
        """A kill -9, three messages, a return."""
        self._tell.title("Bob's program is killed, kill -9, in the middle of it")
        self.bob.kill()
        waiting = [self._commit(text) for text in WHILE_AWAY]
        self.sent += len(waiting)
        with self.alice.api() as client:
            client.subscribe(["delivered"])
            with self._tell.step("Bob starts his program again, and gets all three"):
                self.bob.start()
                missing = [id for id in waiting if id not in self._delivered_ids()]
                wait_delivered(client, missing, RETURN_SECONDS)

    def change_their_minds(self) -> None:
        """An edit and a reaction."""
        self._tell.title("Second thoughts")
        last = self.alice.messages(self.bob.name)[-1]
        with self._tell.step(f"Alice edits her last message: “{CORRECTED}”"):
            self.alice.do("edit", self.bob.name, last.id, CORRECTED)
            self.bob.wait_until("the edit is here", lambda: CORRECTED in self.bob.texts("Alice"), DELIVERY_SECONDS)
        with self._tell.step("Bob reacts with 👍"):
            self.bob.do("react", self.alice.name, last.id, "👍")
            self.alice.wait_until("the reaction is here", self._reaction_seen, DELIVERY_SECONDS)

    def link_devices(self) -> None:
        """A second device for each: a code, six words, and the whole history."""
        self._tell.title("Each links a second device: a code, and six words that both show")
        for old, new, label in ((self.alice, self.phone, PHONE), (self.bob, self.tablet, TABLET)):
            with self._tell.step(f"{old.name} links a {label}") as step:
                step.lines.append(_words_line("both show", link_device(old, new, label)))
            new.launch()
        for old, new, label, other in (
            (self.alice, self.phone, PHONE, self.bob),
            (self.bob, self.tablet, TABLET, self.alice),
        ):
            with self._tell.step(f"{old.name}'s {label} comes up, with all that was said before"):
                new.wait_ready()
                new.wait_contact(other.name)
                self._wait_history(new)

    def _wait_history(self, new: Person) -> None:
        new.wait_until("the history is here", lambda: self._log(new) == self._log(self.alice), RETURN_SECONDS)

    def go_by_whoever_is_on(self) -> None:
        """A message from Alice's desktop by Bob's laptop and tablet to her phone; writer and reader never meet."""
        self._tell.title("A message finds its way by whoever happens to be on")
        for person in (self.phone, self.bob, self.tablet):
            person.stop()
        self.sent += 1
        with self._tell.step(f"all but Alice's desktop are off; there she writes: {ON_THE_WAY}"):
            self.alice.do("send", self.bob.name, ON_THE_WAY)
        self._pass_on(self.bob, "Bob's laptop comes, and has it from her desktop", leaving=self.alice)
        self._pass_on(
            self.tablet, "her desktop is killed; Bob's tablet comes, and has it from his laptop", leaving=self.bob
        )
        self._pass_on(self.phone, "his laptop is killed; her phone comes, and has it from his tablet", leaving=None)
        for person in (self.alice, self.bob):
            person.start()

    def _pass_on(self, person: Person, what: str, leaving: Person | None) -> None:
        other = self.alice if person in (self.bob, self.tablet) else self.bob
        with self._tell.step(what):
            person.start()
            person.wait_until("it is here", lambda: ON_THE_WAY in person.texts(other.name), RETURN_SECONDS)
        if leaving is not None:
            leaving.kill()

    def read_back(self) -> None:
        """All four logs, which must be the same."""
        self._tell.title("What each of the four devices has now, as the console shows it")
        with self._tell.step("the logs are read back") as step:
            everybody = (self.alice, self.phone, self.bob, self.tablet)
            same = wait_until(lambda: len({tuple(self._log(one)) for one in everybody}) == 1, RETURN_SECONDS)
            log = self._log(self.alice)
            step.lines += [_log_line(seen) for seen in log]
            step.facts["log"] = [[seen.author, seen.text] for seen in log]
        _check(same, "all four have the same messages in the same order")
        _check(len(log) == self.sent, f"there are {self.sent} messages, none lost, none doubled")

    # --- parts ------------------------------------------------------------------------------------------
    def _send(self, person: Person, text: str) -> None:
        other = self.bob if person is self.alice else self.alice
        with person.api() as client, self._tell.step(f"{person.name}: {text}") as step:
            client.subscribe(["delivered"])
            begin = time.monotonic()
            sent: t.Sent = client.call("message.send", t.MessageSend(name=other.name, text=text))
            wait_delivered(client, [sent.id], DELIVERY_SECONDS)
            milliseconds = (time.monotonic() - begin) * 1000
            step.note = f"delivered, {milliseconds:.0f} ms"
            step.facts["delivered_ms"] = round(milliseconds, 1)
        self.sent += 1

    def _commit(self, text: str) -> str:
        with self._tell.step(f"Alice: {text}") as step:
            sent: t.Sent = self.alice.call("message.send", t.MessageSend(name=self.bob.name, text=text))
            step.note = "kept, it waits for him"
        return sent.id

    def _delivered_ids(self) -> set[str]:
        return {message.id for message in self.alice.messages(self.bob.name) if message.state == "delivered"}

    def _reaction_seen(self) -> bool:
        return any(message.reactions for message in self.alice.messages(self.bob.name))

    def _log(self, person: Person) -> list[Seen]:
        me, other = (self.alice, self.bob) if person in (self.alice, self.phone) else (self.bob, self.alice)
        return [
            Seen(
                id=message.id,
                author=me.name if message.sender == "me" else message.sender,
                text=message.text,
                edited=message.edited,
                reactions=tuple((reaction.emoji, len(reaction.by)) for reaction in message.reactions),
            )
            for message in person.messages(other.name)
        ]


def _check(is_so: bool, what: str) -> None:
    if not is_so:
        raise LocalError(f"the demonstration failed, for this should hold: {what}")


def _words_line(label: str, words: Sequence[str]) -> str:
    return f"{label}: {' '.join(words)}"


def _log_line(seen: Seen) -> str:
    marks = [*(["edited"] if seen.edited else []), *(emoji for emoji, _ in seen.reactions)]
    return f"{seen.author}: {seen.text}" + (f"  ({', '.join(marks)})" if marks else "")
