"""The sites of the demo answer as real ones do: what our own reader makes of them."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import ClientResponse, ClientSession, ClientTimeout

from crawler.entries import Entry
from crawler.feeds import read_feed
from crawler.pages import read_page
from crawler.sources import SourceId
from crawler.urls import canonical
from scheduler.demo import story
from scheduler.demo.story import Site
from scheduler.demo.world import World, serving
from tests.builders import NOW


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with serving(World(story.SITES, lambda: NOW)) as served:
        yield served


@pytest.fixture
async def web() -> AsyncIterator[ClientSession]:
    async with ClientSession(timeout=ClientTimeout(total=0.5)) as session:
        yield session


async def entries(web: ClientSession, world: World, site: Site) -> tuple[Entry, ...]:
    async with web.get(world[site].feed) as answer:
        assert answer.status == 200
        document = read_feed(
            await answer.read(), answer.headers["Content-Type"], str(answer.url), SourceId(site.id)
        )
    return document.entries


@pytest.mark.parametrize(
    "report", [story.LONGER_PACT, story.DATA_CENTRE, story.INQUIRY], ids=lambda report: report.site.speaks
)
async def test_a_feed_of_each_kind_announces_what_was_published(
    world: World, web: ClientSession, report: story.Report
) -> None:
    world.publish(report)
    (entry,) = await entries(web, world, report.site)
    assert (entry.title, entry.url) == (report.title, world.address_of(report))
    assert (entry.published, entry.summary) == (NOW, report.paragraphs[0])


async def test_what_is_older_says_so(world: World, web: ClientSession) -> None:
    world.publish(story.PAST[0])
    (entry,) = await entries(web, world, story.LEDGER)
    assert entry.published == NOW - timedelta(days=3)


async def test_an_unchanged_feed_is_not_sent_again(world: World, web: ClientSession) -> None:
    world.publish(story.LONGER_PACT)
    feed = world[story.LEDGER].feed
    async with web.get(feed) as first:
        known = {"If-None-Match": first.headers["ETag"]}
    async with web.get(feed, headers=known) as second:
        assert second.status == 304
    world.rewrite(story.LONGER_PACT, "Another headline")
    async with web.get(feed, headers=known) as third:
        assert third.status == 200


async def test_a_rewritten_headline_is_the_same_entry(world: World, web: ClientSession) -> None:
    world.publish(story.LONGER_PACT)
    (before,) = await entries(web, world, story.LEDGER)
    world.rewrite(story.LONGER_PACT, "Another headline")
    (after,) = await entries(web, world, story.LEDGER)
    assert after.title == "Another headline"
    assert (after.guid, after.url) == (before.guid, before.url)


async def test_a_link_with_tracking_parameters_leads_to_the_same_page(
    world: World, web: ClientSession
) -> None:
    original, linked = world.publish(story.LONGER_PACT), world.publish(story.LONGER_PACT_LINKED)
    assert linked.link != original.link
    assert canonical(linked.link) == canonical(original.link)
    async with web.get(linked.link) as answer:
        assert answer.status == 200


async def test_a_page_holds_the_whole_report(world: World, web: ClientSession) -> None:
    world.publish(story.INQUIRY)
    address = world.address_of(story.INQUIRY)
    async with web.get(address) as answer:
        page = read_page(await answer.read(), answer.headers["Content-Type"], address)
    assert page.language == "fr"
    for paragraph in story.INQUIRY.paragraphs:
        assert paragraph in page.text


async def test_a_site_that_falls_ill_is_well_again_afterwards(world: World, web: ClientSession) -> None:
    world.fall_ill(story.TALBOTE, ("unavailable", "silent"))
    feed = world[story.TALBOTE].feed
    async with web.get(feed) as answer:
        assert answer.status == 503
    with pytest.raises(TimeoutError):
        await web.get(feed)
    assert (await status(web.get(feed))) == 200


async def test_what_is_not_there_is_not_found_and_every_request_is_counted(
    world: World, web: ClientSession
) -> None:
    assert await status(web.get(world[story.NORDHAVN].address + "/news/nothing")) == 404
    assert await status(web.get(world[story.NORDHAVN].address + "/robots.txt")) == 200
    assert world[story.NORDHAVN].asked == {"page": 1, "robots": 1}
    assert world.asked == 2


async def test_each_site_has_an_address_of_its_own_on_loopback(world: World) -> None:
    addresses = [standing.address for standing in world]
    assert len(set(addresses)) == len(story.SITES)
    assert all(address.startswith("http://127.") for address in addresses)


async def status(asking: "AsyncIterator[ClientResponse]") -> int:
    async with asking as answer:  # type: ignore[attr-defined]
        return int(answer.status)
