"""A hostile web on loopback, and the whole product in the middle of it.

Lives here: sites that answer as they are told down to the byte, the canary nobody may touch, and Tocsin
itself with a generated configuration, the shipped watches and a Slack stand-in. Not here: what the sites say
(`answers`), what must come of it (the tests).

Every site has a loopback address of its own, since a host is what the crawler is polite to: a site that hangs
must hold up nobody but itself.
"""

import asyncio
import contextlib
import json
import re
import shutil
import socket
import sqlite3
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, Row, event, text

import config
from crawler import archive
from scheduler import assembly
from scheduler.database import open_database
from scheduler.health import Progress
from scheduler.jobs import Jobs
from scheduler.settings import Settings, load
from tests.slack_stand_in import SlackStandIn, complaints

FORBIDDEN = "127.0.0.2"
ALLOWED = ["127.0.1.0/24"]  # where the sites are
TOKEN = "xoxb-the-token-nobody-may-see"
TIMEOUT = "3s"
PATIENCE = 25  # seconds for one act, on a busy machine


# ---- the web


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came over the wire."""

    path: str
    head: bytes

    def header(self, name: str) -> str | None:
        found = re.search(rb"(?im)^" + name.encode() + rb":[ \t]*([^\r\n]*)", self.head)
        return found[1].decode("latin-1") if found else None


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


async def no_rules(_: Asked, writer: asyncio.StreamWriter) -> None:
    """The robots.txt of most sites."""
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class Site:
    """One host of the web. `answer`, `robots`, `pages` and `certificate` may be exchanged at any time."""

    def __init__(self, host: str, tls: bool = False) -> None:
        self.host, self.tls = host, tls
        self.name: str | None = None  # what it is called, where that is not its address
        self.answer: Answer = no_rules
        self.robots: Answer = no_rules
        self.pages: dict[str, Answer] = {}
        self.certificate: ssl.SSLContext | None = None
        self.mute = False  # takes connections and never says a word, not even of TLS
        self.asked: list[Asked] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.name or self.host}:{self.port}"

    @property
    def feed(self) -> str:
        return f"{self.url}/feed"

    async def start(self, port: int = 0) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._server = await asyncio.start_server(self._met, self.host, port)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mute:
            await asyncio.sleep(60)
        if self.tls:
            assert self.certificate is not None
            await writer.start_tls(self.certificate)
        head = await reader.readuntil(b"\r\n\r\n")
        asked = Asked(head.split(b" ", 2)[1].decode("latin-1"), head)
        self.asked.append(asked)
        usual = self.robots if asked.path == "/robots.txt" else self.answer
        await self.pages.get(asked.path, usual)(asked, writer)
        await writer.drain()


class Canary:
    """Listens where we must never call, on every port a site uses, so that a call would be seen."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """One port on all the addresses that odd spellings of the forbidden ones lead to."""
        for _ in range(20):
            with contextlib.suppress(OSError):
                self.port = await self.listen(FORBIDDEN, 0)
                await self.listen("127.0.0.1", self.port)  # also where 0.0.0.0 leads
                break
        with contextlib.suppress(OSError):  # a machine without IPv6
            await self.listen("::1", self.port)

    async def listen(self, host: str, port: int) -> int:
        async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.calls.append((host, port))
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")
            writer.close()

        server = await asyncio.start_server(met, host, port)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        for server in self._servers:
            server.close()


@dataclass
class Web:
    """All sites, the canary, and the only name server there is."""

    canary: Canary = field(default_factory=Canary)
    sites: list[Site] = field(default_factory=list)
    names: dict[str, str] = field(
        default_factory=lambda: {
            "localhost": "127.0.0.1",
            "localhost.": "127.0.0.1",
            f"{FORBIDDEN}.": FORBIDDEN,
        }
    )

    async def site(self, tls: bool = False) -> Site:
        site = Site(f"127.0.1.{len(self.sites) + 1}", tls)
        await site.start()
        self.sites.append(site)
        return site

    def look_up(self, host: Any, *about: Any, **more: Any) -> Any:
        """In place of socket.getaddrinfo: numbers in any spelling, and names we know; nothing leaves us."""
        name = host.decode() if isinstance(host, bytes) else host
        known = self.names.get(name or "", name)
        if known is not None and not re.fullmatch(r"[0-9a-fA-Fx.:]+", known):
            raise socket.gaierror(socket.EAI_NONAME, f"no such name: {known}")
        return _look_up(known, *about, **more)


_look_up = socket.getaddrinfo


@contextlib.asynccontextmanager
async def web(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Web]:
    there = Web()
    await there.canary.start()
    monkeypatch.setattr(socket, "getaddrinfo", there.look_up)
    try:
        yield there
    finally:
        there.canary.stop()
        await asyncio.gather(*(site.stop() for site in there.sites))


# ---- the product


class Clock:
    """The time of day, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def configuration(
    directory: Path, sources: Iterable[dict[str, Any]], slack: SlackStandIn, allow: list[str]
) -> Path:
    """The four files, with the watches that are shipped."""
    directory.mkdir(exist_ok=True)
    shutil.copy(Path(str(config.__file__)).parent / "watches.yaml", directory / "watches.yaml")
    defaults = {"every": "5m", "timeout": TIMEOUT}
    news = {
        "id": "news", "kind": "slack", "token": "${SLACK_BOT_TOKEN}", "channel": slack.channel,
        "api_url": slack.api_url,
    }  # fmt: skip
    files = {
        "sources.yaml": {"defaults": defaults, "sources": list(sources)},
        "channels.yaml": {"channels": [news, {"id": "ops", "kind": "console"}], "ops": "ops"},
        "daemon.yaml": {
            "network": {"allow": allow, "concurrency": 100},
            "http": None,
            "stories": {"group_wait": "0s", "follow_ups": "0s", "alike": False},
            "limits": {"roots_per_day": None, "posts_per_hour": None, "flood": None},
        },
    }
    for name, content in files.items():
        (directory / name).write_text(json.dumps(content), encoding="utf-8")
    return directory


@dataclass
class Product:
    """Tocsin between a web and a Slack, its doors turned by hand as the daemon turns them."""

    settings: Settings
    engine: Engine
    jobs: Jobs
    slack: SlackStandIn
    clock: Clock

    async def run(self) -> None:
        """Ticks until every source that was due is read, its pages are tried, and all is told."""
        began = self.clock()
        with contextlib.suppress(TimeoutError):  # what is still unread, the test will say
            async with asyncio.timeout(PATIENCE):
                while await self.jobs.crawl() or self.unread(began):
                    await asyncio.sleep(0.05)
        assert not self.unread(began), f"never finished: {self.unread(began)}"
        await self.tell()

    async def tell(self) -> None:
        await self.jobs.screen()
        self.jobs.wind_up()
        self.jobs.tell_ops()
        for channel in self.jobs.channels:
            await self.jobs.dispatch(channel)

    def unread(self, since: datetime) -> list[str]:
        """The sources that have no answer since then, and the pages nobody tried yet."""
        with self.engine.connect() as connection:
            sources = archive.source_rows(connection)
        late = [row.id for row in sources if row.fetched_at is None or row.fetched_at < since]
        pages = self.rows("SELECT link FROM articles WHERE page = 'wanted' AND page_attempts = 0")
        return [*late, *(row.link for row in pages)]

    # ---- what became of it

    def source(self, of: str) -> Row[Any]:
        with self.engine.connect() as connection:
            return next(row for row in archive.source_rows(connection) if row.id == of)

    def rows(self, query: str, **values: Any) -> list[Row[Any]]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values))

    def titles(self, of: str) -> list[str]:
        """The headlines of all its entries, as the archive has them."""
        found = self.rows("SELECT title FROM entries WHERE source = :of ORDER BY id", of=of)
        return [row.title for row in found]

    def dump(self) -> str:
        """All the database holds."""
        with self.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            return "\n".join(raw.iterdump())

    def told(self, of: str | None = None) -> list["Told"]:
        """The messages in the channel, or those about one source."""
        messages = [Told(message["request"]) for message in self.slack.messages]
        return [m for m in messages if of is None or m.provenance.startswith(f"{of} · ")]


@dataclass(frozen=True)
class Told:
    """A message as Slack got it."""

    request: dict[str, Any]

    @property
    def headline(self) -> str:
        first = self.request["blocks"][0]["elements"][0]["elements"]
        return "".join(element["text"] for element in first)

    @property
    def sentence(self) -> list[dict[str, Any]]:
        quoted = self.request["blocks"][0]["elements"][1:]
        return list(quoted[0]["elements"]) if quoted else []

    @property
    def provenance(self) -> str:
        return str(self.request["blocks"][1]["elements"][0]["text"])

    @property
    def small_print(self) -> str:
        lines = (block["elements"] for block in self.request["blocks"] if block["type"] == "context")
        return " ".join(element["text"] for line in lines for element in line)

    @property
    def links(self) -> list[str]:
        first = self.request["blocks"][0]["elements"][0]["elements"]
        return [element["url"] for element in first if element["type"] == "link"]

    @property
    def complaints(self) -> list[str]:
        return complaints(self.request)


@contextlib.asynccontextmanager
async def product(
    directory: Path, sources: Iterable[dict[str, Any]], allow: list[str] | None = None
) -> AsyncIterator[Product]:
    async with slack_stand_in() as slack:
        files = configuration(directory / "config", sources, slack, ALLOWED if allow is None else allow)
        settings = load(files, {"SLACK_BOT_TOKEN": slack.token})
        engine = open_database(f"sqlite:///{directory / 'tocsin.db'}")
        engine.dispose()
        event.listen(engine, "connect", _hurry)
        clock = Clock()
        jobs = assembly.jobs(settings, engine, clock, Random(7), Progress())
        for notifier in jobs.notifiers.values():  # this Slack takes them as they come
            notifier.pace = timedelta(0)  # type: ignore[misc]
        with engine.begin() as connection:
            archive.enrol(connection, settings.crawled.values())
        await jobs.crawler.open()
        try:
            yield Product(settings, engine, jobs, slack, clock)
        finally:
            await jobs.crawler.close(timedelta(0))
            engine.dispose()


def _hurry(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here


@contextlib.asynccontextmanager
async def slack_stand_in() -> AsyncIterator[SlackStandIn]:
    slack = SlackStandIn(token=TOKEN)
    await slack.start()
    try:
        yield slack
    finally:
        await slack.stop()


_CALLED = re.compile(r"[^a-z0-9]+")


def slug(name: str) -> str:
    """H01 gzip-bomb → h01-gzip-bomb, the id of its source."""
    return _CALLED.sub("-", name.lower()).strip("-")
