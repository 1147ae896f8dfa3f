"""Whether the daemon is well, and how supervisors, monitors and people are told."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from alerts.ledger import ControlRoom, Deed
from alerts.outbox import ChannelState, State
from crawler.sources import SourceId
from scheduler.health import Progress, judge, notify_systemd, serving
from scheduler.status import HeldStanding, Picture, SourceStanding, Waiting
from scheduler.status_page import metrics, page

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def source(name: str = "heise", state: str = "ok", **more: Any) -> SourceStanding:
    return SourceStanding(
        **{
            "id": SourceId(name), "name": name, "state": state, "outcome": "not_modified", "detail": "",
            "advice": "",
            "failures": 0, "failing_since": None, "fetched_at": NOW - MINUTE, "changed_at": None,
            "next_due_at": NOW + MINUTE, "entries_24h": 3, **more,
        }
    )  # fmt: skip


def channel(name: str = "news", stopped: str | None = None) -> ChannelState:
    return ChannelState(
        id=name,
        stopped_at=NOW - MINUTE if stopped else None,
        stopped_reason=stopped,
        held_until=None,
        failures=0,
        unreadable_at=None,
    )


def alert(title: str = "A headline", link: str | None = "https://herald.example/1") -> Any:
    return SimpleNamespace(
        at=NOW - MINUTE, watch="pair", rule="core", title=title, link=link, source="herald", story="s1"
    )


def picture(**more: Any) -> Picture:
    return Picture(
        **{
            "at": NOW, "sources": (source(),), "archive": {"entries": 7}, "verdicts_24h": {"tell": 1},
            "decided_24h": {},
            "deliveries": {State.SENT: 1}, "oldest_waiting": None, "last_sent": NOW - MINUTE,
            "channels": (channel(),), "alerts": (alert(),), "silences": 0, "marks": (),
            "seen_to_told": {"p50": 1.5, "p95": None, "max": 9.0}, **more,
        }
    )  # fmt: skip


def ticking() -> Progress:
    progress = Progress()
    for job in ("crawl", "screen", "dispatch:news"):
        progress.note(job, NOW)
    return progress


# --- progress


def test_a_daemon_whose_jobs_tick_is_healthy():
    assert ticking().healthy(NOW + MINUTE)


def test_before_the_first_tick_nobody_is_told_that_all_is_well():
    assert not Progress().healthy(NOW)


@pytest.mark.parametrize("still", ["crawl", "screen"])
def test_one_job_that_stands_still_is_enough(still):
    progress = ticking()
    for job in {"crawl", "screen"} - {still}:
        progress.note(job, NOW + 10 * MINUTE)
    assert list(progress.late(NOW + 10 * MINUTE)) == [still]
    assert not progress.healthy(NOW + 10 * MINUTE)


def test_a_job_that_never_began_is_missed_too():
    progress = Progress()
    progress.note("heartbeat", NOW)
    progress.note("heartbeat", NOW + 5 * MINUTE)
    assert set(progress.late(NOW + 5 * MINUTE)) == {"crawl", "screen"}


def test_deliveries_may_take_longer_than_a_tick_of_the_crawler():
    progress = ticking()
    for job in ("crawl", "screen"):
        progress.note(job, NOW + 11 * MINUTE)
    assert "dispatch:news" not in progress.late(NOW + 9 * MINUTE)
    assert "dispatch:news" in progress.late(NOW + 11 * MINUTE)


def test_a_job_taken_out_of_the_configuration_is_not_missed():
    progress = ticking()
    progress.forget("dispatch:news")
    assert "dispatch:news" not in progress.late(NOW + 60 * MINUTE)


def test_a_clock_that_jumps_back_does_not_hide_a_standstill():  # F17
    progress = ticking()
    yesterday = NOW - timedelta(days=1)
    assert progress.healthy(yesterday)
    assert not progress.healthy(yesterday + 5 * MINUTE)


# --- the judgement


def test_all_well():
    health = judge(ticking(), picture(), NOW)
    assert health.to_json() == {
        "status": "ok",
        "reasons": [],
        "last_ticks": dict.fromkeys(["crawl", "dispatch:news", "screen"], "2026-11-24T09:00:00+00:00"),
        "oldest_waiting_s": None,
        "stopped_channels": [],
        "sources": {"total": 1, "ok": 1},
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channels": (channel(stopped="invalid_auth"),)}, "channel news is stopped: invalid_auth"),
        ({"oldest_waiting": NOW - 20 * MINUTE}, "waiting for 0:20:00"),
        ({"sources": (source("a", "failing"), source("b", "failing"))}, "no source can be read"),
    ],
)
def test_what_speaks_against_health_is_named(changes, said):
    health = judge(ticking(), picture(**changes), NOW)
    assert not health.ok
    assert said in health.reasons[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"sources": (source("a", "failing"), source("b"))},
        {"sources": ()},
        {"sources": (source("a", "new"),)},
        {"oldest_waiting": NOW - 2 * MINUTE},
    ],
)
def test_what_passes_by_itself_is_no_illness(changes):
    assert judge(ticking(), picture(**changes), NOW).ok


def test_a_database_that_does_not_answer_is_an_illness():
    assert judge(ticking(), None, NOW).to_json()["reasons"] == ["the database does not answer"]


# --- over http


@contextlib.asynccontextmanager
async def asking(draw: Callable[[], Picture], progress: Progress | None = None, clock=lambda: NOW):
    async with serving(("127.0.0.1", 0), draw, progress or ticking(), clock) as address:
        host, port = address
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
            yield session


async def test_healthz_is_200_while_all_is_well_and_503_otherwise():
    async with asking(picture) as session, session.get("/healthz") as answer:
        assert (answer.status, (await answer.json())["status"]) == (200, "ok")
    ill = picture(channels=(channel(stopped="token_revoked"),))
    async with asking(lambda: ill) as session, session.get("/healthz") as answer:
        assert (answer.status, (await answer.json())["stopped_channels"]) == (503, ["news"])


async def test_a_broken_database_leaves_healthz_answering():
    def broken() -> Picture:
        raise RuntimeError("disk image is malformed")

    async with asking(broken) as session:
        for path in ("/healthz", "/metrics", "/"):
            async with session.get(path) as answer:
                assert answer.status == (503 if path == "/healthz" else 200)
                assert "malformed" not in await answer.text()


async def test_pictures_are_not_drawn_on_every_request():
    drawn = []

    def draw() -> Picture:
        drawn.append(threading.current_thread())
        return picture()

    async with asking(draw) as session:
        await asyncio.gather(*(_get(session, path) for path in ("/healthz", "/metrics", "/") * 5))
    assert len(drawn) == 1
    assert drawn[0] is not threading.main_thread()


async def _get(session: aiohttp.ClientSession, path: str, **headers: str) -> int:
    async with session.get(path, headers=headers) as answer:
        return answer.status


async def test_only_those_three_pages_are_there_and_nothing_can_be_changed():
    async with asking(picture) as session:
        assert await _get(session, "/healthz") == 200
        assert await _get(session, "/../etc/passwd") == 404
        async with session.post("/healthz") as answer:
            assert answer.status == 405


async def test_a_foreign_name_for_our_address_is_turned_away():
    async with asking(picture) as session:
        assert await _get(session, "/", Host="rebound.example") == 421
        assert await _get(session, "/", Host="localhost:8765") == 200


async def test_the_page_allows_no_script_and_no_frame():
    async with asking(picture) as session, session.get("/") as answer:
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.content_type == "text/html"


async def test_a_port_that_is_taken_costs_the_page_and_not_the_daemon():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with serving(taken.getsockname(), picture, ticking(), lambda: NOW) as address:
            assert address is None


async def test_no_port_is_opened_where_none_is_wanted():
    async with serving(None, picture, ticking(), lambda: NOW) as address:
        assert address is None


# --- the page and the metrics

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&\x1b[2J"


class Tags(HTMLParser):
    """Tags and attributes as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def hostile_picture() -> Picture:
    return picture(
        sources=(source(HOSTILE, "failing", outcome=HOSTILE, detail=HOSTILE, advice=HOSTILE, failures=2),),
        channels=(channel(HOSTILE, stopped=HOSTILE),),
        alerts=(alert(HOSTILE, "javascript:alert(1)"), alert(HOSTILE, 'https://x.example/"><script>')),
        control=ControlRoom(None, HOSTILE),
        deeds=(Deed(1, "e", NOW, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, "done", HOSTILE),),
    )


def test_nothing_from_outside_becomes_markup():
    tags = Tags(page([HOSTILE], {HOSTILE: NOW}, hostile_picture(), NOW)).seen
    assert {"script", "img"}.isdisjoint(tag for tag, _ in tags)
    assert not [attributes for _, attributes in tags if any(name.startswith("on") for name in attributes)]
    links = [attributes["href"] for tag, attributes in tags if tag == "a"]
    assert links == ['https://x.example/"><script>']


def test_a_person_sees_at_a_glance_what_is_wrong():
    shown = page(["channel news is stopped: invalid_auth"], {"crawl": NOW}, picture(), NOW + MINUTE)
    for words in ("Tocsin: failing", "invalid_auth", "A headline", "heise", "1 minute ago", "1 sent"):
        assert words in shown


def test_the_page_says_what_waits_for_the_brief_and_the_digest() -> None:
    night = HeldStanding(HOSTILE, Waiting(1, NOW + MINUTE), None)
    shown = page([], {}, picture(held=(night,)), NOW)
    assert "1 story at 2026-11-24 09:01 UTC" in shown
    assert HOSTILE not in shown


def test_the_page_says_who_turned_what_and_whether_buttons_are_heard():
    muted = Deed(1, "e", NOW, "U0ANN", "ann", "C0NEWS", "silence", "story s1", "done", "Muted by ann.")
    shown = page([], {}, picture(control=ControlRoom(NOW), deeds=(replace(muted, undone_by="bob"),)), NOW)
    for words in ("Buttons are heard", "Muted by ann.", "taken back by bob"):
        assert words in shown


def test_the_page_can_do_without_a_database():
    assert "Tocsin: failing" in page(["the database does not answer"], {}, None, NOW)


def test_metrics_hold_the_same_figures():
    found = replace(picture(), sources=(source(), source("golem", "failing", outcome="timeout", failures=4)))
    lines = metrics(True, {"crawl": NOW}, found).splitlines()
    for line in (
        "tocsin_healthy 1",
        'tocsin_last_tick_timestamp_seconds{job="crawl"} 1795510800',
        'tocsin_sources{state="failing"} 1',
        'tocsin_source_failures{source="golem",outcome="timeout"} 4',
        'tocsin_deliveries{state="sent"} 1',
        "tocsin_oldest_waiting_seconds 0",
        'tocsin_channel_stopped{channel="news"} 0',
        'tocsin_seen_to_told_seconds{quantile="p50"} 1.5',
    ):
        assert line in lines
    assert len([line for line in lines if line.startswith("# TYPE")]) == len(
        {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")}
    )


def test_a_label_cannot_break_out_of_its_quotes():
    shown = metrics(True, {}, picture(channels=(channel('a"} 1\nevil 1\\'),)))
    assert "\nevil" not in shown
    assert 'channel="a\\"} 1\\nevil 1\\\\"' in shown


# --- systemd


@pytest.mark.parametrize("abstract", [True, False])
def test_the_service_manager_hears_the_message(tmp_path, abstract):
    name = f"@tocsin-test-{tmp_path.name}-{id(tmp_path)}" if abstract else str(tmp_path / "n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        assert notify_systemd("READY=1", {"NOTIFY_SOCKET": name})
        assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    "environ",
    [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}, {"NOTIFY_SOCKET": "vsock:2:1"}],
)
def test_without_a_service_manager_nothing_happens(environ):
    assert not notify_systemd("READY=1", environ)
