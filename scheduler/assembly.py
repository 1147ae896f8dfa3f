"""From the settings to the parts that run: rulebook, channels with their notifiers, crawler, jobs.

Lives here: putting together, for the daemon and the commands alike; and what is written down when rules come
into force. Not here: what the parts do.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random

from sqlalchemy import Connection, Engine

from alerts import ledger
from alerts.channels import Channel, effective
from alerts.marks import rulings
from alerts.matching import Matcher
from alerts.notifiers import NOTIFIERS, Notifier
from alerts.screen import Rulebook
from alerts.watches import Watch
from crawler.crawl import Crawl
from scheduler.health import Progress
from scheduler.jobs import Jobs
from scheduler.settings import Settings


def rulebook(settings: Settings, watches: Sequence[Watch] | None = None) -> Rulebook:
    """The rules of the configuration, or only these of them."""
    if watches is None:
        watches = settings.watches.watches
    return Rulebook(
        sources=settings.sources,
        watches={watch.id: watch for watch in watches},
        matcher=Matcher(watches, settings.watches.members()),
        backlog=settings.daemon.backlog,
    )


def take_into_force(connection: Connection, matcher: Matcher) -> None:
    """What the rules that run from now on make of each mark: `tocsin check` holds other rules against it."""
    kept = ledger.list_marks(connection)
    now = rulings(kept, matcher)
    changed = {mark.id: now[mark.id] for mark in kept if now.get(mark.id, mark.ruling) != mark.ruling}
    ledger.take_into_force(connection, changed)


def channels(settings: Settings) -> dict[str, Channel]:
    """The channels as they can be used today: without its secret a channel is the console."""
    return {channel.id: effective(channel) for channel in settings.channels.channels}


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
