"""The whole crawler against a web on loopback: queue, Scrapy, manners, download, archive, no parser."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from random import Random
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import Engine, text

from crawler import archive, crawl
from crawler.answers import Hop
from crawler.child import ParseFailed
from crawler.crawl import Crawl, CrawlerBroken
from crawler.documents import FeedDocument, Page
from crawler.entries import Entry
from crawler.fetches import FetchFailed, Outcome
from crawler.network import Network
from crawler.sources import Source, SourceId
from crawler.spiders.manners import next_hop
from tests.web_stand_in import Site, empty_archive, hanging, raw, saying, serving

NETWORK = Network(allow=(IPv4Network("127.0.0.1/32"), IPv4Network("127.1.0.0/16")), user_agent="tocsin/test")
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


class Clock:
    """The real time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class PlainChild:
    """Reads a "feed" of one address a line; stands in for the process that parses."""

    def __init__(self) -> None:
        self.pages: list[str] = []

    async def feed(
        self,
        body: bytes,
        content_type: str | None,
        base: str,
        source: SourceId,
        known: frozenset[str] = frozenset(),
    ) -> FeedDocument:
        lines = body.decode().split()
        if lines and lines[0].startswith("<"):
            raise ParseFailed(Outcome.NOT_A_FEED, "not a feed")
        new = tuple(Entry(source, line, line, f"News {line}") for line in lines if line not in known)
        return FeedDocument(new, tuple(lines), len(lines), "lines")

    async def page(self, body: bytes, content_type: str | None, url: str) -> Page:
        self.pages.append(url)
        return Page(None, "News", body.decode() * 200)

    async def close(self) -> None:
        pass


@dataclass
class World:
    """A crawl over some sources, and what it left behind."""

    crawl: Crawl
    engine: Engine
    clock: Clock
    child: PlainChild
    sources: dict[SourceId, Source]
    recorded: list[datetime] = field(default_factory=list)

    def row(self, source: str) -> Any:
        with self.engine.connect() as connection:
            return next(row for row in archive.source_rows(connection) if row.id == source)

    def outcome(self, source: str) -> str:
        return str(self.row(source).outcome)

    def scalar(self, statement: str) -> Any:
        with self.engine.connect() as connection:
            return connection.scalar(text(statement))

    async def until(self, true: Callable[[], bool], within: float = 5.0) -> None:
        """Ticks until something holds."""
        end = asyncio.get_running_loop().time() + within
        while not true():
            assert asyncio.get_running_loop().time() < end, "it did not come about"
            await self.crawl.tick()
            await asyncio.sleep(0.02)


def source(url: str, name: str = "a", **keys: Any) -> Source:
    given = {"every": timedelta(seconds=10), "articles": "never", "timeout": 2 * SECOND} | keys
    return Source(id=name, kind="feed", url=url, **given)


@contextlib.asynccontextmanager
async def crawling(
    *sources: Source, engine: Engine | None = None, network: Network = NETWORK
) -> AsyncIterator[World]:
    engine, clock, child = engine or empty_archive(), Clock(), PlainChild()
    named = {SourceId(s.id): s for s in sources}
    with engine.begin() as connection:
        archive.enrol(connection, sources)
    door = Crawl(engine, network, clock, Random(1), lambda title, text: True, sources=named, child=child)  # type: ignore[arg-type]
    world = World(door, engine, clock, child, named)
    door.on_recorded = lambda: world.recorded.append(clock())
    await door.open()
    try:
        yield world
    finally:
        await door.close(timedelta(seconds=1))


Answers = dict[str, Any]


def site(answers: Answers) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A site by paths: text, a response, or a function of the request. robots.txt is open unless given."""

    async def answer(request: web.Request) -> web.StreamResponse:
        said = answers.get(request.path)
        if callable(said):
            said = said(request)
        if asyncio.iscoroutine(said):
            said = await said
        if said is None:
            return web.Response(status=404)
        return said if isinstance(said, web.StreamResponse) else web.Response(text=said)

    return answer


def redirect(to: str, status: int = 302) -> Callable[[web.Request], web.Response]:
    return lambda _: web.Response(status=status, headers={"Location": to})


# ---- the ordinary day


async def test_a_source_is_fetched_and_its_entries_are_archived() -> None:
    async with (
        serving(site({"/feed": "http://e.example/1 http://e.example/2"})) as there,
        crawling(source(f"{there.url}/feed")) as world,
    ):
        summary = await world.crawl.crawl_all()
        assert (summary.ok, summary.failed, summary.entries_new, summary.articles_new) == (1, 0, 2, 2)
        assert world.outcome("a") == "ok"
        assert there.paths == ["/robots.txt", "/feed"]
        assert there.asked[1].headers["User-Agent"] == "tocsin/test"
        assert len(world.recorded) == 1


async def test_the_second_question_is_conditional_and_304_an_answer() -> None:
    def feed(request: web.Request) -> web.Response:
        known = request.headers.get("If-None-Match") == '"1"'
        return web.Response(
            status=304 if known else 200,
            text=None if known else "http://e.example/1",
            headers={"ETag": '"1"'},
        )

    async with serving(site({"/feed": feed})) as there, crawling(source(f"{there.url}/feed")) as world:
        await world.crawl.crawl_all()
        summary = await world.crawl.crawl_all()
        assert (summary.ok, summary.not_modified) == (0, 1)
        assert there.paths == ["/robots.txt", "/feed", "/feed"]
        assert world.outcome("a") == "not_modified"


async def test_tick_takes_what_is_due_and_only_that() -> None:
    async with (
        serving(site({"/feed": "http://e.example/1"})) as there,
        crawling(source(f"{there.url}/feed")) as world,
    ):
        assert await world.crawl.tick() == 1
        await world.until(lambda: world.row("a").outcome == "ok")
        assert await world.crawl.tick() == 0
        world.clock.ahead = 11 * SECOND
        assert await world.crawl.tick() == 1


async def test_a_wanted_page_is_fetched_at_once_without_another_tick() -> None:
    answers: Answers = {"/feed": "http://e.example/old"}
    async with (
        serving(site(answers)) as there,
        crawling(source(f"{there.url}/feed", articles="matching")) as world,
    ):
        await world.crawl.crawl_all()  # the first reading is the baseline, which asks for no pages
        answers |= {"/feed": f"{there.url}/news", "/news": "All of the news. "}
        world.clock.ahead = 11 * SECOND
        assert await world.crawl.tick() == 1
        for _ in range(100):
            await asyncio.sleep(0.02)
            if world.scalar("SELECT page FROM articles WHERE page <> 'unasked'") == "read":
                break
        assert world.child.pages == [f"{there.url}/news"]
        assert world.scalar("SELECT count(*) FROM revisions WHERE number = 2") == 1
        assert len(world.recorded) == 3


async def test_a_host_sees_one_request_at_a_time() -> None:
    async def slowly(request: web.Request) -> web.Response:
        await asyncio.sleep(0.02)
        return web.Response(
            text=" ".join(f"http://{request.host}/page/{request.path[1:]}{n}" for n in range(4))
        )

    answers: Answers = {f"/{n}": slowly for n in range(4)}
    async with serving(site(answers)) as there:
        answers |= {
            f"/page/{n}{m}": lambda _: asyncio.sleep(0.01, "words") for n in range(4) for m in range(4)
        }
        sources = [source(f"{there.url}/{n}", f"s{n}", articles="always") for n in range(4)]
        async with crawling(*sources) as world:
            await world.crawl.crawl_all()
            with world.engine.begin() as connection:  # the baseline asks for no pages
                connection.execute(text("UPDATE articles SET page = 'wanted', page_due_at = seen_at"))
            summary = await world.crawl.crawl_all()
            assert summary.failed == 0
            assert len(world.child.pages) == 16
        assert there.most == 1
        assert there.paths.count("/robots.txt") == 1


async def test_per_host_may_be_more() -> None:
    answers: Answers = {f"/{n}": lambda _: asyncio.sleep(0.1, "http://e.example/1") for n in range(6)}
    async with serving(site(answers)) as there:
        sources = [source(f"{there.url}/{n}", f"s{n}") for n in range(6)]
        async with crawling(*sources, network=NETWORK.model_copy(update={"per_host": 3})) as world:
            await world.crawl.crawl_all()
    assert there.most == 3


async def test_configure_exchanges_the_sources() -> None:
    async with (
        serving(site({"/a": "http://e.example/1", "/b": "http://e.example/2"})) as there,
        crawling(source(f"{there.url}/a")) as world,
    ):
        await world.crawl.crawl_all()
        other = source(f"{there.url}/b", "b")
        with world.engine.begin() as connection:
            archive.enrol(connection, [other])
        world.crawl.configure({SourceId("b"): other}, lambda title, text: False)
        await world.crawl.crawl_all()
        assert there.paths == ["/robots.txt", "/a", "/b"]


# ---- hostile next to healthy

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"


def open_robots(behave: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Answers robots.txt like a person, and everything else as `behave` does."""

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET /robots.txt "):
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        again = asyncio.StreamReader()
        again.feed_data(head)
        await behave(again, writer)

    return met


async def flooding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"\r\n")
    while True:
        writer.write(bytes(65536))
        await writer.drain()


HOSTILE = {
    "H05 big-body": (flooding, Outcome.TOO_LARGE),
    "H06 big-length": (saying(HEAD + b"Content-Length: 1000000000000\r\n\r\n"), Outcome.TOO_LARGE),
    "H08 drip": (saying(HEAD + b"Content-Length: 100\r\n\r\n", *[b"x"] * 100, pause=0.1), Outcome.TIMEOUT),
    "H09 hang-headers": (hanging, Outcome.TIMEOUT),
    "H12 truncated": (saying(HEAD + b"Content-Length: 99\r\n\r\nhttp://e.example/half"), Outcome.RESET),
    "H16 redirect-file": (
        saying(b"HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\n\r\n"),
        Outcome.BAD_REDIRECT,
    ),
    "H16 redirect-data": (saying(b"HTTP/1.1 302 F\r\nLocation: data:,x\r\n\r\n"), Outcome.BAD_REDIRECT),
    "H22 header-flood": (saying(HEAD + b"X: " + b"v" * 2**20 + b"\r\n\r\n"), Outcome.TOO_LARGE),
    "H23 header-injection": (
        saying(HEAD + b'ETag: "\x00"\r\nContent-Length: 2\r\n\r\nok'),
        Outcome.HTTP_ERROR,
    ),
    "H26 no-http": (saying(b"220 mail.example ESMTP\r\n"), Outcome.HTTP_ERROR),
    "H26 teapot": (saying(b"HTTP/1.1 418 T\r\nContent-Length: 0\r\n\r\n"), Outcome.HTTP_ERROR),
    "H26 gone": (saying(b"HTTP/1.1 410 G\r\nContent-Length: 0\r\n\r\n"), Outcome.GONE),
    "H29 decoy-encoding": (
        saying(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain"),
        Outcome.BAD_ENCODING,
    ),
    "H30 wrong-type": (saying(HEAD + b"Content-Length: 6\r\n\r\n<html>"), Outcome.NOT_A_FEED),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_source_fails_with_its_reason_and_the_healthy_one_does_not_wait(kind: str) -> None:
    behave, expected = HOSTILE[kind]
    async with (
        raw(open_robots(behave), "127.1.0.1") as hostile,
        serving(site({"/feed": "http://e.example/1"}), "127.1.0.2") as healthy,
        crawling(
            source(f"{hostile}/feed", "bad", timeout=SECOND), source(f"{healthy.url}/feed", "good")
        ) as world,
    ):
        began = asyncio.get_running_loop().time()
        await world.until(lambda: world.row("good").outcome == "ok")
        assert asyncio.get_running_loop().time() - began < 1
        await world.until(lambda: world.row("bad").outcome is not None)
        row = world.row("bad")
        assert (row.outcome, row.failures) == (expected.value, 1)
        assert row.detail
        assert row.baseline_at is None  # nothing counts as read
        assert world.scalar("SELECT count(*) FROM entries") == 1


async def test_a_source_that_does_better_is_read_again() -> None:
    answers: Answers = {"/feed": lambda _: web.Response(status=500)}
    async with serving(site(answers)) as there, crawling(source(f"{there.url}/feed")) as world:
        assert (await world.crawl.crawl_all()).failed == 1
        answers["/feed"] = "http://e.example/1"
        assert (await world.crawl.crawl_all()).ok == 1
        assert world.row("a").failures == 0


# ---- redirects


def chain(length: int) -> Answers:
    return {f"/{n}": redirect(f"/{n + 1}") for n in range(length)} | {f"/{length}": "http://e.example/1"}


@pytest.mark.parametrize(("length", "outcome"), [(1, "ok"), (5, "ok"), (6, "bad_redirect")])
async def test_h14_five_redirects_are_followed_and_six_are_not(length: int, outcome: str) -> None:
    async with serving(site(chain(length))) as there, crawling(source(f"{there.url}/0")) as world:
        await world.crawl.crawl_all()
        assert world.outcome("a") == outcome
        assert there.paths.count("/6") == 0


async def test_h13_a_redirect_in_a_circle_ends() -> None:
    async with (
        serving(site({"/feed": redirect("/b"), "/b": redirect("/feed")})) as there,
        crawling(source(f"{there.url}/feed")) as world,
    ):
        await world.crawl.crawl_all()
        assert world.outcome("a") == "bad_redirect"
        assert len(there.asked) <= 6


@pytest.mark.parametrize("spelling", ["127.0.0.2", "2130706434", "[::ffff:127.0.0.2]", "127.2", "0x7f.0.0.2"])
async def test_h15_a_redirect_to_a_private_address_reaches_nobody(spelling: str) -> None:
    async with serving(site({"/secret": "SECRET"}), "127.0.0.2") as canary:
        port = canary.url.rpartition(":")[2]
        async with (
            serving(site({"/feed": redirect(f"http://{spelling}:{port}/secret")})) as there,
            crawling(source(f"{there.url}/feed")) as world,
        ):
            await world.crawl.crawl_all()
            assert world.outcome("a") in ("blocked_address", "bad_redirect", "dns")
    assert canary.asked == []


@pytest.mark.parametrize(
    ("location", "fine"),
    [
        ("/b", True),
        ("//other.example/b", True),
        ("https://other.example/b#part", True),
        ("?page=2", True),
        ("file:///etc/passwd", False),
        ("data:text/xml,<rss/>", False),
        ("ftp://other.example/feed", False),
        ("javascript:alert(1)", False),
        ("http://user:password@other.example/", False),
        ("http://", False),
        ("http://other.example/\x00", False),
        ("http://other.example/" + "a" * 3000, False),
        ("#part", False),
        ("", False),
    ],
)
def test_h16_only_an_http_address_is_followed(location: str, fine: bool) -> None:
    with contextlib.nullcontext() if fine else pytest.raises(FetchFailed, match="bad_redirect"):
        assert "#" not in next_hop("http://a.example/feed", (), 302, location).to


def test_a_circle_is_seen_before_it_is_walked() -> None:
    with pytest.raises(FetchFailed):
        next_hop(
            "http://a.example/c", (Hop(302, "http://a.example/b"), Hop(302, "http://a.example/c")), 302, "/b"
        )


async def test_robots_of_every_host_on_the_way_are_respected() -> None:
    closed: Answers = {"/robots.txt": "User-agent: tocsin\nDisallow: /", "/feed": "http://e.example/1"}
    async with (
        serving(site(closed), "127.1.0.1") as other,
        serving(site({"/feed": redirect(f"{other.url}/feed")})) as there,
    ):
        async with crawling(source(f"{there.url}/feed")) as world:
            await world.crawl.crawl_all()
            assert world.outcome("a") == "robots"
        assert other.paths == ["/robots.txt"]


async def test_headers_of_a_source_are_not_shown_to_another_host() -> None:
    async with serving(site({"/feed": "http://e.example/1"}), "127.1.0.1") as other:
        answers: Answers = {"/feed": redirect("/here"), "/here": redirect(f"{other.url}/feed")}
        async with (
            serving(site(answers)) as there,
            crawling(source(f"{there.url}/feed", headers={"X-Key": "secret"})) as world,
        ):
            await world.crawl.crawl_all()
            assert world.outcome("a") == "ok"
        keys = {r.path: r.headers.get("X-Key") for r in there.asked}
        assert keys == {"/robots.txt": None, "/feed": "secret", "/here": "secret"}
        assert [r.headers.get("X-Key") for r in other.asked] == [None, None]


async def test_a_permanent_move_is_believed_after_three_times() -> None:
    answers: Answers = {"/feed": redirect("/new", 301), "/new": "http://e.example/1"}
    async with serving(site(answers)) as there, crawling(source(f"{there.url}/feed")) as world:
        for _ in range(3):
            await world.crawl.crawl_all()
        assert world.row("a").url == f"{there.url}/new"
        asked = len(there.asked)
        await world.crawl.crawl_all()
        assert there.paths[asked:] == ["/new"]


# ---- robots.txt


@pytest.mark.parametrize("group", ["*", "tocsin"])
async def test_h21_what_robots_txt_forbids_is_never_asked_for(group: str) -> None:
    answers: Answers = {"/robots.txt": f"User-agent: {group}\nDisallow: /", "/feed": "http://e.example/1"}
    async with serving(site(answers)) as there, crawling(source(f"{there.url}/feed")) as world:
        for _ in range(2):
            await world.crawl.crawl_all()
        assert world.outcome("a") == "robots"
        assert there.paths == ["/robots.txt"]


async def test_h21_an_endless_robots_txt_is_read_as_far_as_it_counts() -> None:
    async def bomb(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"User-agent: *\nDisallow: /private/\n")
        while True:
            await response.write(b"Disallow: /no/%d\n" % len(response.headers) * 4000)

    async with (
        serving(site({"/robots.txt": bomb, "/feed": "http://e.example/1"})) as there,
        crawling(source(f"{there.url}/feed"), source(f"{there.url}/private/feed", "b")) as world,
    ):
        await world.crawl.crawl_all()
        assert (world.outcome("a"), world.outcome("b")) == ("ok", "robots")
        assert there.paths == ["/robots.txt", "/feed"]


async def test_a_redirected_robots_txt_counts() -> None:
    answers: Answers = {
        "/robots.txt": redirect("/elsewhere", 301),
        "/elsewhere": "User-agent: *\nDisallow: /",
    }
    async with serving(site(answers)) as there, crawling(source(f"{there.url}/feed")) as world:
        await world.crawl.crawl_all()
        assert world.outcome("a") == "robots"
        assert there.paths == ["/robots.txt", "/elsewhere"]


async def test_while_robots_txt_fails_nothing_else_is_asked_for() -> None:
    answers: Answers = {"/robots.txt": lambda _: web.Response(status=503), "/feed": "http://e.example/1"}
    async with serving(site(answers)) as there, crawling(source(f"{there.url}/feed")) as world:
        for _ in range(3):
            await world.crawl.crawl_all()
        assert world.outcome("a") == "server_error"
        assert there.paths == ["/robots.txt"]
        del answers["/robots.txt"]
        world.clock.ahead = timedelta(minutes=6)
        await world.crawl.crawl_all()
        assert world.outcome("a") == "ok"


# ---- Retry-After


def busy(seconds: int) -> Callable[[web.Request], web.Response]:
    return lambda _: web.Response(status=429, headers={"Retry-After": str(seconds)})


async def test_after_retry_after_nothing_is_asked_of_the_host_until_it_is_over() -> None:
    answers: Answers = {"/a": busy(30), "/b": "http://e.example/1"}
    async with serving(site(answers)) as there:
        sources = (source(f"{there.url}/a", "a"), source(f"{there.url}/b", "b"))
        async with crawling(*sources) as world:
            await world.crawl.crawl_all()
            assert (world.outcome("a"), world.outcome("b")) == ("rate_limited", "rate_limited")
            assert there.paths == ["/robots.txt", "/a"]
            assert world.row("b").failures == 0
        async with crawling(*sources, engine=world.engine) as again:  # a restart does not forget
            await again.crawl.crawl_all()
            assert len(there.asked) == 2
            again.clock.ahead = 29 * SECOND
            await again.crawl.crawl_all()
            assert len(there.asked) == 2
            answers["/a"] = "http://e.example/2"
            again.clock.ahead = 31 * SECOND
            await again.crawl.crawl_all()
            assert there.paths[2:] == ["/a", "/b"]


async def test_a_held_page_waits_without_using_up_its_tries() -> None:
    answers: Answers = {"/feed": "http://e.example/1", "/news": "words"}
    async with (
        serving(site(answers)) as there,
        crawling(source(f"{there.url}/feed", articles="always")) as world,
    ):
        await world.crawl.crawl_all()
        want_page(world, f"{there.url}/news")
        answers["/feed"] = busy(30)
        await world.crawl.crawl_all()  # the page comes first
        want_page(world, f"{there.url}/news")
        await world.crawl.crawl_all()
        assert there.paths.count("/news") == 1
        assert world.scalar("SELECT page FROM articles") == "wanted"
        assert world.scalar("SELECT page_attempts FROM articles") == 0
        world.clock.ahead = 31 * SECOND
        await world.until(lambda: there.paths.count("/news") == 2)


def want_page(world: World, link: str) -> None:
    with world.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE articles SET page = 'wanted', link = :link, page_due_at = seen_at, page_attempts = 0"
            ),
            {"link": link},
        )


# ---- pages


async def page_fate(answers: Answers, path: str = "/news", link: str | None = None) -> tuple[World, Site]:
    """What becomes of one wanted page."""
    async with (
        serving(site({"/feed": "http://e.example/1"} | answers)) as there,
        crawling(source(f"{there.url}/feed", articles="always")) as world,
    ):
        await world.crawl.crawl_all()
        want_page(world, link or f"{there.url}{path}")
        await world.crawl.crawl_all()
        return world, there


@pytest.mark.parametrize(
    ("status", "page"),
    [(200, "read"), (404, "wanted"), (403, "wanted"), (410, "failed"), (500, "wanted"), (503, "wanted")],
)
async def test_a_page_that_fails_is_tried_again_unless_it_is_gone(status: int, page: str) -> None:
    world, _ = await page_fate({"/news": lambda _: web.Response(status=status, text="words")})
    assert world.scalar("SELECT page FROM articles") == page
    assert world.scalar("SELECT page_attempts FROM articles") == 1


async def look_again(world: World, link: str) -> None:
    """The one article of this world is told, and has this page; an hour later it is looked at."""
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE articles SET link = :link"), {"link": link})
        archive.look_again(connection, [1], world.clock())
    world.clock.ahead += HOUR
    await world.crawl.crawl_all()


async def test_the_page_of_a_told_article_is_looked_at_again_and_found_gone() -> None:
    async with (
        serving(site({"/feed": "http://e.example/1"})) as there,
        crawling(source(f"{there.url}/feed", articles="always")) as world,
    ):
        await world.crawl.crawl_all()
        await look_again(world, f"{there.url}/news")
        assert world.scalar("SELECT state FROM revisits") == "missing"
        world.clock.ahead += timedelta(minutes=10)
        await world.crawl.crawl_all()
        assert world.scalar("SELECT state FROM revisits") == "gone"
        assert world.scalar("SELECT removal FROM revisions WHERE number = 2") == "not_found"
        assert there.paths.count("/news") == 2


async def test_a_page_that_is_looked_at_again_is_asked_for_only_if_it_changed() -> None:
    def page(request: web.Request) -> web.Response:
        known = request.headers.get("If-None-Match") == '"1"'
        return web.Response(
            status=304 if known else 200, text=None if known else "words", headers={"ETag": '"1"'}
        )

    async with (
        serving(site({"/feed": "http://e.example/1", "/news": page})) as there,
        crawling(source(f"{there.url}/feed", articles="always")) as world,
    ):
        await world.crawl.crawl_all()
        await look_again(world, f"{there.url}/news")
        world.clock.ahead += timedelta(hours=5)
        await world.crawl.crawl_all()
        assert there.paths.count("/news") == 2
        assert len(world.child.pages) == 1
        assert world.scalar("SELECT state FROM revisits") == "there"


async def test_a_page_behind_robots_txt_is_not_looked_at_again() -> None:
    rules = {"/robots.txt": "User-agent: *\nDisallow: /news"}
    async with (
        serving(site({"/feed": "http://e.example/1"} | rules)) as there,
        crawling(source(f"{there.url}/feed", articles="always")) as world,
    ):
        await world.crawl.crawl_all()
        await look_again(world, f"{there.url}/news")
        assert world.scalar("SELECT state FROM revisits") == "there"
        assert "/news" not in there.paths


async def test_a_page_forbidden_by_robots_txt_is_left_alone() -> None:
    world, there = await page_fate({"/robots.txt": "User-agent: *\nDisallow: /private/"}, "/private/news")
    assert world.scalar("SELECT page FROM articles") == "failed"
    assert "/private/news" not in there.paths


async def test_h19_a_link_to_a_private_address_reaches_nobody() -> None:
    async with serving(site({"/secret": "SECRET"}), "127.0.0.2") as canary:
        world, _ = await page_fate({}, link=f"{canary.url}/secret")
        assert world.scalar("SELECT page FROM articles") == "failed"
        assert world.scalar("SELECT page_outcome FROM articles") == "blocked_address"
    assert canary.asked == []


async def test_h20_a_refresh_inside_a_page_is_not_followed() -> None:
    async with serving(site({"/secret": "SECRET"}), "127.1.0.2") as other:
        refresh = f'<meta http-equiv="refresh" content="0; url={other.url}/secret">'

        def page(_: web.Request) -> web.Response:
            return web.Response(
                text=refresh, content_type="text/html", headers={"Refresh": f"0; url={other.url}/secret"}
            )

        world, _ = await page_fate({"/news": page})
        assert world.scalar("SELECT page FROM articles") == "read"
    assert other.asked == []


async def test_h24_h25_cookies_and_referrers_stay_here() -> None:
    def page(_: web.Request) -> web.Response:
        return web.Response(
            status=302,
            headers={"Location": "/next", "Set-Cookie": "a=b", "Referrer-Policy": "os.system, unsafe-url"},
        )

    _, there = await page_fate({"/news": page, "/next": "words"})
    assert "/next" in there.paths
    assert all("Cookie" not in r.headers and "Referer" not in r.headers for r in there.asked)


# ---- the end, and what went wrong before


async def test_closing_with_hung_sockets_takes_the_drain_and_no_longer() -> None:
    async with contextlib.AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(raw(hanging, f"127.1.1.{n}")) for n in range(1, 41)]
        sources = [source(f"{url}/feed", f"s{n}", timeout=timedelta(minutes=1)) for n, url in enumerate(urls)]
        async with crawling(*sources) as world:
            await world.crawl.tick()
            await asyncio.sleep(0.3)
            began = asyncio.get_running_loop().time()
            await world.crawl.close(timedelta(seconds=0.5))
            assert 0.4 < asyncio.get_running_loop().time() - began < 1.5
            assert world.scalar("SELECT count(*) FROM sources WHERE lease_until IS NULL") == 40
            assert (
                world.scalar("SELECT count(*) FROM sources WHERE fetched_at IS NULL AND failures = 0") == 40
            )


async def test_what_is_nearly_done_may_finish_while_we_close() -> None:
    async with (
        serving(site({"/feed": lambda _: asyncio.sleep(0.3, "http://e.example/1")})) as there,
        crawling(source(f"{there.url}/feed")) as world,
    ):
        await world.crawl.tick()
        await asyncio.sleep(0.1)
        await world.crawl.close(timedelta(seconds=3))
        assert world.outcome("a") == "ok"


async def test_a_long_document_is_written_whole_and_holds_nobody_up() -> None:
    long = " ".join(f"http://e.example/{n}" for n in range(450))
    async with (
        serving(site({"/feed": long}), "127.1.0.1") as there,
        serving(site({"/feed": "http://e.example/1"}), "127.1.0.2") as short,
        crawling(source(f"{there.url}/feed", "long"), source(f"{short.url}/feed", "short")) as world,
    ):
        await world.crawl.tick()
        await world.until(lambda: world.row("short").succeeded_at is not None)
        assert world.scalar("SELECT count(*) FROM entries WHERE source = 'long'") < 450
        summary = await world.crawl.crawl_all()
        assert world.scalar("SELECT count(*) FROM entries WHERE source = 'long'") == 450
        assert world.scalar("SELECT count(*) FROM articles WHERE NOT baseline") == 0
        assert summary.failed == 0


async def test_closing_in_the_middle_of_a_long_document_loses_none_of_it() -> None:
    long = " ".join(f"http://e.example/{n}" for n in range(1000))
    async with serving(site({"/feed": long})) as there:
        async with crawling(source(f"{there.url}/feed")) as world:
            await world.crawl.tick()
            await world.until(lambda: world.scalar("SELECT count(*) FROM entries") > 0)
            began = asyncio.get_running_loop().time()
            await world.crawl.close(timedelta(0))
            assert asyncio.get_running_loop().time() - began < 1
            assert 0 < world.scalar("SELECT count(*) FROM entries") < 1000
        async with crawling(source(f"{there.url}/feed"), engine=world.engine) as again:
            await again.crawl.crawl_all()
            assert again.scalar("SELECT count(*) FROM entries") == 1000
            assert again.scalar("SELECT count(DISTINCT url) FROM entries") == 1000
            assert again.row("a").outcome == "ok"


async def test_a_restart_does_not_wait_for_the_leases_of_the_dead() -> None:
    async with serving(site({"/feed": "http://e.example/1"})) as there:
        one = source(f"{there.url}/feed")
        engine = empty_archive()
        with engine.begin() as connection:
            archive.enrol(connection, [one])
            archive.claim_due(connection, {SourceId("a"): one}, datetime.now(UTC), HOUR, 1)
        async with crawling(one, engine=engine) as world:
            assert await world.crawl.tick() == 1


async def test_an_archive_that_refuses_a_reading_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        serving(site({"/a": "http://e.example/1", "/b": "304"})) as there,
        crawling(source(f"{there.url}/a", "a")) as world,
    ):
        with world.engine.begin() as connection:
            connection.execute(text("ALTER TABLE entries RENAME TO gone"))
        await world.crawl.crawl_all()
        assert world.row("a").outcome is None
        assert "no such table" in caplog.text
        with world.engine.begin() as connection:
            connection.execute(text("ALTER TABLE gone RENAME TO entries"))
        world.clock.ahead = 5 * crawl.LEASE
        await world.until(lambda: world.row("a").outcome == "ok")


async def test_a_handler_that_does_not_fit_the_mode_is_found_out_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    twisted = "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"
    monkeypatch.setattr(crawl, "GuardedHandler", twisted)
    monkeypatch.setattr(crawl, "TO_START", 0.5)
    with pytest.raises(CrawlerBroken):
        async with crawling():
            pass


async def test_a_crawler_that_has_stopped_is_loud() -> None:
    async with crawling() as world:
        await world.crawl._crawler.stop_async()
        await asyncio.sleep(0.1)
        with pytest.raises(CrawlerBroken):
            await world.crawl.tick()
