"""The tables of the archive.

Lives here: tables, columns and what their values mean. Not here: statements (the other files).
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from crawler.storage import Instant, RowId, Words

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
    Column("recovered_at", Instant, comment="last success after a failure; null: none"),
    Column(
        "silent_since",
        Instant,
        comment="its last entry, after which it is silent against its rhythm; null, or before changed_at: "
        "it is not",
    ),
    Column("per_day", Float, comment="entries that were usual then; null: it was never silent"),
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
    Column("page_title", Text, comment="null: never read"),
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
    Column("known_at", Instant, comment="null: as long as the article, or from before this was kept"),
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
    Column(
        "removal",
        String(20),
        comment="gone | not_found: what its page answers since then; ok: it is there again; null: its words "
        "are new",
    ),
    Column("removal_since", Instant, comment="null: its words are new"),
    UniqueConstraint("article", "number"),
    Index("revisions_unscreened", "screened_at", "id"),
)


revisits = Table(
    "revisits",
    tables,
    Column("article", RowId, ForeignKey("articles.id"), primary_key=True, autoincrement=False),
    Column("begun_at", Instant, nullable=False, comment="when the article was told"),
    Column("state", String(10), nullable=False, comment="there | missing | gone | back"),
    Column("since", Instant, comment="null: it was always there"),
    Column("due_at", Instant, comment="null: no more"),
    Column("lease_until", Instant, comment="null: nobody is fetching it"),
    Column("token", Integer, nullable=False),
    Column("etag", Text, comment="verbatim; null: none given"),
    Column("last_modified", Text, comment="verbatim; null: none given"),
    Column("body_hash", String(64), comment="null: not read since it was told"),
    Column("full_fetch_at", Instant, comment="last whole answer; null: none"),
    Index("revisits_due", "due_at"),
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
