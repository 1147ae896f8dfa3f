"""The archive: sources, hosts, entries, articles, revisions."""

import sqlalchemy as sa
from alembic import op

revision = "crawler_0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "articles",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False, comment="who announced it first"),
        sa.Column(
            "url",
            sa.Text(),
            nullable=True,
            comment="canonical; null: no usable address, or one its source gives to everything",
        ),
        sa.Column(
            "link", sa.Text(), nullable=True, comment="as announced, what a reader should open; null: none"
        ),
        sa.Column("language", sa.String(length=8), nullable=True, comment="null: nobody said"),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=True, comment="clamped; null: not said, or nonsense"),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column(
            "baseline", sa.Boolean(), nullable=False, comment="already there when its source was first read"
        ),
        sa.Column("page", sa.String(length=8), nullable=False, comment="unasked | wanted | read | failed"),
        sa.Column("page_due_at", INSTANT, nullable=True, comment="null: not wanted"),
        sa.Column("page_lease_until", INSTANT, nullable=True, comment="null: nobody is fetching it"),
        sa.Column("page_token", sa.Integer(), nullable=False),
        sa.Column("page_attempts", sa.Integer(), nullable=False),
        sa.Column(
            "page_outcome", sa.String(length=20), nullable=True, comment="of the last try; null: none yet"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("articles_pages_due", "articles", ["page", "page_due_at"], unique=False)
    op.create_index("articles_seen", "articles", ["seen_at"], unique=False)
    op.create_table(
        "hosts",
        sa.Column("host", sa.Text(), nullable=False, comment="scheme://host:port"),
        sa.Column("robots", sa.Text(), nullable=True, comment="robots.txt as read; null: none"),
        sa.Column(
            "robots_status",
            sa.Integer(),
            nullable=True,
            comment="its HTTP status; null: unreachable or never asked",
        ),
        sa.Column("robots_at", INSTANT, nullable=True, comment="when it was asked for; null: never"),
        sa.Column("robots_failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column(
            "held_until", INSTANT, nullable=True, comment="no request before this (Retry-After); null: free"
        ),
        sa.PrimaryKeyConstraint("host"),
    )
    op.create_table(
        "sources",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column(
            "active",
            sa.Boolean(),
            nullable=False,
            comment="in the configuration, enabled, of a kind we can read",
        ),
        sa.Column(
            "url",
            sa.Text(),
            nullable=True,
            comment="where a permanent redirect led three times; null: the configured address",
        ),
        sa.Column(
            "configured_url",
            sa.Text(),
            nullable=False,
            comment="a change here forgets url and the validators",
        ),
        sa.Column("etag", sa.Text(), nullable=True, comment="verbatim; null: none given"),
        sa.Column("last_modified", sa.Text(), nullable=True, comment="verbatim; null: none given"),
        sa.Column("body_hash", sa.String(length=64), nullable=True, comment="null: never answered 200"),
        sa.Column(
            "shown",
            sa.Text(),
            nullable=False,
            comment="hashes of the raw entries of the last document, parted by blanks",
        ),
        sa.Column(
            "misused", sa.Text(), nullable=False, comment="kinds of identity given to different entries"
        ),
        sa.Column(
            "baseline_at",
            INSTANT,
            nullable=True,
            comment="null: never read to the end, so what is found next is the baseline",
        ),
        sa.Column("fetched_at", INSTANT, nullable=True, comment="null: never fetched"),
        sa.Column("succeeded_at", INSTANT, nullable=True, comment="null: never with success"),
        sa.Column(
            "full_fetch_at",
            INSTANT,
            nullable=True,
            comment="last answer to an unconditional request; null: none",
        ),
        sa.Column(
            "changed_at", INSTANT, nullable=True, comment="last time there was a new entry; null: never"
        ),
        sa.Column("next_due_at", INSTANT, nullable=True, comment="null: never crawled, so due at once"),
        sa.Column("lease_until", INSTANT, nullable=True, comment="null: nobody is fetching it"),
        sa.Column(
            "lease_token",
            sa.Integer(),
            nullable=False,
            comment="goes up with every claim; an old one writes nothing",
        ),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("failing_since", INSTANT, nullable=True, comment="null: the last fetch did not fail"),
        sa.Column(
            "outcome", sa.String(length=20), nullable=True, comment="of the last fetch; null: none yet"
        ),
        sa.Column("detail", sa.Text(), nullable=True, comment="one line for a person"),
        sa.Column(
            "moved_to", sa.Text(), nullable=True, comment="target of the last permanent redirect; null: none"
        ),
        sa.Column("moved_times", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column(
            "told_at",
            INSTANT,
            nullable=True,
            comment="when the ops channel heard that it fails; null: it has not",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sources_due", "sources", ["active", "next_due_at"], unique=False)
    op.create_table(
        "addresses",
        sa.Column(
            "url",
            sa.Text(),
            nullable=False,
            comment="canonical: announced, redirected to, or named by the page itself",
        ),
        sa.Column(
            "article",
            ROW_ID,
            autoincrement=False,
            nullable=False,
            comment="several, where a redirect turned out to lead to a page we had",
        ),
        sa.ForeignKeyConstraint(
            ["article"],
            ["articles.id"],
        ),
        sa.PrimaryKeyConstraint("url", "article"),
    )
    op.create_index(op.f("ix_addresses_article"), "addresses", ["article"], unique=False)
    op.create_table(
        "entries",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("article", ROW_ID, nullable=False),
        sa.Column("guid", sa.Text(), nullable=True, comment="null: none given"),
        sa.Column("url", sa.Text(), nullable=True, comment="as announced; null: none usable"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=True, comment="clamped; null: not said, or nonsense"),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["article"],
            ["articles.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("entries_source", "entries", ["source", "seen_at"], unique=False)
    op.create_index(op.f("ix_entries_article"), "entries", ["article"], unique=False)
    op.create_table(
        "revisions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("article", ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("noticed_at", INSTANT, nullable=False),
        sa.Column("screened_at", INSTANT, nullable=True, comment="null: the alerts have not seen it"),
        sa.ForeignKeyConstraint(
            ["article"],
            ["articles.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("article", "number"),
    )
    op.create_index("revisions_unscreened", "revisions", ["screened_at", "id"], unique=False)
    op.create_table(
        "identities",
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column(
            "key",
            sa.String(length=24),
            nullable=False,
            comment="hash of one identity; a match on any means: seen",
        ),
        sa.Column("entry", ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["entry"],
            ["entries.id"],
        ),
        sa.PrimaryKeyConstraint("source", "key"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("identities")
    op.drop_table("revisions")
    op.drop_table("entries")
    op.drop_table("addresses")
    op.drop_table("sources")
    op.drop_table("hosts")
    op.drop_table("articles")
