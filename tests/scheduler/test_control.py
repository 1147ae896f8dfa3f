"""The control room in the daemon: wired by the configuration, exchanged by a reload, checked when asked."""

from pathlib import Path

from sqlalchemy import Engine

from scheduler.daemon import Daemon
from scheduler.online import who_answers
from scheduler.settings import load, remarks
from tests.scheduler.test_daemon import SOURCES, WATCHES, rewrite
from tests.slack_socket import SocketStandIn, buttons, words
from tests.telling import SECOND, Clock, enqueue

CHANNELS = """
channels: [{{id: news, kind: slack, token: xoxb-stand-in, channel: C0NEWS, api_url: '{url}'}}]
control: {{app_token: '${{APP}}', api_url: '{url}'}}
"""


def configured(tmp_path: Path, url: str) -> Path:
    directory = tmp_path / "config"
    directory.mkdir()
    off = SOURCES.replace("}]", ", enabled: false}]")
    for name, text in (("watches", WATCHES), ("sources", off), ("channels", CHANNELS.format(url=url))):
        (directory / f"{name}.yaml").write_text(text)
    return directory


async def test_a_message_has_buttons_and_a_press_is_heard_by_the_daemon(
    engine: Engine, tmp_path: Path
) -> None:
    slack = SocketStandIn()
    await slack.start()
    daemon = Daemon(load(configured(tmp_path, slack.api_url), {"APP": slack.app_token}), engine, {})
    daemon.control.start()
    try:
        await slack.connected()
        enqueue(engine, "d1", now=Clock().now)
        await daemon.jobs.dispatch("news")
        (said,) = slack.messages
        assert list(buttons(said)) == [
            "relevant", "not_relevant", "mute_story", "snooze_rule", "wrong_story", "why",
        ]  # fmt: skip
        answer = await slack.press("tocsin:snooze_rule", buttons(said)["snooze_rule"]["value"])
        assert "Rule pact/core snoozed until" in words(answer)
        assert words(await slack.type("status"))
        rewrite(daemon, "channels.yaml", CHANNELS.format(url=slack.api_url) + "  # allow: nobody\n")
        daemon.environ = {"APP": slack.app_token}
        rewrite(daemon, "channels.yaml", CHANNELS.format(url=slack.api_url).replace(
            "app_token", "allow: [U0BOB], app_token"))  # fmt: skip
        await slack.connected(2)
        assert "allow" in words(await slack.press("tocsin:mute_story", "d1"))
    finally:
        await daemon.control.stop(SECOND)
        await slack.stop()


async def test_check_online_asks_whether_slack_would_call_us(tmp_path: Path) -> None:
    slack = SocketStandIn()
    await slack.start()
    directory = configured(tmp_path, slack.api_url)
    try:
        fine = await who_answers(load(directory, {"APP": slack.app_token}))
        wrong = await who_answers(load(directory, {"APP": "xapp-other"}))
    finally:
        await slack.stop()
    assert fine.problems == []
    assert [(one.key, one.message) for one in wrong.problems] == [
        ("control.app_token", "apps.connections.open: invalid_auth")
    ]


def test_without_an_app_token_the_check_says_that_there_are_no_buttons(tmp_path: Path) -> None:
    said = [one.message for one in remarks(load(configured(tmp_path, "http://127.0.0.1:9/"), {}))]
    assert "is not set; alerts have no buttons" in said
