"""Pages: the HTML behind an entry → title, text, date, address (the only room that knows the extractor).

Lives here: which of a page's many claims about itself we believe, and how its neighbours' headlines are kept
out of its text. Not here: bytes and charsets (`markup`, `plain`), dates (`dates`), whether a page is asked
for (`spiders`), limits of time and memory (`child`, in which all of this runs).

Precision before recall: a headline in the margin that names what a watch looks for is a false alarm on every
page of that site; a paragraph too few is seldom the one that matters.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from lxml.html import HtmlElement

from crawler.dates import read_date
from crawler.documents import Page
from crawler.markup import read_tree
from crawler.plain import clip, language_code, line, paragraphs, without_markup
from crawler.urls import absolute, site

__all__ = ["Page", "read_page"]

TITLE, AUTHOR, TEXT = 300, 200, 100_000  # characters kept
# Beyond these the extractor is not asked: its cost grows faster than the page (100,000 links: 5 s, 360 MB).
_MOST_LINKS, _MOST_ELEMENTS = 4_000, 30_000
_SHORT = 200  # characters; a text below this is compared with what the page says of itself

_DRAWN = re.compile(r"^(?:- |\| )|\s\|\s*$")  # by the extractor: bullets, and the table an article lies in
# What parts a headline from the text behind it: the end of its line, or a date in figures.
_AFTER_HEADING = re.compile(r"[^\S\n]*(?:\n\s*)?(?:\d[\d.,:;/|·–—\s-]{3,39}\s)?")


def read_page(body: bytes, content_type: str | None, url: str) -> Page:
    """What the page at `url` says. Raises Empty, or Malformed where it is no page at all."""
    tree = read_tree(body, content_type)
    claims = _claims(tree)
    language = _language(tree, claims)
    title = _title(tree, claims)
    return Page(
        url=_address(tree, claims, url),
        title=title,
        text=clip(_without_heading(_text(tree, claims, plainly=_is_flooded(tree)), title), TEXT),
        language=language,
        author=_author(claims),
        published=_published(claims, language),
    )


def _is_flooded(tree: HtmlElement) -> bool:
    return _more_than(_MOST_LINKS, tree.iter("a")) or _more_than(_MOST_ELEMENTS, tree.iter())


def _more_than(count: int, things: Iterator[object]) -> bool:
    return next(islice(things, count, None), None) is not None


# ---- what the page says of itself


@dataclass(frozen=True, slots=True)
class _Claims:
    """The metadata of a page: `<meta>` by name in small letters, and the article of its JSON-LD."""

    meta: dict[str, str]
    article: dict[str, Any]

    def first(self, *names: str) -> str:
        return next((value for name in names if (value := self.meta.get(name))), "")

    def told(self, name: str) -> str:
        """A plain value of the JSON-LD article."""
        value = self.article.get(name)
        return value if isinstance(value, str) else ""


def _claims(tree: HtmlElement) -> _Claims:
    meta: dict[str, str] = {}
    for element in islice(tree.iter("meta"), _MOST_METAS):
        name = element.get("property") or element.get("name") or element.get("itemprop")
        content = element.get("content")
        if name and content:
            meta.setdefault(name.strip().lower(), content.strip())
    return _Claims(meta, next(_articles(tree), {}))


_MOST_METAS, _MOST_SCRIPTS, _MOST_NODES, _LONGEST_SCRIPT = 500, 200, 200, 500_000
_KINDS_OF_ARTICLE = ("Article", "Posting", "Report", "PressRelease")


def _articles(tree: HtmlElement) -> Iterator[dict[str, Any]]:
    for script in islice(tree.iter("script"), _MOST_SCRIPTS):
        if "ld+json" not in (script.get("type") or ""):
            continue
        try:
            data = json.loads((script.text or "")[:_LONGEST_SCRIPT], strict=False)
        except (ValueError, RecursionError):
            continue
        yield from (node for node in _nodes(data) if _is_article(node))


def _nodes(data: object) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-LD document, through lists and @graph."""
    waiting = [data]
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        node = waiting.pop(0)
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            yield node
            waiting.append(node.get("@graph"))


def _is_article(node: dict[str, Any]) -> bool:
    kinds = node.get("@type")
    return any(
        str(kind).endswith(_KINDS_OF_ARTICLE) for kind in (kinds if isinstance(kinds, list) else [kinds])
    )


def _title(tree: HtmlElement, claims: _Claims) -> str:
    told, shown = (_plain_title(text) for text in (claims.told("headline"), claims.first("og:title")))
    if told and shown.startswith(told):
        told = shown  # some cut the headline of their JSON-LD at 110 characters
    headings = [_plain_title(heading.text_content()) for heading in tree.iter("h1")]
    heading = headings[0] if len(headings) == 1 else ""
    whole = _plain_title(next((title.text_content() for title in tree.iter("title")), ""))
    title = told or shown or _plain_title(claims.first("twitter:title")) or heading or whole
    return clip(_without_site(title, line(claims.first("og:site_name"))), TITLE)


def _plain_title(text: str) -> str:
    return line(without_markup(text[:20_000]))


def _without_site(title: str, name: str) -> str:
    """`Headline | Paper` → `Headline`, where the page says that Paper is its name."""
    if not name or not title.endswith(name):
        return title
    headline = title.removesuffix(name).rstrip()
    return headline.rstrip("|-–—·:• ").rstrip() if headline[-1:] in set("|-–—·:•") else title


def _address(tree: HtmlElement, claims: _Claims, url: str) -> str | None:
    """The address the page gives itself, if it lies on its own site and is not just the front page."""
    page = claims.article.get("mainEntityOfPage")
    links = [
        *(
            link.get("href")
            for link in tree.iter("link")
            if "canonical" in (link.get("rel") or "").lower().split()
        ),
        claims.first("og:url"),
        page.get("@id") if isinstance(page, dict) else page,
        claims.told("url"),
    ]
    for link in links[:8]:
        found = absolute(link, url) if isinstance(link, str) and link else None
        if found and site(found) == site(url) and (not _is_front(found) or _is_front(url)):
            return found
    return None


def _is_front(url: str) -> bool:
    return re.fullmatch(r"https?://[^/?#]+/?", url) is not None


def _language(tree: HtmlElement, claims: _Claims) -> str | None:
    said = (
        tree.get("lang"),
        claims.told("inLanguage"),
        claims.first("og:locale", "content-language", "language"),
    )
    return next((code for text in said if (code := language_code(text or ""))), None)


def _author(claims: _Claims) -> str | None:
    author = claims.article.get("author")
    author = author[0] if isinstance(author, list) and author else author
    name = author.get("name") if isinstance(author, dict) else author
    if not isinstance(name, str) or not name:
        name = claims.first("author", "article:author", "parsely-author", "dc.creator")
    name = line(without_markup(name[:2_000]))
    return None if not name or name.startswith("http") else clip(name, AUTHOR)


def _published(claims: _Claims, language: str | None) -> datetime | None:
    names = (
        "article:published_time",
        "og:published_time",
        "datepublished",
        "dc.date.issued",
        "dcterms.issued",
    )
    others = ("parsely-pub-date", "sailthru.date", "pubdate", "publish-date", "date", "dc.date")
    said = (claims.told("datePublished"), claims.first(*names), claims.first(*others))
    return next((date for text in said if (date := read_date(text, language))), None)


# ---- its text

_NEIGHBOURS = ("aside", "nav", "footer", "dialog", "script", "style", "template", "iframe", "noscript")
_NEIGHBOUR_NAMES = re.compile(
    r"(?:^|[\s_-])(?:related|recommend\w*|sidebar|most-?read|popular|trending|newsletter|comments?|comment-?list|"
    r"disqus\w*|cookie\w*|consent|breadcrumbs?|share|sharing|social|promo|teasers?|also-?read|read-?more)(?:$|[\s_-])",
    re.IGNORECASE,
)
_INLINE = frozenset(
    "a abbr b bdi bdo cite code em font i img mark q s small span strong sub sup time u".split()  # noqa: SIM905
)
_BLOCKS = ("p", "li", "td", "div", "section", "article", "blockquote", "h2", "h3", "h4")
_MAIN_SHARE = 0.4  # of a page's letters; what has more is no neighbour, whatever its name
_LINK_SHARE = 0.6  # of a line's letters; above, it leads elsewhere and is no part of the text
_LONGEST_LABEL = 60  # characters of a line beside its links that may be "See also:"


def _text(tree: HtmlElement, claims: _Claims, *, plainly: bool) -> str:
    told = without_markup(claims.told("articleBody"))
    _prune(tree)
    text = _own_paragraphs(tree) if plainly else _extracted(tree)
    if len(text) < max(_SHORT, len(told) // 3):
        text = max(text, told, key=len)
    return text or without_markup(claims.first("og:description", "description", "twitter:description"))


def _extracted(tree: HtmlElement) -> str:
    # Imported here: it costs half a second, which a child that reads only feeds need not pay.
    import trafilatura  # noqa: PLC0415

    for precise in (True, False):
        document: Any = trafilatura.bare_extraction(
            tree, include_comments=False, favor_precision=precise, with_metadata=False
        )
        if document is not None and document.text:
            lines = (_DRAWN.sub("", part) for part in document.text.split("\n"))
            return paragraphs("\n\n".join(lines))
    return ""


def _without_heading(text: str, title: str) -> str:
    """The text without headline and date in figures before it, which some templates count among its words.

    A headline is no sentence of the text: with it two prints of one text begin differently.
    """
    after = _AFTER_HEADING.match(text, len(title)) if title and text.startswith(title) else None
    return text[after.end() :] or text if after and after[0].strip(" ") else text


def _own_paragraphs(tree: HtmlElement) -> str:
    """Without the extractor: the paragraphs that are left after pruning."""
    return paragraphs("\n\n".join(line(paragraph.text_content()) for paragraph in tree.iter("p")))


def _prune(tree: HtmlElement) -> None:
    """Takes out what stands round an article, and the lines inside it that only lead elsewhere."""
    for element in list(tree.iter(*_NEIGHBOURS)):
        _drop(element)
    most = len(tree.text_content()) * _MAIN_SHARE
    for element in list(tree.iter("div", "section", "ul", "ol", "p", "figure", "form")):
        named = _NEIGHBOUR_NAMES.search(f"{element.get('class') or ''} {element.get('id') or ''}")
        if (named or element.tag == "form") and not _holds_the_article(element, most):
            _drop(element)
    for element in list(tree.iter(*_BLOCKS)):
        for run in list(_runs(element)):
            if _leads_elsewhere(run):
                _drop_run(run)


def _holds_the_article(element: HtmlElement, most: float) -> bool:
    """`<div class="page with-sidebar">` and the one `<form>` round a whole page are no neighbours."""
    return next(element.iter("h1", "article", "main"), None) is not None or len(element.text_content()) > most


def _drop(element: HtmlElement) -> None:
    if element.getparent() is not None:
        element.drop_tree()


@dataclass(frozen=True, slots=True)
class _Run:
    """A line of a page: inline elements between two breaks, and the letters between them."""

    elements: list[HtmlElement]
    loose: int  # letters outside the elements


def _runs(block: HtmlElement) -> Iterator[_Run]:
    elements: list[HtmlElement] = []
    loose = len((block.text or "").strip())
    for child in block:
        if child.tag in _INLINE:
            elements.append(child)
            loose += len((child.tail or "").strip())
            continue
        yield _Run(elements, loose)
        elements, loose = [], len((child.tail or "").strip())
    yield _Run(elements, loose)


def _leads_elsewhere(run: _Run) -> bool:
    linked = other = 0
    for element in run.elements:
        length = len(element.text_content().strip())
        if element.tag == "a" or (len(element) == 1 and element[0].tag == "a"):
            linked += length
        else:
            other += length
    beside = other + run.loose
    return linked > 0 and beside <= _LONGEST_LABEL and linked >= _LINK_SHARE * (linked + beside)


def _drop_run(run: _Run) -> None:
    for element in run.elements:
        element.drop_tree()
