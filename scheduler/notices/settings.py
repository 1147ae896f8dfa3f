"""A configuration that was refused.

Lives here: its notice. Not here: reading it (`scheduler.settings`), staying with the last good one
(`scheduler.daemon`).
"""

from datetime import datetime

from sqlalchemy import Connection

from alerts.notifications import Notice
from scheduler.notices.occasions import tell

MOST = 1500  # characters of problems; `tocsin check` shows them all


def tell_refused(connection: Connection, ops: str, problems: str, now: datetime) -> None:
    """A reload found mistakes."""
    tell(connection, ops, f"refused/{now.isoformat()}", refused_notice(problems), now)


def refused_notice(problems: str) -> Notice:
    return Notice("The new configuration is refused; the last good one stays in force", problems[:MOST])
