"""When a source that answers is silent, judged by its own rhythm."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from crawler.rhythms import Heard, Rhythm, learn, usually

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEKS = 12

Rate = Callable[[datetime], float]  # entries an hour


def paper(at: datetime) -> float:
    """Forty a day, nearly all of them by day."""
    return 2.4 if 6 <= at.hour < 22 else 0.2


def authority(at: datetime) -> float:
    """Office hours."""
    return 1.5 if at.weekday() < 5 and 9 <= at.hour < 17 else 0.0


def blog(at: datetime) -> float:
    return 1 / (30 * 24)


def monday_letter(at: datetime) -> float:
    return 5.0 if at.weekday() == 0 and at.hour == 9 else 0.0


def announced(rate: Rate, until: datetime, seed: int = 1) -> Iterator[datetime]:
    """When a source with this rate announced something, in its own random manner."""
    rng, at = Random(seed), MONDAY
    while at < until:
        if rng.random() < rate(at) / 12:
            yield at
        at += HOUR / 12


def heard(rate: Rate, until: datetime = MONDAY + WEEKS * 7 * DAY, seed: int = 1) -> list[Heard]:
    return [(at, 1) for at in announced(rate, until, seed)]


def known(rate: Rate, until: datetime = MONDAY + WEEKS * 7 * DAY) -> tuple[Rhythm, datetime]:
    """The rhythm, and when something was heard last."""
    found = heard(rate, until)
    rhythm = learn(found)
    assert rhythm is not None
    return rhythm, found[-1][0]


def noticed_after(rhythm: Rhythm, last: datetime) -> timedelta:
    """How long after its last entry a source that is dead is found silent."""
    wait = HOUR
    while not rhythm.silent(last, last + wait):
        wait += HOUR
    return wait


def test_a_paper_that_stops_at_noon_is_silent_by_the_evening() -> None:
    rhythm, _ = known(paper)
    noon = MONDAY + WEEKS * 7 * DAY + 12 * HOUR
    assert timedelta(hours=3) < noticed_after(rhythm, noon) <= timedelta(hours=10)


def test_a_paper_that_sleeps_is_not() -> None:
    rhythm, _ = known(paper)
    evening = MONDAY + WEEKS * 7 * DAY + 22 * HOUR
    assert not rhythm.silent(evening, evening + 9 * HOUR)
    assert rhythm.silent(evening, evening + 18 * HOUR)


def test_an_authority_that_stops_on_friday_is_silent_on_monday_and_not_on_sunday() -> None:
    rhythm, _ = known(authority)
    friday = MONDAY + (WEEKS * 7 + 4) * DAY + 16 * HOUR
    assert not rhythm.silent(friday, friday + 2 * DAY)
    assert timedelta(days=2.5) < noticed_after(rhythm, friday) <= timedelta(days=3, hours=8)


def test_of_a_monthly_blog_nothing_is_claimed() -> None:
    assert learn(heard(blog)) is None


def test_a_letter_of_every_monday_is_missed_after_some_mondays() -> None:
    letters = [(MONDAY + n * 7 * DAY + 9 * HOUR, 1) for n in range(WEEKS)]
    rhythm = learn(letters)
    assert rhythm is not None
    assert timedelta(days=14) < noticed_after(rhythm, letters[-1][0]) <= timedelta(days=28)


@pytest.mark.parametrize("rate", [paper, authority])
def test_a_source_that_lives_is_never_called_silent(rate: Rate) -> None:
    """Four further weeks of twenty sources, each known by its own past."""
    for seed in range(20):
        every = heard(rate, MONDAY + (WEEKS + 4) * 7 * DAY, seed)
        past = [one for one in every if one[0] < MONDAY + WEEKS * 7 * DAY]
        rhythm = learn(past)
        assert rhythm is not None
        later = [at for at, _ in every[len(past) - 1 :]]
        assert not [at for at, after in pairwise(later) if rhythm.silent(at, after)]


def test_one_long_outage_in_its_past_does_not_make_us_deaf() -> None:
    gap = (MONDAY + 20 * DAY, MONDAY + 25 * DAY)
    rhythm = learn([one for one in heard(paper) if not gap[0] < one[0] < gap[1]])
    assert rhythm is not None
    noon = MONDAY + WEEKS * 7 * DAY + 12 * HOUR
    assert noticed_after(rhythm, noon) <= timedelta(hours=12)


def test_without_enough_history_nothing_is_claimed() -> None:
    assert learn([]) is None
    assert learn(heard(paper, MONDAY + 10 * DAY)) is None


def test_summer_time_shifts_a_rhythm_by_an_hour_and_nobody_is_called_silent() -> None:
    rhythm, _ = known(authority)
    friday = MONDAY + (WEEKS * 7 + 4) * DAY + 15 * HOUR  # an hour earlier, in UTC, than all winter
    assert not rhythm.silent(friday, friday + 3 * DAY - 7 * HOUR)


@pytest.mark.parametrize(
    ("per_day", "said"),
    [
        (40.2, "usually 40 a day"),
        (1, "usually 1 a day"),
        (0.5, "usually 4 a week"),
        (0.1, "usually 3 a month"),
    ],
)
def test_what_is_usual_is_said_for_a_person(per_day: float, said: str) -> None:
    assert usually(per_day) == said
