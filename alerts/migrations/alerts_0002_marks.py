"""The version of the rule behind a match; a channel's mark is called its watermark."""

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
    op.add_column(
        "matches",
        sa.Column("version", sa.String(8), comment="of the rule; null: from before versions were kept"),
    )


def downgrade() -> None:
    op.drop_column("matches", "version")
    for table in ("channels", "deliveries"):
        op.alter_column(table, "watermark", new_column_name="mark")
