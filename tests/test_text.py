"""Remote text on the screen, and names. The lessons of Ricochet and OnionShare chat have tests of their own names."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onionchat import text
from onionchat.errors import LocalError
from onionchat.limits import NAME_MAX_CHARACTERS, TEXT_MAX_BYTES
from onionchat.text import (
    REPLACEMENT,
    clean_name,
    display_width,
    is_mixed_script,
    name_key,
    remote_name,
    safe_line,
    safe_text,
    skeleton,
    truncate_width,
)

# Every code point, surrogates included, with those that mean harm more often than chance would have it.
NASTY = (
    "\x00\x07\x08\x1b\r\n\t\x7f\x85\x9b\u00ad\u034f\u0301\u0336\u200b\u200d\u200e\u202e\u2028"
    "\u2066\u3000\ufe0f\ufeff\U000e0041\ud800👩👍🏽1\u20e3"
)
nasty_text = st.text(st.one_of(st.sampled_from(NASTY), st.characters(exclude_categories=[])), max_size=60)


def forbidden(character: str) -> bool:
    """Whether a terminal would obey this character, or nobody would see it. Joiners are looked at elsewhere."""
    if character in "\u200d\ufe0f":
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


# --- what every text goes through ---------------------------------------------------------------------
@given(nasty_text)
def test_nothing_that_a_terminal_obeys_passes(raw: str) -> None:
    shown = safe_line(raw)
    assert not any(forbidden(character) for character in shown)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert "\n" not in shown


@given(nasty_text)
def test_texts_keep_only_the_newline(raw: str) -> None:
    assert not any(forbidden(character) for character in safe_text(raw).replace("\n", ""))


@given(nasty_text)
def test_cleaning_twice_changes_nothing(raw: str) -> None:
    assert safe_line(safe_line(raw)) == safe_line(raw)
    assert safe_text(safe_text(raw)) == safe_text(raw)


@given(nasty_text)
def test_what_is_shown_is_nfc(raw: str) -> None:
    assert unicodedata.is_normalized("NFC", safe_text(raw))


def test_the_fast_path_lets_nothing_through_that_the_slow_one_would_change() -> None:
    for code in range(0x110000):
        character = chr(code)
        if text._UNUSUAL_IN_LINE.search(character) is None:
            assert text._safe(f"a{character}a") == f"a{character}a", hex(code)
            assert not unicodedata.combining(character), hex(code)


@pytest.mark.parametrize(
    "fine",
    [
        "Hello, Alice: 3 < 4 & <b>not markup</b>",
        "Grüße, «bien sûr», ¿qué?",
        "Привет, мир",
        "日本語のテキスト、한국어",
        "שלום עולם",
        "नमस्ते",
        "👩‍👩‍👧‍👦 👍🏽 1️⃣ ❤️ 🇩🇪",
    ],
)
def test_honest_text_in_many_languages_is_left_alone(fine: str) -> None:
    assert safe_line(fine) == fine
    assert safe_text(fine) == fine


# --- lessons ------------------------------------------------------------------------------------------
def test_ricochet_markup_in_a_nickname_is_only_characters() -> None:
    """An `<img>` in a nickname fetched a picture past Tor. Here it is five characters more in a name."""
    assert remote_name('<img src="http://192.0.2.1/x.png">') == '<img src="http://192.0.2.1/x.png">'


def test_onionshare_right_to_left_override_is_shown_not_obeyed() -> None:
    assert safe_line("invoice\u202excod.exe") == f"invoice{REPLACEMENT}xcod.exe"
    for control in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
        assert safe_line(f"a{control}b") == f"a{REPLACEMENT}b"
    for mark in "\u200e\u200f\u061c":
        assert safe_line(f"a{mark}b") == "ab"


def test_onionshare_escape_sequences_lose_their_escape() -> None:
    assert safe_line("\x1b[2J\x1b]0;owned\x07") == f"{REPLACEMENT}[2J{REPLACEMENT}]0;owned{REPLACEMENT}"


def test_c1_csi_of_one_byte_is_an_escape_too() -> None:
    assert safe_line("\x9b2J") == f"{REPLACEMENT}2J"
    assert all(safe_line(chr(code)) in (REPLACEMENT, " ") for code in (*range(0x20), *range(0x7F, 0xA0)))


def test_onionshare_trailing_blanks_make_no_second_bob() -> None:
    for name in ("Bob ", " Bob", "Bob\u00a0", "Bob\u3000", "Bob\t", "Bob  B"):
        with pytest.raises(LocalError):
            clean_name(name)
    assert remote_name("  Bob\u00a0 \u3000") == "Bob"


def test_onionshare_the_name_that_is_checked_is_the_name_that_is_kept() -> None:
    """A cleaned copy was checked and the raw one stored: so nothing is corrected, the raw name is refused."""
    with pytest.raises(LocalError):
        clean_name("Bo\u200bb")
    with pytest.raises(LocalError):
        clean_name("Bo\u0308b")  # not NFC
    assert clean_name("Böb") == "Böb"


@pytest.mark.parametrize("impostor", ["Воb", "Bоb", "ΒOB", "BᎾb".replace("Ꮎ", "Օ"), "Ｂob", "𝐁𝐨𝐛", "B0b"])
def test_onionshare_homoglyphs_have_the_skeleton_of_whom_they_play(impostor: str) -> None:
    assert impostor != "Bob"
    assert skeleton(impostor) == skeleton("Bob")


def test_zero_width_characters_are_dropped() -> None:
    for invisible in "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u115f\u1160\u3164\uffa0\u2800\ufe00\ufe0f":
        assert safe_line(f"Bo{invisible}b") == "Bob", hex(ord(invisible))


def test_zalgo_is_cut_to_three_marks() -> None:
    assert safe_line("z" + "\u0335\u0336\u0337\u0338" * 100 + "a") == "z\u0335\u0336\u0337a"


def test_a_mark_does_not_climb_on_what_stood_before_the_text() -> None:
    assert safe_line("\u0336x") == "◌\u0336x"
    assert safe_text("a\n\u0336x") == "a\n◌\u0336x"


def test_a_newline_forges_no_line_of_another_person() -> None:
    forged = "hi\n12:00 Carol: send it to me\r\n\x85\u2028\u2029\rx"
    assert safe_line(forged).splitlines() == ["hi 12:00 Carol: send it to me" + 5 * " " + "x"]
    assert safe_text("a\r\nb\rc\u2028d\u2029e\x85f") == "a\nb\nc\nd\ne\nf"
    with pytest.raises(LocalError):
        clean_name("Bob\nCarol")


def test_tag_characters_carry_nothing_along() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "secret")
    assert safe_line(f"hi{hidden}") == "hi"


def test_surrogates_private_and_unassigned_characters_are_replaced() -> None:
    assert safe_line("\ud83d\ude00\udcff\ue000\U000e0fff\uffff\u0378") == REPLACEMENT * 7


def test_emoji_joined_without_end_are_taken_apart() -> None:
    shown = safe_line("\u200d".join("👩" * 1000))
    assert display_width(shown) >= 2 * 1000 / (text.JOINS_MAX + 1)


def test_tabs_become_blanks() -> None:
    assert safe_text("a\tb") == "a b"


def test_the_largest_hostile_text_is_handled() -> None:
    raw = ("a\u0301\u200b" * TEXT_MAX_BYTES)[: TEXT_MAX_BYTES // 2]
    assert set(safe_text(raw)) <= {"á", "a"}


# --- widths -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("shown", "columns"),
    [
        ("", 0),
        ("abc", 3),
        ("Größe", 5),
        ("日本", 4),
        ("👍", 2),
        ("👩‍👩‍👧", 2),
        ("❤️", 2),
        ("x\u0336", 1),
        ("🇩🇪", 2),
        ("한", 2),
    ],
)
def test_widths_are_those_of_a_terminal(shown: str, columns: int) -> None:
    assert display_width(shown) == columns


@given(nasty_text, st.integers(0, 30))
def test_truncation_fits_and_tells(raw: str, columns: int) -> None:
    line = safe_line(raw)
    cut = truncate_width(line, columns)
    assert display_width(cut) <= columns
    assert cut == line or cut == "" or cut.endswith("…")


def test_truncation_does_not_cut_a_picture_in_two() -> None:
    assert truncate_width("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 5) == "👩‍👩‍👧👩‍👩‍👧…"
    assert truncate_width("日本語テキスト", 6) == "日本…"
    assert truncate_width("🇩🇪🇫🇷🇮🇹", 5) == "🇩🇪🇫🇷…"


# --- names --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name", ["Bob", "Bob from work", "Zoë", "Боб", "鈴木 一郎", "3", "x" * NAME_MAX_CHARACTERS, "👍"]
)
def test_good_names_are_returned_as_they_are(name: str) -> None:
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "empty"),
        ("x" * (NAME_MAX_CHARACTERS + 1), "at most 64"),
        ("/quit", '"/"'),
        ("--force", '"-"'),
        ("me", '"me"'),
        ("ME", '"me"'),
        ("mе", '"me"'),  # a Cyrillic letter
        ("\u202eboB", "cannot be seen"),
        (REPLACEMENT, "cannot be seen"),
        (" ", "blank"),
    ],
)
def test_each_bad_name_has_its_sentence(name: str, sentence: str) -> None:
    with pytest.raises(LocalError, match=sentence):
        clean_name(name)


@given(st.one_of(nasty_text, st.sampled_from(["me", "ME", "/me", "- me", "", "\u200b", "x" * 500, "👩\u200d" * 90])))
def test_a_remote_name_is_always_one_that_could_be_chosen(raw: str) -> None:
    assert clean_name(remote_name(raw)) == remote_name(raw)


def test_a_stranger_without_a_name_or_called_me() -> None:
    assert remote_name("\u200b") == "nameless"
    assert remote_name("me") == "(me)"
    assert remote_name("///rm -rf") == "rm -rf"
    assert len(remote_name("x" * 10_000)) == NAME_MAX_CHARACTERS


def test_name_keys_ignore_case_and_encoding_and_nothing_else() -> None:
    assert name_key("STRASSE") == name_key("straße")
    assert name_key("ﬁn") == name_key("Fin")
    assert name_key("Bob") != name_key("Воb")
    assert name_key("Muller") != name_key("Müller")


def test_skeletons_keep_different_names_apart() -> None:
    assert len({skeleton(name) for name in ("Bob", "Rob", "Bop", "Müller", "Muller", "Bob 2", "Алиса", "Alisa")}) == 8


@pytest.mark.parametrize(
    ("name", "mixed"), [("Воb", True), ("Боб", False), ("Bob 3", False), ("鈴木 Taro", False), ("αlice", True)]
)
def test_mixed_alphabets_are_seen(name: str, mixed: bool) -> None:
    assert is_mixed_script(name) is mixed
