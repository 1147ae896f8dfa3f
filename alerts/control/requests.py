"""Request: what a person asks of us from within Slack; and Answer: what only they are shown.

Lives here: the values between the socket and whatever answers, and the changes a request may ask for. Not
here: Slack's JSON (`slack_forms`), who may (`permission`), what is done (`acting`) and said (`answering`).

A request is answered by a function of the `Desk`, the request and the time, in a thread of its own: it may
read the archive for some seconds. Slack was told by then that the request arrived.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from alerts.buttons import Button
from alerts.channels import Channel, Control
from alerts.marks import Judgement
from alerts.rulebook import Rulebook
from alerts.silences import Condition

# --- what is asked


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks."""

    id: str  # Slack's, U…
    name: str  # from outside: anybody may call themselves anything


@dataclass(frozen=True, slots=True)
class Press:
    """A button was pressed, or a choice was made."""

    envelope: str  # Slack's id of it; a request that is delivered again has the same
    actor: Actor
    place: str  # Slack's id of the channel it came from
    response_url: str
    trigger: str  # opens a modal for three seconds
    button: Button
    value: str  # beneath a message the id of its delivery; else what we gave the button
    thread: str | None = None  # ts of the root in whose thread it was pressed
    in_answer: bool = False  # it was pressed in an answer of ours


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command was typed."""

    envelope: str
    actor: Actor
    place: str
    response_url: str
    trigger: str
    text: str  # what stands after `/tocsin`


@dataclass(frozen=True, slots=True)
class Submission:
    """A modal was sent."""

    envelope: str
    actor: Actor
    place: str  # from where the modal was opened
    view: str  # Slack's id of the modal
    form: str  # which of our modals it is
    fields: Mapping[str, str]


Request = Press | Command | Submission


# --- what it would change


@dataclass(frozen=True, slots=True)
class Judge:
    """Mark the article that a message shows."""

    delivery: str
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Mute:
    """Keep the story of a message quiet."""

    delivery: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """Keep the rule that told a message quiet."""

    delivery: str


@dataclass(frozen=True, slots=True)
class Hush:
    """Keep something quiet for a while."""

    conditions: tuple[Condition, ...]  # at least one; all must hold
    lasting: timedelta
    comment: str = ""


@dataclass(frozen=True, slots=True)
class EndSilence:
    """A silence ends now."""

    number: int


@dataclass(frozen=True, slots=True)
class Split:
    """An article is another event."""

    story: str
    article: int


@dataclass(frozen=True, slots=True)
class Undo:
    """Take a deed back."""

    deed: int


Change = Judge | Mute | Snooze | Hush | EndSilence | Split | Undo


# --- what is answered


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an answer. Words from outside may stand in it: none of it is markup."""

    text: str
    link: str | None = None  # absolute http(s): the text is linked
    aside: str = ""  # follows it, not linked
    bold: bool = False
    fixed: bool = False  # in letters of one width: a query with its caret


@dataclass(frozen=True, slots=True)
class Pressable:
    """A button of an answer."""

    button: Button
    value: str
    label: str = ""  # empty: what it is called everywhere


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several to be chosen."""

    button: Button  # what the choice asks for
    prompt: str
    options: tuple[tuple[str, str], ...]  # label, which may come from outside; value


@dataclass(frozen=True, slots=True)
class Field:
    """A line or a box to write into."""

    id: str
    label: str
    initial: str = ""
    example: str = ""
    long: bool = False


@dataclass(frozen=True, slots=True)
class Modal:
    """A window above the channel. Without fields there is nothing to send."""

    form: str  # comes back in the Submission
    title: str  # at most 24 characters
    lines: tuple[Line, ...] = ()
    fields: tuple[Field, ...] = ()
    submit: str = ""  # the label of what sends it


@dataclass(frozen=True, slots=True)
class Answer:
    """What only the person who asked is shown."""

    title: str  # one line; what a notification shows
    lines: tuple[Line, ...] = ()
    buttons: tuple[Pressable, ...] = ()
    choice: Choice | None = None
    modal: Modal | None = None  # opened for a Press or Command, put in the place of the one that was sent
    errors: Mapping[str, str] = field(default_factory=dict)  # of a Submission: field → what is wrong with it


# --- from what it is answered


@dataclass(frozen=True, slots=True)
class Desk:
    """What a request is answered from; a reload puts another in its place."""

    engine: Engine
    rulebook: Rulebook
    channels: Mapping[str, Channel]
    control: Control
    status: Callable[[], Mapping[str, Any]]  # how things stand, as `tocsin status --json` has it

    @property
    def places(self) -> frozenset[str]:
        """Slack's ids of our channels."""
        slack = (channel.channel for channel in self.channels.values() if channel.kind == "slack")
        return frozenset(place for place in slack if place)
