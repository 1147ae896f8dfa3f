"""Since when the ops channel knows of a delivery that was given up."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_0006"
down_revision = "alerts_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "dead: when the ops channel heard of it; null: it has not"
    op.add_column("deliveries", sa.Column("told_at", sa.DateTime(timezone=True), comment=comment))
    op.execute("UPDATE deliveries SET told_at = changed_at WHERE state = 'dead'")


def downgrade() -> None:
    op.drop_column("deliveries", "told_at")
