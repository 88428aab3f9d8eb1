"""Which characters have a Unicode property, by the names that ECMA-262 gives to `\\p{...}`?

    \\p{Lu}   \\p{Script=Greek}   \\p{scx=Grek}   \\p{ID_Start}

A general category, a script, a script's extensions, or a binary property; the tables are exact, and whatever
has none is refused by name.  The obvious substitutes are wrong: the first word of a character's name is not
its script, and a schema that says `^\\p{Script=Greek}+$` would be answered with a semicolon:

    U+037E  GREEK QUESTION MARK   named so, but canonically `;`, and of script Common
    U+2126  OHM SIGN              named otherwise, but of script Greek

Source: the Unicode Character Database, version 18.0, whatever Python's is (`unicodedata` of 3.11 is 14.0).
`python -m tests.regular.unicode_tables` writes `properties.txt` out of the `regex` package's tables, and
names of scripts out of fontTools'; the tests compare with fontTools, `unicodedata` and `idna`.  Names:
ECMA-262, tables 66 to 70, and PropertyValueAliases.txt.

A line of the file is a name and its ranges, each as two numbers: how many characters are left out since the
last one, and how many more than one belong to it.  `ASCII_Hex_Digit 48.9 7.5 26.5` is 0-9, A-F, a-f.
Cost: a third of a millisecond to read the file, and the line of a property when it is first asked for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

CharSet = tuple[tuple[int, int], ...]

UNICODE_VERSION = "18.0"

CATEGORIES = {
    "C": "Other", "Cc": "Control cntrl", "Cf": "Format", "Cn": "Unassigned", "Co": "Private_Use", "Cs": "Surrogate",
    "L": "Letter", "LC": "Cased_Letter", "Ll": "Lowercase_Letter", "Lm": "Modifier_Letter", "Lo": "Other_Letter",
    "Lt": "Titlecase_Letter", "Lu": "Uppercase_Letter", "M": "Mark Combining_Mark", "Mc": "Spacing_Mark",
    "Me": "Enclosing_Mark", "Mn": "Nonspacing_Mark", "N": "Number", "Nd": "Decimal_Number digit",
    "Nl": "Letter_Number", "No": "Other_Number", "P": "Punctuation punct", "Pc": "Connector_Punctuation",
    "Pd": "Dash_Punctuation", "Pe": "Close_Punctuation", "Pf": "Final_Punctuation", "Pi": "Initial_Punctuation",
    "Po": "Other_Punctuation", "Ps": "Open_Punctuation", "S": "Symbol", "Sc": "Currency_Symbol",
    "Sk": "Modifier_Symbol", "Sm": "Math_Symbol", "So": "Other_Symbol", "Z": "Separator", "Zl": "Line_Separator",
    "Zp": "Paragraph_Separator", "Zs": "Space_Separator",
}  # fmt: skip
"""The general categories and their other names."""

BINARY = {
    "ASCII": "", "ASCII_Hex_Digit": "AHex", "Alphabetic": "Alpha", "Any": "", "Assigned": "", "Bidi_Control": "Bidi_C",
    "Bidi_Mirrored": "Bidi_M", "Case_Ignorable": "CI", "Cased": "", "Changes_When_Casefolded": "CWCF",
    "Changes_When_Casemapped": "CWCM", "Changes_When_Lowercased": "CWL", "Changes_When_Titlecased": "CWT",
    "Changes_When_Uppercased": "CWU", "Dash": "", "Default_Ignorable_Code_Point": "DI", "Deprecated": "Dep",
    "Diacritic": "Dia", "Emoji": "", "Emoji_Component": "EComp", "Emoji_Modifier": "EMod",
    "Emoji_Modifier_Base": "EBase", "Emoji_Presentation": "EPres", "Extended_Pictographic": "ExtPict",
    "Extender": "Ext", "Grapheme_Base": "Gr_Base", "Grapheme_Extend": "Gr_Ext", "Hex_Digit": "Hex",
    "IDS_Binary_Operator": "IDSB", "IDS_Trinary_Operator": "IDST", "ID_Continue": "IDC", "ID_Start": "IDS",
    "Ideographic": "Ideo", "Join_Control": "Join_C", "Logical_Order_Exception": "LOE", "Lowercase": "Lower",
    "Math": "", "Noncharacter_Code_Point": "NChar", "Pattern_Syntax": "Pat_Syn", "Pattern_White_Space": "Pat_WS",
    "Quotation_Mark": "QMark", "Radical": "", "Regional_Indicator": "RI", "Sentence_Terminal": "STerm",
    "Soft_Dotted": "SD", "Terminal_Punctuation": "Term", "Unified_Ideograph": "UIdeo", "Uppercase": "Upper",
    "Variation_Selector": "VS", "White_Space": "space", "XID_Continue": "XIDC", "XID_Start": "XIDS",
}  # fmt: skip
"""ECMA-262's binary properties and their short names, but for Changes_When_NFKC_Casefolded: no table has it."""

_CATEGORY_NAMES = {name: short for short, names in CATEGORIES.items() for name in (short, *names.split())}
_BINARY_NAMES = {name: long for long, short in BINARY.items() for name in (long, *short.split())}
_KEYS = {
    "General_Category": "gc", "gc": "gc", "Script": "sc", "sc": "sc", "Script_Extensions": "scx", "scx": "scx",
}  # fmt: skip


@cache
def property_members(name: str) -> CharSet | None:
    """The characters of what stands between the braces of `\\p{...}`; None for what ECMA-262 does not name so.

    >>> property_members("Script=Thai") == property_members("sc=Thai")
    True
    >>> property_members("ASCII_Hex_Digit")
    ((48, 57), (65, 70), (97, 102))
    """
    key, equals, value = name.partition("=")
    if not equals:
        if name in _CATEGORY_NAMES:
            return members(f"gc={_CATEGORY_NAMES[name]}")
        return members(_BINARY_NAMES[name]) if name in _BINARY_NAMES else None
    kind = _KEYS.get(key)
    if kind is None:
        return None
    if kind == "gc":
        return members(f"gc={_CATEGORY_NAMES[value]}") if value in _CATEGORY_NAMES else None
    short = script_names().get(value)
    return None if short is None else members(f"{kind}={short}")


@cache
def script_names() -> dict[str, str]:
    """The four-letter code of each script, by its names."""
    names: dict[str, str] = {}
    for pair in _lines()["scripts"].split():
        short, long = pair.split("=")
        names[short] = names[long] = short
    return names | {"Qaac": "Copt", "Qaai": "Zinh"}


@cache
def members(name: str) -> CharSet:
    """The ranges of one line of the file, which must have it."""
    ranges: list[tuple[int, int]] = []
    at = 0
    for word in _lines()[name].split():
        gap, _, more = word.partition(".")
        low = at + int(gap)
        at = low + int(more or 0) + 1
        ranges.append((low, at - 1))
    return tuple(ranges)


@cache
def _lines() -> dict[str, str]:
    text = Path(__file__).with_name("properties.txt").read_text(encoding="ascii")
    return {name: ranges for name, _, ranges in (line.partition(" ") for line in text.splitlines())}
