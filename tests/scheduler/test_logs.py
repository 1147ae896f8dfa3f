"""Lines of the log: nobody forges one, no secret shows, and no sink stops the daemon."""

import json
import logging
import os
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
import structlog

from scheduler.logs import HIDDEN, LONGEST, Pipeline, configure, hide

TOKEN = "xoxb-1111-2222-notarealtoken"
FORGED = (
    '\n{"level":"info","event":"all_is_well"}\r\x1b[2K\x1b]0;title\x07 \u2028\u202e\x85 %s {} {0.__class__}'
)


@pytest.fixture(autouse=True)
def _restored():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("crawler", "alerts", "scheduler", "config", "apscheduler"):
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(stream: StringIO) -> list[str]:
    assert stream.getvalue().endswith("\n")
    return stream.getvalue()[:-1].split("\n")


def test_an_event_is_one_line_of_key_and_value():
    out = StringIO()
    configure("text", "info", (), out)
    structlog.get_logger("crawler.crawl").info(
        "fetched", source="heise", took=0.25, note="a b", empty="", none=None
    )
    (line,) = lines(out)
    at, rest = line.split(" ", 1)
    assert at.endswith("Z")
    assert rest == 'info fetched source=heise took=0.25 note="a b" empty="" none=null logger=crawler.crawl'


def test_as_json_an_event_is_one_object():
    out = StringIO()
    configure("json", "info", (), out)
    structlog.get_logger("crawler.crawl").warning(
        "fetch_failed", source="heise", nested={"a": [1, float("nan")]}
    )
    event = json.loads(lines(out)[0])
    assert list(event)[:3] == ["at", "level", "event"]
    assert (event["level"], event["event"], event["source"]) == ("warning", "fetch_failed", "heise")
    assert event["nested"] == {"a": [1, "nan"]}


def test_libraries_speak_through_the_same_pipe_and_only_of_trouble():
    out = StringIO()
    configure("json", "debug", (), out)
    logging.getLogger("slack_sdk.web").debug("address %s", "https://hooks")
    logging.getLogger("scrapy.core").info("idle")
    logging.getLogger("aiohttp").warning("odd %s", "header")
    structlog.get_logger("alerts.screen").debug("screened")
    assert [json.loads(line)["event"] for line in lines(out)] == ["odd header", "screened"]


def test_a_skipped_tick_is_no_news_but_a_job_that_broke_is():
    out = StringIO()
    configure("json", "debug", (), out)
    logging.getLogger("apscheduler.scheduler").warning("Execution of job skipped")
    logging.getLogger("apscheduler.executors.default").error("Job raised an exception")
    assert [json.loads(line)["event"] for line in lines(out)] == ["Job raised an exception"]


def test_a_level_keeps_lower_ones_out():
    out = StringIO()
    configure("text", "error", (), out)
    structlog.get_logger("crawler.crawl").warning("fetch_failed")
    logging.getLogger("aiohttp").warning("odd")
    structlog.get_logger("crawler.crawl").error("broken")
    assert len(lines(out)) == 1


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("place", ["event", "value", "key", "nested", "logger", "library", "exception"])
def test_what_a_source_sends_cannot_forge_a_line(form, place):  # H68
    out = StringIO()
    configure(form, "info", (), out)
    log = structlog.get_logger("crawler" if place != "logger" else f"crawler.{FORGED}")
    {
        "event": lambda: log.info(FORGED),
        "value": lambda: log.info("read", title=FORGED),
        "key": lambda: log.info("read", **{FORGED: 1}),
        "nested": lambda: log.info("read", titles=[{FORGED: FORGED}]),
        "logger": lambda: log.info("read"),
        "library": lambda: logging.getLogger("crawler.x").warning("odd: %s", FORGED),
        "exception": lambda: _log_exception(log, ValueError(FORGED)),
    }[place]()
    (line,) = lines(out)
    assert line.isprintable()
    if form == "json":
        json.loads(line)


def _log_exception(log, error):
    try:
        raise error
    except ValueError:
        log.exception("broke")


def test_a_bare_word_cannot_pose_as_another_field():
    out = StringIO()
    configure("text", "info", (), out)
    structlog.get_logger("crawler").info("read", title="x level=error", next='y"z')
    assert 'title="x level=error" next="y\\"z"' in lines(out)[0]


SHOWN_SOMEHOW = [
    TOKEN,
    "xapp-1-A1-2-abc",
    "xoxe.xoxp-1-Mi0yLT",
    "https://hooks.slack.com/services/T000/B000/verysecret",
    "Authorization: Bearer abc.def-123",
    "wss://x.slack.com/link/?ticket=verysecret&app_id=1",
    "postgresql+psycopg://tocsin:verysecret@db/tocsin",
]


@pytest.mark.parametrize("text", SHOWN_SOMEHOW)
def test_what_looks_like_a_secret_is_blanked_though_nobody_told(text):
    blanked = Pipeline().blank(f"before {text} after")
    assert HIDDEN in blanked
    assert blanked.startswith("before ")
    assert blanked.endswith(" after")
    for part in ("notareal", "verysecret", "Mi0yLT", "A1-2", "abc.def"):
        assert part not in blanked


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_configured_secret_is_blanked_wherever_it_stands(form):  # H69
    out = StringIO()
    configure(form, "info", ["hunter2hunter2", "hunter2"], out)
    hide(["after-a-reload"])
    log = structlog.get_logger("alerts")
    log.info(
        "read hunter2hunter2",
        a="x hunter2 y",
        b=["hunter2"],
        c={"hunter2": "hunter2"},
        hunter2=1,
        token="abc",
    )
    log.info("read", error=ValueError("after-a-reload"), path=Path("/hunter2"))
    _log_exception(log, ValueError("hunter2hunter2"))
    assert "hunter2" not in out.getvalue()
    assert "after-a-reload" not in out.getvalue()
    assert "abc" not in out.getvalue()


def test_a_secret_cut_in_half_by_the_length_limit_does_not_show():
    out = StringIO()
    configure("json", "info", ["hunter2hunter2"], out)
    structlog.get_logger("alerts").info("read", text="a" * (LONGEST - 7) + "hunter2hunter2")
    assert "hunter" not in out.getvalue()


def test_a_whole_article_does_not_fit_into_a_line():
    out = StringIO()
    configure("json", "info", (), out)
    structlog.get_logger("alerts").info("read", text="a" * 1_000_000)
    assert len(out.getvalue()) < LONGEST + 300


def test_a_faulty_log_call_of_a_library_is_a_line_and_no_error():
    out = StringIO()
    configure("json", "info", (), out)
    del logging.getLogger().handlers[:-1]  # pytest's own raise what ours has to bear
    logging.getLogger("aiohttp").warning("%d sockets", "many")
    assert json.loads(lines(out)[0])["event"] == "log_call_failed"


class FullDisk(StringIO):
    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_full_disk_costs_lines_and_is_told_of_afterwards():  # F29
    out = FullDisk()
    configure("json", "info", (), out)
    log = structlog.get_logger("scheduler")
    log.info("one")
    log.info("two")
    out.full = False
    log.info("three")
    log.info("four")
    events = [json.loads(line) for line in lines(out)]
    assert [e["event"] for e in events] == ["log_lines_lost", "three", "four"]
    assert events[0]["count"] == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_device_that_is_full_does_not_raise():
    with Path("/dev/full").open("w") as out:
        configure("text", "info", (), out)
        structlog.get_logger("scheduler").info("one")


def test_a_closed_stream_does_not_raise():
    out = StringIO()
    configure("text", "info", (), out)
    out.close()
    structlog.get_logger("scheduler").info("one")


SPEAKER = """
import sys, structlog, time
from scheduler.logs import configure
configure("text", "info")
for n in range(3000):
    structlog.get_logger("scheduler").info("tick", n=n, padding="x" * 100)
print("done", flush=True)
"""


@pytest.mark.parametrize("closed", [True, False])
def test_a_reader_who_leaves_or_falls_asleep_does_not_stop_the_speaker(closed):  # F29
    reading, writing = os.pipe()
    if closed:
        os.close(reading)
    started = time.monotonic()
    said = subprocess.run(
        [sys.executable, "-c", SPEAKER], stderr=writing, stdout=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writing)
    if not closed:
        os.close(reading)
    assert (said.returncode, said.stdout) == (0, b"done\n")
    assert time.monotonic() - started < 30
