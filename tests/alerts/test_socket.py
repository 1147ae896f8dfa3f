"""The control room over a real socket: acknowledged in time, done once, reached again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from alerts import ledger, outbox
from alerts.channels import Channel, Control
from alerts.control.requests import Desk
from alerts.control.socket import Socket
from config.reading import Secret
from scheduler import status
from tests.alerts.test_screen import PACT
from tests.alerts.test_screen import Desk as World
from tests.builders import HOUR, NOW
from tests.slack_socket import SocketStandIn, buttons, eventually, words
from tests.telling import SECOND


class Room:
    """Slack, a story that was told there, and the control room."""

    def __init__(self, slack: SocketStandIn, engine: Engine) -> None:
        self.slack, self.engine = slack, engine
        self.world = World(engine)
        self.world.bring(PACT, url="https://herald.example/pact")
        self.now = NOW
        control = Control(app_token=Secret(slack.app_token), api_url=slack.api_url)
        news = Channel(id="news", kind="slack", token=Secret(slack.token), channel=slack.channel,
                       api_url=slack.api_url)  # fmt: skip
        self.desk = Desk(engine, self.world.rulebook, {"news": news}, control, self._status)
        self.socket = Socket(self.desk, lambda: self.now, Random(7))

    def _status(self) -> dict[str, Any]:
        with self.engine.connect() as connection:
            return status.picture(connection, self.world.sources, self.now).to_json()

    @property
    def root(self) -> str:
        with self.engine.connect() as connection:
            return next(r.id for r in outbox.records(connection) if r.channel == "news" and r.kind == "root")

    def silences(self) -> int:
        with self.engine.connect() as connection:
            return len(ledger.list_silences(connection, self.now))

    def deeds(self) -> list[str]:
        with self.engine.connect() as connection:
            return [one.outcome for one in ledger.recent_deeds(connection, 100)]

    def standing(self) -> ledger.ControlRoom | None:
        with self.engine.connect() as connection:
            return ledger.control_room_standing(connection)


@asynccontextmanager
async def serving(engine: Engine, **slack: Any) -> AsyncIterator[Room]:
    stand_in = SocketStandIn(**slack)
    await stand_in.start()
    room = Room(stand_in, engine)
    room.socket.start()
    try:
        await stand_in.connected()
        yield room
    finally:
        await room.socket.stop(SECOND)
        await stand_in.stop()


@pytest.fixture
async def room(engine: Engine) -> AsyncIterator[Room]:
    async with serving(engine) as running:
        yield running


# ---- every button, every command


async def test_a_press_is_answered_to_whoever_pressed_and_undone(room: Room) -> None:
    answer = await room.slack.press("tocsin:mute_story", room.root)
    assert answer["response_type"] == "ephemeral"
    assert "Muted until 2026-03-09 12:00 UTC by ann" in words(answer)
    undo = buttons(answer)["undo"]
    taken_back = await room.slack.press("tocsin:undo", undo["value"], is_ephemeral=True)
    assert "Taken back" in words(taken_back)
    assert taken_back["replace_original"] is True
    assert room.silences() == 0


@pytest.mark.parametrize(
    ("button", "said"),
    [
        ("relevant", "Marked relevant by ann"),
        ("not_relevant", "Marked not relevant by ann"),
        ("snooze_rule", "Rule pact/core snoozed until"),
        ("wrong_story", "one article"),
        ("why", PACT),
    ],
)
async def test_every_button_has_its_answer(room: Room, button: str, said: str) -> None:
    assert said in words(await room.slack.press(f"tocsin:{button}", room.root))


async def test_the_wrong_article_is_chosen_and_split_off(room: Room) -> None:
    room.world.bring(f"{PACT} - Gazette", of="gazette", now=NOW + HOUR)
    choice = buttons(await room.slack.press("tocsin:wrong_story", room.root))["split"]
    value = choice["options"][1]["value"]
    answer = await room.slack.press("tocsin:split", value, chosen=True, is_ephemeral=True)
    assert "Split off" in words(answer)


async def test_an_answer_to_a_press_in_a_thread_is_shown_in_the_thread(room: Room) -> None:
    answer = await room.slack.press("tocsin:why", room.root, thread_ts="17.1")
    assert answer["thread_ts"] == "17.1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "/tocsin why URL"),
        ("help", "/tocsin why URL"),
        ("serach openai", "Did you mean search?"),
        ("status", "2 of 2 sources answer"),
        ("why https://herald.example/pact", " fired on "),
        ("search openai", PACT),
        ("search (openai", "never closed"),
        ("stories", PACT),
        ("stories s0", "There is no story s0"),
        ("silence list", "Nothing is silenced"),
        ("silence show 7", "There is no silence 7"),
        ("silence remove 7", "No silence 7 is in force"),
    ],
)
async def test_every_command_has_its_answer(room: Room, text: str, said: str) -> None:
    answer = await room.slack.type(text)
    assert answer["response_type"] == "ephemeral"
    assert said in words(answer)


async def test_a_command_that_is_delivered_again_is_answered_once(room: Room) -> None:
    for times in (1, 2):
        await room.slack.push("slash_commands", room.slack.typing("search openai"), "twice")
        await room.slack.acknowledged("twice", times)
    await eventually(lambda: bool(room.slack.answers))
    assert "/tocsin" in words(await room.slack.type("help"))
    assert len(room.slack.answers) == 2


async def test_a_search_is_acknowledged_before_it_begins(room: Room) -> None:
    with room.engine.begin() as connection:
        ledger.take_turns(connection)  # nobody else writes meanwhile
        pushed = await room.slack.push("slash_commands", room.slack.typing("search openai"))
        await room.slack.acknowledged(pushed)
    await eventually(lambda: bool(room.slack.answers))
    assert room.slack.slowest_ack < 1


async def test_a_silence_is_typed_and_listed(room: Room) -> None:
    assert "Silenced source herald" in words(await room.slack.type("silence add source herald for 2h"))
    assert "source herald" in words(await room.slack.type("silence list"))


@pytest.mark.parametrize("by", ["typed", "pressed"])
async def test_a_form_is_opened_at_once_and_filled_later(room: Room, by: str) -> None:
    if by == "typed":
        await room.slack.push("slash_commands", room.slack.typing("try title:openai"))
    else:
        value = buttons(await room.slack.type("help"))["try"]["value"]
        await room.slack.push("interactive", room.slack.pressing("tocsin:try", value, is_ephemeral=True))
    await eventually(lambda: bool(room.slack.views))
    written = room.slack.views["V0"]["blocks"][-1]["element"].get("initial_value")
    assert written == ("title:openai" if by == "typed" else None)
    said = await room.slack.submit("V0", {"query": "title:openai"})
    assert said["response_action"] == "update"
    await eventually(lambda: PACT in words(room.slack.views["V0"]))
    assert "1 of 2 articles of 7.0 days match" in words(room.slack.views["V0"])
    assert room.slack.views["V0"]["blocks"][-1]["element"]["initial_value"] == "title:openai"


async def test_a_query_that_cannot_be_read_is_said_in_its_field_and_may_be_mended(room: Room) -> None:
    await room.slack.push("slash_commands", room.slack.typing("try"))
    await eventually(lambda: bool(room.slack.views))
    said = await room.slack.submit("V0", {"query": "title:(openai"})
    assert said["response_action"] == "errors"
    assert "never closed" in said["errors"]["query"]
    assert "title:^(openai" in said["errors"]["query"]
    assert (await room.slack.submit("V0", {"query": "title:openai"}))["response_action"] == "update"
    await eventually(lambda: PACT in words(room.slack.views["V0"]))


# ---- who may


async def test_a_stranger_changes_nothing_and_may_ask(room: Room) -> None:
    answer = await room.slack.press("tocsin:mute_story", room.root, user="U0EVE")
    assert "Only members" in words(answer)
    assert (room.silences(), room.deeds()) == (0, ["not_a_member"])
    assert PACT in words(await room.slack.press("tocsin:why", room.root, user="U0EVE"))


async def test_members_are_found_on_every_page_and_asked_for_once(engine: Engine) -> None:
    async with serving(engine, members=["U0A", "U0B", "U0ANN"], members_page=1) as room:
        await room.slack.press("tocsin:mute_story", room.root)
        await room.slack.press("tocsin:relevant", room.root)
        assert room.deeds() == ["done", "done"]
        assert [method for method, _ in room.slack.calls].count("conversations.members") == 3


async def test_where_slack_does_not_say_who_is_a_member_a_press_in_the_channel_is_enough(
    engine: Engine,
) -> None:
    async with serving(engine, members=None) as room:
        await room.slack.press("tocsin:mute_story", room.root)
        elsewhere = await room.slack.press("tocsin:snooze_rule", room.root, channel="C0OTHER")
        assert "only answers in the channels" in words(elsewhere)
        assert room.silences() == 1


async def test_where_slack_does_not_answer_who_is_a_member_nothing_is_changed(room: Room) -> None:
    room.slack.arm("http", method="conversations.members", status=502)
    assert "does not say" in words(await room.slack.press("tocsin:mute_story", room.root))
    assert room.silences() == 0
    await room.slack.press("tocsin:mute_story", room.root)
    assert room.silences() == 1


# ---- once, and in time


async def test_an_envelope_that_is_delivered_again_is_acknowledged_again_and_done_once(room: Room) -> None:
    payload = room.slack.pressing("tocsin:mute_story", room.root)
    for times in (1, 2, 3):
        await room.slack.push("interactive", payload, "twice")
        await room.slack.acknowledged("twice", times)
    await eventually(lambda: bool(room.slack.answers))
    assert (room.silences(), len(room.slack.answers), room.deeds()) == (1, 1, ["done"])


async def test_an_envelope_that_another_process_answered_is_answered_alike(room: Room) -> None:
    first = await room.slack.press("tocsin:mute_story", room.root, envelope="before")
    await room.socket.stop(SECOND)
    room.socket = Socket(room.desk, lambda: room.now, Random(7))
    room.socket.start()
    await room.slack.connected(2)
    again = await room.slack.press("tocsin:mute_story", room.root, envelope="before")
    assert words(again) == words(first)
    assert room.silences() == 1


async def test_it_is_acknowledged_while_the_database_and_the_process_are_busy(room: Room) -> None:
    root = room.root
    with room.engine.begin() as connection:
        ledger.take_turns(connection)  # nobody else writes meanwhile
        pushed = await room.slack.push("interactive", room.slack.pressing("tocsin:mute_story", root))
        await room.slack.acknowledged(pushed)
        assert not room.slack.answers
    await eventually(lambda: bool(room.slack.answers))
    assert room.slack.slowest_ack < 1
    assert room.silences() == 1


# ---- whatever Slack does


@pytest.mark.parametrize("hard", [True, False])
async def test_after_a_disconnect_it_is_reached_again(room: Room, hard: bool) -> None:
    for times in (2, 3):
        await room.slack.hang_up(hard=hard)
        await room.slack.connected(times)
    await room.slack.press("tocsin:mute_story", room.root)
    assert room.silences() == 1


async def test_what_slack_still_sends_by_a_connection_it_gave_up_is_heard(room: Room) -> None:
    (old,) = room.slack.sockets
    await room.slack.hang_up(hard=False)
    await room.slack.connected(2)
    room.slack.sockets.remove(old)
    room.slack.sockets.append(old)
    await room.slack.press("tocsin:mute_story", room.root)
    assert room.silences() == 1


GARBAGE = [
    "", "{", "null", "[]", '"hello"', "\ud83d", "{}", '{"type": 7}', '{"envelope_id": 7}', "[" * 10_000,
    '{"type": "disconnect_me"}', '{"type": "interactive", "payload": null}',
]  # fmt: skip


async def test_garbage_is_let_be(room: Room) -> None:
    for frame in GARBAGE:
        await room.slack.sockets[-1].send_bytes(frame.encode("utf-8", "surrogatepass"))
        await room.slack.sockets[-1].send_str(frame.encode("utf-8", "replace").decode())
    await room.slack.press("tocsin:mute_story", room.root)
    assert room.slack.greetings == 1


ODD = [
    ("events_api", {}),
    ("interactive", None),
    ("interactive", {"type": "block_actions"}),
    ("interactive", {"type": "block_actions", "actions": [{"action_id": "other:thing"}]}),
    ("interactive", {"type": "view_submission", "view": {"callback_id": "tocsin:try"}}),
    ("interactive", {"type": "shortcut"}),
    ("slash_commands", {"text": "help"}),
]


async def test_an_odd_envelope_is_acknowledged_and_let_be(room: Room) -> None:
    for kind, payload in ODD:
        await room.slack.acknowledged(await room.slack.push(kind, payload))  # type: ignore[arg-type]
    await room.slack.press("tocsin:mute_story", room.root)
    assert len(room.slack.answers) == 1


async def test_an_answer_that_slack_does_not_take_is_sent_again(room: Room) -> None:
    room.slack.arm("http", method="response_url", status=503)
    await room.slack.press("tocsin:mute_story", room.root)
    assert room.silences() == 1


async def test_answers_go_to_slack_and_nowhere_else(room: Room) -> None:
    payload = room.slack.pressing("tocsin:why", room.root)
    payload["response_url"] = "http://169.254.169.254/latest"
    await room.slack.acknowledged(await room.slack.push("interactive", payload))
    await room.slack.press("tocsin:why", room.root)
    assert len(room.slack.answers) == 1


# ---- how it stands


async def test_it_is_known_since_when_it_is_reached_and_when_it_last_heard(room: Room) -> None:
    await eventually(lambda: room.standing() is not None)
    room.now = NOW + HOUR
    await room.slack.press("tocsin:why", room.root)
    assert room.standing() == ledger.ControlRoom(NOW, "", NOW + HOUR)
    await room.socket.stop(SECOND)
    assert room.standing() == ledger.ControlRoom(None, "stopped", NOW + HOUR)


async def test_a_token_that_slack_refuses_is_said_and_a_reload_with_another_mends_it(engine: Engine) -> None:
    stand_in = SocketStandIn()
    await stand_in.start()
    room = Room(stand_in, engine)
    wrong = replace(room.desk, control=room.desk.control.model_copy(update={"app_token": Secret("xapp-old")}))
    room.socket = Socket(wrong, lambda: NOW, Random(7))
    room.socket.start()
    try:
        await eventually(lambda: room.standing() is not None)
        refused = ledger.ControlRoom(None, "apps.connections.open: invalid_auth", refused_at=NOW)
        assert room.standing() == refused
        room.socket.exchange(room.desk)
        await stand_in.connected()
        await stand_in.press("tocsin:mute_story", room.root)
        standing = room.standing()
        assert standing is not None
        assert (standing.connected_at, standing.refused_at) == (NOW, None)
    finally:
        await room.socket.stop(SECOND)
        await stand_in.stop()


async def test_without_a_token_nothing_is_dialled_until_a_reload_brings_one(engine: Engine) -> None:
    stand_in = SocketStandIn()
    await stand_in.start()
    room = Room(stand_in, engine)
    without = replace(room.desk, control=Control())
    room.socket = Socket(without, lambda: NOW, Random(7))
    room.socket.start()
    try:
        await asyncio.sleep(0.05)
        assert stand_in.calls == []
        assert room.standing() == ledger.ControlRoom(None, "control.app_token is not set")
        room.socket.exchange(room.desk)
        await stand_in.connected()
    finally:
        await room.socket.stop(SECOND)
        await stand_in.stop()


async def test_it_stops_in_time_also_while_slack_is_away(engine: Engine) -> None:
    stand_in = SocketStandIn()
    await stand_in.start()
    room = Room(stand_in, engine)
    await stand_in.stop()
    room.socket.start()
    begun = time.monotonic()
    await room.socket.stop(SECOND)
    assert time.monotonic() - begun < 3
