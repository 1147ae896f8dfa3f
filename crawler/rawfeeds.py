"""Raw feeds: the text of an RSS or Atom document, taken apart into raw entries.

Lives here: what is a feed at all, how a broken one is mended, which elements are its entries. Not here: what
an entry says (`feeds`), charsets (`plain`).

No document type and no entity ever reaches a parser: the prolog is cut off before. From cheap to dear: lxml
as it is; if the document is not well-formed, mended and read by a parser that forgives; if entries are
missing then, cut at their start tags and each piece read alone, so that a broken entry costs only itself.
"""

import html
import html.entities
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from lxml import etree

from crawler.documents import Malformed, NotAFeed
from crawler.plain import clip, for_parser, is_forbidden, line

_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_FEED_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]{0,20}:)?(?:rss|rdf|feed)\b", re.IGNORECASE)
_FEED_ROOTS = ("rss", "rdf", "feed", "channel")
_JUNK = 65_536  # characters before the root that we look past: warnings of a blog system, an advertisement

_ENTRY_START = re.compile(r"<(?:[A-Za-z_][\w.-]{0,20}:)?(?:item|entry)(?=[\s>/])", re.IGNORECASE)
_SOME_END = re.compile(
    r"</(?:[A-Za-z_][\w.-]{0,20}:)?(?:item|entry|channel|rss|rdf|feed)\b", re.IGNORECASE
)  # of an entry or of what is around it
_ROOT_TAG = re.compile(r"<[^<>]{1,8192}>")
_PREFIX = re.compile(r"(?<=[<\s/])([A-Za-z_][\w.-]{0,30}):(?=[A-Za-z_])")
_DECLARED = re.compile(r"\sxmlns:([A-Za-z_][\w.-]*)\s*=")
_REFERENCE = re.compile(r"&(?:#(x[0-9a-fA-F]{1,8}|[0-9]{1,8});|([A-Za-z][A-Za-z0-9]{1,31});|)")
_XML_NAMES = frozenset(("lt", "gt", "amp", "quot", "apos"))
_MOST_PREFIXES = 40
_MOST_PIECES = 12_000

# What the usual prefixes stand for, where a document forgot to say so.
_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
}

Element = etree._Element  # noqa: SLF001  # lxml has no public name for it


@dataclass(frozen=True, slots=True)
class RawFeed:
    """A document taken apart. The elements still hang in the tree of `root`."""

    root: Element
    entries: list[Element]
    problems: tuple[str, ...] = ()  # empty: it was well-formed
    unfinished: int = 0  # entries in which the document breaks off; they are not among `entries`


def take_apart(text: str) -> RawFeed:
    """The raw entries of a document in XML. Raises NotAFeed, or Malformed where lxml finds nothing."""
    data = for_parser(without_prolog(text))
    try:
        root = etree.fromstring(data, parser())
    except etree.XMLSyntaxError as error:
        return _forgiving(data.decode("utf-8"), clip(line(f"not well-formed: {error.msg}"), 200))
    return RawFeed(root, find_entries(root))


def raw(entry: Element) -> bytes:
    return etree.tostring(entry, encoding="utf-8", with_tail=False)


def local(element: Element) -> str:
    """The name of an element in small letters, without namespace or prefix; "" for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(tag, str) else ""


def container(root: Element) -> Element:
    """Where entries hang: the feed itself, RDF's root, or RSS's channel."""
    if local(root) == "rss":
        return next((child for child in root if local(child) == "channel"), root)
    return root


def find_entries(root: Element) -> list[Element]:
    """The entries where they belong, or else wherever they are."""
    name = "entry" if local(root) == "feed" else "item"
    places = [root, *(child for child in root if local(child) == "channel")]
    found = [child for place in places for child in place if local(child) == name]
    return found or [element for element in root.iter() if local(element) in ("item", "entry")]


def without_prolog(text: str) -> str:
    """The document from the start tag of its root on: no declaration, no document type. Raises NotAFeed."""
    start = end_of_prolog(text)
    root = _ROOT.match(text, start)
    if root and root[1].lower() in _FEED_ROOTS:
        return text[start:]
    if "<!doctype html" in (head := text[: start + 1024].lower()) or "<html" in head:
        raise NotAFeed("an HTML page, not a feed")
    if later := _FEED_ROOT.search(text, start, start + _JUNK):
        return text[later.start() :]
    raise NotAFeed(f"the document is <{root[1][:40]}>, not a feed" if root else "neither a feed nor markup")


def end_of_prolog(text: str) -> int:
    """Where the first thing stands that is neither blank, comment, instruction nor document type."""
    at = 0
    while True:
        while text[at : at + 1].isspace():
            at += 1
        if text.startswith("<!--", at):
            end = text.find("-->", at)
        elif text.startswith("<?", at):
            end = text.find(">", at)
        elif text.startswith("<!", at):
            end = _end_of_doctype(text, at)
        else:
            return at
        if end < 0:
            return len(text)
        at = text.find(">", end) + 1 or len(text)


def _end_of_doctype(text: str, at: int) -> int:
    end = text.find(">", at)
    subset = text.find("[", at, end) if end >= 0 else -1
    return text.find("]", subset) if subset >= 0 else end


def parser(*, recover: bool = False) -> etree.XMLParser:
    """A parser that follows nothing and lets nothing grow."""
    return etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,  # ends a document nested too deep instead of following it
        remove_comments=True,
        remove_pis=True,
    )


# ---- what is not well-formed


def _forgiving(text: str, problem: str) -> RawFeed:
    sound = mended(text)
    starts = [found.start() for found in _ENTRY_START.finditer(sound)]
    unfinished = 0
    if len(starts) > 1 and _SOME_END.search(sound, starts[-1]) is None:
        # half a headline and half a link would be told; the next document has both whole
        sound, unfinished = sound[: starts.pop()], 1
    root = recovered(sound)
    entries = find_entries(root) if root is not None else []
    if len(entries) < len(starts):
        cut_root, cut_entries = _cut(sound, starts)
        if len(cut_entries) > len(entries):
            return RawFeed(cut_root, cut_entries, (problem, "read in pieces"), unfinished)
    if root is None or local(root) not in _FEED_ROOTS:
        raise Malformed(problem)
    return RawFeed(root, entries, (problem,), unfinished)


def recovered(text: str) -> Element | None:
    """What can be made of a document that is not well-formed; None: nothing."""
    try:
        root: Element | None = etree.fromstring(for_parser(text), parser(recover=True))
    except etree.XMLSyntaxError:
        return None
    return root


def _cut(text: str, starts: list[int]) -> tuple[Element, list[Element]]:
    """Each piece from one start tag to the next, read alone and hung into the head of the document."""
    head = text[: starts[0]]
    root_tag = _ROOT_TAG.match(head)
    root = recovered(head)
    if root is None or root_tag is None:
        raise Malformed("the head of the document cannot be read")
    place, entries = container(root), []
    for start, end in islice(pairwise([*starts, len(text)]), _MOST_PIECES):
        piece = recovered(f"{root_tag[0]}{text[start:end]}")
        entry = (
            next((child for child in piece if _says_something(child)), None) if piece is not None else None
        )
        if entry is not None:
            place.append(entry)
            entries.append(entry)
    return root, entries


def _says_something(entry: Element) -> bool:
    return local(entry) in ("item", "entry") and any(
        local(child) in ("title", "link", "id") for child in entry
    )


def mended(text: str) -> str:
    """The text with the usual mistakes put right outside CDATA, and every prefix declared."""
    pieces = "".join(
        piece if piece.startswith("<![CDATA[") else _REFERENCE.sub(_reference, piece)
        for piece in _by_cdata(text)
    )
    return _with_prefixes(pieces)


def _by_cdata(text: str) -> Iterator[str]:
    at = 0
    while (start := text.find("<![CDATA[", at)) >= 0 and (end := text.find("]]>", start)) >= 0:
        yield text[at:start]
        yield text[start : end + 3]
        at = end + 3
    yield text[at:]


def _reference(found: re.Match[str]) -> str:
    """A reference XML knows stays; HTML's names become their characters, everything else a plain `&`."""
    number, name = found.groups()
    if number:
        code = int(number[1:], 16) if number[0] in "xX" else int(number)
        if code == 27:  # ESC: what it commands has to go with it, in `for_parser`
            return "\x1b"
        return "" if is_forbidden(code) else found[0]
    if name in _XML_NAMES:
        return found[0]
    if name and (character := html.entities.html5.get(f"{name};")):
        return html.escape(character)
    return "&amp;" + found[0][1:]


def _with_prefixes(text: str) -> str:
    root_tag = _ROOT_TAG.match(text)
    if root_tag is None:
        return text
    declared = set(_DECLARED.findall(root_tag[0]))
    used = list(dict.fromkeys(_PREFIX.findall(text)))[:_MOST_PREFIXES]
    missing = [name for name in used if name not in declared | {"xml", "xmlns"}]
    added = "".join(f' xmlns:{name}="{_NAMESPACES.get(name, f"urn:undeclared:{name}")}"' for name in missing)
    at = _end_of_name(text)
    return text[:at] + added + text[at:]


def _end_of_name(text: str) -> int:
    root = _ROOT.match(text)
    return root.end() if root else 0
