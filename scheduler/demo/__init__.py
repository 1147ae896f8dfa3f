"""`tocsin demo`: the whole product in a minute, on a built-in world without a network.

- `story`: the script; who publishes what when, what goes wrong meanwhile
- `world`: the sites, served on loopback
- `slack`: a stand-in for Slack
- `narrator`: how it looks in a terminal
- `watching`: what Tocsin makes of it all, read out of its notebooks
- `summary`: what came of it, and whether that is what Tocsin promises
- `stage`: puts world, daemon and Slack in their places, and turns the pages

The daemon between the two ends is the real one, with the watch it ships with; only its paces are shorter.
The demo is our smoke test too: it fails if a story was told twice, or not at all.
"""

import asyncio
from datetime import timedelta

from rich.console import Console

from scheduler.demo.narrator import Narrator
from scheduler.demo.stage import Tempo, introduce, staged
from scheduler.demo.summary import DemoFailed

__all__ = ["LENGTH", "SHORTEST", "DemoFailed", "play"]

LENGTH = timedelta(seconds=50)
SHORTEST = timedelta(seconds=15)


async def play(duration: timedelta, console: Console) -> None:
    """Plays the demo within `duration`; only where the machine cannot keep up does it take longer.

    Raises DemoFailed if a story was lost or told twice.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    narration = Narrator(console, lambda: loop.time() - began)
    length = max(duration, SHORTEST)
    introduce(narration)
    async with staged(Tempo(length), narration) as stage:
        await stage.perform(until=began + length.total_seconds())
        summary = stage.summary(loop.time() - began)
    summary.show(narration)
    summary.judge()
