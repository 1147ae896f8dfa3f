"""Timeline: a story article by article, as it stands in the notebooks.

Lives here: reading it. Not here: which story an article belongs to (`stories`, `likeness`), how a timeline
looks (`scheduler.commands.stories`, `control.answering`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from alerts import ledger
from crawler import archive
from crawler.articles import Article
from crawler.sources import Source, SourceId


@dataclass(frozen=True, slots=True)
class Chapter:
    """An article of a story, and by what it joined."""

    number: int  # of the article
    article: Article | None  # None: the archive has forgotten it
    at: datetime
    tie: str
    copy_of: int | None  # None: it is an origin
    likeness: Mapping[str, Any] | None
    nearly: Sequence[Mapping[str, Any]]  # the stories it nearly joined

    def to_json(self) -> dict[str, Any]:
        known = self.article
        return {
            "article": self.number,
            "title": known and known.title,
            "link": known and known.link,
            "source": known and known.source,
            "language": known and known.language,
            "at": self.at,
            "tie": self.tie,
            "copy_of": self.copy_of,
            "likeness": self.likeness,
            "nearly": list(self.nearly),
        }


@dataclass(frozen=True, slots=True)
class Timeline:
    """All of a story."""

    id: str
    title: str
    first: datetime
    last: datetime
    follows: str | None  # the closed story this one goes on with
    chapters: tuple[Chapter, ...]
    alerts: tuple[Row[Any], ...]
    corrections: tuple[Row[Any], ...]

    @property
    def origins(self) -> int:
        return sum(one.copy_of is None for one in self.chapters)

    @property
    def told(self) -> dict[int, str]:
        """Article → the watch that was told of it."""
        return {alert.article: alert.watch for alert in self.alerts}

    def to_json(self) -> dict[str, Any]:
        """The document of `tocsin stories show --json`."""
        return {
            "id": self.id,
            "title": self.title,
            "first": self.first,
            "last": self.last,
            "follows": self.follows,
            "origins": self.origins,
            "articles": [one.to_json() for one in self.chapters],
            "alerts": [{"watch": a.watch, "article": a.article, "at": a.at} for a in self.alerts],
            "corrections": [
                {"kind": c.kind, "story": c.story, "other": c.other, "author": c.author, "at": c.at}
                for c in self.corrections
            ],
        }


def timeline(connection: Connection, configured: Mapping[SourceId, Source], story: str) -> Timeline | None:
    """The story of this id, or the one it was merged into; None: there is none."""
    row = ledger.standing_row(connection, story)
    if row is None:
        return None
    tied = ledger.articles_of(connection, row.id)
    known = archive.with_ids(connection, configured, [tie.article for tie in tied])
    chapters = (
        Chapter(
            number=tie.article,
            article=known.get(tie.article),
            at=tie.moment,
            tie=tie.tie,
            copy_of=tie.origin,
            likeness=tie.likeness,
            nearly=tie.nearly or (),
        )
        for tie in tied
    )
    return Timeline(
        id=row.id,
        title=row.title,
        first=row.first_at,
        last=row.last_at,
        follows=row.follows,
        chapters=tuple(chapters),
        alerts=tuple(ledger.alerts_of(connection, row.id)),
        corrections=tuple(ledger.corrections_of(connection, row.id)),
    )


def counted(origins: int, articles: int) -> str:
    """Fourteen papers with one text are one origin."""
    copies = articles - origins
    said = f"{origins} origin{'s' if origins != 1 else ''}"
    return said + (f", {copies} cop{'ies' if copies != 1 else 'y'}" if copies else "")
