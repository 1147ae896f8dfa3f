"""The daemon as a command, started as a user starts it: its pages, its status, its children, its secrets."""

import asyncio
import json
import subprocess
import sys

import aiohttp
import pytest

from tests.faults.nursery import ROOT
from tests.faults.processes import alive, children, environ, free_port
from tests.faults.rig import TOKEN, Rig, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def test_a_daemon_answers_while_it_runs_and_leaves_nothing_behind_when_it_is_killed(rig: Rig) -> None:
    port = free_port()
    rig.configure(listen=f"127.0.0.1:{port}")
    rig.papers["herald"].publish("OpenAI and its partner")
    command = [sys.executable, "-m", "scheduler"]
    env = rig.environ | {"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    with (rig.directory / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [*command, *rig.arguments()], cwd=rig.directory, env=env, stdout=log, stderr=log
        )
        try:
            await until(lambda: rig.slack.told, within=60)
            async with aiohttp.ClientSession() as web, web.get(f"http://127.0.0.1:{port}/healthz") as answer:
                assert answer.status == 200
                assert (await answer.json())["status"] == "ok"
            status = await asyncio.create_subprocess_exec(
                *command, *rig.arguments("status", "--json"), cwd=rig.directory, env=env,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            said, errors = await status.communicate()
            assert (status.returncode, errors) == (0, b"")
            assert json.loads(said)["deliveries"]["sent"] == 1

            assert TOKEN in environ(daemon.pid)  # so that the next line may say something
            orphans = children(daemon.pid)
            assert orphans != []
            assert [child for child in orphans if TOKEN in environ(child)] == []
            daemon.kill()
            await until(lambda: not any(map(alive, orphans)), within=2)
        finally:
            daemon.kill()
            daemon.wait()
    assert TOKEN not in (rig.directory / "log").read_text()
    assert rig.slack.complaints == []
