"""The rest of the stand-in of Slack: Socket Mode, answers to a response_url, modals, members.

Lives here: apps.connections.open and its socket, with duplicates, garbage, disconnects hard and soft, and
acknowledgements counted by the clock; what somebody who presses and types would send. Not here: messages
(`slack_stand_in`).
"""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType, web

from tests.slack_stand_in import Json, Refused, SlackStandIn, block_problems, need, view_problems

__all__ = ["ClientWebSocketResponse", "SocketStandIn"]

ACK_WITHIN = 3.0  # what Slack grants
TRIGGER_LIVES = 3.0
MOST_ANSWERS = 5


@dataclass
class SocketStandIn(SlackStandIn):
    app_token: str = "xapp-stand-in"
    members: list[str] | None = field(default_factory=lambda: ["U0ANN", "U0BOB"])  # None: we may not ask
    members_page: int = 1000
    tickets: set[str] = field(default_factory=set)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    greetings: int = 0
    acks: dict[str, list[tuple[float, Json]]] = field(default_factory=dict)  # envelope → seconds, payload
    sent_at: dict[str, float] = field(default_factory=dict)
    answers: list[Json] = field(default_factory=list)  # what came to a response_url
    answered: dict[str, int] = field(default_factory=dict)  # response_url → how often
    triggers: dict[str, float] = field(default_factory=dict)
    views: dict[str, Json] = field(default_factory=dict)  # id → as it is shown

    def _add_routes(self, app: web.Application) -> None:
        app.router.add_get("/link", self._link)
        app.router.add_post("/actions/{id}", self._response_url)

    def _methods(self) -> dict[str, Callable[[Json], Json]]:
        return {
            **super()._methods(),
            "apps.connections.open": self._open_connection,
            "conversations.members": self._members,
            "views.open": self._open_view,
            "views.update": self._update_view,
        }

    def _token_for(self, method: str) -> str:
        return self.app_token if method == "apps.connections.open" else self.token

    async def stop(self) -> None:
        for socket in list(self.sockets):
            await socket.close()
        await super().stop()

    # ---- methods

    def _open_connection(self, _: Json) -> Json:
        ticket = uuid.uuid4().hex
        self.tickets.add(ticket)
        return {"url": self.api_url.replace("http://", "ws://").replace("/api/", f"/link?ticket={ticket}")}

    def _members(self, asked: Json) -> Json:
        if self.members is None:
            raise Refused("missing_scope", needed="channels:read")
        need(asked.get("channel") == self.channel, "channel_not_found")
        start = int(asked.get("cursor") or 0)
        page = self.members[start : start + self.members_page]
        more = start + self.members_page < len(self.members)
        cursor = str(start + self.members_page) if more else ""
        return {"members": page, "response_metadata": {"next_cursor": cursor}}

    def _open_view(self, said: Json) -> Json:
        opened = self.triggers.pop(str(said.get("trigger_id")), None)
        need(opened is not None and time.monotonic() - opened < TRIGGER_LIVES, "expired_trigger_id")
        return self._put_view(f"V{len(self.views)}", said)

    def _update_view(self, said: Json) -> Json:
        need(said.get("view_id") in self.views, "not_found")
        return self._put_view(said["view_id"], said)

    def _put_view(self, name: str, said: Json) -> Json:
        view = said["view"] if isinstance(said["view"], dict) else json.loads(said["view"])
        problems = view_problems(view)
        need(not problems, "invalid_arguments", response_metadata={"messages": problems})
        self.views[name] = view
        return {"view": {"id": name, **view}}

    async def _response_url(self, request: web.Request) -> web.StreamResponse:
        said = await request.json()

        def work() -> web.Response:
            uses = self.answered[request.match_info["id"]] = self.answered[request.match_info["id"]] + 1
            need(uses <= MOST_ANSWERS, "used_url", status=404)
            problems = block_problems(said.get("blocks") or [])
            need(not problems, "invalid_blocks", status=500, errors=problems)
            self.answers.append(said)
            return web.Response(text="ok")

        return await self._serve(request, "response_url", work)

    # ---- the socket

    async def _link(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=5)
        await socket.prepare(request)
        if request.query.get("ticket") not in self.tickets:  # good for one connection
            await socket.close(code=4000)
            return socket
        self.tickets.remove(request.query["ticket"])
        self.sockets.append(socket)
        await socket.send_json({"type": "hello", "num_connections": len(self.sockets)})
        self.greetings += 1
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._acknowledged(json.loads(frame.data))
        finally:
            self.sockets.remove(socket)
        return socket

    def _acknowledged(self, said: Json) -> None:
        name = said["envelope_id"]
        took = time.monotonic() - self.sent_at[name]
        self.acks.setdefault(name, []).append((took, said.get("payload") or {}))

    async def connected(self, times: int = 1) -> None:
        """Until somebody listens, for the so-and-so-manieth time."""
        await eventually(lambda: self.greetings >= times and bool(self.sockets))

    async def hang_up(self, *, hard: bool, reason: str = "refresh_requested") -> None:
        for socket in list(self.sockets):
            if not hard:
                await socket.send_json({"type": "disconnect", "reason": reason})
            elif socket._writer is not None:
                transport = socket._writer.transport
                if transport is not None:
                    transport.abort()

    async def push(self, kind: str, payload: Json, envelope: str | None = None) -> str:
        """Sends an envelope by the newest connection; its id."""
        name = envelope or uuid.uuid4().hex
        self.sent_at[name] = time.monotonic()
        said = {"envelope_id": name, "type": kind, "payload": payload, "accepts_response_payload": True}
        await self.sockets[-1].send_json(said)
        return name

    async def acknowledged(self, envelope: str, times: int = 1) -> Json:
        """Until it is; what came with it."""
        await eventually(lambda: len(self.acks.get(envelope, ())) >= times)
        return self.acks[envelope][-1][1]

    # ---- people

    def _asking(self, channel: str | None) -> Json:
        name, trigger = uuid.uuid4().hex, uuid.uuid4().hex
        self.answered[name] = 0
        self.triggers[trigger] = time.monotonic()
        url = self.api_url.replace("/api/", f"/actions/{name}")
        return {"response_url": url, "trigger_id": trigger, "channel": channel or self.channel}

    def pressing(
        self, action: str, value: str, *, user: str = "U0ANN", channel: str | None = None, **more: Any
    ) -> Json:
        """The payload of a press."""
        asking = self._asking(channel)
        place = asking.pop("channel")
        name = user.removeprefix("U0").lower()
        done = {"action_id": action, "type": "button", "value": value}
        if more.pop("chosen", False):
            done = {"action_id": action, "type": "static_select", "selected_option": {"value": value}}
        return {
            "type": "block_actions",
            "user": {"id": user, "username": name},
            "channel": {"id": place, "name": "news"},
            "container": {"type": "message", "channel_id": place, "message_ts": "1.0", **more},
            "actions": [done],
            **asking,
        }

    async def press(self, action: str, value: str, *, envelope: str | None = None, **more: Any) -> Json:
        """Somebody presses and waits for the answer."""
        return await self._answer("interactive", self.pressing(action, value, **more), envelope)

    def typing(self, text: str, *, user: str = "U0ANN", channel: str | None = None) -> Json:
        """The payload of `/tocsin …`."""
        asking = self._asking(channel)
        place = asking.pop("channel")
        name = user.removeprefix("U0").lower()
        typed = {"command": "/tocsin", "text": text, "user_id": user, "user_name": name, "channel_id": place}
        return {**typed, **asking}

    async def type(self, text: str, **more: Any) -> Json:
        """Somebody types `/tocsin …` and waits for the answer."""
        return await self._answer("slash_commands", self.typing(text, **more))

    async def submit(self, view: str, fields: dict[str, str], *, user: str = "U0ANN") -> Json:
        """Somebody sends a modal; what the acknowledgement says."""
        shown = self.views[view]
        values = {
            name: {"tocsin:field": {"type": "plain_text_input", "value": v}} for name, v in fields.items()
        }
        payload = {
            "type": "view_submission",
            "user": {"id": user, "username": "ann"},
            "view": {"id": view, **{n: shown[n] for n in ("callback_id", "private_metadata")},
                     "state": {"values": values}},
        }  # fmt: skip
        said = await self.acknowledged(await self.push("interactive", payload))
        if said.get("response_action") == "update":
            self._put_view(view, said)
        return said

    async def _answer(self, kind: str, payload: Json, envelope: str | None = None) -> Json:
        before = len(self.answers)
        await self.acknowledged(await self.push(kind, payload, envelope))
        await eventually(lambda: len(self.answers) > before)
        return self.answers[before]

    @property
    def slowest_ack(self) -> float:
        return max(took for times in self.acks.values() for took, _ in times)


async def eventually(holds: Callable[[], bool], within: float = 10.0) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.01)


def words(said: Json) -> str:
    """All the words of an answer or a modal."""
    found: list[str] = []
    todo: list[Any] = list(said["blocks"])
    while todo:
        node = todo.pop(0)
        if isinstance(node, dict):
            if isinstance(node.get("text"), str):
                found.append(node["text"])
            todo = [v for v in node.values() if isinstance(v, dict | list)] + todo
        elif isinstance(node, list):
            todo = node + todo
    return " ".join(found)


def buttons(said: Json) -> dict[str, Json]:
    """The buttons and choices of a message, by what they ask for."""
    rows = [block for block in said["blocks"] if block["type"] == "actions"]
    return {e["action_id"].removeprefix("tocsin:"): e for row in rows for e in row["elements"]}
