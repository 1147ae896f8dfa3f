"""Selecting: what a person writes to point at a part of a document, CSS or JMESPath, made ready to be asked.

Lives here: what is a selector or an expression at all, said while the configuration is read (the only room
that knows the two libraries). Not here: which parts of a document are asked for (`sources`), how a document
is read with them (`listings`, `endpoints`).
"""

from collections.abc import Callable
from functools import cache
from typing import Annotated

import jmespath
from cssselect import HTMLTranslator, SelectorError
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, Field

Expression = Callable[[object], object]

_LONGEST = 500  # characters; each bracket of an expression costs a level of the stack


@cache
def xpath_of(selector: str) -> str:
    """The XPath of a CSS selector. ValueError says what is wrong with it."""
    try:
        return str(HTMLTranslator().css_to_xpath(selector, prefix="descendant-or-self::"))
    except (SelectorError, RecursionError) as error:
        raise ValueError(f"not a CSS selector: {error or 'nested too deep'}") from None


@cache
def expression(text: str) -> Expression:
    """A JMESPath expression; asked of a value it gives what it finds, None where it finds nothing.

    ValueError says what is wrong with it.
    """
    try:
        compiled = jmespath.compile(text)
    except (JMESPathError, RecursionError) as error:
        said = " ".join((str(error) or "nested too deep").split()).rstrip(" ^")
        raise ValueError(f"not a JMESPath expression: {said}") from None

    def found(value: object) -> object:
        try:
            return compiled.search(value)
        except (JMESPathError, RecursionError, TypeError, ValueError, ArithmeticError):
            return None  # a function that does not take what stands there

    return found


def _css(text: str) -> str:
    xpath_of(text)
    return text


def _jmespath(text: str) -> str:
    expression(text)
    return text


CssSelector = Annotated[str, Field(min_length=1, max_length=_LONGEST), AfterValidator(_css)]
JmesPath = Annotated[str, Field(min_length=1, max_length=_LONGEST), AfterValidator(_jmespath)]
