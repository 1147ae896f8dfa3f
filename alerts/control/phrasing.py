"""Phrasing: what answers have in common, short enough for a telephone.

Lives here: lines and times as a person reads them. Pure. Not here: what is answered (`answering`,
`querying`), how Slack wants it (`slack_forms`).
"""

from datetime import datetime, timedelta

from alerts.control.requests import Line
from crawler.articles import Article

SHOWN = 10  # articles, stories, silences of an answer


def headline(article: Article, *known: str) -> Line:
    by = " · ".join([article.source_name, *([article.language] if article.language else []), *known])
    return Line(article.title or "(no headline)", link=article.link, aside=f"({by})")


def more(count: int, of: str) -> list[Line]:
    return [Line(f"… and {count} more {of}")] if count > 0 else []


def shown_at(at: datetime) -> str:
    return f"{at:%a %d %b %H:%M} UTC"


def lasting(length: timedelta) -> str:
    """As a person says it who does not look at a clock."""
    seconds = int(length.total_seconds())
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
