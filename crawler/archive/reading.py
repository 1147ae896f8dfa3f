"""What the alerts read: what is new, what is known of an address, the past once more.

Lives here: rows as `Article`s, and the mark that they were screened. Not here: what concerns anybody
(`alerts`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from crawler.archive.schema import addresses, articles, entries, revisions
from crawler.articles import Article, Removal
from crawler.fetches import Outcome
from crawler.sources import Source, SourceId
from crawler.storage import Instant
from crawler.urls import canonical

# An article whose page is on its way is screened with it: the first message then has the better sentence.
# Longer than this nobody waits, since the page may be slow and the news is not.
PAGE_GRACE = timedelta(seconds=15)

_BEYOND_IDS = 2**63  # a database refuses a larger number where it expects the id of a row

_OUT_OF_ORDER = timedelta(hours=1)  # far more than two fetches can overtake each other


class Past(NamedTuple):
    """A revision as the alerts met it, or would have."""

    article: Article
    noticed_at: datetime
    screened_at: datetime | None  # None: its turn has not come
    gave_way: bool  # a newer wording came before its turn: the alerts never saw it


def unscreened(
    connection: Connection, configured: Mapping[SourceId, Source], now: datetime, limit: int
) -> list[Article]:
    """Revisions the alerts have not seen, oldest first.

    An article whose page is on its way a little later.
    """
    on_its_way = and_(
        articles.c.page == "wanted", articles.c.page_attempts == 0, articles.c.seen_at > now - PAGE_GRACE
    )
    rows = connection.execute(
        _article_rows()
        .where(revisions.c.screened_at.is_(None), ~on_its_way)
        .order_by(revisions.c.id)
        .limit(limit)
    ).all()
    return _articles(connection, configured, rows)


def unscreened_of(
    connection: Connection, configured: Mapping[SourceId, Source], source: SourceId, limit: int
) -> list[Article]:
    """Those of one source, also those whose page is on its way."""
    waiting = (articles.c.source == source, revisions.c.screened_at.is_(None))
    rows = connection.execute(_article_rows().where(*waiting).order_by(revisions.c.id).limit(limit)).all()
    return _articles(connection, configured, rows)


def mark_screened(connection: Connection, screened: Collection[int], now: datetime) -> None:
    """The same transaction holds what the screening led to; a crash before it screens the revisions again."""
    connection.execute(
        update(revisions).where(revisions.c.id == bindparam("key")).values(screened_at=now),
        [{"key": revision} for revision in screened],
    )


def screened_at(connection: Connection, article: int) -> datetime | None:
    """When the alerts saw its last wording; None: its turn has not come."""
    last = (
        select(revisions.c.screened_at)
        .where(revisions.c.article == article)
        .order_by(revisions.c.number.desc())
        .limit(1)
    )
    at: datetime | None = connection.scalar(last)
    return at


def find(connection: Connection, configured: Mapping[SourceId, Source], what: str) -> list[Article]:
    """Last revision of the articles with this address or this id.

    Addresses are compared in canonical form.
    """
    if what.isdecimal():
        return list(with_ids(connection, configured, [int(what)]).values())
    known = exists().where(addresses.c.article == articles.c.id, addresses.c.url == canonical(what))
    told = exists().where(
        entries.c.article == articles.c.id, or_(entries.c.url == what, entries.c.guid == what)
    )
    return _newest(connection, configured, or_(known, told))


def with_ids(
    connection: Connection, configured: Mapping[SourceId, Source], ids: Collection[int]
) -> dict[int, Article]:
    """Last revision of the articles with these ids, by id, as far as there are any."""
    possible = [one for one in ids if one < _BEYOND_IDS]
    found = _newest(connection, configured, articles.c.id.in_(possible)) if possible else []
    return {article.id: article for article in found}


def _newest(
    connection: Connection, configured: Mapping[SourceId, Source], which: ColumnElement[bool]
) -> list[Article]:
    each = revisions.alias()
    newest = select(func.max(each.c.number)).where(each.c.article == articles.c.id).correlate(articles)
    rows = connection.execute(_article_rows().where(which, revisions.c.number == newest.scalar_subquery()))
    return _articles(connection, configured, rows.all())


def page_of(connection: Connection, article: int) -> Row[Any, Any, Any] | None:
    """How it stands with the page behind an article: page, page_attempts, page_outcome."""
    return connection.execute(
        select(articles.c.page, articles.c.page_attempts, articles.c.page_outcome).where(
            articles.c.id == article
        )
    ).one_or_none()


def removal_of(connection: Connection, article: int) -> Removal | None:
    """What was noticed last of its page; None: it is where it was."""
    noticed = select(revisions).where(revisions.c.article == article, revisions.c.removal.is_not(None))
    row = connection.execute(noticed.order_by(revisions.c.number.desc()).limit(1)).first()
    return _removal(row) if row else None


def _removal(row: Row[Any]) -> Removal | None:
    return Removal(Outcome(row.removal), row.removal_since) if row.removal else None


def revisions_since(
    engine: Engine,
    configured: Mapping[SourceId, Source],
    since: datetime,
    *,
    newest: int | None = None,
    batch: int = 500,
) -> Iterator[Past]:
    """Every revision noticed since then (of them the `newest`, if there are more), the oldest first.

    Each is the article with the words and addresses it had when it was screened; its language, which a page
    may have told later, is that known by now.
    Sources that left the configuration are included. Each batch has a transaction of its own: a replay of
    minutes is not to hold up the daemon, and what arrives meanwhile comes last.
    """
    with engine.connect() as connection:
        last = _revision_before(connection, since, newest)
    while True:
        with engine.connect() as connection:
            rows = connection.execute(_past(since).where(revisions.c.id > last).limit(batch)).all()
            met = _articles(connection, configured, rows, as_screened=True)
        if not rows:
            return
        for row, article in zip(rows, met, strict=True):
            gave_way = row.screened_at is not None and row.screened_at == row.followed_at
            yield Past(article, row.noticed_at, row.screened_at, gave_way)
        last = rows[-1].revision


def newest_since(
    engine: Engine, configured: Mapping[SourceId, Source], since: datetime, *, batch: int = 200
) -> Iterator[Article]:
    """The last wording of every article seen since then, the newest first.

    Whoever looks for something can stop where it was found. Each batch has a transaction of its own, which
    holds up no writer: it is asked within the daemon too.
    """
    reading = engine.execution_options(only_reads=True)
    each = revisions.alias()
    last = select(func.max(each.c.number)).where(each.c.article == articles.c.id).correlate(articles)
    place = tuple_(articles.c.seen_at, articles.c.id)
    wanted = (
        _article_rows()
        .where(revisions.c.number == last.scalar_subquery(), articles.c.seen_at >= since)
        .order_by(articles.c.seen_at.desc(), articles.c.id.desc())
        .limit(batch)
    )
    following = wanted
    while True:
        with reading.connect() as connection:
            found = _articles(connection, configured, connection.execute(following).all())
        yield from found
        if len(found) < batch:
            return
        following = wanted.where(place < tuple_(literal(found[-1].seen, Instant), literal(found[-1].id)))


def _past(since: datetime) -> Any:
    after = revisions.alias()
    following = and_(after.c.article == revisions.c.article, after.c.number == revisions.c.number + 1)
    return (
        _article_rows()
        .add_columns(revisions.c.noticed_at, revisions.c.screened_at, after.c.noticed_at.label("followed_at"))
        .outerjoin(after, following)
        .where(revisions.c.noticed_at >= since)
        .order_by(revisions.c.id)
    )


def _revision_before(connection: Connection, since: datetime, newest: int | None) -> int:
    """A revision behind which all that are asked for lie; ids rise with time, and times have no index."""
    older = (
        select(articles.c.id)
        .where(articles.c.seen_at < since - _OUT_OF_ORDER)
        .order_by(articles.c.seen_at.desc(), articles.c.id.desc())
        .limit(1)
    )
    first = select(revisions.c.id).where(
        revisions.c.article == older.scalar_subquery(), revisions.c.number == 1
    )
    last = connection.scalar(first) or 0
    if newest is not None:
        beyond = select(revisions.c.id).order_by(revisions.c.id.desc()).offset(newest).limit(1)
        last = max(last, connection.scalar(beyond) or 0)
    return last


def _article_rows() -> Any:
    return select(
        articles,
        revisions.c.id.label("revision"),
        revisions.c.number,
        revisions.c.title,
        revisions.c.text,
        revisions.c.removal,
        revisions.c.removal_since,
    ).join_from(articles, revisions, revisions.c.article == articles.c.id)


def _articles(
    connection: Connection,
    configured: Mapping[SourceId, Source],
    rows: Sequence[Row[Any]],
    *,
    as_screened: bool = False,
) -> list[Article]:
    known: dict[int, list[Row[Any]]] = {row.id: [] for row in rows}
    if known:
        for found in connection.execute(select(addresses).where(addresses.c.article.in_(list(known)))):
            known[found.article].append(found)
    return [
        _article(
            row, configured.get(row.source), _urls(known[row.id], row.screened_at if as_screened else None)
        )
        for row in rows
    ]


def _urls(known: Iterable[Row[Any]], by: datetime | None) -> frozenset[str]:
    """The addresses that were known by then; None: all."""
    return frozenset(row.url for row in known if None in {by, row.known_at} or row.known_at <= by)


def _article(row: Row[Any], source: Source | None, known: frozenset[str]) -> Article:
    return Article(
        id=row.id,
        revision=row.revision,
        number=row.number,
        url=row.url,
        link=row.link,
        title=row.title,
        text=row.text,
        language=row.language,
        author=row.author,
        tags=row.tags,
        source=SourceId(row.source),
        source_name=(source.name if source else "") or row.source,
        publisher=source.publisher if source else "press",
        tier=source.tier if source else 3,
        published=row.published_at,
        seen=row.seen_at,
        baseline=row.baseline,
        addresses=known,
        removal=_removal(row),
    )
