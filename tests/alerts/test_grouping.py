"""Grouping: how well articles are grouped into stories, held to floors."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from random import Random
from time import perf_counter

import pytest

from alerts.evaluation import read_corpus
from alerts.features import EventsFile, Reader
from alerts.grouping import Arrival, Grouped, arrivals, b_cubed, figures, group, pairs, when
from alerts.matching import Matcher
from alerts.stories import StoryHabits, When
from alerts.watches import WatchesFile
from config.reading import read

ROOT = Path(__file__).parents[2]
DEV = ROOT.parent / "shared" / "corpus" / "dev.jsonl"
HABITS = StoryHabits()


def order(path: Path) -> list[Arrival]:
    events = read(ROOT / "config" / "events.yaml", EventsFile, {})
    watches = read(ROOT / "config" / "watches.yaml", WatchesFile, {})
    return arrivals(list(read_corpus(path)), Reader(events), Matcher(watches.watches, watches.members()))


@pytest.fixture(scope="module")
def golden() -> list[Arrival]:
    """Twelve invented events in nineteen languages, some of them near each other."""
    return order(ROOT / "tests" / "golden" / "stories.jsonl")


def test_invented_events_are_told_apart_and_each_is_one_story(golden: list[Arrival]) -> None:
    found = figures(golden, HABITS)
    assert (found["items"], found["stories"]) == (71, 12)
    assert found["f1"] >= 0.90
    assert found["precision"] >= 0.92
    assert found["across_languages"]["recall"] >= 0.85


@pytest.mark.skipif(not DEV.is_file(), reason="no corpus lies beside this checkout")
def test_labelled_stories_are_found_again_whatever_their_order() -> None:
    items = order(DEV)
    found = [figures(shuffled(items, seed), HABITS) for seed in range(5)]
    assert min(one["f1"] for one in found) >= 0.84
    assert sum(one["f1"] for one in found) / 5 >= 0.88
    assert min(one["precision"] for one in found) >= 0.92


def shuffled(items: Sequence[Arrival], seed: int) -> list[Arrival]:
    """Another order of arrival: each a few hours later than it was, or on another day of its month."""
    chance = Random(seed)
    late = timedelta(hours=6)
    turns = [(one.at.first + (one.at.last - one.at.first + late) * chance.random(), one) for one in items]
    return [one for _, one in sorted(turns, key=lambda turn: turn[0])]


def together(grouped: Grouped) -> set[tuple[str, str]]:
    return {
        (a, b)
        for a, b in combinations(sorted(grouped.stories), 2)
        if grouped.stories[a] == grouped.stories[b]
    }


def test_the_order_of_arrival_changes_little(golden: list[Arrival]) -> None:
    first, possible = together(group(golden, HABITS)), len(golden) * (len(golden) - 1) / 2
    for seed in range(6):
        other = together(group(shuffled(golden, seed), HABITS))
        assert len(first ^ other) <= 0.03 * possible
        assert len(first & other) >= 0.8 * len(first | other)


def test_the_same_order_gives_the_same_stories(golden: list[Arrival]) -> None:
    assert group(golden, HABITS) == group(golden, HABITS)


def test_an_article_costs_no_more_however_many_came_before(golden: list[Arrival]) -> None:
    year = timedelta(days=365)
    many = [
        Arrival(one.item, one.traits, When.at(one.at.first + n * year)) for n in range(16) for one in golden
    ]
    few = many[: len(many) // 2]
    group(few, HABITS)

    def cost(items: list[Arrival]) -> float:
        start = perf_counter()
        group(items, HABITS)
        return (perf_counter() - start) / len(items)

    assert min(cost(many) for _ in range(3)) < 1.6 * min(cost(few) for _ in range(3))


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        (
            "2027-03-02T14:10:00Z",
            datetime(2027, 3, 2, 14, 10, tzinfo=UTC),
            datetime(2027, 3, 2, 14, 10, tzinfo=UTC),
        ),
        ("2027-03-02", datetime(2027, 3, 2, tzinfo=UTC), datetime(2027, 3, 2, tzinfo=UTC)),
        ("2024-02", datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 2, 29, 23, 59, tzinfo=UTC)),
        ("2025", datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 12, 31, 23, 59, tzinfo=UTC)),
    ],
)
def test_a_time_is_as_exact_as_it_is_written(written: str, first: datetime, last: datetime) -> None:
    assert when(written) == When(first, last)


def test_what_is_no_time_is_none() -> None:
    assert when("last week") is None


def test_b_cubed_counts_what_stands_beside_each_article() -> None:
    wanted = {"a": "x", "b": "x", "c": "y"}
    assert b_cubed({"a": "1", "b": "1", "c": "2"}, wanted) == (1, 1)
    assert b_cubed({"a": "1", "b": "2", "c": "3"}, wanted) == (1, pytest.approx(2 / 3))
    assert b_cubed({"a": "1", "b": "1", "c": "1"}, wanted) == (pytest.approx(5 / 9), 1)
    assert b_cubed({}, {}) is None


def test_pairs_are_counted_only_across_languages() -> None:
    wanted = {"a": "x", "b": "x", "c": "x"}
    languages = {"a": "en", "b": "en", "c": "fr"}
    assert pairs({"a": "1", "b": "2", "c": "2"}, wanted, languages) == (1, 0.5)
