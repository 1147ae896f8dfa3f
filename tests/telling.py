"""What the tests of telling share: builders, a clock to turn, and Slack stand-ins behind one face."""

import asyncio
import contextlib
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Protocol

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool

from alerts import outbox
from alerts.channels import Channel, DeliveryHabits
from alerts.dispatch import Dispatched, dispatch
from alerts.notifications import Alarm, Body, Delivery, DeliveryId, FollowUp, Item, Plainness, Sentence
from alerts.notifiers import Notifier
from alerts.notifiers.slack import SlackNotifier
from alerts.outbox import Root, State
from config.reading import Secret
from tests.slack_stand_in import SlackStandIn, complaints

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HABITS = DeliveryHabits(deadline=20 * SECOND, settle=60 * SECOND)
SHARED = Path(__file__).resolve().parents[2] / "shared" / "fakeslack"


# --- builders ---------------------------------------------------------------------------------------


def alarm(title: str = "OpenAI and Microsoft sign a new pact", **changes: Any) -> Alarm:
    given: dict[str, Any] = {
        "title_spans": (),
        "link": "https://herald.example/pact",
        "source_name": "Herald",
        "language": "en",
        "published": NOW,
        "seen": NOW,
        "sentence": Sentence("It binds OpenAI to Microsoft.", ((9, 15), (19, 28))),
        "watch": "pact",
        "watch_name": "The pact",
        "rule": "core",
    }
    return Alarm(**{"title": title, **given, **changes})


def item(title: str = "Microsoft confirms it", **changes: Any) -> Item:
    given: dict[str, Any] = {
        "link": "https://gazette.example/pact",
        "source_name": "Gazette",
        "language": "en",
        "published": NOW,
        "seen": NOW,
    }
    return Item(**{"title": title, **given, **changes})


def follow_up(*items: Item | str, **changes: Any) -> FollowUp:
    listed = tuple(item(one) if isinstance(one, str) else one for one in items) or (item(),)
    given = {"of": "OpenAI and Microsoft sign a new pact", "watch": "pact", "watch_name": "The pact"}
    return FollowUp(**{**given, "items": listed, **changes})


def delivery(body: Body | None = None, **changes: Any) -> Delivery:
    given: dict[str, Any] = {
        "id": DeliveryId("5f0c7a9e2b"),
        "channel": "news",
        "story": "s1",
        "watch": "pact",
        "plainness": Plainness.FULL,
        "attempts": 1,
    }
    return Delivery(**{"body": body or alarm(), **given, **changes})


def memory() -> Engine:
    """An empty outbox that lives as long as its engine."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    outbox.tables.create_all(engine)
    return engine


def enqueue(
    engine: Engine,
    *names: str,
    now: datetime = NOW,
    body: Body | None = None,
    channel: str = "news",
    story: str = "s1",
) -> None:
    with engine.begin() as connection:
        for name in names:
            said = body or alarm(f"OpenAI and Microsoft, part {name}")
            outbox.enqueue(connection, DeliveryId(name), channel, said, story, "pact", now)


def root_of(engine: Engine, name: str = "a1") -> Root:
    """As whoever adds to its thread finds it."""
    with engine.begin() as connection:
        record = outbox.record_of(connection, DeliveryId(name))
        assert record is not None
        return next(one for one in outbox.roots(connection, record.story or "", "pact") if one.id == name)


def reply(
    engine: Engine,
    name: str,
    *items: Item | str,
    root: str = "a1",
    now: datetime = NOW,
    wait: timedelta = timedelta(0),
    broadcast: bool = False,
) -> None:
    head = root_of(engine, root)
    with engine.begin() as connection:
        said = follow_up(*(items or (f"Part {name}",)))
        outbox.reply(connection, head, DeliveryId(name), said, now, due_at=now + wait, broadcast=broadcast)


def revise(
    engine: Engine,
    title: str,
    root: str = "a1",
    now: datetime = NOW,
    wait: timedelta = timedelta(0),
    **changes: Any,
) -> None:
    head = root_of(engine, root)
    with engine.begin() as connection:
        at = now + wait
        outbox.revise(connection, head, alarm(title, **changes), now, edit_at=at, due_at=at)


def states(engine: Engine) -> dict[str, State]:
    with engine.begin() as connection:
        return {record.id: record.state for record in outbox.records(connection)}


# --- time -------------------------------------------------------------------------------------------


class Clock:
    """A clock that only moves when it is told to, or slept on."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def once(
    engine: Engine, notifier: Notifier, clock: Clock, habits: DeliveryHabits = HABITS
) -> Dispatched:
    channel = Channel(id="news", kind="console")
    return await dispatch(engine, channel, notifier, habits, clock, Random(7), sleep=clock.sleep)


async def drain(
    engine: Engine, notifier: Notifier, clock: Clock, habits: DeliveryHabits = HABITS, most: int = 400
) -> int:
    """Tick every five seconds of the turned clock until nothing is left. Returns the seconds it took."""
    began = clock()
    for _ in range(most):
        if (await once(engine, notifier, clock, habits)).waiting == 0:
            break
        clock.pass_by(5)
    return int((clock() - began).total_seconds())


# --- Slack stand-ins behind one face ------------------------------------------------------------------


class Bench(Protocol):
    """A stand-in as the tests use it."""

    api_url: str
    webhook_url: str
    token: str
    channel: str

    async def arm(self, kind: str, **more: Any) -> None: ...
    async def configure(self, **keys: Any) -> None: ...
    async def break_token(self, error: str | None) -> None: ...
    async def break_channel(self, error: str | None) -> None: ...
    async def human(self, text: str) -> None: ...
    async def posted(self) -> list[dict[str, Any]]: ...
    async def calls(self, method: str) -> int: ...
    async def violations(self) -> int: ...
    async def complaints(self) -> list[Any]: ...


class OwnBench:
    """Our own stand-in: runs wherever the tests run."""

    def __init__(self, slack: SlackStandIn) -> None:
        self.slack = slack
        self.api_url, self.webhook_url = slack.api_url, slack.webhook_url
        self.token, self.channel = slack.token, slack.channel

    async def arm(self, kind: str, **more: Any) -> None:
        self.slack.arm(kind, **more)

    async def configure(self, **keys: Any) -> None:
        for name, value in keys.items():
            assert hasattr(self.slack, name), name
            setattr(self.slack, name, value)

    async def break_token(self, error: str | None) -> None:
        self.slack.token_error = error

    async def break_channel(self, error: str | None) -> None:
        self.slack.channel_error = error

    async def human(self, text: str) -> None:
        self.slack.store({"text": text}, bot=False)

    async def posted(self) -> list[dict[str, Any]]:
        return [message for message in self.slack.messages if message.get("bot_id")]

    async def calls(self, method: str) -> int:
        return sum(name == method for name, _ in self.slack.calls)

    async def violations(self) -> int:
        return self.slack.violations

    async def complaints(self) -> list[Any]:
        return [one for message in await self.posted() for one in complaints(message["request"])]


class SharedBench:
    """An independent stand-in beside the checkout: it must agree."""

    def __init__(self, slack: Any, lint: ModuleType) -> None:
        self.slack, self._lint = slack, lint
        self.api_url, self.webhook_url = slack.base_url, slack.webhook_url
        self.token, self.channel = slack.bot_token, "C0ALERTS"

    async def _tell(self, what: str, body: Any = None, **query: Any) -> Any:
        return await asyncio.to_thread(self.slack.ctl, what, body, **query)

    async def arm(self, kind: str, **more: Any) -> None:
        await self._tell("faults", {"faults": [{"method": "chat.postMessage", "kind": kind, **more}]})

    async def configure(self, **keys: Any) -> None:
        if keys.pop("history_rows", None):
            keys |= {"history_mode": "nonmarketplace"}
        if keys.pop("history_calls", None):
            keys |= {"tier_limits": True}
        await self._tell("config", keys)

    async def break_token(self, error: str | None) -> None:
        states = {"token_revoked": "revoked", "account_inactive": "inactive", "token_expired": "expired"}
        state = "ok" if error is None else states[error]
        await self._tell("tokens", {"token": self.token, "state": state})

    async def break_channel(self, error: str | None) -> None:
        about = {"is_archived": error == "is_archived", "is_member": error is None}
        await self._tell("channels", {"id": self.channel, "name": "alerts", **about})

    async def human(self, text: str) -> None:
        await self._tell("human", {"channel": self.channel, "text": text})

    async def posted(self) -> list[dict[str, Any]]:
        told = await self._tell("messages", channel=self.channel)
        return [message for message in told["messages"] if message["via"] != "human"]

    async def calls(self, method: str) -> int:
        return sum(call["method"] == method for call in (await self._tell("calls"))["calls"])

    async def violations(self) -> int:
        return int((await self._tell("state"))["stats"].get("retry_after_violations", 0))

    async def complaints(self) -> list[Any]:
        return list(self._lint.lint_messages(await self.posted()))


def load_shared(name: str) -> ModuleType:
    """A module from beside the checkout; the test is skipped where there is none."""
    path = SHARED / f"{name}.py"
    if not path.is_file():
        pytest.skip("no second stand-in lies beside this checkout")
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # its lint imports it by this name
        spec.loader.exec_module(module)
    return sys.modules[name]


@contextlib.asynccontextmanager
async def own_bench() -> AsyncIterator[OwnBench]:
    slack = SlackStandIn()
    await slack.start()
    try:
        yield OwnBench(slack)
    finally:
        await slack.stop()


@contextlib.asynccontextmanager
async def shared_bench() -> AsyncIterator[SharedBench]:
    module, lint = load_shared("fakeslack"), load_shared("lint")
    slack = await asyncio.to_thread(module.FakeSlack(post_interval=0, tier_limits=False).__enter__)
    try:
        yield SharedBench(slack, lint)
    finally:
        await asyncio.to_thread(slack.__exit__)
        while slack.loop.is_running():
            await asyncio.sleep(0.005)
        slack.loop.close()


BENCHES: dict[str, Callable[[], contextlib.AbstractAsyncContextManager[Bench]]] = {
    "own": own_bench,
    "shared": shared_bench,
}


def slack_channel(bench: Bench) -> Channel:
    return Channel(
        id="news", kind="slack", token=Secret(bench.token), channel=bench.channel, api_url=bench.api_url
    )


def slack_notifier(bench: Bench, deadline: float = 5.0) -> SlackNotifier:
    habits = DeliveryHabits(deadline=timedelta(seconds=deadline), settle=60 * SECOND)
    return SlackNotifier(slack_channel(bench), habits)
