"""Stories: which articles are one."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.evidence import Evidence
from alerts.features import Traits
from alerts.likeness import Likeness
from alerts.stories import (
    HEADLINE_LIFE,
    UNITES,
    Joined,
    Known,
    Member,
    Near,
    Standing,
    StoryHabits,
    StoryId,
    Tie,
    When,
    before,
    features,
    headlines,
    join,
    opened_by,
    place,
)
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


# --- by likeness

HABITS = StoryHabits()
SUIT = {"top_acts": frozenset({"sues"}), "acts": frozenset({"sues"}), "watches": frozenset({"pact"})}


def suit(**changes: frozenset[str]) -> Traits:
    return Traits(**{**SUIT, **changes})


def standing(
    story: StoryId, age: timedelta = HOUR, *members: Traits, first: timedelta | None = None
) -> Standing:
    told = tuple(Member(n, traits) for n, traits in enumerate(members or (suit(),), 1))
    return Standing(story, NOW - (first or age), NOW - age, told)


def placed(traits: Traits, *stories: Standing, known: tuple[Known, ...] = (), **more: Any) -> Joined:
    return place(traits, When.at(NOW), known, stories, NEW, NOW, HABITS, **more)


NEW = StoryId("new")


def test_an_article_joins_the_open_story_it_is_like() -> None:
    joined = placed(suit(), standing(ONE), standing(TWO, HOUR, Traits(watches=frozenset({"pact"}))))
    assert (joined.story, joined.tie) == (ONE, Tie.ALIKE)
    assert joined.likeness is not None
    assert joined.likeness.score > 0
    assert [one.story for one in joined.nearly] == [TWO]


def test_an_article_like_no_story_opens_one_and_says_what_it_nearly_joined() -> None:
    other = suit(top_acts=frozenset({"hires"}), acts=frozenset({"hires"}))
    joined = placed(other, standing(ONE))
    assert (joined.story, joined.tie) == (NEW, Tie.FOUNDER)
    assert joined.nearly[0].story == ONE
    assert joined.nearly[0].likeness.score < 0


@pytest.mark.parametrize(
    ("last", "first", "is_open"),
    [
        (timedelta(hours=47), timedelta(hours=47), True),
        (timedelta(hours=49), timedelta(hours=49), False),
        (HOUR, timedelta(days=13), True),
        (HOUR, timedelta(days=15), False),
        (-timedelta(hours=47), -timedelta(hours=47), True),
        (-timedelta(hours=49), -timedelta(hours=49), False),
    ],
)
def test_a_story_closes_after_two_quiet_days_and_after_two_weeks(
    last: timedelta, first: timedelta, is_open: bool
) -> None:
    assert standing(ONE, last, first=first).is_open(When.at(NOW), HABITS) is is_open
    assert (placed(suit(), standing(ONE, last, first=first)).story == ONE) is is_open


def test_a_certain_tie_outweighs_likeness() -> None:
    joined = placed(suit(), standing(ONE), known=(known(TWO, "address:y"),))
    assert (joined.story, joined.tie) == (TWO, Tie.SAME_ADDRESS)


def test_an_article_like_two_stories_unites_them_if_they_are_like_each_other() -> None:
    joined = placed(suit(), standing(TWO), standing(ONE, 2 * HOUR))
    assert joined.story == ONE
    assert joined.unites is not None
    assert joined.unites.story == TWO


def test_what_somebody_split_is_never_united() -> None:
    apart = {frozenset({ONE, TWO})}
    joined = placed(suit(), standing(TWO), standing(ONE, 2 * HOUR), apart=apart)
    assert joined.unites is None


def test_stories_that_are_not_like_each_other_stay_two_whatever_lies_between() -> None:
    one, other = (suit(papers=frozenset({paper})) for paper in ("ft", "wsj"))
    between = suit()
    joined = placed(between, standing(ONE, HOUR, one), standing(TWO, HOUR, other))
    assert joined.unites is None


def test_as_long_as_nobody_has_heard_of_one_less_makes_two_stories_one() -> None:
    court = suit(top_parties=frozenset({"court"}))
    there = (standing(ONE, 2 * HOUR), standing(TWO, HOUR, court), standing(StoryId("three"), HOUR, Traits()))
    heard = placed(suit(), *there)
    waiting = placed(suit(), *there, unheard={TWO})
    assert heard.unites is None
    assert waiting.unites is not None
    assert waiting.unites.likeness.score < UNITES


def test_what_nobody_has_heard_of_is_held_against_its_nearest_whatever_the_article_says() -> None:
    tied = (Known(ONE, "address:https://herald.example/a", NOW),)
    there = (standing(ONE, 2 * HOUR), standing(TWO))
    assert placed(Traits(), *there, known=tied).unites is None
    waiting = placed(Traits(), *there, known=tied, unheard={TWO})
    assert (waiting.story, waiting.unites and waiting.unites.story) == (ONE, TWO)


def test_a_copy_is_known_as_one_of_the_article_it_was_made_from() -> None:
    text = tuple(range(24))
    joined = placed(suit(copy=text), standing(ONE, HOUR, suit(), suit(copy=text)))  # type: ignore[arg-type]
    assert joined.origin == 2
    assert placed(suit(), standing(ONE)).origin is None


def test_a_new_story_goes_on_with_a_closed_one_only_on_much_in_common() -> None:
    closed = [standing(ONE, timedelta(days=20), suit(papers=frozenset({"ft"})))]
    assert before(suit(papers=frozenset({"ft"})), closed) == ONE
    assert before(suit(), [standing(ONE, timedelta(days=20), Traits())]) is None


@pytest.mark.parametrize(
    ("tie", "score", "rival", "doubtful"),
    [
        (Tie.ALIKE, 2.0, 0.5, False),
        (Tie.ALIKE, 0.4, -2.0, True),
        (Tie.ALIKE, 2.0, 1.8, True),
        (Tie.SAME_TEXT, 0.4, -2.0, True),
        (Tie.SAME_ADDRESS, 0.4, 0.3, False),
        (Tie.FOUNDER, -0.1, -0.2, False),
    ],
)
def test_what_joins_by_little_or_nearly_joined_another_is_doubtful(
    tie: Tie, score: float, rival: float, doubtful: bool
) -> None:
    assert Joined(ONE, tie, Likeness(score), nearly=(Near(TWO, Likeness(rival)),)).doubtful is doubtful
