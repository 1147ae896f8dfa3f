"""Presets: ready `api:` keys for services many people ask.

Lives here: where Algolia's Hacker News, GDELT, Reddit and SEC EDGAR keep what an entry says. Pure functions
of JSON values. Not here: how keys are asked of a document (`endpoints`).

A key of one's own beside `preset:` takes the place of the preset's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

from crawler.sources import ApiKeys

Rows = Callable[[object], Sequence[object] | None]


@dataclass(frozen=True, slots=True)
class Preset:
    """Keys, and where no expression can say it, a function that finds the entries; None: not in its shape."""

    keys: ApiKeys
    rows: Rows | None = None


def completed(keys: ApiKeys) -> ApiKeys:
    """The keys with what its preset adds."""
    preset = PRESETS.get(keys.preset or "")
    if preset is None:
        return keys
    given = {
        name: value for name, value in preset.keys if value is not None and name not in keys.model_fields_set
    }
    return keys.model_copy(update=given)


# ---- SEC EDGAR: the submissions of a company, and the full-text search

_ARCHIVE = "https://www.sec.gov/Archives/edgar/data"
_MOST = 2_000  # filings; the document of a company shows the last thousand

# What an 8-K reports under a number, in short: the filing itself says no more in its list.
_ITEMS = {
    "1.01": "entry into a material definitive agreement",
    "1.02": "termination of a material definitive agreement",
    "1.05": "material cybersecurity incident",
    "2.01": "completion of an acquisition or disposition of assets",
    "2.02": "results of operations and financial condition",
    "2.03": "creation of a direct financial obligation",
    "2.05": "costs of exit or disposal activities",
    "2.06": "material impairments",
    "3.02": "unregistered sale of equity securities",
    "4.01": "change of the certifying accountant",
    "5.02": "departure or election of directors or officers",
    "5.03": "amendment of articles or bylaws",
    "5.07": "vote of security holders",
    "7.01": "Regulation FD disclosure",
    "8.01": "other events",
    "9.01": "financial statements and exhibits",
}


def edgar(document: object) -> Sequence[object] | None:
    """The filings of either of the two shapes; None: it is neither."""
    if not isinstance(document, dict):
        return None
    filings, hits = document.get("filings"), document.get("hits")
    if isinstance(filings, dict) and isinstance(recent := filings.get("recent"), dict):
        return list(_submissions(document, recent))
    if isinstance(hits, dict) and isinstance(found := hits.get("hits"), list):
        return [_hit(one) for one in found[:_MOST]]
    return None


_COLUMNS = (
    "accessionNumber", "form", "primaryDocument", "primaryDocDescription", "items", "acceptanceDateTime",
    "filingDate",
)  # fmt: skip


def _submissions(document: dict[str, object], recent: dict[str, object]) -> Iterator[dict[str, str]]:
    """A column for each thing said, a row for each filing."""
    name, cik = _text(document.get("name")), _number(document.get("cik"))
    columns = [column if isinstance(column := recent.get(key), list) else [] for key in _COLUMNS]
    for row in islice(zip_longest(*columns), _MOST):
        number, form, file, described, items, accepted, filed = (_text(value) for value in row)
        if number:
            yield _filing(cik, number, file, [name], form, _reported(items, described), accepted or filed)


def _hit(hit: object) -> dict[str, str]:
    said = hit.get("_source") if isinstance(hit, dict) else None
    if not isinstance(hit, dict) or not isinstance(said, dict):
        return {}
    number, _, file = _text(hit.get("_id")).partition(":")
    names = [_text(name).partition("  (")[0] for name in _list(said.get("display_names"))]
    cik = next((_number(value) for value in _list(said.get("ciks"))), "")
    form = _text(said.get("form")) or _text(said.get("file_type"))
    items = ",".join(_text(item) for item in _list(said.get("items")))
    about = _reported(items, _text(said.get("file_description")))
    return _filing(
        cik, _text(said.get("adsh")) or number, file, names, form, about, _text(said.get("file_date"))
    )


def _filing(
    cik: str, number: str, file: str, names: list[str], form: str, about: str, published: str
) -> dict[str, str]:
    title = f"{', '.join(filter(None, names))}: {form}"
    folder = f"{_ARCHIVE}/{cik}/{number.replace('-', '')}"
    return {
        "id": f"{number}:{file}",
        "title": f"{title}, {about}" if about and about != form else title,
        "link": f"{folder}/{file}" if file else f"{folder}/{number}-index.htm",
        "summary": "",
        "published": published,
    }


def _reported(items: str, described: str) -> str:
    numbers = [number.strip() for number in items.split(",")[:20] if number.strip()]
    return "; ".join(_ITEMS.get(number, f"item {number}") for number in numbers) or described


def _list(value: object) -> list[object]:
    return value[:20] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value[:2_000] if isinstance(value, str) else ""


def _number(value: object) -> str:
    """A CIK without the zeros before it."""
    text = str(value)[:20] if isinstance(value, str | int) else ""
    return text.lstrip("0") if text.isdigit() else ""


_FLAT = {name: name for name in ("id", "title", "link", "summary", "published")}

PRESETS = {
    "hackernews": Preset(
        ApiKeys(
            entries="hits",
            id="objectID",
            title="title || story_title",
            link="url || story_url || join('', ['https://news.ycombinator.com/item?id=', objectID])",
            summary="story_text || comment_text",
            published="created_at || created_at_i",
        )
    ),
    "gdelt": Preset(
        ApiKeys(
            entries="articles || (length(keys(@)) == `0` && `[]`)",  # {}: nobody wrote of it
            title="title",
            link="url",
            published="seendate",
        )
    ),
    "reddit": Preset(
        ApiKeys(
            entries="data.children[].data",
            id="name",
            title="title",
            link="url || permalink",
            summary="selftext",
            published="created_utc",
        )
    ),
    "edgar": Preset(ApiKeys(entries="filings.recent || hits.hits", **_FLAT), edgar),
}
