"""The built-in web: a few sites on loopback with feeds, pages and robots.txt, which can fall ill.

Lives here: how a site answers. Everything is served from memory, at ports the kernel chose. Not here: what is
published and when (`story`), what anybody makes of it.
"""

import asyncio
import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

from aiohttp import web

from scheduler.demo.story import Ill, Report, Site

SILENCE = 3600.0  # seconds; whoever asks has hung up long before

ROBOTS = "User-agent: *\nDisallow: /members/\n"


@dataclass(frozen=True, slots=True)
class Published:
    report: Report
    at: datetime
    link: str


@dataclass(slots=True)
class Standing:
    """A site as it stands: what it shows, how it feels, who asked."""

    site: Site
    address: str = ""  # http://127.0.0.2:40123
    shown: list[Published] = field(default_factory=list)  # newest first
    ill: list[Ill] = field(default_factory=list)  # the answers to the next requests for its feed
    asked: Counter[str] = field(default_factory=Counter)  # by feed, page, robots

    @property
    def feed(self) -> str:
        return f"{self.address}/feed"


class World:
    """All sites together."""

    def __init__(self, sites: Sequence[Site], clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._standing = {site.id: Standing(site) for site in sites}

    def __iter__(self) -> Iterator[Standing]:
        return iter(self._standing.values())

    def __getitem__(self, site: Site) -> Standing:
        return self._standing[site.id]

    @property
    def asked(self) -> int:
        """Requests all sites have seen."""
        return sum(standing.asked.total() for standing in self)

    def address_of(self, report: Report) -> str:
        """The address of a report's own page."""
        return self[report.site].address + report.path

    def publish(self, report: Report) -> Published:
        link = self.address_of(report)
        if report.links_to is not None:
            link = self.address_of(report.links_to) + f"?utm_source={report.site.id}&utm_medium=rss"
        published = Published(report, self._clock() - report.age, link)
        self[report.site].shown.insert(0, published)
        return published

    def rewrite(self, report: Report, title: str) -> None:
        """Another headline for something that is published; nothing else about it changes."""
        standing = self[report.site]
        standing.shown = [
            replace(p, report=replace(p.report, title=title)) if p.report.slug == report.slug else p
            for p in standing.shown
        ]

    def fall_ill(self, site: Site, answers: Sequence[Ill]) -> None:
        self[site].ill += answers


@contextlib.asynccontextmanager
async def serving(world: World) -> AsyncIterator[World]:
    """The world, reachable as long as the block runs."""
    async with contextlib.AsyncExitStack() as opened:
        for number, standing in enumerate(world):
            app = _app(standing)
            standing.address = await opened.enter_async_context(listening(app, f"127.0.0.{number + 2}"))
        yield world


@contextlib.asynccontextmanager
async def listening(app: web.Application, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serves on a free port; yields the address."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, 0).start()
        except OSError:  # only on Linux the whole of 127.0.0.0/8 is there without asking
            host = "127.0.0.1"
            await web.TCPSite(runner, host, 0).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _app(standing: Standing) -> web.Application:
    app = web.Application()

    async def feed(request: web.Request) -> web.StreamResponse:
        standing.asked["feed"] += 1
        if standing.ill:
            return await _unwell(standing.ill.pop(0))
        return _feed(standing, request)

    async def page(request: web.Request) -> web.StreamResponse:
        standing.asked["page"] += 1
        return _page(standing, request.match_info["slug"])

    async def robots(_: web.Request) -> web.StreamResponse:
        standing.asked["robots"] += 1
        return web.Response(text=ROBOTS)

    app.add_routes([web.get("/feed", feed), web.get("/news/{slug}", page), web.get("/robots.txt", robots)])
    return app


async def _unwell(how: Ill) -> web.StreamResponse:
    if how == "silent":
        await asyncio.sleep(SILENCE)
    raise web.HTTPServiceUnavailable(text="Back soon.")


def _feed(standing: Standing, request: web.Request) -> web.StreamResponse:
    kind, body = _FEEDS[standing.site.speaks](standing)
    etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    return web.Response(text=body, content_type=kind, charset="utf-8", headers={"ETag": etag})


# --- feeds of three kinds


def _rss(standing: Standing) -> tuple[str, str]:
    site = standing.site
    items = "".join(
        f"<item><title>{escape(p.report.title)}</title><link>{escape(p.link)}</link>"
        f'<guid isPermaLink="false">{site.id}-{p.report.slug}</guid>'
        f"<pubDate>{format_datetime(p.at)}</pubDate>"
        f"<description>{escape(p.report.paragraphs[0])}</description></item>"
        for p in standing.shown
    )
    return "application/rss+xml", (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>{escape(site.name)}</title><link>{standing.address}/</link>"
        f"<language>{site.language}</language><description>Invented news</description>"
        f"{items}</channel></rss>"
    )


def _atom(standing: Standing) -> tuple[str, str]:
    site = standing.site
    entries = "".join(
        f"<entry><id>tag:{site.id}.invalid,2026:{p.report.slug}</id><title>{escape(p.report.title)}</title>"
        f'<link rel="alternate" href="{escape(p.link)}"/>'
        f"<published>{p.at.isoformat()}</published><updated>{p.at.isoformat()}</updated>"
        f"<summary>{escape(p.report.paragraphs[0])}</summary></entry>"
        for p in standing.shown
    )
    newest = max((p.at for p in standing.shown), default=datetime.min.replace(tzinfo=UTC))
    return "application/atom+xml", (
        f'<?xml version="1.0" encoding="UTF-8"?>'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{site.language}">'
        f"<id>tag:{site.id}.invalid,2026:feed</id><title>{escape(site.name)}</title>"
        f"<updated>{newest.isoformat()}</updated><author><name>{escape(site.name)}</name></author>"
        f"{entries}</feed>"
    )


def _json_feed(standing: Standing) -> tuple[str, str]:
    site = standing.site
    items = [
        {
            "id": f"{site.id}-{p.report.slug}",
            "url": p.link,
            "title": p.report.title,
            "summary": p.report.paragraphs[0],
            "date_published": p.at.isoformat(),
        }
        for p in standing.shown
    ]
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": site.name,
        "home_page_url": f"{standing.address}/",
        "feed_url": standing.feed,
        "language": site.language,
        "items": items,
    }
    return "application/feed+json", json.dumps(document, ensure_ascii=False)


_FEEDS = {"RSS": _rss, "Atom": _atom, "JSON Feed": _json_feed}


# --- pages


def _page(standing: Standing, slug: str) -> web.StreamResponse:
    found = next((p for p in standing.shown if p.report.slug == slug and p.report.links_to is None), None)
    if found is None:
        raise web.HTTPNotFound(text="There is nothing here.")
    site, report = standing.site, found.report
    text = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in report.paragraphs)
    body = (
        f'<!doctype html><html lang="{site.language}"><head><meta charset="utf-8">'
        f"<title>{escape(report.title)} · {escape(site.name)}</title>"
        f'<link rel="canonical" href="{escape(found.link)}">'
        f'<meta property="article:published_time" content="{found.at.isoformat()}"></head>'
        f'<body><header><a href="/">{escape(site.name)}</a></header>'
        f"<main><article><h1>{escape(report.title)}</h1>{text}</article></main>"
        f"<footer>{escape(site.name)}, an invented paper</footer></body></html>"
    )
    return web.Response(text=body, content_type="text/html", charset="utf-8")
