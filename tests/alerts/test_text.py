"""Text: folding, boundaries, counting, and the way back to the original."""

import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.text import Script, Text, fold, joined, script, words_of

INVISIBLE = ["\u00ad", "\u200b", "\u200c", "\u200d", "\u200e", "\u202e", "\u2060", "\ufeff"]

# Pieces that are awkward to fold, among ordinary ones.
pieces = st.sampled_from(
    [
        "OpenAI",
        "Microsoft",
        " ",
        ". ",
        "\n\n",
        "é",
        "e\u0301",
        "ß",
        "ﬁ",
        "…",
        "™",
        "İ",
        "i\u0307",
        "ﾊﾞ",
        "ガ",
        "ｱ",
        "한",
        "\u1112\u1161\u11ab",
        "微软",
        "ไมโครซอฟท์",
        "กำ",
        "ومايكروسوفت",
        "مـا",
        "लोकतंत्र",
        "½",
        "\u0344",
        "ΐ",
        "𝓞𝓹𝓮𝓷",
        "Ａ",
        "²",
        "’",
        "\u0301",
        "ŉ",
        *INVISIBLE,
    ],
)
texts = st.one_of(st.lists(pieces, max_size=30).map("".join), st.text(max_size=60))


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("OpenAI", "openai"),
        ("ＯｐｅｎＡＩ", "openai"),
        ("Open\u00adAI", "openai"),
        ("O\u200bpen\u2060AI\ufeff", "openai"),
        ("MİCROSOFT", "microsoft"),
        ("Straße", "strasse"),
        ("re\u0301ne\u0301goce", "rénégoce"),
        ("OpenAI™", "openai "),
        ("مايكروسوفـت", "مايكروسوفت"),
        ("\u0627\u0653ي", "آي"),
    ],
)
def test_what_looks_alike_to_a_reader_folds_alike(written: str, folded: str) -> None:
    assert fold(written) == folded


@given(texts)
@example("أوبن إيه آي")
def test_text_in_any_normal_form_folds_alike(raw: str) -> None:
    assert fold(unicodedata.normalize("NFD", raw)) == fold(unicodedata.normalize("NFC", raw))


@given(texts)
def test_the_words_of_a_term_are_words_of_a_text_that_says_it(raw: str) -> None:
    assert " ".join(words_of(raw)) in " ".join(words_of(f"before {raw} behind"))


@given(texts)
@example("\u0301OpenAI")
@example("İ…OpenAI")
@example("\u1112\u1161\u11abOpenAI")
def test_the_way_back_never_runs_backwards_or_out_of_the_text(raw: str) -> None:
    text = Text(raw)
    spans = [text.span(at, at + 1) for at in range(len(text.folded))]
    assert all(0 <= start <= end <= len(raw) for start, end in spans)
    assert spans == sorted(spans)


@given(st.text(max_size=25), st.text(max_size=25))
def test_evidence_is_never_moved_off_its_word(before: str, after: str) -> None:
    raw = f"{before} OpenAI {after}"
    text = Text(raw)
    start = text.folded.index("openai")
    first, last = text.span(start, start + 6)
    assert fold(raw[first:last]) == "openai"


@given(
    st.lists(st.sampled_from(INVISIBLE), min_size=6, max_size=6),
    st.sampled_from(["é… ", "ﬁ ", "한국 ", "", "e\u0301 "]),
)
def test_invisible_characters_neither_hide_a_word_nor_widen_it(sprinkled: list[str], before: str) -> None:
    word = "".join(letter + invisible for letter, invisible in zip("OpenAI", sprinkled, strict=True))
    text = Text(f"{before}{word} x")
    start = text.folded.index("openai")
    first, last = text.span(start, start + 6)
    assert text.raw[first] == "O"
    assert text.raw[last - 1] == "I"


@pytest.mark.parametrize(
    ("left", "right", "one_word"),
    [
        ("a", "b", True),
        ("a", "1", True),
        ("1", "a", True),
        ("a", " ", False),
        ("a", "'", False),
        ("a", "_", False),
        ("与", "o", False),
        ("i", "合", False),
        ("а", "o", False),
        ("ा", "क", True),
        ("한", "국", True),
        ("i", "와", False),
        ("ي", "o", False),
        ("微", "软", False),
        ("a", "\u0301", True),
        ("ไ", "ม", False),
        ("日", "1", False),
    ],
)
def test_a_word_ends_where_its_script_ends(left: str, right: str, one_word: bool) -> None:
    assert joined(left, right) is one_word


@pytest.mark.parametrize(
    ("character", "expected"),
    [
        ("a", Script.LATIN),
        ("я", Script.CYRILLIC),
        ("ω", Script.GREEK),
        ("ש", Script.HEBREW),
        ("م", Script.ARABIC),
        ("म", Script.INDIC),
        ("한", Script.HANGUL),
        ("漢", Script.HAN),
        ("ー", Script.KANA),
        ("ไ", Script.THAI),
        ("7", Script.DIGIT),
        ("-", Script.NONE),
        ("・", Script.NONE),
        ("გ", Script.OTHER),
    ],
)
def test_every_letter_has_a_class(character: str, expected: Script) -> None:
    assert script(character) is expected


@pytest.mark.parametrize(
    ("between", "words"),
    [
        ("", 0),
        (" and ", 1),
        (", which owns part of ", 4),
        (" — ", 0),
        (" it's ", 1),
        ("正在投资", 2),
        ("が出資", 2),
        ("\n\n", 10),
        (" said.\n\nThen ", 12),
        ("\n", 0),
        (" 2019 ", 1),
    ],
)
def test_words_between_two_names_are_counted(between: str, words: int) -> None:
    text = Text(f"OpenAI{between}Microsoft")
    assert text.words_between(6, text.folded.index("microsoft")) == words


def test_the_lead_is_the_first_sixty_words() -> None:
    text = Text(" ".join(f"w{number}" for number in range(100)))
    assert text.folded[: text.lead_end].endswith(" w59")
    assert Text("short").lead_end == 5


@pytest.mark.parametrize("spoofed", ["ОpenАI", "Оpеnai", "Miсrоsоft", "Μicrosοft", "OpenАI"])
def test_letters_of_another_script_are_seen_through(spoofed: str) -> None:
    unmasked = Text(f"about {spoofed} today").unmasked
    assert unmasked in {"about openai today", "about microsoft today"}


@pytest.mark.parametrize(
    "honest", ["OpenAI", "партнёрство с OpenAI", "OpenAI-й", "Ελλάδα και OpenAI", "в OpenAI и в Microsoft"]
)
def test_honest_words_are_left_alone(honest: str) -> None:
    assert Text(honest).unmasked is None


def test_words_are_counted_no_further_than_needed() -> None:
    assert Text("one two three").count_words(2) == 2
    assert Text("one").count_words(9) == 1
    assert Text("").count_words(9) == 0


@pytest.mark.parametrize(
    "marked",
    [
        "OpenAI pays.| Microsoft waits!| Why?| (Nobody knows.)| Thus it is.",
        "He left “for good.”| Nobody saw it …| She stayed.",
        "The U.S. firm and Mr. Lark met S. Nadella vs. Dr. Owl.| They spoke.",
        "He wrote it on X.| Then he left.",
        "Am 3. März kommt Nr. 5, am 14. November der Rest.| So ist es.",
        "It runs on Windows 11.| It may pay.",
        "Version 2.5 of it is out, e.g. in Turin.| Fine.",
        "昨天下雨。|「微软说。」|真的！|OpenAI呢？|明天晴",
        "米マイクロソフトが発表した。|株価は上がった。|",
        "यह समझौता है।| माइक्रोसॉफ्ट चुप है।|",
        "قالت مايكروسوفت نعم؟| ثم صمتت۔| OpenAI وقعت.",
        "И. Маск ушёл.| Он молчит.",
        "A line without a full stop\n|and another",
        "It was OpenAI.\u200b| \u200fMicrosoft came.",
    ],
)
def test_a_text_falls_into_its_sentences(marked: str) -> None:
    text = Text(marked.replace("|", ""))
    assert "|".join(text.raw[start:end] for start, end in sentences(text)) == marked.removesuffix("|")
    last = len(text.raw) - 1
    assert Text(text.raw).sentence(last) == text.sentence(last)


def sentences(text: Text) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(text.raw):
        start, at = text.sentence(at)
        yield start, at


@given(texts)
@example("İİ\u0307i\u0307I\u0307 ßﬁ OpenAI")
def test_each_character_with_its_capitals_folds_to_its_place(raw: str) -> None:
    text = Text(raw)
    for at, character in enumerate(text.cased):
        start, end = text.folded_span(at, at + 1)
        assert fold(character) == text.folded[start:end]
    assert text.folded_span(0, len(text.cased)) == (0, len(text.folded))


@given(texts, texts)
def test_two_places_are_in_one_sentence_unless_one_ends_between_them(before: str, between: str) -> None:
    text = Text(f"{before} Lark {between} Owl")
    last, first = text.raw.rindex("Lark") + 3, text.raw.rindex("Owl")
    parted = any(last < end <= first for _, end in sentences(text))
    assert text.in_one_sentence(text.folded.rindex("lark") + 4, text.folded.rindex("owl")) is not parted
