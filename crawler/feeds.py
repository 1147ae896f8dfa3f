"""Feeds: the bytes of a feed → entries (the only room that knows feedparser).

Lives here: what each new entry of RSS, Atom and JSON Feed says, and what the document says of itself. Not
here: how a document is taken apart (`rawfeeds`), how much of an entry is kept (`rawentries`), charsets and
markup (`plain`), limits of time and memory (`child`, in which all of this runs).

feedparser is what costs, so it sees only entries whose raw hash is new: many at once first, and if that fails
one by one. Where lxml finds nothing, it gets the whole document.
"""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import feedparser
from lxml import etree

from crawler.documents import Empty, FeedDocument, Malformed, NotAFeed, Unreadable
from crawler.entries import Entry
from crawler.plain import binary_kind, charset_of, clip, decode, language_code, line, without_markup
from crawler.rawentries import TITLE, Announced, Head, as_text, digest, gathered, unknown
from crawler.rawfeeds import Element, RawFeed, container, local, raw, take_apart, without_prolog
from crawler.sources import SourceId

__all__ = ["Empty", "FeedDocument", "Malformed", "NotAFeed", "Patience", "Stalled", "Unreadable", "read_feed"]

_BATCH = 500  # entries handed to feedparser at once
_LONGEST_RAW = 65_536  # bytes of an entry we still read when being careful
_BATCH_SECONDS, _ENTRY_SECONDS = 4.0, 1.0
_MOST_STALLED = 5  # of a batch; the entries after them are skipped

# feedparser has no error of its own for what it trips over.
_TRIPPED = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RecursionError,
)

Patience = Callable[[float], AbstractContextManager[None]]


class Stalled(BaseException):
    """Raised by a `Patience` when its time is over; no parser must catch it by accident."""


def read_feed(
    body: bytes,
    content_type: str | None,
    base: str,
    source: SourceId,
    known: frozenset[str] = frozenset(),
    *,
    careful: bool = False,
    patience: Patience = lambda seconds: nullcontext(),
) -> FeedDocument:
    """The entries of a feed whose raw hashes are not in `known`, and what the document says of itself.

    `base`: the address it came from. `careful`: a child died of this document, so leave out the very long
    entries and read the others alone. `patience`: a context in which at most so many seconds may pass before
    it raises Stalled. Raises Empty, NotAFeed or Malformed.
    """
    if not body.strip():
        raise Empty("the answer has no body")
    if kind := binary_kind(body):
        raise NotAFeed(f"{kind}, not a feed")
    text = decode(body, _declared_charset(body), charset_of(content_type)).lstrip("\ufeff \t\r\n\0")
    if text.startswith(("{", "[")):
        return _read_json(text, Announced(source, base), known)
    return _read_xml(text, Announced(source, base), known, careful, patience)


_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([\w.:-]{1,40})", re.IGNORECASE)


def _declared_charset(body: bytes) -> str | None:
    found = _DECLARED.search(body[:1024].replace(b"\0", b""))
    return found[1].decode("ascii", "replace") if found else None


# ---- RSS and Atom


def _read_xml(
    text: str, reader: Announced, known: frozenset[str], careful: bool, patience: Patience
) -> FeedDocument:
    try:
        feed = take_apart(text)
        head = _head(feed.root)
    except (Malformed, UnicodeDecodeError) as error:  # mended names may contain what lxml cannot hand out
        return _read_whole(text, reader, known, patience, line(str(error)))
    if feed.problems and not feed.entries:
        return _read_whole(text, reader, known, patience, feed.problems[0])
    reader.language = head.language
    raws = [raw(entry) for entry in feed.entries]
    hashes = [digest(each) for each in raws]
    read: dict[int, Entry | None] = dict.fromkeys(unknown(hashes, known))
    new = [position for position in read if not careful or len(raws[position]) <= _LONGEST_RAW]
    elements = [feed.entries[position] for position in new]
    batch = 1 if careful else _BATCH
    read |= zip(new, _read_elements(feed, elements, batch, reader, patience), strict=True)
    document = gathered(head, hashes, known, read, feed.problems)
    return replace(document, total=document.total + feed.unfinished)


def _read_elements(
    feed: RawFeed, new: list[Element], batch: int, reader: Announced, patience: Patience
) -> Iterator[Entry | None]:
    place = container(feed.root)
    for parent in {feed.root, place}:
        _keep_few_attributes(parent)
        for child in [child for child in parent if child is not place]:
            parent.remove(child)  # the frame stays: addresses and languages are inherited from it
    for start in range(0, len(new), batch):
        yield from _read_batch(feed.root, place, new[start : start + batch], reader, patience)


def _read_batch(
    root: Element, place: Element, batch: list[Element], reader: Announced, patience: Patience
) -> list[Entry | None]:
    try:
        with patience(_BATCH_SECONDS):
            return _read_together(root, place, batch, reader)
    except (Stalled, *_TRIPPED):
        pass  # one of them is the culprit; alone it will be found
    entries: list[Entry | None] = []
    stalled = 0
    for element in batch:
        try:
            with patience(_ENTRY_SECONDS if stalled < _MOST_STALLED else 0):
                entries += _read_together(root, place, [element], reader)
        except Stalled:
            stalled += 1
            entries.append(None)
        except _TRIPPED:
            entries.append(None)
    return entries


def _read_together(
    root: Element, place: Element, batch: list[Element], reader: Announced
) -> list[Entry | None]:
    for element in batch:
        _tame(element)
    place.extend(batch)
    try:
        document = etree.tostring(root, encoding="utf-8")
    finally:
        for element in batch:
            place.remove(element)
    items = _feedparser(document)
    if len(items) != len(batch):
        raise ValueError(f"{len(batch)} entries became {len(items)}")
    return [reader.entry(**_said(item)) for item in items]


# Elements whose text may be long. All others are names, dates and addresses, and a long one is an attack on a
# regular expression: `<author>a@a.a.a…` of 32 kB holds feedparser for seven seconds.
_LONG = frozenset(
    ("title", "description", "summary", "content", "encoded", "body", "subtitle", "abstract", "div", "p")
)
_PEOPLE = frozenset(
    ("author", "creator", "name", "email", "managingeditor", "webmaster", "publisher", "contributor")
)
_LONGEST = {**dict.fromkeys(_LONG, 1_000_000), **dict.fromkeys(_PEOPLE, 300), "title": 20_000}
_LONGEST_OTHER = 4_096
_PARTS_OF_AN_ENTRY, _PARTS_OF_A_NAME, _ATTRIBUTES = 300, 8, 30


def _tame(entry: Element) -> None:
    for part in entry[_PARTS_OF_AN_ENTRY:]:
        entry.remove(part)
    for element in entry.iter():
        name = local(element)
        if name in _PEOPLE:
            _keep_short(element)
        longest = _LONGEST.get(name, _LONGEST_OTHER)
        if element.text and len(element.text) > longest:
            element.text = element.text[:longest]
        _keep_few_attributes(element)


def _keep_few_attributes(element: Element) -> None:
    if len(element.attrib) > _ATTRIBUTES:
        element.attrib.clear()
    for attribute, value in element.attrib.items():
        if len(value) > _LONGEST_OTHER:
            del element.attrib[attribute]


def _keep_short(person: Element) -> None:
    """A name has few parts, and what stands between them is short."""
    for part in person[_PARTS_OF_A_NAME:]:
        person.remove(part)
    for part in person:
        part.tail = (part.tail or "")[:300]


def _feedparser(document: bytes) -> list[Any]:
    # Always a stream: a str could be taken for an address or a file name and opened.
    result = feedparser.parse(
        io.BytesIO(document),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    return list(result.get("entries", []))


def _said(item: Any) -> dict[str, Any]:
    """feedparser's entry as arguments of `Announced.entry`. dict.get, for its own invents what is missing."""
    said = {name: dict.get(item, name) for name in ("title", "summary", "author", "published", "updated")}
    links = [link for link in dict.get(item, "links", []) if dict.get(link, "rel") == "alternate"]
    guid, link = as_text(dict.get(item, "id")), as_text(dict.get(item, "link"))
    if link == guid and not link.startswith("http"):
        link = ""  # an opaque guid that forgot to say so
    contents = [as_text(dict.get(content, "value")) for content in dict.get(item, "content", [])]
    return {
        **said,
        "published": said["published"] or dict.get(item, "created"),
        "guid": guid,
        "links": [
            dict.get(item, "feedburner_origlink"),
            link,
            *(dict.get(link, "href") for link in links),
        ],
        "content": max(contents, key=len, default=""),
        "tags": [dict.get(tag, "label") or dict.get(tag, "term") for tag in dict.get(item, "tags", [])],
        "language": dict.get(dict.get(item, "title_detail", {}), "language"),
    }


def _read_whole(
    text: str, reader: Announced, known: frozenset[str], patience: Patience, problem: str
) -> FeedDocument:
    """The last resort: feedparser alone, which reads what no parser of XML can."""
    try:
        with patience(_BATCH_SECONDS):
            items = _feedparser(without_prolog(text).encode("utf-8", "ignore"))
    except (Stalled, *_TRIPPED):
        items = []
    if not items:
        raise Malformed(problem)
    hashes = [digest(repr(_said(item)).encode("utf-8", "replace")) for item in items]
    read = {position: reader.entry(**_said(items[position])) for position in unknown(hashes, known)}
    return gathered(Head("unknown"), hashes, known, read, (problem, "read by the last resort"))


# ---- what an XML document says of itself

_VERSIONS = {"0.91": "rss091", "0.92": "rss092", "0.93": "rss093", "0.94": "rss094"}
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_HOURS = {"hourly": 1, "daily": 24, "weekly": 24 * 7, "monthly": 24 * 30, "yearly": 24 * 365}


def _head(root: Element) -> Head:
    place = container(root)
    said: dict[str, str] = {}
    for child in place:
        if (name := local(child)) in ("title", "language", "ttl", "updateperiod", "updatefrequency"):
            said.setdefault(name, "".join(child.itertext())[:1000])
        elif name == "channel":
            said |= {local(of): "".join(of.itertext())[:1000] for of in child}
    language = said.get("language") or place.get(_XML_LANG) or root.get(_XML_LANG)
    return Head(
        version=_version(root),
        title=clip(line(without_markup(said.get("title", ""))), TITLE),
        language=language_code(language or ""),
        ttl=_ttl(said),
    )


def _version(root: Element) -> str:
    name, namespaces = local(root), " ".join(root.nsmap.values())
    if name == "feed":
        return "atom03" if "purl.org/atom" in namespaces else "atom10"
    if name == "rdf":
        return "rss090" if "netscape" in namespaces else "rss10"
    version = root.get("version", "")
    return _VERSIONS.get(version, "rss20" if version.startswith("2") else "rss")


def _ttl(said: dict[str, str]) -> timedelta | None:
    """`<ttl>` in minutes, or the period of the syndication module; None where it is missing or absurd."""
    try:
        if "ttl" in said:
            wait = timedelta(minutes=int(said["ttl"].strip()))
        else:
            hours = _HOURS[said["updateperiod"].strip().lower()]
            wait = timedelta(hours=hours) / max(1, int(said.get("updatefrequency", "1").strip()))
    except (KeyError, ValueError, OverflowError):
        return None
    return wait if timedelta(minutes=1) <= wait <= timedelta(days=7) else None


# ---- JSON Feed 1.0 and 1.1 (jsonfeed.org), which feedparser does not read


def _read_json(text: str, reader: Announced, known: frozenset[str]) -> FeedDocument:
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as error:
        kind = Malformed if "jsonfeed.org/version" in text[:4096] else NotAFeed
        raise kind("JSON that cannot be read") from error
    version = feed.get("version") if isinstance(feed, dict) else None
    if not isinstance(version, str) or "jsonfeed.org/version" not in version:
        raise NotAFeed("JSON, but not a JSON Feed")
    items = feed.get("items")
    if not isinstance(items, list):
        raise Malformed("a JSON Feed without items")
    reader.language = language_code(as_text(feed.get("language")))
    head = Head(
        "json11" if version.rstrip("/").endswith("1.1") else "json10",
        clip(line(without_markup(as_text(feed.get("title"))[:20_000])), TITLE),
        reader.language,
    )
    hashes = [digest(json.dumps(item).encode()) for item in items]
    read = {position: _json_entry(items[position], reader) for position in unknown(hashes, known)}
    return gathered(head, hashes, known, read)


def _json_entry(item: object, reader: Announced) -> Entry | None:
    if not isinstance(item, dict):
        return None
    authors, tags = item.get("authors"), item.get("tags")
    guid = as_text(item.get("id"))
    author = authors[0] if isinstance(authors, list) and authors else item.get("author")
    return reader.entry(
        guid=guid,
        links=[item.get("url"), item.get("external_url"), guid if guid.startswith("http") else ""],
        title=item.get("title"),
        summary=item.get("summary"),
        content=item.get("content_html") or item.get("content_text"),
        author=author.get("name") if isinstance(author, dict) else author,
        tags=tags if isinstance(tags, list) else [],
        language=item.get("language"),
        published=item.get("date_published"),
        updated=item.get("date_modified"),
    )
