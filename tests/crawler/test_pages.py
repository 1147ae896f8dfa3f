"""What is read out of the page behind an entry, and what must stay out of its text."""

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import pages
from crawler.documents import Empty, Malformed, Page, Unreadable
from crawler.pages import read_page

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)
URL = "https://paper.example/2026/deal.html"
DECOY = "OpenAI and Microsoft at odds over partnership"
SENTENCES = (
    "The city council has bought forty new trams for the lines along the river, the mayor said on Thursday.",
    "They will be built over three years in two plants, and the first of them is to run next summer.",
    "Drivers had asked for wider cabins, which the maker promised to deliver without raising the price.",
    "A union spokesman called the order overdue, for the oldest trams have been in service since 1984.",
)


def paragraphs(wrap: str = "<p>{}</p>") -> str:
    return "\n".join(wrap.format(sentence) for sentence in SENTENCES)


def page(body: str, head: str = "<title>Trams ordered</title>", lang: str = "en") -> str:
    return f'<!DOCTYPE html><html lang="{lang}"><head>{head}</head><body>{body}</body></html>'


def article(inside: str = "", around: str = "", head: str = "<title>Trams ordered</title>") -> str:
    return page(f"<main><article><h1>Trams ordered</h1>{paragraphs()}{inside}</article></main>{around}", head)


def ld(**said: object) -> str:
    text = json.dumps({"@context": "https://schema.org", "@type": "NewsArticle"} | said)
    return f'<script type="application/ld+json">{text}</script>'


def meta(**said: str) -> str:
    return "".join(
        f'<meta property="{name.replace("_", ":", 1)}" content="{value}">' for name, value in said.items()
    )


def read(html: str | bytes, content_type: str | None = "text/html", url: str = URL) -> Page:
    return read_page(html.encode() if isinstance(html, str) else html, content_type, url)


def has_the_article(found: Page) -> bool:
    return all(sentence in found.text for sentence in SENTENCES)


# ---- the text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"<main><article><h1>Trams</h1>{paragraphs()}</article></main>", id="article"),
        pytest.param(f"<div id=content><div class=post><h1>Trams</h1>{paragraphs()}</div></div>", id="divs"),
        pytest.param(
            f"<table><tr><td><h2>Trams</h2>{'<br><br>'.join(SENTENCES)}</td></tr></table>", id="table"
        ),
        pytest.param(
            f"<section>{paragraphs('<div><p>{}</p></div><div class=ad>Ad</div>')}</section>", id="ads"
        ),
        pytest.param(f"<form action=/><div>{paragraphs()}</div></form>", id="a form round the whole page"),
        pytest.param(
            f'<div class="page with-sidebar"><h1>Trams</h1>{paragraphs()}</div>', id="an unlucky class"
        ),
        pytest.param(f'<div class="social comments">{paragraphs()}</div>', id="an unluckier class"),
    ],
)
def test_the_article_is_found_in_any_layout(body: str) -> None:
    assert has_the_article(read(page(body)))


@pytest.mark.parametrize(
    "around",
    [
        pytest.param(f"<aside><h3>Latest</h3><ul><li><a href=/x>{DECOY}</a></li></ul></aside>", id="aside"),
        pytest.param(f'<div class="sidebar"><p>{DECOY}, sources say.</p></div>', id="sidebar"),
        pytest.param(
            f'<section id="comments"><div class="comment"><p>{DECOY}?</p></div></section>', id="comments"
        ),
        pytest.param(f"<nav><a href=/x>{DECOY}</a></nav>", id="navigation"),
        pytest.param(f"<footer><p>{DECOY}</p></footer>", id="footer"),
        pytest.param(f'<div class="related-articles"><h4>{DECOY}</h4></div>', id="related"),
        pytest.param(f'<div><h3>Most read</h3><p><a href="/x">{DECOY}</a></p></div>', id="a list of links"),
    ],
)
def test_neighbours_headlines_stay_out_of_the_text(around: str) -> None:
    found = read(article(around=around))
    assert has_the_article(found)
    assert DECOY not in found.text


@pytest.mark.parametrize(
    "line",
    [
        f'<p><b>Related:</b> <a href="/x">{DECOY}</a></p>',
        f'<p><a href="/x">{DECOY}</a></p>',
        f'<ul><li><strong><a href="/x">{DECOY}</a></strong></li></ul>',
        f'<div>See also: <a href="/x">{DECOY}</a></div>',
    ],
)
def test_lines_inside_the_article_that_lead_elsewhere_stay_out(line: str) -> None:
    html = article().replace(f"<p>{SENTENCES[2]}", f"{line}<p>{SENTENCES[2]}")
    found = read(html)
    assert has_the_article(found)
    assert DECOY not in found.text


def test_lines_that_lead_elsewhere_stay_out_where_only_breaks_part_them() -> None:
    lines = [*SENTENCES[:2], f'<b>Related:</b> <a href="/x">{DECOY}</a>', *SENTENCES[2:]]
    found = read(page(f"<table><tr><td class=main>{'<br><br>'.join(lines)}</td></tr></table>"))
    assert has_the_article(found)
    assert DECOY not in found.text


def test_a_link_inside_a_sentence_stays() -> None:
    found = read(
        article(
            inside='<p>The order, <a href="/x">first reported in May</a>, was signed at noon in the hall.</p>'
        )
    )
    assert "The order, first reported in May, was signed at noon in the hall." in found.text


def test_paragraphs_are_parted() -> None:
    assert "\n\n".join(SENTENCES[:2]) in read(article()).text


@pytest.mark.parametrize("odd", ["\x01", "&#1;", "&#xB", "&#xFFFF;", "\ufffe"])
def test_h44_forbidden_characters_do_not_cost_the_text(odd: str) -> None:
    found = read(
        article(inside=f"<p>Sent{odd}<script>x</script>ence after{odd} it, and one more to be long.</p>")
    )
    assert has_the_article(found)
    assert "Sentence after it" in found.text


def test_without_a_text_of_its_own_the_page_is_taken_at_its_word() -> None:
    body = "\n\n".join(SENTENCES)
    assert has_the_article(read(page("<div id=app></div>", ld(articleBody=body))))
    assert read(page("<div id=app></div>", meta(og_description="Forty trams."))).text == "Forty trams."


# ---- what else it says


def test_the_headline_of_the_metadata_is_the_title() -> None:
    assert (
        read(article(head=ld(headline="Forty &amp; more trams") + "<title>Paper</title>")).title
        == "Forty & more trams"
    )


@pytest.mark.parametrize(
    ("head", "title"),
    [
        pytest.param(meta(og_title="Trams"), "Trams", id="og"),
        pytest.param(meta(og_title="Trams &amp;amp; buses"), "Trams & buses", id="escaped once too often"),
        pytest.param(
            ld(headline="Trams, and") + meta(og_title="Trams, and more"), "Trams, and more", id="cut short"
        ),
        pytest.param(
            meta(og_title="Trams | Paper", og_site_name="Paper"), "Trams", id="with the site's name"
        ),
        pytest.param(meta(og_title="Paper", og_site_name="Paper"), "Paper", id="nothing but the site's name"),
        pytest.param("<title>Trams - Paper</title>", "Trams ordered", id="heading before title"),
        pytest.param(meta(og_title="Open\u200bAI\u202e"), "OpenAI", id="h45 invisible"),
        pytest.param(meta(og_title="x" * 5_000), "x" * 299 + "…", id="h38 huge"),
    ],
)
def test_titles(head: str, title: str) -> None:
    assert read(article(head=head)).title == title


def test_without_metadata_and_heading_the_title_is_the_title() -> None:
    assert read(page(paragraphs(), "<title>Trams\n ordered</title>")).title == "Trams ordered"


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ('<link rel="canonical" href="https://www.paper.example/deal">', "https://www.paper.example/deal"),
        ('<link rel="canonical" href="/deal">', "https://paper.example/deal"),
        (meta(og_url="https://paper.example/deal"), "https://paper.example/deal"),
        (ld(mainEntityOfPage={"@id": "https://paper.example/deal"}), "https://paper.example/deal"),
        ('<link rel="canonical" href="https://other.example/deal">', None),
        ('<link rel="canonical" href="https://paper.example/">', None),
        ('<link rel="canonical" href="javascript:alert(1)">', None),
        ('<link rel="canonical" href="http://[bad">', None),
        ("", None),
    ],
)
def test_the_address_a_page_gives_itself_counts_only_on_its_own_site(head: str, url: str | None) -> None:
    assert read(article(head=head)).url == url


@pytest.mark.parametrize(
    "head",
    [
        ld(datePublished="2026-11-05T13:00:00+01:00"),
        ld(datePublished="soon") + meta(article_published_time="2026-11-05T12:00:00Z"),
        '<meta name="date" content="Thu, 05 Nov 2026 12:00:00 GMT">',
    ],
)
def test_the_date_is_found(head: str) -> None:
    assert read(article(head=head)).published == NOON


def test_author_and_language_are_found() -> None:
    found = read(article(head=ld(author=[{"@type": "Person", "name": "A. <b>Writer</b>"}])))
    assert (found.author, found.language) == ("A. Writer", "en")
    assert read(article(head=meta(article_author="https://social.example/writer"))).author is None
    assert read(page(paragraphs(), meta(og_locale="pt_BR"), lang="")).language == "pt"


def test_an_article_inside_a_graph_is_found() -> None:
    graph = {
        "@graph": [{"@type": "WebSite", "headline": "no"}, {"@type": ["NewsArticle"], "headline": "Yes"}]
    }
    assert (
        read(article(head=f'<script type="application/ld+json">{json.dumps(graph)}</script>')).title == "Yes"
    )


@pytest.mark.parametrize(
    ("encoding", "header", "declared"),
    [("cp1251", "utf-8", "windows-1251"), ("utf-8", "iso-8859-1", "utf-8"), ("cp1251", None, "windows-1251")],
)
def test_h41_pages_are_readable_whatever_the_header_claims(
    encoding: str, header: str | None, declared: str
) -> None:
    html = article(head=f"<meta charset={declared}>").replace("Trams ordered", "Новые трамваи")
    assert (
        read(html.encode(encoding), f"text/html; charset={header}" if header else "text/html").title
        == "Новые трамваи"
    )


# ---- hostile pages


@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [
        (b"", "text/html", Empty),
        (b"%PDF-1.7", "text/html", Malformed),
        (b"\x89PNG", None, Malformed),
        (b"{}", "application/json", Malformed),
        (b"x", "image/webp", Malformed),
    ],
)
def test_h30_what_is_no_page_is_said_to_be_none(
    body: bytes, content_type: str, kind: type[Unreadable]
) -> None:
    with pytest.raises(kind):
        read(body, content_type)


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(
            article(around="".join(f"<a href=/{n}>Link {n}</a>" for n in range(50_000))), id="link flood"
        ),
        pytest.param(article(around="<p>some text here</p>" * 50_000), id="paragraph flood"),
        pytest.param(article(around="<div class=share>x</div>" * 50_000), id="neighbour flood"),
        pytest.param(article(head="<meta name=x content=y>" * 50_000), id="metadata flood"),
        pytest.param(article(head=ld(headline="Trams") * 3_000), id="script flood"),
        pytest.param(article(around="<div>" * 50_000), id="h37 deep nesting"),
        pytest.param(article(around="<!--" * 50_000), id="h36 comments"),
        pytest.param(article(around="<table><tr><td>" * 2_000), id="tables"),
        pytest.param(
            article(head=f'<script type="application/ld+json">{"[" * 100_000}</script>'), id="nested json"
        ),
        pytest.param(article(around="<a title='" * 30_000), id="open quotes"),
    ],
)
def test_a_flooded_page_costs_little_and_its_article_is_read(html: str) -> None:
    began = time.process_time()
    found = read(html)
    assert time.process_time() - began < 5
    assert has_the_article(found)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_whatever_happens_to_a_page_on_its_way_it_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(article(head=ld(headline="Trams", articleBody="x") + meta(og_url=URL)).encode())
    for _ in range(data.draw(st.integers(0, 8))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=4))
    try:
        read(bytes(body))
    except Unreadable:
        return


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Trams ordered 2026-11-24 The city said so.", "The city said so."),
        ("Trams ordered\n\n24.11.2026, 09:15\n\nThe city said so.", "The city said so."),
        ("Trams ordered\n\nThe city said so.", "The city said so."),
        ("Trams ordered by the city are late.", "Trams ordered by the city are late."),
        ("Trams ordered 12 years ago are late.", "Trams ordered 12 years ago are late."),
        ("The city said so.", "The city said so."),
        ("Trams ordered", "Trams ordered"),
    ],
)
def test_headline_and_date_before_the_text_are_none_of_it(text: str, left: str) -> None:
    assert pages._without_heading(text, "Trams ordered") == left


def test_an_article_laid_out_in_a_table_is_its_text_alone() -> None:
    cell = f"<h2>Trams ordered</h2><font size=2>2026-11-24</font><br>{'<br><br>'.join(SENTENCES)}"
    found = read(page(f"<table><tr><td class=main>{cell}</td></tr></table>"))
    assert found.text.startswith(SENTENCES[0])
    assert "|" not in found.text
