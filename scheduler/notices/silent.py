"""Sources that answer and have nothing new for longer than is usual; and that speak again.

Lives here: asking the archive and the rhythm of each, what is written down, the words. Not here: what a
rhythm is (`crawler.rhythms`), sources that do not answer (`sources`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from alerts.notifications import Notice
from crawler import archive, rhythms
from crawler.sources import SourceId
from scheduler.notices.occasions import listed, tell


@dataclass(frozen=True, slots=True)
class Silent:
    """A source that ought to have announced something by now."""

    id: SourceId
    since: datetime
    per_day: float


def find_silent(engine: Engine) -> list[Silent]:
    """The sources that are silent and not known to be.

    Judged by what was heard until they were last asked with success: a source that fails, or that we did
    not ask, is not silent. Reads much and writes nothing, so it may run beside the event loop.
    """
    found = []
    with engine.connect() as connection:
        for row in archive.lately_quiet(connection, rhythms.SHORTEST):
            since = row.changed_at
            rhythm = rhythms.learn(archive.heard(connection, row, since - rhythms.LOOK_BACK))
            if rhythm is not None and rhythm.silent(since, row.succeeded_at):
                found.append(Silent(SourceId(row.id), since, rhythm.per_day))
    return found


def tell_of_silent(connection: Connection, ops: str | None, found: Sequence[Silent], now: datetime) -> None:
    """Writes down who is silent, and tells the ops channel if there is one."""
    silent = [one for one in found if archive.mark_silent(connection, one.id, one.since, per_day=one.per_day)]
    if silent and ops is not None:
        tell(connection, ops, f"silent/{now.isoformat()}", silent_notice(silent), now)


def tell_of_speaking(connection: Connection, ops: str, now: datetime) -> None:
    """One notice for all silent sources that have announced something since."""
    speaking = archive.heard_again(connection)
    if speaking:
        tell(connection, ops, f"speaking/{now.isoformat()}", speaking_notice(speaking), now)
        archive.end_silent(connection, speaking)


def silent_notice(silent: Sequence[Silent]) -> Notice:
    alone = f"{silent[0].id} is silent, though it answers"
    title = alone if len(silent) == 1 else f"{len(silent)} sources are silent, though they answer"
    lines = [
        f"{one.id}: nothing new since {one.since:%Y-%m-%d %H:%M} UTC, {rhythms.usually(one.per_day)}."
        for one in silent
    ]
    advice = "A holiday, or a feed that is not kept any more: look at the site for its new one."
    return Notice(title, "\n".join([*listed(lines), advice]))


def speaking_notice(names: Sequence[str]) -> Notice:
    title = f"{names[0]} is heard again" if len(names) == 1 else f"{len(names)} sources are heard again"
    return Notice(title, "\n".join(listed(names)))
