"""Since when a rule is in force; matches of shadows alone, which are in no story; what was in a digest."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_0003"
down_revision = "alerts_0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "rules_in_force",
        sa.Column("watch", sa.String(80), nullable=False),
        sa.Column("rule", sa.String(80), nullable=False),
        sa.Column("version", sa.String(8), nullable=False),
        sa.Column("since", INSTANT, nullable=False, comment="when a daemon first ran with this version"),
        sa.PrimaryKeyConstraint("watch", "rule"),
    )
    op.create_table(
        "digested",
        sa.Column("channel", sa.String(80), nullable=False),
        sa.Column("watch", sa.String(80), nullable=False),
        sa.Column("story", sa.String(20), nullable=False),
        sa.Column("delivery", sa.String(200), nullable=False, comment="the digest that has it"),
        sa.PrimaryKeyConstraint("channel", "watch", "story"),
    )
    with op.batch_alter_table("matches") as matches:
        matches.alter_column(
            "story",
            existing_type=sa.String(20),
            nullable=True,
            comment="null: in none, only shadow rules held",
        )


def downgrade() -> None:
    op.execute("DELETE FROM matches WHERE story IS NULL")
    with op.batch_alter_table("matches") as matches:
        matches.alter_column("story", existing_type=sa.String(20), nullable=False)
    op.drop_table("digested")
    op.drop_table("rules_in_force")
