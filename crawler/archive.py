"""Notebook: what we remember of sources, and every entry, article and revision we ever saw.

Lives here: the SQL of the crawler's tables, and nothing but. Every entry is kept, matched or not, so that
any rule can be replayed over the past. Functions take a connection and belong to the caller's transaction;
none of them waits for the network. Not here: when a source is due (`pacing`), what concerns anybody
(`alerts`).
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from crawler import entries as entry_rules
from crawler.articles import Article, Wording, edited, fuller
from crawler.entries import Entry
from crawler.fetches import Fetch, Outcome
from crawler.sources import Source, SourceId, SourceState
from crawler.storage import Instant, RowId, Words
from crawler.urls import canonical

tables = MetaData()

sources = Table(
    "sources",
    tables,
    Column("id", String(80), primary_key=True),
    Column("active", Boolean, nullable=False, comment="in the configuration, enabled, of a kind we can read"),
    Column("url", Text, comment="where a permanent redirect led three times; null: the configured address"),
    Column("configured_url", Text, nullable=False, comment="a change here forgets url and the validators"),
    Column("etag", Text, comment="verbatim; null: none given"),
    Column("last_modified", Text, comment="verbatim; null: none given"),
    Column("body_hash", String(64), comment="null: never answered 200"),
    Column(
        "shown",
        Text,
        nullable=False,
        comment="hashes of the raw entries of the last document, parted by blanks",
    ),
    Column("misused", Words, nullable=False, comment="kinds of identity given to different entries"),
    Column(
        "baseline_at", Instant, comment="null: never read to the end, so what is found next is the baseline"
    ),
    Column("fetched_at", Instant, comment="null: never fetched"),
    Column("succeeded_at", Instant, comment="null: never with success"),
    Column("full_fetch_at", Instant, comment="last answer to an unconditional request; null: none"),
    Column("changed_at", Instant, comment="last time there was a new entry; null: never"),
    Column("next_due_at", Instant, comment="null: never crawled, so due at once"),
    Column("lease_until", Instant, comment="null: nobody is fetching it"),
    Column(
        "lease_token", Integer, nullable=False, comment="goes up with every claim; an old one writes nothing"
    ),
    Column("failures", Integer, nullable=False, comment="in a row"),
    Column("failing_since", Instant, comment="null: the last fetch did not fail"),
    Column("outcome", String(20), comment="of the last fetch; null: none yet"),
    Column("detail", Text, comment="one line for a person"),
    Column("moved_to", Text, comment="target of the last permanent redirect; null: none"),
    Column("moved_times", Integer, nullable=False, comment="in a row"),
    Column("told_at", Instant, comment="when the ops channel heard that it fails; null: it has not"),
    Index("sources_due", "active", "next_due_at"),
)

articles = Table(
    "articles",
    tables,
    Column("id", RowId, primary_key=True),
    Column("source", String(80), nullable=False, comment="who announced it first"),
    Column("url", Text, comment="canonical; null: no usable address, or one its source gives to everything"),
    Column("link", Text, comment="as announced, what a reader should open; null: none"),
    Column("language", String(8), comment="null: nobody said"),
    Column("author", Text),
    Column("tags", Words, nullable=False),
    Column("published_at", Instant, comment="clamped; null: not said, or nonsense"),
    Column("seen_at", Instant, nullable=False),
    Column("baseline", Boolean, nullable=False, comment="already there when its source was first read"),
    Column("page", String(8), nullable=False, comment="unasked | wanted | read | failed"),
    Column("page_due_at", Instant, comment="null: not wanted"),
    Column("page_lease_until", Instant, comment="null: nobody is fetching it"),
    Column("page_token", Integer, nullable=False),
    Column("page_attempts", Integer, nullable=False),
    Column("page_outcome", String(20), comment="of the last try; null: none yet"),
    Index("articles_pages_due", "page", "page_due_at"),
    Index("articles_seen", "seen_at"),
)

addresses = Table(
    "addresses",
    tables,
    Column(
        "url",
        Text,
        primary_key=True,
        comment="canonical: announced, redirected to, or named by the page itself",
    ),
    Column(
        "article",
        RowId,
        ForeignKey("articles.id"),
        primary_key=True,
        autoincrement=False,
        index=True,
        comment="several, where a redirect turned out to lead to a page we had",
    ),
)

entries = Table(
    "entries",
    tables,
    Column("id", RowId, primary_key=True),
    Column("source", String(80), nullable=False),
    Column("article", RowId, ForeignKey("articles.id"), nullable=False, index=True),
    Column("guid", Text, comment="null: none given"),
    Column("url", Text, comment="as announced; null: none usable"),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("published_at", Instant, comment="clamped; null: not said, or nonsense"),
    Column("seen_at", Instant, nullable=False),
    Index("entries_source", "source", "seen_at"),
)

identities = Table(
    "identities",
    tables,
    Column("source", String(80), primary_key=True),
    Column("key", String(24), primary_key=True, comment="hash of one identity; a match on any means: seen"),
    Column("entry", RowId, ForeignKey("entries.id"), nullable=False),
    sqlite_with_rowid=False,
)

revisions = Table(
    "revisions",
    tables,
    Column("id", RowId, primary_key=True),
    Column("article", RowId, ForeignKey("articles.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("noticed_at", Instant, nullable=False),
    Column("screened_at", Instant, comment="null: the alerts have not seen it"),
    UniqueConstraint("article", "number"),
    Index("revisions_unscreened", "screened_at", "id"),
)

hosts = Table(
    "hosts",
    tables,
    Column("host", Text, primary_key=True, comment="scheme://host:port"),
    Column("robots", Text, comment="robots.txt as read; null: none"),
    Column("robots_status", Integer, comment="its HTTP status; null: unreachable or never asked"),
    Column("robots_at", Instant, comment="when it was asked for; null: never"),
    Column("robots_failures", Integer, nullable=False, comment="in a row"),
    Column("held_until", Instant, comment="no request before this (Retry-After); null: free"),
)

# An article whose page is on its way is screened with it: the first message then has the better sentence.
# Longer than this nobody waits, since the page may be slow and the news is not.
PAGE_GRACE = timedelta(seconds=15)

MOVES_TO_BELIEVE = (
    3  # permanent redirects in a row before the new address is kept (H64: a captive portal also says 301)
)


class Claim(NamedTuple):
    """The right to fetch a source until the lease ends."""

    source: Source
    state: SourceState
    token: int


class PageClaim(NamedTuple):
    """The right to fetch the page behind an article."""

    article: int
    url: str
    source: Source
    token: int
    attempts: int  # before this one


class Past(NamedTuple):
    """A revision as the alerts met it, or would have."""

    article: Article
    noticed_at: datetime
    screened_at: datetime | None  # None: its turn has not come
    gave_way: bool  # a newer wording came before its turn: the alerts never saw it


class Recorded(NamedTuple):
    """What one document added."""

    entries_new: int
    articles_new: int
    pages_wanted: int
    revisions_new: int


@dataclass(frozen=True, slots=True)
class HostRules:
    """What a host asked of us."""

    robots: str | None = None
    robots_status: int | None = None
    robots_at: datetime | None = None
    robots_failures: int = 0
    held_until: datetime | None = None


# ---- sources


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
    connection.execute(update(sources).where(_held(claim)).values(lease_until=None))


def end_leases(connection: Connection) -> None:
    """Whoever held a lease is dead: the database is ours alone, and we have just started."""
    connection.execute(update(sources).where(sources.c.lease_until.is_not(None)).values(lease_until=None))
    connection.execute(
        update(articles).where(articles.c.page_lease_until.is_not(None)).values(page_lease_until=None)
    )


def _held(claim: Claim) -> ColumnElement[bool]:
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
    values = _after(claim, fetch, next_due_at)
    return connection.execute(update(sources).where(_held(claim)).values(values)).rowcount == 1


def _after(claim: Claim, fetch: Fetch, next_due_at: datetime) -> dict[str, Any]:
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


# ---- entries and articles


def record_document(
    connection: Connection,
    claim: Claim,
    fetch: Fetch,
    new: Sequence[Entry],
    shown: Sequence[str],
    next_due_at: datetime,
    want_page: Callable[[Entry], bool],
) -> Recorded | None:
    """Writes down a document and all it says, in the caller's one transaction.

    `new` are the entries whose raw form the last document did not show, `shown` the hashes of all it shows
    now. The hashes go in with the entries: a crash before the commit forgets both, and the next fetch finds
    the entries again. None: the lease was lost meanwhile, and nothing was written.
    """
    state = claim.state
    misused = state.misused | entry_rules.misused(new)
    baseline = state.baseline_at is None
    values = _after(claim, fetch, next_due_at)
    values |= {"shown": " ".join(shown), "misused": tuple(sorted(misused))}
    if baseline and (shown or state.succeeded_at):
        # a first document without entries may be a hiccup; the second is not
        values["baseline_at"] = fetch.at
    if connection.execute(update(sources).where(_held(claim)).values(values)).rowcount != 1:
        return None
    writer = _Writer(connection, claim.source, misused, baseline, fetch.at, want_page)
    recorded = writer.write(new[::-1])  # documents show the newest first; ids shall rise with time
    if recorded.entries_new:
        connection.execute(update(sources).where(sources.c.id == claim.source.id).values(changed_at=fetch.at))
    return recorded


def _hashed(key: str) -> str:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


@dataclass(slots=True)
class _Fresh:
    """An entry not met before, with all the identities it goes by."""

    entry: Entry
    keys: list[str]
    article: int = 0


@dataclass(slots=True)
class _Draft:
    """An article about to be written, in the best words that its entries of this document offer."""

    entry: Entry
    url: str | None
    wording: Wording


class _Writer:
    """The entries of one document. A statement for all of them costs little more than one for each would."""

    def __init__(
        self,
        connection: Connection,
        source: Source,
        misused: frozenset[str],
        baseline: bool,
        now: datetime,
        want_page: Callable[[Entry], bool],
    ) -> None:
        self.connection, self.source, self.misused = connection, source, misused
        self.baseline, self.now, self.want_page = baseline, now, want_page
        self.revisions_new = 0
        self.aliases: dict[str, int] = {}  # identities learnt of entries we have

    def write(self, new: Sequence[Entry]) -> Recorded:
        fresh, again = self._sorted(new)
        self._seen_again(again)
        articles_new, pages_wanted = self._write_articles(fresh)
        self._write_entries(fresh)
        return Recorded(len(fresh), articles_new, pages_wanted, self.revisions_new)

    # ---- who is who

    def _sorted(self, new: Sequence[Entry]) -> tuple[list[_Fresh], list[tuple[Entry, int]]]:
        """Entries not met before, and those met before with the id they have."""
        keyed = [(e, [_hashed(key) for key in entry_rules.identities(e, self.misused)]) for e in new]
        known = self._known({key for _, keys in keyed for key in keys})
        fresh: list[_Fresh] = []
        mine: dict[str, _Fresh] = {}  # identities of this very document
        again: list[tuple[Entry, int]] = []
        for one, keys in keyed:
            ids = [known[key] for key in keys if key in known]
            if ids:
                again.append((one, min(ids)))
                self.aliases |= {key: min(ids) for key in keys if key not in known}
                continue
            twin = next((mine[key] for key in keys if key in mine), None)
            if twin is None:
                twin = _Fresh(one, [])
                fresh.append(twin)
            twin.keys += [key for key in keys if key not in mine]
            mine |= dict.fromkeys(keys, twin)
        return fresh, again

    def _known(self, keys: Collection[str]) -> dict[str, int]:
        found = select(identities.c.key, identities.c.entry).where(identities.c.source == self.source.id)
        return {
            row.key: row.entry
            for some in _portions(sorted(keys))
            for row in self.connection.execute(found.where(identities.c.key.in_(some)))
        }

    # ---- met before

    def _seen_again(self, again: Sequence[tuple[Entry, int]]) -> None:
        """What changed in an entry since its source last said it.

        Only who announced an article first revises it: others have their own wording of the same headline,
        and would change it to and fro.
        """
        held = self._held({number for _, number in again})
        for one, number in again:
            row = held.get(number)
            if row is None:
                continue
            ours = row.source == self.source.id and row.page != "read"
            before = Wording(row.entry_title, row.text if ours else row.entry_summary)
            change = edited(before, Wording(one.title, _text(one) if ours else one.summary))
            if change is None:
                continue
            said = {"title": one.title, "summary": one.summary}
            self.connection.execute(update(entries).where(entries.c.id == number).values(said))
            if row.source == self.source.id:
                self._revise(row.article, Wording(change.title, change.text if ours else row.text))

    def _held(self, numbers: Collection[int]) -> dict[int, Any]:
        """What we hold of these entries: their words, and the article with its last revision."""
        each = revisions.alias()
        newest = select(func.max(each.c.number)).where(each.c.article == articles.c.id).correlate(articles)
        rows = (
            select(
                entries.c.id,
                entries.c.article,
                entries.c.title.label("entry_title"),
                entries.c.summary.label("entry_summary"),
                articles.c.source,
                articles.c.page,
                revisions.c.text,
            )
            .join_from(entries, articles, articles.c.id == entries.c.article)
            .join(revisions, revisions.c.article == articles.c.id)
            .where(revisions.c.number == newest.scalar_subquery())
        )
        return {
            row.id: row
            for some in _portions(sorted(numbers))
            for row in self.connection.execute(rows.where(entries.c.id.in_(some)))
        }

    def _revise(self, article: int, wording: Wording) -> None:
        _add_revision(self.connection, article, _last_revision(self.connection, article), wording, self.now)
        self.revisions_new += 1

    # ---- not met before

    def _write_articles(self, fresh: Sequence[_Fresh]) -> tuple[int, int]:
        """Gives each fresh entry its article, known or new. Returns how many are new, and pages wanted."""
        urls = [self._url(one.entry) for one in fresh]
        known = self._known_addresses({url for url in urls if url})
        drafts: list[_Draft] = []
        drafted: dict[str, int] = {}
        places: list[int] = []  # of the draft of each fresh entry; -1: its article is known
        for one, url in zip(fresh, urls, strict=True):
            offered = Wording(one.entry.title, _text(one.entry))
            if url in known:
                one.article = known[url]
                self._add_to(one.article, offered)
                places.append(-1)
            elif url in drafted:
                draft = drafts[drafted[url]]
                draft.wording = fuller(draft.wording, offered) or draft.wording
                places.append(drafted[url])
            else:
                if url:
                    drafted[url] = len(drafts)
                places.append(len(drafts))
                drafts.append(_Draft(one.entry, url, offered))
        ids, wanted = self._insert_articles(drafts)
        for one, place in zip(fresh, places, strict=True):
            if place >= 0:
                one.article = ids[place]
        return len(drafts), wanted

    def _url(self, one: Entry) -> str | None:
        return canonical(one.url) if one.url and "url" not in self.misused else None

    def _known_addresses(self, urls: Collection[str]) -> dict[str | None, int]:
        found = select(addresses.c.url, func.min(addresses.c.article).label("article")).group_by(
            addresses.c.url
        )
        return {
            row.url: row.article
            for some in _portions(sorted(urls))
            for row in self.connection.execute(found.where(addresses.c.url.in_(some)))
        }

    def _add_to(self, article: int, offered: Wording) -> None:
        """Another source announced an article we have; it may carry more of its text."""
        held = _last_revision(self.connection, article)
        change = fuller(Wording(held.title, held.text), offered)
        if change:
            self._revise(article, change)

    def _insert_articles(self, drafts: Sequence[_Draft]) -> tuple[list[int], int]:
        if not drafts:
            return [], 0
        rows = [self._article_row(draft) for draft in drafts]
        ids = _insert_in_order(self.connection, articles, rows)
        known_by = [{"url": d.url, "article": id_} for d, id_ in zip(drafts, ids, strict=True) if d.url]
        if known_by:
            self.connection.execute(insert(addresses), known_by)
        firsts = [
            {
                "article": id_,
                "number": 1,
                "title": d.wording.title,
                "text": d.wording.text,
                "noticed_at": self.now,
            }
            for d, id_ in zip(drafts, ids, strict=True)
        ]
        self.connection.execute(insert(revisions), firsts)
        self.revisions_new += len(firsts)
        return ids, sum(row["page"] == "wanted" for row in rows)

    def _article_row(self, draft: _Draft) -> dict[str, Any]:
        one = draft.entry
        wanted = one.url is not None and not self.baseline and self.want_page(one)
        return {
            "source": self.source.id,
            "url": draft.url,
            "link": one.url,
            "language": one.language or self.source.language,
            "author": one.author,
            "tags": one.tags,
            "published_at": entry_rules.clamp(one.published, self.now),
            "seen_at": self.now,
            "baseline": self.baseline,
            "page": "wanted" if wanted else "unasked",
            "page_due_at": self.now if wanted else None,
            "page_token": 0,
            "page_attempts": 0,
        }

    def _write_entries(self, fresh: Sequence[_Fresh]) -> None:
        """Identities come last: what they lead to is there."""
        rows = [
            {
                "source": self.source.id,
                "article": one.article,
                "guid": one.entry.guid,
                "url": one.entry.url,
                "title": one.entry.title,
                "summary": one.entry.summary,
                "published_at": entry_rules.clamp(one.entry.published, self.now),
                "seen_at": self.now,
            }
            for one in fresh
        ]
        ids = _insert_in_order(self.connection, entries, rows)
        named = {key: id_ for one, id_ in zip(fresh, ids, strict=True) for key in one.keys}
        learnt = [{"source": self.source.id, "key": k, "entry": e} for k, e in (self.aliases | named).items()]
        if learnt:
            self.connection.execute(insert(identities), learnt)


PORTION = 500  # values of one IN: far below the limit of any database, enough to pay for the round trip


def _portions(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + PORTION] for start in range(0, len(values), PORTION))


def _insert_in_order(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Ids in the order of the rows."""
    if not rows:
        return []
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(connection.scalars(statement, list(rows)))


def _text(entry: Entry) -> str:
    """Lead first, then what the lead does not already say."""
    if entry.content.startswith(entry.summary[:200]):
        return entry.content or entry.summary
    return "\n\n".join(part for part in (entry.summary, entry.content) if part)


def _last_revision(connection: Connection, article: int) -> Row[Any]:
    return connection.execute(
        select(revisions).where(revisions.c.article == article).order_by(revisions.c.number.desc()).limit(1)
    ).one()


def _add_revision(
    connection: Connection, article: int, held: Row[Any], wording: Wording, now: datetime
) -> None:
    """The new revision is screened in place of one that nobody has screened yet."""
    if held.screened_at is None:
        connection.execute(update(revisions).where(revisions.c.id == held.id).values(screened_at=now))
    connection.execute(
        insert(revisions).values(
            article=article, number=held.number + 1, title=wording.title, text=wording.text, noticed_at=now
        )
    )


# ---- pages


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
        update(articles).where(_page_held(claim)).values(page_lease_until=None, page_due_at=again_at)
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
        .where(_page_held(claim))
        .values(
            page=state,
            page_due_at=again_at if state == "wanted" else None,
            page_lease_until=None,
            page_attempts=claim.attempts + 1,
            page_outcome=fetch.outcome.value,
            language=func.coalesce(articles.c.language, language),
        )
    )
    if done.rowcount != 1:
        return False
    mine = select(addresses.c.url).where(addresses.c.article == claim.article)
    known = set(connection.scalars(mine))
    for url in {u for u in map(canonical, landed) if u} - known:
        connection.execute(insert(addresses).values(url=url, article=claim.article))
    if wording:
        held = _last_revision(connection, claim.article)
        change = fuller(Wording(held.title, held.text), wording)
        if change:
            _add_revision(connection, claim.article, held, change, fetch.at)
    return True


def _page_held(claim: PageClaim) -> ColumnElement[bool]:
    return and_(articles.c.id == claim.article, articles.c.page_token == claim.token)


# ---- for the alerts


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


def mark_screened(connection: Connection, screened: Collection[int], now: datetime) -> None:
    """The same transaction holds what the screening led to; a crash before it screens the revisions again."""
    connection.execute(
        update(revisions).where(revisions.c.id == bindparam("key")).values(screened_at=now),
        [{"key": revision} for revision in screened],
    )


_OUT_OF_ORDER = timedelta(hours=1)  # far more than two fetches can overtake each other


def revisions_since(
    engine: Engine,
    configured: Mapping[SourceId, Source],
    since: datetime,
    *,
    newest: int | None = None,
    batch: int = 500,
) -> Iterator[Past]:
    """Every revision noticed since then (of them the `newest`, if there are more), the oldest first.

    Each is the article with the words it had then; addresses, language and page are those known by now.
    Sources that left the configuration are included. Each batch has a transaction of its own: a replay of
    minutes is not to hold up the daemon, and what arrives meanwhile comes last.
    """
    with engine.connect() as connection:
        last = _revision_before(connection, since, newest)
    while True:
        with engine.connect() as connection:
            rows = connection.execute(_past(since).where(revisions.c.id > last).limit(batch)).all()
            met = _articles(connection, configured, rows)
        if not rows:
            return
        for row, article in zip(rows, met, strict=True):
            gave_way = row.screened_at is not None and row.screened_at == row.followed_at
            yield Past(article, row.noticed_at, row.screened_at, gave_way)
        last = rows[-1].revision


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


def find(connection: Connection, configured: Mapping[SourceId, Source], what: str) -> list[Article]:
    """Last revision of the articles with this address or this id.

    Addresses are compared in canonical form.
    """
    if what.isdecimal():
        which: ColumnElement[bool] = articles.c.id == int(what)
    else:
        known = exists().where(addresses.c.article == articles.c.id, addresses.c.url == canonical(what))
        told = exists().where(
            entries.c.article == articles.c.id, or_(entries.c.url == what, entries.c.guid == what)
        )
        which = or_(known, told)
    each = revisions.alias()
    newest = select(func.max(each.c.number)).where(each.c.article == articles.c.id).correlate(articles)
    return _articles(
        connection,
        configured,
        connection.execute(
            _article_rows().where(which, revisions.c.number == newest.scalar_subquery())
        ).all(),
    )


def page_of(connection: Connection, article: int) -> Row[Any, Any, Any] | None:
    """How it stands with the page behind an article: page, page_attempts, page_outcome."""
    return connection.execute(
        select(articles.c.page, articles.c.page_attempts, articles.c.page_outcome).where(
            articles.c.id == article
        )
    ).one_or_none()


def _article_rows() -> Any:
    return select(
        articles, revisions.c.id.label("revision"), revisions.c.number, revisions.c.title, revisions.c.text
    ).join_from(articles, revisions, revisions.c.article == articles.c.id)


def _articles(
    connection: Connection, configured: Mapping[SourceId, Source], rows: Sequence[Row[Any]]
) -> list[Article]:
    known: dict[int, set[str]] = {row.id: set() for row in rows}
    if known:
        for found in connection.execute(
            select(addresses.c.article, addresses.c.url).where(addresses.c.article.in_(list(known)))
        ):
            known[found.article].add(found.url)
    return [_article(row, configured.get(row.source), frozenset(known[row.id])) for row in rows]


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
    )


# ---- hosts


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


# ---- for status and health


def source_rows(connection: Connection) -> Sequence[Row[Any]]:
    """Every active source as it stands, by id."""
    return connection.execute(select(sources).where(sources.c.active).order_by(sources.c.id)).all()


def entry_counts(connection: Connection, since: datetime) -> dict[str, int]:
    """New entries per source since then."""
    rows = connection.execute(
        select(entries.c.source, func.count()).where(entries.c.seen_at >= since).group_by(entries.c.source)
    )
    return {row[0]: row[1] for row in rows}


def mark_told(connection: Connection, named: Collection[str], now: datetime | None) -> None:
    """The ops channel has heard (or, with None, shall hear again) of these sources."""
    if named:
        connection.execute(update(sources).where(sources.c.id.in_(list(named))).values(told_at=now))


def counts(connection: Connection) -> dict[str, int]:
    """How many entries, articles and unscreened revisions there are."""
    pending = select(func.count()).select_from(revisions).where(revisions.c.screened_at.is_(None))
    return {
        "entries": connection.scalar(select(func.count()).select_from(entries)) or 0,
        "articles": connection.scalar(select(func.count()).select_from(articles)) or 0,
        "unscreened": connection.scalar(pending) or 0,
    }


def is_screened(connection: Connection, article: int) -> bool:
    """Whether the alerts have seen its last wording; one that was replaced before its turn does not count."""
    waiting = (
        select(revisions.c.id)
        .where(revisions.c.article == article, revisions.c.screened_at.is_(None))
        .limit(1)
    )
    return connection.scalar(waiting) is None


def latest_entries(connection: Connection, source: SourceId, limit: int) -> Sequence[Row[Any]]:
    """What a source announced last, newest first."""
    newest = select(entries).where(entries.c.source == source).order_by(entries.c.id.desc()).limit(limit)
    return connection.execute(newest).all()
