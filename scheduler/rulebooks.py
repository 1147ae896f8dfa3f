"""The rules of the configuration as the doors take them, and what is written down when they come into force.

Not here: how a file of rules becomes that of the configuration (`adopting`).
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from alerts import ledger
from alerts.marks import rulings
from alerts.matching import Matcher
from alerts.screen import Rulebook
from alerts.watches import Watch
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
