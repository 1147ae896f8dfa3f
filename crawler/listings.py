"""Listings: a web page that lists articles → entries, by CSS selectors or by what looks like a list.

Lives here: which blocks of a page are its entries, and what in a block is headline, link, summary and date.
Not here: the selectors themselves (`selecting`), the page behind an entry (`pages`), limits of time and
memory (`child`).

Without selectors: links of one site under the same path of tags, several of them, each with a text as long as
a headline. Navigation, footers and margins are left out. A link's block is the largest element round it that
holds no other entry.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from lxml.etree import XPath
from lxml.html import HtmlElement

from crawler.documents import FeedDocument, Malformed
from crawler.entries import Entry
from crawler.markup import read_tree
from crawler.plain import clip, language_code, line
from crawler.rawentries import TITLE, Announced, Head, digest, gathered, unknown
from crawler.selecting import xpath_of
from crawler.sources import PageKeys, SourceId
from crawler.urls import absolute, host

MOST_ENTRIES = 500  # of one page
_MOST_LINKS = 5_000  # looked at; what comes later is no listing a person could read
_MOST_LEVELS = 60  # a link deeper than this is no headline
_LONGEST_TEXT = 5_000  # characters of one part of an entry

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_OUTSIDE = frozenset(("nav", "footer", "aside", "form", "dialog", "select", "noscript", "template"))
_OUTSIDE_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav\w*|menu\w*|footer\w*|sidebar\w*|breadcrumbs?|cookies?|consent|pagination|pager|social|"
    r"share|sharing|comments?|most-?read|popular|trending|related|newsletter|login|skip\w*)(?:$|[\s_-])",
    re.IGNORECASE,
)
_WHOLE_PAGE = frozenset(("html", "body", "main"))
_HEADLINE = 20  # characters; of Chinese, Japanese and Korean each counts three
_WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_FEWEST = 3  # that look alike make a list; of headings two do
_FEWEST_HEADINGS = 2


def read_listing(
    body: bytes,
    content_type: str | None,
    base: str,
    source: SourceId,
    known: frozenset[str] = frozenset(),
    language: str | None = None,
    keys: PageKeys | None = None,
) -> FeedDocument:
    """The entries of a page whose raw hashes are not in `known`. Raises Empty or Malformed."""
    tree = read_tree(body, content_type)
    announced = Announced(source, _base(tree, base), language_code(tree.get("lang") or "") or language)
    if keys is not None:
        teasers = list(islice(_by_selectors(tree, keys), MOST_ENTRIES + 1))
        nothing = f"nothing on the page matches `entries: {keys.entries}`; compare it with the page of today"
    else:
        teasers = list(islice(_by_looks(tree, announced.base), MOST_ENTRIES + 1))
        nothing = "no list of headlines found on the page; say with `page:` where its entries are"
    if not teasers:
        raise Malformed(nothing)
    problems = (f"only the first {MOST_ENTRIES} entries are read",) if len(teasers) > MOST_ENTRIES else ()
    teasers = teasers[:MOST_ENTRIES]
    hashes = [digest(repr(teaser).encode("utf-8", "replace")) for teaser in teasers]
    read = {position: _entry(teasers[position], announced) for position in unknown(hashes, known)}
    document = gathered(Head("page"), hashes, known, read, problems)
    if not document.shown:
        raise Malformed(f"{len(teasers)} entries found and in none a link with a headline; see `page:`")
    return document


@dataclass(frozen=True, slots=True)
class Teaser:
    """An entry as the page shows it."""

    title: str
    link: str
    summary: str = ""
    published: str = ""


def _entry(teaser: Teaser, announced: Announced) -> Entry | None:
    if not teaser.title or absolute(teaser.link, announced.base) is None:
        return None
    return announced.entry(
        links=[teaser.link], title=teaser.title, summary=teaser.summary, published=teaser.published
    )


def _base(tree: HtmlElement, url: str) -> str:
    said = next((base.get("href") for base in tree.iter("base") if base.get("href")), None)
    found = absolute(said, url) if said else None
    return found or url


# ---- by selectors


def _by_selectors(tree: HtmlElement, keys: PageKeys) -> Iterator[Teaser]:
    title, link, summary, published = (
        XPath(xpath_of(key)) if key else None for key in (keys.title, keys.link, keys.summary, keys.published)
    )
    for block in XPath(xpath_of(keys.entries))(tree):
        heading = _one(title, block) if title else _heading(block)
        at = _one(link, block) if link else _link(heading, block)
        heading = heading if heading is not None else at if title is None else None
        abstract = _one(summary, block) if summary else None
        date = _one(published, block) if published else next(_iter(block, "time"), None)
        yield Teaser(
            title=_words(heading)[: TITLE * 2],
            link=_address(at),
            summary=_words(abstract),
            published=_date(date),
        )


def _one(path: XPath, block: HtmlElement) -> HtmlElement | None:
    return next(iter(path(block)), None)


def _iter(block: HtmlElement, *names: str) -> Iterator[HtmlElement]:
    yield from block.iter(*names)


def _heading(block: HtmlElement) -> HtmlElement | None:
    return next(_iter(block, *_HEADINGS), None)


def _link(heading: HtmlElement | None, block: HtmlElement) -> HtmlElement | None:
    """In the heading, or round it, or else the first of the block."""
    if heading is not None:
        if (inside := next(_iter(heading, "a"), None)) is not None:
            return inside
        for above in islice(heading.iterancestors(), _MOST_LEVELS):
            if above.tag == "a":
                return above
            if above is block:
                break
    return next(_iter(block, "a"), None)


def _address(element: HtmlElement | None) -> str:
    """What an element links to: its own href, or that of the first link in it."""
    if element is None:
        return ""
    own = element.get("href")
    return (own or next((a.get("href") or "" for a in _iter(element, "a")), ""))[:_LONGEST_TEXT]


def _words(element: HtmlElement | None) -> str:
    if element is None:
        return ""
    return line((element.get("content") or element.text_content())[: _LONGEST_TEXT * 4])[:_LONGEST_TEXT]


def _date(element: HtmlElement | None) -> str:
    if element is None:
        return ""
    said = element.get("datetime") or element.get("content") or element.text_content()[:200]
    return clip(line(said), 100)


# ---- by looks


def _by_looks(tree: HtmlElement, base: str) -> Iterator[Teaser]:
    links = list(_headlines(tree, base))
    chosen = _alike(links)
    seen: set[str] = set()
    for link in _with_blocks(chosen):
        if link.url not in seen:
            seen.add(link.url)
            yield _teaser(link)


@dataclass(frozen=True, slots=True)
class _Headline:
    """A link whose text is as long as a headline."""

    element: HtmlElement
    url: str
    text: str
    path: tuple[str, ...]  # of tags, from the root to the link
    block: HtmlElement

    @property
    def in_heading(self) -> bool:
        return any(tag in _HEADINGS for tag in self.path) or _heading(self.element) is not None


def _headlines(tree: HtmlElement, base: str) -> Iterator[_Headline]:
    here = base.partition("#")[0]
    for element in islice(tree.iter("a"), _MOST_LINKS):
        url = absolute(element.get("href") or "", base)
        if url is None or host(url) != host(base) or url.partition("#")[0] == here:
            continue
        text = _headline(element)
        if _weight(text) < _HEADLINE:
            continue
        above = list(islice(element.iterancestors(), _MOST_LEVELS + 1))
        if len(above) > _MOST_LEVELS or any(_is_outside(each) for each in above):
            continue
        path = (*(str(each.tag) for each in reversed(above)), "a")
        yield _Headline(element, url, text, path, element)


def _headline(link: HtmlElement) -> str:
    """Of a link round a whole card the heading in it."""
    heading = _heading(link)
    text = _words(heading if heading is not None else link)
    return clip(text or line((link.get("aria-label") or link.get("title") or "")[:1_000]), TITLE)


def _weight(text: str) -> int:
    return len(text) + 2 * len(_WIDE.findall(text))


def _is_outside(element: HtmlElement) -> bool:
    if element.tag in _OUTSIDE:
        return True
    if element.tag in _WHOLE_PAGE:
        return False
    return bool(_OUTSIDE_NAMES.search(f"{element.get('class') or ''} {element.get('id') or ''}"[:500]))


def _alike(links: Sequence[_Headline]) -> list[_Headline]:
    """The best list of the page, and beside it whatever stands in headings: the story that leads it, perhaps.

    Where several have one text ("Read more about this story …") it is not a headline.
    """
    often = Counter(text for text, _ in {(link.text, link.url) for link in links})
    lists: dict[tuple[str, ...], list[_Headline]] = {}
    for link in links:
        if often[link.text] < _FEWEST:
            lists.setdefault(link.path, []).append(link)
    sizes = {path: len({link.url for link in members}) for path, members in lists.items()}
    headed = {path for path, members in lists.items() if members[0].in_heading}
    fit = [path for path in lists if sizes[path] >= (_FEWEST_HEADINGS if path in headed else _FEWEST)]
    if not fit:
        return []
    best = max(fit, key=lambda path: (path in headed, _worth(lists[path])))
    wanted = {best, *(headed if best in headed else ())}
    return [link for link in links if link.path in wanted and often[link.text] < _FEWEST]


def _worth(members: Iterable[_Headline]) -> int:
    return sum(min(_weight(text), 100) for text in {link.url: link.text for link in members}.values())


def _with_blocks(links: Sequence[_Headline]) -> Iterator[_Headline]:
    """Each link with the largest element round it in which no other entry stands."""
    holds: dict[HtmlElement, set[str]] = {}
    for link in links:
        for above in link.element.iterancestors():
            holds.setdefault(above, set()).add(link.url)
    for link in links:
        block = link.element
        for above in link.element.iterancestors():
            if len(holds[above]) > 1 or above.tag in _WHOLE_PAGE:
                break
            block = above
        yield _Headline(link.element, link.url, link.text, link.path, block)


def _teaser(link: _Headline) -> Teaser:
    date = next(_iter(link.block, "time"), None)
    texts = (_words(paragraph) for paragraph in islice(_iter(link.block, "p"), 20))
    summary = max((text for text in texts if text != link.text), key=len, default="")
    return Teaser(link.text, link.url, summary if _weight(summary) >= _HEADLINE else "", _date(date))
