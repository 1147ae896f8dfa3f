"""What a host asked of us.

Lives here: robots.txt and "not before", kept for all its sources. Not here: what they mean
(`crawler.robots`, `crawler.hosts`).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from crawler.archive.schema import hosts


@dataclass(frozen=True, slots=True)
class HostRules:
    """What a host asked of us."""

    robots: str | None = None
    robots_status: int | None = None
    robots_at: datetime | None = None
    robots_failures: int = 0
    held_until: datetime | None = None


def host_rules(connection: Connection, host: str) -> HostRules | None:
    row = connection.execute(select(hosts).where(hosts.c.host == host)).one_or_none()
    if row is None:
        return None
    return HostRules(row.robots, row.robots_status, row.robots_at, row.robots_failures, row.held_until)


def remember_host(connection: Connection, host: str, rules: HostRules) -> None:
    values = {
        "robots": rules.robots,
        "robots_status": rules.robots_status,
        "robots_at": rules.robots_at,
        "robots_failures": rules.robots_failures,
        "held_until": rules.held_until,
    }
    if connection.execute(update(hosts).where(hosts.c.host == host).values(values)).rowcount == 0:
        connection.execute(insert(hosts).values(host=host, **values))
