"""The stage: world, daemon and Slack in their places, and the hand that turns the pages.

Lives here: the daemon's configuration for this world, the order of things, what the doings of sites and of
Slack are called. Not here: what happens when (`story`), what Tocsin makes of it (`watching`).
"""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

import config
from crawler import archive
from scheduler import rulebooks
from scheduler.clock import utc_now
from scheduler.daemon import Daemon
from scheduler.database import database_url, open_database
from scheduler.demo import story
from scheduler.demo.narrator import SITE, SLACK, TOCSIN, Narrator
from scheduler.demo.slack import CHANNEL, TOKEN, Message, Slack
from scheduler.demo.story import Act, Annoy, FallIll, Mood, Publish, Report, Rewrite, Scene
from scheduler.demo.summary import Summary
from scheduler.demo.watching import Watching
from scheduler.demo.world import World, listening, serving
from scheduler.settings import load

CHANNEL_NAME = "#news"
STOPPING = 2.5  # seconds kept for the daemon's way out and the summary
FIXED = 11.0  # seconds that do not shrink with the play: starting, the last answer, stopping
LOOK = 0.1  # seconds between two looks at what has become of things
LINGER = 1.0  # seconds at the end, for a duplicate to show itself
OVERTIME = 20.0  # seconds a busy machine may take longer before what has not happened counts as lost

_ENVIRON = {"SLACK_BOT_TOKEN": TOKEN}  # all the daemon learns of its surroundings


@dataclass(frozen=True, slots=True)
class Tempo:
    """How fast all goes. At full length the play takes its time; a shorter one is squeezed."""

    length: timedelta

    @property
    def pace(self) -> float:
        return max(self.length.total_seconds() - FIXED, 1.0) / (story.LENGTH - FIXED)

    def habit(self, at_full_length: float) -> float:
        """Seconds of a daemon's habit: no longer in a longer play, and not under a second."""
        return round(max(at_full_length * min(self.pace, 1.0), 1.0), 1)


def introduce(narration: Narrator) -> None:
    narration.paragraph(
        f"Tocsin demo: {len(story.SITES)} invented papers and an invented Slack, all of it on this machine. "
        "Between them runs the real daemon, with the watch it ships with: the OpenAI–Microsoft partnership.",
    )


@contextlib.asynccontextmanager
async def staged(tempo: Tempo, narration: Narrator) -> "AsyncIterator[Stage]":
    """Everything in its place. Nothing of it is left behind."""
    world = World(story.SITES, utc_now)
    slack = Slack(utc_now, retry_after=round(tempo.habit(2)))
    with tempfile.TemporaryDirectory(prefix="tocsin-demo-") as scratch:
        directory = Path(scratch)
        async with serving(world), listening(slack.app()) as address:
            _configure(directory, world, f"{address}/api/", tempo)
            settings = load(directory, _ENVIRON)
            engine = open_database(database_url(directory, None))
            try:
                watching = Watching(engine, rulebooks.rulebook(settings), utc_now)
                yield Stage(tempo, narration, world, slack, engine, Daemon(settings, engine, {}), watching)
            finally:
                engine.dispose()


def _configure(directory: Path, world: World, slack: str, tempo: Tempo) -> None:
    """The four files: the watch as it ships, the rest for this world. JSON is YAML too."""
    shipped = Path(str(config.__file__)).parent / "watches.yaml"
    (directory / "watches.yaml").write_bytes(shipped.read_bytes())
    every = f"{tempo.habit(2)}s"
    sources = [
        {"id": site.id, "name": site.name, "kind": "feed", "url": world[site].feed, "language": site.language,
         "publisher": site.publisher, "every": every, "timeout": every}
        for site in story.SITES
    ]  # fmt: skip
    channel = {
        "id": "news",
        "kind": "slack",
        "token": "${SLACK_BOT_TOKEN}",
        "channel": CHANNEL,
        "api_url": slack,
    }
    delivery = {"deadline": "2s", "settle": f"{tempo.habit(3)}s"}
    files: dict[str, dict[str, Any]] = {
        "sources.yaml": {"sources": sources},
        "channels.yaml": {"channels": [channel]},
        "daemon.yaml": {
            "network": {"allow": ["127.0.0.0/8"]},
            "http": None,
            "delivery": delivery,
            "stories": {"group_wait": "0s", "follow_ups": "1s"},
        },
    }
    for name, document in files.items():
        (directory / name).write_text(json.dumps(document, indent=1), encoding="utf-8")


async def _ended(*tasks: "asyncio.Task[None]", within: float) -> bool:
    """Has one of them ended, after so many seconds at most?"""
    ended, _ = await asyncio.wait(tasks, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    return bool(ended)


class Stage:
    """`perform` raises the curtain and lets it fall."""

    def __init__(
        self,
        tempo: Tempo,
        narration: Narrator,
        world: World,
        slack: Slack,
        engine: Engine,
        daemon: Daemon,
        watching: Watching,
    ) -> None:
        self._tempo, self._narration = tempo, narration
        self._world, self._slack, self._watching = world, slack, watching
        self._engine, self._daemon = engine, daemon
        self._published: dict[str, datetime] = {}  # event → when its first report was published
        self._faults = 0
        self._whole = False
        watching.tell = self._tocsin
        slack.shown, slack.grumbled = self._shown, self._grumbled

    async def perform(self, until: float) -> None:
        """Until the play is over, if the machine keeps up until this time of the loop.

        The daemon hears SIGINT and SIGTERM; if it ends by itself, we were interrupted.
        """
        loop = asyncio.get_running_loop()
        daemon = asyncio.create_task(self._daemon.run(), name="daemon")
        play = asyncio.create_task(self._play(), name="play")
        try:
            if not await _ended(daemon, play, within=until - STOPPING - loop.time()):
                self._narration.say("", "This machine is busy; the play takes a little longer.")
                await _ended(daemon, play, within=OVERTIME)
            if daemon.done():
                daemon.result()
                raise KeyboardInterrupt
        finally:
            play.cancel()
            self._daemon.stopping.set()
            await asyncio.wait({play, daemon})
        if not play.cancelled():
            play.result()
        daemon.result()

    # ---- the play

    async def _play(self) -> None:
        for report in story.PAST:
            self._world.publish(report)
        self._watching.ask(story.PAST[0], self._world.address_of(story.PAST[0]))
        await self._until(lambda: self._watching.sources_read)
        curtain = asyncio.get_running_loop().time()
        for scene in story.SCENES:
            await self._until(lambda scene=scene: self._is_time(scene, curtain))  # type: ignore[misc]
            for act in scene.acts:
                self._perform(act)
        await self._until(lambda: self._watching.settled and self._is_due(story.END, curtain))
        end = asyncio.get_running_loop().time() + LINGER
        await self._until(lambda: asyncio.get_running_loop().time() > end)
        self._whole = True

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Looking at what Tocsin does meanwhile."""
        while not condition():
            await asyncio.sleep(LOOK)
            self._watching.look()

    def _is_time(self, scene: Scene, curtain: float) -> bool:
        ready = scene.after is None or bool(self._slack.about([self._world.address_of(scene.after)]))
        return ready and self._is_due(scene.at, curtain)

    def _is_due(self, at: float, curtain: float) -> bool:
        return asyncio.get_running_loop().time() >= curtain + at * self._tempo.pace

    def _perform(self, act: Act) -> None:
        match act:
            case Publish(report):
                self._publish(report)
                self._narration.gap()
                self._site(report.site, f"{report.manner}: “{report.title}”")
            case Rewrite(report, title):
                self._world.rewrite(report, title)
                self._watching.ask(report, self._world.address_of(report))
                self._narration.gap()
                self._site(report.site, f"rewrites its headline: “{title}”")
            case FallIll(site, answers):
                self._world.fall_ill(site, answers)
                self._faults += len(answers)
                self._site(site, "is in trouble at that moment: its server answers 503, then nothing at all")
            case Annoy(report, mood):
                self._slack.annoy(self._world.address_of(report), mood)
                self._faults += 1

    def _publish(self, report: Report) -> None:
        published = self._world.publish(report)
        self._watching.ask(report, published.link)
        if report.event is not None:
            self._published.setdefault(report.event, published.at)

    # ---- the spectator is told

    def _site(self, site: story.Site, what: str) -> None:
        self._narration.say(site.name, what, SITE)

    def _tocsin(self, what: str) -> None:
        self._narration.say("Tocsin", what, TOCSIN)

    def _shown(self, message: Message) -> None:
        self._watching.look()  # what led to the message comes before it
        self._narration.show(message, CHANNEL_NAME)

    def _grumbled(self, mood: Mood) -> None:
        said = {
            "too fast": f"answers 429: too fast, come back in {self._slack.retry_after} s",
            "hangs up": "has taken the message, and breaks the connection before it says so",
        }
        self._watching.look()
        self._narration.say("Slack", said[mood], SLACK)

    # ---- afterwards

    def summary(self, seconds: float) -> Summary:
        with self._engine.connect() as connection:
            known = archive.counts(connection)
        about = {event: self._slack.about(self._addresses(event)) for event in self._published}
        first = {event: datetime.fromtimestamp(float(m[0].ts), tz=at.tzinfo) - at
                 for event, at in self._published.items() if (m := about[event])}  # fmt: skip
        return Summary(
            seconds=seconds,
            sites=len(story.SITES),
            requests=self._world.asked,
            entries=known["entries"],
            articles=known["articles"],
            messages={event: len(messages) for event, messages in about.items()},
            strangers=len(self._slack.roots) - sum(map(len, about.values())),
            latencies=[wait.total_seconds() for wait in first.values()],
            faults=self._faults,
            cut=not self._whole,
        )

    def _addresses(self, event: str) -> list[str]:
        return [self._world.address_of(r) for r in story.NEW if r.event == event and r.links_to is None]
