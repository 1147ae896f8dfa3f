"""The world around a daemon in a process of its own: papers with feeds, a Slack, its configuration and data.

Lives here: what every scenario needs. Papers and Slack run in the tests' own process, so that a test may look
at what they saw. Not here: how a process is made (`nursery`), the scenarios.
"""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from tests import web_stand_in
from tests.faults.nursery import Nursery
from tests.slack_stand_in import SlackStandIn, complaints

TOKEN = "xoxb-1234-rig"
DAYS_AGO = timedelta(days=3)  # older than the backlog of which a first reading may tell


# ---- papers


@dataclass
class Paper:
    """A site with one feed of what was published, and a page behind each entry."""

    name: str
    entries: list[tuple[str, datetime]] = field(default_factory=list)
    hangs: bool = False  # its feed never answers; its robots.txt does

    def publish(self, title: str, age: timedelta = timedelta(0)) -> None:
        self.entries.insert(0, (title, datetime.now(UTC) - age))

    def feed(self, address: str) -> str:
        items = "".join(
            f"<item><title>{escape(title)}</title><guid>{self.name}-{len(self.entries) - at}</guid>"
            f"<link>{address}/{self.name}/{len(self.entries) - at}</link>"
            f"<pubDate>{format_datetime(published)}</pubDate></item>"
            for at, (title, published) in enumerate(self.entries)
        )
        return f'<rss version="2.0"><channel><title>{self.name}</title>{items}</channel></rss>'

    def page(self, number: int) -> str:
        title = escape(self.entries[-number][0])
        said = "".join(f"<p>{title}, the companies said on its day {n} of talks.</p>" for n in range(6))
        return f"<html><head><title>{title}</title></head><body><article>{said}</article></body></html>"


class Papers:
    """All the papers there are, on one address of loopback."""

    def __init__(self) -> None:
        self._papers: dict[str, Paper] = {}
        self.asked: Counter[str] = Counter()
        self.hanging = 0

    def __getitem__(self, name: str) -> Paper:
        return self._papers.setdefault(name, Paper(name))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        name, _, rest = request.path.strip("/").partition("/")
        if name not in self._papers:
            return web.Response(status=404)
        if self[name].hangs:
            self.hanging += 1
            await asyncio.sleep(60)
        address = f"http://{request.host}"
        if rest == "feed":
            return web.Response(text=self[name].feed(address), content_type="application/rss+xml")
        return web.Response(text=self[name].page(int(rest)), content_type="text/html")


# ---- Slack


class MoodySlack(SlackStandIn):
    """Slack on a bad day: one call in five goes wrong, and half of what goes wrong is stored all the same."""

    def __init__(self, rng: Random | None = None, p: float = 0.2) -> None:
        super().__init__(token=TOKEN)
        self.rng, self.p = rng, p

    async def _serve(self, request: web.Request, method: str, work: Any) -> web.StreamResponse:
        if self.rng is not None and self.rng.random() < self.p:
            self.arm(**self._mishap(self.rng), method=method)
        return await super()._serve(request, method, work)

    def _mishap(self, rng: Random) -> dict[str, Any]:
        mishaps: list[dict[str, Any]] = [
            {"kind": "reset"}, {"kind": "close"}, {"kind": "truncate"}, {"kind": "http", "status": 503},
            {"kind": "error", "error": "fatal_error"}, {"kind": "garbage", "variant": "half_json"},
            {"kind": "hang", "seconds": 1.5}, {"kind": "ratelimit", "retry_after": 1},
            {"kind": "delay", "seconds": 0.7},
        ]  # fmt: skip
        mishap = rng.choice(mishaps)
        return mishap if mishap["kind"] == "ratelimit" else mishap | {"accept": rng.random() < 0.5}

    async def hang_up(self) -> None:
        """Nobody listens any more."""
        self._address = self._runner.addresses[0][:2]
        for site in list(self._runner.sites):
            await site.stop()

    async def pick_up(self) -> None:
        """Listens where it did."""
        await web.TCPSite(self._runner, *self._address).start()

    @property
    def roots(self) -> dict[str, dict[str, Any]]:
        """By headline what is no reply, as it stands there by now."""
        return {message["text"].split("\n")[0]: message for message in self._roots}

    @property
    def told(self) -> list[str]:
        """The headlines of the roots in the channel, in their order."""
        return [message["text"].split("\n")[0] for message in self._roots]

    @property
    def _roots(self) -> list[dict[str, Any]]:
        return [message for message in self.messages if "thread_ts" not in message]

    @property
    def deliveries(self) -> Counter[str]:
        """How often each delivery is in the channel."""
        return Counter(m["metadata"]["event_payload"]["delivery"] for m in self.messages)

    @property
    def complaints(self) -> list[str]:
        said = [message["request"] for message in self.messages] + self.updates
        return [one for request in said for one in complaints(request)]


# ---- a daemon


class Daemon:
    """A running `tocsin run`."""

    def __init__(self, nursery: Nursery, pid: int, log: Path) -> None:
        self._nursery, self.pid, self._log = nursery, pid, log
        self._code: int | None = None

    def signal(self, number: signal.Signals) -> None:
        if self.code is None:
            os.kill(self.pid, number)

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None: it runs."""
        if self._code is None:
            self._code = self._nursery.ended(self.pid)
        return self._code

    async def ended(self, within: float = 15) -> int:
        await until(lambda: self.code is not None, within)
        assert self.code is not None
        return self.code

    async def ends(self, within: float) -> bool:
        """Does it end of itself in that time?"""
        with contextlib.suppress(AssertionError):
            await self.ended(within)
        return self.code is not None

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.ended()

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its events; what is no event (what the command line says) stands under `said`."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [json.loads(line) if line.startswith("{") else {"said": line} for line in lines]

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line.get("event") == event]

    async def started(self) -> None:
        await until(lambda: self.logged("started") or self.code is not None)
        assert self.code is None, self.log


async def until(condition: Callable[[], object], within: float = 15) -> None:
    """Waits for it; what it has become of is said by the assertion."""
    end, pause = asyncio.get_running_loop().time() + within, 0.01
    while not condition():
        assert asyncio.get_running_loop().time() < end, f"still not after {within:g} seconds"
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.1)


# ---- all together


@dataclass
class Rig:
    """One data directory, its configuration, and what surrounds it."""

    nursery: Nursery
    directory: Path
    address: str  # of the papers
    papers: Papers
    slack: MoodySlack
    ops: MoodySlack
    addresses: dict[str, str] = field(default_factory=dict)  # of papers that live elsewhere
    environ: dict[str, str] = field(default_factory=lambda: {"SLACK_BOT_TOKEN": TOKEN, "PATH": os.defpath})
    starts: int = 0
    daemons: list[Daemon] = field(default_factory=list)

    # ---- configuration

    @property
    def config(self) -> Path:
        return self.directory / "config"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def configure(
        self,
        *papers: str,
        terms: tuple[str, ...] = ("OpenAI",),
        settle: str = "2s",
        deadline: str = "2s",
        listen: str | None = None,
        pages: tuple[str, ...] = (),
    ) -> None:
        """The four files, each exchanged in one move; `pages`: of which papers the pages are read too.

        JSON is YAML as well.
        """
        sources = [
            {"id": name, "name": name, "kind": "feed", "every": "1s",
             "url": f"{self.addresses.get(name, self.address)}/{name}/feed",
             "articles": "matching" if name in pages else "never",
             "publisher": "filing" if name == "sec" else "press"}
            for name in papers or ("herald",)
        ]  # fmt: skip
        rule = {"id": "core", "level": "alert", "query": "title:@names"}
        watch = {"id": "pact", "name": "The pact", "rules": [rule], "channels": ["news"]}
        places = {"news": self.slack, "ops": self.ops}
        channels = [
            {"id": name, "kind": "slack", "token": "${SLACK_BOT_TOKEN}", "channel": slack.channel,
             "api_url": slack.api_url}
            for name, slack in places.items()
        ]  # fmt: skip
        daemon = {
            "network": {"allow": ["127.0.0.0/8"], "concurrency": 64, "per_host": 8},
            "http": {"listen": listen} if listen else None,
            "delivery": {"deadline": deadline, "settle": settle},
            "limits": {"roots_per_day": None, "posts_per_hour": None, "flood": None},
            "stories": {"group_wait": "0s", "follow_ups": "0s", "alike": False},
        }
        self.write("sources.yaml", {"sources": sources})
        self.write("watches.yaml", {"sets": {"names": list(terms)}, "watches": [watch]})
        self.write("channels.yaml", {"channels": channels, "ops": "ops"})
        self.write("daemon.yaml", daemon)

    def write(self, name: str, document: Mapping[str, Any]) -> None:
        self.config.mkdir(parents=True, exist_ok=True)
        fresh = self.config / f".{name}"
        fresh.write_text(json.dumps(document, indent=1))
        fresh.replace(self.config / name)

    # ---- daemons

    def arguments(self, command: str = "run", *options: str) -> list[str]:
        return [command, "--config", str(self.config), "--data", str(self.data), *options]

    def start(self, *options: str, **injected: Any) -> Daemon:
        self.starts += 1
        log = self.directory / f"daemon-{self.starts}.log"
        arguments = self.arguments("run", "--log-format", "json", *options)
        daemon = Daemon(self.nursery, self.nursery.start(arguments, self.environ, log, injected), log)
        self.daemons.append(daemon)
        return daemon

    async def begin(self, *papers: str, **options: Any) -> None:
        """The first life: every paper is read once, what it shows is the baseline, nobody is told."""
        self.configure(*papers, **options)
        names = papers or ("herald",)
        for name in names:
            self.papers[name].publish(f"OpenAI in {name}, long ago", DAYS_AGO)
        daemon = self.start()
        await daemon.started()
        await until(lambda: self.read == len(names))
        await daemon.kill()

    async def all_told(self, *titles: str, within: float = 40) -> None:
        """Waits until these are in the channel and the outbox knows it."""
        await until(lambda: set(titles) <= set(self.slack.told), within)
        await until(lambda: self.pending == 0, within)

    # ---- what the database knows

    def ask(self, statement: str, *values: str) -> Any:
        """One value from the daemon's database."""
        with contextlib.closing(sqlite3.connect(self.data / "tocsin.db", timeout=15)) as connection:
            return connection.execute(statement, values).fetchone()[0]

    def count(self, *states: str) -> int:
        """How many deliveries are in one of these states."""
        marks = ", ".join("?" * len(states))
        return int(self.ask(f"SELECT count(*) FROM deliveries WHERE state IN ({marks})", *states))  # noqa: S608

    @property
    def read(self) -> int:
        """How many papers were read to their end."""
        return int(self.ask("SELECT count(*) FROM sources WHERE baseline_at IS NOT NULL"))

    @property
    def screened(self) -> int:
        """How many articles, those of the first readings aside, were screened."""
        return int(
            self.ask(
                "SELECT count(DISTINCT article) FROM revisions JOIN articles ON articles.id = article"
                " WHERE screened_at IS NOT NULL AND NOT baseline"
            )
        )

    @property
    def pending(self) -> int:
        return self.count("waiting", "claimed", "unclear")

    # ---- the end

    async def close(self) -> None:
        for daemon in self.daemons:
            await daemon.kill()


@contextlib.asynccontextmanager
async def rigged(nursery: Nursery, directory: Path, rng: Random | None = None) -> AsyncIterator[Rig]:
    """Papers, two Slacks and a directory; with `rng` the Slack of the news has its moods."""
    directory.mkdir(exist_ok=True)
    papers, slack, ops = Papers(), MoodySlack(rng), MoodySlack()
    async with web_stand_in.serving(papers.answer) as site:
        await slack.start()
        await ops.start()
        rig = Rig(nursery, directory, site.url, papers, slack, ops)
        try:
            yield rig
        finally:
            await rig.close()
            await ops.stop()
            await slack.stop()


@contextlib.contextmanager
def running_nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    try:
        yield nursery
    finally:
        nursery.close()
