"""Who answers: the channels and the sources asked once, on request, and the trial fetch of one address.

Commands load this room only when they need it: with it come Scrapy and the vendors of the channels. Not here:
what `tocsin check` finds without the network (`checking`), the pass that keeps what it finds (`once`).
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import Engine, Row

from alerts.control.speaking import Speaker
from alerts.notifications import DeliveryFailed
from config.documents import KeyPath
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
from scheduler.source_report import Asked


class Heard(NamedTuple):
    """What is wrong, and what every source gave."""

    problems: list[Problem]
    sources: list[Asked]  # in the order of the file; all of them, also those that were not asked


async def who_answers(settings: Settings) -> Heard:
    """Asks Slack who we are and whether it would call us, and every source for its feed, once each."""
    channels, control = await _channels(settings), await _control(settings)
    trials = await try_sources(settings.crawled, settings.daemon.network)
    return Heard([*channels, *control, *_without_answer(settings, trials)], _asked(settings, trials))


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


def _without_answer(settings: Settings, trials: Mapping[str, "Trial"]) -> list[Problem]:
    file = str(settings.directory / "sources.yaml")
    problems = []
    for name, trial in trials.items():
        outcome = trial.outcome
        if outcome is None or not outcome.succeeded:
            said = (
                f"{outcome}: {trial.source.detail}. {outcome.advice}"
                if outcome
                else "was not reached in time"
            )
            problems.append(Problem("warning", file, None, f"sources[{name}]", said))
    return problems


def _asked(settings: Settings, trials: Mapping[str, "Trial"]) -> list[Asked]:
    lines = settings.documents["sources.yaml"].lines
    found = []
    for n, (name, source) in enumerate(settings.sources.items()):
        trial = trials.get(name)
        at: KeyPath = ("sources", n, "url")
        found.append(
            Asked(
                id=name,
                url=source.url,
                line=lines.get(at),
                unasked=_unasked(settings, source) if trial is None else None,
                outcome=trial.outcome if trial else None,
                detail=(trial.source.detail or "") if trial else "",
                moved_to=trial.source.moved_to if trial else None,
                entries=trial.announced if trial else 0,
                newest=trial.newest if trial else None,
            )
        )
    return found


def _unasked(settings: Settings, source: Source) -> str:
    """Why a source is not read."""
    if key := settings.left_out.get(SourceId(source.id)):
        return f"left out by use: {key}"
    return f"kind {source.kind} is not in force" if source.enabled else "switched off"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a single source gave when it was asked once, in a database of its own."""

    source: Row[Any]
    entries: tuple[Row[Any], ...]  # the last few
    announced: int = 0  # how many there are
    newest: datetime | None = None  # None: no entry has a date

    @property
    def outcome(self) -> Outcome | None:
        """None: it was not reached in time."""
        return Outcome(self.source.outcome) if self.source.outcome else None


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
        counted = archive.announced(connection)
        return {
            row.id: Trial(
                row, tuple(archive.latest_entries(connection, row.id, 10)), *counted.get(row.id, (0, None))
            )
            for row in archive.source_rows(connection)
        }
