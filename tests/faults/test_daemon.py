"""The daemon as a command, started as a user starts it: its pages, its status, its children, its secrets."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import aiohttp
import pytest

from tests.faults.nursery import ROOT
from tests.faults.processes import alive, children, environ, free_port
from tests.faults.rig import TOKEN, Rig, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


COMMAND = [sys.executable, "-m", "scheduler"]


@contextlib.contextmanager
def daemon_of(rig: Rig) -> Iterator["subprocess.Popen[bytes]"]:
    """`tocsin run` with all its imports; at the end it is killed."""
    with (rig.directory / "log").open("wb") as log:
        arguments = [*COMMAND, *rig.arguments()]
        daemon = subprocess.Popen(arguments, cwd=rig.directory, env=surroundings(rig), stdout=log, stderr=log)
        try:
            yield daemon
        finally:
            daemon.kill()
            daemon.wait()


def surroundings(rig: Rig) -> dict[str, str]:
    return rig.environ | {"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}


async def test_a_daemon_answers_while_it_runs_and_leaves_nothing_behind_when_it_is_killed(rig: Rig) -> None:
    port = free_port()
    rig.configure(listen=f"127.0.0.1:{port}")
    rig.papers["herald"].publish("OpenAI and its partner")
    with daemon_of(rig) as daemon:
        await until(lambda: rig.slack.told, within=60)
        async with aiohttp.ClientSession() as web, web.get(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
            assert (await answer.json())["status"] == "ok"
        status = await asyncio.create_subprocess_exec(
            *COMMAND, *rig.arguments("status", "--json"), cwd=rig.directory, env=surroundings(rig),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        said, errors = await status.communicate()
        assert (status.returncode, errors) == (0, b"")
        assert json.loads(said)["deliveries"]["sent"] == 1

        assert TOKEN in environ(daemon.pid)  # so that the next lines may say something
        orphans = children(daemon.pid)
        assert orphans != []
        assert [child for child in orphans if TOKEN in environ(child)] == []
        daemon.kill()
        await until(lambda: not any(map(alive, orphans)), within=2)
    assert TOKEN not in (rig.directory / "log").read_text()
    assert rig.slack.complaints == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_impatient_second_signal_leaves_a_clean_end_clean(rig: Rig, number: signal.Signals) -> None:
    rig.configure()
    rig.papers["herald"].publish("OpenAI and its partner")
    with daemon_of(rig) as daemon:
        await until(lambda: rig.slack.told, within=60)
        while daemon.poll() is None:
            daemon.send_signal(number)
            await asyncio.sleep(0.05)
        assert daemon.returncode == 0
