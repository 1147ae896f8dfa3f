"""The status page as a person sees it: the real page of real figures, in a real browser."""

import asyncio
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from alerts import outbox
from alerts.alerting import Backlog
from alerts.matching import Matcher
from alerts.rulebook import Rulebook
from alerts.screen import screen
from alerts.watches import Rule, Watch
from crawler import archive
from crawler.fetches import Outcome
from crawler.sources import SourceId
from scheduler import health, status
from scheduler.database import open_database
from tests.builders import HOUR, MINUTE, NOW, entry, fetch, source

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TAKE_OVER = "document.title='taken over'"
HOSTILE = f'OpenAI & Microsoft <script>{TAKE_OVER}</script><img src=x onerror="{TAKE_OVER}">'

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A healthy source with one alert, whose headline is hostile, and a source that is gone."""
    engine = open_database(f"sqlite:///{tmp_path / 'tocsin.db'}")
    known = {SourceId(s.id): s for s in (source("herald"), source("gone"))}
    watch = Watch(
        id="pact", rules=(Rule(id="core", level="alert", query="OpenAI AND Microsoft"),), channels=("news",)
    )
    with engine.begin() as connection:
        archive.enrol(connection, known.values())
        for found in ([entry("Old news")], [entry(HOSTILE)]):
            archive.make_due(connection, NOW)
            for claim in archive.claim_due(connection, known, NOW, HOUR, 9):
                if claim.source.id == "gone":
                    archive.record_fetch(connection, claim, fetch(Outcome.GONE, detail="answered 410"), NOW)
                else:
                    archive.record_document(connection, claim, fetch(), found, ["h"], NOW, lambda _: False)
    screen(engine, Rulebook(known, {"pact": watch}, Matcher([watch]), Backlog()), NOW)
    return engine


def picture(engine: Engine) -> Callable[[], status.Picture]:
    def drawn() -> status.Picture:
        with engine.connect() as connection:
            return status.picture(connection, {}, NOW + MINUTE)

    return drawn


async def seen(address: tuple[str, int], profile: Path) -> str:
    """The page after the browser is done with it. Without its background services it asks nobody else."""
    browser = await asyncio.create_subprocess_exec(
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}",
        "--dump-dom", f"http://{address[0]}:{address[1]}/",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(browser.communicate(), 60)
    return out.decode()


async def test_a_person_sees_sources_alerts_and_what_to_do(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        assert sum(outbox.counts(connection).values()) == 1
    progress = health.Progress()
    for job in ("crawl", "screen", "heartbeat"):
        progress.note(job, NOW)
    async with health.serving(("127.0.0.1", 0), picture(engine), progress, lambda: NOW + MINUTE) as address:
        assert address is not None
        page = await seen(address, tmp_path / "profile")
    engine.dispose()
    shown = re.sub(r"<[^>]+>", " ", page)
    assert "answered 410" in shown
    assert "publisher took the feed down for good" in shown
    assert "OpenAI &amp; Microsoft &lt;script&gt;" in page  # shown, not run
    assert "taken" not in re.search(r"<title>(.*?)</title>", page)[1]  # type: ignore[index]
    assert "<script" not in page
