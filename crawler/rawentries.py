"""Raw entries: what one entry says, in whatever format, as an Entry; and the document they make together.

Lives here: which of what an entry says is kept and how much of it, which entries are new. Not here: where in
a document they stand (`feeds`, `sitemaps`, `listings`, `endpoints`), when two are the same (`entries`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

from crawler.dates import read_date
from crawler.documents import FeedDocument
from crawler.entries import Entry
from crawler.plain import clip, language_code, line, without_markup
from crawler.sources import SourceId
from crawler.urls import absolute

MAX_NEW_ENTRIES = 10_000  # of one reading; the rest is new to the next one
TITLE, SUMMARY, CONTENT = 300, 5_000, 60_000  # characters kept
GUID, AUTHOR, TAG, TAGS = 2_000, 200, 80, 20
_TITLE_FROM_TEXT = 120  # characters of text that stand in for a missing title
_SLOW_DATES = 300  # dates of one document we ask a slow library about


def digest(raw: bytes) -> str:
    """What tells one version of a raw entry from another."""
    return blake2b(raw, digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """What a document says of itself."""

    version: str
    title: str = ""
    language: str | None = None
    ttl: timedelta | None = None


@dataclass(slots=True)
class Announced:
    """Turns what an entry says, in whatever format, into an Entry."""

    source: SourceId
    base: str
    language: str | None = None
    slow_dates: int = field(default=_SLOW_DATES)

    def entry(
        self,
        *,
        guid: object = None,
        links: Sequence[object],
        title: object = None,
        summary: object = None,
        content: object = None,
        author: object = None,
        tags: Sequence[object] = (),
        language: object = None,
        published: object = None,
        updated: object = None,
    ) -> Entry | None:
        """None: it says nothing, not even where it is."""
        url = next((url for link in links if (url := absolute(as_text(link), self.base))), None)
        text, full = _summary_and_content(as_text(summary), as_text(content))
        headline = clip(line(without_markup(as_text(title)[: TITLE * 60])), TITLE)
        headline = headline or clip(line(text or full), _TITLE_FROM_TEXT)
        if not headline and not url:
            return None
        changed = self.date(updated)
        return Entry(
            source=self.source,
            guid=line(as_text(guid)[:GUID]) or None,
            url=url,
            title=headline,
            summary=text,
            content=full,
            author=clip(line(without_markup(as_text(author))), AUTHOR) or None,
            tags=tuple(_tags(tags)),
            language=language_code(as_text(language)) or self.language,
            # Atom asks for `updated` only, and feedparser calls RSS 1.0's dc:date so.
            published=self.date(published) or changed,
            updated=changed,
        )

    def date(self, value: object) -> datetime | None:
        if not isinstance(value, str | int | float):
            return None
        found = read_date(value, self.language, thorough=False)
        if found is None and value and self.slow_dates > 0:
            self.slow_dates -= 1
            found = read_date(value, self.language)
        return found


def _summary_and_content(summary: str, content: str) -> tuple[str, str]:
    """A summary, and the whole text if there is one; feedparser copies one into the other's place."""
    text = without_markup(summary) if summary != content else ""
    full = without_markup(content)
    if len(text) > max(SUMMARY, len(full)):
        full = text  # many feeds put the article into the description
    return clip(text, SUMMARY), clip(full, CONTENT)


def _tags(values: Sequence[object]) -> Iterator[str]:
    tags = (clip(line(without_markup(as_text(value)[: TAG * 10])), TAG) for value in values[:TAGS])
    yield from dict.fromkeys(tag for tag in tags if tag)


def as_text(value: object) -> str:
    """A string or a whole number as text; anything else says nothing."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def unknown(hashes: Sequence[str], known: frozenset[str]) -> list[int]:
    """Positions of the entries that must be read; of equal ones the first."""
    first: dict[str, int] = {}
    for position, name in enumerate(hashes):
        if name not in known:
            first.setdefault(name, position)
    return list(first.values())[:MAX_NEW_ENTRIES]


def gathered(
    head: Head,
    hashes: Sequence[str],
    known: frozenset[str],
    read: dict[int, Entry | None],
    problems: tuple[str, ...] = (),
) -> FeedDocument:
    """The document that its entries make. `read`: positions of those that were new, and what came of them."""
    good = {hashes[position] for position, entry in read.items() if entry is not None}
    return FeedDocument(
        entries=tuple(entry for entry in read.values() if entry is not None),
        shown=tuple(dict.fromkeys(name for name in hashes if name in known or name in good)),
        total=len(set(hashes)),
        version=head.version,
        title=head.title,
        language=head.language,
        ttl=head.ttl,
        skipped=sum(entry is None for entry in read.values()),
        problems=problems[:10],
    )
