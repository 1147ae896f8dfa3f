"""A stand-in of Slack on loopback: as much of it as an alarm bell meets, and as strict as Slack may be.

Lives here: auth.test, chat.postMessage and chat.update, conversations.history and conversations.replies, and
an incoming webhook, with limits, faults to order (`accept`: Slack has the message and the caller will not
learn it), and a reader who complains of what Slack would take but nobody should send. Not here: what the
product should do about it.
"""

import asyncio
import json
import math
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

Json = dict[str, Any]

GARBAGE = {
    "html": b"<html><body>Sign in to the airport's network</body></html>",
    "empty": b"",
    "array": b'["ok"]',
    "null": b"null",
    "bad_utf8": b'{"ok": true, "ts": "\xfe\xff"}',
    "half_json": b'{"ok": true, "chan',
    "no_ts": b'{"ok": true}',
}


class Refused(Exception):
    def __init__(self, error: str, status: int = 200, **more: Any) -> None:
        super().__init__(error)
        self.error, self.status, self.more = error, status, more


@dataclass
class SlackStandIn:
    token: str = "xoxb-stand-in"
    channel: str = "C0NEWS"
    post_interval: float = 0.0  # least time between two messages in a channel; 0: no limit
    history_lag: float = 0.0  # how long a message is stored before the history shows it
    history_rows: int = 999
    history_calls: int = 10_000  # a minute
    clock_offset: float = 0.0
    token_error: str | None = None
    channel_error: str | None = None
    history_error: str | None = None
    messages: list[Json] = field(default_factory=list)
    updates: list[Json] = field(default_factory=list)  # arguments of each chat.update that was obeyed
    faults: list[Json] = field(default_factory=list)
    calls: list[tuple[str, str | None]] = field(default_factory=list)  # method, error or fault
    violations: int = 0  # came back before Retry-After

    # ---- life

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/hook/secret-path", self._hook)
        self._add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.api_url = f"http://127.0.0.1:{port}/api/"
        self.webhook_url = f"http://127.0.0.1:{port}/hook/secret-path"
        self._blocked: dict[str, float] = {}
        self._last_post = -math.inf
        self._history_at: list[float] = []

    def _add_routes(self, app: web.Application) -> None:
        """More of Slack, where a test needs it."""

    async def stop(self) -> None:
        await self._runner.cleanup()

    def arm(self, kind: str, *, method: str = "chat.postMessage", count: int = 1, **more: Any) -> None:
        self.faults.append({"kind": kind, "method": method, "count": count, **more})

    # ---- the methods

    def _auth_test(self, _: Json) -> Json:
        return {"user": "bell", "team": "Stand-in"}

    def _chat_post_message(self, said: Json) -> Json:
        self._limit_posts()
        need(isinstance(said.get("channel"), str), "invalid_arguments")
        need(said["channel"] == self.channel, "channel_not_found")
        need(self.channel_error is None, self.channel_error or "")
        problems = block_problems(said.get("blocks") or [])
        need(not problems, "invalid_blocks", errors=problems)
        need(bool(said.get("blocks") or str(said.get("text") or "").strip()), "no_text")
        self._check_metadata(said.get("metadata"))
        need(not said.get("thread_ts") or self._at(said["thread_ts"]) is not None, "thread_not_found")
        parts = [said.get("text") or ""]
        if not said.get("blocks"):  # Slack parts long texts; one alert becomes two
            parts = [parts[0][at : at + 4000] for at in range(0, max(1, len(parts[0])), 4000)]
        stored = [self.store({**said, "text": part}, bot=True) for part in parts]
        return {"channel": self.channel, "ts": stored[0]["ts"], "message": stored[0]}

    def _chat_update(self, said: Json) -> Json:
        message = self._at(said.get("ts"))
        if message is None:
            raise Refused("message_not_found")
        need(said["channel"] == self.channel and bool(message.get("bot_id")), "cant_update_message")
        need(self.channel_error is None, self.channel_error or "")
        problems = block_problems(said.get("blocks") or [])
        need(not problems, "invalid_blocks", errors=problems)
        need(bool(said.get("blocks") or str(said.get("text") or "").strip()), "no_text")
        need(units(said.get("text") or "") <= 4000, "msg_too_long")
        self._check_metadata(said.get("metadata"))
        message |= {name: said[name] for name in ("text", "blocks", "metadata") if name in said}
        self.updates.append(said)
        return {"channel": self.channel, "ts": message["ts"], "text": message["text"], "message": message}

    def _at(self, ts: Any) -> Json | None:
        return next((message for message in self.messages if message["ts"] == ts), None)

    def delete(self, ts: str) -> None:
        """A person does."""
        self.messages = [message for message in self.messages if message["ts"] != ts]

    @property
    def in_channel(self) -> list[Json]:
        """What a reader of the channel sees without opening a thread."""
        return [m for m in self.messages if not m.get("thread_ts") or m.get("subtype") == "thread_broadcast"]

    def thread(self, ts: str) -> list[Json]:
        """The replies below a message."""
        return [message for message in self.messages if message.get("thread_ts") == ts]

    def store(self, said: Json, *, bot: bool) -> Json:
        last = int(self.messages[-1]["ts"].replace(".", "")) if self.messages else 0
        now = max(last + 1, int((time.time() + self.clock_offset) * 1e6))
        message: Json = {
            "type": "message",
            "ts": f"{now // 10**6}.{now % 10**6:06d}",
            "text": said["text"],
            "request": said,
            "shown_at": time.monotonic() + self.history_lag,
        }
        message |= {name: said[name] for name in ("blocks", "metadata", "thread_ts") if said.get(name)}
        if said.get("reply_broadcast"):
            message["subtype"] = "thread_broadcast"
        if bot:
            message["bot_id"] = "B0BELL"
        self.messages.append(message)
        return message

    def _conversations_history(self, asked: Json) -> Json:
        return self._page(asked, self.in_channel, newest_first=True)

    def _conversations_replies(self, asked: Json) -> Json:
        root = self._at(asked.get("ts"))
        if root is None:
            raise Refused("thread_not_found")
        return self._page(asked, [root, *self.thread(root["ts"])], newest_first=False)

    def _page(self, asked: Json, messages: list[Json], *, newest_first: bool) -> Json:
        self._limit_history()
        need(asked.get("channel") == self.channel, "channel_not_found")
        need(self.channel_error is None, self.channel_error or "")
        need(self.history_error is None, self.history_error or "")
        oldest, now = float(asked.get("oldest") or 0), time.monotonic()
        rows = [m for m in messages if float(m["ts"]) >= oldest and m["shown_at"] <= now]
        rows = rows[::-1] if newest_first else rows
        cursor = asked.get("cursor")
        need(not cursor or cursor.startswith("from:"), "invalid_cursor")
        if cursor:
            rows = rows[[m["ts"] for m in rows].index(cursor.removeprefix("from:")) :]
        size = min(int(asked.get("limit") or 100), self.history_rows)
        page, more = rows[:size], rows[size:]
        hidden = {"request", "shown_at"}
        if asked.get("include_all_metadata") not in {"1", "true"}:
            hidden.add("metadata")
        following = f"from:{more[0]['ts']}" if more else ""
        shown = [{name: value for name, value in m.items() if name not in hidden} for m in page]
        return {"messages": shown, "has_more": bool(more), "response_metadata": {"next_cursor": following}}

    def _check_metadata(self, metadata: Any) -> None:
        if metadata is None:
            return
        need(
            isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str),
            "invalid_metadata_format",
        )
        payload = metadata.get("event_payload")
        need(isinstance(payload, dict) and None not in payload.values(), "invalid_metadata_schema")
        need(len(json.dumps(metadata)) <= 1024, "metadata_too_large")

    def _limit_posts(self) -> None:
        now = time.monotonic()
        if now < self._last_post + self.post_interval - 0.002:
            raise self._too_fast("chat.postMessage", max(1, math.ceil(self.post_interval)))
        self._last_post = now

    def _limit_history(self) -> None:
        now = time.monotonic()
        self._history_at = [at for at in self._history_at if at > now - 60]
        if len(self._history_at) >= self.history_calls:
            raise self._too_fast("conversations.history", math.ceil(self._history_at[0] + 60 - now))
        self._history_at.append(now)

    def _too_fast(self, method: str, seconds: int) -> Refused:
        self._blocked[method] = time.monotonic() + seconds
        return Refused("ratelimited", 429, headers={"Retry-After": str(seconds)})

    # ---- HTTP

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        said = await request.json() if request.content_type == "application/json" else dict(request.query)
        known = self._methods()

        def work() -> web.Response:
            need(request.headers.get("Authorization") == f"Bearer {self._token_for(method)}", "invalid_auth")
            need(self.token_error is None, self.token_error or "")
            need(method in known, "unknown_method")
            return web.json_response({"ok": True, **known[method](said)})

        return await self._serve(request, method, work)

    def _methods(self) -> dict[str, Callable[[Json], Json]]:
        return {
            "auth.test": self._auth_test,
            "chat.postMessage": self._chat_post_message,
            "chat.update": self._chat_update,
            "conversations.history": self._conversations_history,
            "conversations.replies": self._conversations_replies,
        }

    def _token_for(self, method: str) -> str:
        return self.token

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        said = await request.json()

        def work() -> web.Response:
            need(not block_problems(said.get("blocks") or []), "invalid_blocks", status=400)
            self.store(said, bot=True)
            return web.Response(text="ok")

        return await self._serve(request, "webhook", work)

    async def _serve(
        self, request: web.Request, method: str, work: Callable[[], web.Response]
    ) -> web.StreamResponse:
        self.violations += time.monotonic() < self._blocked.get(method, 0) - 0.02
        fault = next((f for f in self.faults if f["count"] and f["method"] == method), None)
        if fault is not None:
            fault["count"] -= 1
            if fault["kind"] == "delay":
                await asyncio.sleep(fault["seconds"])
        answer = None
        if fault is None or fault.get("accept") or fault["kind"] == "delay":
            try:
                answer = work()
            except Refused as refused:
                self.calls.append((method, refused.error))
                return self._refusal(method, refused)
        self.calls.append((method, fault and fault["kind"]))
        if fault is None or fault["kind"] == "delay":
            assert answer is not None
            return answer
        return await self._misbehave(request, method, fault)

    def _refusal(self, method: str, refused: Refused) -> web.Response:
        headers = refused.more.pop("headers", None)
        if method == "webhook":
            return web.Response(status=refused.status, text=refused.error, headers=headers)
        body = {"ok": False, "error": refused.error, **refused.more}
        return web.json_response(body, status=refused.status, headers=headers)

    async def _misbehave(self, request: web.Request, method: str, fault: Json) -> web.StreamResponse:
        match fault["kind"]:
            case "error":
                return web.json_response(
                    {"ok": False, "error": fault["error"]}, status=fault.get("status", 200)
                )
            case "http":
                text = fault.get("body", "upstream")
                return web.Response(status=fault["status"], text=text, headers=fault.get("headers"))
            case "ratelimit":
                said = fault.get("retry_after")
                if isinstance(said, int | float):
                    self._blocked[method] = time.monotonic() + said
                headers = {} if said is None else {"Retry-After": str(said)}
                return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
            case "garbage":
                return web.Response(body=GARBAGE[fault["variant"]], content_type="application/json")
            case "hang":
                await asyncio.sleep(fault.get("seconds", 30))
            case "truncate":
                half = web.StreamResponse(
                    headers={"Content-Type": "application/json", "Content-Length": "60"}
                )
                await half.prepare(request)
                await half.write(b'{"ok": true, "channel": "C0')
        assert request.transport is not None
        if fault["kind"] == "reset":
            no_linger = struct.pack("ii", 1, 0)
            request.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, no_linger
            )
        request.transport.abort()
        return web.Response()


def need(condition: bool, error: str, status: int = 200, **more: Any) -> None:
    if not condition:
        raise Refused(error, status, **more)


# --- Block Kit, as far as alarms use it -------------------------------------------------------------

STYLES = {"bold", "italic", "strike", "code"}


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2  # a lone surrogate is an error here, as it is in UTF-8


def block_problems(blocks: list[Json]) -> list[str]:
    """What Slack would refuse, and any part of Block Kit that an alarm has no reason to use."""
    found = [] if len(blocks) <= 50 else ["more than 50 blocks"]
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    found += ["block_id twice"] if len(set(ids)) < len(ids) else []
    found += [f"block_id {one!r}" for one in ids if not 0 < units(one) <= 255]
    for block in blocks:
        extra = set(block) - {"type", "block_id", "elements", *INPUT_KEYS.get(block.get("type", ""), ())}
        found += [f"unknown keys {extra}"] if extra else []
        check = CHECKS.get(block.get("type", ""))
        found += check(block) if check else [f"unknown block {block.get('type')}"]
    return found


PARTS = {"rich_text_section", "rich_text_quote", "rich_text_preformatted"}


def _rich_text(block: Json) -> list[str]:
    found = [] if block["elements"] else ["rich_text without elements"]
    for part in _sections(block["elements"]):
        if part["type"] not in PARTS or not part["elements"]:
            found.append(f"odd part {part['type']}")
        for element in part["elements"]:
            keys = {"text": {"type", "text", "style"}, "link": {"type", "text", "style", "url"}}
            if set(element) - keys.get(element["type"], set()):
                found.append(f"odd element {element}")
            if not 0 < units(element["text"]) <= 3000:
                found.append("element text of wrong length")
            if set(element.get("style", {})) - STYLES:
                found.append("odd style")
            if element["type"] == "link" and not valid_address(element["url"]):
                found.append(f"odd url {element['url']!r}")
    return found


def _sections(parts: list[Json]) -> Iterator[Json]:
    """The parts that hold text; those of a list are its items."""
    for part in parts:
        if part["type"] == "rich_text_list" and part["style"] == "bullet" and part["elements"]:
            yield from part["elements"]
        else:
            yield part


def _context(block: Json) -> list[str]:
    found = [] if 1 <= len(block["elements"]) <= 10 else ["wrong number of context elements"]
    for element in block["elements"]:
        keys = {"plain_text": {"type", "text", "emoji"}, "mrkdwn": {"type", "text", "verbatim"}}
        if set(element) - keys.get(element["type"], set()):
            found.append(f"odd element {element}")
        if not 0 < units(element["text"]) <= 3000:
            found.append("context text of wrong length")
    return found


def _actions(block: Json) -> list[str]:
    found = [] if 1 <= len(block["elements"]) <= 25 else ["wrong number of buttons"]
    ids = [element.get("action_id") for element in block["elements"]]
    found += ["action_id twice"] if len(set(ids)) < len(ids) else []
    for element in block["elements"]:
        kind = element.get("type")
        known = {
            "button": {"type", "action_id", "text", "value", "accessibility_label"},
            "static_select": {"type", "action_id", "placeholder", "options"},
        }.get(kind, set())
        found += [f"odd element {element}"] if set(element) - known else []
        found += [] if 0 < units(element["action_id"]) <= 255 else ["action_id of wrong length"]
        if kind == "button":
            found += _label(element["text"], 75)
            aloud = units(element.get("accessibility_label", "x"))
            found += [] if 0 < aloud <= 75 else ["accessibility_label of wrong length"]
            found += [] if 0 < units(element.get("value", "x")) <= 2000 else ["value of wrong length"]
        elif kind == "static_select":
            found += _label(element["placeholder"], 150)
            found += [] if 1 <= len(element["options"]) <= 100 else ["wrong number of options"]
            for option in element["options"]:
                found += _label(option["text"], 75)
                found += [] if 0 < units(option["value"]) <= 150 else ["option of wrong length"]
    return found


def _label(text: Json, most: int) -> list[str]:
    plain = text["type"] == "plain_text" and 0 < units(text["text"]) <= most
    return [] if plain else [f"odd label {text}"]


def _input(block: Json) -> list[str]:
    box = block["element"]
    found = _label(block["label"], 2000) if block.get("block_id") else ["input without a name"]
    found += [] if box["type"] == "plain_text_input" and box["action_id"] else ["odd input"]
    return found + (_label(box["placeholder"], 150) if "placeholder" in box else [])


CHECKS = {"rich_text": _rich_text, "context": _context, "actions": _actions, "input": _input}
INPUT_KEYS = {"input": ("label", "element")}


def view_problems(view: Json) -> list[str]:
    """What Slack would refuse of a modal."""
    found = block_problems(view["blocks"]) + _label(view["title"], 24) + _label(view["close"], 24)
    needs_submit = any(block["type"] == "input" for block in view["blocks"])
    if needs_submit:
        found += _label(view["submit"], 24) if "submit" in view else ["input without submit"]
    found += [] if units(view["private_metadata"]) <= 3000 and view["type"] == "modal" else ["odd modal"]
    return found


def valid_address(url: str) -> bool:
    return bool(re.fullmatch(r"https?://[^\s<>|/?#]+[^\s<>|]*", url)) and units(url) <= 3000


# --- what Slack takes, but nobody should send -------------------------------------------------------

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
ACTIVE = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
KNOWN_ARGUMENTS = {"channel", "text", "blocks", "metadata", "mrkdwn", "unfurl_links", "unfurl_media",
                   "thread_ts", "reply_broadcast"}  # fmt: skip
UPDATE_ARGUMENTS = {"channel", "ts", "text", "blocks", "metadata", "parse"}


def complaints(said: Json) -> list[str]:
    """What is wrong with the arguments of one message."""
    editing = "ts" in said
    known = UPDATE_ARGUMENTS if editing else KNOWN_ARGUMENTS
    found = [f"argument {name}" for name in set(said) - known]
    if not editing and (said.get("unfurl_links") is not False or said.get("unfurl_media") is not False):
        found.append("unfurls")
    if not editing and said.get("mrkdwn") is not False:
        found.append("markup of a headline would be obeyed")
    if not str(said.get("text") or "").strip() or units(said["text"]) > 3000:
        found.append("text missing or too long")
    for text, parsed in _texts(said):
        if UNSEEN.search(text.replace("\n", "")):
            found.append(f"unseen character in {text!r}")
        found += list(_markup_problems(text)) if parsed else []
    for link in _links(said.get("blocks") or []):
        label = re.match(
            r"(?:https?://)?(?:www\.)?((?:[\w-]+\.)+[a-z]{2,})(?:[/:?#]|$)", link["text"].strip().lower()
        )
        if label and label[1].isascii() and not label[1].replace(".", "").isdigit():
            host = (urlsplit(link["url"]).hostname or "").removeprefix("www.")
            found += [f"label {link['text']!r} for {link['url']!r}"] if label[1] != host else []
    return found


def _texts(said: Json) -> Iterator[tuple[str, bool]]:
    """Everything a reader sees, and whether Slack parses it."""
    yield said["text"], True
    todo: list[Any] = list(said.get("blocks") or [])
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            if isinstance(node.get("text"), str):
                yield node["text"], node["type"] == "mrkdwn"
            todo += [value for value in node.values() if isinstance(value, dict | list)]
        elif isinstance(node, list):
            todo += node


def _markup_problems(text: str) -> Iterator[str]:
    for token in ACTIVE.finditer(text):
        target = token[1]
        if not target.startswith("!date^") and not valid_address(target):
            yield f"{token[0]!r} acts"
        if not target.startswith("!") and token[2]:
            yield f"{token[0]!r} has a label"
    rest = ACTIVE.sub("", text)
    if "<" in rest or ">" in rest or re.search(r"&(?!amp;|lt;|gt;)", text):
        yield f"unescaped: {text!r}"


def _links(node: Any) -> Iterator[Json]:
    if isinstance(node, list):
        for one in node:
            yield from _links(one)
    elif isinstance(node, dict):
        if node.get("type") == "link":
            yield node
        else:
            yield from _links(list(node.values()))
