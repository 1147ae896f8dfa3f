"""The pages behind articles: who may fetch which, and what became of it.

Lives here: claims with lease and token, and the tries. Not here: when a page is tried again
(`crawler.pacing`), what a page says (`crawler.pages`).
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from crawler.archive.schema import addresses, articles
from crawler.archive.wordings import add_revision, last_revision
from crawler.articles import Wording, fuller
from crawler.fetches import Fetch
from crawler.revisits import Revisit
from crawler.sources import Source, SourceId
from crawler.urls import canonical


class PageClaim(NamedTuple):
    """The right to fetch the page behind an article."""

    article: int
    url: str
    source: Source
    token: int
    attempts: int  # before this one
    revisit: Revisit | None = None  # None: its first reading


def claim_pages(
    connection: Connection, configured: Mapping[SourceId, Source], now: datetime, lease: timedelta, limit: int
) -> list[PageClaim]:
    """Takes up to `limit` wanted pages that are due and that nobody else is fetching.

    The newest news first.
    """
    if limit <= 0:
        return []
    free = or_(articles.c.page_lease_until.is_(None), articles.c.page_lease_until <= now)
    rows = connection.execute(
        select(
            articles.c.id, articles.c.link, articles.c.source, articles.c.page_token, articles.c.page_attempts
        )
        .where(articles.c.page == "wanted", articles.c.page_due_at <= now, free)
        .order_by(articles.c.page_attempts, articles.c.id.desc())
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    claims = []
    for row in rows:
        source = configured.get(row.source)
        if source is None or not row.link:  # its source left the configuration
            connection.execute(
                update(articles).where(articles.c.id == row.id).values(page="unasked", page_due_at=None)
            )
        else:
            claims.append(PageClaim(row.id, row.link, source, row.page_token + 1, row.page_attempts))
    if claims:
        connection.execute(
            update(articles)
            .where(articles.c.id == bindparam("key"))
            .values(page_lease_until=now + lease, page_token=bindparam("token")),
            [{"key": c.article, "token": c.token} for c in claims],
        )
    return claims


def postpone_page(connection: Connection, claim: PageClaim, again_at: datetime) -> None:
    """Gives a page back untried: its host asked us to wait."""
    connection.execute(
        update(articles).where(_held_by(claim)).values(page_lease_until=None, page_due_at=again_at)
    )


def record_page(
    connection: Connection,
    claim: PageClaim,
    fetch: Fetch,
    again_at: datetime | None,
    wording: Wording | None = None,
    landed: Collection[str] = (),
    language: str | None = None,
) -> bool:
    """Writes down a try at a page. `wording`: what it said; `again_at`: when to try again if it said nothing.

    `landed`: where the redirects ended and what the page calls its own address; both are this article from
    now on. False: the lease was lost meanwhile, and nothing was written.
    """
    state = "read" if wording else "wanted" if again_at else "failed"
    done = connection.execute(
        update(articles)
        .where(_held_by(claim))
        .values(
            page=state,
            page_due_at=again_at if state == "wanted" else None,
            page_lease_until=None,
            page_attempts=claim.attempts + 1,
            page_outcome=fetch.outcome.value,
            language=func.coalesce(articles.c.language, language),
            page_title=wording.title if wording else None,
        )
    )
    if done.rowcount != 1:
        return False
    mine = select(addresses.c.url).where(addresses.c.article == claim.article)
    known = set(connection.scalars(mine))
    for url in {u for u in map(canonical, landed) if u} - known:
        connection.execute(insert(addresses).values(url=url, article=claim.article, known_at=fetch.at))
    if wording:
        held = last_revision(connection, claim.article)
        change = fuller(Wording(held.title, held.text), wording)
        if change:
            add_revision(connection, claim.article, held, change, fetch.at)
    return True


def _held_by(claim: PageClaim) -> ColumnElement[bool]:
    return and_(articles.c.id == claim.article, articles.c.page_token == claim.token)
