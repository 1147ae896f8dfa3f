"""What one document of a source leaves behind: entries, their identities, articles, revisions.

Lives here: one transaction for all of it. Not here: what an identity is (`crawler.entries`), what is worth a
revision (`crawler.articles`).
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, insert, select, update

from crawler import entries as entry_rules
from crawler.archive.schema import addresses, articles, entries, identities, revisions, sources
from crawler.archive.sources import Claim, after_fetch, held_by
from crawler.archive.wordings import add_revision, last_revision
from crawler.articles import Wording, edited, fuller
from crawler.entries import Entry
from crawler.fetches import Fetch
from crawler.sources import Source
from crawler.urls import canonical


class Recorded(NamedTuple):
    """What one document added."""

    entries_new: int
    articles_new: int
    pages_wanted: int
    revisions_new: int


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
    values = after_fetch(claim, fetch, next_due_at)
    values |= {"shown": " ".join(shown), "misused": tuple(sorted(misused))}
    if baseline and (shown or state.succeeded_at):
        # a first document without entries may be a hiccup; the second is not
        values["baseline_at"] = fetch.at
    if connection.execute(update(sources).where(held_by(claim)).values(values)).rowcount != 1:
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
        add_revision(self.connection, article, last_revision(self.connection, article), wording, self.now)
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
        held = last_revision(self.connection, article)
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
