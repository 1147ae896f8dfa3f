"""Likeness: what speaks for and against two articles telling of one event."""

from typing import Any

import pytest

from alerts.features import Traits
from alerts.likeness import NOTHING, Likeness, in_common, like, like_story

WATCH = frozenset({"pact"})


def traits(**given: Any) -> Traits:
    return Traits(**{"watches": WATCH, **{k: frozenset(v.split()) for k, v in given.items()}})


def score(one: Traits, other: Traits) -> float:
    points = sum(point.weight for point in like(one, other))
    assert points == pytest.approx(sum(point.weight for point in like(other, one)))
    return points


ACT = {"top_acts": "sues", "acts": "sues"}


@pytest.mark.parametrize(
    ("one", "other", "joins"),
    [
        (ACT, ACT, True),
        ({"papers": "ft"}, {"papers": "ft"}, True),
        ({"papers": "ft", "themes": "stake"}, {"papers": "wsj", "themes": "stake"}, False),
        (ACT, {"top_acts": "hires", "acts": "hires"}, False),
        (ACT, {"acts": "sues"}, True),
        ({"themes": "stake"}, {"themes": "stake"}, True),
        ({}, {}, False),
        ({"top_parties": "oracle", "parties": "oracle", "themes": "stake"}, {"themes": "stake"}, True),
        (
            {"top_parties": "oracle", "parties": "oracle", "themes": "stake"},
            {"top_parties": "google", "parties": "google", "themes": "stake"},
            False,
        ),
        (
            {"top_parties": "oracle", "parties": "oracle"},
            {"top_parties": "oracle google", "parties": "oracle google"},
            True,
        ),
        ({"amounts": "3e10", "top_amounts": "3e10"}, {"amounts": "3e10", "top_amounts": "3e10"}, True),
        (
            {"themes": "stake", "amounts": "2e10", "top_amounts": "2e10"},
            {"themes": "stake", "amounts": "9e10", "top_amounts": "9e10"},
            False,
        ),
        ({"names": "guthrie scott"}, {"names": "scott guthrie"}, True),
        ({"words": "a b c d"}, {"words": "a b c e"}, True),
        ({"words": "a b c d e f g h i j k l"}, {"words": "a m n o p q r s t u v w"}, False),
    ],
)
def test_what_ties_two_articles_of_a_watch(one: dict[str, str], other: dict[str, str], joins: bool) -> None:
    assert (score(traits(**one), traits(**other)) > 0) is joins


def test_the_same_watch_alone_ties_nothing() -> None:
    assert "next to nothing in common" in [point.what for point in like(traits(), traits())]


def test_without_a_common_watch_more_must_be_shared() -> None:
    one, other = traits(**ACT), Traits(watches=frozenset({"chips"}), top_acts=one_act(), acts=one_act())
    assert score(one, one) > score(one, other)


def one_act() -> frozenset[str]:
    return frozenset({"sues"})


def test_the_busier_a_watch_the_more_must_be_shared() -> None:
    member = [traits(themes="stake")]
    quiet, busy = (like_story(traits(themes="stake"), member, stories).score for stories in (1, 30))
    assert quiet > 0 > busy - 0.5
    assert busy < quiet


def test_a_story_is_its_nearer_half() -> None:
    near, far = traits(**ACT), traits(top_acts="hires", acts="hires")
    assert like_story(near, [near, near, far, far], 1).score == like_story(near, [near], 1).score


def test_the_reasons_are_said() -> None:
    said = str(like_story(traits(papers="ft", **ACT), [traits(papers="ft", **ACT)], 2))
    for reason in (
        "the same watch (pact) +1.7",
        "act (sues) +1.5",
        "goes back to (ft) +1.5",
        "2 open stories -0.2",
    ):
        assert reason in said


def test_likeness_comes_back_from_the_ledger_as_it_went() -> None:
    one = like_story(traits(**ACT), [traits(**ACT)], 3)
    assert Likeness.from_json(one.to_json()) == one


def busy(notice: frozenset[str]) -> list[list[Traits]]:
    """Seven open stories; the phrases of a notice stand below the articles of all but the first."""
    first = Traits(words=frozenset({"court"}), copy=tuple(range(24)))
    return [[first], *([Traits(words=notice | {f"own{n}"}, copy=tuple(range(24)))] for n in range(6))]


def test_what_the_other_open_stories_have_too_counts_for_less() -> None:
    notice = frozenset({"cookie", "newsletter"})
    one = Traits(words=notice | {"court"}, copy=tuple(range(24)))
    first, second, *_ = in_common(one, busy(notice))
    assert first.rarity({"court"}) == 1
    assert second.rarity(notice) < 0.2
    weights = {point.what: point.weight for point in like(one, busy(notice)[1][0], second)}
    assert "text" not in weights
    assert weights["words"] < 0.3


def test_where_few_stories_are_open_what_they_share_may_be_chance() -> None:
    notice = frozenset({"cookie"})
    assert in_common(Traits(words=notice), busy(notice)[:5]) == [NOTHING] * 5
