"""Sources that are silent, and when one that failed was read again."""

import sqlalchemy as sa
from alembic import op

revision = "crawler_0003"
down_revision = "crawler_0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SILENT = "its last entry, after which it is silent against its rhythm; null, or before changed_at: it is not"


def upgrade() -> None:
    op.add_column(
        "sources", sa.Column("recovered_at", INSTANT, comment="last success after a failure; null: none")
    )
    op.add_column("sources", sa.Column("silent_since", INSTANT, comment=SILENT))
    op.add_column(
        "sources",
        sa.Column("per_day", sa.Float, comment="entries that were usual then; null: it was never silent"),
    )


def downgrade() -> None:
    for column in ("recovered_at", "silent_since", "per_day"):
        op.drop_column("sources", column)
