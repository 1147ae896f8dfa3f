"""Who answers: the channels and the sources asked once, on request, and the trial fetch of one address.

Commands load this room only when they need it: with it come Scrapy and the vendors of the channels. Not here:
what `tocsin check` finds without the network (`checking`), the pass that keeps what it finds (`once`).
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, Row

from alerts.control.speaking import Speaker
from alerts.notifications import DeliveryFailed
from config.reading import Problem
from crawler import archive
from crawler.crawl import Crawl
from crawler.fetches import Outcome
from crawler.network import Network
from crawler.sources import Source, SourceId
from scheduler import assembly
from scheduler.clock import utc_now
from scheduler.database import FILE, open_database
from scheduler.once import DRAIN
from scheduler.settings import Settings


async def who_answers(settings: Settings) -> list[Problem]:
    """Asks Slack who we are and whether it would call us, and every source for its feed, once each."""
    return [*await _channels(settings), *await _control(settings), *await _sources(settings)]


async def _channels(settings: Settings) -> list[Problem]:
    file = str(settings.directory / "channels.yaml")
    used = assembly.channels(settings)
    problems = []
    for name, notifier in assembly.notifiers(used, settings).items():
        try:
            await notifier.check()
        except DeliveryFailed as error:
            problems.append(Problem("error", file, None, f"channels[{name}]", error.reason))
    return problems


async def _control(settings: Settings) -> list[Problem]:
    control = settings.channels.control
    if not control.in_force:
        return []
    try:
        await Speaker(control, {}).ticket()
    except DeliveryFailed as error:
        file = str(settings.directory / "channels.yaml")
        return [Problem("error", file, None, "control.app_token", error.reason)]
    return []


async def _sources(settings: Settings) -> list[Problem]:
    file = str(settings.directory / "sources.yaml")
    trials = await try_sources(settings.crawled, settings.daemon.network)
    problems = []
    for name, trial in trials.items():
        outcome = Outcome(trial.source.outcome) if trial.source.outcome else None
        if outcome is None or not outcome.succeeded:
            said = (
                f"{outcome}: {trial.source.detail}. {outcome.advice}"
                if outcome
                else "was not reached in time"
            )
            problems.append(Problem("warning", file, None, f"sources[{name}]", said))
    return problems


@dataclass(frozen=True, slots=True)
class Trial:
    """What a single source gave when it was asked once, in a database of its own."""

    source: Row[Any]
    entries: tuple[Row[Any], ...]


async def try_sources(sources: Mapping[SourceId, Source], network: Network) -> dict[str, Trial]:
    """Asks each source once, politely, without touching what the daemon knows."""
    with tempfile.TemporaryDirectory(prefix="tocsin-") as scratch:
        engine = open_database(f"sqlite:///{Path(scratch) / FILE}")
        try:
            return await _try_sources(engine, sources, network)
        finally:
            engine.dispose()


async def _try_sources(
    engine: Engine, sources: Mapping[SourceId, Source], network: Network
) -> dict[str, Trial]:
    with engine.begin() as connection:
        archive.enrol(connection, sources.values())
    crawl = Crawl(engine, network, utc_now, Random(), lambda _title, _text: False, sources=sources)
    await crawl.open()
    try:
        await crawl.crawl_all()
    finally:
        await crawl.close(DRAIN)
    with engine.connect() as connection:
        rows = archive.source_rows(connection)
        return {row.id: Trial(row, tuple(archive.latest_entries(connection, row.id, 10))) for row in rows}
