"""The punctuation of JSON, with the blanks around it.

Blanks are never terminals of their own: they belong to the comma, colon or bracket beside them, so one
terminal is read where there would be two or three, and a mask never ends between them.

    default   what a printer writes: all in one line, a blank behind `,` and `:` or none,    {"a": [1, 2]}
              or broken into lines, each indented by its depth in one unit of blanks or tabs
    compact   ","                                                                            {"a":[1,2]}
    any       blanks "," blanks                                                              { "a" :[ 1 ,2 ] }
    7         as "any", each run of at most seven blanks

No terminal begins where another one ends in blanks: what follows `{`, `[`, `,` and `:` starts at once.

A `Level` is the punctuation at one depth.  Under most choices one level is all there is.  By default the
first bracket decides: behind it comes a line break, whose indentation is the unit of the whole text, or none
does, and the text has no line breaks.

    the first bracket ─┬─ "{" ────────▶ in one line
                       └─ "{\\n  " ───▶ broken, unit of two, depth 1 ──▶ depth 2 ──▶ ...

In a broken text an array or object may still stand in one line, as printers do where it is short.  What is
not known to be broken by which unit (a mask looks past the break for all of them at once) is a preview.

Edges are made here too, and shared by every schema with the same choice: behind a member or an item come
the same two, whatever the schema says.
"""

from __future__ import annotations

from constrain.continuation import DEFER, AnyEdge, Edge, edge
from constrain.json_schema.options import JsonOptions
from constrain.regular.keeping import remember
from constrain.regular.terms import EPSILON, Term, byte_set, choice, concat, literal, repeat, star

CLOSE, NEXT = 0, 1
"""The numbers of what follows the bracket, and of what follows the comma."""

WIDEST_UNIT = 8
"""How many blanks a unit of indentation may have; or it is one tab."""

_BLANK = literal(b" ")
_MAYBE_BLANK = choice(EPSILON, _BLANK)


class Level:
    """The punctuation in one array or object, and of the brackets that open others in it.

    `breaks` is the line break with its indentation that may stand before an item, `ends` the one before the
    bracket that closes.
    """

    is_preview = False
    around: Term | None = None
    """Blanks before and behind a whole text."""

    def __init__(
        self, before: Term, after_colon: Term, after_comma: Term, after_opening: Term, before_closing: Term
    ) -> None:
        self.colon = edge(concat(before, literal(b":"), after_colon), 0)
        self.comma = edge(concat(before, literal(b","), after_comma), NEXT)
        self.opening = {"{": concat(literal(b"{"), after_opening), "[": concat(literal(b"["), after_opening)}
        self.close = {end: edge(concat(before_closing, literal(end.encode())), CLOSE) for end in "}]"}
        self.close_empty = {end: edge(literal(end.encode()), CLOSE) for end in "}]"}
        self._after: dict[tuple[str, bool, bool], tuple[AnyEdge, ...]] = {
            (end, closes, goes_on): ((self.close[end],) if closes else ())
            + ((self.comma,) if goes_on else ())
            + ((DEFER,) if self.is_preview else ())
            for end in "}]"
            for closes in (False, True)
            for goes_on in (False, True)
        }

    def after(self, end: str, *, closes: bool, goes_on: bool) -> tuple[AnyEdge, ...]:
        """The edges behind a member or an item."""
        return self._after[end, closes, goes_on]

    @property
    def inside(self) -> Level:
        """The level behind a bracket that no line break follows."""
        return self

    @property
    def plainest(self) -> Level:
        """A level of which the texts are some of those at this one, the shortest among them."""
        return self

    def broken(self, bracket: str, number: int) -> Edge | None:
        """The edge of a bracket with the line break behind it, if the level has one."""
        return None

    def inside_broken(self, text: bytes | None) -> Level:
        """The level behind a bracket with a line break; `text` is both, if they are known."""
        raise TypeError(f"{type(self).__name__} has no line breaks")


class _OneLine(Level):
    """No line breaks, and a blank behind `,` and `:` or none."""

    def __init__(self) -> None:
        super().__init__(EPSILON, _MAYBE_BLANK, _MAYBE_BLANK, EPSILON, EPSILON)


class _Preview(_OneLine):
    """Behind a line break of which the unit is not known."""

    is_preview = True


class _Broken(Level):
    """Behind a line break: in `depth` brackets, indented by so many units."""

    def __init__(self, unit: bytes, depth: int) -> None:
        self.unit, self.depth = unit, depth
        self._line = literal(b"\n" + unit * (depth + 1))
        here, before = (literal(b"\n" + unit * each) for each in (depth, depth - 1))
        after_comma = choice(EPSILON, _BLANK, here)
        super().__init__(EPSILON, _MAYBE_BLANK, after_comma, EPSILON, choice(EPSILON, before))

    @property
    def inside(self) -> Level:
        return _broken(self.unit, self.depth + 1)

    @property
    def plainest(self) -> Level:
        return _one_line()

    def broken(self, bracket: str, number: int) -> Edge:
        return edge(concat(literal(bracket.encode()), self._line), number)

    def inside_broken(self, text: bytes | None) -> Level:
        return self.inside


class _Outermost(_OneLine):
    """Outside of all brackets, where the first one decides how the text is broken."""

    @property
    def inside(self) -> Level:
        return _one_line()

    @property
    def plainest(self) -> Level:
        return _one_line()

    def broken(self, bracket: str, number: int) -> Edge:
        unit = choice(repeat(_BLANK, 0, WIDEST_UNIT), literal(b"\t"))
        return edge(concat(literal(bracket.encode() + b"\n"), unit), number, captures=True)

    def inside_broken(self, text: bytes | None) -> Level:
        return _preview() if text is None else _broken(text[2:], 1)


@remember()
def _one_line() -> Level:
    return _OneLine()


@remember()
def _preview() -> Level:
    return _Preview()


@remember(1024)
def _broken(unit: bytes, depth: int) -> Level:
    return _Broken(unit, depth)


@remember()
def _outermost(whitespace: str | int) -> Level:
    if whitespace == "default":
        return _Outermost()
    blank = byte_set(sum(1 << byte for byte in b" \t\n\r"))
    longest = 0 if whitespace in ("compact", "any") else int(whitespace)
    blanks = star(blank) if whitespace == "any" else repeat(blank, 0, longest) if longest else EPSILON
    level = Level(blanks, blanks, blanks, blanks, blanks)
    if whitespace == "any":
        level.around = concat(blank, star(blank))
    return level


def outermost(options: JsonOptions) -> Level:
    """The level of a whole text under these options, made once for every schema."""
    return _outermost(options.whitespace)
