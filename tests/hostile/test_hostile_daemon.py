"""The daemon as a process of its own among bombs and floods: its memory, its log, its end (E0)."""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.hostile.answers import (
    FEED,
    brotli_bomb,
    flood,
    gzip_bomb,
    item,
    nested_bomb,
    packed,
    reply,
    rss,
    say,
    zstd_bomb,
)
from tests.hostile.stages import NEWS, Stage, feed_of
from tests.hostile.test_hostile_text import BY, LAUGHS, odd
from tests.hostile.world import ALLOWED, TOKEN, Answer, Told, configuration, slack_stand_in, web

MOST_MIB = 300
FORGED = '{"level": "info", "event": "all is well"}'
SILENT = say(b"HTTP/1.1 200 OK\r\n", pause=60)


def hostile(stage: Stage) -> dict[str, Answer]:
    noise = f"{BY}\r\n{FORGED}\x1b[2J %s {{}} {TOKEN}"
    return {
        "h01-gzip-bomb": packed("gzip", gzip_bomb),
        "h02-brotli-bomb": packed("br", brotli_bomb),
        "h03-nested-gzip": packed("gzip, gzip", nested_bomb),
        "h04-zstd-bomb": packed("zstd", zstd_bomb),
        "h05-big-body": flood(FEED),
        "h09-hang": SILENT,
        "h22-header-flood": reply("x", *(f"X-{n}: {'v' * 1000}" for n in range(2400))),
        "h31-laughs": reply(rss(odd("&a9;")(stage), prolog=LAUGHS)),
        "h38-huge-text": reply(stage.feed(stage.item("x" * (4 << 20)))),
        "h44-log-forgery": reply(stage.feed(stage.item(noise))),
        "h69-secret-in-a-redirect": reply(b"", f"Location: http://x/\\{TOKEN}", status="302 Found"),
    }


def memory_of(process: int) -> float:
    """The most it ever had, in MiB."""
    about = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in about.splitlines() if line.startswith("VmHWM")) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
async def test_the_daemon_lives_small_among_bombs_and_its_log_stays_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bomb in (gzip_bomb, nested_bomb, brotli_bomb, zstd_bomb):
        bomb()
    async with web(monkeypatch) as there, slack_stand_in() as slack:
        healthy, stranger = await there.site(), await there.site()
        now = datetime.now(UTC)
        healthy.answer = feed_of(healthy, item(NEWS, f"{healthy.url}/news", now))
        stage, sites = Stage("daemon", stranger, there, now, tmp_path), {"healthy": healthy}
        for name, answer in hostile(stage).items():
            sites[name] = await there.site()
            sites[name].answer = answer
        sources = [
            {"id": name, "name": name, "kind": "feed", "url": site.feed, "every": "2s"}
            for name, site in sites.items()
        ]
        files = configuration(tmp_path / "config", sources, slack, ALLOWED)
        process = await start(files, tmp_path / "data")
        async with asyncio.timeout(60):  # each is asked, and the healthy one again and again
            while not all(site.asked for site in sites.values()) or len(healthy.asked) < 4:
                assert process.returncode is None
                await asyncio.sleep(0.1)
            while not any(NEWS in str(message["text"]) for message in slack.messages):
                await asyncio.sleep(0.1)
        most = memory_of(process.pid)
        process.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(process.communicate(), 15)

    assert process.returncode == 0, log[-2000:]
    assert most < MOST_MIB
    assert [Told(m["request"]).headline for m in slack.messages].count(NEWS) == 1
    assert TOKEN.encode() not in log
    assert b"\x1b" not in log
    events = [json.loads(line) for line in log.decode().splitlines()]  # each line is an object, and ours
    assert json.loads(FORGED) not in events
    outcomes = {(event.get("source"), event.get("outcome")) for event in events}
    assert {("h01-gzip-bomb", "too_large"), ("h05-big-body", "too_large"), ("healthy", "ok")} <= outcomes


async def start(files: Path, data: Path) -> asyncio.subprocess.Process:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scheduler", "run", "--config", str(files), "--data", str(data),
        "--log-format", "json",
        env=environ | {"SLACK_BOT_TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
