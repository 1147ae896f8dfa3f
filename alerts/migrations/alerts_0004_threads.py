"""Threads: replies to a root and edits of one; which articles a thread has."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_0004"
down_revision = "alerts_0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES = "state IN ('waiting', 'claimed', 'unclear', 'sent', 'dead'{more})"


def upgrade() -> None:
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.add_column(
            sa.Column(
                "kind", sa.String(10), nullable=False, server_default="root", comment="root | reply | edit"
            )
        )
        deliveries.add_column(
            sa.Column(
                "root", sa.String(200), comment="id of the delivery it follows or changes; null: it is a root"
            )
        )
        deliveries.add_column(
            sa.Column(
                "broadcast",
                sa.Boolean(),
                nullable=False,
                server_default=sa.false(),
                comment="a reply which the channel sees too",
            )
        )
        deliveries.alter_column(
            "body",
            existing_type=sa.Text(),
            existing_nullable=False,
            comment="JSON; of a root: its newest wording; of an edit: its root's",
        )
        deliveries.drop_constraint("deliveries_state", type_="check")
        deliveries.create_check_constraint("deliveries_state", STATES.format(more=", 'dropped'"))
        deliveries.create_check_constraint("deliveries_root_has_none", "(kind = 'root') = (root IS NULL)")
        deliveries.create_index("deliveries_root", ["root"])
        deliveries.create_index("deliveries_story", ["story"])
    op.add_column(
        "channels",
        sa.Column("edited_at", INSTANT, comment="begin or end of the last edit's call; null: never called"),
    )
    op.create_table(
        "told_articles",
        sa.Column("watch", sa.String(80), nullable=False),
        sa.Column("article", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("story", sa.String(20), nullable=False),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("publisher", sa.String(20), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False, comment="the headline by which it was told"),
        sa.Column("seen", INSTANT, nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column(
            "copy", sa.Boolean(), nullable=False, comment="it says nothing of its own, and is only counted"
        ),
        sa.Column("leads", sa.Boolean(), nullable=False, comment="the root shows it"),
        sa.Column(
            "retitled",
            sa.Boolean(),
            nullable=False,
            comment="the thread has told that its headline was changed",
        ),
        sa.Column("at", INSTANT, nullable=False, comment="when it joined the thread"),
        sa.PrimaryKeyConstraint("watch", "article"),
    )
    op.create_index("told_articles_story", "told_articles", ["story", "watch"])
    op.create_index("told_articles_article", "told_articles", ["article"])
    if op.get_bind().dialect.supports_comments:
        op.alter_column("matches", "action", comment="tell | add | hold | quiet")
    op.add_column(
        "channels", sa.Column("edits_held_until", INSTANT, comment="no edit before; null: not held")
    )


def downgrade() -> None:
    op.drop_table("told_articles")
    op.execute("UPDATE matches SET action = 'quiet', reason = 'already_told' WHERE action = 'add'")
    op.drop_column("channels", "edits_held_until")
    op.drop_column("channels", "edited_at")
    op.execute("DELETE FROM deliveries WHERE kind <> 'root' OR state = 'dropped'")
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.drop_index("deliveries_story")
        deliveries.drop_index("deliveries_root")
        deliveries.drop_constraint("deliveries_root_has_none", type_="check")
        deliveries.drop_constraint("deliveries_state", type_="check")
        deliveries.create_check_constraint("deliveries_state", STATES.format(more=""))
        deliveries.drop_column("broadcast")
        deliveries.drop_column("root")
        deliveries.drop_column("kind")
