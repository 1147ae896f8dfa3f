"""What the articles of a story are compared by; a story's time; corrections of stories."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_0005"
down_revision = "alerts_0004"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _articles()
    _stories()
    op.create_table(
        "story_corrections",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False, comment="merge | split"),
        sa.Column("story", sa.String(20), nullable=False, comment="that took in another, or lost articles"),
        sa.Column("other", sa.String(20), nullable=False, comment="that was taken in, or was made of them"),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _articles() -> None:
    """An article's time is that of its joining as far as it was not kept."""
    with op.batch_alter_table("story_articles") as table:
        table.add_column(sa.Column("moment", INSTANT, comment="published, or else seen"))
        table.add_column(
            sa.Column("origin", ROW_ID, comment="the article it is a copy of; null: its text is its own")
        )
        for name, comment in (
            ("traits", "by what others are compared with it; null: from before this was kept"),
            ("features", "its certain ties; null: from before this was kept"),
            ("likeness", "to the story when it joined; null: it founded it, or a certain tie held"),
            ("nearly", "other stories it was like, with their likeness"),
        ):
            table.add_column(sa.Column(name, sa.JSON(), comment=comment))
    op.execute("UPDATE story_articles SET moment = joined_at")
    with op.batch_alter_table("story_articles") as table:
        table.alter_column(
            "moment", existing_type=INSTANT, nullable=False, existing_comment="published, or else seen"
        )
    op.create_index("story_articles_moment", "story_articles", ["story", "moment"])


def _stories() -> None:
    with op.batch_alter_table("stories") as table:
        table.add_column(sa.Column("first_at", INSTANT, comment="the time of its earliest article"))
        table.add_column(sa.Column("last_at", INSTANT, comment="of its latest"))
        table.add_column(
            sa.Column("follows", sa.String(20), comment="the closed story it goes on with; null: none")
        )
        table.add_column(
            sa.Column("merged_into", sa.String(20), comment="the story it turned out to be; null: it stands")
        )
    joined = "SELECT {} FROM story_articles WHERE story_articles.story = stories.id"
    for column, which in (("first_at", "min(joined_at)"), ("last_at", "max(joined_at)")):
        filled = f"UPDATE stories SET {column} = coalesce(({joined.format(which)}), opened_at)"  # noqa: S608
        op.execute(filled)
    with op.batch_alter_table("stories") as table:
        table.alter_column(
            "first_at",
            existing_type=INSTANT,
            nullable=False,
            existing_comment="the time of its earliest article",
        )
        table.alter_column("last_at", existing_type=INSTANT, nullable=False, existing_comment="of its latest")
    op.create_index("ix_stories_last_at", "stories", ["last_at"])
    op.create_index("ix_stories_merged_into", "stories", ["merged_into"])


def downgrade() -> None:
    op.drop_table("story_corrections")
    op.drop_index("ix_stories_merged_into", "stories")
    op.drop_index("ix_stories_last_at", "stories")
    op.drop_index("story_articles_moment", "story_articles")
    with op.batch_alter_table("stories") as table:
        for name in ("first_at", "last_at", "follows", "merged_into"):
            table.drop_column(name)
    with op.batch_alter_table("story_articles") as table:
        for name in ("moment", "origin", "traits", "features", "likeness", "nearly"):
            table.drop_column(name)
