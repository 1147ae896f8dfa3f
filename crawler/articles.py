"""Article: the text behind an entry; what counts as a revision.

Lives here: the value the alerts work on, and the decision whether a changed text is a new revision. Not here: how
a page is fetched (`spiders`) or kept (`archive`).
"""

from dataclasses import dataclass
from datetime import datetime

from crawler.sources import Publisher, SourceId


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
