"""Opening screens and keeping them up to date."""

from onionchat.testing.fakeworld import fake_words


def test_comparing_sets_the_trust(open_console):
    for moves, trust in ((["left", "left"], "validated"), (["left"], "compromised")):
        trial = open_console().press("f2")
        for word in fake_words("Bob") + fake_words("alice"):
            assert word in trial.text
        trial.press(*moves, "enter")
        assert trial.service.talks["Bob"].trust == trust
        assert f"Bob  {'✔' if trust == 'validated' else '✖'} {trust}" in trial.text
        assert f"Bob is {trust} now" in trial.text


def test_not_now_changes_nothing(open_console):
    trial = open_console().press("f2", "enter")
    assert trial.asked("contact.trust") == []
    assert trial.lines[0].startswith(" alice")


def test_notes_have_nothing_to_compare(open_console):
    trial = open_console().type("/open Notes").press("enter", "f2")
    assert "open the conversation with a contact first" in trial.text


def test_a_request_is_accepted_under_a_name_of_mine(open_console):
    trial = open_console().press("f3", "down", "enter")
    assert trial.lines[0].startswith(" Accept") and "Name here: Erin" in trial.text
    trial.press("ctrl u").type("Erin Allotment").press("enter")
    assert trial.asked("request.accept")[0].name == "Erin Allotment"
    assert trial.console.current == "Erin Allotment"


def test_a_name_that_is_taken_is_said(open_console):
    trial = open_console().press("f3", "down", "enter", "ctrl u").type("Bob").press("enter")
    assert "choose another name" in trial.text


def test_requests_are_ignored_blocked_and_taken_back(open_console):
    trial = open_console().press("f3", "i")
    assert len(trial.asked("request.ignore")) == 1
    assert "ignored; they are told nothing" in trial.text
    trial.press("b")
    assert len(trial.asked("contact.block")) == 1
    trial.press("x")
    assert len(trial.asked("request.cancel")) == 1
    assert "Nobody asks" in trial.text


def test_a_request_that_comes_is_shown_where_it_is_looked_for(open_console):
    trial = open_console().press("f3")
    trial.service.requests.clear()
    trial.service.emit("request")
    trial.settle()
    assert "Nobody asks" in trial.text


def test_search_asks_when_the_typing_pauses_and_goes_to_the_place(open_console):
    trial = open_console().press("ctrl f")
    for letter in "train":
        trial.console.stage.keypress(trial.size, letter)
    assert trial.asked("message.search") == []
    trial.clock.advance(1)
    assert [search.query for search in trial.asked("message.search")] == ["train"]
    assert "Are you on the train already?" in trial.text
    trial.press("enter")
    assert trial.console.current == "Bob"
    assert trial.console.conversation.view.chosen().text == "Are you on the train already?"


def test_jump_by_a_few_letters(open_console):
    trial = open_console().press("ctrl k").type("dv").press("enter")
    assert trial.console.current == "Dave"


def test_the_connection_screen_stays_up_to_date_and_then_rests(open_console):
    trial = open_console().press("f5")
    asked = len(trial.asked("connection.list"))
    trial.clock.advance(2.1)
    assert len(trial.asked("connection.list")) == asked + 1
    trial.service.talks["Dave"].devices_online = 1
    trial.service.emit("online", contact="Dave")
    trial.settle()
    assert "● connected" in next(line for line in trial.lines if line.startswith(" Dave"))
    trial.press("esc")
    trial.clock.advance(5)
    asked = len(trial.asked("connection.list"))
    trial.clock.advance(60)
    assert len(trial.asked("connection.list")) == asked
