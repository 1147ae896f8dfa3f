"""Draws the pictures of the manual: `python -m tests.pictures [chromium]`, from the root of the checkout.

With the fonts Lato, which is Slack's, and Noto Sans with its Chinese.

Lives here: the invented messages as Slack shows them, and the real status page over an invented state. Not
here: anything pytest runs; who changes the look of either draws them again.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from alerts.alerting import Action
from alerts.notifiers.slack_page import Reader, Shown, page
from alerts.outbox import ChannelState, State
from crawler.fetches import Outcome
from crawler.sources import SourceId
from scheduler import status_page
from scheduler.status import Picture, SourceStanding
from tests.messages import MESSAGES, NOW, ONLY_TO_YOU, TITLE

IMAGES = Path(__file__).parents[1] / "docs" / "images"
BROWSER = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
           "--hide-scrollbars")  # fmt: skip


# --- the messages

PARIS = Reader(NOW + timedelta(minutes=25), ZoneInfo("Europe/Paris"))


def shown(name: str, minutes: int = 0, *, edited: bool = False) -> Shown:
    """One of the invented messages, so many minutes later, with the buttons it has in Slack."""
    at = NOW + timedelta(minutes=minutes)
    if name in ONLY_TO_YOU:
        return Shown(ONLY_TO_YOU[name], at, only_to_you=True)
    said = MESSAGES.get(f"{name}-with-buttons", MESSAGES[name])
    return Shown(said, at, edited=edited, in_thread=name.startswith("reply"))


STORY = [shown("root"), shown("reply-aloud", 22)]
THREAD = [shown("root-edited", edited=True), shown("reply", 14), shown("reply-retitled", 23)]
OTHERS = [shown(name) for name in ("answer-why", "answer-wrong-story", "digest", "brief", "notice")]
PAGES = (("slack-alert", STORY), ("slack-messages", [*THREAD, *OTHERS]))


# --- the status page

JOBS = ("crawl", "screen", "dispatch:news", "dispatch:ops", "heartbeat")


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

_MEASURE = """<script>
addEventListener("load", () => { document.title = document.documentElement.getBoundingClientRect().height })
</script>"""


def shot(browser: str, scratch: Path, name: str, drawn: str, width: int) -> None:
    """A picture as high as its page: nothing is cut off, nothing empty hangs below."""
    file = scratch / f"{name}.html"
    file.write_text(drawn + _MEASURE, encoding="utf-8")
    seen = driven(browser, scratch, f"--window-size={width},100", "--dump-dom", file.as_uri())
    height = re.search(r"<title>([\d.]+)</title>", seen)
    if height is None:
        raise SystemExit(f"{browser} measured nothing")
    file.write_text(drawn, encoding="utf-8")
    size, target = f"{width},{ceil(float(height[1]))}", IMAGES / f"{name}.png"
    driven(browser, scratch, f"--window-size={size}", f"--screenshot={target}", file.as_uri())


def driven(browser: str, scratch: Path, *how: str) -> str:
    """The browser on one page; what it prints."""
    command = [browser, *BROWSER[1:], f"--user-data-dir={scratch / 'profile'}", *how]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(f"{browser} drew nothing")
    return done.stdout.decode("utf-8")


def main(browser: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        for name, messages in PAGES:
            shot(browser, scratch, name, page(name, messages, PARIS), 1160)
        ticked = dict.fromkeys(JOBS, NOW - timedelta(seconds=1))
        shot(browser, scratch, "status-page", status_page.page((), ticked, picture(), NOW), 1010)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else shutil.which("chromium") or "chromium")
