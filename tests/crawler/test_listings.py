"""What is found on pages that list articles: with selectors, and without."""

from datetime import UTC, datetime

import pytest

from crawler.documents import FeedDocument, Malformed
from crawler.listings import MOST_ENTRIES, read_listing
from crawler.sources import PageKeys, SourceId

BASE = "https://paper.example/news/"
NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
HEADLINES = (
    "The city buys forty new trams",
    "A bridge is closed for the winter",
    "The library opens on Sundays now",
    "Two ferries collide in the fog",
)
KEYS = PageKeys(entries="li.news", title=".t", link="a.go", summary=".s", published=".d")


def read(body: str, keys: PageKeys | None = None, known: frozenset[str] = frozenset()) -> FeedDocument:
    page = f"<!DOCTYPE html><html lang='en'><head><title>News</title></head><body>{body}</body></html>"
    return read_listing(page.encode(), "text/html", BASE, SourceId("paper"), known, None, keys)


def teasers(wrap: str) -> str:
    return "".join(wrap.format(n=n, title=title) for n, title in enumerate(HEADLINES))


def titles(document: FeedDocument) -> list[str]:
    return [entry.title for entry in document.entries]


NAVIGATION = (
    "<header><nav><ul>"
    + "".join(f"<li><a href='/s/{n}'>All the news about our part of town {n}</a></li>" for n in range(9))
    + "</ul></nav></header><div class='footer'>"
    + "".join(f"<p><a href='/f/{n}'>The terms under which this page is used {n}</a></p>" for n in range(9))
    + "</div><ul class='most-read'>"
    + "".join(f"<li><a href='/m/{n}'>What everybody read in the last years {n}</a></li>" for n in range(9))
    + "</ul>"
)


SHORT = "<p>{title}, and what it means for all.</p>"
NOON_TAG = "<time datetime='2026-11-05T12:00:00Z'>noon</time>"
MORE = "<a href='/{n}'>Read the whole story here</a>"


@pytest.mark.parametrize(
    "wrap",
    [
        f"<article><h2><a href='/{{n}}'>{{title}}</a></h2>{SHORT}{NOON_TAG}{MORE}</article>",
        f"<div><a href='/{{n}}'><h3>{{title}}</h3>{SHORT}<time>5 November 2026 12:00 UTC</time></a></div>",
        f"<li><a href='/{{n}}'>{{title}}</a> {NOON_TAG}{SHORT}</li>",
    ],
)
def test_a_list_of_headlines_is_found_without_being_told(wrap: str) -> None:
    document = read(NAVIGATION + f"<main><h1>News of the town and the river</h1>{teasers(wrap)}</main>")
    assert titles(document) == list(HEADLINES)
    assert [entry.url for entry in document.entries] == [f"https://paper.example/{n}" for n in range(4)]
    assert {entry.published for entry in document.entries} == {NOON}
    assert document.entries[0].summary == f"{HEADLINES[0]}, and what it means for all."


def test_the_story_that_leads_the_page_is_an_entry_too() -> None:
    lead = "<section><h1><a href='/lead'>The mayor resigns after a long night</a></h1></section>"
    document = read(lead + teasers("<div><h3><a href='/{n}'>{title}</a></h3></div>"))
    assert titles(document) == ["The mayor resigns after a long night", *HEADLINES]


def test_chinese_headlines_are_long_enough() -> None:
    headlines = ("市政府购买四十辆新电车", "冬季大桥关闭两个月时间", "图书馆周日也将开放")
    rows = "".join(f"<li><a href='/{n}'>{title}</a></li>" for n, title in enumerate(headlines))
    assert len(read(f"<ul>{rows}</ul>").entries) == 3


def test_links_to_other_sites_are_no_entries() -> None:
    rows = teasers("<h2><a href='https://else.example/{n}'>{title}</a></h2>")
    with pytest.raises(Malformed):
        read(rows)


def test_what_was_shown_before_is_not_read_again() -> None:
    page = teasers("<h2><a href='/{n}'>{title}</a></h2>")
    before = read(page)
    assert read(page, known=frozenset(before.shown)).entries == ()


# ---- with selectors

ROW = (
    "<li class='news'><b class='t'>{title}</b> <a class='go' href='{n}.html'>more</a>"
    "<i class='s'>In short.</i><span class='d'>2026-11-05 12:00</span></li>"
)


def test_selectors_say_where_everything_is() -> None:
    document = read(NAVIGATION + teasers(ROW), KEYS)
    assert titles(document) == list(HEADLINES)
    first = document.entries[0]
    assert (first.url, first.summary, first.published) == (BASE + "0.html", "In short.", NOON)


def test_one_selector_is_enough_for_ordinary_blocks() -> None:
    block = "<div class='x'><a href='/{n}'><img src='a.png'></a><h2><a href='/{n}'>{title}</a></h2></div>"
    document = read(teasers(block), PageKeys(entries="div.x"))
    assert titles(document) == list(HEADLINES)
    assert document.entries[3].url == "https://paper.example/3"


def test_an_entry_may_be_the_link_itself() -> None:
    document = read(teasers("<a class='x' href='/{n}'>{title}</a>"), PageKeys(entries="a.x", link="a"))
    assert titles(document) == list(HEADLINES)


# ---- nothing


@pytest.mark.parametrize(
    ("body", "keys", "says"),
    [
        ("<p>Nothing today.</p>", None, "say with `page:`"),
        (NAVIGATION, None, "say with `page:`"),
        ("<p>Nothing today.</p>", KEYS, "`entries: li.news`"),
        (teasers("<li class='news'>{title}</li>"), KEYS, "in none a link"),
    ],
)
def test_a_page_on_which_nothing_is_found_is_no_success(body: str, keys: PageKeys | None, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        read(body, keys)


def test_a_page_of_100_000_links_is_cut() -> None:
    links = "".join(f"<p><a href='/{n}'>Trams are late again, part {n:06}</a></p>" for n in range(100_000))
    document = read(links)
    assert len(document.entries) == MOST_ENTRIES
    assert document.problems


def test_a_page_nested_deep_ends() -> None:
    with pytest.raises(Malformed):
        read("<div>" * 100_000 + "<a href='/1'>The city buys forty new trams</a>")
