"""A play in three acts: a site is honest, is at its worst, and does better; beside it one that is healthy.

Lives here: the rows of the tables, the play itself, and what must hold of every row (E0). Not here: the rows
(`test_hostile_transport`, `test_hostile_text`, `test_hostile_pages`).
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import Row

from crawler.fetches import Outcome
from scheduler import status
from tests.hostile.answers import PAGE, item, reply, rss
from tests.hostile.world import Answer, Asked, Product, Site, Told, Web, product, slug, web

DAY = timedelta(days=1)
A_DAY_LATER = timedelta(hours=25)  # longer than any wait a server may ask for, and than a robots.txt lives
PLAIN = reply("<html><body><p>Nothing to see.</p></body></html>", kind=PAGE)
NEWS = "OpenAI and Microsoft renegotiate their partnership over grain"  # of the healthy site


@dataclass(frozen=True, slots=True)
class Stage:
    """What a site knows when it has to answer."""

    id: str
    site: Site
    web: Web
    now: datetime
    directory: Path

    @property
    def forbidden(self) -> str:
        """An address where nobody may call."""
        return f"http://127.0.0.2:{self.web.canary.port}/secret"

    @property
    def news(self) -> str:
        return f"OpenAI and Microsoft strain their partnership, case {self.id}"

    @property
    def mended(self) -> str:
        return f"OpenAI and Microsoft mend their partnership, case {self.id}"

    def item(self, title: str | None = None, path: str = "/news", more: str = "") -> str:
        return item(title or self.news, self.site.url + path, self.now, more)

    def feed(self, *items: str) -> str:
        old = item("The weather", f"{self.site.url}/weather", self.now - 10 * DAY)
        return rss(*(items or (self.item(),)), old)


Saying = Callable[[Stage], Answer]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a row, for its own checks."""

    stage: Stage
    site: Site
    product: Product
    source: Row[Any]  # after the worst
    told: Sequence[Told]  # by this source at its worst
    asked: Sequence[Asked]  # of the site at its worst
    asked_again: Sequence[Asked]  # when it did better

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


Check = Callable[[Played], None]
Telling = Callable[[Stage], str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a table."""

    id: str
    answer: Saying  # at its worst
    outcome: Outcome | frozenset[Outcome] = Outcome.OK
    told: "Telling | None" = None  # the headlines that must be told, and no others; None: none
    robots: Saying | None = None
    pages: Mapping[str, Saying] = field(default_factory=dict)
    tls: str | None = None  # which certificate it shows at its worst
    mute: bool = False
    named: bool = False  # called by a name; at its worst the name leads to the canary
    check: Check | None = None

    @property
    def source(self) -> str:
        return slug(self.id)


def news(stage: Stage) -> str:
    """The row's own news arrives as it is."""
    return stage.news


async def play(
    cases: Sequence[Case], directory: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    certificates = Certificates(directory, monkeypatch)
    async with web(monkeypatch) as there:
        healthy = await there.site()
        sites = {case.id: await _site(case, there) for case in cases}
        sources = [_section("healthy", healthy), *(_section(case.source, sites[case.id]) for case in cases)]
        async with product(directory, sources) as tocsin:
            acts = _Acts(cases, there, healthy, sites, tocsin, certificates, directory)
            await acts.honest()
            await acts.worst()
            after = {case.id: tocsin.source(case.source) for case in cases}
            told = {case.id: tocsin.told(case.source) for case in cases}
            asked = {case.id: sites[case.id].asked for case in cases}
            with subtests.test("E0: the healthy site's news is told once, whatever happens beside it"):
                assert [m.headline for m in tocsin.told("healthy")] == [NEWS]
            stages = {case.id: acts.stage(case) for case in cases}
            with tocsin.engine.connect() as connection:
                picture = status.picture(connection, tocsin.settings.sources, tocsin.clock())
            for case in cases:
                with subtests.test(case.id, when="at its worst"):
                    _worst_is_noted(case, after[case.id], picture)
                    assert sorted(m.headline for m in told[case.id]) == _wanted(case, stages[case.id])
            await acts.better()
            for case in cases:
                site = sites[case.id]
                with subtests.test(case.id, when="does better"):
                    assert tocsin.source(case.source).outcome == Outcome.OK
                    assert [m.headline for m in tocsin.told(case.source)][len(told[case.id]) :] == [
                        stages[case.id].mended
                    ]
                if case.check is not None:
                    with subtests.test(case.id, when="beyond E0"):
                        case.check(
                            Played(
                                stages[case.id], site, tocsin, after[case.id], told[case.id], asked[case.id],
                                site.asked,
                            )
                        )  # fmt: skip
            with subtests.test("E0: nobody called where nobody may, and every message is fit for Slack"):
                assert there.canary.calls == []
                assert [m.complaints for m in tocsin.told() if m.complaints] == []
                assert [m.headline for m in tocsin.told("healthy")] == [NEWS]


def _worst_is_noted(case: Case, source: Row[Any], picture: status.Picture) -> None:
    expected = case.outcome if isinstance(case.outcome, frozenset) else {case.outcome}
    assert source.outcome in expected, source.detail
    shown = next(s for s in picture.sources if s.id == case.source)
    if Outcome(source.outcome).failed:
        assert (shown.state, shown.outcome) == ("failing", source.outcome)
        assert shown.detail
        assert shown.advice
        assert "\n" not in shown.detail


def _wanted(case: Case, stage: Stage) -> list[str]:
    wanted = case.told(stage) if case.told is not None else ()
    return sorted((wanted,) if isinstance(wanted, str) else wanted)


class Certificates:
    """An authority this machine believes in, and one it does not."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ours, self._strange = trustme.CA(), trustme.CA()
        bundle = directory / "authorities.pem"
        self._ours.cert_pem.write_to_path(str(bundle))
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    def of(self, kind: str, host: str) -> ssl.SSLContext:
        now = datetime.now(UTC)  # certificates go by the clock on the wall
        match kind:
            case "good":
                leaf = self._ours.issue_cert(host)
            case "expired":
                leaf = self._ours.issue_cert(host, not_before=now - 30 * DAY, not_after=now - DAY)
            case "self-signed":
                leaf = self._strange.issue_cert(host)
            case _:
                leaf = self._ours.issue_cert("elsewhere.example")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        return context


@dataclass(frozen=True, slots=True)
class _Acts:
    cases: Sequence[Case]
    web: Web
    healthy: Site
    sites: Mapping[str, Site]
    product: Product
    certificates: Certificates
    directory: Path

    def stage(self, case: Case) -> Stage:
        return Stage(case.id, self.sites[case.id], self.web, self._soon(), self.directory)

    async def honest(self) -> None:
        """Every source is read once; from now on it is an old acquaintance."""
        self.healthy.answer = feed_of(self.healthy)
        for case in self.cases:
            self._behave(case)
            site = self.sites[case.id]
            site.answer = feed_of(
                site, item("The weather", f"{site.url}/weather", self.product.clock() - 10 * DAY)
            )
        await self._act()

    async def worst(self) -> None:
        self.healthy.answer = feed_of(self.healthy, item(NEWS, f"{self.healthy.url}/news", self._soon()))
        for case in self.cases:
            site, stage = self.sites[case.id], self.stage(case)
            site.answer, site.mute = case.answer(stage), case.mute
            site.robots = case.robots(stage) if case.robots else site.robots
            site.pages = {"/news": PLAIN, **{path: saying(stage) for path, saying in case.pages.items()}}
            if case.tls:
                site.certificate = self.certificates.of(case.tls, site.host)
            if case.named:
                self.web.names[site.name or ""] = "127.0.0.2"
        await self._act()

    async def better(self) -> None:
        for case in self.cases:
            self._behave(case)
            stage = self.stage(case)
            site = self.sites[case.id]
            good = item(stage.mended, f"{site.url}/mended", self._soon())
            site.answer = feed_of(site, good)
        await self._act()

    def _behave(self, case: Case) -> None:
        site = self.sites[case.id]
        site.mute, site.pages = False, {}
        site.robots = reply(status="404 Not Found")
        if site.tls:
            site.certificate = self.certificates.of("good", site.host)
        if case.named:
            self.web.names[site.name or ""] = site.host

    def _soon(self) -> datetime:
        """What the time will be in the act that is being prepared."""
        return self.product.clock() + A_DAY_LATER - timedelta(minutes=5)

    async def _act(self) -> None:
        self.product.clock.ahead += A_DAY_LATER
        for site in self.sites.values():
            site.asked = []
        await self.product.run()


def feed_of(site: Site, *items: str) -> Answer:
    """A feed and, behind its entries, plain pages."""

    async def answer(asked: Asked, writer: Any) -> None:
        feed = reply(rss(*items))
        await (feed if asked.path == "/feed" else PLAIN)(asked, writer)

    return answer


def _section(name: str, site: Site) -> dict[str, Any]:
    return {"id": name, "name": name, "kind": "feed", "url": site.feed, "language": "en"}


async def _site(case: Case, there: Web) -> Site:
    site = await there.site(tls=case.tls is not None)
    if case.named:
        site.name = f"{case.source}.example"
        there.names[site.name] = site.host
        await there.canary.listen("127.0.0.2", site.port)
    return site
