"""Marks, the version of the rule behind a match; a channel's mark is called its watermark."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_0002"
down_revision = "alerts_0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for table in ("channels", "deliveries"):
        op.alter_column(table, "mark", new_column_name="watermark")
    if op.get_bind().dialect.supports_comments:
        comment = "the channel's watermark at the last attempt; null: none known"
        op.alter_column("deliveries", "watermark", comment=comment)
    op.add_column(
        "matches",
        sa.Column("version", sa.String(8), comment="of the rule; null: from before versions were kept"),
    )
    op.create_table(
        "marks",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("watch", sa.String(80), nullable=False),
        sa.Column("judgement", sa.String(20), nullable=False),
        sa.Column("author", sa.Text(), nullable=False, comment="who marked it"),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("article", ROW_ID, comment="null: no source announced it"),
        sa.Column("url", sa.Text(), comment="canonical; null: the entry had no usable link"),
        sa.Column("link", sa.Text(), comment="null: the entry had no usable link"),
        sa.Column("language", sa.String(40), comment="null: unknown"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("byline", sa.Text(), comment="who wrote the article; null: unknown"),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("publisher", sa.String(20), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("published", INSTANT, comment="null: unknown"),
        sa.Column(
            "rule",
            sa.String(80),
            comment="which told it, or held it for the digest; null: none had when marked",
        ),
        sa.Column(
            "version", sa.String(8), comment="of that rule; null: none, or from before versions were kept"
        ),
        sa.Column(
            "ruling",
            sa.String(10),
            nullable=False,
            comment="alert | digest | quiet: under the rules last in force",
        ),
        sa.Column("ruling_rule", sa.String(80), comment="whose verdict that is; null: quiet"),
        sa.Column("ruling_version", sa.String(8), comment="of that rule; null: quiet"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("watch", "article", name="one_mark_per_article_and_watch"),
    )


def downgrade() -> None:
    op.drop_table("marks")
    op.drop_column("matches", "version")
    for table in ("channels", "deliveries"):
        op.alter_column(table, "watermark", new_column_name="mark")
