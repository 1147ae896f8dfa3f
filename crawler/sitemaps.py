"""Sitemaps: the bytes of a sitemap → entries, or the sitemaps that an index names.

Lives here: news sitemaps, plain ones, indexes, and which of very many are read. Not here: the fetching of
what an index names (`spiders`), how broken XML is mended (`rawfeeds`), limits of time and memory (`child`).

A plain sitemap gives addresses and no headlines; the page behind an entry has one.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from lxml import etree

from crawler.documents import Empty, FeedDocument, Malformed, NotAFeed, TooLarge
from crawler.entries import Entry
from crawler.plain import binary_kind, charset_of, clip, decode, for_parser, line
from crawler.rawentries import Announced, Head, digest, gathered, unknown
from crawler.rawfeeds import Element, end_of_prolog, local, mended, parser, recovered
from crawler.sources import SourceId
from crawler.urls import absolute, site

MOST_ENTRIES = 5_000  # of one sitemap; a reading of an index is several
MOST_CHILDREN = 4  # sitemaps of an index that are read in one fetch
LARGEST = 20 * 1024 * 1024  # bytes of a .gz file, unpacked

_GZIP = b"\x1f\x8b"
_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_START = re.compile(r"<(?:[A-Za-z_][\w.-]{0,20}:)?(?:url|sitemap)(?=[\s>/])", re.IGNORECASE)
_END = re.compile(r"</(?:[A-Za-z_][\w.-]{0,20}:)?(?:url|sitemap)\s*>", re.IGNORECASE)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([\w.:-]{1,40})", re.IGNORECASE)
_LONGEST_FIELD = 4_096  # characters; all of them are names, dates, addresses and headlines
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


def read_sitemap(
    body: bytes,
    content_type: str | None,
    base: str,
    source: SourceId,
    known: frozenset[str] = frozenset(),
    language: str | None = None,
) -> FeedDocument:
    """The entries of a sitemap whose raw hashes are not in `known`; of an index, what it leads to.

    Raises Empty, NotAFeed, Malformed or TooLarge.
    """
    if body.startswith(_GZIP):
        body = _unpacked(body)
    if not body.strip():
        raise Empty("the answer has no body")
    if kind := binary_kind(body):
        raise NotAFeed(f"{kind}, not a sitemap")
    declared = _DECLARED.search(body[:1024].replace(b"\0", b""))
    claim = declared[1].decode("ascii", "replace") if declared else None
    root, problems = _parsed(decode(body, claim, charset_of(content_type)))
    announced = Announced(source, base, language)
    if local(root) == "sitemapindex":
        return _index(root, announced, problems)
    return _urlset(root, announced, known, problems)


def newest(things: list[T], date: Callable[[T], datetime | None], most: int) -> list[T]:
    """The `most` newest, the newest first. Of those without a date both ends: the newest is at one."""
    dated = sorted((t for t in things if date(t)), key=lambda t: date(t) or _EPOCH, reverse=True)[:most]
    room = most - len(dated)
    undated = [t for t in things if not date(t)]
    if len(undated) > room:
        undated = [*undated[: room - room // 2], *undated[len(undated) - room // 2 :]]
    return [*dated, *undated]


# ---- from bytes to a tree


def _unpacked(body: bytes) -> bytes:
    """A file that is itself packed (`sitemap.xml.gz`), whatever the server says of it."""
    whole = b""
    while body.startswith(_GZIP):  # a file may have several members
        unpacker = zlib.decompressobj(wbits=31)
        try:
            whole += unpacker.decompress(body, LARGEST + 1 - len(whole))
        except zlib.error as error:
            raise Malformed("a gzip file that cannot be unpacked") from error
        if len(whole) > LARGEST:
            raise TooLarge(f"more than {LARGEST // 1024**2} MiB when unpacked")
        if not unpacker.eof:
            raise Malformed("a gzip file that ends early")
        body = unpacker.unused_data
    return whole


def _parsed(text: str) -> tuple[Element, tuple[str, ...]]:
    """The root, and what had to be mended. No document type and no entity ever reaches a parser."""
    start = end_of_prolog(text)
    root = _ROOT.match(text, start)
    name = root[1].lower() if root else ""
    if name not in ("urlset", "sitemapindex"):
        raise NotAFeed(_instead(name))
    data = for_parser(text[start:])
    try:
        return etree.fromstring(data, parser()), ()
    except etree.XMLSyntaxError as error:
        problem = clip(line(f"not well-formed: {error.msg}"), 200)
    sound = mended(data.decode("utf-8"))
    starts = [found.start() for found in _START.finditer(sound)]
    if starts and _END.search(sound, starts[-1]) is None:
        sound = sound[: starts[-1]]  # half an address leads nowhere; the next document has it whole
    tree = recovered(sound)
    if tree is None or local(tree) not in ("urlset", "sitemapindex"):
        raise Malformed(problem)
    return tree, (problem,)


def _instead(name: str) -> str:
    if name in ("rss", "feed", "rdf"):
        return "a feed, not a sitemap: make it `kind: feed`"
    return f"the document is <{name[:40]}>, not a sitemap" if name else "neither a sitemap nor markup"


# ---- what it says


def _fields(element: Element) -> dict[str, str]:
    """The text of each child by its name; of several the first."""
    said: dict[str, str] = {}
    for child in element:
        if (name := local(child)) and child.text:
            said.setdefault(name, child.text[:_LONGEST_FIELD].strip())
    return said


def _index(root: Element, announced: Announced, problems: tuple[str, ...]) -> FeedDocument:
    rows = [row for child in root if local(child) == "sitemap" if (row := _child(child, announced))]
    if not rows:
        raise Malformed("an index that names no sitemap of its own site")
    chosen = newest(list(dict(rows).items()), lambda row: row[1], MOST_CHILDREN)
    return FeedDocument(
        entries=(),
        shown=(),
        total=0,
        version="sitemapindex",
        problems=problems,
        follow=tuple(url for url, _ in chosen),
    )


def _child(element: Element, announced: Announced) -> tuple[str, datetime | None] | None:
    said = _fields(element)
    url = absolute(said.get("loc", ""), announced.base)
    if url is None or site(url) != site(announced.base):
        return None  # a sitemap speaks for its own site only
    return url, announced.date(said.get("lastmod"))


def _urlset(
    root: Element, announced: Announced, known: frozenset[str], problems: tuple[str, ...]
) -> FeedDocument:
    rows = [row for child in root if local(child) == "url" if (row := _row(child))]
    if len(root) and not rows:
        raise Malformed("a sitemap without an address in it")
    if len(rows) > MOST_ENTRIES:
        problems += (f"{len(rows)} addresses, of which the newest {MOST_ENTRIES} are read",)
        rows = newest(rows, lambda row: announced.date(row.get("lastmod")), MOST_ENTRIES)
    hashes = [digest("\n".join(row.get(name, "") for name in _TELLING).encode()) for row in rows]
    read = {position: _entry(rows[position], announced) for position in unknown(hashes, known)}
    return gathered(Head("sitemap"), hashes, known, read, problems)


# What makes a new version of an entry. Not `lastmod`: it changes with every comment under a page.
_TELLING = ("loc", "title", "publication_date", "keywords")


def _row(element: Element) -> dict[str, str] | None:
    said = _fields(element)
    if "loc" not in said:
        return None
    news = next((child for child in element if local(child) == "news"), None)
    return (_news(news) if news is not None else {}) | {n: said[n] for n in ("loc", "lastmod") if n in said}


def _news(element: Element) -> dict[str, str]:
    said = _fields(element)
    publication = next((child for child in element if local(child) == "publication"), None)
    of = _fields(publication) if publication is not None else {}
    said["language"] = of.get("language", "")
    return {
        name: said[name] for name in ("title", "publication_date", "keywords", "language") if name in said
    }


def _entry(row: dict[str, str], announced: Announced) -> Entry | None:
    if absolute(row["loc"], announced.base) is None:
        return None
    return announced.entry(
        guid=None,
        links=[row["loc"]],
        title=row.get("title"),
        tags=list(_keywords(row.get("keywords", ""))),
        language=row.get("language"),
        # Without a date of publication, the page is at most as old as its last change.
        published=row.get("publication_date"),
        updated=row.get("lastmod"),
    )


def _keywords(text: str) -> Iterator[str]:
    yield from (word.strip() for word in text.split(","))
