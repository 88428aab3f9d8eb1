"""What does a text want computed: which sum, and what is converted into what?

    "Quanto fa 12 per 15?"           12 * 15
    "What is 15% of 80?"             15 / 100 * 80
    "250 dollari in euro"            from dollari to euro

Words stand for signs only between numbers, so that `a table for 2` has no sum in it.  Dates and ranges
(`12/03/2024`, `9-12`) have none either: a minus and a stroke need blanks around them where more may follow.
It is a table on purpose.  To teach another word, add it to a row.
"""

from __future__ import annotations

import re

_SIGNS = {
    "+": r"\s?\+\s?|\s(?:plus|piu)\s",
    "-": r"\s[-–]\s|\s(?:minus|meno)\s",
    "*": r"\s?[*×]\s?|\s(?:x|times|per|multiplied by|moltiplicato per)\s",
    "/": r"\s?÷\s?|\s/\s|\s(?:over|fratto|divided by|diviso(?: per)?)\s",
    "^": r"\s?\^\s?|\s(?:to the power of|elevato a|elevato alla)\s",
    "/ 100 *": r"\s?%\s(?:of|di|del)\s|\s(?:percent of|per cento di|per cento del)\s",
}
_NUMBER = r"\d+(?:[.,]\d+)?"
_SIGN = "|".join(_SIGNS.values())
_SUM = re.compile(rf"(?<![\w.,/-]){_NUMBER}(?:(?:{_SIGN}){_NUMBER})+(?![\w%/-])")

_UNITS = (
    r"€|\$|£|euros?|eur|dollars?|dollari|dollaro|usd|pounds?|sterline|sterlina|gbp|yen|jpy|francs?|franchi|chf|"
    r"km|kilomet\w+|chilometri|miles?|miglia|met(?:er|re)s?|metri|feet|foot|piedi|inch\w*|pollici|cm|"
    r"kg|kilos?|kilograms?|chil[io]|grams?|grammi|lbs?|ounces?|once|"
    r"celsius|fahrenheit|kelvin|litres?|liters?|litri|gallons?|galloni|hours?|ore|minut\w+|seconds?|secondi"
)
_CONVERSION = re.compile(
    rf"(?:\d\s?|\b)(?:degrees |gradi )?(?P<from>{_UNITS})(?!\w)\s(?:to|into|in|a|as)\s"
    rf"(?:degrees |gradi )?(?P<to>{_UNITS})(?!\w)"
)
_SIDES = {
    "from": ("from", "source", "base", "da"),
    "to": ("to", "target", "destination", "a"),
}


def sum_in(folded: str) -> str | None:
    """The first sum of a folded text, in signs; None where there is none.

    >>> sum_in("how much is 3 times 4 plus 1?"), sum_in("a table for 2 at 9")
    ('3 * 4 + 1', None)
    """
    found = _SUM.search(folded)
    if found is None:
        return None
    text = found.group()
    for sign, words in _SIGNS.items():
        text = re.sub(words, f" {sign} ", text)
    return text


def side_of_conversion(folded: str, names: tuple[str, ...]) -> tuple[int, int] | None:
    """Where a folded text says what is converted, or into what: the side that a field's names begin with."""
    found = _CONVERSION.search(folded)
    words = {name.split()[0] for name in names if name}
    side = next((side for side, known in _SIDES.items() if words & set(known)), None)
    return found.span(side) if found is not None and side is not None else None
