"""The ledger's tables.

Lives here: what a row is. Not here: any statement.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from crawler.storage import Instant, RowId, Words

tables = MetaData()

stories = Table(
    "stories",
    tables,
    Column("id", String(20), primary_key=True),
    Column("title", Text, nullable=False, comment="headline of the article that opened it"),
    Column("opened_at", Instant, nullable=False),
    Column("first_at", Instant, nullable=False, comment="the time of its earliest article"),
    Column("last_at", Instant, nullable=False, index=True, comment="of its latest"),
    Column("follows", String(20), comment="the closed story it goes on with; null: none"),
    Column("merged_into", String(20), index=True, comment="the story it turned out to be; null: it stands"),
)

story_articles = Table(
    "story_articles",
    tables,
    Column("article", RowId, primary_key=True, autoincrement=False),
    Column("story", String(20), nullable=False, index=True),
    Column("tie", String(20), nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("moment", Instant, nullable=False, comment="published, or else seen"),
    Column("origin", RowId, comment="the article it is a copy of; null: its text is its own"),
    Column("traits", JSON, comment="by what others are compared with it; null: from before this was kept"),
    Column("features", JSON, comment="its certain ties; null: from before this was kept"),
    Column(
        "likeness", JSON, comment="to the story when it joined; null: it founded it, or a certain tie held"
    ),
    Column("nearly", JSON, comment="other stories it was like, with their likeness"),
    Index("story_articles_moment", "story", "moment"),
)

story_features = Table(
    "story_features",
    tables,
    Column("feature", Text, primary_key=True),
    Column("story", String(20), primary_key=True),
    Column("at", Instant, nullable=False, comment="when an article of the story last had it"),
)

story_corrections = Table(
    "story_corrections",
    tables,
    Column("id", RowId, primary_key=True),
    Column("kind", String(10), nullable=False, comment="merge | split"),
    Column("story", String(20), nullable=False, comment="that took in another, or lost articles"),
    Column("other", String(20), nullable=False, comment="that was taken in, or was made of them"),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

matches = Table(
    "matches",
    tables,
    Column("id", RowId, primary_key=True),
    Column("article", RowId, nullable=False, index=True),
    Column("revision", RowId, nullable=False),
    Column("source", String(80), nullable=False),
    Column("watch", String(80), nullable=False),
    Column("rule", String(80), nullable=False),
    Column("version", String(8), comment="of the rule; null: from before versions were kept"),
    Column("level", String(10), nullable=False),
    Column("score", Float, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("story", String(20), comment="null: in none, only shadow rules held"),
    Column("action", String(10), nullable=False, comment="tell | add | hold | quiet"),
    Column("reason", String(30), nullable=False),
    Column("detail", Text, nullable=False),
    Column("silence", RowId, index=True, comment="that kept it quiet; null: none did"),
    Column("flood", RowId, index=True, comment="that it is held with; null: none"),
    Column("at", Instant, nullable=False),
    UniqueConstraint("revision", "watch", "rule"),
    Index("matches_watch", "watch", "at"),
)

alerts = Table(
    "alerts",
    tables,
    Column("id", RowId, primary_key=True),
    Column("story", String(20), nullable=False),
    Column("watch", String(80), nullable=False),
    Column("rule", String(80), nullable=False),
    Column("article", RowId, nullable=False),
    Column("source", String(80), nullable=False),
    Column("baseline", Integer, nullable=False, comment="1: from the first reading of its source"),
    Column("title", Text, nullable=False),
    Column("link", Text, comment="null: the entry had no usable link"),
    Column("at", Instant, nullable=False),
    UniqueConstraint("story", "watch", name="one_alert_per_story_and_watch"),
)

told_articles = Table(
    "told_articles",
    tables,
    Column("watch", String(80), primary_key=True),
    Column("article", RowId, primary_key=True, autoincrement=False),
    Column("story", String(20), nullable=False),
    Column("source", String(80), nullable=False),
    Column("source_name", Text, nullable=False),
    Column("publisher", String(20), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("title", Text, nullable=False, comment="the headline by which it was told"),
    Column("seen", Instant, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("copy", Boolean, nullable=False, comment="it says nothing of its own, and is only counted"),
    Column("leads", Boolean, nullable=False, comment="the root shows it"),
    Column("retitled", Boolean, nullable=False, comment="the thread has told that its headline was changed"),
    Column("at", Instant, nullable=False, comment="when it joined the thread"),
    Index("told_articles_story", "story", "watch"),
    Index("told_articles_article", "article"),
)

silences = Table(
    "silences",
    tables,
    Column("id", RowId, primary_key=True),
    Column("conditions", JSON, nullable=False, comment="aim and value of each; all must hold"),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("author", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("told_at", Instant, comment="when its end was said; null: not yet"),
)

floods = Table(
    "floods",
    tables,
    Column("id", RowId, primary_key=True),
    Column("source", String(80), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("told_at", Instant, comment="when what it brought was told; null: not yet"),
)

digested = Table(
    "digested",
    tables,
    Column("channel", String(80), primary_key=True),
    Column("watch", String(80), primary_key=True),
    Column("story", String(20), primary_key=True),
    Column("delivery", String(200), nullable=False, comment="the digest that has it"),
)

held = Table(
    "held",
    tables,
    Column("channel", String(80), primary_key=True),
    Column("watch", String(80), primary_key=True),
    Column("article", RowId, primary_key=True, autoincrement=False),
    Column("story", String(20), nullable=False),
    Column("rule", String(80), nullable=False),
    Column("level", String(10), nullable=False),
    Column("score", Float, nullable=False),
    Column("at", Instant, nullable=False),
    Column("until", Instant, comment="the end of quiet, for the brief; null: for the digest"),
    Column("delivery", String(200), comment="the brief or digest that has it; null: it waits"),
    Index("held_story", "story", "watch"),
    Index("held_waiting", "delivery", "channel"),
)

rules_in_force = Table(
    "rules_in_force",
    tables,
    Column("watch", String(80), primary_key=True),
    Column("rule", String(80), primary_key=True),
    Column("version", String(8), nullable=False),
    Column("since", Instant, nullable=False, comment="when a daemon first ran with this version"),
)

marks = Table(
    "marks",
    tables,
    Column("id", RowId, primary_key=True),
    Column("watch", String(80), nullable=False),
    Column("judgement", String(20), nullable=False),
    Column("author", Text, nullable=False, comment="who marked it"),
    Column("comment", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("article", RowId, comment="null: no source announced it"),
    # The article as it was when it was marked: a mark outlives the archive's retention.
    Column("url", Text, comment="canonical; null: the entry had no usable link"),
    Column("link", Text, comment="null: the entry had no usable link"),
    Column("language", String(40), comment="null: unknown"),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("byline", Text, comment="who wrote the article; null: unknown"),
    Column("tags", Words, nullable=False),
    Column("source", String(80), nullable=False),
    Column("source_name", Text, nullable=False),
    Column("publisher", String(20), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("published", Instant, comment="null: unknown"),
    Column(
        "rule", String(80), comment="which told it, or held it for the digest; null: none had when marked"
    ),
    Column("version", String(8), comment="of that rule; null: none, or from before versions were kept"),
    Column(
        "ruling",
        String(10),
        nullable=False,
        comment="alert | digest | quiet: under the rules last in force",
    ),
    Column("ruling_rule", String(80), comment="whose verdict that is; null: quiet"),
    Column("ruling_version", String(8), comment="of that rule; null: quiet"),
    UniqueConstraint("watch", "article", name="one_mark_per_article_and_watch"),
)

deeds = Table(
    "actions",
    tables,
    Column("id", RowId, primary_key=True),
    Column("envelope", String(200), nullable=False, unique=True, comment="what is delivered twice, has one"),
    Column("at", Instant, nullable=False),
    Column("actor", String(200), nullable=False, comment="Slack's id; at the command line a name"),
    Column("actor_name", Text, nullable=False),
    Column("place", String(200), comment="Slack's id of the channel; null: the command line"),
    Column("what", String(20), nullable=False),
    Column("value", Text, nullable=False, comment="of what: a story, a rule, an article …"),
    Column("outcome", String(20), nullable=False, comment="done, or why not"),
    Column("said", Text, nullable=False, comment="what the actor was answered"),
    Column("delivery", String(200), comment="beneath which message; null: none"),
    Column("note", Text, comment="what that message shows of it; null: nothing"),
    Column("undo", JSON, comment="what it takes to take it back; null: that cannot be"),
    Column("undone_at", Instant, comment="null: it stands"),
    Column("undone_by", Text, comment="null: it stands"),
    Index("actions_delivery", "delivery"),
)

control_room = Table(
    "control_room",
    tables,
    Column("id", Integer, primary_key=True, comment="1: there is one"),
    Column("connected_at", Instant, comment="since when Slack can reach us; null: it cannot"),
    Column("reason", Text, nullable=False, comment="why not; empty: it can"),
    Column("heard_at", Instant, comment="when the last envelope came; null: none yet"),
    Column(
        "refused_at",
        Instant,
        comment="since when Slack refuses the app-level token; null: it does not, as far as known",
    ),
    Column(
        "refusal_told_at",
        Instant,
        comment="when the ops channel heard of a refusal; null: it has not, or also of its end",
    ),
)
