"""Lengths meet: x{a,b} & x{c,d} is x{max(a,c),min(b,d)}, where x is a code.

`minLength: 2` and `maxLength: 40` are two languages, and their intersection as it stands counts every
character twice.  Counts of the same body may be joined if a text is a row of its strings in one way only:

    (a|bc){2,} & (a|bc){0,5}     (a|bc){2,5}
    (a|aa){2,} & (a|aa){0,2}     left as it is: `aaaa` is two, three or four of them

The characters of UTF-8 and of JSON strings are such codes: none is the beginning of another one.  Then every
text has one length, and a bound on it may be found to hold anyway, or be moved into the only count there is:

    [0-9]{4}-[0-9]{2} & .{0,40}      [0-9]{4}-[0-9]{2}
    [A-Z][a-z]* & .{3,10}            [A-Z][a-z]{2,9}
    [a-z]+-[a-z]+ & .{0,9}           left as it is: two counts vary

Source: Berstel, Perrin and Reutenauer, "Codes and Automata" (2010), section 2.1, prefix codes.
"""

from __future__ import annotations

from constrain.regular.keeping import remember
from constrain.regular.leaf import Leaf
from constrain.regular.queries import is_empty
from constrain.regular.terms import (
    ANY_BYTES,
    EMPTY,
    EPSILON,
    Bytes,
    Choice,
    Concat,
    Intersection,
    Repeat,
    Strings,
    Term,
    concat,
    difference,
    intersect,
    repeat,
)

MAX_STRINGS = 1_000

Lengths = tuple[int, int | None]
"""The least and the greatest number of strings of a code; None is no limit."""


def meet(left: Term, right: Term) -> Term:
    """The strings that both terms hold, with the counts of a code joined.

    >>> from constrain.regular.terms import byte_set
    >>> a = byte_set(1 << 97)
    >>> meet(repeat(a, 2), repeat(a, 0, 5)) is repeat(a, 2, 5)
    True
    """
    counts: dict[Term, Lengths] = {}
    others: dict[Term, None] = {}
    for term in (left, right):
        for member in term.members if type(term) is Intersection else (term,):
            if type(member) is not Repeat or member is ANY_BYTES or not is_prefix_code(member.body):
                others[member] = None
            else:
                before = counts.get(member.body, (0, None))
                counts[member.body] = _both(before, (member.low, member.high))
    members = [*others, *(repeat(body, *bounds) for body, bounds in counts.items())]
    for body, bounds in counts.items():
        counted = repeat(body, *bounds)
        for other in members if counted in members else ():
            bounded = _bounded(other, body, bounds) if other is not counted else None
            if bounded is not None:
                members = [member for member in members if member is not other and member is not counted]
                members.append(bounded)
                break
    return intersect(*members)


def _both(one: Lengths, other: Lengths) -> Lengths:
    highs = [high for _, high in (one, other) if high is not None]
    return max(one[0], other[0]), min(highs, default=None)


def _bounded(term: Term, code: Term, bounds: Lengths) -> Term | None:
    """`term` & code{bounds} without an intersection; None if that is not seen at once."""
    has = lengths(term, code)
    if has is None:
        return None
    low, high = _both(has, bounds)
    if (low, high) == has:
        return term
    if high is not None and low > high:
        return EMPTY
    parts = []
    at = term
    while type(at) is Concat:
        parts.append(at.head)
        at = at.tail
    parts.append(at)
    each = [lengths(part, code) or (0, None) for part in parts]
    vary = [number for number, (least, most) in enumerate(each) if least != most]
    if len(vary) != 1:
        return None
    counted = parts[vary[0]]
    if type(counted) is not Repeat or lengths(counted.body, code) != (1, 1):
        return None
    fixed = sum(least for least, most in each if least == most)
    parts[vary[0]] = repeat(counted.body, low - fixed, None if high is None else high - fixed)
    return concat(*parts)


@remember(4096)
def lengths(term: Term, code: Term) -> Lengths | None:
    """How many strings of a prefix code the texts of `term` are; None if that is not seen at once.

    Both bounds are reached where `term` is not an intersection.
    """
    if term is EPSILON:
        return 0, 0
    if type(term) is Strings:
        return _lengths_of_strings(term, code)
    if type(term) is Concat:
        head, tail = lengths(term.head, code), lengths(term.tail, code)
        if head is not None and tail is not None:
            return head[0] + tail[0], None if head[1] is None or tail[1] is None else head[1] + tail[1]
    elif type(term) is Repeat:
        body = lengths(term.body, code)
        if body is None:
            return None
        return body[0] * term.low, None if term.high is None or body[1] is None else body[1] * term.high
    elif type(term) is Choice and term is not EMPTY:
        each = [lengths(member, code) for member in term.members]
        if None not in each:
            known = [bounds for bounds in each if bounds is not None]
            highs = [high for _, high in known if high is not None]
            return min(low for low, _ in known), max(highs) if len(highs) == len(known) else None
    elif type(term) is Intersection:
        for member in term.members:
            found = lengths(member, code)
            if found is not None:
                return found
        return None
    elif isinstance(term, Leaf):
        return None if term.outline is None else lengths(term.outline, code)
    if type(term) in (Bytes, Choice, Concat) and is_empty(difference(term, code)):
        return 1, 1
    return None


def _lengths_of_strings(term: Strings, code: Term) -> Lengths | None:
    if term.size > MAX_STRINGS:
        return None
    found: list[int] = []
    stack: list[tuple[Term, Term, int]] = [(term, code, 0)]
    while stack:
        here, at, count = stack.pop()
        if here.nullable:
            if at is not code:
                return None
            found.append(count)
        for byte, rest in here.children.items() if type(here) is Strings else ():
            after = at.after(byte)
            if after is EMPTY:
                return None
            stack.append((rest, code, count + 1) if after.nullable else (rest, after, count))
    return min(found), max(found)


@remember(4096)
def is_prefix_code(term: Term) -> bool:
    """Is no string of `term` the beginning of another one?  False also where that is not seen at once."""
    if type(term) is Concat:
        return is_prefix_code(term.head) and is_prefix_code(term.tail)
    if type(term) is Strings:
        return not term.nullable and all(is_prefix_code(child) for child in term.children.values())
    if type(term) is Choice:
        return not term.nullable and _differ_at_once(term) and all(map(is_prefix_code, term.members))
    return type(term) is Bytes or term is EPSILON


def _differ_at_once(term: Choice) -> bool:
    """Do the members begin with different bytes?"""
    seen = 0
    for member in term.members:
        for mask in member.classes():
            if member.derivative((mask & -mask).bit_length() - 1) is not EMPTY:
                if seen & mask:
                    return False
                seen |= mask
    return True
