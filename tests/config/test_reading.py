"""A configuration file, right or wrong, and what its reader says of it."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from config.reading import ConfigError, Duration, Problem, Secret, duration, read


class Keys(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quiet(Keys):
    start: str = Field(default="", alias="from")


class Bell(Keys):
    id: str
    kind: Literal["bronze", "iron"] = "bronze"
    key: Secret | None = None
    pause: Duration = timedelta(minutes=5)
    tower: str = "north"
    words: dict[str, tuple[str, ...] | dict[str, tuple[str, ...]]] = {}
    quiet: Quiet | None = None
    weight: int = 1


class Belfry(Keys):
    bells: tuple[Bell, ...] = ()
    keeper: str | None = None


TOKEN = "xoxb-not-a-real-token"


@pytest.fixture
def belfry(tmp_path: Path):
    path = tmp_path / "belfry.yaml"

    def of(text: str | bytes, **environ: str) -> Belfry:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read(path, Belfry, environ)

    return of


def problems(read_it, text: str | bytes, **environ: str) -> list[Problem]:
    with pytest.raises(ConfigError) as refusal:
        read_it(text, **environ)
    return list(refusal.value.problems)


# --- what may be written


def test_a_good_file_becomes_frozen_values(belfry):
    found = belfry("bells:\n  - {id: maria, pause: 90s, words: {no: [bjelle], en: {gb: [bell]}}}\n")
    assert found.bells == (
        Bell(id="maria", pause=timedelta(seconds=90), words={"no": ("bjelle",), "en": {"gb": ("bell",)}}),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("24h", timedelta(hours=24)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(weeks=2)),
        ("0.5s", timedelta(milliseconds=500)),
        ("0", timedelta(0)),
        (0, timedelta(0)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text, value):
    assert duration(text) == value
    assert TypeAdapter(Duration).validate_python(text) == value


@pytest.mark.parametrize(
    "text", ["5", 5, "5 minutes", "-5m", "", None, True, "1h30m", "٣s", "999999999w", 1.5]
)
def test_anything_else_is_no_duration_and_the_message_shows_one(text):
    with pytest.raises(ValueError, match="expected a duration"):
        duration(text)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("yes", "yes"),  # YAML 1.1 would make a truth of it
        ("22:00", "22:00"),  # and minutes of this
        ("2026-11-24", "2026-11-24"),
        ("<<", "<<"),
        ('"*starred"', "*starred"),
        ("'!loud'", "!loud"),
        ("|-\n      &amp", "&amp"),
        ('"7"', "7"),
    ],
)
def test_text_stays_text(belfry, written, read_as):
    assert belfry(f"bells:\n  - id: a\n    tower: {written}\n").bells[0].tower == read_as


def test_an_empty_file_is_an_empty_mapping(belfry):
    assert belfry("") == belfry("# nothing but a comment\n") == Belfry()


def test_a_byte_order_mark_is_passed_over(belfry):
    assert belfry("\ufeffkeeper: Anna\n").keeper == "Anna"


# --- ${ENV}


def test_an_environment_variable_works_inside_a_string(belfry):
    assert belfry("keeper: the ${WHO} of ${WHERE:-Ghent}", WHO="warden").keeper == "the warden of Ghent"


def test_a_doubled_dollar_is_a_plain_one(belfry):
    assert belfry("keeper: $${WHO}", WHO="warden").keeper == "${WHO}"


@pytest.mark.parametrize("environ", [{}, {"WHO": ""}])
def test_an_unset_variable_in_a_string_is_named(belfry, environ):
    (problem,) = problems(belfry, "bells: []\nkeeper: ${WHO}\n", **environ)
    assert (problem.line, problem.key) == (2, "keeper")
    assert "WHO is not set" in problem.message


def test_what_a_variable_holds_is_never_read_as_yaml(belfry):
    assert belfry("keeper: ${WHO}", WHO="{a: [1]}\nbells: &x").keeper == "{a: [1]}\nbells: &x"


# --- secrets


def test_a_secret_comes_from_the_environment_and_shows_nowhere(belfry):
    found = belfry("bells: [{id: a, key: '${KEY}'}]", KEY=TOKEN)
    key = found.bells[0].key
    assert key.reveal() == TOKEN
    for shown in (
        repr(key),
        str(key),
        f"{found}",
        found.model_dump_json(),
        json.dumps(found.model_dump(), default=str),
    ):
        assert TOKEN not in shown


def test_an_unset_secret_is_a_state_and_no_mistake(belfry):
    key = belfry("bells: [{id: a, key: '${KEY}'}]").bells[0].key
    assert key.reveal() is None
    assert not key
    assert "KEY" in repr(key)


def test_a_secret_may_lie_in_a_file_beside_the_configuration(belfry, tmp_path):
    (tmp_path / "key").write_text(TOKEN + "\n")
    assert belfry("bells: [{id: a, key: {file: key}}]").bells[0].key.reveal() == TOKEN
    assert (
        belfry("bells: [{id: a, key: {file: '${DIR}/key'}}]", DIR=str(tmp_path)).bells[0].key.reveal()
        == TOKEN
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"", "one line"),
        (b"a\nb\n", "one line"),
        (b"\xff\xfe", "one line"),
        (b"x" * 70_000, "one line"),
    ],
)
def test_a_missing_or_odd_secret_file_is_a_mistake(belfry, tmp_path, content, said):
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    (problem,) = problems(belfry, "bells:\n  - id: a\n    key: {file: key}\n")
    assert (problem.line, problem.key) == (3, "bells[a].key")
    assert said in problem.message


@pytest.mark.parametrize("wrong", ["[TOKEN]", "{fil: TOKEN}", "{file: [TOKEN]}", "{value: TOKEN}"])
def test_a_secret_in_the_wrong_shape_is_not_repeated_in_the_message(belfry, wrong):
    found = problems(belfry, f"bells: [{{id: a, key: {wrong.replace('TOKEN', TOKEN)}}}]")
    assert TOKEN not in "\n".join(map(str, found))


def test_a_secret_under_a_misspelt_key_is_not_repeated_either(belfry):
    with pytest.raises(ConfigError) as refusal:
        belfry(f"bells: [{{id: a, kye: {TOKEN}}}]")
    assert TOKEN not in f"{refusal.value} {refusal.value!r} {refusal.value.__cause__!r}"
    assert refusal.value.__suppress_context__  # pydantic's error repeats the input


def test_secrets_are_equal_by_value_so_that_a_reload_sees_a_new_token():
    assert Secret("a") == Secret("a", "elsewhere") != Secret("b")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != "a"


def test_a_model_made_in_code_takes_secrets_too():
    assert Bell(id="a", key=TOKEN).key.reveal() == TOKEN
    assert Bell(id="a", key=Secret(None)).key.reveal() is None
    assert not Bell(id="a", key="${KEY}").key


# --- mistakes


def test_a_mistake_names_file_line_key_and_what_was_expected(belfry, tmp_path):
    text = "bells:\n  - id: maria\n    kind: iorn\n  - pause: 5\n    weight: much\n"
    with pytest.raises(ConfigError) as refusal:
        belfry(text)
    assert str(refusal.value).replace(str(tmp_path) + "/", "").splitlines() == [
        "belfry.yaml:3: bells[maria].kind: should be 'bronze' or 'iron', not 'iorn'; did you mean `iron`?",
        "belfry.yaml:4: bells[1].id: is missing",
        "belfry.yaml:4: bells[1].pause: expected a duration such as 30s, 5m, 24h or 30d, not 5",
        "belfry.yaml:5: bells[1].weight: should be a valid integer, unable to parse string as an integer",
    ]


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("bels: []", "bels", "unknown key; did you mean `bells`?"),
        ("bells: [{id: a, pauze: 5m}]", "bells[a].pauze", "unknown key; did you mean `pause`?"),
        ("bells: [{id: a, quiet: {form: x}}]", "bells[a].quiet.form", "unknown key; did you mean `from`?"),
        ("bells: [{id: a, quiet: {zzz: x}}]", "bells[a].quiet.zzz", "unknown key; possible here: from"),
    ],
)
def test_an_unknown_key_gets_the_nearest_valid_one(belfry, text, key, message):
    (problem,) = problems(belfry, text)
    assert (problem.line, problem.key, problem.message) == (1, key, message)


def test_a_union_tells_once_what_it_expected(belfry):
    (problem,) = problems(belfry, "bells: [{id: a, words: {en: 5}}]")
    assert problem.key == "bells[a].words.en"
    assert "tuple" in problem.message
    assert "dictionary" in problem.message


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("keeper: &k Anna\n", 1, "anchors"),
        ("bells: []\nkeeper: *k\n", 2, "aliases"),
        ("keeper: !!python/object/apply:os.system [ls]\n", 1, "tags"),
        ("keeper: !secret Anna\n", 1, "tags"),
        ("keeper: ! Anna\n", 1, "tags"),
        ("keeper: a\nbells: []\nkeeper: b\n", 3, "given twice (first on line 1)"),
        ("bells:\n  - id: a\n    id: b\n", 3, "given twice"),
        ("keeper: a\n---\nkeeper: b\n", 2, "second document"),
        ("%YAML 1.1\n---\nkeeper: a\n", 2, "directives"),
        ("%TAG ! tag:evil,2026:\n---\nkeeper: a\n", 2, "directives"),
        ("? [a, b]\n: c\n", 1, "plain key"),
        ("- a\n", 1, "key: value"),
        ("just words\n", 1, "key: value"),
        ("keeper: [a\nbells: b}\n", 2, "not YAML"),
        ("keeper:\n\t- a\n", 2, "not YAML"),
        ("keeper: a\nbells: \x00\n", 2, "not YAML"),
        (b"keeper: a\nbells: \xff\n", 2, "UTF-8"),
        ("keeper: " + "[" * 21 + "]" * 21, 1, "20 levels"),
    ],
)
def test_what_the_dialect_leaves_out_is_refused_with_its_line(belfry, text, line, said):
    (problem,) = problems(belfry, text)
    assert problem.line == line
    assert said in problem.message


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text", [BOMB, "[" * 500_000, "{a: " * 200_000, "x: " + "y" * 10_000_000, "- " * 400_000]
)
def test_a_bomb_is_refused_in_a_moment(belfry, text):
    started = time.monotonic()
    assert len(problems(belfry, text)) == 1
    assert time.monotonic() - started < 5


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: this file is missing"):
        read(tmp_path / "nowhere.yaml", Belfry, {})


def test_a_directory_is_no_configuration_file(tmp_path):
    with pytest.raises(ConfigError, match="expected a plain file"):
        read(tmp_path, Belfry, {})
