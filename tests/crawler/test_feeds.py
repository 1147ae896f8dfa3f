"""What is read out of feeds: ordinary, odd, broken and hostile ones."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.documents import Empty, FeedDocument, Malformed, NotAFeed, Unreadable
from crawler.feeds import read_feed
from crawler.sources import SourceId

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
BASE = "https://paper.example/feeds/news.xml"
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" '
    'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"'
)
HEALTHY = "OpenAI and Microsoft renew their pact"


def read(
    body: bytes | str,
    content_type: str | None = "application/rss+xml",
    known: frozenset[str] = frozenset(),
    **how: bool,
) -> FeedDocument:
    body = body.encode() if isinstance(body, str) else body
    return read_feed(body, content_type, BASE, SourceId("paper"), known, **how)


def item(title: str = HEALTHY, number: int = 1, more: str = "") -> str:
    """An item of RSS; `title` is already escaped."""
    return (
        f"<item><title>{title}</title><link>https://paper.example/{number}</link>"
        f"<guid>tag:paper,2026:{number}</guid><pubDate>Thu, 05 Nov 2026 12:00:00 GMT</pubDate>{more}</item>"
    )


def rss(*items: str, head: str = "<language>en-GB</language>", prolog: str = '<?xml version="1.0"?>') -> str:
    channel = f"<title>Paper</title>{head}{''.join(items)}"
    return f'{prolog}<rss version="2.0" {NAMESPACES}><channel>{channel}</channel></rss>'


def atom(*entries: str, attributes: str = "") -> str:
    root = f'feed xmlns="http://www.w3.org/2005/Atom" {attributes}'
    return f"<{root}><title>Paper</title>{''.join(entries)}</feed>"


def titles(document: FeedDocument) -> list[str]:
    return [entry.title for entry in document.entries]


# ---- ordinary feeds


def test_an_item_of_rss_says_everything() -> None:
    more = (
        "<description>&lt;p&gt;They &lt;b&gt;signed&lt;/b&gt;.&lt;/p&gt;</description>"
        "<dc:creator>A. Writer</dc:creator>"
        "<content:encoded><![CDATA[<p>They signed.</p><p>Then they left.</p>]]></content:encoded>"
        "<category>Deals</category><category>AI</category>"
    )
    document = read(rss(item("Chips &amp; bits", 7, more)))
    (entry,) = document.entries
    assert (document.version, document.title, document.language) == ("rss20", "Paper", "en")
    assert (entry.source, entry.guid, entry.url) == ("paper", "tag:paper,2026:7", "https://paper.example/7")
    assert (entry.title, entry.summary) == ("Chips & bits", "They signed.")
    assert entry.content == "They signed.\n\nThen they left."
    assert (entry.author, entry.tags, entry.language) == ("A. Writer", ("Deals", "AI"), "en")
    assert entry.published == NOON


def test_an_entry_of_atom_says_everything() -> None:
    document = read(
        atom(
            '<entry><title type="html">&lt;i&gt;Chips&lt;/i&gt; &amp;amp; bits</title><id>urn:7</id>'
            '<link rel="self" href="https://paper.example/7.atom"/><link href="https://paper.example/7"/>'
            '<link rel="enclosure" href="https://paper.example/7.mp3"/>'
            "<published>2026-11-05T12:00:00Z</published><updated>2026-11-05T13:00:00Z</updated>"
            "<author><name>A. Writer</name><email>a@paper.example</email></author><category term='Deals'/>"
            "<summary>They signed.</summary><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>"
            "<p>They signed.</p><p>Then they left.</p></div></content></entry>",
            attributes='xml:lang="de-AT"',
        ),
        "application/atom+xml",
    )
    (entry,) = document.entries
    assert (document.version, document.language) == ("atom10", "de")
    assert (entry.guid, entry.url, entry.title) == ("urn:7", "https://paper.example/7", "Chips & bits")
    assert (entry.summary, entry.content) == ("They signed.", "They signed.\n\nThen they left.")
    assert (entry.published, entry.updated) == (NOON, NOON + timedelta(hours=1))
    assert entry.tags == ("Deals",)
    assert entry.author is not None
    assert entry.author.startswith("A. Writer")


def test_an_atom_entry_with_only_an_update_was_published_then() -> None:
    (entry,) = read(atom("<entry><title>x</title><updated>2026-11-05T12:00:00Z</updated></entry>")).entries
    assert entry.published == NOON


def test_rss_1_0_is_read() -> None:
    document = read(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://paper.example/"><title>Paper</title>'
        '<dc:language>fr</dc:language></channel><item rdf:about="https://paper.example/1"><title>Puces</title>'
        "<link>https://paper.example/1</link><dc:date>2026-11-05T13:00:00+01:00</dc:date></item></rdf:RDF>"
    )
    (entry,) = document.entries
    assert (document.version, document.title, document.language) == ("rss10", "Paper", "fr")
    assert (entry.title, entry.guid, entry.published) == ("Puces", "https://paper.example/1", NOON)


def test_rss_0_91_is_read() -> None:
    document = read(rss(item()).replace('"2.0"', '"0.91"'))
    assert (document.version, titles(document)) == ("rss091", [HEALTHY])


@pytest.mark.parametrize("version", ["1", "1.1"])
def test_json_feed_is_read(version: str) -> None:
    feed = {
        "version": f"https://jsonfeed.org/version/{version}",
        "title": "Paper",
        "language": "nl",
        "items": [
            {
                "id": "7",
                "url": "/7",
                "title": "Chips & <b>bits</b>",
                "summary": "They signed.",
                "content_html": "<p>They signed.</p><p>Then they left.</p>",
                "date_published": "2026-11-05T13:00:00+01:00",
                "authors": [{"name": "A. Writer"}],
                "tags": ["Deals", 5, None],
            },
            {"id": 8, "external_url": "https://other.example/", "content_text": "Only text", "author": {}},
            {"id": "https://paper.example/9", "title": "\ud800x"},
            "no object",
        ],
    }
    document = read(json.dumps(feed), "application/feed+json")
    first, second, third = document.entries
    assert (document.version, document.language) == ({"1": "json10", "1.1": "json11"}[version], "nl")
    assert (document.total, document.skipped) == (4, 1)
    assert (first.guid, first.url, first.title) == ("7", "https://paper.example/7", "Chips & bits")
    assert (first.summary, first.content) == ("They signed.", "They signed.\n\nThen they left.")
    assert (first.published, first.author, first.tags) == (NOON, "A. Writer", ("Deals", "5"))
    assert (second.guid, second.url, second.title) == ("8", "https://other.example/", "Only text")
    assert (third.url, third.title) == ("https://paper.example/9", "x")


def test_a_full_text_in_the_description_becomes_the_content() -> None:
    (entry,) = read(rss(item(more=f"<description>{'Many words. ' * 1000}</description>"))).entries
    assert len(entry.summary) <= 5_000 < len(entry.content)


def test_content_alone_is_not_its_own_summary() -> None:
    (entry,) = read(rss(item(more="<content:encoded>Words.</content:encoded>"))).entries
    assert (entry.summary, entry.content) == ("", "Words.")


def test_an_entry_without_title_is_called_by_its_text() -> None:
    (entry,) = read(rss("<item><description>Words of &lt;b&gt;wisdom&lt;/b&gt;</description></item>")).entries
    assert (entry.title, entry.url) == ("Words of wisdom", None)


def test_an_entry_that_says_nothing_is_skipped() -> None:
    document = read(rss("<item/>", item()))
    assert (titles(document), document.skipped) == ([HEALTHY], 1)


def test_feedburners_original_link_is_the_link() -> None:
    more = "<feedburner:origLink>https://original.example/a</feedburner:origLink>"
    assert read(rss(item(more=more))).entries[0].url == "https://original.example/a"


def test_an_opaque_guid_is_no_link() -> None:
    bare, address = read(
        rss(
            "<item><title>a</title><guid>123</guid></item>",
            "<item><title>b</title><guid>https://x.example/1</guid></item>",
        )
    ).entries
    assert (bare.guid, bare.url) == ("123", None)
    assert (address.guid, address.url) == ("https://x.example/1", "https://x.example/1")


@pytest.mark.parametrize(
    ("head", "ttl"),
    [
        ("<ttl>45</ttl>", timedelta(minutes=45)),
        (
            "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>",
            timedelta(minutes=15),
        ),
        ("<sy:updatePeriod> daily </sy:updatePeriod>", timedelta(days=1)),
        ("<ttl>0</ttl>", None),
        ("<ttl>99999999999999999999</ttl>", None),
        ("<ttl>soon</ttl>", None),
        ("", None),
    ],
)
def test_how_long_a_feed_may_be_kept(head: str, ttl: timedelta | None) -> None:
    assert read(rss(item(), head=head)).ttl == ttl


# ---- the gates


def test_known_entries_are_not_read_again() -> None:
    first = read(rss(item(number=1), item(number=2)))
    second = read(rss(item("News", 3), item(number=1), item(number=2)), known=frozenset(first.shown))
    assert titles(second) == ["News"]
    assert set(first.shown) < set(second.shown)
    assert second.total == 3


def test_a_changed_entry_is_read_again() -> None:
    first = read(rss(item("Draft")))
    assert titles(read(rss(item("Final")), known=frozenset(first.shown))) == ["Final"]


def test_an_entry_that_left_is_no_longer_shown() -> None:
    first = read(rss(item(number=1), item(number=2)))
    second = read(rss(item(number=2)), known=frozenset(first.shown))
    assert (second.entries, len(second.shown)) == ((), 1)


def test_the_same_raw_entry_twice_is_one() -> None:
    document = read(rss(item(), item()))
    assert (len(document.entries), document.total, len(document.shown)) == (1, 1, 1)


def test_gates_work_for_json_too() -> None:
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "One"}]}
    first = read(json.dumps(feed))
    assert read(json.dumps(feed), known=frozenset(first.shown)).entries == ()


def test_h39_ten_thousand_entries_are_read_in_time_and_known_ones_at_once() -> None:
    feed = rss(*(item(f"Story {number}", number) for number in range(10_000)))
    began = time.process_time()
    document = read(feed)
    assert len(document.entries) == 10_000
    assert time.process_time() - began < 15
    began = time.process_time()
    assert read(feed, known=frozenset(document.shown)).entries == ()
    assert time.process_time() - began < 2


def test_what_is_too_much_for_one_reading_is_new_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.rawentries.MAX_NEW_ENTRIES", 3)
    feed = rss(*(item(f"Story {number}", number) for number in range(5)))
    first = read(feed)
    second = read(feed, known=frozenset(first.shown))
    assert (titles(first), first.total) == (["Story 0", "Story 1", "Story 2"], 5)
    assert titles(second) == ["Story 3", "Story 4"]


# ---- no feed at all


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        pytest.param(b"", Empty, "no body", id="empty"),
        pytest.param(b" \n ", Empty, "no body", id="blank"),
        pytest.param(b"<!DOCTYPE html><html><body>x</body></html>", NotAFeed, "HTML", id="h30 html"),
        pytest.param(b"<HTML><head/></HTML>", NotAFeed, "HTML", id="h30 old html"),
        pytest.param(b"<?xml version='1.0'?><html xmlns='x'/>", NotAFeed, "HTML", id="h30 xhtml"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0", NotAFeed, "PNG", id="h30 png"),
        pytest.param(b"%PDF-1.7", NotAFeed, "PDF", id="h30 pdf"),
        pytest.param(b'{"hits": []}', NotAFeed, "JSON", id="h30 json"),
        pytest.param(b"[1, 2", NotAFeed, "JSON", id="h30 half a json"),
        pytest.param(b"[" * 100_000, NotAFeed, "JSON", id="h37 nested json"),
        pytest.param(b"<urlset><url/></urlset>", NotAFeed, "urlset", id="a sitemap"),
        pytest.param(b"Service unavailable", NotAFeed, "neither", id="a sentence"),
        pytest.param(b"\0" * 100, NotAFeed, "neither", id="zeros"),
        pytest.param(b"<!--", NotAFeed, "neither", id="an open comment"),
        pytest.param(b"<?xml", NotAFeed, "neither", id="an open declaration"),
        pytest.param(b"<!DOCTYPE rss [", NotAFeed, "neither", id="an open document type"),
        pytest.param(b"<rss", Malformed, "well-formed", id="h12 five bytes of a feed"),
        pytest.param(b"<rss><channel><title>x", Malformed, "well-formed", id="h12 a feed without entries"),
        pytest.param(
            b'{"version": "https://jsonfeed.org/version/1", "items": 3}', Malformed, "items", id="odd json"
        ),
        pytest.param(
            b'{"version": "https://jsonfeed.org/version/1", ', Malformed, "JSON", id="half a json feed"
        ),
    ],
)
def test_what_is_no_feed_says_what_it_is(body: bytes, kind: type[Unreadable], reason: str) -> None:
    with pytest.raises(kind, match=reason):
        read(body, None)


def test_h40_a_feed_without_entries_is_a_feed() -> None:
    document = read(rss())
    assert (document.total, document.entries, document.problems) == (0, (), ())


# ---- H31-H50: each hostile entry beside a healthy one, which must still be read

ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a0 "lol">{ENTITIES}]>'
BLOWUP = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "{"x" * 100_000}">]>'
FILE = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
DTD = '<!DOCTYPE rss SYSTEM "http://127.0.0.2:9/x.dtd" [<!ENTITY % p SYSTEM "http://127.0.0.2:9/p"> %p;]>'
WEB = f'<?xml version="1.0"?>{DTD}'
NUMBER = 2
ATTRIBUTES = " ".join(f'a{number}="x"' for number in range(50_000))

HOSTILE = [
    pytest.param(rss(item("&a9;", NUMBER), item(), prolog=LAUGHS), id="h31_billion_laughs"),
    pytest.param(rss(item("&a;" * 5_000, NUMBER), item(), prolog=BLOWUP), id="h32_quadratic_blowup"),
    pytest.param(rss(item("&f;", NUMBER), item(), prolog=FILE), id="h33_xxe_file"),
    pytest.param(rss(item("x", NUMBER), item(), prolog=WEB), id="h34_xxe_http"),
    pytest.param(
        rss(item("x", NUMBER, f"<author>a@{'a.' * 64_000}!</author>"), item()), id="h35_author_redos"
    ),
    pytest.param(
        rss(item("x", NUMBER, f"<dc:creator>a@{('a.' * 100 + '<b/>') * 300}!</dc:creator>"), item()),
        id="h35_author_redos_in_parts",
    ),
    pytest.param(
        rss(item("x", NUMBER, f"<description>{escape('<!--' * 50_000)}</description>"), item()),
        id="h36_comment_redos",
    ),
    pytest.param(
        rss(item("x", NUMBER, f"<description>{'<!--' * 50_000}</description>"), item()), id="h36_raw_comments"
    ),
    pytest.param(
        rss(item("x", NUMBER, f"<description>{escape('<div>') * 100_000}</description>"), item()),
        id="h37_nested_markup",
    ),
    pytest.param(rss(item("x", NUMBER, "<a>" * 20_000 + "</a>" * 20_000), item()), id="h37_nested_xml"),
    pytest.param(rss(item("<a>" * 20_000 + "</a>" * 20_000, NUMBER), item()), id="h37_nested_title"),
    pytest.param(rss(item("Title " * 700_000, NUMBER), item()), id="h38_huge_title"),
    pytest.param(
        rss(item("x", NUMBER, "<description>y</description>" * 5_000), item()), id="many_descriptions"
    ),
    pytest.param(rss(item("x", NUMBER, f"<category>{'z' * 9000}</category>" * 200), item()), id="many_tags"),
    pytest.param(rss(item("x", NUMBER, f"<pubDate>{'Thu, ' * 50_000}</pubDate>"), item()), id="long_date"),
    pytest.param(rss(item("x", NUMBER, f"<guid>{'g' * 200_000}</guid>"), item()), id="long_guid"),
    pytest.param(rss(item("x", NUMBER, f"<enclosure url='{'u' * 200_000}'/>"), item()), id="long_attribute"),
    pytest.param(rss(item("a\x00b\x0bc", NUMBER), item()), id="h42_nul"),
    pytest.param(rss(item("a&#xD800;b&#0;c&#x1F;", NUMBER), item()), id="h43_surrogate"),
    pytest.param(rss("<item><title>", item()), id="h48_item_in_an_unclosed_title"),
    pytest.param(rss("<item><title>x</link></guid></item>", item()), id="h48_wrong_end_tags"),
    pytest.param(rss('<item a="<"><title>x</item>', item()), id="h48_bracket_in_attribute"),
    pytest.param(rss(item("R&D and AT&T; and &nbsp;&nosuch;", NUMBER), item()), id="h48_stray_ampersands"),
    pytest.param(rss(item("x", NUMBER, "<foo:bar baz:q='1'/>"), item()), id="h48_undeclared_prefixes"),
    pytest.param(rss(item(), "<item><title>x</title><description><![CDATA[half"), id="h48_unfinished_cdata"),
    pytest.param(rss(item()).replace("</channel></rss>", ""), id="h48_cut_off"),
    pytest.param("\n\n \ufeff" + rss(item()), id="h48_blank_before_the_declaration"),
    pytest.param("<b>Warning</b>: mysql in line 3\n" + rss(item()), id="h48_junk_before"),
    pytest.param(rss(item()) + "<script>x</script> junk", id="h48_junk_after"),
    pytest.param(rss(item("x", NUMBER)) + rss(item(), prolog=""), id="h48_two_roots"),
    pytest.param("<!-- a --><?pi x?>" + rss(item(), prolog="<!DOCTYPE rss>"), id="odd_prolog"),
    pytest.param(
        rss(item("x", NUMBER, "<link>http://[bad/</link><link href='http://[bad'/>"), item()), id="bad_links"
    ),
    pytest.param(rss(item("x", NUMBER, "<link>javascript:x</link>" * 30_000), item()), id="link_flood"),
    pytest.param(rss(item("x", NUMBER, f"<x {ATTRIBUTES}/>"), item()), id="attribute_flood"),
    pytest.param(rss(item()).replace("<rss", f"<rss {ATTRIBUTES}"), id="attribute_flood_at_the_root"),
    pytest.param(rss(*(f"<p{n}:x/>" for n in range(30_000)), item()), id="prefix_flood"),
    pytest.param("<!a>" * 300_000 + rss(item(), prolog=""), id="declaration_flood"),
    pytest.param("<!--a-->" * 100_000 + rss(item(), prolog=""), id="comment_flood"),
    pytest.param(rss(item("<![CDATA[" * 50_000, NUMBER), item()).replace("]]>", ""), id="cdata_flood"),
    pytest.param(rss("<item><item><title>x</title></item></item>", item()), id="item_in_item"),
]


@pytest.mark.parametrize("feed", HOSTILE)
def test_beside_a_hostile_entry_the_healthy_one_is_read(feed: str) -> None:
    began = time.process_time()
    document = read(feed)
    assert time.process_time() - began < 5
    healthy = [entry for entry in document.entries if entry.title == HEALTHY]
    assert [entry.url for entry in healthy] == ["https://paper.example/1"]
    for entry in document.entries:
        assert len(entry.title) <= 300
        assert len(entry.author or "") <= 300
        assert "lollol" not in entry.title
        assert "x" * 1000 not in entry.title + entry.summary
        json.dumps([entry.title, entry.summary, entry.guid], ensure_ascii=False).encode()


def test_h31_h33_entities_are_words_not_contents() -> None:
    document = read(rss(item("A &f; b &nbsp;c", NUMBER), prolog=FILE))
    assert titles(document) == ["A &f; b c"]


def test_h38_a_huge_title_is_clipped_and_its_entry_read() -> None:
    document = read(rss(item("Title " * 700_000)))
    assert len(document.entries[0].title) <= 300


@pytest.mark.parametrize("at", ["Un", "Unfinished", "</title>", "<link>", "https", "</link>"])
def test_h12_the_entry_in_which_a_document_breaks_off_is_left_to_the_next_reading(at: str) -> None:
    whole = rss(item(), item("Unfinished", 2))
    end = whole.index(at, whole.index("Unfinished") - len("<title>")) + len(at)
    document = read(whole[:end])
    assert titles(document) == [HEALTHY]
    assert document.total > len(document.shown) + document.skipped  # so its validators are not believed
    assert titles(read(whole, known=frozenset(document.shown))) == ["Unfinished"]


def test_h12_an_entry_that_ends_is_read_although_the_document_does_not() -> None:
    whole = rss(item("One", 1), item("Two", 2))
    assert titles(read(whole[: whole.index("</channel>")])) == ["One", "Two"]


def test_h48_what_was_mended_is_said() -> None:
    assert read(rss(item("R&D"))).problems[0].startswith("not well-formed")
    assert read(rss(item("R&amp;D"))).problems == ()


def test_h48_a_mended_link_keeps_its_parameters() -> None:
    feed = rss(item().replace("paper.example/1", "paper.example/?p=1&utm_source=rss&copy=2"))
    assert read(feed).entries[0].url == "https://paper.example/?p=1&utm_source=rss&copy=2"


def test_h48_references_inside_cdata_are_left_alone() -> None:
    document = read(rss(item("<![CDATA[R&amp;D & AT&T]]>"), item("R&D", NUMBER)))
    assert titles(document) == ["R&D & AT&T", "R&D"]


@pytest.mark.parametrize(
    ("declared", "header", "encoding", "word"),
    [
        pytest.param("utf-8", None, "cp1252", "Génération", id="h41 declares utf-8, is windows-1252"),
        pytest.param(
            "iso-8859-1", "utf-8", "cp1252", "Génération", id="the header lies, the document does not"
        ),
        pytest.param("utf-8", "iso-8859-1", "utf-8", "Génération", id="the header lies the other way"),
        pytest.param("iso-8859-1", None, "utf-8", "Génération", id="the declaration lies"),
        pytest.param(None, "windows-1251", "cp1251", "Технологии", id="only the header says"),
        pytest.param("windows-1251", "utf-8", "cp1251", "Технологии", id="a header that does not decode"),
        pytest.param("utf-16", None, "utf-16", "Génération", id="utf-16 with mark"),
        pytest.param("utf-16", None, "utf-16-le", "Génération", id="h41 utf-16 without mark"),
        pytest.param("shift_jis", None, "cp932", "ニュース", id="shift_jis"),
        pytest.param("gb2312", None, "gb18030", "微软", id="gb2312"),
        pytest.param("euc-kr", "utf-8", "cp949", "제휴", id="euc-kr"),
    ],
)
def test_h41_the_title_is_readable_whatever_is_claimed(
    declared: str | None, header: str | None, encoding: str, word: str
) -> None:
    prolog = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    body = rss(item(word), prolog=prolog).encode(encoding)
    assert titles(read(body, f"text/xml; charset={header}" if header else "text/xml")) == [word]


def test_h41_utf_7_stays_what_it_looks_like() -> None:
    document = read(rss(item("+ADw-b+AD4-"), prolog='<?xml version="1.0" encoding="utf-7"?>'))
    assert titles(document) == ["+ADw-b+AD4-"]


def test_h42_broken_bytes_cost_only_themselves() -> None:
    body = rss(item("Gén\ufffd\ufffdération – “été”")).encode().replace(b"\xef\xbf\xbd", b"\xff", 1)
    assert titles(read(body)) == ["Gén\ufffd\ufffdération – “été”"]


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        pytest.param("a&#x1b;[31mb\r\nc\u2028d\x07", "ab c d", id="h44 controls"),
        pytest.param(
            "Open\u200bAI \u202eand\u202c Micro\u00adsoft", "OpenAI and Microsoft", id="h45 invisible"
        ),
        pytest.param("&lt;b&gt;Deal&lt;/b&gt; done", "Deal done", id="h47 html"),
        pytest.param("&amp;lt;b&amp;gt;Deal&amp;lt;/b&amp;gt; done", "Deal done", id="h47 double-escaped"),
        pytest.param("<![CDATA[<script>alert(1)</script>Deal]]>", "Deal", id="h47 cdata script"),
        pytest.param("<b>Deal</b> done", "Deal done", id="h47 real elements"),
        pytest.param("AT&amp;amp;T", "AT&T", id="escaped twice by accident"),
        pytest.param("&lt;!channel&gt; deal", "<!channel> deal", id="h65 literal"),
        pytest.param("C&lt;T&gt; in a &lt; b", "C<T> in a < b", id="angle brackets that are none"),
    ],
)
def test_titles_are_plain_words(title: str, plain: str) -> None:
    assert titles(read(rss(item(title)))) == [plain]


@pytest.mark.parametrize(
    ("feed_base", "entry_base", "link", "url"),
    [
        ("", "", "post/1", "https://paper.example/feeds/post/1"),
        ("", "", "/post/1", "https://paper.example/post/1"),
        ("", "", "//cdn.example/1", "https://cdn.example/1"),
        ("https://base.example/a/", "", "post/1", "https://base.example/a/post/1"),
        ("https://base.example/a/", "b/", "post/1", "https://base.example/a/b/post/1"),
        ("/a/", "", "post/1", "https://paper.example/a/post/1"),
        ("javascript:alert(1)", "", "post/1", None),
    ],
)
def test_h49_relative_links_become_absolute_or_nothing(
    feed_base: str, entry_base: str, link: str, url: str | None
) -> None:
    entry = f'<entry xml:base="{entry_base}"><title>x</title><id>1</id><link href="{link}"/></entry>'
    found = read(atom(entry, attributes=f'xml:base="{feed_base}"')).entries[0].url
    assert found == url or (url is None and found is not None and found.startswith("https://paper.example/"))


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/hostname", None),
        ("mailto:a@paper.example", None),
        ("https://u:p@paper.example/", None),
        ("https://paper.example/" + "a" * 9_000, None),
        ("https://paper.example/a b|c>d", "https://paper.example/a%20b%7Cc%3Ed"),
        ("\n https://paper.example/a \n", "https://paper.example/a"),
    ],
)
def test_h50_only_safe_links_are_linked_and_the_text_stays(link: str, url: str | None) -> None:
    for feed in (
        rss(f"<item><title>Deal</title><link>{escape(link)}</link></item>"),
        atom(f'<entry><title>Deal</title><link href="{escape(link)}"/></entry>'),
    ):
        (entry,) = read(feed).entries
        assert (entry.title, entry.url) == ("Deal", url)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Thu, 05 Nov 2026 13:00:00 BST", NOON),
        ("Thu, 05 Nov 2026 17:30:00 IST", NOON),
        ("1793880000", NOON),
        ("5 novembre 2026 12:00", NOON),
        ("Fri, 01 Jan 9999 00:00:00 GMT", None),
        ("Thu, 05 Nov 2026 99:99:99 GMT", None),
        ("0", None),
        ("-1", None),
        ("gestern, 14:30 Uhr", None),
    ],
)
def test_h59_dates_are_right_or_missing(date: str, expected: datetime | None) -> None:
    feed = rss(f"<item><title>x</title><pubDate>{date}</pubDate></item>", head="<language>fr</language>")
    assert read(feed).entries[0].published == expected


# ---- when a parser trips


def test_entries_in_an_unusual_place_are_found() -> None:
    assert titles(read(rss(f"<items>{item()}</items>"))) == [HEALTHY]


def test_what_lxml_can_do_nothing_with_feedparser_may_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def helpless(text: str) -> None:
        raise Malformed("not well-formed")

    monkeypatch.setattr("crawler.feeds.take_apart", helpless)
    first = read(rss(item(), item("Un&amp;closed<", NUMBER)))
    assert titles(first)[0] == HEALTHY
    assert len(first.entries) == 2
    assert "last resort" in first.problems[-1]
    assert read(rss(item()), known=frozenset(first.shown)).entries == ()


def _stumbling(trips: Callable[[bytes], bool]) -> Callable[[bytes], list[object]]:
    from crawler import feeds

    original = feeds._feedparser

    def feedparser(document: bytes) -> list[object]:
        if trips(document):
            raise ValueError("tripped")
        return original(document)

    return feedparser


def test_one_entry_a_parser_trips_over_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.feeds._feedparser", _stumbling(lambda document: b"poison" in document))
    feed = rss(*(item(f"Story {number}", number) for number in range(40)), item("poison", 99))
    document = read(feed)
    assert titles(document) == [f"Story {number}" for number in range(40)]
    assert (document.skipped, document.total, len(document.shown)) == (1, 41, 40)


def test_a_careful_reading_leaves_out_very_long_entries() -> None:
    long = item("x", NUMBER, f"<description>{'y' * 100_000}</description>")
    document = read(rss(long, item()), careful=True)
    assert (titles(document), document.skipped) == ([HEALTHY], 1)


@pytest.mark.parametrize("seed", [rss(item(), item("R&D", NUMBER)), atom("<entry><title>x</title></entry>")])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_happens_to_a_feed_on_its_way_it_is_read_or_refused(seed: str, data: st.DataObject) -> None:
    body = bytearray(seed.encode())
    for _ in range(data.draw(st.integers(0, 8))):
        at = data.draw(st.integers(0, max(0, len(body) - 1)))
        body[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=4))
    try:
        document = read(bytes(body), None)
    except Unreadable:
        return
    assert document.total - len(document.shown) - document.skipped in (0, 1)  # 1: it breaks off
