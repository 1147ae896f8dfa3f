"""Linting: what the past and the sources say of the rules."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from alerts.linting import ENOUGH_ARTICLES, PERIOD, Hindsight, Remark, without_words
from alerts.query import Members
from alerts.watches import Rule, Watch
from tests.builders import DAY, NOW, article

OTHER = "A headline about something else"


def watch(*queries: str) -> Watch:
    return Watch(id="w", rules=tuple(Rule(id=f"r{n}", query=query) for n, query in enumerate(queries)))


def remarks(
    titles: Iterable[str], *queries: str, sets: Mapping[str, Members] | None = None, days: int = 90
) -> list[Remark]:
    """What is said after a past of these headlines; `days`: how far back the archive reaches."""
    hindsight = Hindsight([watch(*queries)], sets or {})
    for n, title in enumerate(titles):
        hindsight.hear(article(title, id=n), NOW - DAY)
    return list(hindsight.remarks(NOW - days * DAY, NOW))


def codes(*given: object, **more: object) -> list[str]:
    return [remark.code for remark in remarks(*given, **more)]  # type: ignore[arg-type]


# ---- L4


def past(kept: int, dropped: int) -> list[str]:
    return ["OpenAI opens an office"] * kept + ["OpenAI and its lawsuit"] * dropped


def test_a_not_that_drops_much_of_the_past_is_named_with_share_and_example() -> None:
    [remark] = remarks(past(8, 4), "OpenAI NOT lawsuit")
    assert (remark.code, remark.severity, remark.place) == ("L4", "warning", ("watches", "w", "rules", "r0"))
    assert remark.message == (
        "NOT lawsuit drops 4 of 12 past matches (33 %), the last of them “OpenAI and its lawsuit”; "
        "EXCEPT would only strike out the words"
    )


@pytest.mark.parametrize(
    ("kept", "dropped", "warns"),
    [(8, 2, False), (79, 21, True), (80, 20, False), (4, 5, False), (5, 5, True), (0, 10, True)],
)
def test_a_fifth_of_at_least_ten_matches_may_be_dropped(kept: int, dropped: int, warns: bool) -> None:
    assert codes(past(kept, dropped), "OpenAI NOT lawsuit") == ["L4"] * warns


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("OpenAI NOT lawsuit", ["NOT lawsuit"]),
        ("title:(OpenAI NOT lawsuit)", ["NOT lawsuit"]),
        ("OpenAI AND title:(NOT lawsuit)", ["NOT lawsuit"]),
        ("@quiet OR nothing", ["NOT lawsuit"]),
        ("OpenAI NOT lawsuit NOT nothing", ["NOT lawsuit"]),
        ("OpenAI NOT (lawsuit NOT @calm)", ["NOT (lawsuit AND NOT @calm)"]),
        ("OpenAI EXCEPT (lawsuit NOT nothing)", []),
        ("OpenAI AND (office OR NOT lawsuit)", []),
        ("OpenAI NOT (office OR lawsuit)", ["NOT (office OR lawsuit)"]),
    ],
)
def test_it_is_the_not_that_takes_away_which_is_named(query: str, named: list[str]) -> None:
    sets: dict[str, Members] = {"quiet": "OpenAI NOT lawsuit", "calm": ["calm"]}
    found = remarks(past(10, 10), query, sets=sets)
    assert [remark.message.split(" drops ")[0] for remark in found if remark.code == "L4"] == named


def test_except_is_not_advised_where_no_words_are_excluded() -> None:
    [remark] = remarks(past(10, 0), "OpenAI NOT lang:en")
    assert "EXCEPT" not in remark.message


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"level": "alert"}, []),
        ({"level": "digest"}, ["L4"]),
        ({"level": "alert", "shadow": True}, ["L4"]),
    ],
)
def test_what_another_rule_tells_as_soon_is_not_dropped(other: dict[str, Any], said: list[str]) -> None:
    rules = (
        Rule(id="calm", query="OpenAI NOT lawsuit"),
        Rule(id="suits", query="OpenAI AND lawsuit", **other),
    )
    hindsight = Hindsight([Watch(id="w", rules=rules)], {})
    for n, title in enumerate(past(10, 10)):
        hindsight.hear(article(title, id=n), NOW)
    assert [remark.code for remark in hindsight.remarks(NOW, NOW)] == said


def test_an_article_that_a_later_wording_lets_in_is_not_dropped() -> None:
    hindsight = Hindsight([watch("OpenAI NOT lawsuit")], {})
    for title in ("OpenAI and its lawsuit", "OpenAI and its office"):
        for n in range(12):
            hindsight.hear(article(title, id=n), NOW)
    assert list(hindsight.remarks(NOW, NOW)) == []


# ---- L7


SETS: Mapping[str, Members] = {"firms": ["OpenAI*", "Microsoft", *(f"firm{n}" for n in range(12))]}


def test_terms_that_found_nothing_are_named_once_for_each_set() -> None:
    [remark] = remarks([OTHER, "OpenAI"] * ENOUGH_ARTICLES, "@firms", "title:@firms", sets=SETS)
    assert (remark.code, remark.severity, remark.place) == ("L7", "note", ("sets", "firms"))
    assert remark.message == (
        "13 of 14 terms found nothing in 2,000 articles since 2026-03-01: Microsoft, firm0, firm1, firm2, "
        "firm3, firm4, firm5, firm6, firm7, firm8 and 3 more"
    )


def test_a_term_written_in_a_rule_is_worth_a_warning() -> None:
    found = remarks([OTHER] * ENOUGH_ARTICLES, "headline", 'headline AND "open letter" AND something')
    assert [(r.code, r.severity, r.place) for r in found] == [
        ("L7", "warning", ("watches", "w", "rules", "r1"))
    ]
    assert "1 of 3 terms found nothing" in found[0].message
    assert '"open letter"' in found[0].message


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("OpenAI*", "Die OpenAIs dieser Welt"),
        ("{MS}", "Analysts expect MS to pay"),
        ('"right of refusal"', "A right of refusal"),
        ("微软", "昨天微软宣布了结果"),
        ("OpenAI", "ОpenАI with two Cyrillic letters"),
        ("y", "Uno y otro"),
        ("/Micro.?soft/", "Micro-soft, as they spelled it then"),
    ],
)
def test_a_term_found_once_is_alive(written: str, title: str) -> None:
    query = f"{written} OR headline"
    assert codes([OTHER] * ENOUGH_ARTICLES + [title], query) == []
    assert codes([OTHER] * ENOUGH_ARTICLES + ["Nothing of it"], query) == ["L7"]


def test_letters_that_are_no_word_keep_no_term_alive() -> None:
    assert codes(["Overheadlines"] * ENOUGH_ARTICLES, "headline") == ["L7"]


def test_a_named_query_answers_for_its_own_terms() -> None:
    sets: dict[str, Members] = {"crowd": "@firms OR nobody", "firms": ["headline"]}
    [remark] = remarks([OTHER] * ENOUGH_ARTICLES, "@crowd", sets=sets)
    assert remark.place == ("sets", "crowd")


@pytest.mark.parametrize(
    ("articles", "days", "said"),
    [
        (ENOUGH_ARTICLES, PERIOD.days, ["L7"]),
        (ENOUGH_ARTICLES - 1, PERIOD.days, []),
        (ENOUGH_ARTICLES, PERIOD.days - 1, []),
    ],
)
def test_a_short_past_calls_no_term_dead(articles: int, days: int, said: list[str]) -> None:
    assert codes([OTHER] * articles, "nothing", days=days) == said


# ---- L9


def l9(members: Members, *languages: str | None, query: str = "@s") -> list[str]:
    found = without_words([watch(query)], {"s": members, "other": ["x"]}, languages)
    return [remark.message.partition(": ")[2] for remark in found]


@pytest.mark.parametrize(
    ("members", "languages", "missing"),
    [
        ({"en": ["deal"], "fr": ["accord"]}, ["en", "fr", "fr"], []),
        ({"en": ["deal"]}, ["en", "fr", "de", "fr"], ["de (1 source), fr (2 sources)"]),
        ({"latin": ["OpenAI"], "zh": ["微软"]}, ["en", "fr", "vi", "zh"], []),
        ({"latin": ["OpenAI"]}, ["en", "ru"], ["ru (1 source)"]),
        ({"cyrillic": ["Майкрософт*"]}, ["ru", "uk", "bg"], []),
        ({"ar": ["مايكروسوفت"]}, ["fa"], ["fa (1 source)"]),
        ({"en": ["deal"], "ja": []}, ["en", "ja"], ["ja (1 source)"]),
        ({"en": ["deal"]}, ["en-GB", "EN", None], []),
        ({"pt": ["acordo"], "no": ["avtale"]}, ["pt-BR", "nb"], []),
        ({"en": ["deal"]}, ["tlh"], ["tlh (1 source)"]),
        ({"any": ["OpenAI"], "ru": ["ОпенАИ"]}, ["en", "ja"], []),
        (["OpenAI"], ["ja"], []),
        ("OpenAI OR ChatGPT", ["ja"], []),
    ],
)
def test_a_set_by_language_leaves_out_none_that_is_spoken(
    members: Members, languages: list[str | None], missing: list[str]
) -> None:
    assert l9(members, *languages) == missing


def test_a_set_that_no_rule_uses_is_left_alone() -> None:
    assert l9({"en": ["deal"]}, "fr", query="@other") == []
