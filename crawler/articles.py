"""Article: the text behind an entry; what counts as a revision.

Lives here: the value the alerts work on, and the decision whether a changed text is a new revision. Not here:
how a page is fetched (`spiders`) or kept (`archive`).
"""

import re
from dataclasses import dataclass
from datetime import datetime

from crawler.fetches import Outcome
from crawler.sources import Publisher, SourceId


@dataclass(frozen=True, slots=True)
class Removal:
    """The page of an article is gone, or there again."""

    outcome: Outcome  # GONE, NOT_FOUND; OK: it is there again
    since: datetime

    @property
    def over(self) -> bool:
        return self.outcome is Outcome.OK

    @property
    def status(self) -> int:
        """What its server answers."""
        return {Outcome.GONE: 410, Outcome.NOT_FOUND: 404}.get(self.outcome, 200)


@dataclass(frozen=True, slots=True)
class Article:
    """One revision of an article, as the archive hands it to the alerts."""

    id: int
    revision: int  # id of the revision: what `archive.mark_screened` takes
    number: int  # 1: as first seen; 2 and up: noticeably changed since, or its page has been read
    url: str | None  # canonical address: one page, one spelling
    link: str | None  # the address a reader should open
    title: str
    text: str  # plain text, lead first, paragraphs parted by \n\n; may be only the entry's summary
    language: str | None
    author: str | None
    tags: tuple[str, ...]
    source: SourceId  # who announced it first
    source_name: str
    publisher: Publisher
    tier: int
    published: datetime | None  # clamped
    seen: datetime
    baseline: bool  # it was already there when its source was first read
    addresses: frozenset[str] = frozenset()  # every canonical address known to be this article
    removal: Removal | None = None  # what this revision is about; None: its words


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of an article: what a revision may change."""

    title: str
    text: str


def fuller(held: Wording, offered: Wording) -> Wording | None:
    """What another source or the page behind the entry adds to what we hold; None: nothing worth a revision.

    A page may be a consent wall and an aggregator's entry a stub: only a text that is clearly longer replaces
    ours, and the title stays the one its source gave.
    """
    title = held.title or offered.title
    longer = len(offered.text) > len(held.text) + max(80, len(held.text) // 5)
    if not longer and title == held.title:
        return None
    return Wording(title, offered.text if longer else held.text)


def edited(held: Wording, offered: Wording) -> Wording | None:
    """What the same source changed in an entry it announced before; None: nothing a reader would notice.

    A summary that became shorter (a teaser instead of the full text) or moved a few characters is no
    revision: view counters and comment counts change with every fetch.
    """
    title = held.title if _words(offered.title) == _words(held.title) or not offered.title else offered.title
    text = held.text
    if len(offered.text) >= len(held.text) and not _nearly(held.text, offered.text):
        text = offered.text
    return None if (title, text) == (held.title, held.text) else Wording(title, text)


def renamed(before: str, now: str) -> bool:
    """Has a headline other words?"""
    return bool(now) and _words(before) != _words(now)


def same_article(held: str, page: str) -> bool:
    """Does a page still hold the text we have? Half of our words: it may have been reworked.

    A home page, a wall, or "not found" in the site's own manner does not. Without a text nobody knows.
    """
    ours, theirs = set(_words(held)), set(_words(page))
    return bool(ours) and len(ours & theirs) >= len(ours) / 2


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.casefold())


def _nearly(one: str, other: str) -> bool:
    """Nine of ten words are the same, whatever their order. Numbers do not count.

    Most of those that change count views.
    """
    ours, theirs = set(_words(one)), set(_words(other))
    return len(ours & theirs) >= 0.9 * len(ours | theirs)
