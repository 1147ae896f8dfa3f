"""Notifiers: one room for each vendor that can tell people.

In reading order: `words` (what of a hostile text may be shown), `slack_blocks` (an alert as Block Kit; pure),
`slack_page` (the same as a page to look at; pure),
`slack` (slack-sdk), `webhook` (at least once), `console` (the default without a token).

To add one: a module with a class like these, and its line in NOTIFIERS.
"""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Protocol

from alerts.channels import Channel, DeliveryHabits
from alerts.notifications import Delivery, DeliveryId, HistoryPage, Receipt
from alerts.notifiers.console import ConsoleNotifier
from alerts.notifiers.slack import SlackNotifier
from alerts.notifiers.webhook import WebhookNotifier


class Notifier(Protocol):
    """One channel, as `dispatch` needs it. Every method may raise DeliveryFailed, and no other error."""

    @property
    def reads_back(self) -> bool:
        """Can the channel be looked through for a message whose answer was lost?"""
        ...

    @property
    def pace(self) -> timedelta:
        """The least time between two messages."""
        ...

    @property
    def edit_pace(self) -> timedelta:
        """The least time between two edits."""
        ...

    @property
    def threads(self) -> bool:
        """Can it show a reply as one? If not it shows only what the channel shall see, as a message."""
        ...

    @property
    def edits(self) -> bool:
        """Can it change a message? Then it knows it by the ts of its receipt."""
        ...

    async def send(self, delivery: Delivery) -> Receipt:
        """One attempt, over within the deadline: a message, a reply, an edit."""
        ...

    async def newest(self) -> str:
        """The id of the newest message there is, by the vendor's clock. Only where it reads back."""
        ...

    async def read(
        self,
        oldest: str | None,
        cursor: str | None,
        wanted: Collection[DeliveryId],
        thread: str | None = None,
    ) -> HistoryPage:
        """A page of the messages since `oldest`, in the channel or in a thread. Only where it reads back."""
        ...

    async def check(self) -> str:
        """Try everything but a message; one line for a person."""
        ...


NOTIFIERS: dict[str, Callable[[Channel, DeliveryHabits], Notifier]] = {
    "slack": SlackNotifier,
    "webhook": WebhookNotifier,
    "console": ConsoleNotifier,
}
