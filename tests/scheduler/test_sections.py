"""New sources as sections of sources.yaml: their ids, their spelling, and a file that keeps what it has."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.reading import ConfigError, open_document, read
from scheduler.sections import Section, Wanted, append, free_id, sort_out, spelled
from scheduler.settings import SourcesFile

FILE = """\
# Mine. Do not touch.
defaults: {every: 5m}   # calm

sources:
  # --- the first group
  - id: herald          # the best
    kind: feed
    url: https://herald.example/feed.xml

  - {id: post, kind: feed, url: "https://post.example/rss"}
    # - id: commented-out
    #   kind: feed

# The end.
"""
NEW = Section(
    "gazette", "The Gazette", "feed", "https://gazette.example/atom.xml", "en", ("tech", "two words")
)


@pytest.mark.parametrize(
    ("name", "url", "expected"),
    [
        ("Le Monde — Économie", "https://x.example", "le-monde-economie"),
        ("The Register's Bits", "https://x.example", "the-registers-bits"),
        ("Straße & Weg", "https://x.example", "strasse-weg"),
        ("朝日新聞", "https://www.asahi.example/rss", "asahi-example"),
        ("Новости AI", "https://news.example/rss", "news-example"),
        ("!!!", "https://[::1]/rss", "1"),
        ("x" * 300, "https://x.example", "x" * 60),
    ],
)
def test_an_id_tells_people_which_source_it_is(name: str, url: str, expected: str) -> None:
    assert free_id(name, url, ()) == expected


def test_an_id_is_given_once() -> None:
    assert free_id("Herald", "https://x.example", {"herald", "herald-2"}) == "herald-3"


def test_what_is_there_already_is_known_by_its_canonical_address() -> None:
    wanted = [
        Wanted("Again", "http://www.herald.example/feed.xml?utm_source=x"),
        Wanted("New", "https://new.example/feed", tags=("Tech News", "Tech news")),
        Wanted("New, twice", "https://new.example/feed/"),
    ]
    found = sort_out(wanted, {"herald": "https://herald.example/feed.xml"})
    assert [(section.id, section.tags) for section in found.new] == [("new", ("tech-news",))]
    assert [key for _, key in found.known] == ["herald", "new"]


def test_a_section_has_one_key_a_line() -> None:
    assert spelled([NEW]) == (
        "  - id: gazette\n"
        "    name: The Gazette\n"
        "    kind: feed\n"
        "    url: https://gazette.example/atom.xml\n"
        "    language: en\n"
        "    tags: [tech, two words]\n"
    )


@given(st.text(max_size=60), st.text(max_size=20))
def test_whatever_a_name_is_it_is_read_as_it_was_meant(name: str, tag: str) -> None:
    found = sort_out([Wanted(name, "https://x.example/f?a=#'\"{}[]: #", tags=(tag,))], {})
    text = "sources:\n" + spelled(found.new)
    (only,) = _read(text).sources
    assert (only.id, only.name, only.url) == (
        found.new[0].id, found.new[0].name if found.new[0].name != only.id else "", found.new[0].url,
    )  # fmt: skip
    assert only.tags == found.new[0].tags


def _read(text: str) -> SourcesFile:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "sources.yaml"
        path.write_bytes(text.encode())
        return read(path, SourcesFile, {"x": "replaced"})


def added(directory: Path, text: str, *sections: Section) -> str:
    path = directory / "sources.yaml"
    path.write_bytes(text.encode())
    append(sections or (NEW,), directory, {})
    return path.read_bytes().decode()


def test_sections_come_after_the_last_source_and_everything_else_stays(tmp_path: Path) -> None:
    fresh = added(tmp_path, FILE)
    assert fresh.startswith(FILE.partition("\n# The end.")[0])
    assert fresh.endswith("two words]\n\n# The end.\n")
    assert fresh.replace("\n" + spelled([NEW]), "", 1) == FILE
    assert [one["id"] for one in open_document(tmp_path / "sources.yaml").tree["sources"]] == [
        "herald",
        "post",
        "gazette",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "sources:\n- id: a\n  kind: feed\n  url: https://a.example/\n",
        "sources:\n  - id: a\n    kind: feed\n    url: https://a.example/",
        "sources:\r\n  - id: a\r\n    kind: feed\r\n    url: https://a.example/\r\n",
        "sources:\n  - id: a\n    kind: feed\n    url: https://a.example/\ndefaults:\n  every: 5m\n",
        "sources:\n    - id: a\n      kind: feed\n      url: https://a.example/\n# last\ndefaults: {}\n",
    ],
)
def test_other_ways_to_write_the_file_are_kept(tmp_path: Path, text: str) -> None:
    fresh = added(tmp_path, text)
    for row in text.splitlines():
        assert row in fresh.splitlines()
    assert ("\r\n" in fresh) == ("\r\n" in text)
    assert [source.id for source in read(tmp_path / "sources.yaml", SourcesFile, {}).sources] == [
        "a",
        "gazette",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "sources: [{id: a, kind: feed, url: 'https://a.example/'}]\n",
        "{sources: [{id: a, kind: feed, url: 'https://a.example/'}]}\n",
        "sources:\n  - id: a\n    kind: feed\n    url: https://a.example/\n    unknown: 1\n",
        "defaults: {}\n",
    ],
)
def test_a_file_that_cannot_be_added_to_stays_as_it_is(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        added(tmp_path, text)
    assert str(refused.value).startswith(str(tmp_path / "sources.yaml"))
    assert (tmp_path / "sources.yaml").read_bytes().decode() == text
    assert [path.name for path in tmp_path.iterdir()] == ["sources.yaml"]
