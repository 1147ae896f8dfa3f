"""Marks: what a person said of an article for a watch, with a copy of it.

Lives here: one mark for an article and a watch. Not here: what follows from marks (`alerts.marks`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update

from alerts.alerting import Action
from alerts.evaluation import LabelledItem
from alerts.ledger.matches import matches_of
from alerts.ledger.schema import marks
from alerts.marks import Judgement, Mark, Ruling, Tally, tallied
from crawler.articles import Article

NOT_ARCHIVED = 0  # the id of an article that no source announced

_COPIED = ("url", "link", "language", "title", "text", "tags", "source", "source_name", "publisher", "tier",
           "published")  # fmt: skip


def keep_mark(
    connection: Connection,
    watch: str,
    article: Article,
    judgement: Judgement,
    ruling: Ruling,
    author: str,
    comment: str,
    now: datetime,
) -> tuple[Mark, Judgement | None]:
    """The new mark, and what this watch was told of this article before; None: nothing."""
    before = connection.execute(select(marks).where(_marked(watch, article))).all()
    connection.execute(delete(marks).where(_marked(watch, article)))
    behind = _behind(connection, article.id, watch)
    key = connection.execute(
        insert(marks).values(
            watch=watch,
            judgement=judgement.value,
            author=author,
            comment=comment,
            at=now,
            rule=behind.rule if behind else None,
            version=behind.version if behind else None,
            **_copied(article),
            **_ruling(ruling),
        )
    ).inserted_primary_key
    if key is None:
        raise RuntimeError("marks gave no id")
    row = connection.execute(select(marks).where(marks.c.id == key[0])).one()
    return _mark(row), Judgement(before[0].judgement) if before else None


def _marked(watch: str, article: Article) -> ColumnElement[bool]:
    """The mark of an article; by its address also one from before or after the archive knew it."""
    by_address = marks.c.url.in_({*article.addresses, article.url} - {None})
    if article.id == NOT_ARCHIVED:
        return and_(marks.c.watch == watch, by_address)
    which = or_(marks.c.article == article.id, and_(marks.c.article.is_(None), by_address))
    return and_(marks.c.watch == watch, which)


def _behind(connection: Connection, article: int, watch: str) -> Row[Any] | None:
    """The match by which an article was told; else the last that is held for the digest."""
    rows = [row for row in matches_of(connection, article) if row.watch == watch]
    told = [row for row in rows if row.action == Action.TELL.value]
    held = [row for row in rows if row.action == Action.HOLD.value]
    return next(iter([*told, *reversed(held)]), None)


def _copied(article: Article) -> dict[str, Any]:
    copied = {name: getattr(article, name) for name in _COPIED}
    return {**copied, "byline": article.author, "article": article.id if article.id != NOT_ARCHIVED else None}


def _ruling(ruling: Ruling) -> dict[str, Any]:
    return {
        "ruling": ruling.verdict,
        "ruling_rule": ruling.rule,
        "ruling_version": ruling.version,
    }


def _mark(row: Row[Any]) -> Mark:
    judgement = Judgement(row.judgement)
    item = LabelledItem(
        id=f"mark-{row.id}",
        label=judgement.label,
        language=row.language or "und",
        title=row.title,
        lead="",
        text=row.text,
        url=row.url,
        link=row.link,
        source=row.source,
        source_name=row.source_name,
        kind=row.publisher,
        tier=row.tier,
        author=row.byline,
        tags=row.tags,
    )
    ruling = Ruling(row.ruling, row.ruling_rule, row.ruling_version)
    return Mark(
        row.id, row.watch, judgement, row.author, row.comment, row.at, row.article, item, row.published,
        row.rule, row.version, ruling,
    )  # fmt: skip


def list_marks(connection: Connection, watch: str | None = None) -> list[Mark]:
    """In the order they were made; of one watch, or of all."""
    rows = select(marks).order_by(marks.c.id)
    return [_mark(row) for row in connection.execute(rows.where(marks.c.watch == watch) if watch else rows)]


def remove_mark(connection: Connection, mark: int) -> bool:
    """False: there is none with this id."""
    return connection.execute(delete(marks).where(marks.c.id == mark)).rowcount == 1


def note_rulings(connection: Connection, rulings: Mapping[int, Ruling]) -> None:
    """What the rules that are in force from now on make of each mark."""
    for mark, ruling in rulings.items():
        connection.execute(update(marks).where(marks.c.id == mark).values(**_ruling(ruling)))


def marks_by_version(connection: Connection, watch: str | None = None) -> list[Tally]:
    """What was said of the articles that each version of a rule brought; rule None: no rule had."""
    which = (marks.c.watch, marks.c.rule, marks.c.version)
    counted = select(*which, marks.c.judgement, func.count()).group_by(*which, marks.c.judgement)
    counted = counted.order_by(func.min(marks.c.id))
    rows = connection.execute(counted.where(marks.c.watch == watch) if watch else counted)
    return tallied((row[0], row[1], row[2], row[3], row[4]) for row in rows)
