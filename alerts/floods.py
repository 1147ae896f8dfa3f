"""Flood: a source brings more matching articles at once than people should be rung for.

Lives here: the value, and when it is over, so that one message tells of it. Pure. Not here: what becomes of
its articles (`alerting`), what was held (`ledger`), the message (`digests`, `wind_up`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from crawler.sources import SourceId

AT_ONCE = timedelta(minutes=10)  # what a source brings in this time, it brings at once


@dataclass(frozen=True, slots=True)
class Flood:
    """What a source brings at once; it is told in one message."""

    id: int
    source: SourceId
    first_at: datetime
    last_at: datetime

    def is_over(self, wait: timedelta, now: datetime, *, more: bool) -> bool:
        """Has the source calmed down for so long? `more`: articles of it wait to be screened.

        Nobody waits for ever: what comes later is another message.
        """
        calm = not more and self.last_at + wait <= now
        return calm or self.first_at + AT_ONCE <= now
