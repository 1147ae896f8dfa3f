"""Scrapy hands a reading over; we write it into the archive, and say so.

Lives here: one reading → one transaction and one line in the log. Not here: the SQL (`archive`), when the
source is due again (`pacing`).
"""

from typing import Any

import structlog

from crawler import archive, pacing
from crawler.archive import Recorded
from crawler.fetches import Fetch, Outcome
from crawler.spiders.reader import Kit
from crawler.spiders.readings import PageReading, Reading, SourceReading

log = structlog.get_logger(__name__)

_QUIET = frozenset({Outcome.NOT_MODIFIED, Outcome.UNCHANGED})  # what a daemon sees all day


class ArchivePipeline:
    """Everything a reading says is committed before the place it took is free again."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    @classmethod
    def from_crawler(cls, crawler: Any) -> "ArchivePipeline":
        return cls(crawler.spider.kit)

    def process_item(self, item: Reading) -> Reading:
        recorded = None
        if isinstance(item, SourceReading):
            recorded = self._write_source(item)
        else:
            self._write_page(item)
        self._kit.written(item, recorded)
        return item

    def _write_source(self, reading: SourceReading) -> Recorded | None:
        claim, fetch, document = reading.claim, reading.fetch, reading.document
        due = pacing.next_due(claim.source, claim.state, fetch, self._kit.rng)
        with self._kit.engine.begin() as connection:
            if document is None:
                held = archive.record_fetch(connection, claim, fetch, due)
                recorded = None
            else:
                recorded = archive.record_document(
                    connection, claim, fetch, document.entries, document.shown, due,
                    lambda entry: self._kit.want_page(claim.source, entry),
                )  # fmt: skip
                held = recorded is not None
        if not held:
            log.warning("lease lost", source=claim.source.id)
        fields = {"source": claim.source.id} | _facts(fetch)
        if recorded is not None:
            fields |= {"entries_new": recorded.entries_new, "pages_wanted": recorded.pages_wanted}
        if document is not None and document.skipped:
            fields["entries_skipped"] = document.skipped
        _say("source fetched", fetch, fields)
        return recorded

    def _write_page(self, reading: PageReading) -> None:
        claim, fetch = reading.claim, reading.fetch
        wait = None if reading.wording else pacing.page_again(claim.attempts, fetch)
        with self._kit.engine.begin() as connection:
            if reading.held_until is not None:
                archive.postpone_page(connection, claim, reading.held_until)
            else:
                again = fetch.at + wait if wait is not None else None
                archive.record_page(
                    connection, claim, fetch, again, reading.wording, reading.landed, reading.language
                )
        fields = {"article": claim.article, "source": claim.source.id, "url": claim.url} | _facts(fetch)
        if not reading.wording and reading.held_until is None:
            fields["again"] = f"{wait.total_seconds():g}s" if wait is not None else "never"
        _say("page fetched", fetch, fields)


def _facts(fetch: Fetch) -> dict[str, object]:
    facts: dict[str, object] = {
        "outcome": fetch.outcome.value,
        "status": fetch.status,
        "ms": round(fetch.elapsed.total_seconds() * 1000),
        "detail": fetch.detail or None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _say(event: str, fetch: Fetch, fields: dict[str, object]) -> None:
    """Trouble is a warning; the fetch that found nothing new is for those who look closely."""
    if fetch.outcome in _QUIET:
        log.debug(event, **fields)
    elif fetch.outcome.failed:
        log.warning(event, **fields)
    else:
        log.info(event, **fields)
