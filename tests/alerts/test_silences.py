"""Silences: what they look at, and when they are over."""

import pytest

from alerts.silences import Aim, Silence, silencing
from alerts.stories import StoryId
from tests.builders import HOUR, MINUTE, NOW, article, match

STORY = StoryId("s1")


def silence(aim: Aim, value: str, number: int = 1, hours: int = 1) -> Silence:
    return Silence(number, aim, value, NOW - HOUR, NOW + hours * HOUR, "ann")


@pytest.mark.parametrize(
    ("aim", "value"),
    [
        (Aim.WATCH, "pact"),
        (Aim.RULE, "core"),
        (Aim.RULE, "pact/core"),
        (Aim.STORY, "s1"),
        (Aim.SOURCE, "herald"),
        (Aim.SITE, "example.org"),
        (Aim.AUTHOR, "Jo Writer"),
        (Aim.TERM, "openai"),
    ],
)
def test_a_silence_applies_to_what_it_names(aim: Aim, value: str) -> None:
    told = article(author="jo writer", link="https://news.example.org/a")
    assert silence(aim, value).applies(told, match(), STORY, NOW)
    assert not silence(aim, value + "x").applies(told, match(), STORY, NOW)


def test_a_silence_ends_by_itself() -> None:
    short = silence(Aim.SOURCE, "herald")
    assert not short.applies(article(), match(), STORY, NOW + HOUR)
    assert not short.applies(article(), match(), STORY, NOW - HOUR - MINUTE)


def test_of_several_the_longest_is_named() -> None:
    several = [silence(Aim.SOURCE, "herald", 1), silence(Aim.WATCH, "pact", 2, hours=5)]
    found = silencing(several, article(), match(), STORY, NOW)
    assert found is not None
    assert found.id == 2
