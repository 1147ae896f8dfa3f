"""Notification: what a channel is to be told, before it takes a vendor's shape; and how telling may end.

Lives here: the values that travel through the outbox and between `dispatch` and the notifiers. Not here: how
Slack wants them (`notifiers.slack_blocks`), what follows from a failure (`outbox`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType

DeliveryId = NewType("DeliveryId", str)


@dataclass(frozen=True, slots=True)
class Sentence:
    """The best sentence of a match, and which of its words matched."""

    text: str
    spans: tuple[tuple[int, int], ...] = ()  # [start, end) into text, in order, not overlapping


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alert as a channel shows it. Every string in it came from outside and may be hostile."""

    title: str
    title_spans: tuple[tuple[int, int], ...]  # the matched words of the title
    link: str | None  # absolute http(s), or None
    source_name: str
    language: str | None
    published: datetime | None
    seen: datetime
    sentence: Sentence | None
    watch: str  # id
    watch_name: str
    rule: str  # id
    look_alike: bool = False  # a matched word was spelled with characters of another script


@dataclass(frozen=True, slots=True)
class Notice:
    """A line of our own for the ops channel: what failed, where, what to do next."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One story of a digest. Title, link and source came from outside and may be hostile."""

    title: str
    link: str | None  # absolute http(s), or None
    source_name: str
    note: str = ""  # of ours: by which rule, how many others have it


@dataclass(frozen=True, slots=True)
class DigestPart:
    """The stories of one watch, or what one shadow rule would change."""

    heading: str
    lines: tuple[DigestLine, ...]
    more: int = 0  # lines that did not fit


@dataclass(frozen=True, slots=True)
class Digest:
    """What was held for a channel since the last one."""

    title: str
    parts: tuple[DigestPart, ...]


Body = Alarm | Notice | Digest


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification for one channel, as the outbox hands it to a notifier."""

    id: DeliveryId
    channel: str  # id in channels.yaml
    body: Body
    story: str | None  # None: a notice or a digest
    watch: str | None
    plainness: "Plainness"
    attempts: int  # this one included
    repeat_possible: bool = False  # an earlier attempt may have arrived, and the channel cannot be read back


class Plainness(StrEnum):
    """How much is dropped from a message that was refused for its content."""

    FULL = "full"
    PLAIN = "plain"  # no blocks
    MINIMAL = "minimal"  # title and address


@dataclass(frozen=True, slots=True)
class Receipt:
    """The vendor took the message."""

    ts: str | None  # Slack's id of the message in its channel; None where the vendor gives none
    detail: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Part of what a channel says it holds: which of our deliveries are in it."""

    found: Mapping[DeliveryId, str] = field(default_factory=dict)  # delivery -> ts
    newest: str | None = None  # ts of the newest message on it; None: there is none
    cursor: str | None = None  # where the next page begins; None: this was the last


class Fault(StrEnum):
    """Why a call to a vendor failed, by what it means for the message."""

    LIMITED = "limited"  # not stored: too fast; come back when told
    UNREACHABLE = "unreachable"  # not stored: nobody took the call
    STOPPED = "stopped"  # not stored, nor will any other message be until a person has mended something
    CONTENT = "content"  # not stored: this message is refused for what it contains
    UNKNOWN = "unknown"  # it may have been stored, or not


class DeliveryFailed(Exception):
    """A call to a vendor failed; `reason` is one line for a person and holds no secret."""

    def __init__(self, fault: Fault, reason: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.fault = fault
        self.reason = reason
        self.retry_after = retry_after  # LIMITED: how long the vendor wants to be left alone; None: not said


def to_json(body: Body) -> str:
    """The body as it lies in the outbox. In ASCII: no database takes the lone surrogate of a broken page."""
    if isinstance(body, Digest):
        return json.dumps({"kind": "digest", **asdict(body)})
    if isinstance(body, Notice):
        return json.dumps({"kind": "notice", "title": body.title, "text": body.text})
    sentence = body.sentence and {"text": body.sentence.text, "spans": body.sentence.spans}
    return json.dumps(
        {
            "kind": "alarm",
            "title": body.title,
            "title_spans": body.title_spans,
            "link": body.link,
            "source_name": body.source_name,
            "language": body.language,
            "published": body.published and body.published.isoformat(),
            "seen": body.seen.isoformat(),
            "sentence": sentence,
            "watch": body.watch,
            "watch_name": body.watch_name,
            "rule": body.rule,
            "look_alike": body.look_alike,
        }
    )


def from_json(text: str) -> Body:
    """The inverse of `to_json`. Rows outlive versions: what a later version adds must have a default here."""
    known: dict[str, Any] = json.loads(text)
    kind = known.pop("kind")
    if kind == "notice":
        return Notice(title=known["title"], text=known["text"])
    if kind == "digest":
        return Digest(known["title"], tuple(map(_part, known["parts"])))
    known["title_spans"] = _spans(known["title_spans"])
    known["published"] = known["published"] and datetime.fromisoformat(known["published"])
    known["seen"] = datetime.fromisoformat(known["seen"])
    if known["sentence"]:
        known["sentence"] = Sentence(known["sentence"]["text"], _spans(known["sentence"]["spans"]))
    return Alarm(**known)


def _part(known: dict[str, Any]) -> DigestPart:
    return DigestPart(known["heading"], tuple(DigestLine(**line) for line in known["lines"]), known["more"])


def _spans(pairs: list[list[int]]) -> tuple[tuple[int, int], ...]:
    return tuple((start, end) for start, end in pairs)
