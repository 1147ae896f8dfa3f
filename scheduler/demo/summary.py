"""What came of it all, and whether that is what Tocsin promises: every story told, and told once.

Lives here: the figures at the end, the judgement, the next steps. Not here: how they were counted (`stage`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alerts.notifiers.words import counted
from scheduler.demo.narrator import Narrator


class DemoFailed(Exception):
    """A story was lost or told twice; the message says which."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures. `messages`: event → how many messages there are about it."""

    seconds: float
    sites: int
    requests: int
    entries: int
    articles: int
    messages: Mapping[str, int]
    strangers: int  # messages about nothing that was to be told
    latencies: Sequence[float]  # seconds from a publication to its message
    faults: int
    cut: bool  # the time was over before everything had happened

    @property
    def lost(self) -> list[str]:
        return [event for event, count in self.messages.items() if count == 0]

    @property
    def repeated(self) -> list[str]:
        return [event for event, count in self.messages.items() if count > 1]

    @property
    def duplicates(self) -> int:
        return sum(count - 1 for count in self.messages.values() if count > 1)

    def show(self, narration: Narrator) -> None:
        read = f"{counted(self.entries, 'entry', 'entries')}, {counted(self.articles, 'article', 'articles')}"
        rows = [
            ("read", f"{self.requests} requests to {self.sites} sites: {read}"),
            ("told", self._told()),
            ("duplicates", str(self.duplicates)),
            ("lost", str(len(self.lost))),
            ("survived", f"{counted(self.faults, 'fault', 'faults')} of sites and of Slack"),
        ]
        if self.strangers:
            rows.append(("for nothing", counted(self.strangers, "message", "messages")))
        if self.cut:
            rows.append(("cut short", "not everything had happened when the time was over"))
        narration.table(f"After {self.seconds:.0f} seconds", rows)
        narration.table("Next", NEXT)

    def _told(self) -> str:
        told = len(self.messages) - len(self.lost)
        sent = sum(self.messages.values())
        stories = f"{told} of {counted(len(self.messages), 'story', 'stories')}"
        stories += f" in {counted(sent, 'message', 'messages')}"
        if not self.latencies:
            return stories
        return f"{stories}, {min(self.latencies):.1f} to {max(self.latencies):.1f} s after publication"

    def judge(self) -> None:
        """Raises DemoFailed if a promise was broken."""
        found = [f"lost: {event}" for event in self.lost]
        found += [f"told {self.messages[event]} times: {event}" for event in self.repeated]
        if self.strangers:
            found.append(
                f"{counted(self.strangers, 'message', 'messages')} about nothing that was to be told"
            )
        if found:
            raise DemoFailed("the demo found a fault in Tocsin: " + "; ".join(found))


NEXT = (
    ("make run", "the same daemon on the real feeds of config/sources.yaml; it rings on the console"),
    (
        "SLACK_BOT_TOKEN=xoxb-… make run",
        "and in Slack: with the token, and the channel's ID in SLACK_CHANNEL",
    ),
)
