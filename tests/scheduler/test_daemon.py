"""The daemon: who may run, and what a reload changes."""

from datetime import datetime
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine

from alerts import ledger, outbox
from alerts.marks import Judgement, Ruling
from alerts.outbox import State
from alerts.screen import screen
from scheduler.daemon import Daemon
from scheduler.settings import load
from scheduler.sole import AlreadyRunning, sole_daemon_of, sole_instance
from tests.builders import HOUR, MINUTE, NOW, article, entry, source
from tests.crawler.test_archive import Book
from tests.telling import Clock, enqueue

WATCHES = "watches: [{id: pact, channels: [news], rules: [{id: core, level: alert, query: OpenAI}]}]\n"
SOURCES = "sources: [{id: herald, kind: feed, url: 'http://127.0.0.1:9/feed'}]\n"
CHANNELS = "channels: [{id: news, kind: console}, {id: ops, kind: console}]\nops: ops\n"


@pytest.fixture
async def daemon(engine: Engine, tmp_path: Path) -> Daemon:
    directory = tmp_path / "config"
    directory.mkdir()
    for name, text in (("watches", WATCHES), ("sources", SOURCES), ("channels", CHANNELS)):
        (directory / f"{name}.yaml").write_text(text)
    return Daemon(load(directory, {}), engine, {})


def test_a_data_directory_has_one_daemon(tmp_path: Path) -> None:
    with sole_instance(tmp_path), pytest.raises(AlreadyRunning, match="holds"), sole_instance(tmp_path):
        pass
    with sole_instance(tmp_path):
        pass


def test_a_postgresql_database_has_one_daemon(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        pytest.skip("a SQLite database lies in its data directory")
    with sole_daemon_of(engine), pytest.raises(AlreadyRunning, match="holds"), sole_daemon_of(engine):
        pass
    with sole_daemon_of(engine):
        pass


def rewrite(daemon: Daemon, name: str, text: str) -> None:
    (daemon.settings.directory / name).write_text(text)
    daemon.reload()


def waiting(daemon: Daemon) -> list[str]:
    with daemon.engine.connect() as connection:
        return [r.body.title for r in outbox.records(connection, states=[State.WAITING])]


async def test_a_reload_exchanges_sources_and_rules(daemon: Daemon) -> None:
    rewrite(daemon, "sources.yaml", SOURCES.replace("herald", "gazette"))
    assert list(daemon.jobs.rulebook.sources) == ["gazette"]


async def test_a_start_and_a_reload_write_down_what_the_rules_make_of_the_marks(daemon: Daemon) -> None:
    with daemon.engine.begin() as connection:
        for n, title in enumerate(["OpenAI signs", "Microsoft signs"], 1):
            ledger.keep_mark(
                connection, "pact", article(title, id=n), Judgement.RELEVANT, Ruling("quiet"), "ann", "", NOW
            )
    daemon._prepare()
    assert rulings(daemon) == ["alert", "quiet"]
    rewrite(daemon, "watches.yaml", WATCHES.replace("OpenAI", "Microsoft").replace("alert", "digest"))
    assert rulings(daemon) == ["quiet", "digest"]
    rewrite(daemon, "watches.yaml", WATCHES.replace("OpenAI", "(OpenAI"))
    assert rulings(daemon) == ["quiet", "digest"]


async def test_a_digest_goes_out_once_at_the_time_of_its_channel_and_a_reload_moves_it(
    daemon: Daemon,
) -> None:
    daily = CHANNELS.replace("kind: console}", "kind: console, digest: {at: 'TIME'}}", 1)
    rewrite(daemon, "channels.yaml", daily.replace("TIME", "13:00"))
    rewrite(daemon, "watches.yaml", WATCHES.replace("alert", "digest"))
    clock = daemon.jobs.clock = Clock(NOW)
    hold(daemon, "OpenAI talks", clock())
    tick_until(daemon, clock, NOW + 50 * MINUTE)
    assert waiting(daemon) == []
    tick_until(daemon, clock, NOW + 2 * HOUR)
    assert waiting(daemon) == ["1 story held for the digest"]
    rewrite(daemon, "channels.yaml", daily.replace("TIME", "15:00"))
    hold(daemon, "OpenAI goes on talking", clock())
    tick_until(daemon, clock, NOW + 4 * HOUR)
    assert waiting(daemon) == ["1 story held for the digest"] * 2


async def test_the_brief_comes_when_quiet_ends_and_at_once_when_the_hours_are_taken_out(
    daemon: Daemon,
) -> None:
    quiet = 'kind: console, quiet: {from: "11:00", to: "13:00"}'
    rewrite(daemon, "channels.yaml", CHANNELS.replace("kind: console", quiet, 1))
    clock = daemon.jobs.clock = Clock(NOW)
    hold(daemon, "OpenAI talks", clock())
    daemon.jobs.brief()
    assert waiting(daemon) == []
    clock.pass_by(3600)
    daemon.jobs.brief()
    daemon.jobs.brief()
    assert waiting(daemon) == ["While it was quiet (11:00–13:00): 1 story"]
    clock.now = NOW + 23 * HOUR
    hold(daemon, "OpenAI goes on talking", clock())
    rewrite(daemon, "channels.yaml", CHANNELS)
    daemon.jobs.brief()
    assert waiting(daemon)[1:] == ["While it was quiet: 1 story"]


def hold(daemon: Daemon, title: str, now: datetime) -> None:
    book = Book(daemon.engine, source())
    for one in (entry("Old news"), entry(title, published=now)):
        book.read(one, now=now)
    screen(daemon.engine, daemon.jobs.rulebook, now)


def tick_until(daemon: Daemon, clock: Clock, end: datetime) -> None:
    while clock() < end:
        clock.pass_by(600)
        daemon.jobs.digest()


def rulings(daemon: Daemon) -> list[str]:
    with daemon.engine.connect() as connection:
        return [mark.ruling.verdict for mark in ledger.list_marks(connection)]


async def test_a_mistake_changes_nothing_and_is_told_once(daemon: Daemon) -> None:
    before = daemon.jobs.rulebook
    for _ in range(3):
        rewrite(daemon, "watches.yaml", WATCHES.replace("OpenAI", "(OpenAI"))
    assert daemon.jobs.rulebook is before
    assert waiting(daemon) == ["The new configuration is refused; the last good one stays in force"]
    rewrite(daemon, "watches.yaml", WATCHES)
    rewrite(daemon, "watches.yaml", WATCHES.replace("OpenAI", "(OpenAI"))
    assert len(waiting(daemon)) == 2


async def test_what_waits_for_a_channel_that_is_taken_out_is_given_up(daemon: Daemon) -> None:
    enqueue(daemon.engine, "a1")
    daemon._start_delivering()
    rewrite(daemon, "watches.yaml", WATCHES.replace("[news]", "[ops]"))
    rewrite(daemon, "channels.yaml", "channels: [{id: ops, kind: console}]\nops: ops\n")
    with daemon.engine.connect() as connection:
        assert [d.id for d in outbox.dead_list(connection)] == ["a1"]
    daemon.ticking.shutdown(wait=False)


async def test_what_a_reload_cannot_change_is_said(daemon: Daemon) -> None:
    with structlog.testing.capture_logs() as logged:
        rewrite(daemon, "daemon.yaml", "network: {concurrency: 3}\n")
    said = [(line["event"], line.get("key")) for line in logged]
    assert said[0] == ("a restart is needed", "daemon.yaml: network")
