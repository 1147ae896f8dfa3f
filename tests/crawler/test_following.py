"""An index and what it names, read as one: over the whole crawler, and by itself."""

from datetime import timedelta
from typing import Any, get_args

import pytest
from aiohttp import web

from crawler.documents import FeedDocument
from crawler.entries import Entry
from crawler.fetches import FetchFailed, Outcome
from crawler.sources import Kind, SourceId
from crawler.spiders import SPIDERS
from crawler.spiders.following import MOST, followed
from tests.crawler.test_crawl import crawling, site, source
from tests.web_stand_in import serving

INDEX = FeedDocument((), (), 0, "sitemapindex", follow=("https://a.example/1", "https://a.example/2"))


def of(url: str, follow: tuple[str, ...] = ()) -> FeedDocument:
    if follow:
        return FeedDocument((), (), 0, "sitemapindex", follow=follow)
    return FeedDocument((Entry(SourceId("a"), None, url, url),), (url,), 1, "sitemap")


def reading(answers: dict[str, Any], asked: list[str]) -> Any:
    async def read(url: str, _: timedelta) -> FeedDocument:
        asked.append(url)
        answer = answers.get(url, of(url))
        if isinstance(answer, Outcome):
            raise FetchFailed(answer, "it said")
        return answer

    return read


async def test_what_an_index_names_is_one_document() -> None:
    document = await followed(INDEX, reading({}, []), first=True)
    assert (document.total, document.shown) == (2, INDEX.follow)
    assert [entry.url for entry in document.entries] == list(INDEX.follow)


async def test_one_that_fails_for_a_while_leaves_the_first_reading_to_the_next_fetch() -> None:
    answers = {"https://a.example/1": Outcome.SERVER_ERROR}
    with pytest.raises(FetchFailed, match="/1: it said"):
        await followed(INDEX, reading(answers, []), first=True)
    document = await followed(INDEX, reading(answers, []), first=False)
    assert (document.shown, document.problems) == (INDEX.follow[1:], ("/1: it said",))


async def test_one_that_is_not_there_keeps_nobody_from_reading_the_others() -> None:
    document = await followed(INDEX, reading({"https://a.example/1": Outcome.NOT_FOUND}, []), first=True)
    assert document.shown == INDEX.follow[1:]


async def test_if_all_fail_the_fetch_has_failed() -> None:
    answers = dict.fromkeys(INDEX.follow, Outcome.NOT_FOUND)
    with pytest.raises(FetchFailed) as caught:
        await followed(INDEX, reading(answers, []), first=False)
    assert caught.value.outcome is Outcome.NOT_FOUND


async def test_indexes_that_lead_in_a_circle_end() -> None:
    asked: list[str] = []
    answers = {url: of(url, INDEX.follow) for url in INDEX.follow}
    with pytest.raises(FetchFailed, match="other indexes"):
        await followed(INDEX, reading(answers, asked), first=False)
    assert asked == list(INDEX.follow)


async def test_an_index_of_an_endless_number_of_indexes_costs_a_few_requests() -> None:
    asked: list[str] = []

    async def read(url: str, _: timedelta) -> FeedDocument:
        asked.append(url)
        return of(url, (f"{url}0", f"{url}1"))

    with pytest.raises(FetchFailed):
        await followed(INDEX, read, first=False)
    assert len(asked) == MOST


def test_every_kind_has_its_spider() -> None:
    assert set(SPIDERS) == set(get_args(Kind))


# ---- over the wire


def locs(tag: str, *urls: str) -> str:
    return "".join(f"<{tag}><loc>{url}</loc></{tag}>" for url in urls)


async def test_the_children_of_an_index_are_asked_for_politely(monkeypatch: pytest.MonkeyPatch) -> None:
    """robots.txt holds for each, a key in `headers:` stays with its host, an index is never unchanged."""
    from crawler.child import ParsingChild

    answers: dict[str, Any] = {"/robots.txt": "User-agent: *\nDisallow: /secret\n"}
    async with serving(site(answers)) as there, serving(site(answers), host="127.1.0.1") as other:
        children = [f"{there.url}/{name}.xml" for name in ("news", "secret", "moved")]
        answers["/index.xml"] = f"<sitemapindex>{locs('sitemap', *children)}</sitemapindex>"
        answers["/news.xml"] = f"<urlset>{locs('url', 'http://e.example/1')}</urlset>"
        answers["/moved.xml"] = lambda _: web.Response(
            status=302, headers={"Location": f"{other.url}/there.xml"}
        )
        answers["/there.xml"] = f"<urlset>{locs('url', 'http://e.example/2')}</urlset>"
        key = {"X-Key": "open"}
        asking = source(f"{there.url}/index.xml", headers=key).model_copy(update={"kind": "sitemap"})
        async with crawling(asking) as world:
            child = ParsingChild(workers=1)
            monkeypatch.setattr(world.child, "sitemap", child.sitemap, raising=False)
            try:
                summary = await world.crawl.crawl_all()
                assert (summary.ok, summary.entries_new) == (1, 2)
                assert "/secret.xml" not in there.paths
                assert "robots.txt" in world.row("a").detail
                assert {r.path: r.headers.get("X-Key") for r in there.asked}["/news.xml"] == "open"
                assert {r.headers.get("X-Key") for r in other.asked} == {None}
                answers["/news.xml"] = f"<urlset>{locs('url', 'http://e.example/3')}</urlset>"
                summary = await world.crawl.crawl_all()
                assert (summary.ok, summary.entries_new) == (1, 1)
            finally:
                await child.close()
