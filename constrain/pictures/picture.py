"""What is a picture, and where do its boxes and arrows go?

A picture is the text of one SVG file: it is readable on light and on dark ground (its colours follow the
reader's scheme, and it brings its own paper), and a screen reader reads its title and its description, which
says in words what is drawn.  Notebooks show it (`_repr_svg_`).

Graphviz finds the places (through `pygraphviz`, whose wheels bring it along), and is told nothing but sizes:
boxes and labels are blank to it.  So no font is ever looked up, and a picture is the same on every machine
with the same Graphviz.  A text's size is a number of columns of a monospaced font.

Source: Gansner, Koutsofios, North and Vo, "A technique for drawing directed graphs" (1993), which is `dot`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from xml.etree.ElementTree import Element, SubElement, tostring

from constrain.arguments import as_whole
from constrain.errors import LimitExceeded, printable
from constrain.extras import need

Point = tuple[float, float]
"""Pixels from the left, and from the top."""

COLUMN = 8.0
"""The width of a character in pixels, at a size of 13: monospaced fonts have 7.8."""
LINE = 18.0
_MARGIN = 12
_FORMS = (
    ("path, rect, circle", "fill: none; stroke-width: 1.2"),
    (".name, .refused", "font-weight: bold"),
    (".middle, svg text", "text-anchor: middle"),
    (".end", "text-anchor: end"),
    (".comment", "font-size: 11px"),
    (".reference path", "stroke-dasharray: 5 3"),
)
"""What elements look like, by their class."""

_COLOURS = (
    ("text", "fill", "#1b1f24", "#e6edf3"),
    ("path, rect, circle", "stroke", "#57606a", "#9198a1"),
    ("polygon, .soft, .comment, .annotation", "fill", "#57606a", "#9198a1"),
    (".box, .non-terminal rect", "fill", "#f6f8fa", "#161b22"),
    (".terminal rect", "fill", "#ddf4ff", "#0c2d48"),
    (".exact", "fill", "#116329", "#4ac26b"),
    (".older-form", "fill", "#0550ae", "#79c0ff"),
    (".ignored", "fill", "#953800", "#f0883e"),
    (".refused", "fill", "#a40e26", "#ff7b72"),
    (".paper", "fill", "#ffffff", "#0d1117"),
    (".paper", "stroke", "none", "none"),
)
"""What has which colour, on light ground and on dark; a text's contrast to its ground is at least 4.5."""


def _style() -> str:
    """The tables above as a style sheet that concerns this picture alone, on whatever page it stands."""

    def rule(selectors: str, declared: str) -> str:
        return ", ".join(f".constrain {name}" for name in selectors.split(", ")) + f" {{ {declared} }}"

    font = '.constrain { font: 13px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }'
    light = [rule(names, f"{what}: {colour}") for names, what, colour, _ in _COLOURS]
    dark = [rule(names, f"{what}: {colour}") for names, what, _, colour in _COLOURS]
    forms = [rule(*form) for form in _FORMS]
    return "\n".join(["", font, *forms, *light, "@media (prefers-color-scheme: dark) {", *dark, "}", ""])


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing: the text of an SVG file."""

    svg: str

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        return self.svg

    def __repr__(self) -> str:
        return f"<Picture: {len(self.svg)} characters of SVG>"


@dataclass(frozen=True, slots=True)
class Box:
    """A node that is to be placed: its width, and its rows' heights from top to bottom; a circle has none."""

    width: float
    rows: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge that is to be placed, between two boxes by their numbers, and the width of its label.

    It goes from the right of a row to the left of a box's first row; a `loose` one from and to either side,
    and one between circles from and to anywhere.
    """

    tail: int
    head: int
    label: float = 0
    row: int | None = None
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Where all of it goes: the middles of boxes, the arrows' paths and heads and the middles of labels."""

    size: Point
    boxes: list[Point]
    arrows: list[tuple[str, str, Point]]


def lay_out(boxes: Iterable[Box], arrows: Iterable[Arrow]) -> Layout:
    """Place boxes and arrows from left to right; what the rows of a box lead to, from top to bottom.

    Raises MissingPackageError.
    """
    need("pictures", "drawing a picture")
    from pygraphviz import AGraph

    graph = AGraph(strict=False, directed=True, rankdir="LR", ranksep="0.5", nodesep="0.2")
    for number, box in enumerate(boxes):
        inches = box.width / 72
        circle = {"shape": "circle", "width": inches, "height": inches, "fixedsize": "true", "label": ""}
        table = {"shape": "plain", "label": _blank(box.width, box.rows), "ordering": "out"}
        graph.add_node(number, **(table if box.rows else circle))
    for number, arrow in enumerate(arrows):
        label = {"label": _blank(arrow.label, (LINE + 6,))} if arrow.label else {}
        tail, head = ("", "") if arrow.loose else (":e", ":w")
        ports = {} if arrow.row is None else {"tailport": f"r{arrow.row}{tail}", "headport": f"r0{head}"}
        graph.add_edge(arrow.tail, arrow.head, key=number, **label, **ports)
    graph.layout(prog="dot")
    right, top = map(float, graph.graph_attr["bb"].split(",")[2:])

    def point(text: str) -> Point:
        x, y = text.removeprefix("e,").split(",")
        return float(x), top - float(y)

    placed = [point(node.attr["pos"]) for node in sorted(graph.nodes(), key=int)]
    drawn = []
    for edge in sorted(graph.edges(keys=True), key=lambda edge: int(edge[2])):
        place = graph.get_edge(*edge).attr
        end, *points = map(point, place["pos"].split())
        drawn.append((*_curve(points, end), point(place["lp"] or "0,0")))
    return Layout((right, top), placed, drawn)


def _blank(width: float, rows: Iterable[float]) -> str:
    """A label of that size in which nothing is written, with a port for each row."""
    cells = "".join(
        f'<TR><TD PORT="r{n}" FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"></TD></TR>'
        for n, height in enumerate(rows)
    )
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0">{cells}</TABLE>>'


def _curve(points: list[Point], end: Point) -> tuple[str, str]:
    """The path through Bézier points, and the triangle from its last point to `end`."""
    first, *rest = (f"{x:.1f},{y:.1f}" for x, y in points)
    (x, y), (dx, dy) = points[-1], (end[0] - points[-1][0], end[1] - points[-1][1])
    sides = f"{x - dy * 0.35:.1f},{y + dx * 0.35:.1f} {x + dy * 0.35:.1f},{y - dx * 0.35:.1f}"
    return f"M{first}C{' '.join(rest)}", f"{end[0]:.1f},{end[1]:.1f} {sides}"


def add(parent: Element, tag: str, text: str = "", /, **attributes: object) -> Element:
    """An element inside another one; `kind` is its class, `title` what is said to who points at it."""
    title = str(attributes.pop("title", ""))
    element = SubElement(parent, tag)
    for name, value in attributes.items():
        shown = f"{value:.1f}" if isinstance(value, float) else str(value)
        element.set("class" if name == "kind" else name, shown)
    if title:
        SubElement(element, "title").text = visible(title)
    if tag == "text":
        element.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    element.text = visible(text) or element.text
    return element


def add_arrow(parent: Element, arrow: tuple[str, str, Point], title: str, kind: str = "edge") -> Element:
    """An arrow that has been placed."""
    group = add(parent, "g", kind=kind, title=title)
    add(group, "path", d=arrow[0])
    add(group, "polygon", points=arrow[1])
    return group


def finished(body: Element, size: Point, title: str, description: Iterable[str]) -> Picture:
    """The picture of a body of that size, with what a screen reader says of it."""
    width, height = (round(length + 2 * _MARGIN) for length in size)
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "class": "constrain", "role": "img"})
    svg.attrib |= {"width": f"{width}", "height": f"{height}", "viewBox": f"0 0 {width} {height}"}
    svg.set("aria-label", visible(title))
    add(svg, "title", title)
    add(svg, "desc", "\n".join(description))
    add(svg, "style", _style())
    add(svg, "rect", kind="paper", width=width, height=height, rx=6)
    body.set("transform", f"translate({_MARGIN} {_MARGIN})")
    svg.append(body)
    return Picture(tostring(svg, encoding="unicode") + "\n")


def visible(text: str) -> str:
    r"""The text, with what XML cannot hold or nobody sees as Python escapes it; line ends stay.

    >>> print(visible("a\x00\té"))
    a\x00\té
    """
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in printable(text))


def columns(text: str) -> int:
    """How many columns of a monospaced font a text takes.

    >>> columns("é日本")
    5
    """
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)


def cut(text: str, most: int) -> str:
    """The text, or as much of it as fits into so many columns, and three dots.

    >>> cut("abcdef", 4), cut("abcd", 4)
    ('abc…', 'abcd')
    """
    text = visible(text)
    if columns(text) <= most:
        return text
    reached = accumulate(columns(character) for character in text)
    return text[: sum(width < most for width in reached)] + "…"


def check_size(count: int, max_nodes: int, what: str) -> None:
    """Raises LimitExceeded for more nodes than the caller asked for."""
    if count > as_whole(max_nodes, "max_nodes"):
        raise LimitExceeded(
            f"a picture of {what} needs more than max_nodes={max_nodes:_} nodes or arrows",
            hint="draw a part of it, or pass a larger max_nodes",
        )
