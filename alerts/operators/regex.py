"""Regular expressions in a query.

Lives here: all that knows RE2. It needs linear time whatever the expression, which comes from a person, and
whatever the text, which comes from anybody.
"""

from itertools import islice

import re2

from alerts.operators.nodes import BODY, LEAD, MOST_PLACES, Found, Needs, Occurrence, Reading, Words

LONGEST_REGEX = 500  # characters
_REGEX_MEMORY = (
    1 << 20
)  # bytes RE2 may take for one expression; if it needs more it becomes slower, not wrong
_ANYTHING = ("", "aZ 09.\n微б")  # whoever finds nothing at all in these finds it in every article


class Regex(Words):
    """A regular expression in RE2's syntax, in linear time; read over the text with its capitals."""

    def __init__(self, pattern: str, *, any_case: bool = False) -> None:
        self.pattern = pattern
        self.any_case = any_case
        self._compiled = _compiled(pattern, any_case)

    def needs(self) -> Needs:
        return []

    def look_up(self, reading: Reading, piece: int) -> Found:
        field = BODY if piece == LEAD else piece
        text = reading.texts[field]
        limit = text.lead_end if piece == LEAD else len(text.folded)
        found = []
        for match in islice(self._compiled.finditer(text.cased), MOST_PLACES):
            start, end = text.folded_span(*match.span())
            if start >= limit:
                break
            if start < end:
                found.append(Occurrence(field, start, end, str(self)))
        return found

    def __str__(self) -> str:
        return f"/{self.pattern}/{'i' if self.any_case else ''}"


def _compiled(pattern: str, any_case: bool) -> "re2._Regexp":
    """The expression, compiled; ValueError if RE2 refuses it or if it finds the empty string."""
    if len(pattern) > LONGEST_REGEX:
        raise ValueError(f"it has {len(pattern)} characters; {LONGEST_REGEX} are allowed")
    options = re2.Options()
    options.case_sensitive = not any_case
    options.max_mem = _REGEX_MEMORY
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0]
        raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None
    if any(match.start() == match.end() for text in _ANYTHING for match in compiled.finditer(text)):
        raise ValueError("it finds the empty string, and so every article")
    return compiled
