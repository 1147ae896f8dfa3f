"""Entry: one thing a source announces; its identity and its dates.

Lives here: the value, the keys by which two entries are the same, the clamping of dates. Not here: how an entry
is read out of a document (`feeds`), where it is kept (`archive`).
"""

from dataclasses import dataclass
from datetime import datetime

from crawler.sources import SourceId


@dataclass(frozen=True, slots=True)
class Entry:
    """What a source says, cleaned: plain text without markup or control characters, absolute http(s) addresses."""

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
