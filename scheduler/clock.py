"""The one clock of the process: below `scheduler/`, time is an argument."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)
