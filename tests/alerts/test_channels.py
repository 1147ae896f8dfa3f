"""What channels.yaml may say, and what is said about mistakes in it."""

from datetime import time, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from alerts.channels import (
    Channel,
    ChannelsFile,
    Control,
    DeliveryHabits,
    effective,
    falls_back,
    neighbours,
)
from config.reading import ConfigError, Secret, read

FULL = """
channels:
  - id: news
    kind: slack
    token: ${SLACK_BOT_TOKEN}
    channel: C0123456789
    api_url: http://127.0.0.1:9999/api
    digest: {at: "08:30", timezone: Europe/Paris}
    quiet: {from: "22:00", to: "07:00", except: [filing, regulator]}
  - {id: ops, kind: webhook, url: "${HOOK}"}
  - {id: here, kind: console}
ops: ops
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "channels.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        read(written(tmp_path, text), ChannelsFile, {})
    return str(refused.value)


def test_all_of_it_can_be_read(tmp_path: Path) -> None:
    known = read(
        written(tmp_path, FULL), ChannelsFile, {"SLACK_BOT_TOKEN": "xoxb-1", "HOOK": "https://h.example/x"}
    )
    news, ops, here = known.channels
    assert (known.ops, ops.kind, here.kind) == ("ops", "webhook", "console")
    assert news.token is not None
    assert news.token.reveal() == "xoxb-1"
    assert news.api_url == "http://127.0.0.1:9999/api/"
    assert news.digest is not None
    assert (news.digest.at, news.digest.timezone) == (time(8, 30), "Europe/Paris")
    assert news.quiet is not None
    assert (news.quiet.start, news.quiet.end, news.quiet.exceptions) == (
        time(22),
        time(7),
        ("filing", "regulator"),
    )


def test_secrets_do_not_show_themselves(tmp_path: Path) -> None:
    known = read(
        written(tmp_path, FULL), ChannelsFile, {"SLACK_BOT_TOKEN": "xoxb-1", "HOOK": "https://h.example/x"}
    )
    assert "xoxb-1" not in repr(known) + known.model_dump_json()
    assert "h.example" not in repr(known) + known.model_dump_json()


def test_without_its_secret_a_channel_is_the_console(tmp_path: Path) -> None:
    known = read(written(tmp_path, FULL), ChannelsFile, {})
    assert [falls_back(channel) for channel in known.channels] == [True, True, False]
    assert [effective(channel).kind for channel in known.channels] == ["console"] * 3
    assert [effective(channel).id for channel in known.channels] == ["news", "ops", "here"]


def test_with_its_secret_a_channel_is_itself() -> None:
    channel = Channel(id="news", kind="slack", token=Secret("xoxb-1"), channel="C0NEWS")
    assert effective(channel) is channel


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{id: a, kind: slack, channel: C012}", "token"),
        ("{id: a, kind: slack, token: x}", "ID such as C0123456789"),
        ("{id: a, kind: slack, token: x, channel: '#news'}", "not its name"),
        ("{id: a, kind: slack, token: x, channel: U0HUMAN}", "not its name"),
        ("{id: a, kind: webhook}", "url"),
        ("{id: a, kind: telegram}", "slack"),
        ("{id: a, kind: console, chanel: x}", "did you mean `channel`"),
        ("{id: A B, kind: console}", "pattern"),
        ("{id: a, kind: console, api_url: slack.com}", "expected an address"),
        ("{id: a, kind: console, digest: {at: 25:00}}", "time of day"),
        ("{id: a, kind: console, digest: {at: noon}}", "time of day"),
        ("{id: a, kind: console, digest: {at: '08:30', timezone: Paris}}", "time zone"),
        ("{id: a, kind: console, quiet: {from: '22:00'}}", "to"),
        ("{id: a, kind: console, quiet: {from: '22:00', to: '7:00', except: [friends]}}", "filing"),
        ("{id: a, kind: console, quiet: {from: '22:00', to: '22:00'}}", "are the same"),
    ],
)
def test_a_mistake_says_what_was_expected(tmp_path: Path, section: str, said: str) -> None:
    assert said in mistakes(tmp_path, f"channels:\n  - {section}\n")


def test_names_are_known_and_unique(tmp_path: Path) -> None:
    twice = "channels: [{id: a, kind: console}, {id: a, kind: console}]"
    assert "two channels are called `a`" in mistakes(tmp_path, twice)
    assert "names no channel" in mistakes(tmp_path, "channels: [{id: a, kind: console}]\nops: b")
    assert "channels" in mistakes(tmp_path, "channels: []")


def test_delivery_habits_have_the_values_of_the_manual() -> None:
    habits = DeliveryHabits()
    assert (habits.deadline, habits.settle) == (timedelta(seconds=20), timedelta(seconds=60))
    with pytest.raises(ValidationError):
        DeliveryHabits(deadline=timedelta(0))


def test_channels_of_one_token_are_neighbours() -> None:
    def slack(name: str, token: str) -> Channel:
        return Channel(id=name, kind="slack", token=Secret(token), channel="C0123456789")

    named = (("news", "xoxb-one"), ("ops", "xoxb-one"), ("other", "xoxb-two"))
    there = [*(slack(*one) for one in named), Channel(id="here", kind="console")]
    assert [sorted(neighbours(channel, there)) for channel in there] == [["ops"], ["news"], [], []]


# ---- control


def control_of(text: str, tmp_path: Path, **environ: str) -> Control:
    path = tmp_path / "channels.yaml"
    path.write_text(f"channels:\n  - {{id: here, kind: console}}\n{text}", encoding="utf-8")
    return read(path, ChannelsFile, environ).control


def test_without_an_app_token_nobody_hears_a_press(tmp_path: Path) -> None:
    assert not control_of("", tmp_path).in_force
    assert not control_of("control: {app_token: '${SLACK_APP_TOKEN}'}", tmp_path).in_force


def test_the_app_token_shows_nowhere(tmp_path: Path) -> None:
    known = control_of("control: {app_token: '${T}', allow: [U0ANN]}", tmp_path, T="xapp-1-secret")
    assert known.in_force
    assert "secret" not in repr(known)


def test_an_allowed_person_is_named_by_id(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the ID of a person"):
        control_of("control: {allow: ['@ann']}", tmp_path)


@pytest.mark.parametrize(
    ("said", "in_force", "shown"),
    [(None, True, True), (None, False, False), (False, True, False), (True, False, False)],
)
def test_buttons_are_shown_where_a_press_is_heard(said: bool | None, in_force: bool, shown: bool) -> None:
    channel = Channel(id="news", kind="slack", token=Secret("xoxb-t"), channel="C0NEWS", buttons=said)
    control = Control(app_token=Secret("xapp-t")) if in_force else Control()
    assert bool(effective(channel, control).buttons) is shown
