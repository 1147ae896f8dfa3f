"""Slack: one call at a time, each with a deadline, and every odd answer put into one of five classes.

Lives here: everything that knows slack-sdk. Not here: how a message looks (`slack_blocks`), what follows
from a failure (`outbox`).
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Collection, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any, NamedTuple

from aiohttp import ClientConnectorError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from alerts.channels import Channel, DeliveryHabits
from alerts.notifications import Delivery, DeliveryFailed, DeliveryId, Fault, HistoryPage, Kind, Receipt
from alerts.notifiers import slack_blocks
from alerts.notifiers.words import clean, clip
from config.reading import Secret
from crawler import urls

EMPTY = "0"  # the watermark of a channel without any message
PAGE = 200  # messages asked for at once; apps outside the marketplace get 15 whatever they ask for

_TS = re.compile(r"\d{1,12}\.\d{1,6}")

# What Slack's error codes mean for the message (docs.slack.dev/methods, 2026-08). After any other code it may
# be stored: there are new ones, and `internal_error` and `fatal_error` say so themselves.
_LIMITED = {"ratelimited", "rate_limited"}
_NOT_TAKEN = {"request_timeout", "team_added_to_org"}  # the POST came in half; the workspace is on the move
_STOPPED = {
    "access_denied",
    "accesslimited",
    "account_inactive",
    "channel_is_archived",
    "channel_not_found",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "invalid_auth",
    "is_archived",
    "message_limit_exceeded",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "not_in_channel",
    "org_login_required",
    "team_access_not_granted",
    "team_not_found",
    "two_factor_setup_required",
    "unknown_method",
}
_STOPPED_FAMILIES = ("token_", "restricted_action")
_CONTENT = {
    "invalid_arg_name",
    "invalid_arguments",
    "invalid_array_arg",
    "invalid_charset",
    "invalid_cursor",
    "invalid_form_data",
    "invalid_json",
    "invalid_post_type",
    "json_not_object",
    "markdown_text_conflict",
    "missing_post_type",
    "no_text",
    "too_many_attachments",
}
_CONTENT_FAMILIES = ("invalid_attachments", "invalid_blocks", "invalid_metadata", "metadata_", "msg_")

# The message that is to be replied to or changed is not there any more, or nobody may touch it any more.
_GONE = {
    "cannot_reply_to_message",
    "cant_update_message",
    "edit_window_closed",
    "message_not_found",
    "restricted_action_non_threadable_channel",
    "restricted_action_thread_locked",
    "thread_not_found",
}

# The SDK writes whole messages at DEBUG, and takes a logger without a level for one at DEBUG.
sdk_log = logging.getLogger(f"{__name__}.sdk")
sdk_log.setLevel(logging.INFO)


class _History(NamedTuple):
    messages: list[dict[str, Any]]  # each with a valid ts
    cursor: str | None
    has_more: bool


class SlackNotifier:
    """Tells one Slack channel."""

    reads_back = True
    threads, edits = True, True
    pace = timedelta(seconds=1)  # Slack's limit of messages in a channel, whichever way they come
    edit_pace = timedelta(seconds=2)  # 50 edits a minute are allowed to all channels of a workspace together

    def __init__(self, channel: Channel, habits: DeliveryHabits) -> None:
        self._channel = channel.channel
        self._buttons = bool(channel.buttons)
        self._deadline = habits.deadline
        self._client = web_client(channel.token, channel.api_url, habits.deadline)

    async def send(self, delivery: Delivery) -> Receipt:
        """Post or edit once. DeliveryFailed says whether Slack may have it all the same."""
        try:
            said = slack_blocks.message(delivery, buttons=self._buttons)
        except Exception as error:  # a body we cannot draw must not hold up the channel for ever
            raise DeliveryFailed(Fault.CONTENT, f"could not be drawn: {type(error).__name__}") from error
        channel = self._channel or ""
        if delivery.kind is Kind.EDIT:
            await answer_of("chat.update", self._client.chat_update(channel=channel, **said), self._deadline)
            return Receipt(delivery.thread)
        call = self._client.chat_postMessage(channel=channel, **said)
        answer = await answer_of("chat.postMessage", call, self._deadline)
        ts = answer.get("ts")
        if not isinstance(ts, str) or not _TS.fullmatch(ts):
            raise DeliveryFailed(Fault.UNKNOWN, "chat.postMessage: ok, but no ts")
        return Receipt(ts)

    async def newest(self) -> str:
        """The id of the channel's newest message: Slack's clock before anything of ours is in there."""
        return _newest(await self._history(None, limit=1)) or EMPTY

    async def read(
        self,
        oldest: str | None,
        cursor: str | None,
        wanted: Collection[DeliveryId],
        thread: str | None = None,
    ) -> HistoryPage:
        """One page of the channel's history or of a thread, and which deliveries are on it."""
        where = {"oldest": oldest, "cursor": cursor}
        given = {name: value for name, value in where.items() if value is not None}
        try:
            page = await self._history(thread, limit=PAGE, **given)
        except DeliveryFailed as failure:
            if thread is not None and failure.fault is Fault.GONE:
                return HistoryPage()  # with its root went what stood in the thread
            raise
        if page.has_more and not page.cursor:  # to take it for the end would be to send again what is there
            raise DeliveryFailed(Fault.UNKNOWN, "more messages, but no cursor")
        known = [(slack_blocks.recognised(message, wanted), message["ts"]) for message in page.messages]
        found = {delivery: ts for delivery, ts in known if delivery is not None}
        return HistoryPage(found, _newest(page), page.cursor)

    async def check(self) -> str:
        """Try token, scopes and membership without a message. One line on who answered, or DeliveryFailed."""
        who = await answer_of("auth.test", self._client.auth_test(), self._deadline)
        await self._history(None, limit=1)
        return f"{who.get('user')} in {who.get('team')}, channel {self._channel}"

    async def _history(self, thread: str | None, **where: Any) -> _History:
        given = {"inclusive": True, "include_all_metadata": True, **where}
        if thread is None:
            method = "conversations.history"
            call = self._client.conversations_history(channel=self._channel or "", **given)
        else:
            method = "conversations.replies"
            call = self._client.conversations_replies(channel=self._channel or "", ts=thread, **given)
        answer = await answer_of(method, call, self._deadline)
        messages, metadata = answer.get("messages"), answer.get("response_metadata")
        if not isinstance(messages, list) or not all(_has_ts(message) for message in messages):
            raise DeliveryFailed(Fault.UNKNOWN, f"{method}: no list of messages")
        cursor = metadata.get("next_cursor") if isinstance(metadata, Mapping) else None
        return _History(messages, cursor or None, bool(answer.get("has_more")))


def web_client(token: Secret | None, api_url: str, deadline: timedelta) -> AsyncWebClient:
    client = AsyncWebClient(
        token=token.reveal() if token else None,
        base_url=api_url,
        timeout=ceil(deadline.total_seconds()),
        # By default the SDK posts again when a connection breaks, though Slack may have the message.
        retry_handlers=[],
        logger=sdk_log,
    )
    if urls.host(api_url) in {"localhost", "127.0.0.1", "::1"}:
        client.proxy = None  # the SDK takes HTTPS_PROXY and does not know NO_PROXY
    return client


async def answer_of(
    method: str, call: Awaitable[AsyncSlackResponse], deadline: timedelta
) -> Mapping[str, Any]:
    """Awaits a call of the SDK: Slack's answer, or DeliveryFailed, whatever went wrong."""
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            answer = (await call).data
    except Exception as error:
        # All of it: aiohttp's errors come through raw, and odd JSON trips the SDK up (AttributeError …).
        raise failure_of(method, error) from error
    if not isinstance(answer, dict):
        raise DeliveryFailed(Fault.UNKNOWN, f"{method}: the answer is no object")
    return answer


def _newest(page: _History) -> str | None:
    return max((message["ts"] for message in page.messages), key=float, default=None)


def _has_ts(message: object) -> bool:
    return (
        isinstance(message, dict)
        and isinstance(message.get("ts"), str)
        and bool(_TS.fullmatch(message["ts"]))
    )


# --- what an odd answer means ---------------------------------------------------------------------


def failure_of(method: str, error: Exception) -> DeliveryFailed:
    """What the end of a call means for the message."""
    if isinstance(error, ClientConnectorError):  # refused, DNS, TLS: nothing was sent
        return DeliveryFailed(Fault.UNREACHABLE, f"{method}: no connection ({type(error).__name__})")
    if isinstance(error, TimeoutError):
        return DeliveryFailed(Fault.UNKNOWN, f"{method}: no answer before the deadline")
    if isinstance(error, SlackApiError):
        return _refusal(method, error.response)
    return DeliveryFailed(Fault.UNKNOWN, f"{method}: {type(error).__name__}")


def _refusal(method: str, response: Any) -> DeliveryFailed:
    """The response is the SDK's, or aiohttp's where the body was not JSON."""
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, Mapping) else None
    if status == 429 or code in _LIMITED:
        wait = retry_after(response.headers)
        return DeliveryFailed(Fault.LIMITED, f"{method}: too fast for Slack", wait)
    if not isinstance(code, str) or status is None or status >= 500:
        return DeliveryFailed(Fault.UNKNOWN, f"{method}: HTTP {status} without an answer from Slack")
    needed = data.get("needed") if isinstance(data, Mapping) else None
    shown = f"{code}, needs {needed}" if isinstance(needed, str) else code
    return DeliveryFailed(meaning(code), f"{method}: {clip(clean(shown), 100)}")


def meaning(code: str) -> Fault:
    """What an error code of Slack means for the message."""
    if code in _NOT_TAKEN:
        return Fault.UNREACHABLE
    if code in _GONE:
        return Fault.GONE
    if code in _STOPPED or code.startswith(_STOPPED_FAMILIES):
        return Fault.STOPPED
    if code in _CONTENT or code.startswith(_CONTENT_FAMILIES):
        return Fault.CONTENT
    return Fault.UNKNOWN


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Seconds, whole or not, or a date (against the answer's own); None if it says nothing usable."""
    said = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", said):
        return timedelta(seconds=float(said))
    try:
        wait = parsedate_to_datetime(said) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return max(wait, timedelta(0))
