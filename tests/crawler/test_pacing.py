"""When a source is due again: the table of `crawler.pacing`, row by row."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from crawler import pacing
from crawler.fetches import Fetch, Outcome
from crawler.sources import Source, SourceId, SourceState

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))


def source(every: timedelta | None = None, pace: timedelta = 5 * MINUTE) -> Source:
    return Source(id="a", kind="feed", url="http://a.example/feed", every=every).at_pace(pace)


def wait(
    outcome: Outcome, every: timedelta | None, failures: int = 0, seed: int = 1, **facts: object
) -> timedelta:
    fetch = Fetch(outcome, NOW, **facts)  # type: ignore[arg-type]
    state = SourceState(source=SourceId("a"), failures=failures)
    return pacing.next_due(source(every), state, fetch, Random(seed)) - NOW


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.NOT_MODIFIED, Outcome.UNCHANGED])
@pytest.mark.parametrize("every", [10 * SECOND, 5 * MINUTE, 6 * HOUR])
def test_an_explicit_every_is_honoured_to_the_second(outcome: Outcome, every: timedelta) -> None:
    for seed in range(20):
        assert every <= wait(outcome, every, seed=seed) <= every + SECOND


def test_max_age_and_ttl_do_not_outrank_an_explicit_every() -> None:
    assert wait(Outcome.OK, 10 * SECOND, max_age=HOUR, ttl=HOUR) < 11 * SECOND


@pytest.mark.parametrize(
    ("facts", "least", "most"),
    [
        ({}, 4.5 * MINUTE, 5.5 * MINUTE),
        ({"max_age": 10 * SECOND}, 4.5 * MINUTE, 5.5 * MINUTE),
        ({"max_age": 20 * MINUTE}, 20 * MINUTE, 20 * MINUTE),
        ({"ttl": 30 * MINUTE}, 30 * MINUTE, 30 * MINUTE),
        ({"ttl": DAY}, HOUR, HOUR),
        ({"retry_after": 3 * HOUR}, 3 * HOUR, 3 * HOUR),
    ],
)
def test_the_default_pace_is_never_faster_than_the_source_asks(
    facts: dict[str, object], least: timedelta, most: timedelta
) -> None:
    for seed in range(20):
        assert least <= wait(Outcome.OK, None, seed=seed, **facts) <= most


@pytest.mark.parametrize(("pace", "expected"), [(10 * SECOND, 2 * MINUTE), (DAY, HOUR)])
def test_a_pace_from_the_defaults_keeps_to_polite_bounds(pace: timedelta, expected: timedelta) -> None:
    fetch = Fetch(Outcome.OK, NOW)
    due = pacing.next_due(source(pace=pace), SourceState(source=SourceId("a")), fetch, Random(3)) - NOW
    assert 0.9 * expected <= due <= 1.1 * expected


@pytest.mark.parametrize(
    ("failures_before", "times"),
    [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (8, 128), (9, 256), (10, 360)],
)
def test_failures_back_off_from_every_to_an_hour(failures_before: int, times: int) -> None:
    due = wait(Outcome.TIMEOUT, 10 * SECOND, failures=failures_before)
    assert times * 10 * SECOND <= due <= times * 10 * SECOND + SECOND


def test_a_slow_source_does_not_become_faster_by_failing() -> None:
    assert wait(Outcome.SERVER_ERROR, 6 * HOUR, failures=50) >= 6 * HOUR


def test_it_never_gives_up() -> None:
    assert wait(Outcome.DNS, None, failures=100_000) <= HOUR + SECOND


def test_retry_after_is_honoured_exactly() -> None:
    for seed in range(20):
        assert (
            40 * SECOND
            <= wait(Outcome.RATE_LIMITED, 10 * SECOND, seed=seed, retry_after=40 * SECOND)
            <= 41 * SECOND
        )


def test_a_retry_after_shorter_than_every_does_not_speed_us_up() -> None:
    assert wait(Outcome.RATE_LIMITED, 10 * SECOND, retry_after=3 * SECOND) >= 10 * SECOND


def test_slow_down_without_saying_how_long_waits_two_paces() -> None:
    assert 2 * MINUTE <= wait(Outcome.RATE_LIMITED, MINUTE) <= 2 * MINUTE + SECOND
    assert MINUTE <= wait(Outcome.RATE_LIMITED, 10 * SECOND) <= MINUTE + SECOND


def test_retry_after_outranks_the_backoff_of_other_failures() -> None:
    assert wait(Outcome.FORBIDDEN, 10 * SECOND, retry_after=HOUR) >= HOUR


def test_robots_are_looked_at_again_hourly_at_most() -> None:
    assert HOUR <= wait(Outcome.ROBOTS, 10 * SECOND) <= HOUR + SECOND
    assert wait(Outcome.ROBOTS, 6 * HOUR) >= 6 * HOUR


@pytest.mark.parametrize(
    ("failures_before", "least", "most"), [(0, 0, 11), (1, 0, 11), (2, 86400, 86401), (9, 86400, 86401)]
)
def test_a_lasting_410_is_asked_daily(failures_before: int, least: int, most: int) -> None:
    due = wait(Outcome.GONE, 10 * SECOND, failures=failures_before)
    assert least * SECOND <= due <= most * SECOND


@pytest.mark.parametrize(
    ("outcome", "waits"),
    [
        (Outcome.TIMEOUT, [4, 20, 300, 3000, None]),
        (Outcome.SERVER_ERROR, [4, 20, 300, 3000, None]),
        (Outcome.NOT_FOUND, [4, 20, None]),
        (Outcome.FORBIDDEN, [4, 20, None]),
        (Outcome.GONE, [None]),
        (Outcome.ROBOTS, [None]),
        (Outcome.BLOCKED_ADDRESS, [None]),
        (Outcome.TOO_LARGE, [None]),
        (Outcome.UNPARSABLE, [None]),
    ],
)
def test_a_page_is_tried_a_few_times(outcome: Outcome, waits: list[int | None]) -> None:
    found = [pacing.page_again(attempts, Fetch(outcome, NOW)) for attempts in range(len(waits))]
    assert found == [None if w is None else w * SECOND for w in waits]


def test_a_page_waits_as_long_as_its_host_asks() -> None:
    assert pacing.page_again(0, Fetch(Outcome.RATE_LIMITED, NOW, retry_after=MINUTE)) == MINUTE


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        (None, None, None),
        ("120", None, 120),
        (" 0 ", None, 0),
        ("86400", None, 86400),
        ("9999999999999999999", None, 86400),
        ("soon", None, None),
        ("-5", None, None),
        ("1.5", None, None),
        ("٣", None, None),
        ("Tue, 24 Nov 2026 12:00:30 GMT", None, 30),
        ("Tue, 24 Nov 2026 11:00:00 GMT", None, 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None, 86400),
        (
            "Tue, 24 Nov 2026 15:00:30 GMT",
            "Tue, 24 Nov 2026 15:00:00 GMT",
            30,
        ),  # their clock is three hours ahead
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    value: str | None, date: str | None, expected: int | None
) -> None:
    found = pacing.retry_after(value, date, NOW)
    assert found == (None if expected is None else expected * SECOND)
