"""Rulebook: what the user's configuration says about screening, put together once.

Lives here: the value. Not here: how it is made of the files (`scheduler.rulebooks`), who goes by it
(`judging`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.alerting import UNLIMITED, Backlog, Limits
from alerts.channels import Channel
from alerts.features import Reader
from alerts.matching import Matcher
from alerts.query import Members
from alerts.stories import StoryHabits
from alerts.watches import Watch
from crawler.sources import Source, SourceId


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What the user's configuration says about screening."""

    sources: Mapping[SourceId, Source]
    watches: Mapping[str, Watch]
    matcher: Matcher
    backlog: Backlog
    stories: StoryHabits = field(default_factory=StoryHabits)
    limits: Limits = UNLIMITED
    channels: Mapping[str, Channel] = field(default_factory=dict)
    reader: Reader = field(default_factory=Reader)
    sets: Mapping[str, Members] = field(default_factory=dict)  # for queries that are in no rule
