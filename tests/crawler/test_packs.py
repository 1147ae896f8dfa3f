"""Which sources are read: by language, tier and tag, and what a source says of itself."""

import pytest

from crawler.packs import Use
from crawler.sources import Source


def source(**keys: object) -> Source:
    given = {
        "id": "herald",
        "kind": "feed",
        "url": "https://herald.example/",
        "tags": ("technology",),
        **keys,
    }
    return Source.model_validate(given)


@pytest.mark.parametrize(
    ("use", "keys", "left_out"),
    [
        ({}, {}, None),
        ({"languages": ["en", "fr"]}, {"language": "fr"}, None),
        ({"languages": ["en", "fr"]}, {"language": "de"}, "languages"),
        ({"languages": ["en", "fr"]}, {}, None),  # it may speak any
        ({"tiers": [1]}, {"tier": 1}, None),
        ({"tiers": [1]}, {}, "tiers"),
        ({"tags": ["primary", "technology"]}, {}, None),
        ({"tags": ["primary"]}, {}, "tags"),
        ({"tags": ["primary"]}, {"tags": ()}, "tags"),
        ({"without": ["technology"]}, {}, "without"),
        ({"without": ["forum"]}, {}, None),
        ({"tags": ["technology"], "without": ["forum"]}, {"tags": ("technology", "forum")}, "without"),
        ({"languages": ["fr"], "tiers": [1]}, {"language": "en", "tier": 3}, "languages"),  # the first counts
        ({"languages": ["fr"]}, {"language": "en", "enabled": True}, None),
        ({"languages": ["fr"]}, {"language": "en", "enabled": False}, None),  # it is off by its own word
    ],
)
def test_a_source_is_left_out_by(use: dict, keys: dict, left_out: str | None) -> None:
    assert Use.model_validate(use).leaves_out(source(**keys)) == left_out
