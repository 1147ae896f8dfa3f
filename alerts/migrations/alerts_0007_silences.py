"""Silences with several conditions, what each held, and that its end was said; floods."""

import re

import sqlalchemy as sa
from alembic import op

revision = "alerts_0007"
down_revision = "alerts_0006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

silences = sa.table(
    "silences",
    *(sa.column(name) for name in ("id", "aim", "value", "held")),
    sa.column("conditions", sa.JSON()),
    sa.column("starts_at", INSTANT),
    sa.column("ends_at", INSTANT),
    sa.column("told_at", INSTANT),
)
matches = sa.table("matches", *(sa.column(name) for name in ("id", "reason", "detail", "silence")))


def upgrade() -> None:
    op.add_column("matches", sa.Column("silence", ROW_ID, comment="that kept it quiet; null: none did"))
    op.create_index("ix_matches_silence", "matches", ["silence"])
    _floods()
    op.add_column(
        "silences", sa.Column("conditions", sa.JSON(), comment="aim and value of each; all must hold")
    )
    op.add_column("silences", sa.Column("told_at", INSTANT, comment="when its end was said; null: not yet"))
    _say_what_held_what()
    _take_over_conditions()
    with op.batch_alter_table("silences") as table:
        table.alter_column(
            "conditions",
            existing_type=sa.JSON(),
            nullable=False,
            existing_comment="aim and value of each; all must hold",
        )
        for name in ("aim", "value", "held"):
            table.drop_column(name)


def _floods() -> None:
    op.add_column("matches", sa.Column("flood", ROW_ID, comment="that it is held with; null: none"))
    op.create_index("ix_matches_flood", "matches", ["flood"])
    op.create_table(
        "floods",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("told_at", INSTANT, comment="when what it brought was told; null: not yet"),
        sa.PrimaryKeyConstraint("id"),
    )


def _say_what_held_what() -> None:
    """The silence stood only in the words of the verdict."""
    connection = op.get_bind()
    silenced = sa.select(matches.c.id, matches.c.detail).where(matches.c.reason == "silenced")
    for row in connection.execute(silenced).all():
        if named := re.match(r"silence (\d+) on ", row.detail):
            mine = sa.update(matches).where(matches.c.id == row.id)
            connection.execute(mine.values(silence=int(named[1])))


def _take_over_conditions() -> None:
    """Of those that have ended nothing is said any more."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(silences.c.id, silences.c.aim, silences.c.value)).all():
        mine = sa.update(silences).where(silences.c.id == row.id)
        connection.execute(mine.values(conditions=[{"aim": row.aim, "value": row.value}]))
    ended = sa.update(silences).where(silences.c.ends_at <= sa.func.current_timestamp())
    connection.execute(ended.values(told_at=silences.c.ends_at))


def downgrade() -> None:
    """Of several conditions the first is kept; such a silence then holds more than it should, so it ends."""
    op.add_column("silences", sa.Column("aim", sa.String(10)))
    op.add_column("silences", sa.Column("value", sa.Text()))
    op.add_column("silences", sa.Column("held", sa.Integer(), comment="alerts it kept quiet so far"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(silences.c.id, silences.c.conditions)).all():
        first, *more = row.conditions
        held = sa.select(sa.func.count()).select_from(matches).where(matches.c.silence == row.id)
        mine = sa.update(silences).where(silences.c.id == row.id)
        connection.execute(mine.values(**first, held=held.scalar_subquery()))
        if more:
            connection.execute(mine.values(ends_at=silences.c.starts_at))
    with op.batch_alter_table("silences") as table:
        for name, kind in (("aim", sa.String(10)), ("value", sa.Text()), ("held", sa.Integer())):
            table.alter_column(name, existing_type=kind, nullable=False)
        table.drop_column("told_at")
        table.drop_column("conditions")
    op.drop_table("floods")
    for name in ("silence", "flood"):
        op.drop_index(f"ix_matches_{name}", "matches")
        with op.batch_alter_table("matches") as table:
            table.drop_column(name)
