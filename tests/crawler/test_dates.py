"""Spellings of dates, and the ones that must stay unread."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.dates import read_date

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Thu, 05 Nov 2026 12:00:00 GMT", None),
        ("Thu, 05 Nov 2026 13:00:00 BST", None),
        ("Thu, 05 Nov 2026 14:00:00 CEST", None),
        ("Thu, 05 Nov 2026 17:30:00 IST", None),
        ("Thu, 05 Nov 2026 21:00:00 JST", None),
        ("Thu, 05 Nov 2026 07:00:00 EST", None),
        ("Thu, 05 Nov 2026 20:00:00 CST", "zh"),
        ("Thu, 05 Nov 2026 17:30:00 +0530", None),
        ("Thu, 5 Nov 26 04:00 -0800 (PST)", None),
        ("5 November 2026 12:00", None),
        ("Thursday, November 5, 2026 at 7:00 AM EST", None),
        ("Nov. 5, 2026 12:00 pm", None),
        ("Thu Nov  5 13:00:00 CET 2026", None),
        ("2026-11-05T12:00:00Z", None),
        ("2026-11-05T14:00:00.250+02:00", None),
        ("2026-11-05 12:00:00", None),
        ("2026-11-05 12:00 UTC", None),
        ("20261105T120000Z", None),
        ("20261105120000", None),
        ("2026/11/05 12:00", "ja"),
        ("05.11.2026 um 12:00", "de"),
        ("05.11.2026 um 12:00", "en"),
        ("5.11.2026, 12.00", "fi"),
        ("05/11/2026 12:00", "fr"),
        ("jeu. 5 novembre 2026 12:00", "fr"),
        ("5 de noviembre de 2026 13:00 CET", "es"),
        ("5 ноября 2026 г., 12:00", "ru"),
        ("2026年11月5日 12:00", "ja"),
        ("1793880000", None),
        ("1793880000000", None),
        (1793880000, None),
        ("  Thu,\n05 Nov 2026 12:00:00 GMT ", None),
    ],
)
def test_spellings_of_one_instant(text: str | int, language: str | None) -> None:
    assert read_date(text, language) == NOON


def test_a_day_without_hour_begins_at_midnight() -> None:
    assert read_date("2026-11-05") == NOON.replace(hour=0)
    assert read_date("Thu, 05 Nov 2026 24:00:00 GMT") == datetime(2026, 11, 6, tzinfo=UTC)


def test_american_and_european_slashes_are_told_apart_where_they_can_be() -> None:
    assert read_date("11/25/2026", "en") == datetime(2026, 11, 25, tzinfo=UTC)
    assert read_date("25/11/2026", "en") == datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param("03/04/2026", "en", id="may be March or April"),
        pytest.param("gestern, 14:30 Uhr", "de", id="depends on the day of reading"),
        pytest.param("yesterday", "en", id="the same in English"),
        pytest.param("5 minutes ago", "en", id="and in minutes"),
        pytest.param("5 November", "en", id="no year"),
        pytest.param("14:30", "en", id="no day"),
        pytest.param("Thu, 05 Nov 2026 99:99:99 GMT", None, id="h59 no such hour"),
        pytest.param("Mon, 31 Feb 2026 12:00:00 GMT", None, id="no such day"),
        pytest.param("9999-01-01T00:00:00Z", None, id="h59 year 9999"),
        pytest.param("0", None, id="h59 epoch 0"),
        pytest.param("-5", None, id="h59 negative"),
        pytest.param("0000-00-00T00:00:00", None, id="zeros"),
        pytest.param("1970-01-01T00:00:00Z", None, id="before there was a web"),
        pytest.param("99999999999999999999", None, id="a number"),
        pytest.param("5 marraskuuta", "fi", id="November, not March, and no year"),
        pytest.param("x" * 500, None, id="long"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="missing"),
        pytest.param(True, None, id="no text at all"),
    ],
)
def test_h59_what_is_nonsense_or_could_be_two_is_none(text: str | None, language: str | None) -> None:
    assert read_date(text, language) is None


@given(st.text(st.sampled_from(list("0123456789:-+/. TZnovJanapm年()")), max_size=40))
def test_nothing_raises_and_what_comes_is_aware(text: str) -> None:
    found = read_date(text, "en", thorough=False)
    assert found is None or found.tzinfo is UTC


def test_without_patience_the_library_is_not_asked() -> None:
    assert read_date("jeu. 5 novembre 2026", "fr", thorough=False) is None
