"""A small stand-in for Slack: one channel that takes messages, shows them, and sometimes answers badly.

Lives here: the methods Tocsin uses, and what a reader would see of a message. Its bad answers are the two
that count: "too fast", and the connection that breaks after the message was taken. Not here: how a terminal
draws it (`narrator`), when it answers badly (`story`).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from scheduler.demo.story import Mood

CHANNEL = "C0DEMO00001"
TOKEN = "xoxb-demo"  # noqa: S105  opens nothing

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of a line."""

    text: str
    bold: bool = False
    link: str | None = None


Line = tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is in the channel."""

    ts: str
    posted: Json  # as it came, blocks and metadata included

    @property
    def in_thread(self) -> bool:
        """Does it stand below another?"""
        return "thread_ts" in self.posted

    def mentions(self, address: str) -> bool:
        """Does it lead to this address? Also with parameters behind it."""
        return any(
            word.link and word.link.partition("?")[0] == address for line in self.lines for word in line
        )

    @property
    def lines(self) -> list[Line]:
        """What a reader sees: the blocks, or the text where there are none."""
        blocks = self.posted.get("blocks")
        if blocks:
            return [line for block in blocks for line in _block(block)]
        return [(Words(line),) for line in str(self.posted.get("text", "")).splitlines()]


@dataclass(slots=True)
class Slack:
    """The workspace. `shown` hears of each message, `grumbled` of each bad answer."""

    clock: Callable[[], datetime]
    retry_after: int = 2  # seconds
    shown: Callable[[Message], None] = lambda _: None
    grumbled: Callable[[Mood], None] = lambda _: None
    messages: list[Message] = field(default_factory=list)
    looked: int = 0  # how often somebody read the channel's history
    moods: dict[str, Mood] = field(default_factory=dict)  # address → how its first message is answered
    _last: int = 0

    def annoy(self, address: str, mood: Mood) -> None:
        self.moods[address] = mood

    def about(self, addresses: Sequence[str]) -> list[Message]:
        """The messages, replies aside, that lead to one of these addresses."""
        return [message for message in self.roots if any(message.mentions(a) for a in addresses)]

    @property
    def roots(self) -> list[Message]:
        return [message for message in self.messages if not message.in_thread]

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/api/chat.postMessage", self._post),
                web.post("/api/chat.update", self._update),
                web.get("/api/conversations.history", self._history),
                web.get("/api/conversations.replies", self._history),
            ]
        )
        return app

    # ---- chat.postMessage

    async def _post(self, request: web.Request) -> web.StreamResponse:
        posted = await request.json()
        refused = _refusal(request, posted.get("channel"))
        if refused is None and not posted.get("text") and not posted.get("blocks"):
            refused = "no_text"
        if refused is not None:
            return _not_ok(refused)
        message = Message(self._next_ts(), posted)
        mood = self._mood(message)
        if mood == "too fast":
            self.grumbled(mood)
            return _too_fast(self.retry_after)
        self.messages.append(message)
        self.shown(message)
        if mood == "hangs up":
            self.grumbled(mood)
            if request.transport is not None:
                request.transport.abort()
        return web.json_response({"ok": True, "channel": CHANNEL, "ts": message.ts})

    async def _update(self, request: web.Request) -> web.StreamResponse:
        changed = await request.json()
        refused = _refusal(request, changed.get("channel"))
        found = next((at for at, one in enumerate(self.messages) if one.ts == changed.get("ts")), None)
        if refused is None and found is None:
            refused = "message_not_found"
        if refused is not None or found is None:
            return _not_ok(refused or "fatal_error")
        before = self.messages[found]
        self.messages[found] = Message(before.ts, {**before.posted, **changed})
        return web.json_response({"ok": True, "channel": CHANNEL, "ts": before.ts})

    def _mood(self, message: Message) -> Mood | None:
        """Each mood is shown once."""
        for address in self.moods:
            if message.mentions(address):
                return self.moods.pop(address)
        return None

    def _next_ts(self) -> str:
        """Slack names a message by its time; no two are alike."""
        self._last = max(self._last + 1, int(self.clock().timestamp() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    # ---- conversations.history

    async def _history(self, request: web.Request) -> web.StreamResponse:
        refused = _refusal(request, request.query.get("channel"))
        if refused is not None:
            return _not_ok(refused)
        self.looked += 1
        oldest, limit = float(request.query.get("oldest", "0")), int(request.query.get("limit", "100"))
        thread = request.query.get("ts")
        told = [m for m in self.messages if thread in {None, m.ts, m.posted.get("thread_ts")}]
        found = [m for m in reversed(told) if float(m.ts) >= oldest]
        shown = [{"type": "message", "bot_id": "B0DEMO", "ts": m.ts, **m.posted} for m in found[:limit]]
        return web.json_response({"ok": True, "messages": shown, "has_more": len(found) > limit})


def _refusal(request: web.Request, channel: object) -> str | None:
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        return "invalid_auth"
    return None if channel == CHANNEL else "channel_not_found"


def _not_ok(error: str) -> web.StreamResponse:
    return web.json_response({"ok": False, "error": error})


def _too_fast(seconds: int) -> web.StreamResponse:
    body = json.dumps({"ok": False, "error": "ratelimited"})
    headers = {"Retry-After": str(seconds)}
    return web.Response(status=429, text=body, content_type="application/json", headers=headers)


# --- what a reader sees of a message

_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")


def _block(block: Mapping[str, Any]) -> Iterator[Line]:
    if block["type"] == "rich_text":
        for part in block["elements"]:
            mark = (Words("▌ "),) if part["type"] == "rich_text_quote" else ()
            yield (*mark, *(_rich(element) for element in part["elements"]))
    elif block["type"] == "context":
        yield (Words(" · ".join(_small(element) for element in block["elements"])),)


def _rich(element: Mapping[str, Any]) -> Words:
    bold = bool(element.get("style", {}).get("bold"))
    return Words(element.get("text") or element.get("url", ""), bold, element.get("url"))


def _small(element: Mapping[str, Any]) -> str:
    """A date is shown in the reader's zone by Slack; here it is shown as its fallback, which is in UTC."""
    return _DATE.sub(lambda found: found[1], str(element.get("text", "")))
