"""Since when Slack refuses the app-level token, and since when the ops channel knows."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_0010"
down_revision = "alerts_0009"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    refused = "since when Slack refuses the app-level token; null: it does not, as far as known"
    told = "when the ops channel heard of a refusal; null: it has not, or also of its end"
    op.add_column("control_room", sa.Column("refused_at", INSTANT, comment=refused))
    op.add_column("control_room", sa.Column("refusal_told_at", INSTANT, comment=told))


def downgrade() -> None:
    op.drop_column("control_room", "refusal_told_at")
    op.drop_column("control_room", "refused_at")
