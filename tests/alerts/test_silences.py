"""Silences: what they look at, and when they are over."""

from dataclasses import replace

import pytest

from alerts.evidence import Evidence
from alerts.silences import Aim, Condition, Silence, silencing
from alerts.stories import StoryId
from tests.builders import HOUR, MINUTE, NOW, article, match

STORY = StoryId("s1")
ARTICLE = article(author="jo writer", link="https://news.example.org/a")
MATCH = match(
    evidence=(Evidence("@openai", "title", 0, 6, "OpenAI"), Evidence("@ms", "title", 11, 18, "Copilot"))
)


def silence(*conditions: tuple[Aim, str], number: int = 1, hours: int = 1) -> Silence:
    named = tuple(Condition(*one) for one in conditions)
    return Silence(number, named, NOW - HOUR, NOW + hours * HOUR, "ann")


@pytest.mark.parametrize(
    ("conditions", "applies"),
    [
        ([(Aim.WATCH, "pact")], True),
        ([(Aim.RULE, "core")], True),
        ([(Aim.RULE, "pact/core")], True),
        ([(Aim.STORY, "s1")], True),
        ([(Aim.SOURCE, "herald")], True),
        ([(Aim.SITE, "example.org")], True),
        ([(Aim.AUTHOR, "Jo Writer")], True),
        ([(Aim.TERM, "openai")], True),
        ([(Aim.WATCH, "pac")], False),
        ([(Aim.RULE, "other/core")], False),
        ([(Aim.STORY, "s2")], False),
        ([(Aim.SOURCE, "example.org")], False),
        ([(Aim.SITE, "news.example.org")], False),
        ([(Aim.AUTHOR, "Jo")], False),
        ([(Aim.TERM, "@openai")], False),
        ([(Aim.RULE, "core"), (Aim.TERM, "Copilot")], True),
        ([(Aim.TERM, "OpenAI"), (Aim.TERM, "Copilot")], True),
        ([(Aim.RULE, "core"), (Aim.TERM, "Windows")], False),
        ([(Aim.SOURCE, "gazette"), (Aim.TERM, "Copilot")], False),
        ([(Aim.SOURCE, "herald"), (Aim.SOURCE, "gazette")], False),
    ],
    ids=lambda given: ", ".join(map(" ".join, given)) if isinstance(given, list) else "",
)
def test_a_silence_applies_where_all_it_names_holds(conditions: list[tuple[Aim, str]], applies: bool) -> None:
    found = silencing([silence(*conditions)], ARTICLE, "pact", MATCH, STORY, NOW)
    assert (found is not None) == applies


@pytest.mark.parametrize(
    ("conditions", "applies"),
    [
        ([(Aim.STORY, "s1")], True),
        ([(Aim.SOURCE, "herald"), (Aim.WATCH, "pact")], True),
        ([(Aim.RULE, "core")], False),
        ([(Aim.TERM, "OpenAI")], False),
    ],
)
def test_where_no_rule_holds_any_more_it_has_neither_rule_nor_term(
    conditions: list[tuple[Aim, str]], applies: bool
) -> None:
    found = silencing([silence(*conditions)], ARTICLE, "pact", None, STORY, NOW)
    assert (found is not None) == applies


@pytest.mark.parametrize(
    ("at", "applies"),
    [
        (NOW - HOUR - MINUTE, False),
        (NOW - HOUR, True),
        (NOW + HOUR - MINUTE, True),
        (NOW + HOUR, False),
    ],
)
def test_a_silence_begins_and_ends_by_itself(at: object, applies: bool) -> None:
    found = silencing([silence((Aim.SOURCE, "herald"))], ARTICLE, "pact", MATCH, STORY, at)  # type: ignore[arg-type]
    assert (found is not None) == applies


def test_of_several_the_longest_is_named() -> None:
    short = silence((Aim.SOURCE, "herald"))
    longer = replace(short, id=2, conditions=(Condition(Aim.WATCH, "pact"),), ends_at=NOW + 5 * HOUR)
    found = silencing([short, longer], ARTICLE, "pact", MATCH, STORY, NOW)
    assert found is longer
