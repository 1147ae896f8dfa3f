"""The door: crawl what is due.

Lives here: one persistent Scrapy crawler, what goes into its queue and when, start and end. Not here: how a
fetch goes (`spiders`, `download`), when a source is due (`pacing`), what a fetch leaves behind
(`pipeline`).

Scrapy's per-host politeness only works inside one crawler, so there is one, for as long as the process
lives. It runs on the asyncio loop without Twisted's reactor, a mode Scrapy calls experimental; `_launch` is
the only place that knows.
"""

import asyncio
import contextlib
import logging
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import structlog
from scrapy import signals
from scrapy.crawler import Crawler
from sqlalchemy import Connection, Engine
from twisted.python.log import PythonLoggingObserver

from crawler import archive
from crawler.archive import Claim, PageClaim, Recorded
from crawler.child import ParsingChild
from crawler.download import MAX_BODY, AddressGuard, Downloads, GuardedHandler
from crawler.entries import Entry
from crawler.fetches import Outcome
from crawler.hosts import Hosts
from crawler.lanes import Lanes
from crawler.network import Network
from crawler.pipeline import ArchivePipeline, write_down
from crawler.robots import Robots
from crawler.sources import Source, SourceId
from crawler.spiders.manners import Manners
from crawler.spiders.reader import Kit, Probe, Reader
from crawler.spiders.readings import Reading, SourceReading

log = structlog.get_logger(__name__)

LEASE = timedelta(
    minutes=3
)  # longer than the slowest fetch: robots.txt, five redirects, a parse that is killed
WAITING = 256  # claimed but not yet under way; the rest waits in the database
STALE = timedelta(days=7)  # an entry without a headline: its page could only tell what is told no more
TO_START = 10.0  # seconds until the self-test must have its answer
TO_STOP = 0.7  # seconds for what was aborted to end, and again for Scrapy to stop

# Seconds between two requests to hosts that say how many they allow. The SEC: ten a second to all of its own.
ASKED_FOR = {"www.sec.gov": 0.5, "data.sec.gov": 0.5, "efts.sec.gov": 0.5}

MightMatch = Callable[[str, str], bool]


@dataclass(slots=True)
class Summary:
    """What one pass over the sources brought."""

    ok: int = 0
    not_modified: int = 0
    failed: int = 0
    entries_new: int = 0
    articles_new: int = 0

    def add(self, reading: Reading, recorded: Recorded | None) -> None:
        if recorded is not None:
            self.entries_new += recorded.entries_new
            self.articles_new += recorded.articles_new
        if not isinstance(reading, SourceReading):
            return
        if reading.fetch.outcome is Outcome.OK:
            self.ok += 1
        elif reading.fetch.outcome.succeeded:
            self.not_modified += 1
        else:
            self.failed += 1


class CrawlerBroken(Exception):
    """Scrapy does not do what we start it for; the daemon must not go on as if it did."""


class Crawl:
    """The crawler of a process. `open` first, `close` last; `tick` as often as you like."""

    def __init__(
        self,
        engine: Engine,
        network: Network,
        clock: Callable[[], datetime],
        rng: Random,
        might_match: MightMatch,
        *,
        sources: Mapping[SourceId, Source] | None = None,
        on_recorded: Callable[[], None] | None = None,
        child: ParsingChild | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.on_recorded = on_recorded  # called after a fetch that left something to screen
        self._engine, self._network, self._clock, self._rng = engine, network, clock, rng
        self._might_match = might_match
        self._sources: Mapping[SourceId, Source] = dict(sources or {})
        self._child, self._tls = child, tls
        self._lanes = Lanes(network.concurrency, network.per_host)
        self._progress = asyncio.Event()
        self._summary = Summary()
        self._closing = False

    # ---- start

    async def open(self) -> None:
        """Starts the crawler and proves that an answer really arrives. Raises CrawlerBroken."""
        hosts = Hosts(self._engine)
        self._guard = AddressGuard(self._network.allow)
        self._downloads = Downloads(self._guard, hosts, self._clock, self._tls)
        self._kit = Kit(
            queue=asyncio.Queue(self._network.concurrency),
            downloads=self._downloads,
            robots=Robots(hosts, self._clock),
            child=self._child or ParsingChild(),
            engine=self._engine,
            clock=self._clock,
            rng=self._rng,
            user_agent=self._network.user_agent,
            want_page=self._want_page,
            written=self._written,
            dropped=self._dropped,
        )
        with self._engine.begin() as connection:
            archive.end_leases(connection)  # a database has one daemon: whoever held a lease is no more
        self._crawler = _launch(self._kit.user_agent, self._network)
        self._crawler.signals.connect(self._item_broke, signals.item_error)
        self._crawler.signals.connect(self._spider_broke, signals.spider_error)
        self._twisted_log = PythonLoggingObserver("twisted")  # type: ignore[no-untyped-call]
        self._twisted_log.start()
        self._running = asyncio.create_task(self._crawler.crawl_async(kit=self._kit), name="scrapy")
        self._running.add_done_callback(lambda _: self._progress.set())
        try:
            await self._prove()
        except BaseException:
            await self.close(timedelta(0))
            raise

    async def _prove(self) -> None:
        """A handler that does not fit the mode "finishes" with zero responses and no error, so we look."""
        word = secrets.token_hex(8).encode()
        heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        async with _saying(word) as port:
            with self._guard.exempting("127.0.0.1", port):
                await self._kit.queue.put(Probe(f"http://127.0.0.1:{port}/", heard))
                waited: set[asyncio.Future[Any]] = {heard, self._running}
                await asyncio.wait(waited, timeout=TO_START, return_when=asyncio.FIRST_COMPLETED)
        if not heard.done():
            raise CrawlerBroken("Scrapy runs, but no answer arrives; does its version fit this mode?")
        if heard.exception() is not None:
            raise CrawlerBroken("Scrapy runs, but cannot fetch from our own socket") from heard.exception()
        if heard.result() != word:
            raise CrawlerBroken("Scrapy brought another answer than the one that was given")

    def configure(self, sources: Mapping[SourceId, Source], might_match: MightMatch) -> None:
        """What counts from the next tick on. Fetches under way end as they began."""
        self._sources = dict(sources)
        self._might_match = might_match

    # ---- work

    async def tick(self) -> int:
        """Takes what is due, as far as there is room. Returns how much it took."""
        self._check()
        return self._take(self._clock())

    async def crawl_all(self) -> Summary:
        """One pass: every source now, and the pages that are wanted now; returns when all of it is written
        down.
        """
        began = self._clock()
        self._summary = Summary()
        with self._engine.begin() as connection:
            archive.make_due(connection, began, self._sources.keys())
        while (taken := self._take(self._clock(), due_by=began)) or len(self._lanes):
            await self._down_to(WAITING // 2 if taken else 0)
        write_down(self._kit)
        return self._summary

    async def _down_to(self, most: int) -> None:
        """Until no more than `most` claims are waiting or under way."""
        while len(self._lanes) > most:
            self._check()
            self._progress.clear()
            await self._progress.wait()

    def _check(self) -> None:
        if self._running.done():
            raise CrawlerBroken("Scrapy has stopped") from self._running.exception()

    def _take(self, now: datetime, due_by: datetime | None = None) -> int:
        """Pages first, somebody waits for the news they belong to; but half of the room is the sources'."""
        write_down(self._kit)
        room = self._room
        if room <= 0:
            return 0
        with self._engine.begin() as connection:
            pages = archive.claim_pages(connection, self._sources, now, LEASE, (room + 1) // 2)
            left = (room + 1) // 2 - len(pages)
            again = archive.claim_revisits(connection, self._sources, now, LEASE, left)
            left = room - len(pages) - len(again)
            due = archive.claim_due(connection, self._sources, due_by or now, LEASE, left)
            claims: list[Claim | PageClaim] = [*pages, *again, *due]
            taken = [claim for claim in claims if self._new(connection, claim)]
        return self._line_up(taken, now)

    def _take_pages(self, now: datetime) -> int:
        """Those a document has just asked for: no need to wait for the next tick."""
        if self._room <= 0:
            return 0
        with self._engine.begin() as connection:
            pages = archive.claim_pages(connection, self._sources, now, LEASE, self._room)
            taken = [claim for claim in pages if self._new(connection, claim)]
        return self._line_up(taken, now)

    @property
    def _room(self) -> int:
        return 0 if self._closing else WAITING - len(self._lanes)

    def _line_up(self, claims: Sequence[Claim | PageClaim], now: datetime) -> int:
        for claim in claims:
            self._lanes.add(claim, now + LEASE / 2)
        self._send()
        return len(claims)

    def _new(self, connection: Connection, claim: Claim | PageClaim) -> bool:
        """We may still be at it when its lease ends. The old token is void then, so both end here and it is
        due again.
        """
        if not self._lanes.knows(claim):
            return True
        _give_back(connection, claim, self._clock())
        return False

    def _send(self) -> None:
        """Into the bounded queue. It has room: no more than `concurrency` claims are past this point."""
        for claim in self._lanes.ready(self._clock()):
            self._kit.queue.put_nowait(claim)

    def _want_page(self, source: Source, entry: Entry) -> bool:
        if not entry.title and entry.published and entry.published < self._clock() - STALE:
            return False
        if source.articles == "matching":
            return self._might_match(entry.title, f"{entry.summary}\n\n{entry.content}".strip())
        return source.articles == "always"

    # ---- what comes back

    def _written(self, reading: Reading, recorded: Recorded | None) -> None:
        self._summary.add(reading, recorded)
        self._leave(reading.claim)
        if recorded is not None and recorded.pages_wanted:
            self._take_pages(self._clock())
        page_read = not isinstance(reading, SourceReading) and reading.wording is not None
        if self.on_recorded is not None and (page_read or (recorded is not None and recorded.revisions_new)):
            self.on_recorded()

    def _dropped(self, claim: Claim | PageClaim) -> None:
        """Its lease runs out by itself, or is given back when we close."""
        self._leave(claim, unfinished=True)

    def _leave(self, claim: Claim | PageClaim, unfinished: bool = False) -> None:
        self._lanes.leave(claim, unfinished)
        if not self._closing:
            self._send()
        self._progress.set()

    def _item_broke(self, item: Reading, **_: Any) -> None:
        """The archive did not take it (a full disk, perhaps); Scrapy has logged why."""
        self._dropped(item.claim)

    def _spider_broke(self, response: Any, **_: Any) -> None:
        work = response.request.cb_kwargs.get("work")
        if isinstance(work, Claim | PageClaim):
            self._dropped(work)

    # ---- end

    async def close(self, drain: timedelta) -> None:
        """Lets what is under way finish within `drain`, then aborts it. What did not finish is due again at
        once.
        """
        self._closing = True
        self._lanes.stop()
        loop = asyncio.get_running_loop()
        end = loop.time() + drain.total_seconds()
        await self._until_idle(end)
        self._kit.stopping = True
        self._downloads.abort()
        await self._kit.child.close()
        await self._until_idle(loop.time() + TO_STOP)
        await self._stop_scrapy()
        await self._downloads.close()
        write_down(self._kit)
        unfinished = self._lanes.unfinished()
        now = self._clock()
        with self._engine.begin() as connection:
            for claim in unfinished:
                _give_back(connection, claim, now)
        log.info("crawl stopped", unfinished=len(unfinished))

    async def _until_idle(self, end: float) -> None:
        loop = asyncio.get_running_loop()
        while self._lanes.under_way and loop.time() < end:
            self._progress.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._progress.wait(), end - loop.time())

    async def _stop_scrapy(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._crawler.stop_async(), TO_STOP)
        self._running.cancel()
        await asyncio.wait({self._running}, timeout=TO_STOP)
        self._twisted_log.stop()


def _give_back(connection: Connection, claim: Claim | PageClaim, now: datetime) -> None:
    if isinstance(claim, PageClaim):
        postpone = archive.postpone_revisit if claim.revisit else archive.postpone_page
        postpone(connection, claim, now)
    else:
        archive.release(connection, claim)


@contextlib.asynccontextmanager
async def _saying(word: bytes) -> AsyncIterator[int]:
    """A server of one sentence on a free port of 127.0.0.1."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(word), word)
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def _launch(user_agent: str, network: Network) -> Crawler:
    """The crawler and all we set about it.

    The lists Scrapy would load by itself are emptied rather than switched off one by one: the next
    version's new extension stays out too (2.19 brought a server that runs code it is sent, on by default).
    """
    logging.getLogger("scrapy").setLevel(logging.WARNING)
    logging.getLogger("twisted").setLevel(logging.WARNING)
    settings: dict[str, Any] = {
        "TWISTED_REACTOR_ENABLED": False,
        "USER_AGENT": user_agent,
        # ---- nothing of its own
        "EXTENSIONS_BASE": {},
        "SPIDER_MIDDLEWARES_BASE": {},
        "DOWNLOADER_MIDDLEWARES_BASE": {},
        "REMOTE_CONTROL_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "COOKIES_ENABLED": False,
        "METAREFRESH_ENABLED": False,
        "REDIRECT_ENABLED": False,  # `manners` follows them
        "RETRY_ENABLED": False,  # at once and without Retry-After; the row's due time does it
        "HTTPCACHE_ENABLED": False,
        "HTTPPROXY_ENABLED": False,
        "ROBOTSTXT_OBEY": False,  # its cache never ends and it takes a 503 page for rules; `robots` does it
        "REFERRER_POLICY": "no-referrer",
        "DNSCACHE_ENABLED": False,
        "STATS_CLASS": "scrapy.statscollectors.DummyStatsCollector",
        "STATS_DUMP": False,
        "WARN_ON_GENERATOR_RETURN_VALUE": False,
        # ---- ours
        "DOWNLOADER_MIDDLEWARES": {Manners: 100},
        "ITEM_PIPELINES": {ArchivePipeline: 100},
        "DOWNLOAD_HANDLERS": {
            "http": GuardedHandler, "https": GuardedHandler,
            "file": None, "data": None, "ftp": None, "s3": None,
        },
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "DOWNLOAD_MAXSIZE": MAX_BODY,
        "DOWNLOAD_WARNSIZE": 0,
        # ---- how much at a time
        "CONCURRENT_REQUESTS": 0,  # no limit: the lanes let `concurrency` through, robots.txt comes on top
        "CONCURRENT_REQUESTS_PER_DOMAIN": network.per_host,
        "DOWNLOAD_DELAY": 0,
        "DOWNLOAD_SLOTS": {
            name: {"concurrency": 1, "delay": wait, "jitter": 0} for name, wait in ASKED_FOR.items()
        },
        "CONCURRENT_ITEMS": 4,  # the default starts a hundred tasks for every answer
        "SCRAPER_SLOT_MAX_ACTIVE_SIZE": MAX_BODY * (network.concurrency + 1),  # else one large feed stops all
    }  # fmt: skip
    return Crawler(Reader, settings)
