"""Quiet hours: a table of moments, also of the nights in which the clock is changed."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels import Channel, DigestTime, QuietHours
from alerts.quiet_hours import kept_until, passes, quiet_until
from tests.builders import article


def channel(hours: str, zone: str | None = "Europe/Paris", **changes: Any) -> Channel:
    begin, _, end = hours.partition("-")
    quiet = QuietHours.model_validate({"from": begin, "to": end, "timezone": zone, **changes})
    return Channel(id="news", kind="console", quiet=quiet)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "moment", "until"),
    [
        pytest.param("22:00-07:00", "2026-03-02 20:59", None, id="not yet"),
        pytest.param("22:00-07:00", "2026-03-02 21:00", "2026-03-03 06:00", id="its first moment"),
        pytest.param("22:00-07:00", "2026-03-02 23:30", "2026-03-03 06:00", id="past midnight there"),
        pytest.param("22:00-07:00", "2026-03-03 05:59", "2026-03-03 06:00", id="its last minute"),
        pytest.param("22:00-07:00", "2026-03-03 06:00", None, id="over"),
        pytest.param("22:00-07:00", "2026-07-02 20:30", "2026-07-03 05:00", id="in summer"),
        pytest.param("12:00-14:00", "2026-03-02 12:30", "2026-03-02 13:00", id="within a day"),
        pytest.param("12:00-14:00", "2026-03-02 13:00", None, id="within a day, over"),
        pytest.param("00:00-06:00", "2026-03-01 23:30", "2026-03-02 05:00", id="from midnight"),
        pytest.param("22:00-00:00", "2026-03-02 22:59", "2026-03-02 23:00", id="to midnight"),
        # 29 March: at 02:00 it is 03:00 in Paris (01:00 UTC)
        pytest.param("22:00-07:00", "2026-03-28 23:00", "2026-03-29 05:00", id="the short night"),
        pytest.param("22:00-02:30", "2026-03-29 00:59", "2026-03-29 01:30", id="an end that does not exist"),
        pytest.param("22:00-02:30", "2026-03-29 01:29", "2026-03-29 01:30", id="it counts by the old clock"),
        pytest.param("02:30-07:00", "2026-03-29 01:29", None, id="a begin that does not exist, before"),
        pytest.param("02:30-07:00", "2026-03-29 01:30", "2026-03-29 05:00", id="a begin that does not exist"),
        pytest.param("02:15-03:00", "2026-03-29 01:20", None, id="both within the hour left out: none"),
        pytest.param("02:15-03:00", "2026-03-29 12:00", None, id="and no day of quiet after it"),
        # 25 October: at 03:00 it is 02:00 again (01:00 UTC)
        pytest.param("22:00-07:00", "2026-10-24 20:00", "2026-10-25 06:00", id="the long night"),
        pytest.param("22:00-02:30", "2026-10-25 00:29", "2026-10-25 00:30", id="an end that comes twice"),
        pytest.param("22:00-02:30", "2026-10-25 01:15", None, id="over when it comes the second time"),
        pytest.param("02:30-07:00", "2026-10-25 00:29", None, id="a begin that comes twice, before"),
        pytest.param("02:30-07:00", "2026-10-25 00:30", "2026-10-25 06:00", id="a begin that comes twice"),
        pytest.param("02:30-07:00", "2026-10-25 01:10", "2026-10-25 06:00", id="and stays begun"),
    ],
)
def test_it_is_quiet_by_the_clock_there(hours: str, moment: str, until: str | None) -> None:
    assert quiet_until(channel(hours), utc(moment)) == (utc(until) if until else None)


def test_the_clock_is_that_of_the_digest_if_none_is_named() -> None:
    tokyo = DigestTime(at=time(8, 30), timezone="Asia/Tokyo")
    named = channel("22:00-07:00", None)
    assert quiet_until(named.model_copy(update={"digest": tokyo}), utc("2026-03-02 14:00")) == utc(
        "2026-03-02 22:00"
    )
    assert quiet_until(named.model_copy(update={"digest": None}), utc("2026-03-02 22:00")) == utc(
        "2026-03-03 07:00"
    )


def test_without_hours_it_is_never_quiet() -> None:
    always = Channel(id="news", kind="console")
    assert quiet_until(always, utc("2026-03-02 23:00")) is None
    assert passes(always, article())


def test_exceptions_are_told_at_any_hour() -> None:
    night, at = channel("22:00-07:00", **{"except": ["filing"]}), utc("2026-03-02 23:00")
    assert kept_until(night, article(publisher="filing"), at) is None
    assert kept_until(night, article(publisher="company"), at) == utc("2026-03-03 06:00")
    assert kept_until(night, article(), utc("2026-03-02 12:00")) is None


ZONES = st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
CLOCKS = st.times().map(lambda one: f"{one:%H:%M}")


MOMENTS = st.integers(0, 16 * 365 * 24 * 60).map(lambda one: utc("2011-01-01") + timedelta(minutes=one))


@given(CLOCKS, CLOCKS, ZONES, MOMENTS)
def test_quiet_ends_within_a_day_and_is_over_at_its_end_or_begins_anew(
    begin: str, end: str, zone: str, moment: datetime
) -> None:
    if begin == end:
        return
    there = channel(f"{begin}-{end}", zone)
    until = quiet_until(there, moment)
    if until is not None:
        assert moment < until <= moment + timedelta(hours=25)
        again = quiet_until(there, until)
        assert again is None or again > until
