"""The demo as a newcomer runs it, and what it says when Tocsin breaks a promise."""

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from alerts.notifiers.slack import SlackNotifier
from scheduler import demo

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


def start(scratch: Path, *options: str) -> "subprocess.Popen[str]":
    """The demo in a process of its own, with all it might leave behind in one place."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
    environ = kept | {"COLUMNS": "100", "TMPDIR": str(scratch), "HOME": str(scratch), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "scheduler", "demo", *options],
        cwd=scratch,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def unfolded(text: str) -> str:
    """On one line, without the frames."""
    return re.sub(r"[\s│]+", " ", text)


@pytest.mark.timeout(90)
def test_a_newcomer_sees_every_story_told_once_whatever_goes_wrong(tmp_path: Path) -> None:
    process = start(tmp_path, "--seconds", "15")
    said, errors = process.communicate(timeout=80)
    assert errors == ""
    assert process.returncode == 0
    shown = unfolded(said)
    for expected in (
        "has read its 5 feeds for the first time: 6 entries",
        "first partnership agreement”: it was there when its source was first read",
        "stays quiet: no rule holds; ",
        " holds (OpenAI, Microsoft, partnership)",
        "stays quiet: without its tracking parameters the link is one it knows",
        "stays quiet: the article has the headline of one it has told",
        "adds it to the thread of its story: it was told as “OpenAI and Microsoft extend",
        "headline changed: OpenAI and Microsoft extend their partnership to 2035 → Until 2035",
        "could not read Der Talbote (server_error: answered 503)",
        "reads Der Talbote again",
        "▌ *Microsoft* und *OpenAI* haben einen *Vertrag*",
        "answers 429: too fast",
        "keeps the message until Slack will have it",
        "has taken the message, and breaks the connection before it says so",
        "found its message in the channel, so it is sent; nothing is posted twice",
        "told 4 of 4 stories in 4 messages",
        "duplicates 0 lost 0",
    ):
        assert expected in shown
    assert said.count("Slack ▸ #news ") == 5
    assert said.count("Slack ▸ #news ▸ in the thread") == 1
    assert "\x1b" not in said
    assert list(tmp_path.iterdir()) == []


async def test_a_blind_repeat_after_an_unclear_answer_is_found_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The negative control: without looking into the channel Tocsin would post twice."""
    monkeypatch.setattr(SlackNotifier, "reads_back", False)
    said = io.StringIO()
    with pytest.raises(demo.DemoFailed, match="told 2 times: the shared revenue"):
        await demo.play(timedelta(seconds=15), Console(file=said, width=200))
    assert "duplicates  1" in said.getvalue()


def test_an_interrupt_ends_the_demo_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    while "first time" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert errors == ""
    assert list(tmp_path.iterdir()) == []


async def test_a_cancelled_demo_stops_its_daemon() -> None:
    playing = asyncio.create_task(demo.play(timedelta(seconds=15), Console(file=io.StringIO())))
    await asyncio.sleep(2)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
