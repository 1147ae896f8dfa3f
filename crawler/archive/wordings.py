"""The revisions of an article, one behind the other.

Lives here: the last one, and one more. Not here: what is worth a revision (`crawler.articles`).
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from crawler.archive.schema import revisions
from crawler.articles import Removal, Wording


def last_revision(connection: Connection, article: int) -> Row[Any]:
    return connection.execute(
        select(revisions).where(revisions.c.article == article).order_by(revisions.c.number.desc()).limit(1)
    ).one()


def add_revision(
    connection: Connection,
    article: int,
    held: Row[Any],
    wording: Wording,
    now: datetime,
    removal: Removal | None = None,
) -> None:
    """The new revision is screened in place of one that nobody has screened yet, and says what that said."""
    outcome, since = (removal.outcome, removal.since) if removal else (None, None)
    if held.screened_at is None and removal is None:
        outcome, since = held.removal, held.removal_since
    if held.screened_at is None:
        connection.execute(update(revisions).where(revisions.c.id == held.id).values(screened_at=now))
    connection.execute(
        insert(revisions).values(
            article=article,
            number=held.number + 1,
            title=wording.title,
            text=wording.text,
            noticed_at=now,
            removal=outcome,
            removal_since=since,
        )
    )
