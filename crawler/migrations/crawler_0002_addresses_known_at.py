"""Since when an address is known: a page may tell of one after its article was screened."""

import sqlalchemy as sa
from alembic import op

revision = "crawler_0002"
down_revision = "crawler_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    comment = "null: as long as the article, or from before this was kept"
    op.add_column("addresses", sa.Column("known_at", sa.DateTime(timezone=True), comment=comment))


def downgrade() -> None:
    op.drop_column("addresses", "known_at")
