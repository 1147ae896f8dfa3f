"""Pages of told articles, looked at again: which are due, who may fetch them, what became of them.

Lives here: the rows between "keep an eye on this" of the alerts and the revision that tells them what
happened. Not here: what a look means and when the next one is (`crawler.revisits`).
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, insert, or_, select, update

from crawler import revisits as rules
from crawler.archive.pages import PageClaim
from crawler.archive.schema import articles, revisits
from crawler.archive.wordings import add_revision, last_revision
from crawler.articles import Removal, Wording, renamed, same_article
from crawler.fetches import Fetch, Outcome
from crawler.revisits import Revisit, State
from crawler.sources import Source, SourceId, SourceState


def look_again(connection: Connection, told: Collection[int], now: datetime) -> None:
    """These articles are told: their pages are looked at again from now on. Harmless for those known."""
    known = set(connection.scalars(select(revisits.c.article).where(revisits.c.article.in_(told))))
    first = {"begun_at": now, "state": State.THERE, "due_at": now + rules.LOOKS[0], "token": 0}
    fresh = [{"article": article, **first} for article in sorted(set(told) - known)]
    if fresh:
        connection.execute(insert(revisits), fresh)


def claim_revisits(
    connection: Connection, configured: Mapping[SourceId, Source], now: datetime, lease: timedelta, limit: int
) -> list[PageClaim]:
    """Takes up to `limit` pages that are due and that nobody else is fetching, the longest overdue first."""
    if limit <= 0:
        return []
    free = or_(revisits.c.lease_until.is_(None), revisits.c.lease_until <= now)
    rows = connection.execute(
        select(revisits, articles.c.link, articles.c.source, articles.c.page_title)
        .join(articles, articles.c.id == revisits.c.article)
        .where(revisits.c.due_at <= now, free)
        .order_by(revisits.c.due_at, revisits.c.article)
        .limit(limit)
        .with_for_update(of=revisits, skip_locked=True)
    ).all()
    claims = [claim for row in rows if (claim := _claim(row, configured.get(row.source)))]
    taken = {claim.article for claim in claims}
    _set(connection, [row.article for row in rows if row.article not in taken], due_at=None)
    if claims:
        connection.execute(
            update(revisits)
            .where(revisits.c.article == bindparam("key"))
            .values(lease_until=now + lease, token=bindparam("new")),
            [{"key": claim.article, "new": claim.token} for claim in claims],
        )
    return claims


def _claim(row: Row[Any], source: Source | None) -> PageClaim | None:
    """None: its source left the configuration, or its pages are never read, so not for this either."""
    if source is None or source.articles == "never" or not row.link:
        return None
    doubted = row.state in {State.MISSING, State.GONE}  # then only a whole answer says that it is back
    page = SourceState(
        source=SourceId(source.id),
        etag=row.etag,
        last_modified=row.last_modified,
        body_hash=None if doubted else row.body_hash,
        full_fetch_at=row.full_fetch_at,
    )
    revisit = Revisit(row.begun_at, page, State(row.state), row.since, row.page_title)
    return PageClaim(row.article, row.link, source, row.token + 1, 0, revisit)


def postpone_revisit(connection: Connection, claim: PageClaim, again_at: datetime) -> None:
    """Gives a page back unseen."""
    mine = and_(revisits.c.article == claim.article, revisits.c.token == claim.token)
    connection.execute(update(revisits).where(mine).values(lease_until=None, due_at=again_at))


def record_revisit(
    connection: Connection, claim: PageClaim, before: Revisit, fetch: Fetch, wording: Wording | None
) -> bool:
    """Writes down a look. A page that is gone, back, or has another headline is a revision of its article.

    False: the lease was lost meanwhile, and nothing was written.
    """
    held = last_revision(connection, claim.article)
    alike = wording is not None and same_article(held.text, wording.text)
    now = rules.after(before, fetch, reads_alike=alike)
    values: dict[str, Any] = {"state": now.state, "since": now.since, "due_at": rules.due(now, fetch)}
    if fetch.outcome is Outcome.OK:
        values |= {"etag": fetch.etag, "last_modified": fetch.last_modified}
        values |= {"body_hash": fetch.body_hash, "full_fetch_at": fetch.at}
    mine = and_(revisits.c.article == claim.article, revisits.c.token == claim.token)
    done = connection.execute(update(revisits).where(mine).values(lease_until=None, **values))
    if done.rowcount != 1:
        return False
    if now.state is not before.state and now.state in {State.GONE, State.BACK} and now.since:
        outcome = fetch.outcome if now.state is State.GONE else Outcome.OK
        words, removal = Wording(held.title, held.text), Removal(outcome, now.since)
        add_revision(connection, claim.article, held, words, fetch.at, removal)
    elif wording is not None and alike:
        _note_title(connection, claim.article, held, before.title, wording.title, fetch.at)
    return True


def _note_title(
    connection: Connection, article: int, held: Row[Any], before: str | None, title: str, now: datetime
) -> None:
    """A page has its own wording of a headline from the first; only where it changes that, it is news."""
    if title and title != before:
        connection.execute(update(articles).where(articles.c.id == article).values(page_title=title))
    if before and renamed(before, title) and renamed(held.title, title):
        add_revision(connection, article, held, Wording(title, held.text), now)


def _set(connection: Connection, named: Collection[int], **values: Any) -> None:
    if named:
        connection.execute(update(revisits).where(revisits.c.article.in_(named)).values(**values))
