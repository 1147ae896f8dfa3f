"""The ledger and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("story", sa.String(length=20), nullable=False),
        sa.Column("watch", sa.String(length=80), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("article", ROW_ID, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column(
            "baseline", sa.Integer(), nullable=False, comment="1: from the first reading of its source"
        ),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True, comment="null: the entry had no usable link"),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("story", "watch", name="one_alert_per_story_and_watch"),
    )
    op.create_table(
        "channels",
        sa.Column("id", sa.String(length=80), nullable=False, comment="id in channels.yaml"),
        sa.Column(
            "mark",
            sa.String(length=40),
            nullable=True,
            comment="largest message id known in it, by the vendor's clock; null: none known",
        ),
        sa.Column(
            "changed_at", INSTANT, nullable=False, comment="lies in the future: the clock was set back"
        ),
        sa.Column(
            "called_at",
            INSTANT,
            nullable=True,
            comment="begin or end of the last message's call; null: never called",
        ),
        sa.Column("held_until", INSTANT, nullable=True, comment="no message before; null: not held"),
        sa.Column(
            "failures",
            sa.Integer(),
            nullable=False,
            comment="calls in a row that stored nothing, as far as we know",
        ),
        sa.Column(
            "stopped_at",
            INSTANT,
            nullable=True,
            comment="since when a person has to mend something; null: it works",
        ),
        sa.Column("stopped_reason", sa.Text(), nullable=True, comment="null: it works"),
        sa.Column("look_held_until", INSTANT, nullable=True, comment="not read before; null: not held"),
        sa.Column(
            "unreadable_at",
            INSTANT,
            nullable=True,
            comment="since when its history cannot be read; null: it can",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "deliveries",
        sa.Column("number", ROW_ID, nullable=False, comment="the order in which they are told"),
        sa.Column(
            "id", sa.String(length=200), nullable=False, comment="what the message carries, to be found by"
        ),
        sa.Column("channel", sa.String(length=80), nullable=False, comment="id in channels.yaml"),
        sa.Column("story", sa.Text(), nullable=True, comment="null: a notice"),
        sa.Column("watch", sa.Text(), nullable=True, comment="null: a notice"),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON of an Alarm or a Notice"),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column(
            "plainness",
            sa.String(length=10),
            nullable=False,
            comment="how much is dropped because it was refused",
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "repeat_possible", sa.Boolean(), nullable=False, comment="may have arrived where nobody can look"
        ),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column(
            "changed_at",
            INSTANT,
            nullable=False,
            comment="last move; lies in the future: the clock was set back",
        ),
        sa.Column(
            "due_at",
            INSTANT,
            nullable=False,
            comment="waiting: not sent before; unclear: not looked for before",
        ),
        sa.Column("lease_until", INSTANT, nullable=True, comment="null: nobody is working on it"),
        sa.Column(
            "lease_token",
            sa.Integer(),
            nullable=False,
            comment="goes up with every claim; an old one moves nothing",
        ),
        sa.Column(
            "attempted_at", INSTANT, nullable=True, comment="stamped before each attempt; null: none yet"
        ),
        sa.Column(
            "mark",
            sa.String(length=40),
            nullable=True,
            comment="the channel's mark at the last attempt; null: none known",
        ),
        sa.Column(
            "looks",
            sa.Integer(),
            nullable=False,
            comment="unclear: how often the channel was read to the end in vain",
        ),
        sa.Column(
            "look_cursor",
            sa.Text(),
            nullable=True,
            comment="unclear: where reading goes on; null: at the beginning",
        ),
        sa.Column(
            "ts",
            sa.String(length=40),
            nullable=True,
            comment="the vendor's id of the message; null: not sent, or the vendor gives none",
        ),
        sa.Column("sent_at", INSTANT, nullable=True, comment="null: not sent"),
        sa.Column("reason", sa.Text(), nullable=True, comment="how the last attempt failed; null: none did"),
        sa.CheckConstraint(
            "state <> 'claimed' OR attempted_at IS NOT NULL", name="deliveries_claimed_is_stamped"
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'claimed', 'unclear', 'sent', 'dead')", name="deliveries_state"
        ),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("deliveries_due", "deliveries", ["channel", "state", "number"], unique=False)
    op.create_table(
        "matches",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("article", ROW_ID, nullable=False),
        sa.Column("revision", ROW_ID, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("watch", sa.String(length=80), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("story", sa.String(length=20), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False, comment="tell | hold | quiet"),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("revision", "watch", "rule"),
    )
    op.create_index(op.f("ix_matches_article"), "matches", ["article"], unique=False)
    op.create_index("matches_watch", "matches", ["watch", "at"], unique=False)
    op.create_table(
        "silences",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("aim", sa.String(length=10), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False, comment="alerts it kept quiet so far"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "stories",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False, comment="headline of the article that opened it"),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "story_articles",
        sa.Column("article", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("story", sa.String(length=20), nullable=False),
        sa.Column("tie", sa.String(length=20), nullable=False),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("article"),
    )
    op.create_index(op.f("ix_story_articles_story"), "story_articles", ["story"], unique=False)
    op.create_table(
        "story_features",
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("story", sa.String(length=20), nullable=False),
        sa.Column("at", INSTANT, nullable=False, comment="when an article of the story last had it"),
        sa.PrimaryKeyConstraint("feature", "story"),
    )


def downgrade() -> None:
    op.drop_table("story_features")
    op.drop_table("story_articles")
    op.drop_table("stories")
    op.drop_table("silences")
    op.drop_table("matches")
    op.drop_table("deliveries")
    op.drop_table("channels")
    op.drop_table("alerts")
