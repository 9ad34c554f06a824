"""Made-up ids, words and QR codes; the people of the sketches."""

from onionchat.ids import parse_id
from onionchat.testing.fakeservice import FakeService
from onionchat.testing.fakeworld import fake_id, fake_words, qr_code


def test_ids_have_the_shape_of_real_ones_and_hang_on_their_parts():
    assert fake_id("a", 1) == fake_id("a", 1) != fake_id("a", 2)
    assert len(parse_id(fake_id("a"))) == 32


def test_words_hang_on_the_seed():
    assert fake_words("a") == fake_words("a") != fake_words("b")
    assert len(fake_words("a")) == 12 and all(word.isalpha() for word in fake_words("a"))


def test_the_people_of_the_sketches_are_there():
    service = FakeService()
    assert list(service.talks) == ["Bob", "Carol", "Dave", "Notes", "Mallory", "佐藤 潤"]
    assert {talk.trust for talk in service.talks.values()} == {"unvalidated", "validated", "compromised"}
    assert {request.direction for request in service.requests} == {"incoming", "outgoing"}
    assert all(
        m.time <= n.time for t in service.talks.values() for m, n in zip(t.messages, t.messages[1:], strict=False)
    )


def test_the_code_is_whole_and_has_a_border():
    code = qr_code("onionchat:" + "a" * 56)
    assert len({len(line) for line in code}) == 1
    assert code[0].strip() == "" and all(line.startswith("  ") and line.endswith("  ") for line in code)
