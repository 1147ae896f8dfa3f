"""Endpoints: a JSON listing → entries, by JMESPath.

Lives here: how the keys of `api:` are asked of a document, and what it means when they find nothing. Not
here: the expressions themselves (`selecting`), the ready keys of known services (`presets`).
"""

import json
from collections.abc import Sequence

from crawler.documents import Empty, FeedDocument, Malformed, NotAFeed
from crawler.entries import Entry
from crawler.plain import binary_kind, charset_of, clip, decode, line
from crawler.presets import PRESETS, completed
from crawler.rawentries import Announced, Head, as_text, digest, gathered, unknown
from crawler.selecting import Expression, expression
from crawler.sources import ApiKeys, SourceId

MOST_ENTRIES = 10_000  # of one answer


def read_endpoint(
    body: bytes,
    content_type: str | None,
    base: str,
    source: SourceId,
    known: frozenset[str],
    language: str | None,
    keys: ApiKeys,
) -> FeedDocument:
    """The entries of a JSON listing whose raw hashes are not in `known`.

    Raises Empty, NotAFeed or Malformed.
    """
    document = _parsed(body, content_type)
    keys = completed(keys)
    rows = _rows(document, keys)
    said = [_said(row, keys) for row in rows[:MOST_ENTRIES]]
    problems = (f"{len(rows)} entries, of which {MOST_ENTRIES} are read",) if len(rows) > MOST_ENTRIES else ()
    announced = Announced(source, base, language)
    hashes = [digest(json.dumps(each, sort_keys=True).encode("utf-8", "replace")) for each in said]
    read = {position: _entry(said[position], announced) for position in unknown(hashes, known)}
    found = gathered(Head("json"), hashes, known, read, problems)
    if rows and not found.shown:
        raise Malformed(
            f"in none of the {len(rows)} entries is a title or a link where `api:` says; it may have changed"
        )
    return found


def _parsed(body: bytes, content_type: str | None) -> object:
    if not body.strip():
        raise Empty("the answer has no body")
    if kind := binary_kind(body):
        raise NotAFeed(f"{kind}, not JSON")
    text = decode(body, charset_of(content_type)).lstrip("\ufeff \t\r\n\0")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.startswith(("{", "[")):
            raise Malformed("JSON that cannot be read") from error
        if text.startswith("<"):
            raise NotAFeed("an HTML page, not JSON") from error
        raise NotAFeed(f"not JSON; it begins: {clip(line(text[:400]), 80)}") from error


def _rows(document: object, keys: ApiKeys) -> Sequence[object]:
    preset = PRESETS.get(keys.preset or "")
    if preset is not None and preset.rows is not None and (rows := preset.rows(document)) is not None:
        return rows
    where = keys.entries or "@"
    found = expression(where)(document)
    if not isinstance(found, list):
        what = "nothing" if found is None else "something that is no list"
        raise Malformed(f"`entries: {where}` finds {what} in the answer; {_shape(document)}")
    return found


def _shape(document: object) -> str:
    """What there is instead, for whoever has to write another expression."""
    if isinstance(document, dict):
        names = ", ".join(line(name[:40]) for name in list(document)[:8])
        return f"it is an object with {names}" if names else "it is an empty object"
    return f"it is a list of {len(document)}" if isinstance(document, list) else "it is a single value"


_FIELDS = ("id", "title", "link", "summary", "published")


def _said(row: object, keys: ApiKeys) -> dict[str, str]:
    asked: list[tuple[str, Expression]] = [
        (name, expression(path)) for name in _FIELDS if (path := getattr(keys, name))
    ]
    return {name: _plain(ask(row)) for name, ask in asked}


def _plain(value: object) -> str:
    """A value as text; of a list its first."""
    if isinstance(value, list) and value:
        value = value[0]
    return str(value) if isinstance(value, float) else as_text(value)


def _entry(said: dict[str, str], announced: Announced) -> Entry | None:
    return announced.entry(
        guid=said.get("id"),
        links=[said.get("link", "")],
        title=said.get("title"),
        summary=said.get("summary"),
        published=said.get("published"),
    )
