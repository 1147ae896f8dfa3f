"""Markup: the bytes of a web page → its tree.

Lives here: what is no page at all, and how one is parsed without following anything it names. Not here: what
a page says (`pages`, `listings`), charsets and plain text (`plain`).
"""

import re

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement

from crawler.documents import Empty, Malformed
from crawler.plain import binary_kind, charset_of, decode, for_parser, is_forbidden

_MOST_BYTES = 3 * 1024 * 1024  # of HTML looked at; what comes later is no article

_OTHER_KINDS = re.compile(
    r"\s*(?:image|audio|video|font)/[\w.+-]+|application/(?:json|pdf|zip)\b", re.IGNORECASE
)
_REFERENCE = re.compile(r"&#(?:([0-9]{1,8})|x([0-9a-f]{1,8}));?", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)


def read_tree(body: bytes, content_type: str | None) -> HtmlElement:
    """The page as a tree. Raises Empty, or Malformed where it is no page at all."""
    if not body.strip():
        raise Empty("the answer has no body")
    if kind := binary_kind(body) or _other_kind(content_type):
        raise Malformed(f"{kind}, not a page")
    return _tree(_decoded(body[:_MOST_BYTES], content_type))


def _other_kind(content_type: str | None) -> str | None:
    found = _OTHER_KINDS.match(content_type or "")
    return found[0].lower() if found else None


def _decoded(body: bytes, content_type: str | None) -> str:
    found = _META_CHARSET.search(body[:4096])
    return decode(body, charset_of(content_type), found[1].decode("ascii", "replace") if found else None)


def _tree(text: str) -> HtmlElement:
    parser = lxml_html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=False, no_network=True
    )
    try:
        tree = lxml_html.document_fromstring(for_parser(_REFERENCE.sub(_allowed, text)), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise Malformed("not HTML") from error
    if next(tree.iter("body", "p", "div", "title"), None) is None:
        raise Malformed("a document without a page in it")
    return tree


def _allowed(reference: re.Match[str]) -> str:
    """HTML turns `&#1;` into a character that its own tree refuses as soon as a neighbour is taken out."""
    digits, hexadecimal = reference.groups()
    return "" if is_forbidden(int(digits) if digits else int(hexadecimal, 16)) else reference[0]
