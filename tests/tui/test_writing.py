"""Writing: replies, edits, reactions, drafts, sending."""

from onionchat import limits
from onionchat.errors import StoreError
from onionchat.tui.writing import DRAFT_AFTER_SECONDS


def test_a_reply_goes_to_the_chosen_message(open_console):
    trial = open_console().press("up", "up", "r")
    assert "▏reply to Bob: I am back" in trial.text
    trial.type("good").press("enter")
    sent = trial.asked("message.send")[0]
    assert sent.text == "good"
    assert sent.reply_to == trial.service.talks["Bob"].messages[-3].id
    assert "reply to" not in trial.text


def test_esc_ends_a_reply_and_keeps_the_text(open_console):
    trial = open_console().type("x").press("esc", "r", "esc")
    assert trial.console.writing.aim is None
    assert trial.console.writing.edit.edit_text == "x"


def test_an_edit_begins_with_the_old_text_and_gives_back_what_was_written(open_console):
    trial = open_console().type("unsent").press("esc", "up", "up", "e")
    assert "> Fine" in trial.text and "▏edit" in trial.text
    trial.type("!").press("enter")
    assert trial.asked("message.edit")[0].text == "Fine!"
    assert trial.asked("message.send") == []
    assert "edited" in trial.text
    assert "> unsent" in trial.text


def test_only_mine_can_be_edited(open_console):
    trial = open_console().press("up", "e")
    assert "Only a message of yours" in trial.text


def test_reactions_by_number_by_name_and_none(open_console):
    for typed, emoji in (("1", "👍"), (":onion:", "🧅"), ("", "")):
        trial = open_console().press("up", "+").type(typed).press("enter")
        assert trial.asked("message.react")[0].emoji == emoji
    trial = (
        open_console()
        .press("up", "+")
        .type("a whole sentence instead of one emoji, and so on and so forth ...")
        .press("enter")
    )
    assert "a reaction is one emoji" in trial.text


def test_drafts_are_kept_after_a_pause_and_not_at_every_letter(open_console):
    trial = open_console()
    for letter in "hello":
        trial.console.stage.keypress(trial.size, letter)
    assert trial.asked("conversation.draft") == []
    trial.clock.advance(DRAFT_AFTER_SECONDS)
    assert [draft.text for draft in trial.asked("conversation.draft")] == ["hello"]
    trial.press("enter")
    assert trial.asked("conversation.draft")[-1].text == ""


def test_a_draft_of_another_day_is_there(open_console):
    trial = open_console()
    trial.service.talks["Carol"].draft = "to be continued"
    trial.console.model.refresh()
    trial.settle()
    trial.console.open_conversation("Carol")
    trial.settle()
    assert "> to be continued" in trial.text


def test_what_could_not_be_sent_stays(open_console):
    trial = open_console()
    trial.service.do_message_send = lambda params: (_ for _ in ()).throw(StoreError("the disk is full: make room"))
    trial.type("keep me").press("enter")
    assert "the disk is full" in trial.text and "> keep me" in trial.text


def test_too_long_is_said_before_it_is_sent(open_console):
    trial = open_console()
    trial.console.writing.edit.set_text_from("é" * (limits.TEXT_MAX_BYTES // 2 + 1))
    trial.press("enter")
    assert "at most 32 KiB" in trial.text
    assert trial.asked("message.send") == []
    assert trial.console.writing.edit.edit_text


def test_blank_is_not_sent(open_console):
    trial = open_console().type("   ").press("newline", "enter")
    assert trial.asked("message.send") == []


def test_newlines_round_a_message_are_dropped_and_indents_kept(open_console):
    trial = open_console().press("newline").type("  code").press("newline", "newline", "enter")
    assert trial.asked("message.send")[0].text == "  code"


def test_a_connection_that_breaks_loses_nothing(open_console):
    trial = open_console()
    trial.service.do_message_send = lambda params: (_ for _ in ()).throw(ConnectionResetError("gone"))
    trial.type("keep me too").press("enter")
    assert "ConnectionResetError" in trial.text and "> keep me too" in trial.text
