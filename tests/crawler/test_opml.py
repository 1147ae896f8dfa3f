"""OPML of other readers read, and our own written."""

import pytest

from crawler.opml import LeftOut, NotOpml, Subscription, Subscriptions, read_opml, write_opml
from tests.builders import NOW, source


def opml(outlines: str, prolog: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{prolog}<opml version="2.0"><head><title>Mine</title></head>'
        f"<body>{outlines}</body></opml>"
    ).encode()


def urls(read: Subscriptions) -> list[str]:
    return [feed.url for feed in read.feeds]


def test_folders_and_categories_tell_where_a_feed_belongs() -> None:
    read = read_opml(
        opml(
            '<outline text="News"><outline text="Tech"><outline type="rss" text="Harbour &amp; Mole" '
            'xmlUrl="https://harbour.example/feed" language="en-GB" category="/Port/Ships,Sea"/></outline>'
            '<outline type="rss" text="Post" xmlUrl="https://post.example/rss"/></outline>'
            '<outline text="Alone" xmlUrl="https://alone.example/rss"/>'
        )
    )
    assert read.feeds == (
        Subscription(
            "Harbour & Mole", "https://harbour.example/feed", ("News", "Tech", "Port", "Ships", "Sea"), "en"
        ),
        Subscription("Post", "https://post.example/rss", ("News",)),
        Subscription("Alone", "https://alone.example/rss"),
    )
    assert read.left_out == ()


def test_attributes_are_known_in_any_case_and_a_title_beats_a_text() -> None:
    read = read_opml(
        opml('<OUTLINE TYPE="RSS" Text="short" TITLE="The long one" XMLURL="https://a.example/f"/>')
    )
    assert read.feeds == (Subscription("The long one", "https://a.example/f"),)


def test_a_feed_inside_a_feed_is_one_too_and_its_parent_is_no_folder() -> None:
    inner = '<outline type="atom" text="B" xmlUrl="https://b.example/f"/>'
    read = read_opml(opml(f'<outline type="rss" text="A" xmlUrl="https://a.example/f">{inner}</outline>'))
    assert [(feed.name, feed.folders) for feed in read.feeds] == [("A", ()), ("B", ())]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("feed://a.example/f", "http://a.example/f"),
        ("feed:https://a.example/f", "https://a.example/f"),
        ("FEED:HTTPS://a.example/f", "https://a.example/f"),
        (" https://a.example/ä b ", "https://a.example/%C3%A4%20b"),
    ],
)
def test_the_ways_people_write_the_address_of_a_feed(given: str, meant: str) -> None:
    assert urls(read_opml(opml(f'<outline xmlUrl="{given}"/>'))) == [meant]


def test_an_address_is_subscribed_to_once() -> None:
    read = read_opml(
        opml(
            '<outline text="A" xmlUrl="https://a.example/f"/><outline text="B" xmlUrl="https://a.example/f"/>'
        )
    )
    assert [feed.name for feed in read.feeds] == ["A"]


def test_what_cannot_be_read_is_named_with_its_reason_and_without_its_password() -> None:
    read = read_opml(
        opml(
            '<outline type="rss" text="No address"/>'
            '<outline type="rss" text="Secret" xmlUrl="https://me:hunter2@a.example/f"/>'
            '<outline type="rss" text="Script" xmlUrl="javascript:alert(1)"/>'
            '<outline type="HTML+XPath" text="Scraped" xmlUrl="https://b.example/"/>'
            '<outline type="link" text="A link" url="https://c.example/"/>'
            '<outline type="include" text="Another list" url="https://d.example/list.opml"/>'
        )
    )
    assert read.feeds == ()
    assert [one.name for one in read.left_out] == ["No address", "Secret", "Script", "Scraped"]
    assert read.left_out[0] == LeftOut("No address", "it has no xmlUrl")
    assert "html+xpath" in read.left_out[3].reason
    assert "hunter2" not in repr(read)


def test_markup_and_terminal_commands_in_names_are_gone() -> None:
    read = read_opml(
        opml('<outline text="&lt;b&gt;Bold&lt;/b&gt; &#27;[31mred" xmlUrl="https://a.example/f"/>')
    )
    assert read.feeds[0].name == "Bold red"


def test_a_loose_ampersand_does_not_cost_the_other_feeds() -> None:
    read = read_opml(opml('<outline text="A & B" xmlUrl="https://a.example/f?x=1&y=2"/>'
                          '<outline text="C" xmlUrl="https://c.example/f"/>'))  # fmt: skip
    assert "https://c.example/f" in urls(read)


@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1"])
def test_the_charset_is_the_one_it_says(charset: str) -> None:
    text = opml('<outline text="Zeitung für Köln" xmlUrl="https://a.example/f"/>').decode()
    read = read_opml(text.replace("UTF-8", charset).encode(charset))
    assert read.feeds[0].name == "Zeitung für Köln"


# ---- hostile


def test_no_entity_is_ever_resolved() -> None:
    prolog = '<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "yyyy">]>'
    read = read_opml(opml('<outline text="&x;&y;" xmlUrl="https://a.example/f"/>', prolog))
    assert "root" not in read.feeds[0].name
    assert "yyyy" not in read.feeds[0].name


def test_a_bomb_of_entities_is_no_work() -> None:
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    read = read_opml(
        opml('<outline text="&a11;" xmlUrl="https://a.example/f"/>', f"<!DOCTYPE opml [{entities}]>")
    )
    assert len(read.feeds) == 1
    assert len(read.feeds[0].name) <= 200


def test_what_is_too_large_too_deep_or_too_many_is_refused() -> None:
    with pytest.raises(NotOpml, match="larger"):
        read_opml(b" " * (5 * 1024 * 1024 + 1))
    with pytest.raises(NotOpml, match="deep"):
        read_opml(opml('<outline text="x">' * 60 + "</outline>" * 60))
    with pytest.raises(NotOpml, match="outlines"):
        read_opml(opml("<outline/>" * 10_001))


def test_depth_beyond_all_reason_ends() -> None:
    with pytest.raises(NotOpml):
        read_opml(opml('<outline text="x">' * 50_000))


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"<html><body>no</body></html>", b'{"feeds": []}'])
def test_something_else_is_no_opml(body: bytes) -> None:
    with pytest.raises(NotOpml):
        read_opml(body)


# ---- the other way


def test_what_is_written_is_read_again() -> None:
    sources = [
        source("herald", name="Herald & Sons", tags=("tech", "wire")),
        source("kurier", name='Kurier "am" <Abend>', language="de"),
        source("alone", language=None),
    ]
    read = read_opml(write_opml(sources, NOW))
    assert read.left_out == ()
    assert {(feed.name, feed.url, feed.language) for feed in read.feeds} == {
        (one.name, one.url, one.language) for one in sources
    }
    assert {feed.name: feed.folders for feed in read.feeds} == {
        "Alone": (),
        'Kurier "am" <Abend>': ("de",),
        "Herald & Sons": ("en", "tech", "wire"),
    }


def test_folders_may_be_tags() -> None:
    written = write_opml([source("herald", tags=("tech",)), source("kurier")], NOW, by_tag=True).decode()
    assert '<outline text="tech" title="tech">' in written
    assert '<outline text="en"' not in written


def test_it_is_opml_2() -> None:
    written = write_opml([source()], NOW).decode()
    assert written.startswith("<?xml version='1.0' encoding='utf-8'?>\n<opml version=\"2.0\">")
    assert "<dateCreated>Mon, 02 Mar 2026 12:00:00 GMT</dateCreated>" in written
    assert 'type="rss" text="Herald" title="Herald" xmlUrl="https://herald.example/feed.xml"' in written
