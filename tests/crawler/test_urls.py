"""What becomes of links, and which spellings are one page."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.urls import MAX_LENGTH, absolute, canonical, host, site, without_origin

PAGE = "https://paper.example/2026/07/chips.html"


@pytest.mark.parametrize(
    "spelling",
    [
        "https://paper.example/2026/07/chips.html",
        "http://paper.example/2026/07/chips.html",
        "https://www.paper.example/2026/07/chips.html",
        "https://m.paper.example/2026/07/chips.html",
        "https://amp.paper.example/2026/07/chips.html",
        "https://PAPER.example:443/2026/07/chips.html",
        "http://paper.example:80/2026/07/chips.html",
        "https://paper.example./2026/07/chips.html",
        "https://paper.example/2026/07/chips.html/",
        "https://paper.example/2026/07/chips.html#comments",
        "https://paper.example/2026/07/chips.html#xtor=RSS-1",
        "https://paper.example/2026/07/chips.html?utm_source=rss&utm_medium=feed&UTM_Campaign=x",
        "https://paper.example/2026/07/chips.html?fbclid=1&gclid=2&mc_cid=3",
        "https://paper.example/2026/07/chips.html?ref=rss&amp=1",
        "https://paper.example/2026/07/chips.amp.html",
        "https://paper.example/2026/07/chips.html/amp/",
        "https://paper.example/2026/07/chips.html;jsessionid=0F3A",
        "https://paper.example/2026/./07/../07/chips.html",
        "  https://paper.example/2026/07/chips.html\n",
    ],
)
def test_h55_spellings_of_one_page_are_one_address(spelling: str) -> None:
    assert canonical(spelling) == PAGE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://blog.example/?p=123", "https://blog.example/?p=124"),
        ("https://blog.example/?p=123", "https://blog.example/"),
        ("https://blog.example/a?id=1", "https://blog.example/a?id=2"),
        ("https://blog.example/a?page=2", "https://blog.example/a"),
        ("https://blog.example/a?ref=main", "https://blog.example/a"),
        ("https://blog.example:8443/a", "https://blog.example/a"),
        ("https://blog.example/a", "https://blog.example/A"),
        ("https://news.blog.example/a", "https://blog.example/a"),
        ("https://blog.example/camp", "https://blog.example/c"),
        ("https://m.co.uk/a", "https://co.uk/a"),
    ],
)
def test_different_pages_keep_different_addresses(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


def test_the_order_of_parameters_and_the_case_of_escapes_do_not_matter() -> None:
    assert canonical("https://a.example/s?b=2&a=%c3%a9") == canonical("https://a.example/s?a=é&b=2")


def test_letters_outside_ascii_and_their_escapes_are_one_address() -> None:
    assert canonical("https://bücher.example/größe") == canonical(
        "http://xn--bcher-kva.example/gr%C3%B6%C3%9Fe"
    )


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/hostname",
        "mailto:desk@paper.example",
        "gopher://paper.example/_x",
        "ftp://paper.example/x",
        "https://user:secret@paper.example/",
        "https://paper.example@evil.example/",
        "https://paper.example\\@evil.example/",
        "https://paper.example/a\r\nX-Header: 1",
        "https://paper.example/a\x00b",
        "https://paper.example/a\u2028b",
        "https://paper.example/\ud800",
        "https://" + "a" * 64 + ".ö.example/",
        "https://paper..example/",
        "https://paper.example:99999/",
        "https://paper.example:0/",
        "https://paper.example:8o/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://pa per.example/",
        "https://pa|per.example/",
        "https:///path",
        "https://",
        "http:",
        "",
        "   ",
        "https://paper.example/" + "a" * MAX_LENGTH,
        "https://paper.example/" + "ü" * 500,
    ],
)
def test_h50_links_that_cannot_be_followed_safely_are_none(link: str) -> None:
    assert absolute(link) is None
    assert canonical(link) is None


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/x", "https://base.example/x"),
        ("x", "https://base.example/dir/x"),
        ("../x", "https://base.example/x"),
        ("?p=1", "https://base.example/dir/feed?p=1"),
        ("//other.example/x", "https://other.example/x"),
        ("http://other.example", "http://other.example/"),
        ("http://other.example/?p=1#part", "http://other.example/?p=1#part"),
    ],
)
def test_h49_relative_links_become_absolute(link: str, expected: str) -> None:
    assert absolute(link, "https://base.example/dir/feed") == expected


def test_a_relative_link_without_a_usable_base_is_none() -> None:
    assert absolute("/x") is None
    assert absolute("/x", "javascript:alert(1)") is None
    assert absolute("/x", "https://[bad/") is None


def test_h50_odd_characters_are_percent_encoded() -> None:
    assert (
        absolute('https://a.example/x y|z<b>"?q=a|b>c^`{}[]&r=100%&s=%41')
        == "https://a.example/x%20y%7Cz%3Cb%3E%22?q=a%7Cb%3Ec%5E%60%7B%7D%5B%5D&r=100%25&s=%41"
    )


@pytest.mark.parametrize(
    ("url", "name", "domain"),
    [
        ("https://www.News.paper.co.uk/x", "www.news.paper.co.uk", "paper.co.uk"),
        ("https://blog.github.io/", "blog.github.io", "blog.github.io"),
        ("http://127.1.2.3:8100/x", "127.1.2.3", "127.1.2.3"),
        ("http://[::1]:80/", "::1", "::1"),
        ("http://localhost/", "localhost", "localhost"),
        ("http://www.news.paper.example/", "www.news.paper.example", "paper.example"),
        ("http://co.uk/", "co.uk", "co.uk"),
        ("http://0177.0.0.2/", "0177.0.0.2", "0177.0.0.2"),
        ("http://paper.example./", "paper.example", "paper.example"),
        ("http://[::1", "", ""),
        ("no address", "", ""),
    ],
)
def test_host_and_site(url: str, name: str, domain: str) -> None:
    assert host(url) == name
    assert site(url) == domain


@pytest.mark.parametrize("odd", ["2130706434", "0x7f000002", "0177.0.0.2", "127.2", "0.0.0.0"])
def test_odd_spellings_of_addresses_pass_unchanged_to_the_address_guard(odd: str) -> None:
    assert absolute(f"http://{odd}/x") == f"http://{odd}/x"


@pytest.mark.parametrize(
    ("guid", "rest"),
    [
        ("http://old.example/2026/07/chips-and-bits.html", "/2026/07/chips-and-bits.html"),
        ("https://new.example/2026/07/chips-and-bits.html", "/2026/07/chips-and-bits.html"),
        ("http://www.blog.example/?p=123", "blog.example/?p=123"),
        ("https://blog.example/?p=123", "blog.example/?p=123"),
        ("https://blog.example/", None),
        ("tag:blog.example,2026:1", None),
        ("1234", None),
        ("http://[bad", None),
    ],
)
def test_h54_what_a_guid_keeps_without_scheme_and_host(guid: str, rest: str | None) -> None:
    assert without_origin(guid) == rest


_hosts = st.sampled_from(
    ["a.example", "www.m.a.example", "m.co.uk", "127.1.2.3:8100", "[::1]:80", "BÜ.example.", "a"]
)
_tails = st.text(st.sampled_from(list("/?&=#;%.abAB01é漢 +'\"|<>[]{}\\:@~*amp")), max_size=40)
_addresses = st.one_of(
    st.builds("http://{}/{}".format, _hosts, _tails),
    st.builds("https://{}{}".format, _hosts, _tails),
    st.text(),
)


@given(_addresses)
@example("http://a.example/amp//amp/?&&b&a=&=&amp;x")
@example("http://a.example/.amp.html.amp")
@example("http://a.example/%2e%2e/%2E/a")
def test_canonical_is_idempotent(url: str) -> None:
    once = canonical(url)
    assert once is None or canonical(once) == once


@given(_addresses, st.one_of(st.just("https://base.example/dir/feed"), st.text()))
def test_absolute_is_idempotent_and_never_raises(link: str, base: str) -> None:
    once = absolute(link, base)
    assert once is None or absolute(once) == once


@given(_addresses)
def test_nothing_raises_on_any_text(text: str) -> None:
    host(text), site(text), without_origin(text)
