"""What is read out of sitemaps and out of indexes of them: ordinary, broken and hostile ones."""

import contextlib
import gzip
from datetime import UTC, datetime

import pytest

from crawler import sitemaps
from crawler.documents import Empty, FeedDocument, Malformed, NotAFeed, TooLarge, Unreadable
from crawler.entries import identities
from crawler.sitemaps import newest, read_sitemap
from crawler.sources import SourceId

BASE = "https://paper.example/sitemap.xml"
NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
SPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
)


def read(body: str | bytes, known: frozenset[str] = frozenset()) -> FeedDocument:
    raw = body.encode() if isinstance(body, str) else body
    return read_sitemap(raw, "application/xml", BASE, SourceId("paper"), known)


def urlset(*urls: str, prolog: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    return f"{prolog}<urlset {SPACES}>{''.join(urls)}</urlset>"


def url(number: int, more: str = "") -> str:
    return f"<url><loc>https://paper.example/{number}</loc>{more}</url>"


def news(title: str, date: str = "2026-11-05T12:00:00Z") -> str:
    return (
        "<news:news><news:publication><news:name>Paper</news:name><news:language>en</news:language>"
        f"</news:publication><news:publication_date>{date}</news:publication_date>"
        f"<news:title>{title}</news:title><news:keywords>Trams, Rivers</news:keywords></news:news>"
    )


def index(*children: tuple[str, str]) -> str:
    rows = "".join(
        f"<sitemap><loc>{loc}</loc>{f'<lastmod>{date}</lastmod>' if date else ''}</sitemap>"
        for loc, date in children
    )
    return f"<sitemapindex {SPACES}>{rows}</sitemapindex>"


# ---- ordinary


def test_a_news_sitemap_says_headline_date_language_and_keywords() -> None:
    (entry,) = read(urlset(url(7, "<lastmod>2026-11-06</lastmod>" + news("Trams &amp; rivers")))).entries
    assert (entry.title, entry.url, entry.guid) == ("Trams & rivers", "https://paper.example/7", None)
    assert (entry.published, entry.language, entry.tags) == (NOON, "en", ("Trams", "Rivers"))


def test_a_plain_sitemap_gives_addresses_as_old_as_their_last_change() -> None:
    (entry,) = read(urlset(url(7, "<lastmod>2026-11-05T13:00:00+01:00</lastmod>"))).entries
    assert (entry.title, entry.url, entry.published) == ("", "https://paper.example/7", NOON)


def test_two_pages_of_a_day_without_headlines_are_two() -> None:
    one, other = read(urlset(*(url(n, "<lastmod>2026-11-05</lastmod>") for n in (1, 2)))).entries
    assert not set(identities(one)) & set(identities(other))


def test_a_new_lastmod_is_no_new_entry() -> None:
    before = read(urlset(url(1, "<lastmod>2026-11-05</lastmod>")))
    after = read(urlset(url(1, "<lastmod>2026-11-06</lastmod>")), frozenset(before.shown))
    assert (after.entries, after.shown) == ((), before.shown)


def test_a_sitemap_without_entries_is_one() -> None:
    assert read(urlset()).total == 0


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])]
)
def test_a_packed_sitemap_is_unpacked(pack) -> None:
    assert len(read(pack(urlset(url(1)).encode())).entries) == 1


def test_of_very_many_the_newest_are_read_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "MOST_ENTRIES", 2)
    dated = [url(n, f"<lastmod>2026-11-0{n}</lastmod>") for n in (1, 3, 2)]
    document = read(urlset(*dated))
    assert [entry.url[-1] for entry in document.entries if entry.url] == ["3", "2"]
    assert "3 addresses" in document.problems[0]


def test_of_those_without_a_date_both_ends_are_taken() -> None:
    assert newest(list("abcdef"), lambda _: None, 3) == ["a", "b", "f"]
    assert newest(["old", "new", "?"], {"old": NOON, "new": datetime(2026, 12, 1, tzinfo=UTC)}.get, 2) == [
        "new",
        "old",
    ]


# ---- indexes


def test_an_index_leads_to_its_newest_children() -> None:
    rows = [(f"https://paper.example/{n}.xml", f"2026-0{n}-01") for n in range(1, 8)]
    document = read(index(*rows))
    assert document.follow == tuple(f"https://paper.example/{n}.xml" for n in (7, 6, 5, 4))
    assert document.entries == ()


def test_an_index_speaks_for_its_own_site_only() -> None:
    document = read(index(("https://else.example/a.xml", ""), ("https://news.paper.example/b.xml", "")))
    assert document.follow == ("https://news.paper.example/b.xml",)
    with pytest.raises(Malformed):
        read(index(("https://else.example/a.xml", "")))


# ---- broken and hostile


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        (" ", Empty, "no body"),
        ("<!DOCTYPE html><html><body>Sorry</body></html>", NotAFeed, "<html>"),
        ('<rss version="2.0"><channel/></rss>', NotAFeed, "kind: feed"),
        ("Sorry", NotAFeed, "neither"),
        (b"%PDF-1.7", NotAFeed, "PDF"),
        (b"\x1f\x8bnonsense", Malformed, "unpacked"),
        (gzip.compress(urlset(url(1)).encode())[:-20], Malformed, "early"),
        (f"<urlset {SPACES}><url><link>https://paper.example/1</link></url></urlset>", Malformed, "address"),
        (index(), Malformed, "names no sitemap"),
    ],
)
def test_what_gives_nothing_says_why(body: str | bytes, kind: type[Unreadable], says: str) -> None:
    with pytest.raises(kind, match=says):
        read(body)


def test_a_bomb_in_gzip_is_too_large() -> None:
    with pytest.raises(TooLarge):
        read(gzip.compress(bytes(sitemaps.LARGEST + 1)))


def test_what_is_not_well_formed_is_mended() -> None:
    document = read(f"<urlset {SPACES}>" + url(1, news("Trams & rivers&nbsp;<b:c/>")) + url(2))
    assert [entry.url for entry in document.entries] == ["https://paper.example/1", "https://paper.example/2"]
    assert "not well-formed" in document.problems[0]


def test_half_an_address_is_left_to_the_next_reading() -> None:
    document = read(f"<urlset {SPACES}>" + url(1) + "<url><loc>https://paper.example/20")
    assert [entry.url for entry in document.entries] == ["https://paper.example/1"]


def test_entities_mean_nothing() -> None:
    bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    prolog = f'<!DOCTYPE urlset [{bomb}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    document = read(urlset(url(1, news("Trams &l9;&f;")), prolog=prolog))
    assert "root:" not in repr(document)
    assert len(repr(document)) < 2_000


def test_a_sitemap_nested_100_000_deep_gives_nothing_or_little() -> None:
    with contextlib.suppress(Malformed):
        assert len(read(f"<urlset {SPACES}>" + "<url>" * 100_000).entries) == 0
