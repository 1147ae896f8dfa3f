"""Notification: what a channel is to be told, before it takes a vendor's shape; and how telling may end.

Lives here: the values that travel through the outbox and between `dispatch` and the notifiers. Not here: how
Slack wants them (`notifiers.slack_blocks`), what follows from a failure (`outbox`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
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
    version: str = ""  # of the rule; empty: from before alarms said it
    # What is known of its story by now; a root is edited as that grows.
    also: tuple[str, ...] = ()  # names of the other sources that have it
    languages: tuple[str, ...] = ()  # of all that have it in words of their own, each once
    origins: int = 1  # texts of their own
    copies: int = 0  # articles that only repeat another
    first_seen: datetime | None = None  # when its first article was seen; None: that is this one
    first_source: str = ""  # whose that was; empty: this one's
    status: str = ""  # in our words; empty: nothing has happened since
    noted: str = ""  # what a person did about it, in our words; empty: nothing


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


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a thread says after its root. Every string in it but `note` came from outside."""

    of: str  # the headline of the root
    watch: str  # id
    watch_name: str
    items: tuple["Item", ...]
    left_out: int = 0  # further articles, which are not listed; only earlier versions left any out

    @property
    def title(self) -> str:
        """The headline it leads with."""
        return self.items[0].title


@dataclass(frozen=True, slots=True)
class Item:
    """An article of a follow-up."""

    title: str
    link: str | None  # absolute http(s), or None
    source_name: str
    language: str | None
    published: datetime | None
    seen: datetime
    note: str = ""  # what it adds, in our words
    was: str | None = None  # the headline before it was changed; None: it was not
    article: int | None = None  # None: from before this was kept
    known: bool = False  # it was told before: this says what became of it, or where it goes on


Body = Alarm | Digest | FollowUp | Notice


class Kind(StrEnum):
    """What a delivery does in its channel."""

    ROOT = "root"  # a message of its own
    REPLY = "reply"  # in the thread of a root
    EDIT = "edit"  # the newest wording of a root that was sent


class Plainness(StrEnum):
    """How much is dropped from a message that was refused for its content."""

    FULL = "full"
    PLAIN = "plain"  # no blocks
    MINIMAL = "minimal"  # title and address


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notification for one channel, as the outbox hands it to a notifier."""

    id: DeliveryId
    channel: str  # id in channels.yaml
    body: Body
    story: str | None  # None: a notice
    watch: str | None
    plainness: Plainness
    attempts: int  # this one included
    repeat_possible: bool = False  # an earlier attempt may have arrived, and the channel cannot be read back
    kind: Kind = Kind.ROOT
    root: DeliveryId | None = None  # a reply, an edit: of this delivery
    thread: str | None = None  # ts of the root; None: it is none, or the vendor gave none
    broadcast: bool = False  # a reply which the channel sees too

    @property
    def message(self) -> DeliveryId:
        """The delivery that the message in the channel is known by: an edit changes that of its root."""
        return self.root if self.kind is Kind.EDIT and self.root else self.id


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
    GONE = "gone"  # not stored: the message it replies to or changes is not there any more
    UNKNOWN = "unknown"  # it may have been stored, or not


class DeliveryFailed(Exception):
    """A call to a vendor failed; `reason` is one line for a person and holds no secret."""

    def __init__(self, fault: Fault, reason: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.fault = fault
        self.reason = reason
        self.retry_after = retry_after  # LIMITED: how long the vendor wants to be left alone; None: not said


MOST_ITEMS = 10  # articles listed in one follow-up
MOST_LETTERS = 2000  # of these articles: the message without blocks has to hold them all too


def joined(earlier: FollowUp, later: FollowUp) -> FollowUp | None:
    """Both in one message; None: they do not fit, and nothing is left out."""
    items = (*earlier.items, *later.items)
    shown = [word for one in items for word in (one.title, one.link, one.note, one.source_name)]
    letters = sum(len(word or "") for word in shown)
    fits = len(items) <= MOST_ITEMS and letters <= MOST_LETTERS
    return replace(earlier, items=items) if fits else None


def to_json(body: Body) -> str:
    """The body as it lies in the outbox. In ASCII: no database takes the lone surrogate of a broken page."""
    kind = next(name for name, form in _KINDS.items() if isinstance(body, form))
    return json.dumps({"kind": kind, **asdict(body)}, default=datetime.isoformat)


def from_json(text: str) -> Body:
    """The inverse of `to_json`. Rows outlive versions: what a later version adds must have a default here."""
    known: dict[str, Any] = json.loads(text)
    match known.pop("kind"):
        case "notice":
            return Notice(**known)
        case "digest":
            return Digest(known["title"], tuple(map(_part, known["parts"])))
        case "follow_up":
            items = tuple(Item(**_with_times(item)) for item in known.pop("items"))
            return FollowUp(**known, items=items)
    known["title_spans"] = _spans(known["title_spans"])
    for several in ("also", "languages"):
        known[several] = tuple(known.get(several, ()))
    if known["sentence"]:
        known["sentence"] = Sentence(known["sentence"]["text"], _spans(known["sentence"]["spans"]))
    return Alarm(**_with_times(known))


_KINDS: Mapping[str, type[Body]] = {"alarm": Alarm, "digest": Digest, "follow_up": FollowUp, "notice": Notice}
_TIMES = ("published", "seen", "first_seen")


def _with_times(known: dict[str, Any]) -> dict[str, Any]:
    times = {name: known[name] and datetime.fromisoformat(known[name]) for name in _TIMES if name in known}
    return {**known, **times}


def _part(known: dict[str, Any]) -> DigestPart:
    return DigestPart(known["heading"], tuple(DigestLine(**line) for line in known["lines"]), known["more"])


def _spans(pairs: list[list[int]]) -> tuple[tuple[int, int], ...]:
    return tuple((start, end) for start, end in pairs)
