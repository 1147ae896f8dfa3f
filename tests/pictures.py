"""Draws the pictures of the README: `python -m tests.pictures [chromium]`, from the root of the checkout.

Lives here: the invented messages as Slack shows them, and the real status page over an invented state. Not
here: anything pytest runs; who changes the look of either draws them again.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from alerts.alerting import Action
from alerts.notifiers.slack_page import Reader, Shown, page
from alerts.outbox import ChannelState, State
from crawler.fetches import Outcome
from crawler.sources import SourceId
from scheduler import health
from scheduler.status import Picture, SourceStanding
from tests.messages import MESSAGES, NOW, ONLY_TO_YOU, TITLE

IMAGES = Path(__file__).parents[1] / "docs" / "images"
BROWSER = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
           "--hide-scrollbars")  # fmt: skip


# --- the messages

PARIS = Reader(NOW + timedelta(minutes=25), ZoneInfo("Europe/Paris"))


def shown(name: str, minutes: int = 0, *, edited: bool = False) -> Shown:
    """One of the invented messages, so many minutes later."""
    at = NOW + timedelta(minutes=minutes)
    if name in ONLY_TO_YOU:
        return Shown(ONLY_TO_YOU[name], at, only_to_you=True)
    return Shown(MESSAGES[name], at, edited=edited, in_thread=name.startswith("reply"))


STORY = [shown("root-with-buttons"), shown("reply-aloud", 22)]
THREAD = [shown("root-edited", edited=True), shown("reply", 14), shown("reply-retitled", 23)]
OTHERS = [shown(name) for name in ("answer-why", "answer-wrong-story", "digest", "brief", "notice")]
PAGES = (("slack-alert", STORY, 590), ("slack-messages", [*THREAD, *OTHERS], 1800))


# --- the status page


class AlertRow(NamedTuple):
    """A row of the ledger, as far as the page shows it."""

    at: datetime
    title: str
    link: str
    source: str
    watch: str
    rule: str


def standing(
    name: str, ago: int, due: int, entries: int, outcome: Outcome = Outcome.NOT_MODIFIED, detail: str = ""
) -> SourceStanding:
    failing = outcome.failed
    return SourceStanding(
        id=SourceId(name.lower().replace(" ", "-")), name=name, state="failing" if failing else "ok",
        outcome=outcome.value, detail=detail, advice=outcome.advice, failures=4 if failing else 0,
        failing_since=NOW - timedelta(minutes=25) if failing else None,
        fetched_at=NOW - timedelta(seconds=ago), changed_at=None, next_due_at=NOW + timedelta(seconds=due),
        entries_24h=entries,
    )  # fmt: skip


def alert(minutes: int, title: str, source: str, rule: str) -> AlertRow:
    link = f"https://{source}.example/a"
    return AlertRow(NOW - timedelta(minutes=minutes), title, link, source, "openai-microsoft", rule)


def picture() -> Picture:
    alerts = (
        alert(1, TITLE, "courrier-du-calcul", "headline-pact"),
        alert(192, "Regulator closes its inquiry into Microsoft and OpenAI", "harbour-wire", "headline-pact"),
        alert(1630, "微软与OpenAI修订收入分成协议", "keji-chenbao", "headline-pact"),
    )
    return Picture(
        at=NOW,
        sources=(
            standing("Courrier du calcul", 60, 240, 14, Outcome.OK),
            standing("Harbour Wire", 144, 156, 61),
            standing("科技晨报", 31, 269, 22),
            standing("Tagblatt Technik", 410, 790, 0, Outcome.SERVER_ERROR, "answered 503"),
        ),
        archive={"entries": 5120, "articles": 5033, "unscreened": 0},
        verdicts_24h={"first_of_story": 2, "already_told": 5},
        decided_24h={Action.TELL: 2, Action.QUIET: 4},
        deliveries={State.WAITING: 0, State.CLAIMED: 0, State.UNCLEAR: 0, State.SENT: 23, State.DEAD: 0},
        oldest_waiting=None,
        last_sent=NOW - timedelta(seconds=58),
        channels=(
            ChannelState("news", None, None, None, 0, None),
            ChannelState("ops", None, None, None, 0, None),
        ),
        alerts=cast("tuple[Row[Any], ...]", alerts),
        silences=0,
        marks=(),
        seen_to_told={"p50": 1.4, "p95": 8.2, "max": 31.0},
    )


# --- on paper


async def shot(browser: str, address: str, name: str, width: int, height: int) -> None:
    with tempfile.TemporaryDirectory() as profile:
        target = IMAGES / name
        command = [browser, *BROWSER[1:], f"--user-data-dir={profile}", f"--window-size={width},{height}",
                   f"--screenshot={target}", address]  # fmt: skip
        process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
        if await process.wait():
            raise SystemExit(f"{browser} drew nothing")


async def main(browser: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for name, messages, height in (
            ("slack-alert", STORY, 590),
            ("slack-messages", [*THREAD, *OTHERS], 1800),
        ):
            file = Path(scratch) / f"{name}.html"
            file.write_text(page(name, messages, PARIS), encoding="utf-8")
            await shot(browser, file.as_uri(), f"{name}.png", 1200, height)
    progress = health.Progress()
    for job in ("crawl", "screen", "dispatch:news", "dispatch:ops", "heartbeat"):
        progress.note(job, NOW - timedelta(seconds=1))
    async with health.serving(("127.0.0.1", 0), picture, progress, lambda: NOW) as address:
        if address is None:
            raise SystemExit("no port on loopback")
        await shot(browser, f"http://{address[0]}:{address[1]}/", "status-page.png", 1010, 945)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium") or "chromium"))
