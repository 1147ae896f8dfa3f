"""From the settings to the parts that run: channels with their notifiers, crawler, jobs.

Lives here: putting together, for the daemon and the single pass alike. Not here: what the parts do, the rules
alone (`rulebooks`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random

from sqlalchemy import Engine

from alerts.channels import Channel, effective
from alerts.notifiers import NOTIFIERS, Notifier
from crawler.crawl import Crawl
from scheduler.health import Progress
from scheduler.jobs import Jobs
from scheduler.rulebooks import rulebook
from scheduler.settings import Settings


def channels(settings: Settings) -> dict[str, Channel]:
    """The channels as they can be used today: without its secret a channel is the console."""
    file = settings.channels
    return {channel.id: effective(channel, file.control) for channel in file.channels}


def notifiers(used: Mapping[str, Channel], settings: Settings) -> dict[str, Notifier]:
    return {
        name: NOTIFIERS[channel.kind](channel, settings.daemon.delivery) for name, channel in used.items()
    }


def jobs(
    settings: Settings, engine: Engine, clock: Callable[[], datetime], rng: Random, progress: Progress
) -> Jobs:
    """All the cranks of a process, with a crawler that is not yet open."""
    book, used = rulebook(settings), channels(settings)
    crawl = Crawl(
        engine, settings.daemon.network, clock, rng, book.matcher.might_match, sources=settings.crawled
    )
    return Jobs(
        engine,
        crawl,
        book,
        used,
        notifiers(used, settings),
        settings.daemon.delivery,
        settings.channels.ops,
        clock,
        rng,
        progress,
    )
