"""What is held in a channel for its brief or digest; deliveries that are withheld in quiet hours."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_0009"
down_revision = "alerts_0008"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.add_column(
            sa.Column(
                "urgent",
                sa.Boolean(),
                nullable=False,
                server_default=sa.false(),
                comment="it rings in quiet hours too",
            )
        )
        deliveries.add_column(
            sa.Column("quiet_until", INSTANT, comment="it is withheld in quiet hours; null: it never was")
        )
    op.create_table(
        "held",
        sa.Column("channel", sa.String(80), nullable=False),
        sa.Column("watch", sa.String(80), nullable=False),
        sa.Column("article", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("story", sa.String(20), nullable=False),
        sa.Column("rule", sa.String(80), nullable=False),
        sa.Column("level", sa.String(10), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("until", INSTANT, comment="the end of quiet, for the brief; null: for the digest"),
        sa.Column("delivery", sa.String(200), comment="the brief or digest that has it; null: it waits"),
        sa.PrimaryKeyConstraint("channel", "watch", "article"),
    )
    op.create_index("held_story", "held", ["story", "watch"])
    op.create_index("held_waiting", "held", ["delivery", "channel"])


def downgrade() -> None:
    op.drop_table("held")
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.drop_column("quiet_until")
        deliveries.drop_column("urgent")
