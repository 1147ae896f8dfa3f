"""Entry: one thing a source announces; its identity and its dates.

Lives here: the value, the keys by which two entries are the same, the clamping of dates. Not here: how an
entry is read out of a document (`feeds`), where it is kept (`archive`).
"""

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache

from crawler.sources import SourceId
from crawler.urls import canonical, host, without_origin

# A clock a few minutes ahead of ours is normal; a date beyond that is a mistake, or a wish to stay on top
# for ever.
FUTURE_TOLERANCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a source says, cleaned: plain text without markup or control characters, absolute addresses."""

    source: SourceId
    guid: str | None
    url: str | None  # as announced, absolute; None where the entry has no usable link
    title: str
    summary: str = ""  # plain text
    content: str = ""  # plain text of the full article where the source carries it, paragraphs parted by \n\n
    author: str | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None
    published: datetime | None = None  # what the source says, aware, in UTC; not yet clamped
    updated: datetime | None = None


def identities(entry: Entry, misused: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The keys of an entry within its source; two entries that share one are the same.

    `guid:` as given; `path:` the guid without scheme and host (a site moved, or went from http to https);
    `url:` the canonical address; `title:` host, normalised title and day, for a column has the same title
    every week. Kinds in `misused` are left out. An entry with nothing else, not even a date, goes by its
    title alone.
    """
    keys = [key for kind, read in _KINDS.items() if kind not in misused and (key := read(entry))]
    return tuple(keys) or (_bare_title_key(entry),)


def misused(entries: Iterable[Entry]) -> frozenset[str]:
    """The kinds of identity that this document gives to different entries, so that they must not be trusted.

    Entries are different when everything else that could tell them apart does: one guid for two titles at
    two addresses is a misused guid; one guid for two titles at one address is an edited headline.
    """
    entries = list(entries)
    return frozenset(kind for kind, read in _KINDS.items() if _is_misused(entries, read, _TELL_APART[kind]))


@lru_cache(
    maxsize=16_384
)  # asked for each kind of identity, and again with every document that shows the entry
def normalised_title(title: str) -> str:
    """The title without case, punctuation, width and spacing: `“OpenAI” – Microsoft` → `openai microsoft`."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", title).casefold())
    words = "".join(_letter_or_blank(character) for character in folded).split()
    return " ".join(words) or folded.strip()


def clamp(published: datetime | None, seen: datetime) -> datetime | None:
    """The published date as far as it can be believed: never more than ten minutes after we first saw it.

    A date in the past is left alone, however old: a page of 2019 that comes up again must be known as old.
    So is the absence of a date; who needs one takes `seen`.
    """
    if published is None or published <= seen + FUTURE_TOLERANCE:
        return published
    return seen


def _guid_key(entry: Entry) -> str:
    return f"guid:{entry.guid}" if entry.guid else ""


def _path_key(entry: Entry) -> str:
    path = without_origin(entry.guid) if entry.guid else None
    return f"path:{path}" if path else ""


def _url_key(entry: Entry) -> str:
    address = canonical(entry.url) if entry.url else None
    return f"url:{address}" if address else ""


def _title_key(entry: Entry) -> str:
    # a sitemap may give no headlines at all: what many entries of a day have not, none of them goes by
    return _bare_title_key(entry) if entry.published and entry.title else ""


def _bare_title_key(entry: Entry) -> str:
    place = host(entry.url).removeprefix("www.") if entry.url else ""
    day = entry.published.date().isoformat() if entry.published else ""
    return f"title:{place}|{normalised_title(entry.title)}|{day}"


_Read = Callable[[Entry], str]

_KINDS: dict[str, _Read] = {"guid": _guid_key, "path": _path_key, "url": _url_key, "title": _title_key}

# Two headlines under one key may be an edit; nobody shows three versions of one headline in one document.
_TOO_MANY_TITLES = 3

# Per kind, the other things which all have to differ before we say that one key stands for two entries.
_TELL_APART: dict[str, tuple[_Read, ...]] = {
    "guid": (_url_key, _bare_title_key),
    "path": (_url_key, _bare_title_key),
    "url": (_guid_key, _bare_title_key),
    "title": (_guid_key, _url_key),
}


def _is_misused(entries: list[Entry], read: _Read, others: tuple[_Read, ...]) -> bool:
    first: dict[str, tuple[str, ...]] = {}
    titles: dict[str, set[str]] = {}
    for entry in entries:
        key = read(entry)
        if not key:
            continue
        facts = tuple(other(entry) for other in others)
        titles.setdefault(key, set()).add(_bare_title_key(entry))
        if len(titles[key]) >= _TOO_MANY_TITLES or _different(first.setdefault(key, facts), facts):
            return True
    return False


def _different(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Everything that both have differs, and they have something."""
    both = [(a, b) for a, b in zip(one, other, strict=True) if a or b]
    return bool(both) and all(a != b for a, b in both)


@cache
def _letter_or_blank(character: str) -> str:
    # Marks count as letters: without them Bengali or Thai words fall apart into single consonants.
    return character if character.isalnum() or unicodedata.category(character).startswith("M") else " "
