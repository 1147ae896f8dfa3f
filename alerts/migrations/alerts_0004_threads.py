"""Threads: replies to a root and edits of one."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_0004"
down_revision = "alerts_0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
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
    op.add_column(
        "channels", sa.Column("edits_held_until", INSTANT, comment="no edit before; null: not held")
    )


def downgrade() -> None:
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
