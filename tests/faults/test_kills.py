"""kill -9: at random instants, at every commit and every call; and the mistakes these tests would find.

F01, F02 and the negative controls. By hand, more of it:

    TOCSIN_KILLS=1000 TOCSIN_ROUNDS=20 python -m pytest tests/faults/test_kills.py
"""

import asyncio
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from random import Random

import pytest

from tests.faults.nursery import Nursery
from tests.faults.rig import Rig, rigged, until

KILLS = int(os.environ.get("TOCSIN_KILLS", "50"))  # in all
ROUNDS = int(os.environ.get("TOCSIN_ROUNDS", "2"))  # at each boundary
WORLDS = 4  # side by side: they wait more than they work

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 3 * KILLS + 60 * ROUNDS)]


def assert_each_told_once(rig: Rig, titles: list[str], filed: Collection[str] = ()) -> None:
    """One root for each; what was filed too leads, and its thread says so at most once."""
    assert sorted(rig.slack.told) == sorted(titles)
    assert set(rig.slack.deliveries.values()) == {1}
    for title, root in rig.slack.roots.items():
        replies = rig.slack.thread(root["ts"])
        assert len(replies) <= (title in filed)
        assert all(title in reply["text"] for reply in replies)
        assert root["text"].split("\n")[1].startswith("sec ·") == (title in filed)
    assert rig.ask("SELECT count(*) FROM deliveries WHERE state <> 'sent'") == 0
    assert rig.slack.complaints == []
    assert rig.ops.told == []


# ---- F01


async def test_killed_at_random_instants_it_tells_everything_once(nursery: Nursery, tmp_path: Path) -> None:
    async def lives(seed: int) -> None:
        rng = Random(seed)
        async with rigged(nursery, tmp_path / str(seed), Random(-seed)) as rig:
            await rig.begin("herald", "bugle", "sec", settle="1s", deadline="1s")
            titles: list[str] = []
            filed: set[str] = set()
            for life in range(ceil(KILLS / WORLDS)):
                daemon = rig.start()
                await asyncio.sleep(rng.uniform(0, 0.8))
                if rng.random() < 0.5:
                    titles.append(f"OpenAI and its partner, part {life}")
                    rig.papers[rng.choice(("herald", "bugle"))].publish(titles[-1])
                elif titles and titles[-1] not in filed:
                    filed.add(titles[-1])
                    rig.papers["sec"].publish(titles[-1])
                await asyncio.sleep(rng.uniform(0, 0.8))
                await daemon.kill()
            rig.slack.rng = None
            rig.start()
            await rig.all_told(*titles, within=30 + 2 * len(titles))
            await until(lambda: rig.screened == len(titles) + len(filed), 30)
            await until(lambda: rig.pending == 0, 30)
            assert_each_told_once(rig, titles, filed)

    await asyncio.gather(*(lives(seed) for seed in range(1, WORLDS + 1)))


# ---- F02


@dataclass
class Chain:
    """Life after life on one database: each begins with what the last one left and ends at a boundary."""

    rig: Rig
    rng: Random
    titles: list[str] = field(default_factory=list)
    filed: set[str] = field(default_factory=set)

    async def file(self) -> None:
        """What was told is filed: a reply and an edit."""
        title = self.titles[-1]
        await until(lambda: title in self.rig.slack.told)
        self.filed.add(title)
        self.rig.papers["sec"].publish(title)

    def publish(self, *papers: str) -> None:
        for paper in papers:
            self.titles.append(f"OpenAI and its partner, part {len(self.titles)}")
            self.rig.papers[paper].publish(self.titles[-1])

    async def dies_at(self, boundary: str) -> bool:
        """Did it come there? Within ten seconds, or it is killed anyway."""
        if "crawler" in boundary or "screen" in boundary or not self.rig.count("waiting"):
            self.publish("bugle" if "page" in boundary else "herald")
        self.rig.slack.faults.clear()
        if any(part in boundary for part in ("_note_failure", "_read", "clear_up", "history")):
            self.rig.slack.arm(self.rng.choice(("reset", "truncate")), accept=self.rng.random() < 0.5)
        noted = str(self.rig.directory / f"boundaries-{self.rig.starts}")
        in_thread = any(part in boundary for part in ("chat_update", "conversations_replies"))
        if in_thread:
            self.publish("herald")
        daemon = self.rig.start(boundaries=noted, die_at=boundary)
        if in_thread:
            await self.file()
        if "conversations_replies" in boundary:
            self.rig.slack.arm(self.rng.choice(("reset", "truncate")), accept=self.rng.random() < 0.5)
        came = await daemon.ends(within=10)
        await daemon.kill()
        return came


async def boundaries(rig: Rig) -> list[str]:
    """All that an undisturbed life passes.

    It tells of four articles, one of which is filed afterwards, and three answers get lost.
    """
    noted = rig.directory / "boundaries"
    rig.slack.arm("close", accept=True)
    rig.slack.arm("close", accept=False)
    chain = Chain(rig, Random())
    rig.start(boundaries=str(noted))
    chain.publish("herald", "herald", "herald", "bugle")
    await rig.all_told(*chain.titles)
    rig.slack.arm("close", accept=True)
    await chain.file()
    await until(lambda: rig.slack.updates)
    await rig.all_told(*chain.titles)
    return sorted(set(noted.read_text().splitlines()))


async def test_killed_at_every_commit_and_call_it_tells_everything_once(
    nursery: Nursery, tmp_path: Path
) -> None:
    turn = asyncio.Semaphore(WORLDS)
    async with rigged(nursery, tmp_path / "undisturbed") as rig:
        await rig.begin("herald", "bugle", "sec", settle="1s", pages=("bugle",))
        every = await boundaries(rig)
    calls = {"chat_postMessage", "chat_update", "conversations_history", "conversations_replies"}
    assert calls | {"commit"} == {name.split()[1] for name in every}

    async def lives(side: str, seed: int) -> None:
        async with turn, rigged(nursery, tmp_path / f"{side}-{seed}") as rig:
            await rig.begin("herald", "bugle", "sec", settle="1s", pages=("bugle",))
            chain = Chain(rig, Random(seed))
            todo = [name for name in every if name.startswith(side)]
            # a channel's watermark is learned once in the life of a database
            todo.sort(key=lambda name: ("_watermark_is_known" not in name, chain.rng.random()))
            missed = [boundary for boundary in todo if not await chain.dies_at(boundary)]
            missed = [boundary for boundary in missed if not await chain.dies_at(boundary)]
            rig.slack.faults.clear()
            rig.start()
            await rig.all_told(*chain.titles)
            await until(lambda: rig.screened == len(chain.titles) + len(chain.filed), 30)
            await until(lambda: rig.pending == 0, 30)
            assert_each_told_once(rig, chain.titles, chain.filed)
            assert missed == []

    await asyncio.gather(*(lives(side, seed) for side in ("before", "after") for seed in range(ROUNDS)))


# ---- negative controls

RESET = "reset after acceptance"
BEFORE = "before chat_postMessage in alerts.notifiers.slack.answer_of"
AFTER = "after chat_postMessage in alerts.notifiers.slack.answer_of"

# what goes wrong, whose mistake is in it, how often the one alert is told then
CONTROLS = [
    (RESET, "send again without looking", 2),
    (RESET, "let the SDK retry", 2),
    (RESET, None, 1),
    (AFTER, "send again without looking", 2),
    (AFTER, "send before the commit", 2),
    (AFTER, None, 1),
    (BEFORE, "mark before sending", 0),
    (BEFORE, None, 1),
]


async def test_control_each_mistake_shows_where_the_product_tells_once(
    nursery: Nursery, tmp_path: Path
) -> None:
    async def told(number: int, trouble: str, mistake: str | None) -> int:
        async with rigged(nursery, tmp_path / str(number)) as rig:
            await rig.begin(settle="1s")
            rig.papers["herald"].publish("OpenAI and its partner")
            if trouble == RESET:
                rig.slack.arm("reset", accept=True)
                rig.start(mistake=mistake)
            else:
                noted = str(rig.directory / "boundaries")
                assert await rig.start(mistake=mistake, boundaries=noted, die_at=trouble).ended() < 0
                rig.start(mistake=mistake)
            await until(lambda: rig.count("sent") == 1)
            return len(rig.slack.messages)

    found = await asyncio.gather(*(told(at, *given[:2]) for at, given in enumerate(CONTROLS)))
    assert [(*given[:2], times) for given, times in zip(CONTROLS, found, strict=True)] == CONTROLS
