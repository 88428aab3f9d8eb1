"""The tree of a schema: a box for each schema in it, a line for each keyword, and what becomes of that.

    ┌ # ────────────────────────┐      ┌ properties/age ─────────┐
    │ type: "object"      exact │      │ type: "integer"   exact │
    │ properties          exact ├─────▶│ title: "Age" annotation │
    └───────────────────────────┘      └─────────────────────────┘

The scan that every schema passes before it is compiled (`json_schema/admission.py`) says both: where each
keyword leads, and its fate: exact, older form, annotation, ignored or refused.  Arrows of references are
dashed.  Reasons stand below the tree, and so does all that the report (`report.py`) finds wrong.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Any, NamedTuple, Unpack
from xml.etree.ElementTree import Element

from constrain.json_schema.admission import REFERENCES, Admission, Link, Note
from constrain.json_schema.grammar import scan_schema
from constrain.json_schema.options import Compiling, JsonOptions
from constrain.json_schema.references import Node
from constrain.pictures import DEFAULT_MAX_NODES
from constrain.pictures.picture import (
    COLUMN,
    LINE,
    Arrow,
    Box,
    Picture,
    Point,
    add,
    add_arrow,
    check_size,
    columns,
    cut,
    finished,
    lay_out,
)
from constrain.regular.automaton import start_grammar
from constrain.report import check_schema
from constrain.target import as_schema

_PLACE_COLUMNS = 40
_VALUE_COLUMNS = 32
_PADDING = 8.0


class Row(NamedTuple):
    """A line in a schema's box, and the keyword whose arrows begin there."""

    keyword: str
    text: str
    fate: str


def draw_json_schema(
    schema: object,
    *,
    registry: Mapping[str, Any] | None = None,
    max_nodes: int = DEFAULT_MAX_NODES,
    **options: Unpack[Compiling],
) -> Picture:
    """The tree of a JSON Schema, or of a type's, with the fate of each keyword; `options` are `JsonOptions`.

    What is refused is drawn, and so is what nothing satisfies.  Raises SchemaError for what is no schema at
    all, LimitExceeded for one that holds more than `max_nodes` schemas, MissingPackageError.
    """
    start_grammar()
    scanned = scan_schema(as_schema(schema), options=JsonOptions.of(options), registry=registry)
    admission = scanned.admission
    links = admission.links
    check_size(len(links), max_nodes, "this schema")
    notes = {node: _notes(node, admission) for node in links}
    names = _names(links)
    rows = {node: _rows(node, notes[node], out) for node, out in links.items() if _has_box(node)}
    number = {node: index for index, node in enumerate(rows)}
    boxes = [_box(names[node], rows[node]) for node in rows]
    followed = [(node, link) for node in rows for link in links[node] if link.to in number]
    arrows = [
        Arrow(number[node], number[link.to], row=_row(rows[node], link), loose=_refers(link))
        for node, link in followed
    ]
    layout = lay_out(boxes, arrows)
    body = Element("g")
    for (_, link), arrow in zip(followed, layout.arrows, strict=True):
        kind = "edge reference" if _refers(link) else "edge"
        add_arrow(body, arrow, f"{link.pointer} leads to {link.to.pointer}", kind)
    for (node, lines), box, middle in zip(rows.items(), boxes, layout.boxes, strict=True):
        _fill(add(body, "g", title=node.pointer), names[node], lines, box, middle)
    every = [note for of_node in notes.values() for note in of_node]
    reasons = [f"{note.pointer} ({note.status}): {note.detail}" for note in every if note.detail]
    told = {note.detail for note in every}
    for problem in check_schema(schema, registry=registry, **options).problems:
        if problem.what not in told:
            reasons.append(f"{problem.where.splitlines()[0] if problem.where else '#'}: {problem.what}")
    width, height = layout.size
    for line in (line for reason in reasons for line in textwrap.wrap(reason, 90, subsequent_indent="    ")):
        height += LINE
        width = max(width, columns(line) * COLUMN)
        add(body, "text", line, kind="soft", x=0, y=height)
    said = [f"{note.pointer}: {note.status}" for note in every] + reasons
    counted = f"{len(boxes)} schema{'s' * (len(boxes) != 1)}"
    return finished(body, (width, height), f"The tree of a JSON Schema of {counted}", said)


def _notes(node: Node, admission: Admission) -> list[Note]:
    """What becomes of each keyword of a schema, in the order of its keywords."""
    if not isinstance(node.contents, dict):
        return []
    found = {name: admission.found.get((id(node.contents), name)) for name in node.contents}
    return [Note(node.at(name), name, told[1], told[2]) for name, told in found.items() if told]


def _names(links: Mapping[Node, list[Link]]) -> dict[Node, str]:
    """A schema's place, told from the schema that it is written in."""
    names = {node: node.pointer for node in links}
    for node, out in links.items():
        for link in out:
            inside = node.pointer + "/"
            if not _refers(link) and link.to.pointer.startswith(inside):
                names[link.to] = link.to.pointer.removeprefix(inside)
    return {node: cut(name, _PLACE_COLUMNS) for node, name in names.items()}


def _refers(link: Link) -> bool:
    return link.keyword in REFERENCES


def _has_box(node: Node) -> bool:
    """A schema that is `true` or `false` stands in its keyword's row; the document is always drawn."""
    return not isinstance(node.contents, bool) or node.pointer == "#"


def _rows(node: Node, notes: list[Note], links: list[Link]) -> list[Row]:
    """A box's lines: a keyword with its value, unless arrows show it, and its fate."""
    schema = node.contents
    if isinstance(schema, bool):
        return [Row("", "true: anything" if schema else "false: nothing", "exact")]
    if not isinstance(schema, dict):
        return [Row("", f"{cut(_json(schema), _VALUE_COLUMNS)}: no schema", "refused")]
    rows = []
    for note in notes:
        name = note.keyword
        inside = [link for link in links if link.keyword == name and not _refers(link)]
        shown = not inside or isinstance(schema[name], bool)
        value = f": {cut(_json(schema[name]), _VALUE_COLUMNS)}" if shown else ""
        rows.append(Row(name, cut(name, _PLACE_COLUMNS) + value, note.status))
        for link in inside if not shown else ():
            if not _has_box(link.to):
                place = cut(link.pointer.removeprefix(node.pointer + "/"), _PLACE_COLUMNS)
                rows.append(Row("", f"{place}: {_json(link.to.contents)}", note.status))
    return rows or [Row("", "anything", "exact")]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _row(rows: list[Row], link: Link) -> int:
    """The row that an arrow begins at; the first of a box is its name."""
    return 1 + [row.keyword for row in rows].index(link.keyword)


def _box(name: str, rows: list[Row]) -> Box:
    widest = max(columns(name), *(columns(row.text) + 2 + len(row.fate) for row in rows))
    return Box(widest * COLUMN + 2 * _PADDING, (LINE + 6,) + (LINE,) * len(rows))


def _fill(group: Element, name: str, rows: list[Row], box: Box, middle: Point) -> None:
    """Draw a box, and what stands in it."""
    height = sum(box.rows)
    left, right, top = middle[0] - box.width / 2, middle[0] + box.width / 2, middle[1] - height / 2
    add(group, "rect", kind="box", x=left, y=top, width=box.width, height=height, rx=5)
    add(group, "text", name, kind="name", x=left + _PADDING, y=top + LINE - 2)
    for line, row in enumerate(rows, 2):
        add(group, "text", row.text, x=left + _PADDING, y=top + LINE * line)
        kind = f"end {row.fate.replace(' ', '-')}"
        add(group, "text", row.fate, kind=kind, x=right - _PADDING, y=top + LINE * line)
