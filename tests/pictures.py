"""Draws the pictures of the README: `python -m tests.pictures [chromium]`, from the root of the checkout.

Lives here: an invented alert as Slack shows its blocks, and the real status page over an invented state. Not
here: anything pytest runs; who changes the look of either draws them again.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any, NamedTuple, cast

from sqlalchemy import Row

from alerts.alerting import Action
from alerts.notifications import Alarm, Delivery, DeliveryId, Plainness, Sentence
from alerts.notifiers import slack_blocks
from alerts.outbox import ChannelState, State
from crawler.fetches import Outcome
from crawler.sources import SourceId
from scheduler import health
from scheduler.status import Picture, SourceStanding

IMAGES = Path(__file__).parents[1] / "docs" / "images"
NOW = datetime(2026, 11, 24, 9, 12, 40, tzinfo=UTC)
BROWSER = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
           "--hide-scrollbars")  # fmt: skip


# --- the alert

TITLE = "Microsoft et OpenAI prolongent leur partenariat jusqu’en 2032"
SENTENCE = (
    "Selon le communiqué publié mardi matin, Microsoft reste le premier fournisseur de calcul d’OpenAI, "
    "et l’accord perd son exclusivité."
)


def spans(text: str, *words: str) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((text.index(word), text.index(word) + len(word)) for word in words))


ALARM = Alarm(
    title=TITLE,
    title_spans=spans(TITLE, "Microsoft", "OpenAI", "partenariat"),
    link="https://www.courrier-du-calcul.example/economie/microsoft-openai-2032",
    source_name="Courrier du calcul",
    language="fr",
    published=NOW - timedelta(minutes=4),
    seen=NOW - timedelta(minutes=1),
    sentence=Sentence(SENTENCE, spans(SENTENCE, "Microsoft", "OpenAI", "accord")),
    watch="openai-microsoft",
    watch_name="OpenAI–Microsoft partnership",
    rule="headline-pact",
)
DELIVERY = Delivery(
    id=DeliveryId("7f3b1c9ad2e84f60b5a1c0de4477aa90"),
    channel="news",
    body=ALARM,
    story="s5b1f",
    watch=ALARM.watch,
    plainness=Plainness.FULL,
    attempts=1,
)

SLACK_PAGE = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; padding: 18px 20px; font: 15px/1.47 Lato, 'Noto Sans', sans-serif }
body { color: #1d1c1d; background: #fff }
.message { display: flex; gap: 9px }
.face { width: 36px; height: 36px; border-radius: 6px; background: #c0392b; color: #fff; flex: none }
.face { font: 700 21px/36px 'Noto Sans', sans-serif; text-align: center }
.who { font-weight: 900 }
.app { background: #e8e8e8; color: #616061; font-size: 10px; font-weight: 700; padding: 1px 3px }
.app { border-radius: 2px; margin: 0 6px; vertical-align: 1px }
.time { color: #616061; font-size: 12px }
a { color: #1264a3; text-decoration: none }
blockquote { margin: 4px 0; padding-left: 12px; border-left: 4px solid #ddd }
.context { color: #616061; font-size: 13px; margin-top: 6px }
.context span { margin-right: 10px }
</style><div class="message"><div class="face">t</div><div><div>
<span class="who">tocsin</span><span class="app">APP</span><span class="time">10:12</span>
</div>%s</div></div>"""


def inline(element: Mapping[str, Any]) -> str:
    text = escape(element.get("text", ""))
    if element.get("style", {}).get("bold"):
        text = f"<b>{text}</b>"
    return f'<a href="{escape(element["url"])}">{text}</a>' if element["type"] == "link" else text


def small(element: Mapping[str, str]) -> str:
    """Plain text as it is; a moment as a reader in Paris sees it."""
    if element["type"] == "plain_text":
        return escape(element["text"])
    word, _, moment = element["text"].partition(" <!date^")
    at = datetime.fromtimestamp(int(moment.partition("^")[0]), UTC) + timedelta(hours=1)
    return f"{word} Today {at:%H:%M}"


def drawn(block: Mapping[str, Any]) -> str:
    if block["type"] == "context":
        return f'<div class="context">{"".join(f"<span>{small(e)}</span>" for e in block["elements"])}</div>'
    tags = {"rich_text_section": "div", "rich_text_quote": "blockquote"}
    parts = ((tags[part["type"]], "".join(map(inline, part["elements"]))) for part in block["elements"])
    return "".join(f"<{tag}>{said}</{tag}>" for tag, said in parts)


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
        page = Path(scratch) / "alert.html"
        page.write_text(SLACK_PAGE % "".join(map(drawn, slack_blocks.blocks(DELIVERY))), encoding="utf-8")
        await shot(browser, page.as_uri(), "slack-alert.png", 760, 172)
    progress = health.Progress()
    for job in ("crawl", "screen", "dispatch:news", "dispatch:ops", "heartbeat"):
        progress.note(job, NOW - timedelta(seconds=1))
    async with health.serving(("127.0.0.1", 0), picture, progress, lambda: NOW) as address:
        if address is None:
            raise SystemExit("no port on loopback")
        await shot(browser, f"http://{address[0]}:{address[1]}/", "status-page.png", 1010, 945)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium") or "chromium"))
