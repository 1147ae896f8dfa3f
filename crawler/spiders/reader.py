"""The one Scrapy spider: drains the queue, judges what arrives, asks a kind to read it.

Lives here: claims → requests, answers and failures → readings. Not here: what is in the queue and when
(`crawl`), what becomes of a reading (`pipeline`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import scrapy
import structlog
from scrapy.http import Response
from sqlalchemy import Engine

from crawler import revalidation
from crawler.answers import Answer
from crawler.archive import Claim, PageClaim, Recorded
from crawler.child import ParseFailed, ParsingChild
from crawler.documents import FeedDocument
from crawler.download import ACCEPT_ENCODING, Aborted, Downloads, Held
from crawler.entries import Entry
from crawler.fetches import FetchFailed, Outcome
from crawler.hosts import origin
from crawler.plain import clip
from crawler.robots import Robots
from crawler.sources import Source
from crawler.spiders import SPIDERS, article
from crawler.spiders.following import followed
from crawler.spiders.manners import with_hops
from crawler.spiders.readings import PageReading, Reading, SourceReading
from crawler.urls import host

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Probe:
    """The self-test: an address of our own, and who waits for what it says."""

    url: str
    body: "asyncio.Future[bytes]"


Work = Claim | PageClaim | Probe


@dataclass(slots=True)
class Kit:
    """What spider, middleware and pipeline work with. Scrapy builds them, so they find it on the spider."""

    queue: asyncio.Queue[Work]
    downloads: Downloads
    robots: Robots
    child: ParsingChild
    engine: Engine
    clock: Callable[[], datetime]
    rng: Random
    user_agent: str
    want_page: Callable[[Source, Entry], bool]
    written: Callable[[Reading, Recorded | None], None]
    dropped: Callable[
        [Claim | PageClaim], None
    ]  # it ended without a reading: we are stopping, or a defect of ours
    unwritten: list[SourceReading] = field(
        default_factory=list
    )  # brought no document; written with the next tick
    stopping: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return {"User-Agent": self.user_agent, "Accept-Encoding": ACCEPT_ENCODING}


class Reader(scrapy.Spider):
    """Runs as long as the process: `start()` never ends, so an idle spider never closes."""

    name = "tocsin"

    def __init__(self, kit: Kit, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kit = kit
        self.downloads = kit.downloads  # where the download handler looks for it

    async def start(self) -> AsyncIterator[scrapy.Request | Reading]:
        while True:
            yield self._begun(await self.kit.queue.get())

    def _begun(self, work: Work) -> scrapy.Request | Reading:
        """The request for a piece of work. An address Scrapy does not take is a failed fetch, not the end
        of us.
        """
        try:
            if isinstance(work, Probe):
                return self._probe(work)
            return self._for_source(work) if isinstance(work, Claim) else self._for_page(work)
        except ValueError:
            return _failed(work, FetchFailed(Outcome.BAD_REDIRECT, "not a usable address"), self.kit.clock())

    def _request(self, url: str, timeout: timedelta, **kwargs: Any) -> scrapy.Request:
        kwargs.setdefault("callback", self.source_answered)
        kwargs.setdefault("errback", self.failed)
        meta = {"timeout": timeout, "hops": (), **kwargs.pop("meta", {})}
        return scrapy.Request(url.partition("#")[0], meta=meta, dont_filter=True, **kwargs)

    def _probe(self, probe: Probe) -> scrapy.Request:
        return self._request(
            probe.url,
            timedelta(seconds=5),
            callback=self.probed,
            cb_kwargs={"work": probe},
            meta={"robots": False},
        )

    def _for_source(self, claim: Claim) -> scrapy.Request:
        source, state = claim.source, claim.state
        asked = revalidation.validators(state, self.kit.clock())
        headers = self.kit.headers | {"Accept": SPIDERS[source.kind].accept} | source.headers | asked
        return self._request(
            state.url or source.url,
            source.timeout,
            headers=headers,
            cb_kwargs={"work": claim, "conditional": bool(asked)},
        )

    def _for_page(self, claim: PageClaim) -> scrapy.Request:
        known = claim.revisit.page if claim.revisit else None
        asked = revalidation.validators(known, self.kit.clock()) if known else {}
        headers = self.kit.headers | {"Accept": article.ACCEPT} | asked
        return self._request(
            claim.url,
            claim.source.timeout,
            headers=headers,
            callback=self.page_answered,
            cb_kwargs={"work": claim, "conditional": bool(asked)},
        )

    # ---- what arrives

    def probed(self, response: Response, work: Probe) -> None:
        if not work.body.done():
            work.body.set_result(response.body)

    async def source_answered(
        self, response: Response, work: Claim, conditional: bool
    ) -> AsyncIterator[Reading]:
        answer = with_hops(response)
        fetch = revalidation.answered(work.state, answer, conditional, self.kit.clock())
        if fetch.outcome is not Outcome.OK:
            yield SourceReading(work, fetch)
            return
        try:
            document = await self._read(answer, work)
        except Aborted:
            self.kit.dropped(work)
        except ParseFailed as failure:
            for reading in self._unread(SourceReading(work, fetch), failure):
                yield reading
        except FetchFailed as failure:
            yield SourceReading(work, revalidation.failed(failure, self.kit.clock(), conditional))
        else:
            fetch = replace(fetch, at=self.kit.clock(), ttl=document.ttl)
            if document.follow or len(document.shown) + document.skipped < document.total:
                # not all was read, or what it names may change while it does not: the same bytes again
                fetch = replace(fetch, body_hash=None)
            if document.follow:
                fetch = replace(fetch, detail=clip("; ".join(document.problems), 200))
            yield SourceReading(work, fetch, document)

    async def _read(self, answer: Answer, work: Claim) -> FeedDocument:
        """The document, with those that it only names."""
        document = await SPIDERS[work.source.kind].read(answer, work, self.kit.child)
        if not document.follow:
            return document
        first = work.state.baseline_at is None
        return await followed(document, lambda url, left: self._read_named(url, left, work), first=first)

    async def _read_named(self, url: str, left: timedelta, work: Claim) -> FeedDocument:
        source = work.source
        headers = self.kit.headers | {"Accept": SPIDERS[source.kind].accept}
        if origin(url) == origin(source.url):
            headers |= source.headers  # a key, perhaps: it stays with the host it was given for
        try:
            request = self._request(url, min(source.timeout, left), headers=headers)
        except ValueError as error:
            raise FetchFailed(Outcome.BAD_REDIRECT, "not a usable address") from error
        answer = with_hops(await self.crawler.engine.download_async(request))
        fetch = revalidation.page_answered(answer, None, conditional=False, now=self.kit.clock())
        if fetch.outcome is not Outcome.OK:
            raise FetchFailed(fetch.outcome, fetch.detail, status=fetch.status, retry_after=fetch.retry_after)
        return await SPIDERS[source.kind].read(answer, work, self.kit.child)

    async def page_answered(
        self, response: Response, work: PageClaim, conditional: bool
    ) -> AsyncIterator[Reading]:
        answer = with_hops(response)
        known = work.revisit.page if work.revisit else None
        fetch = revalidation.page_answered(answer, known, conditional, self.kit.clock())
        if fetch.outcome is not Outcome.OK:
            yield PageReading(work, fetch)
            return
        try:
            yield await article.read(answer, work, self.kit.child, fetch)
        except ParseFailed as failure:
            for reading in self._unread(PageReading(work, fetch), failure):
                yield reading

    def _unread(self, reading: Reading, failure: ParseFailed) -> Iterator[Reading]:
        if self.kit.stopping:  # the child was closed under it
            self.kit.dropped(reading.claim)
        else:
            yield replace(
                reading, fetch=replace(reading.fetch, outcome=failure.outcome, detail=failure.detail)
            )

    def failed(self, failure: Any) -> Iterator[Reading]:
        work, error = failure.request.cb_kwargs["work"], failure.value
        if isinstance(work, Probe):
            if not work.body.done():
                work.body.set_exception(error)
        elif isinstance(error, FetchFailed):
            yield _failed(work, error, self.kit.clock(), failure.request.cb_kwargs.get("conditional", False))
        else:
            if not isinstance(error, Aborted):
                log.error(
                    "fetch broke",
                    host=host(work.url if isinstance(work, PageClaim) else work.source.url),
                    exc_info=error,
                )
            self.kit.dropped(work)


def _failed(work: Work, failure: FetchFailed, now: datetime, conditional: bool = False) -> Reading:
    fetch = revalidation.failed(failure, now, conditional)
    if isinstance(work, Claim):
        return SourceReading(work, fetch)
    if isinstance(work, PageClaim):
        return PageReading(work, fetch, held_until=failure.until if isinstance(failure, Held) else None)
    raise failure
