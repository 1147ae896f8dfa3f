"""Who turned what from within Slack; how the control room stands."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_0008"
down_revision = "alerts_0007"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "actions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("envelope", sa.String(200), nullable=False, comment="what is delivered twice, has one"),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False, comment="Slack's id; at the command line a name"),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("place", sa.String(200), comment="Slack's id of the channel; null: the command line"),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, comment="of what: a story, a rule, an article …"),
        sa.Column("outcome", sa.String(20), nullable=False, comment="done, or why not"),
        sa.Column("said", sa.Text(), nullable=False, comment="what the actor was answered"),
        sa.Column("delivery", sa.String(200), comment="beneath which message; null: none"),
        sa.Column("note", sa.Text(), comment="what that message shows of it; null: nothing"),
        sa.Column("undo", sa.JSON(), comment="what it takes to take it back; null: that cannot be"),
        sa.Column("undone_at", INSTANT, comment="null: it stands"),
        sa.Column("undone_by", sa.Text(), comment="null: it stands"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("envelope"),
    )
    op.create_index("actions_delivery", "actions", ["delivery"])
    op.create_table(
        "control_room",
        sa.Column("id", sa.Integer(), nullable=False, comment="1: there is one"),
        sa.Column("connected_at", INSTANT, comment="since when Slack can reach us; null: it cannot"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why not; empty: it can"),
        sa.Column("heard_at", INSTANT, comment="when the last envelope came; null: none yet"),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("control_room")
    op.drop_index("actions_delivery", table_name="actions")
    op.drop_table("actions")
