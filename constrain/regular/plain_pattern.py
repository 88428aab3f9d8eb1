"""Is an ECMA pattern plainly in order?  Seen by one regular expression over its text, without parsing it.

A schema may hold a hundred patterns of which a generation meets two.  Of the others it must only be known
that they are regular expressions, and ones that can be followed.  Nearly all are made of plain parts:

    ^[a-z]+(-[0-9]{2})?$       in order: characters, classes, groups, counts
    (a)\\1   (?!a)   [z-a]      not plainly: the parser (pattern.py) says what they are

What is plain is a narrow subset, so that each part is in order wherever it stands: escapes that both readings
of Annex B agree on, ranges whose ends are in order by their form, counts of at most three digits, few enough
parts that no limit is near.  Parentheses are counted, for matching them is not regular.

Of most of them it is also plain that some text matches: those that are anchored at most at their ends have
no part that could contradict another one, and no part is empty unless its class leaves nothing.

Cost: about a microsecond for 30 characters.
"""

from __future__ import annotations

import math
import re
from typing import Final

MAX_LENGTH: Final = 1_000
"""Longer ones are parsed, which may go deep into Python's stack."""
MAX_DEPTH: Final = 12

# No possessive quantifiers: Python 3.11.2 matches some of them wrongly (CPython issues 101955 and 106052).
_DIGITS = "|".join(f"{low}-[{low}-9]" for low in range(10))
_RANGE = rf"(?:a-[a-z]|[a-z]-z|A-[A-Z]|[A-Z]-Z|{_DIGITS})"
_SET = r"\\[dDwWsS]"
_ESCAPE = r"\\(?:[nrtfv]|[^A-Za-z0-9\ud800-\udfff])"
_MEMBER = r"[^\\\]\[^\-\ud800-\udfff]"
# A hyphen stands for itself at either end of a class, and behind a range or a class of its own.
_CLASS = (
    rf"\[(?:\^(?!\])|(?![\^\]]))-?(?!-)(?:(?:{_RANGE}|{_SET})-?(?!-)|(?:{_ESCAPE}|{_MEMBER})(?!-))*"
    rf"(?:(?:{_ESCAPE}|{_MEMBER})-)?\]"
)
_COUNT = r"(?:(?:[*+?]|\{\d{1,3}(?:,(?:\d{1,3})?)?\})\??)?"
_CHARACTER = r"[^\\^$.*+?()\[\]{}|\ud800-\udfff]"
_ATOM = rf"(?:{_CHARACTER}|\.|{_SET}|{_ESCAPE}|{_CLASS}|\)){_COUNT}"
_PLAIN = re.compile(rf"(?:{_ATOM}|(?:\^|\$|\||\((?:\?:)?)(?![*+?{{]))*")
_COUNTS = re.compile(r"\{(\d+),(\d+)\}")
_NO_STRUCTURE = re.compile(r"(?:[^\\()\[^$|]|\\.|\[(?:[^\\\]]|\\.)*\])+", re.DOTALL)
_TOKEN = re.compile(
    r"(\((?:\?:)?|[)|^$]|\\.|\[(?:[^\\\]]|\\.)*\]|.)(?:([*+?])|\{(\d+)(,(\d+)?)?\})?\??", re.DOTALL
)
_MAY_BE_EMPTY = re.compile(r"\[\^[^\]]*\\[DWS]")


def is_plain(pattern: str) -> bool:
    """Is this certainly an ECMA pattern, and one that an automaton can follow?

    >>> is_plain("^[a-z]+(-[0-9]{2})?$"), is_plain("(a)\\\\1"), is_plain("(a"), is_plain("[z-a]")
    (True, False, False, False)
    """
    if len(pattern) > MAX_LENGTH or not _PLAIN.fullmatch(pattern) or "&&" in pattern or "~~" in pattern:
        return False
    if "{" in pattern and any(int(low) > int(high) for low, high in _COUNTS.findall(pattern)):
        return False
    return ("(" not in pattern and ")" not in pattern) or _is_balanced(_NO_STRUCTURE.sub("", pattern))


def _is_balanced(parentheses: str) -> bool:
    depth = 0
    for character in parentheses:
        if character == "(":
            depth += 1
            if depth > MAX_DEPTH:
                return False
        elif character == ")":
            depth -= 1
            if depth < 0:
                return False
    return depth == 0


def plainly_matches(pattern: str, shortest: int = 0, longest: float = math.inf) -> bool:
    """Is there certainly a text of so many characters in which a plain pattern finds a match?

    >>> plainly_matches("^[a-z]+$"), plainly_matches("a$b"), plainly_matches("^(ab){2,3}$", 5, 6)
    (True, False, True)
    """
    structure = _NO_STRUCTURE.sub("-", pattern)
    first = structure.partition("|")[0]
    if "(" in first:
        first = structure  # that `|` may stand in a group
    elif len(first) < len(structure) and (shortest or longest < math.inf):
        return False
    if "^" in first[1:] or "$" in first[:-1] or _MAY_BE_EMPTY.search(pattern):
        return False
    if not shortest and longest == math.inf:
        return True
    least, most = widths(pattern)
    if first[:1] != "^" or first[-1:] != "$":
        return max(least, shortest) <= longest  # with any characters around the match
    return shortest <= least <= longest or shortest <= most <= longest


def widths(pattern: str) -> tuple[int, float]:
    """How many characters the shortest and the longest match of a plain pattern have.

    >>> widths("^(ab|c[de]f)*x{2,5}$")
    (2, inf)
    """
    outer: list[tuple[int, float, tuple[int, float] | None]] = []
    least, most, before = 0, 0.0, None  # of this option so far, and of the options before it
    for atom, mark, low, comma, high in _TOKEN.findall(pattern):
        if atom[0] == "(":
            outer.append((least, most, before))
            least, most, before = 0, 0.0, None
            continue
        if atom == "|":
            before = _either(before, least, most)
            least, most = 0, 0.0
            continue
        if atom in "^$":
            continue
        shortest, longest = 1, 1.0
        if atom == ")":
            shortest, longest = _either(before, least, most)
            least, most, before = outer.pop()
        if mark or low:
            fewest = int(low) if low else 1 if mark == "+" else 0
            times = 1.0 if mark == "?" else float(high) if high else fewest if low and not comma else math.inf
            shortest, longest = shortest * fewest, longest * times if longest and times else 0.0
        least, most = least + shortest, most + longest
    return _either(before, least, most)


def _either(before: tuple[int, float] | None, least: int, most: float) -> tuple[int, float]:
    return (least, most) if before is None else (min(before[0], least), max(before[1], most))
