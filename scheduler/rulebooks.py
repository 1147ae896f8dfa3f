"""The rules of the configuration as the doors take them, and what is written down when they come into force.

Not here: how a file of rules becomes that of the configuration (`adopting`).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from alerts import ledger
from alerts.features import Reader
from alerts.marks import rulings
from alerts.matching import Matcher
from alerts.rulebook import Rulebook
from alerts.watches import Watch
from scheduler.settings import Settings


def rulebook(settings: Settings, watches: Sequence[Watch] | None = None) -> Rulebook:
    """The rules of the configuration, or only these of them."""
    if watches is None:
        watches = settings.watches.watches
    sets = settings.watches.members()
    return Rulebook(
        sources=settings.sources,
        watches={watch.id: watch for watch in watches},
        matcher=Matcher(watches, sets),
        backlog=settings.daemon.backlog,
        reader=Reader(settings.events),
        stories=settings.daemon.stories,
        limits=settings.daemon.limits,
        channels={channel.id: channel for channel in settings.channels.channels},
        sets=sets,
    )


def take_into_force(connection: Connection, matcher: Matcher, now: datetime) -> None:
    """Writes down since when these rules run, and what they make of each mark.

    Shadows are compared from then on, and `tocsin check` holds other rules against the marks.
    """
    ledger.note_rules(connection, matcher.versions(), now)
    kept = ledger.list_marks(connection)
    ruled = rulings(kept, matcher)
    changed = {mark.id: ruled[mark.id] for mark in kept if ruled.get(mark.id, mark.ruling) != mark.ruling}
    ledger.note_rulings(connection, changed)
