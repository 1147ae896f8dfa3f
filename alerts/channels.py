"""Channel: where people are told, and how patient we are with the place.

Lives here: what `channels.yaml` and the `delivery:` part of `daemon.yaml` say. Not here: the code that tells
(`notifiers`), what is still to be told (`outbox`).
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from config.reading import Duration, Keys, Secret
from crawler.sources import Publisher

ChannelKind = Literal["slack", "webhook", "console"]

SLACK_API = "https://slack.com/api/"


def _time_of_day(value: object) -> time:
    """`08:30`, in quotes or not; ValueError says what was expected."""
    if isinstance(value, time):
        return value
    hours, colon, minutes = value.partition(":") if isinstance(value, str) else ("", "", "")
    digits = colon and hours.isdecimal() and minutes.isdecimal() and len(hours) <= 2 and len(minutes) == 2
    if not digits or int(hours) > 23 or int(minutes) > 59:
        raise ValueError('expected a time of day such as "08:30"')
    return time(int(hours), int(minutes))


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected the name of a time zone such as Europe/Paris or UTC") from None
    return value


def _web_address(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise ValueError(f"expected an address such as {SLACK_API}")
    return value if value.endswith("/") else value + "/"


def _user_id(value: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{2,20}", value):
        raise ValueError("expected the ID of a person such as U0123456789 (in Slack: their profile, ⋮)")
    return value


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
SlackUser = Annotated[str, AfterValidator(_user_id)]


class DigestTime(Keys):
    """At what time of the day held matches are told, in one message."""

    at: TimeOfDay
    timezone: Timezone = "UTC"


class QuietHours(Keys):
    """From when to when nothing is told, and whose news is told all the same."""

    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")
    timezone: Timezone | None = None  # None: the digest's, else UTC
    exceptions: tuple[Publisher, ...] = Field(default=(), alias="except")

    @model_validator(mode="after")
    def _last_for_a_while(self) -> Self:
        if self.start == self.end:
            raise ValueError("`from` and `to` are the same: quiet hours last less than a day")
        return self


class Channel(Keys):
    """One section of `channels.yaml`."""

    id: Slug
    kind: ChannelKind
    token: Secret | None = None  # slack
    channel: str | None = Field(default=None, description="slack: the channel's ID")
    api_url: Annotated[str, AfterValidator(_web_address)] = SLACK_API  # slack
    url: Secret | None = None  # webhook; whoever knows the address may write to it
    digest: DigestTime | None = DigestTime(at=time(8, 30))  # None: none is sent
    quiet: QuietHours | None = None
    buttons: bool | None = None  # slack: are they shown? None: where `control:` is in force

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if self.kind == "slack" and self.token is None:
            raise ValueError("a slack channel needs `token:`, for example ${SLACK_BOT_TOKEN}")
        if self.kind == "slack" and not _is_channel_id(self.channel):
            # by its name Slack would take a message, but not show us the history in which we look for it
            raise ValueError(
                "a slack channel needs `channel:` with its ID such as C0123456789 (in Slack: the channel's "
                "details, at the very bottom), not its name"
            )
        if self.kind == "webhook" and self.url is None:
            raise ValueError("a webhook channel needs `url:`, for example ${SLACK_WEBHOOK_URL}")
        return self


def _is_channel_id(text: str | None) -> bool:
    return bool(text) and text is not None and text[0] in "CGD" and text.isalnum() and text.isupper()


class Control(Keys):
    """The `control:` section: what may be turned from within Slack, and by whom."""

    app_token: Secret | None = None  # xapp-…; not set: no buttons, no slash command
    allow: tuple[SlackUser, ...] = ()  # who may change things; empty: the members of our channels
    api_url: Annotated[str, AfterValidator(_web_address)] = SLACK_API

    @property
    def in_force(self) -> bool:
        return bool(self.app_token)


class ChannelsFile(Keys):
    """`channels.yaml`."""

    channels: tuple[Channel, ...] = Field(min_length=1)
    control: Control = Control()
    ops: Slug | None = (
        None  # the channel that hears of failing sources and dead deliveries; None: nobody does
    )

    @model_validator(mode="after")
    def _names_are_known_and_unique(self) -> Self:
        ids = [channel.id for channel in self.channels]
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"two channels are called `{name}`")
        if self.ops is not None and self.ops not in ids:
            raise ValueError(f"`ops: {self.ops}` names no channel of this file; there are: {', '.join(ids)}")
        return self


class DeliveryHabits(Keys):
    """The `delivery:` part of `daemon.yaml`."""

    deadline: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(minutes=5))] = timedelta(seconds=20)
    settle: Annotated[Duration, Field(ge=timedelta(0), le=timedelta(hours=1))] = timedelta(seconds=60)


def moment_of(at: time, zone: str, day: date) -> datetime:
    """When it is this time of the day there; what the clock leaves out counts by the clock of before.

    What comes twice counts the first time.
    """
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def neighbours(channel: Channel, channels: Iterable[Channel]) -> frozenset[str]:
    """The other channels of its workspace: Slack limits a method for a workspace, not for a channel alone."""
    if channel.kind != "slack":
        return frozenset()
    return frozenset(c.id for c in channels if c.id != channel.id and _workspace(c) == _workspace(channel))


def _workspace(channel: Channel) -> tuple[str, str, str | None]:
    return channel.kind, channel.api_url, channel.token.reveal() if channel.token else None


def falls_back(channel: Channel) -> bool:
    """Is the secret of this channel not set, so that the console has to do?"""
    secret = {"slack": channel.token, "webhook": channel.url}.get(channel.kind)
    return channel.kind != "console" and not secret


def shows_buttons(channel: Channel, control: Control) -> bool:
    """Do its messages have buttons? Where a press is heard, unless the channel wants none."""
    return channel.kind == "slack" and control.in_force and channel.buttons is not False


def effective(channel: Channel, control: Control = Control()) -> Channel:  # noqa: B008 - frozen
    """The channel as it can be used today.

    Itself, with buttons if a press is heard; or the console under its name if its secret is not set.
    """
    if falls_back(channel):
        return channel.model_copy(update={"kind": "console"})
    pressed = shows_buttons(channel, control)
    return channel if pressed == bool(channel.buttons) else channel.model_copy(update={"buttons": pressed})
