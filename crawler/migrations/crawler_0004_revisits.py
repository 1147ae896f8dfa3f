"""Pages of told articles are looked at again; a revision may be about a page that is gone, or is back."""

import sqlalchemy as sa
from alembic import op

revision = "crawler_0004"
down_revision = "crawler_0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REMOVAL = "gone | not_found: what its page answers since then; ok: it is there again; null: its words are new"


def upgrade() -> None:
    op.add_column("articles", sa.Column("page_title", sa.Text(), comment="null: never read"))
    op.add_column("revisions", sa.Column("removal", sa.String(20), comment=REMOVAL))
    op.add_column("revisions", sa.Column("removal_since", INSTANT, comment="null: its words are new"))
    op.create_table(
        "revisits",
        sa.Column("article", ROW_ID, sa.ForeignKey("articles.id"), autoincrement=False, nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False, comment="when the article was told"),
        sa.Column("state", sa.String(10), nullable=False, comment="there | missing | gone | back"),
        sa.Column("since", INSTANT, comment="null: it was always there"),
        sa.Column("due_at", INSTANT, comment="null: no more"),
        sa.Column("lease_until", INSTANT, comment="null: nobody is fetching it"),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("etag", sa.Text(), comment="verbatim; null: none given"),
        sa.Column("last_modified", sa.Text(), comment="verbatim; null: none given"),
        sa.Column("body_hash", sa.String(64), comment="null: not read since it was told"),
        sa.Column("full_fetch_at", INSTANT, comment="last whole answer; null: none"),
        sa.PrimaryKeyConstraint("article"),
    )
    op.create_index("revisits_due", "revisits", ["due_at"])


def downgrade() -> None:
    op.drop_table("revisits")
    for column in ("removal", "removal_since"):
        op.drop_column("revisions", column)
    op.drop_column("articles", "page_title")
