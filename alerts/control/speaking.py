"""What the control room says to Slack: answers, modals, who is a member, a ticket for the socket.

Lives here: these calls, and what their failures mean. Not here: how an answer looks (`slack_forms`), what is
heard (`socket`).

Nothing of this is kept in the outbox: an answer is for a person who waits for it now.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from alerts.channels import Channel, Control
from alerts.control import slack_forms
from alerts.control.permission import Membership
from alerts.control.requests import Answer, Command, Modal, Press
from alerts.notifications import DeliveryFailed, Fault
from alerts.notifiers.slack import answer_of, sdk_log, web_client
from crawler import urls

log = structlog.get_logger(__name__)

DEADLINE = timedelta(seconds=10)  # of a call; the person who asked has turned away by then
TRIES = 3  # of an answer; Slack takes five
BETWEEN_TRIES = timedelta(seconds=1)
MEMBERS_KNOWN_FOR = timedelta(minutes=5)
MEMBERS_PAGE = 1000
MOST_PAGES = 100  # of members: a channel of more has other troubles


class Speaker:
    """Speaks to one workspace, as its configuration says."""

    def __init__(self, control: Control, channels: Mapping[str, Channel]) -> None:
        self._control = control
        slack = [channel for channel in channels.values() if channel.kind == "slack" and channel.channel]
        self._clients = {
            one.channel: web_client(one.token, control.api_url, DEADLINE) for one in slack if one.channel
        }
        self._anybody = web_client(None, control.api_url, DEADLINE)
        self._members: dict[str, tuple[datetime, frozenset[str] | Membership]] = {}

    @property
    def proxy(self) -> str | None:
        """By which the socket goes out."""
        return self._anybody.proxy

    async def ticket(self) -> str:
        """The address of a socket, good for one connection; DeliveryFailed."""
        token = self._control.app_token.reveal() if self._control.app_token else None
        call = self._anybody.apps_connections_open(app_token=token or "")
        found = await answer_of("apps.connections.open", call, DEADLINE)
        url = found.get("url")
        if not isinstance(url, str) or not url.startswith(("wss://", "ws://")):
            raise DeliveryFailed(Fault.UNKNOWN, "apps.connections.open: ok, but no address")
        return url

    # ---- to a person

    async def say(self, to: Press | Command, answer: Answer) -> None:
        """Shown to them alone. It is tried a few times and then let be: they can ask again."""
        if answer.modal is not None:
            return await self._open(to, answer.modal)
        if not self._is_slack(to.response_url):
            log.warning("answer not sent", reason="its address is not Slack's", envelope=to.envelope)
            return None
        said = slack_forms.message(answer, to)
        client = AsyncWebhookClient(
            to.response_url, timeout=int(DEADLINE.total_seconds()), retry_handlers=[], logger=sdk_log
        )
        if urls.host(to.response_url) in {"localhost", "127.0.0.1", "::1"}:
            client.proxy = None
        for number in range(1, TRIES + 1):
            reason = await _sent(client, said)
            if reason is None:
                return None
            if number < TRIES:
                await asyncio.sleep(number * BETWEEN_TRIES.total_seconds())
        log.warning("answer not sent", reason=reason, envelope=to.envelope)
        return None

    def _is_slack(self, url: str) -> bool:
        """Whoever could slip us another address would have us post what only one person shall read."""
        host = urls.host(url)
        if host == urls.host(self._control.api_url):
            return True
        return url.startswith("https://") and (host == "slack.com" or host.endswith(".slack.com"))

    async def _open(self, to: Press | Command, modal: Modal) -> None:
        client = self._client(to.place)
        try:
            shown = slack_forms.view(modal, to.place)
            await answer_of("views.open", client.views_open(trigger_id=to.trigger, view=shown), DEADLINE)
        except DeliveryFailed as failure:
            await self.say(to, Answer(f"The form cannot be shown: {failure.reason}"))

    async def fill(self, place: str, view: str, modal: Modal) -> None:
        """Puts another content into a modal that is open."""
        call = self._client(place).views_update(view_id=view, view=slack_forms.view(modal, place))
        try:
            await answer_of("views.update", call, DEADLINE)
        except DeliveryFailed as failure:  # closed meanwhile, for example
            log.warning("modal not filled", reason=failure.reason)

    def _client(self, place: str) -> AsyncWebClient:
        """The bot that speaks in this channel, or else in any."""
        return self._clients.get(place) or next(iter(self._clients.values()), self._anybody)

    # ---- who may

    async def membership(self, actor: str, place: str, now: datetime) -> Membership:
        """Are they a member of one of our channels? Of that in which they ask, first."""
        found = Membership.STRANGER
        for channel in sorted(self._clients, key=lambda one: one != place):
            members = await self._members_of(channel, now)
            if isinstance(members, Membership):
                found = members if channel == place else found
            elif actor in members:
                return Membership.MEMBER
        return found

    async def _members_of(self, channel: str, now: datetime) -> frozenset[str] | Membership:
        """Kept for some minutes; also that Slack refuses to say, but not that it did not answer."""
        at, known = self._members.get(channel, (now, Membership.UNREACHED))
        if known is Membership.UNREACHED or not timedelta(0) <= now - at < MEMBERS_KNOWN_FOR:
            self._members[channel] = now, await self._asked(channel)
        return self._members[channel][1]

    async def _asked(self, channel: str) -> frozenset[str] | Membership:
        members: set[str] = set()
        cursor = ""
        for _ in range(MOST_PAGES):
            call = self._clients[channel].conversations_members(
                channel=channel, limit=MEMBERS_PAGE, cursor=cursor or None
            )
            try:
                page = await answer_of("conversations.members", call, DEADLINE)
            except DeliveryFailed as failure:
                refused = failure.fault in {Fault.STOPPED, Fault.CONTENT}
                log.info("members not known", channel=channel, reason=failure.reason)
                return Membership.UNSAID if refused else Membership.UNREACHED
            named, after = page.get("members"), page.get("response_metadata")
            members |= {one for one in named if isinstance(one, str)} if isinstance(named, list) else set()
            cursor = str(after.get("next_cursor") or "") if isinstance(after, Mapping) else ""
            if not cursor:
                break
        return frozenset(members)


async def _sent(client: AsyncWebhookClient, said: slack_forms.Json) -> str | None:
    """None: it was taken; else why not, by kind only, since errors quote the address."""
    try:
        async with asyncio.timeout(DEADLINE.total_seconds()):
            response = await client.send_dict(said)
    except Exception as error:
        return type(error).__name__
    return None if response.status_code == 200 else f"HTTP {response.status_code}"
