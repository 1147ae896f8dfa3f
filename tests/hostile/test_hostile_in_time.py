"""Hostile behaviour that shows only over several fetches, or beside somebody who is waiting.

H09, H12, H26-H28, and that the canary of the other tests would sing.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from crawler.download import AddressGuard, BlockedAddress
from crawler.fetches import Outcome
from tests.hostile.answers import FEED, head, item, redirect, reply, rss, say
from tests.hostile.stages import NEWS, PLAIN
from tests.hostile.world import ALLOWED, Answer, Asked, Product, Site, Web, product, web

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
OTHER = "OpenAI and Microsoft renegotiate their partnership over barley"


@dataclass
class Pair:
    """A site that is hostile and one that is healthy, and the product, which has read both once."""

    web: Web
    hostile: Site
    healthy: Site
    product: Product

    def feed(self, site: Site, *titles: str) -> str:
        """The oldest entry is always there."""
        now = self.product.clock()
        entries = [item(title, f"{site.url}/{title.rpartition(' ')[2]}", now - HOUR) for title in titles]
        return rss(*entries, item("The weather", f"{site.url}/weather", now.replace(year=2020)))

    def say(self, site: Site, *titles: str, headers: tuple[str, ...] = ()) -> None:
        site.answer = with_pages(reply(self.feed(site, *titles), *headers))

    def headlines(self, site: Site) -> list[str]:
        return [m.headline for m in self.product.told("hostile" if site is self.hostile else "healthy")]

    async def later(self, wait: timedelta) -> None:
        self.product.clock.ahead += wait
        await self.product.run()


def with_pages(feed: Answer) -> Answer:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await (feed if asked.path == "/feed" else PLAIN)(asked, writer)

    return answer


@asynccontextmanager
async def pair(
    directory: Path, monkeypatch: pytest.MonkeyPatch, allow: list[str] | None = None
) -> AsyncIterator[Pair]:
    async with web(monkeypatch) as there:
        hostile, healthy = await there.site(), await there.site()
        sources = [
            {"id": name, "name": name, "kind": "feed", "url": site.feed}
            for name, site in (("hostile", hostile), ("healthy", healthy))
        ]
        async with product(directory, sources, allow) as tocsin:
            both = Pair(there, hostile, healthy, tocsin)
            for site in (hostile, healthy):
                both.say(site)
            await tocsin.run()
            yield both


async def test_h09_nobody_waits_for_a_site_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair(tmp_path, monkeypatch) as both:
        both.hostile.answer = say(head("200 OK", FEED), pause=60)
        both.say(both.healthy, NEWS)
        both.product.clock.ahead += HOUR
        async with asyncio.timeout(20):
            while not both.product.told():
                await both.product.jobs.crawl()
                await both.product.tell()
                await asyncio.sleep(0.05)
        assert both.headlines(both.healthy) == [NEWS]
        assert both.product.source("hostile").outcome == Outcome.OK  # of the time before: it still hangs


async def test_h09_a_flood_of_pages_that_hang_keeps_nobody_from_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More wanted pages on one slow host than there are places to wait in."""
    async with pair(tmp_path, monkeypatch) as both:
        said = both.feed(both.hostile, *(f"Short {n}" for n in range(900)))
        slow = say(head("200 OK", "Content-Type: text/html"), pause=60)

        async def feed_then_hang(asked: Asked, writer: asyncio.StreamWriter) -> None:
            await (reply(said) if asked.path == "/feed" else slow)(asked, writer)

        both.hostile.answer = feed_then_hang
        both.product.clock.ahead += HOUR
        async with asyncio.timeout(30):
            while len(both.product.titles("hostile")) < 900:
                await both.product.jobs.crawl()
                await asyncio.sleep(0.05)
            for _ in range(20):  # every place that can be taken is taken
                await both.product.jobs.crawl()
            both.say(both.healthy, NEWS)
            both.product.clock.ahead += timedelta(minutes=10)
            while not both.headlines(both.healthy):
                await both.product.jobs.crawl()
                await both.product.tell()
                await asyncio.sleep(0.05)
        assert both.headlines(both.healthy) == [NEWS]


@pytest.mark.parametrize("after", ["<title>", "and Micro", "partnership", "</title><link>http"])
async def test_h12_of_a_document_cut_in_an_entry_nothing_is_lost_or_told_twice(
    after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The length is right; the document ends inside its last entry, and is whole the next time."""
    async with pair(tmp_path, monkeypatch) as both:
        whole = both.feed(both.hostile, NEWS, OTHER)
        entry = whole.index("barley") - len(OTHER)
        end = whole.index(after, entry - len("<title>")) + len(after)
        both.hostile.answer = with_pages(reply(whole[:end]))
        await both.later(HOUR)
        assert both.headlines(both.hostile) == [NEWS]
        both.hostile.answer = with_pages(reply(whole))
        await both.later(HOUR)
        assert both.headlines(both.hostile) == [NEWS, OTHER]


async def test_h26_after_three_times_410_a_source_is_asked_once_a_day_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair(tmp_path, monkeypatch) as both:
        both.hostile.answer = reply(status="410 Gone")
        for _ in range(3):
            await both.later(2 * HOUR)
        row = both.product.source("hostile")
        assert (row.outcome, row.failures) == (Outcome.GONE, 3)
        assert row.next_due_at - row.fetched_at >= DAY
        both.say(both.hostile, NEWS)
        await both.later(DAY + HOUR)
        assert both.headlines(both.hostile) == [NEWS]


async def test_h27_a_server_stuck_on_304_is_found_out_within_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair(tmp_path, monkeypatch) as both:
        fresh = both.feed(both.hostile, NEWS)

        async def stuck(asked: Asked, writer: asyncio.StreamWriter) -> None:
            unchanged = asked.header("If-None-Match") is not None
            answer = reply(status="304 Not Modified") if unchanged else reply(fresh, 'ETag: "1"')
            await with_pages(answer)(asked, writer)

        both.say(both.hostile, headers=('ETag: "1"',))
        await both.later(HOUR)
        both.hostile.answer = stuck
        await both.later(DAY)
        assert both.product.source("hostile").outcome == Outcome.NOT_MODIFIED
        assert both.headlines(both.hostile) == []
        await both.later(7 * DAY)
        assert NEWS in both.product.titles("hostile")


async def test_h28_a_new_etag_for_the_same_bytes_is_no_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair(tmp_path, monkeypatch) as both:
        same = both.feed(both.hostile, NEWS)
        for n in range(4):
            both.hostile.answer = with_pages(reply(same, f'ETag: "{n}"'))
            await both.later(HOUR)
            assert both.product.source("hostile").outcome == (Outcome.UNCHANGED if n else Outcome.OK)
        assert both.headlines(both.hostile) == [NEWS]
        assert len(both.product.titles("hostile")) == 2


# ---- the guard as it is configured here


def test_h15_no_address_but_those_allowed_gets_a_socket() -> None:
    """Shown to the guard's decision alone; nothing is dialled."""
    opened: list[str] = []
    guard = AddressGuard([ip_network(a) for a in ALLOWED], lambda info: opened.append(info[4][0]))  # type: ignore[arg-type, func-returns-value]
    for address in (
        "127.0.0.1", "127.0.0.2", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "240.0.0.1", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
    ):  # fmt: skip
        with pytest.raises(BlockedAddress):
            guard((0, 0, 0, "", (address, 80)))
    guard((0, 0, 0, "", ("127.0.1.7", 80)))
    assert opened == ["127.0.1.7"]


async def test_without_the_guard_the_canary_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of H15-H20: the very redirects that reach nobody there do arrive here."""
    async with pair(tmp_path, monkeypatch, allow=["127.0.0.0/8", "0.0.0.0/8", "::1/128"]) as both:
        spelled = ("127.0.0.2", "0.0.0.0", "localhost", "[::ffff:127.0.0.2]")  # the others no parser takes
        for host in spelled:
            both.web.canary.calls.clear()
            both.hostile.answer = redirect(f"http://{host}:{both.web.canary.port}/")
            await both.later(HOUR)
            assert both.web.canary.calls, host
