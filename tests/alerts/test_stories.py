"""Stories: which articles are one."""

from datetime import timedelta

import pytest

from alerts.matching import Evidence
from alerts.stories import HEADLINE_LIFE, Known, StoryId, Tie, features, headlines, join, opened_by
from tests.builders import HOUR, MINUTE, NOW, article, match

ONE, TWO = StoryId("one"), StoryId("two")
HEADED = match()
DEEP = match(evidence=(Evidence("@openai", "body", 3, 9, "OpenAI"),), title_spans=())
PACT = "OpenAI and Microsoft sign a new pact"


def known(story: StoryId, feature: str, age: timedelta = HOUR) -> Known:
    return Known(story, feature, NOW - age)


@pytest.mark.parametrize(
    "again",
    [
        "OpenAI and Microsoft sign a new pact",
        "OpenAI and Microsoft sign a new pact - The Herald",
        "OpenAI and Microsoft sign a new pact | herald.example",
        "OPENAI AND MICROSOFT SIGN A NEW PACT!",
        "Update: OpenAI and Microsoft sign a new pact",
        "UPDATE 2: OpenAI and Microsoft sign a new pact - The Herald",
        "OpenAI and Microsoft sign a new pact [corrected]",
        "OpenAI  and Microsoft sign “a new” pact",
    ],
)
def test_a_headline_is_the_same_whoever_prints_it(again: str) -> None:
    assert headlines(PACT) & headlines(again)


@pytest.mark.parametrize(
    "other", ["OpenAI and Microsoft sign no pact", "OpenAI and Microsoft sign a new pact 2"]
)
def test_another_headline_is_another(other: str) -> None:
    assert not headlines(PACT) & headlines(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Explained: OpenAI and Microsoft", "Analysis: OpenAI and Microsoft"),
        ("OpenAI - Microsoft", "OpenAI - Oracle"),
        ("Live: OpenAI sues", "OpenAI sues"),
    ],
)
def test_what_is_left_of_a_headline_must_say_enough(one: str, other: str) -> None:
    assert not headlines(one) & headlines(other)


def test_a_headline_that_carries_nothing_of_the_match_ties_nothing() -> None:
    told = article("The day in technology, in brief")
    assert not any(f.startswith("headline:") for f in features(told, [DEEP]))
    assert any(f.startswith("headline:") for f in features(told, [HEADED]))


def test_a_headline_of_a_word_or_two_ties_nothing() -> None:
    assert not any(f.startswith("headline:") for f in features(article("OpenAI now"), [HEADED]))


def test_a_headline_of_a_few_han_characters_says_enough() -> None:
    assert any(f.startswith("headline:") for f in features(article("微软与OpenAI续约"), [HEADED]))


def test_nothing_known_is_a_new_story() -> None:
    assert join([], NOW) is None


def test_an_address_outweighs_a_headline() -> None:
    joined = join([known(ONE, "headline:x", 3 * HOUR), known(TWO, "address:y")], NOW)
    assert joined is not None
    assert (joined.story, joined.tie) == (TWO, Tie.SAME_ADDRESS)


def test_of_two_stories_the_older_wins_in_either_order() -> None:
    both = [known(ONE, "headline:x", MINUTE), known(TWO, "headline:y", HOUR)]
    assert join(both, NOW) == join(both[::-1], NOW)
    assert join(both, NOW).story == TWO  # type: ignore[union-attr]


def test_the_same_headline_after_two_days_is_a_new_story() -> None:
    assert join([known(ONE, "headline:x", HEADLINE_LIFE + MINUTE)], NOW) is None
    assert join([known(ONE, "address:x", 30 * HEADLINE_LIFE)], NOW) is not None


def test_the_same_row_in_another_database_opens_another_story() -> None:
    assert opened_by(article(id=1, seen=NOW)) != opened_by(article(id=1, seen=NOW + MINUTE))


LEAD = "As OpenAI told its staff on Monday, the agreement with Microsoft will be written anew by the summer."


def passages(text: str, start: int | None = None) -> set[str]:
    at = text.index("OpenAI") if start is None else start
    found = match(evidence=(Evidence("@openai", "body", at, at + 6, "OpenAI"),), title_spans=())
    told = article("The day in technology", text=text)
    return {f for f in features(told, [found]) if f.startswith("passage:")}


@pytest.mark.parametrize(
    "again",
    [
        "  " + LEAD.replace(",", " –")[:105] + "…",
        "The day in technology\n2026-11-24\n" + LEAD,
        "Good morning. " + LEAD + " Nobody was surprised.",
    ],
)
def test_two_texts_with_one_passage_are_one_whatever_heads_them(again: str) -> None:
    assert passages(LEAD) == passages(again) != set()


def test_what_a_text_says_elsewhere_ties_nothing() -> None:
    other = LEAD.replace("Monday", "Friday")
    assert not passages(f"{LEAD} And that is all.") & passages(f"{other} And that is all.")


def test_a_turn_of_phrase_is_no_passage() -> None:
    assert passages("As OpenAI told its staff on Monday") == set()


def test_a_dense_script_says_as_much_in_half_the_letters() -> None:
    lead = "微软与OpenAI周一宣布双方将重新签订云服务协议并调整收入分成比例同时扩大数据中心合作范围到年底"
    assert passages(lead) == passages("今日要闻。" + lead + "。更多内容请见明日报道。") != set()
