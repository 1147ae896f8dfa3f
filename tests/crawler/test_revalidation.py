"""What an answer means, and what the next question says."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from multidict import CIMultiDict

from crawler import revalidation
from crawler.answers import Answer, Hop
from crawler.fetches import Outcome
from crawler.sources import SourceId, SourceState

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
URL = "http://a.example/feed"


def answer(status: int = 200, body: bytes = b"<rss/>", hops: tuple[Hop, ...] = (), **headers: str) -> Answer:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Answer(hops[-1].to if hops else URL, status, named, body, hops)


def state(**known: object) -> SourceState:
    facts: dict[str, object] = {"full_fetch_at": NOW - DAY, "body_hash": "x"} | known
    return SourceState(source=SourceId("a"), **facts)  # type: ignore[arg-type]


def headers(**known: object) -> Mapping[str, str]:
    return revalidation.validators(state(**known), NOW)


# ---- asking


def test_validators_go_back_verbatim() -> None:
    sent = headers(etag='W/"a b,\\"c"', last_modified="Mon, 1 Jan 2001 0:00:00 +0000 (odd)")
    assert sent == {
        "If-None-Match": 'W/"a b,\\"c"',
        "If-Modified-Since": "Mon, 1 Jan 2001 0:00:00 +0000 (odd)",
    }


def test_the_first_question_has_no_validators() -> None:
    assert headers(etag='"x"', full_fetch_at=None) == {}


@pytest.mark.parametrize(("days", "conditional"), [(6, True), (7, False), (400, False), (-1, False)])
def test_h27_a_stuck_304_is_found_by_an_unconditional_question_once_a_week(
    days: int, conditional: bool
) -> None:
    assert bool(headers(etag='"x"', full_fetch_at=NOW - days * DAY)) is conditional


def test_a_source_whose_document_we_never_had_is_asked_for_all_of_it() -> None:
    assert headers(etag='"x"', body_hash=None) == {}


@pytest.mark.parametrize(
    "value",
    ['"a"\r\nX-Injected: 1', '"a\nb"', '"a\x00b"', '"' + "a" * 70_000 + '"', "", '"é"', '"\udce9"', '"a\tb"'],
)
def test_h23_a_validator_that_could_become_a_header_is_dropped(value: str) -> None:
    assert headers(etag=value, last_modified=value) == {}
    fetch = revalidation.answered(state(), answer(ETag=value, Last_Modified=value), False, NOW)
    assert (fetch.etag, fetch.last_modified) == (None, None)


# ---- what the answer means


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (answer(200), Outcome.OK),
        (answer(203), Outcome.OK),
        (answer(200, b""), Outcome.EMPTY),
        (answer(204, b""), Outcome.EMPTY),
        (answer(206), Outcome.HTTP_ERROR),
        (answer(304, b""), Outcome.NOT_MODIFIED),
        (answer(300), Outcome.HTTP_ERROR),
        (answer(302), Outcome.HTTP_ERROR),  # without Location
        (answer(400), Outcome.HTTP_ERROR),
        (answer(401), Outcome.FORBIDDEN),
        (answer(403), Outcome.FORBIDDEN),
        (answer(451), Outcome.FORBIDDEN),
        (answer(404), Outcome.NOT_FOUND),
        (answer(410), Outcome.GONE),
        (answer(418), Outcome.HTTP_ERROR),
        (answer(429), Outcome.RATE_LIMITED),
        (answer(429, Retry_After="soon"), Outcome.RATE_LIMITED),
        (answer(500), Outcome.SERVER_ERROR),
        (answer(503), Outcome.SERVER_ERROR),
        (answer(503, Retry_After="120"), Outcome.RATE_LIMITED),
        (answer(503, Retry_After="soon"), Outcome.SERVER_ERROR),
        (answer(999), Outcome.SERVER_ERROR),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else value.value,
)
def test_h26_every_status_has_its_outcome(given: Answer, outcome: Outcome) -> None:
    assert revalidation.answered(state(), given, True, NOW).outcome is outcome


def test_h26_retry_after_is_capped_at_a_day() -> None:
    asked = revalidation.answered(state(), answer(429, Retry_After="8640000"), True, NOW)
    assert asked.retry_after == DAY


def test_h28_a_new_etag_on_the_same_body_is_no_news() -> None:
    first = revalidation.answered(state(), answer(ETag='"1"'), False, NOW)
    again = revalidation.answered(state(body_hash=first.body_hash), answer(ETag='"2"'), True, NOW)
    assert (first.outcome, again.outcome) == (Outcome.OK, Outcome.UNCHANGED)
    assert again.etag == '"2"'


def test_a_304_nobody_asked_for_is_no_success() -> None:
    assert revalidation.answered(state(), answer(304, b""), False, NOW).outcome is Outcome.HTTP_ERROR


def test_a_page_is_never_unchanged() -> None:
    assert revalidation.page_answered(answer(), None, False, NOW).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("hops", "expected"),
    [
        ((), None),
        ((Hop(301, "http://b/"),), "http://b/"),
        ((Hop(308, "http://b/"), Hop(301, "http://c/")), "http://c/"),
        ((Hop(301, "http://b/"), Hop(302, "http://c/")), None),
        ((Hop(307, "http://b/"),), None),
    ],
)
def test_only_a_way_that_is_permanent_throughout_moves_a_source(
    hops: tuple[Hop, ...], expected: str | None
) -> None:
    assert revalidation.answered(state(), answer(hops=hops), False, NOW).moved_to == expected


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("max-age=300", 300),
        ("public, Max-Age = 60", 60),
        ('private,max-age="30"', 30),
        ("s-maxage=900", None),
        ("no-store", None),
        ("max-age=-1", None),
        ("max-age=99999999999", 365 * 86400),
        ("", None),
    ],
)
def test_max_age_is_read_from_cache_control(value: str, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert revalidation.max_age(CIMultiDict({"Cache-Control": value})) == expected
