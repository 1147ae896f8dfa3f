"""The script says what its reports are meant to say: to the watch that ships with Tocsin."""

from itertools import combinations, pairwise
from pathlib import Path

import pytest

import config
from alerts.matching import Match, Matcher
from alerts.stories import headlines
from alerts.watches import WatchesFile
from config.reading import read
from scheduler.demo import story
from scheduler.demo.story import Publish, Report
from tests.builders import article

SHIPPED = Path(str(config.__file__)).parent / "watches.yaml"


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    watches = read(SHIPPED, WatchesFile, {})
    return Matcher(watches.watches, watches.sets)


def matches(matcher: Matcher, report: Report, title: str | None = None) -> list[Match]:
    """With its first paragraph only, as the feeds announce it."""
    return matcher.match(article(title or report.title, text=report.paragraphs[0]))


@pytest.mark.parametrize("report", [r for r in story.NEW if r.event], ids=lambda report: report.slug)
def test_a_report_of_an_event_rings_the_watch_that_ships(matcher: Matcher, report: Report) -> None:
    assert [(m.watch, m.level) for m in matches(matcher, report)] == [(story.WATCH, "alert")]


def test_a_rewritten_headline_still_matches(matcher: Matcher) -> None:
    assert matches(matcher, story.LONGER_PACT, story.LONGER_PACT_REWRITTEN)


def test_what_is_not_to_be_told_does_not_match(matcher: Matcher) -> None:
    assert matches(matcher, story.READING_ROOM) == []
    assert [r.slug for r in story.PAST if matches(matcher, r)] == [story.PAST[0].slug]


def test_different_events_share_no_headline() -> None:
    for one, other in combinations([r for r in story.NEW if r.event], 2):
        if one.event != other.event:
            assert not headlines(one.title) & headlines(other.title)


def test_each_new_report_is_published_once_and_scenes_are_in_order() -> None:
    published = [act.report for scene in story.SCENES for act in scene.acts if isinstance(act, Publish)]
    assert sorted(r.title for r in published) == sorted(r.title for r in story.NEW)
    assert all(one.at < two.at for one, two in pairwise(story.SCENES))
    assert story.SCENES[-1].at < story.END < story.LENGTH


def test_a_text_is_its_paragraphs_without_the_folding_of_the_source() -> None:
    assert len(story.LONGER_PACT.paragraphs) == 3
    assert all(p == p.strip() and "\n" not in p and "  " not in p for p in story.LONGER_PACT.paragraphs)
