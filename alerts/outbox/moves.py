"""What a move writes into a delivery's row, and when its time has come.

Lives here: what every room that moves a delivery has to write alike. Not here: who moves which one, and why.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_
from sqlalchemy.sql.elements import ColumnElement

from alerts.outbox.schema import State, deliveries

CLOCK_SLACK = timedelta(minutes=1)  # a row stamped further in the future than this: the clock was set back
TO_WAITING: Mapping[str, Any] = {"state": State.WAITING, "lease_until": None, "looks": 0, "look_cursor": None}
TO_UNCLEAR: Mapping[str, Any] = {"state": State.UNCLEAR, "looks": 0, "look_cursor": None, "lease_until": None}


def to_sent(ts: str | None, now: datetime) -> dict[str, Any]:
    return {
        "state": State.SENT,
        "ts": ts,
        "sent_at": now,
        "lease_until": None,
        "look_cursor": None,
        "reason": None,
    }


def due(now: datetime) -> ColumnElement[bool]:
    """Its time has come, or its time was written by a clock that has been set back since."""
    return or_(deliveries.c.due_at <= now, deliveries.c.changed_at > now + CLOCK_SLACK)


def reached(at: Any, now: datetime) -> ColumnElement[bool]:
    return or_(at <= now, deliveries.c.changed_at > now + CLOCK_SLACK)
