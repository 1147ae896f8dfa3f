"""Which charset a document is in, what of its characters stays, how markup becomes paragraphs."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.plain import (
    binary_kind,
    charset_of,
    clip,
    decode,
    language_code,
    line,
    paragraphs,
    without_markup,
)

RUSSIAN = "Новости технологий"


@pytest.mark.parametrize(
    ("body", "claims", "text"),
    [
        pytest.param(
            "œuvre – été".encode("cp1252"), ("iso-8859-1",), "œuvre – été", id="latin-1 is windows-1252"
        ),
        pytest.param("été".encode("cp1252"), ("utf-8",), "été", id="h41 declares utf-8, is windows-1252"),
        pytest.param("été".encode(), ("iso-8859-1",), "été", id="h41 declares latin-1, is utf-8"),
        pytest.param(
            RUSSIAN.encode("cp1251"), ("utf-8", "windows-1251"), RUSSIAN, id="the second claim holds"
        ),
        pytest.param(RUSSIAN.encode("koi8-r"), ("koi8-r", "utf-8"), RUSSIAN, id="the first claim holds"),
        pytest.param("微软".encode("gb18030"), ("gb2312",), "微软", id="gb2312 is gb18030"),
        pytest.param("株式会社①".encode("cp932"), ("Shift_JIS",), "株式会社①", id="shift_jis is cp932"),
        pytest.param(
            "ニュース".encode("iso2022_jp"), ("iso-2022-jp",), "ニュース", id="seven bits that are no ASCII"
        ),
        pytest.param("네이버".encode("euc_kr"), ("ks_c_5601-1987",), "네이버", id="korean by an old name"),
        pytest.param("é".encode("utf-16"), (), "é", id="utf-16 with its mark"),
        pytest.param("<é>".encode("utf-16-le"), ("utf-16",), "<é>", id="h41 utf-16 without a mark"),
        pytest.param("<é>".encode("utf-16-be"), (), "<é>", id="h41 utf-16-be without mark or claim"),
        pytest.param(b"\xef\xbb\xbf" + "é".encode(), ("latin-1",), "é", id="a mark outranks a claim"),
        pytest.param(b"+ADw-b+AD4-", ("utf-7",), "+ADw-b+AD4-", id="h41 utf-7 is refused"),
        pytest.param(b"\\x3cb\\x3e", ("unicode_escape",), "\\x3cb\\x3e", id="escapes are no charset"),
        pytest.param(
            b"plain", ("zip", "rot13", "no-such", "\0", "ü" * 50), "plain", id="claims that are none"
        ),
        pytest.param(
            "日本語".encode() + b"\xff", ("utf-8",), "日本語\ufffd", id="h42 a broken byte costs itself"
        ),
        pytest.param(b"caf\x81 \xe9", ("utf-8",), "caf\ufffd é", id="not even windows-1252"),
        pytest.param(b"", (), "", id="nothing"),
    ],
)
def test_the_charset_is_found(body: bytes, claims: tuple[str, ...], text: str) -> None:
    assert decode(body, *claims) == text


@given(st.binary(max_size=80), st.text(max_size=20))
def test_any_bytes_and_any_claim_give_text(body: bytes, claim: str) -> None:
    assert isinstance(decode(body, claim), str)


@pytest.mark.parametrize(
    ("header", "charset"),
    [
        ('text/xml; charset="utf-8"', "utf-8"),
        ("text/html;CHARSET=windows-1251", "windows-1251"),
        ("text/html", None),
        (None, None),
    ],
)
def test_the_charset_of_a_header(header: str | None, charset: str | None) -> None:
    assert charset_of(header) == charset


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\r\n\tb\u00a0 c", "a b c", id="blanks"),
        pytest.param("a\x1b[31mb\x07\x00c\x1b", "abc", id="h44 controls"),
        pytest.param("a\u2028b\u2029c", "a b c", id="h44 line separators"),
        pytest.param(
            "Open\u200bAI\u202e and Micro\u00adsoft\ufeff", "OpenAI and Microsoft", id="h45 invisible"
        ),
        pytest.param("Open\u200dAI", "OpenAI", id="h45 a joiner inside a Latin word"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="a joiner Persian needs"),
        pytest.param("👩\u200d🚀 \u200dx", "👩\u200d🚀 x", id="a joiner inside an emoji"),
        pytest.param("a\ud800b", "ab", id="h43 a lone surrogate"),
        pytest.param("it\x92s \x93so\x94", "it’s “so”", id="windows characters as numbers"),
        pytest.param("\U000e0041\ufffe", "", id="tags and non-characters"),
    ],
)
def test_a_line_keeps_what_can_be_seen(text: str, expected: str) -> None:
    assert line(text) == expected


def test_paragraphs_are_parted_by_one_empty_line() -> None:
    assert paragraphs("  One\nline \n \n\n Two\u2029Three\r\n\r\n") == "One line\n\nTwo\n\nThree"


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param("AT&amp;T", "AT&T", id="unescaped"),
        pytest.param("R&amp;amp;D", "R&amp;D", id="unescaped once"),
        pytest.param("AT&T <3 a < b", "AT&T <3 a < b", id="text that is no markup"),
        pytest.param("<b>Deal</b> done", "Deal done", id="h47 tags"),
        pytest.param("&lt;b&gt;Deal&lt;/b&gt; done", "Deal done", id="h47 escaped once too often"),
        pytest.param("<script>alert(1)</script>Deal", "Deal", id="h47 scripts"),
        pytest.param("&lt;script&gt;alert(1)&lt;/script&gt;Deal", "Deal", id="h47 escaped scripts"),
        pytest.param("<!-- x -->Deal<style>p{}</style>", "Deal", id="comments and styles"),
        pytest.param("List<String> and <Foo>", "List<String> and <Foo>", id="words in angle brackets"),
        pytest.param(
            "<!channel> and <https://evil.example|this>",
            "<!channel> and <https://evil.example|this>",
            id="h65",
        ),
        pytest.param(
            "<p>One<br>\nline<p>Two\n\n<ul><li>a<li>b</ul>", "One line\n\nTwo\n\na\n\nb", id="paragraphs"
        ),
        pytest.param("One<br><br>Two", "One\n\nTwo", id="double breaks"),
        pytest.param(
            "<td>a</td><td>b</td> <b>un</b>broken", "a b unbroken", id="cells part words, bold does not"
        ),
        pytest.param("", "", id="nothing"),
    ],
)
def test_markup_becomes_plain_paragraphs(markup: str, expected: str) -> None:
    assert without_markup(markup) == expected


@given(st.text(st.sampled_from(list("<>&;!-/\"' abp#x1\n\u200b\ud800")), max_size=60))
def test_any_markup_becomes_text_that_json_and_databases_take(markup: str) -> None:
    without_markup(markup).encode("utf-8")


@pytest.mark.parametrize(
    "markup",
    [
        pytest.param("<!--" * 50_000, id="h36 open comments"),
        pytest.param("<div>" * 100_000, id="h37 deep nesting"),
        pytest.param("<" * 300_000, id="angle brackets"),
        pytest.param('<a "' * 80_000, id="open quotes"),
        pytest.param("&" * 300_000, id="ampersands"),
        pytest.param("word " * 800_000, id="h38 four megabytes"),
    ],
)
def test_hostile_markup_costs_no_more_than_its_length(markup: str) -> None:
    began = time.process_time()
    without_markup(markup)
    assert time.process_time() - began < 3


def test_clipping_prefers_the_end_of_a_word() -> None:
    assert clip("short", 10) == "short"
    assert clip("one two three four five", 20) == "one two three four…"
    assert clip("x" * 50, 10) == "x" * 9 + "…"
    assert len(clip("word " * 1000, 300)) <= 300


def test_bytes_that_are_no_text_have_a_name() -> None:
    assert binary_kind(b"%PDF-1.7 ...") == "a PDF file"
    assert binary_kind(b"<rss>") is None


def test_language_codes() -> None:
    assert [language_code(text) for text in ("pt-BR", "zh_Hant", "EN", "english", "", "x1")] == [
        "pt",
        "zh",
        "en",
        None,
        None,
        None,
    ]
