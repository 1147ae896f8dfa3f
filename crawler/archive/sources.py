"""What we remember of sources between two fetches, and who may fetch which.

Lives here: enrolment, claims with lease and token, what every fetch sets. Not here: when a source is due
(`crawler.pacing`), what a document brings (`documents`).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from crawler.archive.schema import articles, revisits, sources
from crawler.fetches import Fetch, Outcome
from crawler.sources import Source, SourceId, SourceState

MOVES_TO_BELIEVE = (
    3  # permanent redirects in a row before the new address is kept (H64: a captive portal also says 301)
)


class Claim(NamedTuple):
    """The right to fetch a source until the lease ends."""

    source: Source
    state: SourceState
    token: int


def enrol(connection: Connection, configured: Iterable[Source]) -> None:
    """Makes the configured sources the active ones; the others keep their memory and are not crawled."""
    wanted = {s.id: s for s in configured}
    known: dict[str, str] = {
        row.id: row.configured_url
        for row in connection.execute(select(sources.c.id, sources.c.configured_url))
    }
    connection.execute(update(sources).where(sources.c.active).values(active=False))
    fresh = [
        {
            "id": s.id,
            "active": True,
            "configured_url": s.url,
            "shown": "",
            "misused": (),
            "lease_token": 0,
            "failures": 0,
            "moved_times": 0,
        }
        for s in wanted.values()
        if s.id not in known
    ]
    if fresh:
        connection.execute(insert(sources), fresh)
    kept = [{"key": s} for s in wanted if s in known]
    if kept:
        connection.execute(update(sources).where(sources.c.id == bindparam("key")).values(active=True), kept)
    for source in wanted.values():
        if known.get(source.id, source.url) != source.url:
            _forget_address(connection, source)


def _forget_address(connection: Connection, source: Source) -> None:
    connection.execute(
        update(sources)
        .where(sources.c.id == source.id)
        .values(
            configured_url=source.url,
            url=None,
            etag=None,
            last_modified=None,
            body_hash=None,
            shown="",
            next_due_at=None,
            failures=0,
            failing_since=None,
            moved_to=None,
            moved_times=0,
        )
    )


def make_due(connection: Connection, now: datetime, kept: Collection[SourceId] | None = None) -> None:
    """Every active source (or those named) is due now, whatever its pace says."""
    which = sources.c.active if kept is None else sources.c.id.in_(list(kept))
    connection.execute(update(sources).where(which).values(next_due_at=now))


def claim_due(
    connection: Connection, configured: Mapping[SourceId, Source], now: datetime, lease: timedelta, limit: int
) -> list[Claim]:
    """Takes up to `limit` sources that are due and that nobody else is fetching; longest overdue first."""
    if limit <= 0:
        return []
    free = or_(sources.c.lease_until.is_(None), sources.c.lease_until <= now)
    due = or_(sources.c.next_due_at.is_(None), sources.c.next_due_at <= now)
    rows = connection.execute(
        select(sources)
        .where(sources.c.active, due, free)
        .order_by(sources.c.next_due_at.is_not(None), sources.c.next_due_at, sources.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    claims = [
        Claim(configured[row.id], _state(row), row.lease_token + 1) for row in rows if row.id in configured
    ]
    if claims:
        connection.execute(
            update(sources)
            .where(sources.c.id == bindparam("key"))
            .values(lease_until=now + lease, lease_token=bindparam("token")),
            [{"key": c.source.id, "token": c.token} for c in claims],
        )
    return claims


def release(connection: Connection, claim: Claim) -> None:
    """Gives a claim back unused; the source stays due."""
    connection.execute(update(sources).where(held_by(claim)).values(lease_until=None))


def end_leases(connection: Connection) -> None:
    """Whoever held a lease is dead: the database is ours alone, and we have just started."""
    connection.execute(update(sources).where(sources.c.lease_until.is_not(None)).values(lease_until=None))
    connection.execute(
        update(articles).where(articles.c.page_lease_until.is_not(None)).values(page_lease_until=None)
    )
    connection.execute(update(revisits).where(revisits.c.lease_until.is_not(None)).values(lease_until=None))


def held_by(claim: Claim) -> ColumnElement[bool]:
    return and_(sources.c.id == claim.source.id, sources.c.lease_token == claim.token)


def _state(row: Row[Any]) -> SourceState:
    return SourceState(
        source=SourceId(row.id),
        url=row.url,
        etag=row.etag,
        last_modified=row.last_modified,
        body_hash=row.body_hash,
        shown=frozenset(row.shown.split()),
        misused=frozenset(row.misused),
        baseline_at=row.baseline_at,
        fetched_at=row.fetched_at,
        succeeded_at=row.succeeded_at,
        full_fetch_at=row.full_fetch_at,
        failures=row.failures,
        moved_to=row.moved_to,
        moved_times=row.moved_times,
    )


def record_fetch(connection: Connection, claim: Claim, fetch: Fetch, next_due_at: datetime) -> bool:
    """Writes down a fetch that brought no document. False.

    The lease was lost meanwhile, and nothing was written.
    """
    values = after_fetch(claim, fetch, next_due_at)
    return connection.execute(update(sources).where(held_by(claim)).values(values)).rowcount == 1


def after_fetch(claim: Claim, fetch: Fetch, next_due_at: datetime) -> dict[str, Any]:
    """The columns of a source that every fetch sets, whatever it brought."""
    values: dict[str, Any] = {
        "lease_until": None,
        "next_due_at": next_due_at,
        "fetched_at": fetch.at,
        "outcome": fetch.outcome.value,
        "detail": fetch.detail[:500],
    }
    if fetch.outcome.succeeded:
        values |= {"failures": 0, "failing_since": None, "succeeded_at": fetch.at}
        if claim.state.failures:
            values["recovered_at"] = fetch.at
        if not fetch.conditional:
            values["full_fetch_at"] = fetch.at
        if fetch.outcome is not Outcome.NOT_MODIFIED:
            values |= {"etag": fetch.etag, "last_modified": fetch.last_modified, "body_hash": fetch.body_hash}
        values |= _after_move(claim.state, fetch)
    elif fetch.outcome.failed:
        values["failures"] = claim.state.failures + 1
        values["failing_since"] = func.coalesce(sources.c.failing_since, fetch.at)
    return values


def _after_move(state: SourceState, fetch: Fetch) -> dict[str, Any]:
    if fetch.moved_to is None:
        return {"moved_to": None, "moved_times": 0}
    times = state.moved_times + 1 if fetch.moved_to == state.moved_to else 1
    if times < MOVES_TO_BELIEVE:
        return {"moved_to": fetch.moved_to, "moved_times": times}
    return {"url": fetch.moved_to, "moved_to": None, "moved_times": 0}
