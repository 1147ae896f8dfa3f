"""What is read out of JSON listings, by expressions and by presets."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crawler.documents import Empty, FeedDocument, Malformed, NotAFeed, Unreadable
from crawler.endpoints import read_endpoint
from crawler.sources import ApiKeys, SourceId

BASE = "https://api.example/v1/list"
NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
KEYS = ApiKeys(
    entries="data.rows", id="id", title="head.text", link="at", summary="abstract", published="when"
)


def read(document: Any, keys: ApiKeys = KEYS, known: frozenset[str] = frozenset()) -> FeedDocument:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_endpoint(body, "application/json", BASE, SourceId("paper"), known, "en", keys)


def rows(*some: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"rows": list(some)}}


def row(**changes: Any) -> dict[str, Any]:
    given = {"id": 7, "head": {"text": "Trams &amp; rivers"}, "at": "/7", "abstract": "<p>In short.</p>"}
    return {**given, "when": "2026-11-05T12:00:00Z", **changes}


def test_expressions_say_where_everything_is() -> None:
    (entry,) = read(rows(row())).entries
    assert (entry.guid, entry.title, entry.url) == ("7", "Trams & rivers", "https://api.example/7")
    assert (entry.summary, entry.published, entry.language) == ("In short.", NOON, "en")


@pytest.mark.parametrize(
    "when",
    [
        1793880000, 1793880000.0, 1793880000000, 1793880000000.5, "1793880000", "20261105T120000Z",
        "20261105120000", "2026-11-05T12:00:00", "2026-11-05T13:00:00+01:00", "2026-11-05 12:00:00 UTC",
        "Thu, 05 Nov 2026 12:00:00 GMT",
    ],
)  # fmt: skip
def test_dates_come_in_many_forms(when: Any) -> None:
    (entry,) = read(rows(row(when=when))).entries
    assert entry.published is not None
    assert entry.published.replace(microsecond=0) == NOON


def test_the_document_may_be_the_list() -> None:
    assert len(read([{"t": "Trams"}, {"t": "Rivers"}], ApiKeys(title="t")).entries) == 2


def test_what_was_shown_before_is_not_read_again() -> None:
    before = read(rows(row()))
    assert read(rows(row(views=9), row(id=8)), known=frozenset(before.shown)).entries[0].guid == "8"


def test_a_listing_that_is_empty_is_one() -> None:
    assert read(rows()).total == 0


def test_an_entry_of_another_shape_costs_itself() -> None:
    document = read({"data": {"rows": [7, {"id": 1}, row()]}})
    assert (len(document.entries), document.skipped) == (1, 2)


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (b" ", Empty, "no body"),
        (b"<html>Sorry</html>", NotAFeed, "HTML"),
        (b"Your query was too short.", NotAFeed, "it begins: Your query"),
        (b'{"data": ', Malformed, "cannot be read"),
        (b"[" * 10_000 + b"]" * 10_000, Malformed, "cannot be read|no list|finds"),
        (b'{"error": "no key"}', Malformed, "an object with error"),
        (b'{"data": {"rows": {"a": 1}}}', Malformed, "no list"),
        (b'{"data": {"rows": [{"name": "x"}]}}', Malformed, "in none of the 1 entries"),
    ],
)
def test_another_shape_is_no_silent_zero(body: bytes, kind: type[Unreadable], says: str) -> None:
    with pytest.raises(kind, match=says):
        read(body)


# ---- presets


def test_hackernews_falls_back_on_its_own_page() -> None:
    hits = [
        {
            "objectID": "1",
            "title": "Trams",
            "url": "https://paper.example/1",
            "created_at": "2026-11-05T12:00:00Z",
        },
        {"objectID": "2", "title": "Ask: rivers?", "url": None, "created_at_i": 1793880000},
    ]
    one, other = read({"hits": hits}, ApiKeys(preset="hackernews")).entries
    assert (one.url, one.published) == ("https://paper.example/1", NOON)
    assert (other.url, other.published) == ("https://news.ycombinator.com/item?id=2", NOON)


def test_gdelt_answers_with_articles_or_an_empty_object() -> None:
    article = {"url": "https://paper.example/1", "title": "Trams", "seendate": "20261105T120000Z"}
    (entry,) = read({"articles": [article]}, ApiKeys(preset="gdelt")).entries
    assert (entry.title, entry.published) == ("Trams", NOON)
    assert read({}, ApiKeys(preset="gdelt")).total == 0
    with pytest.raises(Malformed):
        read({"status": "error"}, ApiKeys(preset="gdelt"))


def test_reddit_lists_children() -> None:
    child = {
        "name": "t3_x",
        "title": "Trams",
        "url": "/r/rivers/1",
        "created_utc": 1793880000.0,
        "selftext": "",
    }
    listing = {"kind": "Listing", "data": {"children": [{"kind": "t3", "data": child}]}}
    (entry,) = read(listing, ApiKeys(preset="reddit")).entries
    assert (entry.guid, entry.url, entry.published) == ("t3_x", "https://api.example/r/rivers/1", NOON)


def test_edgar_lists_the_filings_of_a_company_in_columns() -> None:
    recent = {
        "accessionNumber": ["0000001234-26-000007", "0000001234-26-000006"],
        "form": ["8-K", "4"],
        "primaryDocument": ["trams8k.htm", ""],
        "primaryDocDescription": ["8-K", "FORM 4"],
        "items": ["1.01,9.01", ""],
        "acceptanceDateTime": ["2026-11-05T12:00:00.000Z", "2026-11-04T12:00:00.000Z"],
        "filingDate": ["2026-11-05", "2026-11-04"],
    }
    document = {"cik": "0000001234", "name": "TRAM WORKS", "filings": {"recent": recent}}
    one, other = read(document, ApiKeys(preset="edgar")).entries
    assert one.title == (
        "TRAM WORKS: 8-K, entry into a material definitive agreement; financial statements and exhibits"
    )
    assert one.url == "https://www.sec.gov/Archives/edgar/data/1234/000000123426000007/trams8k.htm"
    assert one.published == NOON
    assert other.title == "TRAM WORKS: 4, FORM 4"
    assert other.url == (
        "https://www.sec.gov/Archives/edgar/data/1234/000000123426000006/0000001234-26-000006-index.htm"
    )


def test_edgar_finds_filings_by_their_words() -> None:
    said = {
        "ciks": ["0000001234"], "display_names": ["TRAM WORKS  (TRM)  (CIK 0000001234)"], "form": "8-K",
        "file_date": "2026-11-05", "adsh": "0000001234-26-000007", "items": ["8.01"],
    }  # fmt: skip
    hits = {"hits": {"hits": [{"_id": "0000001234-26-000007:ex99.htm", "_source": said}, {"_id": 7}]}}
    (entry,) = read(hits, ApiKeys(preset="edgar")).entries
    assert entry.title == "TRAM WORKS: 8-K, other events"
    assert entry.url == "https://www.sec.gov/Archives/edgar/data/1234/000000123426000007/ex99.htm"


def test_a_key_of_ones_own_takes_the_place_of_the_presets() -> None:
    article = {"url": "https://paper.example/1", "title": "Trams", "domain": "paper.example"}
    (entry,) = read({"articles": [article]}, ApiKeys(preset="gdelt", summary="domain")).entries
    assert (entry.title, entry.summary) == ("Trams", "paper.example")
