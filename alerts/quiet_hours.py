"""Quiet hours: is it quiet in a channel at this moment, until when, and whose news is told all the same?

Lives here: `quiet:` of a channel on the calendar of its time zone. Pure. Not here: what becomes of news that
is kept back (`telling`), the brief at the end (`digests`).
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.channels import Channel, QuietHours, moment_of
from crawler.articles import Article


def quiet_until(channel: Channel, moment: datetime) -> datetime | None:
    """When the quiet hours that it is in end; None: it is in none.

    Each day has its own, which may last until the next. In a night in which the clock is changed they begin
    and end when the clock says so: a time that is left out counts by the clock of before, one that comes
    twice counts the first time.
    """
    hours = channel.quiet
    if hours is None:
        return None
    zone = zone_of(channel, hours)
    today = moment.astimezone(ZoneInfo(zone)).date()
    over_midnight = timedelta(days=hours.end < hours.start)
    nights = [
        (moment_of(hours.start, zone, day), moment_of(hours.end, zone, day + over_midnight))
        for day in (today + timedelta(days=away) for away in (-1, 0, 1))
    ]
    return max((end for begin, end in nights if begin <= moment < end), default=None)


def kept_until(channel: Channel, article: Article, moment: datetime) -> datetime | None:
    """Until when an article that would be told at this moment is kept back there; None: it is told."""
    return None if passes(channel, article) else quiet_until(channel, moment)


def passes(channel: Channel, article: Article) -> bool:
    """Is it told there at once, at whatever hour?"""
    return channel.quiet is None or article.publisher in channel.quiet.exceptions


def zone_of(channel: Channel, hours: QuietHours) -> str:
    """The zone whose clock is meant: that of the digest, if none is given."""
    return hours.timezone or (channel.digest.timezone if channel.digest else "UTC")
