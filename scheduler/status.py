"""How things stand: one picture for the command, the status page and the monitor.

Lives here: asking the notebooks and counting. Not here: the words of a terminal (`commands`), of a page
(`status_page`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from alerts import ledger, outbox
from alerts.alerting import Action
from alerts.brief import waits_for_brief
from alerts.channels import Channel
from alerts.digests import next_due
from alerts.ledger import ControlRoom
from alerts.marks import Tally
from alerts.notifications import Alarm, Kind
from alerts.outbox import ChannelState, Record, State
from alerts.quiet_hours import quiet_until
from alerts.sum_up import waits_for_digest
from alerts.watches import Watch
from crawler import archive, rhythms
from crawler.articles import Article
from crawler.fetches import Outcome
from crawler.sources import Source, SourceId

RECENT = timedelta(hours=24)
SHADOWS_OF = timedelta(days=30)  # how far back a shadow rule is compared
SHOWN_OF_SHADOW = 5
SHOWN_ALERTS = 20
SHOWN_DEEDS = 20


@dataclass(frozen=True, slots=True)
class SourceStanding:
    """One source as it stands."""

    id: SourceId
    name: str
    state: str  # ok | failing | rate_limited | silent | new
    outcome: str | None  # of the last fetch; None: never fetched
    detail: str
    advice: str
    failures: int
    failing_since: datetime | None
    fetched_at: datetime | None
    changed_at: datetime | None
    next_due_at: datetime | None
    entries_24h: int
    silent_since: datetime | None = None  # None: it is not
    usually: str = ""  # how much a silent source usually announces, for a person

    @property
    def trouble(self) -> str:
        """What is wrong with it; empty: nothing."""
        if self.state == "silent":
            return f"silent since {self.silent_since:%Y-%m-%d %H:%M} UTC, {self.usually}"
        if self.state == "failing":
            return f"{self.outcome}, {self.failures} in a row" + (f" ({self.detail})" if self.detail else "")
        return ""

    def to_json(self) -> dict[str, Any]:
        return {name: _plain(getattr(self, name)) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class ShadowStanding:
    """A rule in the shadow: what it would change."""

    watch: str
    rule: str
    instead_of: str | None  # None: it would be added
    since: datetime
    both: int
    only_new: int
    only_old: int
    named_new: tuple[Article, ...]  # the newest few of them
    named_old: tuple[Article, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "watch": self.watch,
            "rule": self.rule,
            "instead_of": self.instead_of,
            "since": _plain(self.since),
            "both": self.both,
            "only_new": _sample(self.only_new, self.named_new),
            "only_old": _sample(self.only_old, self.named_old),
        }


def _sample(count: int, articles: Sequence[Article]) -> dict[str, Any]:
    shown = [{"id": a.id, "title": a.title, "link": a.link} for a in articles]
    return {"count": count, "articles": shown}


class Waiting(NamedTuple):
    """Stories that are told together, in one message."""

    stories: int
    at: datetime  # when it comes

    def __str__(self) -> str:
        return f"{self.stories} {'story' if self.stories == 1 else 'stories'} at {self.at:%Y-%m-%d %H:%M} UTC"

    def to_json(self) -> dict[str, Any]:
        return {"stories": self.stories, "at": _plain(self.at)}


@dataclass(frozen=True, slots=True)
class HeldStanding:
    """What waits in a channel, and for what."""

    channel: str
    brief: Waiting | None  # None: it is not quiet, and nothing waits for one
    digest: Waiting | None  # None: it has none

    def to_json(self) -> dict[str, Any]:
        return {
            "channel": self.channel,
            "brief": self.brief and self.brief.to_json(),
            "digest": self.digest and self.digest.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything a person or a monitor asks of a running Tocsin."""

    at: datetime
    sources: tuple[SourceStanding, ...]
    archive: Mapping[str, int]
    verdicts_24h: Mapping[str, int]
    decided_24h: Mapping[Action, int]  # stories, by what became of them
    deliveries: Mapping[State, int]
    oldest_waiting: datetime | None
    last_sent: datetime | None
    channels: tuple[ChannelState, ...]
    alerts: tuple[Row[Any], ...]  # newest first
    silences: int
    marks: tuple[Tally, ...]
    seen_to_told: Mapping[str, float | None]  # seconds; p50, p95, max of the recent ones
    shadows: tuple[ShadowStanding, ...] = ()
    control: ControlRoom | None = None  # None: there never was one
    deeds: tuple[ledger.Deed, ...] = ()  # newest first
    held: tuple[HeldStanding, ...] = ()  # by channel, in the order of the configuration

    @property
    def by_state(self) -> dict[str, int]:
        return dict(Counter(s.state for s in self.sources))

    def to_json(self) -> dict[str, Any]:
        return {
            "at": _plain(self.at),
            "sources": {"total": len(self.sources), **self.by_state},
            "failing": [s.to_json() for s in self.sources if s.state == "failing"],
            "silent": [s.to_json() for s in self.sources if s.state == "silent"],
            "archive": dict(self.archive),
            "verdicts_24h": dict(self.verdicts_24h),
            "deliveries": {state.value: count for state, count in self.deliveries.items()},
            "oldest_waiting": _plain(self.oldest_waiting),
            "oldest_waiting_s": (self.at - self.oldest_waiting).total_seconds()
            if self.oldest_waiting
            else None,
            "channels": [
                {
                    "id": c.id,
                    "stopped_at": _plain(c.stopped_at),
                    "stopped_reason": c.stopped_reason,
                    "held_until": _plain(c.held_until),
                }
                for c in self.channels
            ],
            "last_alert": alert_json(self.alerts[0]) if self.alerts else None,
            "last_sent": _plain(self.last_sent),
            "silences": self.silences,
            "marks": [tally.to_json() for tally in self.marks],
            "latency_s": {"seen_to_told": dict(self.seen_to_told)},
            "shadow": [s.to_json() for s in self.shadows],
            "control": self.control and self.control.to_json(),
            "held": [one.to_json() for one in self.held],
            "actions": [deed.to_json() for deed in self.deeds],
        }


def picture(
    connection: Connection,
    configured: Mapping[SourceId, Source],
    now: datetime,
    watches: Sequence[Watch] = (),
    channels: Iterable[Channel] = (),
) -> Picture:
    counted = archive.entry_counts(connection, now - RECENT)
    sent = outbox.records(connection, states=(State.SENT,), limit=500, newest_first=True)
    return Picture(
        at=now,
        sources=tuple(
            _standing(row, configured.get(row.id), counted.get(row.id, 0))
            for row in archive.source_rows(connection)
        ),
        archive=archive.counts(connection),
        verdicts_24h=ledger.verdict_counts(connection, now - RECENT),
        decided_24h=ledger.action_counts(connection, now - RECENT),
        deliveries=outbox.counts(connection),
        oldest_waiting=outbox.oldest_waiting(connection, now),
        last_sent=outbox.last_sent(connection),
        channels=tuple(outbox.channel_states(connection)),
        alerts=tuple(ledger.recent_alerts(connection, SHOWN_ALERTS)),
        silences=len(ledger.list_silences(connection, now)),
        marks=tuple(ledger.marks_by_version(connection)),
        seen_to_told=percentiles([s for s in map(_seen_to_told, sent) if s is not None]),
        shadows=tuple(_shadows(connection, configured, now, watches)),
        control=ledger.control_room_standing(connection),
        deeds=tuple(ledger.recent_deeds(connection, SHOWN_DEEDS)),
        held=tuple(_held(connection, configured, watches, channel, now) for channel in channels),
    )


def _held(
    connection: Connection,
    configured: Mapping[SourceId, Source],
    watches: Sequence[Watch],
    channel: Channel,
    now: datetime,
) -> HeldStanding:
    brief, ends = waits_for_brief(connection, channel.id, now), quiet_until(channel, now)
    digest = None
    if channel.digest:
        known = {watch.id: watch for watch in watches}
        stories = waits_for_digest(connection, configured, known, channel.id, now)
        digest = Waiting(stories, next_due(channel.digest, now))
    return HeldStanding(channel.id, Waiting(brief, ends or now) if brief or ends else None, digest)


def _shadows(
    connection: Connection,
    configured: Mapping[SourceId, Source],
    now: datetime,
    watches: Sequence[Watch],
) -> Iterator[ShadowStanding]:
    for found in ledger.differences(connection, watches, now - SHADOWS_OF, now):
        new, old = found.only_new[:SHOWN_OF_SHADOW], found.only_old[:SHOWN_OF_SHADOW]
        named = archive.with_ids(connection, configured, new + old)
        yield ShadowStanding(
            watch=found.watch,
            rule=found.rule,
            instead_of=found.instead_of,
            since=found.since,
            both=len(found.both),
            only_new=len(found.only_new),
            only_old=len(found.only_old),
            named_new=tuple(named[one] for one in new if one in named),
            named_old=tuple(named[one] for one in old if one in named),
        )


def source_standing(
    connection: Connection, source: Source, now: datetime
) -> tuple[SourceStanding | None, list[dict[str, Any]]]:
    """One source, and what it announced last; None: it was never enrolled."""
    counted = archive.entry_counts(connection, now - RECENT)
    row = next((row for row in archive.source_rows(connection) if row.id == source.id), None)
    latest = [
        {
            "seen_at": e.seen_at,
            "published": e.published_at,
            "title": e.title,
            "url": e.url,
            "article": e.article,
        }
        for e in archive.latest_entries(connection, SourceId(source.id), 10)
    ]
    return (_standing(row, source, counted.get(source.id, 0)) if row is not None else None), latest


def advice(outcome: str | None) -> str:
    return Outcome(outcome).advice if outcome else ""


def _standing(row: Row[Any], source: Source | None, entries_24h: int) -> SourceStanding:
    outcome = Outcome(row.outcome) if row.outcome else None
    return SourceStanding(
        id=SourceId(row.id),
        name=(source.name if source else "") or row.id,
        state=_state(row, outcome),
        outcome=row.outcome,
        detail=row.detail or "",
        advice=advice(row.outcome),
        failures=row.failures,
        failing_since=row.failing_since,
        fetched_at=row.fetched_at,
        changed_at=row.changed_at,
        next_due_at=row.next_due_at,
        entries_24h=entries_24h,
        silent_since=row.silent_since if _is_silent(row) else None,
        usually=rhythms.usually(row.per_day) if _is_silent(row) else "",
    )


def _state(row: Row[Any], outcome: Outcome | None) -> str:
    if outcome is None:
        return "new"
    if outcome is Outcome.RATE_LIMITED:
        return "rate_limited"
    if row.failures:
        return "failing"
    return "silent" if _is_silent(row) else "ok"


def _is_silent(row: Row[Any]) -> bool:
    """It was found to be, and has announced nothing since."""
    return bool(row.silent_since and row.changed_at <= row.silent_since)


def _seen_to_told(record: Record) -> float | None:
    """Of a root: from the first article of its story, which a better one may lead by now, to its message."""
    alarm = record.body
    if record.kind is not Kind.ROOT or not isinstance(alarm, Alarm) or record.sent_at is None:
        return None
    return (record.sent_at - (alarm.first_seen or alarm.seen)).total_seconds()


def percentiles(seconds: Sequence[float]) -> dict[str, float | None]:
    """p50, p95 and max; None where there is nothing to count."""
    ordered = sorted(seconds)
    if not ordered:
        return {"p50": None, "p95": None, "max": None}
    return {
        "p50": round(ordered[len(ordered) // 2], 1),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
        "max": round(ordered[-1], 1),
    }


def alert_json(row: Row[Any]) -> dict[str, Any]:
    return {
        "at": _plain(row.at),
        "watch": row.watch,
        "rule": row.rule,
        "title": row.title,
        "link": row.link,
        "source": row.source,
        "story": row.story,
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
