"""The automaton of a pattern, over characters, as a picture.

The engine's automaton reads bytes (`regular/automaton.py`), so that `[^é]` is many steps.  Here its paths of
bytes are joined into characters: a state between two characters stays, those inside one go.

    [ab]é*      ▶ 0 ──[ab]──▶ (1)⟲é             bytes: 0 ─61-62▶ 1 ─C3▶ 2 ─A9▶ 1

An edge is labelled with the shortest pattern of one character that we find for its set: `[0-9]`, `\\w`,
`[^\\Wa]`, all in Python's syntax.  A label that is too long is cut, with dots; the whole is the edge's title.

Cost: as many steps as the paths of one character have bytes; they count against the budget.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from constrain.budget import DEFAULT_MAX_STEPS, budget, spend
from constrain.errors import UnsatisfiableError
from constrain.pictures import DEFAULT_MAX_NODES
from constrain.pictures.picture import (
    COLUMN,
    Arrow,
    Box,
    Picture,
    add,
    add_arrow,
    check_size,
    columns,
    cut,
    finished,
    lay_out,
)
from constrain.regular.automaton import Automaton, shared_automaton, start_grammar
from constrain.regular.byte_sets import bytes_of
from constrain.regular.charset import (
    EVERY,
    CharSet,
    holds,
    inverse,
    normal,
    unicode_digits,
    unicode_space,
    unicode_word,
    union,
)
from constrain.regular.queries import is_empty
from constrain.regular.syntax import PatternLike, as_pattern, regex_term

_RADIUS = 15.0
_LABEL_COLUMNS = 24
_SURROGATES: CharSet = ((0xD800, 0xDFFF),)
_CLASSES = {"d": unicode_digits, "w": unicode_word, "s": unicode_space}
_ESCAPES = {0x09: r"\t", 0x0A: r"\n", 0x0B: r"\v", 0x0C: r"\f", 0x0D: r"\r"}

Runs = list[tuple[int, int, int]]
"""Sorted ranges of code points, each with the state that they lead to."""


@dataclass(frozen=True, slots=True)
class CharacterAutomaton:
    """A deterministic automaton over characters, which starts in state 0.

    `edges[state]` says by which set of characters it goes to which state; no two of them meet.
    """

    accepting: frozenset[int]
    edges: tuple[dict[int, CharSet], ...]


def character_automaton(
    pattern: PatternLike, *, flags: int = 0, max_nodes: int = DEFAULT_MAX_NODES
) -> CharacterAutomaton:
    """The automaton by which texts of a pattern are written; each of its states can be completed.

    Raises RegexError, UnsupportedRegexError, UnsatisfiableError, and LimitExceeded past `max_nodes` states
    or as many arrows.
    """
    text, flags = as_pattern(pattern, flags)
    start_grammar()
    with budget(DEFAULT_MAX_STEPS, "drawing this pattern"):
        term = regex_term(text, flags=flags)
        if is_empty(term):
            raise UnsatisfiableError(f"no text matches `{text}`")
        automaton = shared_automaton()
        number = {automaton.state(term): 0}
        edges: list[dict[int, CharSet]] = []
        memo: dict[tuple[int, int], Runs] = {}
        while len(edges) < len(number):
            here = list(number)[len(edges)]
            out: dict[int, list[tuple[int, int]]] = {}
            for low, high, to in _characters(automaton, here, memo):
                out.setdefault(number.setdefault(to, len(number)), []).append((low, high))
            edges.append({to: normal(ranges) for to, ranges in out.items()})
            # A dense automaton of 128 states and 256 arrows takes Graphviz 20 seconds, and no one reads it.
            check_size(max(len(number), sum(map(len, edges))), max_nodes, "this pattern's automaton")
        accepting = frozenset(number[state] for state in number if automaton.accepting[state])
    return CharacterAutomaton(accepting, tuple(edges))


def _characters(automaton: Automaton, state: int, memo: dict[tuple[int, int], Runs]) -> Runs:
    """Where one character leads to: a lead byte says how many more follow (RFC 3629)."""
    found: Runs = []
    for mask, to in automaton.ways(state):
        for byte in bytes_of(mask):
            more = (byte >= 0xC0) + (byte >= 0xE0) + (byte >= 0xF0)
            first = (byte & (0x7F, 0x1F, 0x0F, 0x07)[more]) << 6 * more
            found += [
                (first + low, first + high, end) for low, high, end in _tails(automaton, to, more, memo)
            ]
    return sorted(found)


def _tails(automaton: Automaton, state: int, more: int, memo: dict[tuple[int, int], Runs]) -> Runs:
    """Where the last `more` bytes of a character lead to, six bits each."""
    if not more:
        return [(0, 0, state)]
    if (state, more) not in memo:
        found: Runs = []
        for mask, to in automaton.ways(state):
            inner = _tails(automaton, to, more - 1, memo)
            spend(1 + mask.bit_count() * len(inner) // 16)
            for byte in bytes_of(mask):
                first = (byte & 0x3F) << 6 * (more - 1)
                found += [(first + low, first + high, end) for low, high, end in inner]
        memo[state, more] = _joined(sorted(found))
    return memo[state, more]


def _joined(runs: Runs) -> Runs:
    joined: Runs = []
    for low, high, to in runs:
        if joined and joined[-1][1] == low - 1 and joined[-1][2] == to:
            joined[-1] = (joined[-1][0], high, to)
        else:
            joined.append((low, high, to))
    return joined


def label(charset: CharSet) -> str:
    r"""A short pattern, in Python's syntax, of one character out of a set.

    >>> label(((0x30, 0x39),)), label(((0xE9, 0xE9),)), label(((0, 0x60), (0x62, 0x10FFFF)))
    ('[0-9]', 'é', '[^a]')
    """
    if holds(charset, 0xD7FF) and holds(charset, 0xE000):
        charset = union(charset, _SURROGATES)  # which no text has, so they may be said or not
    if charset == EVERY:
        return r"[\s\S]"
    if len(charset) == 1 and charset[0][0] == charset[0][1]:
        return _character(charset[0][0], r"\.^$*+?{}[]|()")
    if inverse(charset) == ((0x0A, 0x0A),):
        return "."
    ways = [f"[{inside}]" for inside in _insides(charset)]
    ways += [f"[^{inside}]" for inside in _insides(inverse(charset))]
    best = min(ways, key=len)
    return best[1:-1] if best[1:-1] in {r"\d", r"\D", r"\w", r"\W", r"\s", r"\S"} else best


def _insides(charset: CharSet) -> Iterator[str]:
    """What may stand in brackets for a set: its ranges, with or without a class that it contains."""
    yield _ranges(charset)
    for name, members in _CLASSES.items():
        for letter, known in ((name, members()), (name.upper(), inverse(members()))):
            if len(charset) > 1 and union(charset, known) == charset:
                yield f"\\{letter}" + _ranges(inverse(union(inverse(charset), known)))


def _ranges(charset: CharSet) -> str:
    written = []
    for low, high in charset:
        between = "" if high <= low + 1 else "-"
        written.append(_character(low) + (between + _character(high) if high > low else ""))
    return "".join(written)


def _character(code: int, special: str = r"\]^[-&~|") -> str:
    character = chr(code)
    if character in special:
        return "\\" + character
    if character == " " and "]" in special and "(" in special:
        return "[ ]"
    if character.isprintable() and not unicodedata.category(character).startswith("M"):
        return character
    return (
        _ESCAPES.get(code)
        or (f"\\x{code:02x}" if code < 0x100 else "")
        or (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    )


def draw_regex(pattern: PatternLike, *, flags: int = 0, max_nodes: int = DEFAULT_MAX_NODES) -> Picture:
    """The automaton of a pattern, over characters, from left to right; ends are circled twice.

    Raises RegexError, UnsupportedRegexError, UnsatisfiableError, LimitExceeded for one of more than
    `max_nodes` states or as many arrows, MissingPackageError.
    """
    automaton = character_automaton(pattern, flags=flags, max_nodes=max_nodes)
    count = len(automaton.edges)
    edges = [(at, to, label(chars)) for at, out in enumerate(automaton.edges) for to, chars in out.items()]
    shown = [cut(text, _LABEL_COLUMNS) for _, _, text in edges]
    arrows = [
        Arrow(tail, head, COLUMN * (columns(text) + 1))
        for (tail, head, _), text in zip(edges, shown, strict=True)
    ]
    before = Box(1)  # where the arrow to the first state comes from
    layout = lay_out([Box(2 * _RADIUS)] * count + [before], [*arrows, Arrow(count, 0)])
    body = Element("g")
    add_arrow(body, layout.arrows.pop(), "the start")
    for (tail, head, text), short, arrow in zip(edges, shown, layout.arrows, strict=True):
        group = add_arrow(body, arrow, f"{tail} to {head} by {text}")
        add(group, "text", short, kind="middle", x=arrow[2][0], y=arrow[2][1] + 7)
    for state, (x, y) in enumerate(layout.boxes[:count]):
        is_end = state in automaton.accepting
        group = add(body, "g", title=f"state {state}" + ", where a text may end" * is_end)
        add(group, "circle", kind="box", cx=x, cy=y, r=_RADIUS)
        if is_end:
            add(group, "circle", cx=x, cy=y, r=_RADIUS - 3.5)
        add(group, "text", str(state), kind="middle", x=x, y=y + 4.5)
    ends = ", ".join(map(str, sorted(automaton.accepting)))
    lines = [f"{count} states, the first is 0; a text may end in {ends}."]
    lines += [f"{tail} to {head} by {text}" for tail, head, text in edges]
    named = pattern.pattern if isinstance(pattern, re.Pattern) else pattern
    return finished(body, layout.size, f"The automaton of the pattern {named}", lines)
