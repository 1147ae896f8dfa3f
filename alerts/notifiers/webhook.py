"""Incoming webhooks of Slack and of what speaks the same (Mattermost, Rocket.Chat).

Lives here: one POST to a secret address. A webhook cannot be read back, so after an unclear answer the
message is sent again and says "possible repeat": at least once, where the Slack API gives exactly once. Not
here: how the message looks (`slack_blocks`).
"""

import re
from collections.abc import Collection
from datetime import timedelta

import aiohttp

from alerts.channels import Channel, DeliveryHabits
from alerts.notifications import Delivery, DeliveryFailed, DeliveryId, Fault, HistoryPage, Receipt
from alerts.notifiers import slack_blocks
from alerts.notifiers.slack import retry_after

MOST_BYTES = 1000  # of the answer: "ok", or an error's name

_STOPPED_STATUS = {401, 403, 404, 410}  # revoked, gone, archived: a person has to make a new one
_CONTENT_STATUS = {400, 413}


class WebhookNotifier:
    """Tells one channel by its incoming webhook."""

    reads_back = False
    threads, edits = False, False
    pace = edit_pace = timedelta(seconds=1)

    def __init__(self, channel: Channel, habits: DeliveryHabits) -> None:
        self._url = channel.url
        self._timeout = aiohttp.ClientTimeout(total=habits.deadline.total_seconds())

    async def send(self, delivery: Delivery) -> Receipt:
        try:
            said = slack_blocks.message(delivery)
        except Exception as error:  # a body we cannot draw must not hold up the channel for ever
            raise DeliveryFailed(Fault.CONTENT, f"could not be drawn: {type(error).__name__}") from error
        said.pop("metadata", None)
        status, headers, answer = await self._post(said)
        if failure := _failure(status, headers, answer):
            raise failure
        return Receipt(None)

    async def newest(self) -> str:
        raise NotImplementedError("a webhook cannot be read")

    async def read(
        self,
        oldest: str | None,
        cursor: str | None,
        wanted: Collection[DeliveryId],
        thread: str | None = None,
    ) -> HistoryPage:
        raise NotImplementedError("a webhook cannot be read")

    async def check(self) -> str:
        return "a webhook can only be tried by a message; not tried"

    async def _post(self, said: slack_blocks.Json) -> tuple[int, dict[str, str], str]:
        """Errors are named by their kind only, and cut from their cause: it may quote the secret address."""
        address = self._url.reveal() if self._url else None
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.post(address or "", json=said, allow_redirects=False) as response,
            ):
                answer = (await response.content.read(MOST_BYTES)).decode("utf-8", "replace").strip()
                return response.status, dict(response.headers), answer
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            reason = f"webhook: no connection ({type(error).__name__})"
            raise DeliveryFailed(Fault.UNREACHABLE, reason) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise DeliveryFailed(Fault.UNKNOWN, f"webhook: {type(error).__name__}") from None


def _failure(status: int, headers: dict[str, str], answer: str) -> DeliveryFailed | None:
    named = answer if re.fullmatch(r"[a-z_]{2,60}", answer) else f"HTTP {status}"
    if status in {200, 201, 204} and answer in {"ok", ""}:
        return None
    if status == 429:
        return DeliveryFailed(Fault.LIMITED, "webhook: too fast", retry_after(headers))
    if status in _STOPPED_STATUS:
        return DeliveryFailed(Fault.STOPPED, f"webhook: {named}")
    if status in _CONTENT_STATUS:
        return DeliveryFailed(Fault.CONTENT, f"webhook: {named}")
    return DeliveryFailed(Fault.UNKNOWN, f"webhook: {named}")
