"""`tocsin check --online --report`: every source of a small web asked once, and what is written of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from aiohttp import web

from scheduler.online import who_answers
from scheduler.settings import load
from scheduler.source_report import Pile, pile
from tests.web_stand_in import Site, serving

WATCHES = """
watches: [{id: pact, rules: [{id: core, level: alert, query: 'OpenAI'}], channels: [news]}]
"""


def feed(*ages: timedelta) -> str:
    dated = [format_datetime(datetime.now(UTC) - age) for age in ages]
    items = "".join(
        f"<item><title>Report {n}</title><link>https://paper.example/{n}</link><guid>g{n}</guid>"
        f"<pubDate>{date}</pubDate></item>"
        for n, date in enumerate(dated)
    )
    return f'<rss version="2.0"><channel><title>Paper</title>{items}</channel></rss>'


async def answer(request: web.Request) -> web.StreamResponse:
    fresh, old = feed(timedelta(hours=2), timedelta(days=3)), feed(timedelta(days=200))
    plain = {
        "/fresh": fresh,
        "/new": fresh,
        "/old": old,
        "/bare": feed(),
        "/page": "<html><p>Hello</p></html>",
    }
    match request.path:
        case "/robots.txt":
            return web.Response(text="User-agent: *\nDisallow: /private\n")
        case "/moved":
            raise web.HTTPMovedPermanently("/new")
        case "/lent":
            raise web.HTTPFound("/new")
        case "/slow":
            await asyncio.sleep(30)
        case path if path in plain:
            return web.Response(text=plain[path], content_type="text/html" if path == "/page" else "text/xml")
    return web.Response(status={"/refused": 403, "/gone": 410, "/down": 500}.get(request.path, 404))


EXPECTED = {
    "fresh": Pile.WORKS,
    "lent": Pile.WORKS,
    "moved": Pile.MOVED,
    "old": Pile.OLD,
    "bare": Pile.OLD,
    "page": Pile.NOT_A_FEED,
    "missing": Pile.GONE,
    "gone": Pile.GONE,
    "refused": Pile.BLOCKED,
    "private": Pile.BLOCKED,
    "slow": Pile.TROUBLE,
    "down": Pile.TROUBLE,
    "off": Pile.UNASKED,
    "foreign": Pile.UNASKED,
}


def configured(directory: Path, site: Site) -> Path:
    more = {"slow": "timeout: 1s", "off": "enabled: false", "foreign": "language: fi"}
    lines = [
        f"  - {{id: {name}, kind: feed, url: '{site.url}/{name}', {more.get(name, 'language: en')}}}"
        for name in EXPECTED
    ]
    text = "\n".join(["use: {languages: [en]}", "sources:", *lines]) + "\n"
    (directory / "sources.yaml").write_text(text, encoding="utf-8")
    (directory / "watches.yaml").write_text(WATCHES, encoding="utf-8")
    (directory / "daemon.yaml").write_text("network: {allow: [127.0.0.0/8]}\nhttp: null\n", encoding="utf-8")
    return directory


async def test_every_source_is_asked_once_and_lands_on_its_pile(tmp_path: Path) -> None:
    async with serving(answer) as site:
        heard = await who_answers(load(configured(tmp_path, site), {}))
    found = {asked.id: asked for asked in heard.sources}
    assert {name: pile(asked, datetime.now(UTC)) for name, asked in found.items()} == EXPECTED
    asked = [path.strip("/") for path in site.paths if path != "/robots.txt"]
    assert sorted(asked) == sorted([*(set(EXPECTED) - {"off", "foreign", "private"}), "new", "new"])
    assert site.most == 1  # one request at a time for a host
    assert found["moved"].moved_to == f"{site.url}/new"
    assert (found["fresh"].entries, found["bare"].entries) == (2, 0)
    newest = found["fresh"].newest
    assert newest is not None
    assert timedelta(hours=1) < datetime.now(UTC) - newest < timedelta(hours=3)
    assert [asked.line for asked in heard.sources] == list(range(3, 3 + len(EXPECTED)))
    assert found["foreign"].unasked == "left out by use: languages"
    assert {problem.key for problem in heard.problems} == {
        f"sources[{name}]"
        for name, where in EXPECTED.items()
        if where in {Pile.NOT_A_FEED, Pile.GONE, Pile.BLOCKED, Pile.TROUBLE}
    }
