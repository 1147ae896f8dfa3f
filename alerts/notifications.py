"""Notification: what a channel is to be told, before it takes a vendor's shape.

Lives here: the values that travel through the outbox. Not here: how Slack wants them (`notifiers.slack_blocks`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

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
class Delivery:
    """One notification for one channel, as the outbox hands it to a notifier."""

    id: DeliveryId
    channel: str  # id in channels.yaml
    body: Alarm | Notice
    story: str | None  # None: a notice
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
