"""Sources that fail, and that are read again: each said once, and together what comes together.

Lives here: when a source counts as down, when the notice is complete, its words. Not here: sources that
answer and have nothing new (`silent`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from alerts.notifications import Notice
from crawler import archive
from crawler.fetches import Outcome
from scheduler.notices.occasions import listed, tell

FAILURES_BEFORE_TELLING = 3  # one failure is weather
# After a night without a network every source is asked again within the hour, each at its own time.
MENDED_WAIT_AT_MOST = timedelta(minutes=30)


def tell_of_sources(connection: Connection, ops: str, now: datetime) -> None:
    """One notice for all sources that began to fail, one for all that are read again.

    Each source is named once.
    """
    rows = archive.source_rows(connection)
    failing, mended = newly_failing(rows), newly_mended(rows, now)
    if failing:
        tell(connection, ops, f"down/{now.isoformat()}", failing_notice(failing), now)
        archive.mark_told(connection, [r.id for r in failing], now)
    if mended:
        tell(connection, ops, f"up/{now.isoformat()}", mended_notice(mended), now)
        archive.mark_told(connection, [r.id for r in mended], None)


def newly_failing(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Those to be named now.

    While others are about to follow, the first wait for them: what takes all sources takes them one by one,
    each at its next turn. Until one of them has had its turn once more; by then the others had theirs. A
    source that its publisher took down shares no cause with others, and waits for none.
    """
    untold = [row for row in rows if row.told_at is None and row.failures]
    gone = [row for row in untold if row.outcome == Outcome.GONE]
    others = [row for row in untold if row.outcome != Outcome.GONE]
    down = [row for row in others if row.failures >= FAILURES_BEFORE_TELLING]
    complete = len(down) == len(others) or any(row.failures > FAILURES_BEFORE_TELLING for row in down)
    return [*gone, *(down if complete else ())]


def newly_mended(rows: Sequence[Row[Any]], now: datetime) -> list[Row[Any]]:
    """Those to be named now: all that were told of are back, or the first has waited long enough."""
    told = [row for row in rows if row.told_at is not None]
    mended = [row for row in told if not row.failures]
    complete = len(mended) == len(told)
    waited = any(row.recovered_at is None or now - row.recovered_at >= MENDED_WAIT_AT_MOST for row in mended)
    return mended if complete or waited else []


def failing_notice(rows: Sequence[Row[Any]]) -> Notice:
    title = f"{rows[0].id} cannot be read" if len(rows) == 1 else f"{len(rows)} sources cannot be read"
    lines = listed([_failing_line(row) for row in rows])
    return Notice(title, "\n".join([*lines, "We go on trying. `tocsin sources list` shows them all."]))


def _failing_line(row: Row[Any]) -> str:
    advice = Outcome(row.outcome).advice
    detail = f" ({row.detail})" if row.detail else ""
    return f"{row.id}: {row.outcome}{detail}. {advice[:1].upper()}{advice[1:]}."


def mended_notice(rows: Sequence[Row[Any]]) -> Notice:
    title = f"{rows[0].id} is read again" if len(rows) == 1 else f"{len(rows)} sources are read again"
    return Notice(title, "\n".join(listed([row.id for row in rows])))
