"""Documents: what the parsing children hand back to the daemon.

Lives here: values, and the ways to come back without one; who takes them need not load a parser. Not here:
how they are read out of bytes (`feeds`, `sitemaps`, `listings`, `endpoints`, `pages`), how they cross the
process border (`child`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from crawler.entries import Entry
from crawler.fetches import Outcome


class Unreadable(Exception):
    """The document gives nothing; the message is one line for a person."""

    outcome = Outcome.UNPARSABLE


class Empty(Unreadable):
    """There is no document."""

    outcome = Outcome.EMPTY


class NotAFeed(Unreadable):
    """Something else is served where the feed was."""

    outcome = Outcome.NOT_A_FEED


class Malformed(Unreadable):
    """Meant to be a feed or a page, but nothing can be read out of it."""

    outcome = Outcome.MALFORMED


class TooLarge(Unreadable):
    """More than we read, once unpacked."""

    outcome = Outcome.TOO_LARGE


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """One reading of what a source shows: a feed, a sitemap, a listing page, a JSON listing."""

    entries: tuple[Entry, ...]  # only those whose raw hash was not known yet
    shown: tuple[str, ...]  # raw hashes of the entries the document shows, those above and those known
    total: int  # different entries in the document; more than shown and skipped: it takes another reading
    version: str  # rss20, atom10, json11 …
    title: str = ""
    language: str | None = None
    ttl: timedelta | None = None  # how long the publisher says it may be kept
    skipped: int = 0  # entries that could not be read; they are not among `shown`
    problems: tuple[str, ...] = ()  # one line each, for whoever keeps the source
    follow: tuple[str, ...] = ()  # documents this one only names, the newest first; their entries are its own


@dataclass(frozen=True, slots=True)
class Page:
    """The article a page holds."""

    url: str | None  # its canonical address, if the page names one on its own site
    title: str
    text: str  # plain, paragraphs parted by \n\n; without navigation, comments and neighbours' headlines
    language: str | None = None
    author: str | None = None
    published: datetime | None = None  # aware, in UTC; not clamped
