"""What a regular expression says, as a tree over code points.

    (ab|c)*$      Sequence((Repeat(Choice((Sequence((Chars a, Chars b)), Chars c)), 0, None), End))

pattern.py reads texts into it, syntax.py makes terms of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from constrain.regular.charset import CharSet


@dataclass(frozen=True, slots=True)
class Chars:
    """One code point out of a set."""

    charset: CharSet


@dataclass(frozen=True, slots=True)
class Sequence:
    """The items one after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of the options."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`low` to `high` times the body; None for no upper bound.  A `lazy` one stops as soon as it may."""

    body: Node
    low: int
    high: int | None
    lazy: bool = False


@dataclass(frozen=True, slots=True)
class Begin:
    """The start of the text, or of a line; `lines` are the characters that end one."""

    lines: CharSet = ()


@dataclass(frozen=True, slots=True)
class End:
    """The end of the text, with `newline` also before a final newline; or of a line, as for `Begin`."""

    newline: bool = False
    lines: CharSet = ()


@dataclass(frozen=True, slots=True)
class Boundary:
    """Between a word character and something else, or with `negative` not so.

    Python's `\\B` does not match in an empty text (before 3.14); `empty` says whether this one does.
    """

    word: CharSet
    negative: bool
    empty: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What follows (or, not `ahead`, what precedes) matches the body, or with `negative` does not."""

    body: Node
    ahead: bool
    negative: bool
    at: int


@dataclass(frozen=True, slots=True)
class Group:
    """A named group; only where groups are asked for."""

    body: Node
    at: int


Node = Chars | Sequence | Choice | Repeat | Begin | End | Boundary | Look | Group
NOTHING = Sequence(())
