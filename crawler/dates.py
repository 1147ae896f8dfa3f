"""Dates: what people write where a date belongs, as an instant in UTC or None.

Lives here: the spellings we read and the zone names we know. Not here: how far a date is believed
(`entries.clamp`). A wrong date is worse than none: an article taken for last May's is never told. So what
could be read two ways (03/04/2026), lacks its year, or depends on the day of reading ("yesterday") is None.

No date says where it is from: without zone it is UTC, a few hours off at most.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_LONGEST = 100  # characters; no date is longer

_NAMES = """january february march april may june july august september october november december""".split()  # noqa: SIM905
# Only English names, whole: the first three letters of Finnish "marraskuu" (November) are those of March.
_MONTHS = {name: number for number, whole in enumerate(_NAMES, 1) for name in (whole, whole[:3], whole[:4])}
_CLOCK = r"(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s*([ap]\.?m\.?\b)?"
_ZONE = r"\s*(.{0,40})"
_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T\s,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?" + _ZONE,
    re.IGNORECASE,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?)?" + r"(Z|[+-]\d{2}:?\d{2})?")
_ENGLISH = re.compile(
    r"(?:[a-z]{3,9}\.?,?\s*)?(\d{1,2})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?([a-z]{3,9})\.?,?[\s-]+(\d{4}|\d{2})\b"
    rf"(?:\D{{1,12}}?{_CLOCK})?{_ZONE}",
    re.IGNORECASE,
)
_AMERICAN = re.compile(
    r"(?:[a-z]{3,9}\.?,?\s+)?([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b"
    rf"(?:\D{{1,12}}?{_CLOCK})?{_ZONE}",
    re.IGNORECASE,
)
_UNIX = re.compile(  # Thu Nov  5 12:00:00 CET 2026
    r"[a-z]{3}\s+([a-z]{3})\s+(\d{1,2})\s+(\d{1,2}):(\d{2}):(\d{2})\s+([a-z]{1,5}\s+|[+-]\d{4}\s+)?(\d{4})",
    re.IGNORECASE,
)
_DOTTED = re.compile(
    rf"(?:\w+\.?,?\s+)?(\d{{1,2}})\.\s?(\d{{1,2}})\.\s?(\d{{4}})\b(?:\D{{1,12}}{_CLOCK})?{_ZONE}"
)
_YEAR_FIRST = re.compile(rf"(\d{{4}})[/.](\d{{1,2}})[/.](\d{{1,2}})\b(?:[\sT,]+{_CLOCK})?{_ZONE}")
_SLASHED = re.compile(rf"(?:\w+\.?,?\s+)?(\d{{1,2}})/(\d{{1,2}})/(\d{{4}})\b(?:\D{{1,12}}{_CLOCK})?{_ZONE}")
_REST = ("year", "hour", "minute", "second", "half", "zone")
_SPELLINGS = (
    (_ISO, ("year", "month", "day", "hour", "minute", "second", "zone")),
    (_COMPACT, ("year", "month", "day", "hour", "minute", "second", "zone")),
    (_ENGLISH, ("day", "month", *_REST)),
    (_AMERICAN, ("month", "day", *_REST)),
    (_UNIX, ("month", "day", "hour", "minute", "second", "zone", "year")),
    (_DOTTED, ("day", "month", *_REST)),
    (_YEAR_FIRST, ("year", "month", "day", *_REST[1:])),
)
_ZONE_AT_END = re.compile(r"\s\(?([A-Za-z]{2,5}|[+-]\d{2}:?\d{2})\)?$")
_EPOCH = re.compile(r"(?:\d{9,10}|\d{12,13})(?:\.\d+)?")
_OFFSET = re.compile(r"(?:gmt|utc)?\s*([+-])(\d{1,2})(?::?(\d{2}))?\b", re.IGNORECASE)
_WORDS = re.compile(r"[^\W\d_]{3,}|[年년]")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")

# Hours east of Greenwich. Where a name has several meanings, the one most feeds mean (IST: India; BST:
# British summer; CST: North America, as RFC 822 has it). feedparser takes half of these for UTC.
_HOURS = """
    z 0 ut 0 utc 0 gmt 0 wet 0 bst 1 west 1 cet 1 mez 1 met 1 cest 2 mesz 2 mest 2 eet 2 sast 2 eest 3 msk 3
    trt 3 idt 3 irst 3.5 gst 4 pkt 5 ist 5.5 npt 5.75 ict 7 wib 7 wita 8 hkt 8 sgt 8 pht 8 awst 8 jst 9 kst 9
    wit 9 acst 9.5 aest 10 acdt 10.5 aedt 11 nzst 12 nzdt 13 ndt -2.5 nst -3.5 brt -3 art -3 adt -3 ast -4
    edt -4 est -5 et -5 cdt -5 cst -6 ct -6 mdt -6 mst -7 pdt -7 pst -8 pt -8 akdt -8 akst -9 hst -10
    """.split()  # noqa: SIM905
_ZONES = {name: float(hours) for name, hours in zip(_HOURS[::2], _HOURS[1::2], strict=True)}
_DAY_FIRST = frozenset(
    "bg ca cs da de el es fi fr hr id is it nb nl nn no pl pt ro ru sk sl sv tr uk vi".split()  # noqa: SIM905
)


def read_date(
    text: str | float | None, language: str | None = None, *, thorough: bool = True
) -> datetime | None:
    """The instant meant, in UTC; None where it is missing, nonsense or could be two.

    `language`: of the document. `thorough`: also ask the library that knows the months of two hundred
    languages; that takes a millisecond where the rest takes ten microseconds.
    """
    if text is None or isinstance(text, bool):
        return None
    text = " ".join(str(text).split())
    if not text or len(text) > _LONGEST:
        return None
    found = _by_rule(text, language)
    if found is None and thorough and _WORDS.search(text) and _YEAR.search(text):
        found = _by_library(text, language)
    return found if found and _EARLIEST <= found < _LATEST else None


def _by_rule(text: str, language: str | None) -> datetime | None:
    if _EPOCH.fullmatch(text):
        seconds = float(text)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    order: tuple[str, ...] | None
    for pattern, order in _SPELLINGS:
        if found := pattern.fullmatch(text):
            return _instant(dict(zip(order, found.groups(), strict=True)), language)
    if found := _SLASHED.fullmatch(text):
        order = _order_of_slashes(int(found[1]), int(found[2]), language)
        return _instant(dict(zip(order, found.groups(), strict=True)), language) if order else None
    return None


def _order_of_slashes(first: int, second: int, language: str | None) -> tuple[str, ...] | None:
    if first > 12 or language in _DAY_FIRST:
        return ("day", "month", *_REST)
    if second > 12:
        return ("month", "day", *_REST)
    return None


_Parts = dict[str, str | None]


def _instant(parts: _Parts, language: str | None) -> datetime | None:
    """The instant these parts of a date name; None if there is no such day or hour."""
    name = (parts["month"] or "").lower()
    month = int(name) if name.isdigit() else _MONTHS.get(name, 0)
    year, hour = int(parts["year"] or 0), int(parts["hour"] or 0)
    year += 2000 if year < 70 else 1900 if year < 100 else 0
    half = (parts.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    minute, second = int(parts["minute"] or 0), min(int(parts["second"] or 0), 59)  # 60: a leap second
    late = timedelta(days=1) if hour == 24 and minute == 0 else timedelta(0)
    try:
        day = datetime(year, month, int(parts["day"] or 0), 0 if late else hour, minute, second, tzinfo=UTC)
        return day + late - _offset(parts["zone"] or "", language)
    except (ValueError, OverflowError):
        return None


def _offset(zone: str, language: str | None) -> timedelta:
    """How far the zone lies east of Greenwich; nothing where we do not know it."""
    zone = zone.strip(" ()[],.").lower()
    if found := _OFFSET.match(zone):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return (-offset if found[1] == "-" else offset) if offset <= timedelta(hours=14) else timedelta(0)
    if zone == "cst" and language == "zh":
        return timedelta(hours=8)
    return timedelta(hours=_ZONES.get(zone, 0.0))


@lru_cache(maxsize=256)
def _by_library(text: str, language: str | None) -> datetime | None:
    # Imported here: 0.15 s which a parsing child need not pay before it meets a date that needs it.
    import dateparser  # noqa: PLC0415

    found = _ZONE_AT_END.search(text)
    zone = found[1] if found and (found[1][0] in "+-" or found[1].lower() in _ZONES) else ""
    text = text[: found.start()] if found and zone else text
    settings = {"PARSERS": ["absolute-time"], "REQUIRE_PARTS": ["day", "month", "year"]}
    languages = [language] if language and language != "en" else []
    try:
        day = dateparser.parse(text, languages=[*languages, "en"], settings=settings)
    except (ValueError, OverflowError):  # also: a language it does not know
        return None
    if day is None or str(day.year) not in text:
        return None
    instant: datetime = day.replace(tzinfo=UTC) - _offset(zone, language)
    return instant
