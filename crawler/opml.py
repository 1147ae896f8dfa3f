"""OPML: the list of subscriptions that feed readers hand to one another.

Lives here: OPML bytes → subscriptions, sources → OPML bytes. Not here: what becomes of a subscription in
`sources.yaml` (`scheduler.sections`).

Files of twenty years and as many programs: attributes in any case, feeds inside feeds, folders and
`category` in turn for the same thing, `feed:` before the address. It is XML, so no document type reaches the
parser, and size, depth and number are limited.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from itertools import groupby

from lxml import etree

from crawler.plain import clip, decode, for_parser, language_code, line, without_markup
from crawler.sources import Source
from crawler.urls import absolute, host

MOST_BYTES = 5 * 1024 * 1024  # some 20,000 subscriptions
MOST_OUTLINES = 10_000
DEEPEST = 40  # folders inside folders; a person has two
NAME, FOLDER, FOLDERS = 200, 80, 8

_ROOT = re.compile(r"<opml[\s>]", re.IGNORECASE)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([\w.:-]{1,40})", re.IGNORECASE)
_FEED_BEFORE = re.compile(r"^feed:(?://)?(?=https?:)", re.IGNORECASE)  # feed:https://…
_FEED_SCHEME = re.compile(r"^feed:(?=//)", re.IGNORECASE)  # feed://…
# What OPML 2.0 and its predecessors call a feed; FreshRSS adds kinds of its own, which are none.
_FEEDS = frozenset({"", "rss", "rss1", "rss2", "atom", "atom1", "rdf", "pie", "feed", "json", "jsonfeed"})


class NotOpml(Exception):
    """The file is no list of subscriptions; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One feed of the list."""

    name: str
    url: str
    folders: tuple[str, ...] = ()  # the outer one first, then its categories
    language: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An outline that looks like a subscription and cannot be one."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """What a list says, in its order; an address that is there twice counts where it comes first."""

    feeds: tuple[Subscription, ...]
    left_out: tuple[LeftOut, ...] = ()


def read_opml(body: bytes) -> Subscriptions:
    """Raises NotOpml."""
    if len(body) > MOST_BYTES:
        raise NotOpml(f"it is larger than {MOST_BYTES >> 20} MiB")
    feeds: dict[str, Subscription] = {}
    left_out: list[LeftOut] = []
    for outline, folders in _outlines(_root(body)):
        said = {str(name).rpartition("}")[2].lower(): value for name, value in outline.attrib.items()}
        read = _subscription(said, folders)
        if isinstance(read, Subscription):
            feeds.setdefault(read.url, read)
        elif read is not None:
            left_out.append(read)
    return Subscriptions(tuple(feeds.values()), tuple(left_out))


def _root(body: bytes) -> etree._Element:  # lxml has no public name for it
    declared = _DECLARED.search(body[:1024].replace(b"\0", b""))
    text = decode(body, declared[1].decode("ascii", "replace") if declared else None)
    start = _ROOT.search(text)
    if start is None:
        raise NotOpml("it has no <opml> in it")
    parser = etree.XMLParser(
        encoding="utf-8",
        recover=True,  # an `&` in a title is no reason to lose two hundred feeds
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(for_parser(text[start.start() :]), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotOpml("it cannot be read as XML") from error
    if root is None:
        raise NotOpml("it cannot be read as XML")
    return root


def _outlines(root: etree._Element) -> Iterator[tuple[etree._Element, tuple[str, ...]]]:
    """Every outline with the folders around it, in the order of the file, without recursion."""
    folders: list[str] = []
    seen = depth = 0
    for happened, element in etree.iterwalk(root, events=("start", "end")):
        if not isinstance(element.tag, str) or element.tag.rpartition("}")[2].lower() != "outline":
            continue
        if happened == "end":
            folders.pop()
            depth -= 1
            continue
        seen, depth = seen + 1, depth + 1
        if seen > MOST_OUTLINES:
            raise NotOpml(f"it has more than {MOST_OUTLINES} outlines")
        if depth > DEEPEST:
            raise NotOpml(f"its outlines are more than {DEEPEST} deep")
        yield element, tuple(filter(None, folders))
        said = {str(name).lower(): value for name, value in element.attrib.items()}
        folders.append("" if said.get("xmlurl") else _words(said.get("text") or said.get("title"), FOLDER))


def _subscription(said: dict[str, str], folders: tuple[str, ...]) -> Subscription | LeftOut | None:
    """None: a folder, or a note."""
    name = _words(said.get("title") or said.get("text"), NAME)
    kind = said.get("type", "").strip().lower()
    given = said.get("xmlurl", "").strip()
    if not given:
        # A feed without its address; a link or a list elsewhere is none and never was.
        return LeftOut(name or "without a name", "it has no xmlUrl") if kind in _FEEDS - {""} else None
    if kind not in _FEEDS:
        return LeftOut(name or "without a name", f"its type is {_words(kind, 40)}, which is no feed")
    url = absolute(_FEED_SCHEME.sub("http:", _FEED_BEFORE.sub("", given)))
    if url is None:
        # Not the address: user:password@ is one of the reasons.
        return LeftOut(name or "without a name", "its xmlUrl is no http(s) address, or has a password in it")
    places = dict.fromkeys([*folders, *_categories(said.get("category", ""))])
    return Subscription(
        name or host(url), url, tuple(places)[:FOLDERS], language_code(said.get("language", ""))
    )


def _categories(given: str) -> Iterator[str]:
    """`/Technology/Companies,/News` → Technology, Companies, News."""
    for part in re.split(r"[,/]", given[:2_000]):
        if word := _words(part, FOLDER):
            yield word


def _words(text: str | None, longest: int) -> str:
    return clip(line(without_markup((text or "")[:20_000])), longest)


# ---- the other way


def write_opml(sources: Sequence[Source], now: datetime, *, by_tag: bool = False) -> bytes:
    """OPML 2.0 with a folder for each language, or for each source's first tag."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = "Sources of Tocsin"
    etree.SubElement(head, "dateCreated").text = format_datetime(now, usegmt=True)
    etree.SubElement(head, "docs").text = "http://opml.org/spec2.opml"
    body = etree.SubElement(root, "body")

    def folder(source: Source) -> str:
        return (source.tags[0] if source.tags else "") if by_tag else source.language or ""

    for name, inside in groupby(sorted(sources, key=folder), folder):
        place = etree.SubElement(body, "outline", text=name, title=name) if name else body
        for source in inside:
            etree.SubElement(place, "outline", _outline(source))
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _outline(source: Source) -> dict[str, str]:
    name = line(source.name) or source.id
    said = {"type": "rss", "text": name, "title": name, "xmlUrl": source.url}
    if source.language:
        said["language"] = source.language
    if source.tags:
        said["category"] = ",".join(f"/{line(tag)}" for tag in source.tags)
    return said
