"""When two entries are the same, what a document misuses, and which dates are believed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.entries import Entry, clamp, identities, misused, normalised_title
from crawler.sources import SourceId

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)


def entry(
    guid: str | None = "tag:paper,2026:1",
    url: str | None = "https://paper.example/2026/chips",
    title: str = "Chips get cheaper",
    published: datetime | None = NOON,
) -> Entry:
    return Entry(SourceId("paper"), guid, url, title, published=published)


def same(one: Entry, other: Entry, misused: frozenset[str] = frozenset()) -> bool:
    return bool(set(identities(one, misused)) & set(identities(other, misused)))


def test_an_entry_has_a_key_of_every_kind_it_can_have() -> None:
    assert identities(entry(guid="https://www.paper.example/2026/11/05/cheaper-chips.html")) == (
        "guid:https://www.paper.example/2026/11/05/cheaper-chips.html",
        "path:/2026/11/05/cheaper-chips.html",
        "url:https://paper.example/2026/chips",
        "title:paper.example|chips get cheaper|2026-11-05",
    )


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"guid": "tag:paper,2026:new"}, id="h53-guid-churn"),
        pytest.param({"guid": None}, id="guid-lost"),
        pytest.param({"url": "http://m.paper.example/2026/chips/?utm_source=rss"}, id="h55-url-tracking"),
        pytest.param({"published": NOON + timedelta(days=3)}, id="h56-redated"),
        pytest.param({"published": None}, id="date-lost"),
        pytest.param({"title": "Chips get much cheaper"}, id="h58-headline-edited"),
        pytest.param({"guid": "new", "url": "https://paper.example/2026/new-slug"}, id="new-guid-and-slug"),
        pytest.param({"guid": "new", "title": "Chips!", "published": None}, id="only-the-address-is-left"),
    ],
)
def test_an_entry_that_changed_in_this_way_is_still_the_same(changed: dict[str, object]) -> None:
    assert same(entry(), replace(entry(), **changed))  # type: ignore[arg-type]


def test_h54_a_guid_that_flips_its_scheme_is_the_same() -> None:
    long = "//paper.example/2026/11/05/chips-get-cheaper.html"
    one, other = entry(guid="http:" + long, url=None), entry(guid="https:" + long, url=None, title="x")
    assert same(one, other)


def test_two_blogs_with_the_same_short_guid_path_stay_two() -> None:
    one = entry(guid="https://one.example/?p=1", url="https://one.example/?p=1", title="One")
    other = entry(guid="https://two.example/?p=1", url="https://two.example/?p=1", title="Two")
    assert not same(one, other)


def test_h52_without_guid_and_link_the_title_and_the_day_tell() -> None:
    bare = entry(guid=None, url=None)
    assert same(bare, entry(guid=None, url=None, published=NOON + timedelta(hours=3)))
    assert not same(bare, entry(guid=None, url=None, title="Ships get cheaper"))
    assert not same(bare, entry(guid=None, url=None, published=NOON + timedelta(days=1)))


def test_h52_without_even_a_date_the_title_tells() -> None:
    assert same(entry(None, None, "Chips", None), entry(None, None, "chips!", None))


def test_a_column_with_the_same_title_and_no_date_is_not_the_same_every_week() -> None:
    one = entry("1", "https://paper.example/1", "The week in chips", None)
    assert not same(one, entry("2", "https://paper.example/2", "The week in chips", None))


def test_h51_one_guid_for_everything_is_misused_and_no_key() -> None:
    entries = [entry("same", f"https://paper.example/{number}", f"Story {number}") for number in range(3)]
    kinds = misused(entries)
    assert kinds == {"guid"}
    assert not same(entries[0], entries[1], kinds)
    assert same(entries[0], entries[0], kinds)


def test_one_link_for_everything_is_misused() -> None:
    entries = [entry(str(number), "https://paper.example/", f"Story {number}") for number in range(3)]
    assert misused(entries) == {"url"}


def test_one_title_for_everything_is_misused() -> None:
    entries = [entry(str(number), f"https://paper.example/{number}", "Press release") for number in range(3)]
    assert misused(entries) == {"title"}


def test_everything_misused_leaves_the_title() -> None:
    entries = [entry("same", "https://paper.example/", f"Story {number}") for number in range(3)]
    kinds = misused(entries)
    assert {"guid", "url"} <= kinds
    assert len({key for each in entries for key in identities(each, kinds)}) == 3


def test_an_edited_headline_shown_twice_is_not_a_misused_guid() -> None:
    assert misused([entry(), entry(title="Chips get much cheaper")]) == frozenset()


def test_an_ordinary_document_misuses_nothing() -> None:
    assert (
        misused(entry(str(n), f"https://paper.example/{n}", f"Story {n}") for n in range(30)) == frozenset()
    )


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("“OpenAI” – Microsoft: deal!", "openai microsoft deal"),
        ("  ＯｐｅｎＡＩ\u3000と  Ｍｉｃｒｏｓｏｆｔ ", "openai と microsoft"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("Cafe\u0301", "café"),
        ("ওপেনএআই ও মাইক্রোসফট", "ওপেনএআই ও মাইক্রোসফট"),
        ("微软与OpenAI，重写协议", "微软与openai 重写协议"),
        ("!!!", "!!!"),
        ("", ""),
    ],
)
def test_normalised_titles(title: str, expected: str) -> None:
    assert normalised_title(title) == expected


@given(st.text(max_size=60))
def test_normalising_a_title_twice_changes_nothing(title: str) -> None:
    assert normalised_title(normalised_title(title)) == normalised_title(title)


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (NOON - timedelta(hours=1), NOON - timedelta(hours=1)),
        (NOON + timedelta(minutes=9), NOON + timedelta(minutes=9)),
        (NOON + timedelta(days=2), NOON),
        (datetime(9999, 1, 1, tzinfo=UTC), NOON),
        (datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 1, 1, tzinfo=UTC)),
        (None, None),
    ],
)
def test_h59_h60_dates_are_clamped_towards_the_future_only(
    published: datetime | None, expected: datetime | None
) -> None:
    assert clamp(published, seen=NOON) == expected
