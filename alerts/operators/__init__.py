"""Operators: the words of the query language; each finds its evidence.

In reading order: `nodes` (what every part of a query is asked, and an article while it is read), `terms`
(words, prefixes, phrases and sets of them), `regex`, `combining` (AND, NEAR, EXCEPT …, and their registry),
`known` (site:, lang:, kind: …). Not here: how a query is read (`query`), how the terms of all watches are
found at once (`matching`).
"""

from alerts.operators.combining import (
    OPERATORS,
    And,
    AtLeast,
    Distance,
    Except,
    InField,
    Named,
    Near,
    Not,
    Or,
    OrderedNear,
)
from alerts.operators.known import FACTS, NUMBERS, Fact
from alerts.operators.nodes import (
    BODY,
    FIELD_NAMES,
    TEXT_FIELDS,
    TITLE,
    Form,
    Found,
    Hits,
    Needs,
    Node,
    Occurrence,
    Reading,
    Scope,
    Words,
    atoms,
)
from alerts.operators.regex import Regex
from alerts.operators.terms import AnyTerm, Term, Word, term, terms_of

__all__ = [
    "BODY",
    "FACTS",
    "FIELD_NAMES",
    "NUMBERS",
    "OPERATORS",
    "TEXT_FIELDS",
    "TITLE",
    "And",
    "AnyTerm",
    "AtLeast",
    "Distance",
    "Except",
    "Fact",
    "Form",
    "Found",
    "Hits",
    "InField",
    "Named",
    "Near",
    "Needs",
    "Node",
    "Not",
    "Occurrence",
    "Or",
    "OrderedNear",
    "Reading",
    "Regex",
    "Scope",
    "Term",
    "Word",
    "Words",
    "atoms",
    "term",
    "terms_of",
]
