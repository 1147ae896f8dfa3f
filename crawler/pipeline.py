"""Scrapy hands a reading over; we write it into the archive, and say so.

Lives here: one reading → its transaction and one line in the log. Not here: the SQL (`archive`), when the
source is due again (`pacing`).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection

from crawler import archive, pacing
from crawler.archive import Claim, Recorded
from crawler.commits import Commits
from crawler.documents import FeedDocument
from crawler.download import Aborted
from crawler.entries import Entry
from crawler.fetches import Fetch, Outcome
from crawler.revisits import Revisit
from crawler.spiders.reader import Kit
from crawler.spiders.readings import PageReading, Reading, SourceReading

log = structlog.get_logger(__name__)

STEP = 100  # entries in one transaction: a tenth of a second in which nothing else happens
WRITING = timedelta(minutes=2)  # more than 10,000 entries take

_QUIET = frozenset({Outcome.NOT_MODIFIED, Outcome.UNCHANGED})  # what a daemon sees all day


class Step(NamedTuple):
    """Some of the entries of a document."""

    entries: Sequence[Entry]
    last: bool


class ArchivePipeline:
    """Everything a reading says is committed before the place it took is free again."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._commits = Commits(kit.engine)

    @classmethod
    def from_crawler(cls, crawler: Any) -> "ArchivePipeline":
        return cls(crawler.spider.kit)

    async def process_item(self, item: Reading) -> Reading:
        recorded = None
        if isinstance(item, PageReading):
            await self._write_page(item)
        elif item.document is None:
            self._kit.unwritten.append(item)
        else:
            try:
                recorded = await self._write_document(item, item.document)
            except Aborted:
                self._kit.dropped(item.claim)
                return item
        self._kit.written(item, recorded)
        return item

    async def _write_document(self, reading: SourceReading, document: FeedDocument) -> Recorded | None:
        """A long document in several transactions, oldest entries first, so that nobody waits for all of it.

        Each gives the lease back, so the source is not due before `WRITING` until the last. Only the last
        remembers the hashes and validators: after a crash in between the document is fetched and read
        again, and the entries written before are known by their identities.
        """
        claim, fetch = reading.claim, reading.fetch
        due = pacing.next_due(claim.source, claim.state, fetch, self._kit.rng)
        total = Recorded(0, 0, 0, 0)
        for step in _steps(document.entries):
            if self._kit.stopping:
                raise Aborted
            done = await self._commits.write(partial(self._record, reading, document, step, due))
            if done is None:
                _say_lost(claim)
                return None
            total = Recorded(*(a + b for a, b in zip(total, done, strict=True)))
        facts: dict[str, object] = {"entries_new": total.entries_new, "pages_wanted": total.pages_wanted}
        if document.skipped:
            facts["entries_skipped"] = document.skipped
        _say("source fetched", fetch, {"source": claim.source.id} | _facts(fetch) | facts)
        return total

    def _record(
        self,
        reading: SourceReading,
        document: FeedDocument,
        step: Step,
        due: datetime,
        connection: Connection,
    ) -> Recorded | None:
        claim, fetch = reading.claim, reading.fetch

        def want_page(entry: Entry) -> bool:
            return self._kit.want_page(claim.source, entry)

        if step.last:
            return archive.record_document(
                connection, claim, fetch, step.entries, document.shown, due, want_page
            )
        early = replace(fetch, etag=None, last_modified=None, body_hash=None)
        shown = sorted(claim.state.shown)
        return archive.record_document(
            connection, claim, early, step.entries, shown, fetch.at + WRITING, want_page
        )

    async def _write_page(self, reading: PageReading) -> None:
        claim, fetch = reading.claim, reading.fetch
        if claim.revisit:
            await self._write_revisit(reading, claim.revisit)
            return
        wait = None if reading.wording else pacing.page_again(claim.attempts, fetch)
        fields = {"article": claim.article, "source": claim.source.id, "url": claim.url} | _facts(fetch)
        if reading.held_until is not None:
            until = reading.held_until
            await self._commits.write(lambda connection: archive.postpone_page(connection, claim, until))
        else:
            again = fetch.at + wait if wait is not None else None
            words, landed = reading.wording, reading.landed
            await self._commits.write(
                lambda connection: archive.record_page(
                    connection, claim, fetch, again, words, landed, reading.language
                )
            )
            if words is None:
                fields["again"] = f"{wait.total_seconds():g}s" if wait is not None else "never"
        _say("page fetched", fetch, fields)

    async def _write_revisit(self, reading: PageReading, before: Revisit) -> None:
        claim, fetch, words = reading.claim, reading.fetch, reading.wording
        if reading.held_until is not None:
            until = reading.held_until
            await self._commits.write(lambda connection: archive.postpone_revisit(connection, claim, until))
        else:
            await self._commits.write(
                lambda connection: archive.record_revisit(connection, claim, before, fetch, words)
            )
        fields = {"article": claim.article, "source": claim.source.id, "url": claim.url}
        _say("page looked at again", fetch, fields | _facts(fetch))


def write_down(kit: Kit) -> None:
    """The fetches without a document, in one transaction: what a daemon sees all day costs one commit a tick.

    A crash before it forgets that they were fetched; they are fetched again, and that is all.
    """
    readings = kit.unwritten[:]
    if not readings:
        return
    with kit.engine.begin() as connection:
        for reading in readings:
            claim, fetch = reading.claim, reading.fetch
            due = pacing.next_due(claim.source, claim.state, fetch, kit.rng)
            if not archive.record_fetch(connection, claim, fetch, due):
                _say_lost(claim)
    del kit.unwritten[: len(readings)]
    for reading in readings:
        _say("source fetched", reading.fetch, {"source": reading.claim.source.id} | _facts(reading.fetch))


def _say_lost(claim: Claim) -> None:
    log.warning("lease lost", source=claim.source.id)


def _steps(entries: Sequence[Entry]) -> list[Step]:
    """Documents show the newest entry first, so we begin at the end. No entries are one step too."""
    starts = range(0, max(len(entries), 1), STEP)
    return [Step(entries[start : start + STEP], last=start == 0) for start in reversed(starts)]


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
