"""The railroad diagrams of a Lark grammar: one for each rule and each terminal, in the grammar's own order.

Whoever drives along the rails from left to right, reading what stands in the boxes, reads a text of the rule:

    item: NUMBER " "? UNIT         ├─[NUMBER]─┬─(" ")─┬─[UNIT]─┤
                                              └───────┘
Lark reads the grammar, with what it imports, and its tree is drawn as it stands, before repeats and options
become rules of their own.  Names in square boxes have a diagram of their own; what is written literally or as
a pattern stands in round ones.

`railroad-diagrams` draws each; widths are a number of characters, so no font is looked up.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, fromstring

from constrain.extras import need
from constrain.lark_grammar.grammar import grammar_text, read_grammar
from constrain.pictures import DEFAULT_MAX_NODES
from constrain.pictures.picture import (
    LINE,
    Picture,
    add,
    check_size,
    columns,
    cut,
    finished,
)

if TYPE_CHECKING:
    from lark import Tree

_LITERAL_COLUMNS = 60
_DECLARED = "declared: a part stands here"


def draw_lark(
    grammar: str | os.PathLike[str], *, start: str = "start", max_nodes: int = DEFAULT_MAX_NODES
) -> Picture:
    """The railroad diagrams of a Lark grammar, given as text or as the path of a `.lark` file.

    Raises GrammarError (Lark refuses it), LimitExceeded for one of more than `max_nodes` rules and terminals,
    MissingPackageError.
    """
    need("pictures", "drawing a picture")
    from railroad import Diagram

    read = read_grammar(grammar, start).grammar
    rules: list[tuple[str, Tree[Any] | None]] = []
    for name, params, tree, _ in read.rule_defs:
        rules.append((f"{name}{{{', '.join(params)}}}" if params else name, tree))
    for name, (term, _) in read.term_defs:
        rules.append((f"{name} (ignored)" if name in read.ignore else name, term))
    check_size(len(rules), max_nodes, "this grammar")
    body, width, height = Element("g"), 0.0, 0.0
    for heading, definition in rules:
        add(body, "text", heading, kind="name", x=0, y=height + LINE)
        written = io.StringIO()
        Diagram(rails(definition)).format(8, 8, 16, 0).writeSvg(written.write)
        track = fromstring(written.getvalue())
        track.attrib |= {"x": "0", "y": f"{height + LINE + 4:.1f}"}
        body.append(track)
        width = max(width, float(track.attrib["width"]))
        height += LINE + 4 + float(track.attrib["height"])
    said, source = grammar_text(grammar)
    named = "a Lark grammar" if source == "<string>" else os.path.basename(source)
    return finished(body, (width, height), f"The railroad diagrams of {named}", said.strip().splitlines())


def rails(tree: Tree[Any] | None) -> Any:
    """A tree of Lark's grammar reader as rails."""
    import railroad

    if tree is None:
        return railroad.Comment(_DECLARED)
    inner: list[Any] = tree.children
    match tree.data:
        case "expansions":
            return _one_of(railroad.Choice, [rails(child) for child in inner])
        case "expansion":
            return railroad.Sequence(*map(rails, inner)) if inner else railroad.Skip()
        case "alias":
            return rails(inner[0])
        case "maybe":
            return railroad.Optional(rails(inner[0]))
        case "expr":
            return _repeated(*inner)
        case "template_usage":
            return _boxed(railroad.NonTerminal, _written(tree))
        case "literal" | "range":
            return _boxed(railroad.Terminal, _written(tree))
    only = inner[0]
    return rails(only) if hasattr(only, "data") else _boxed(railroad.NonTerminal, only.name)


def _one_of(choice: Any, ways: list[Any]) -> Any:
    return choice(0, *ways) if len(ways) > 1 else ways[0]


def _repeated(tree: Tree[Any], operator: str, *counts: str) -> Any:
    """`?`, `*`, `+`, or `~` with a count or two."""
    import railroad

    item = rails(tree)
    if operator == "?":
        return railroad.Optional(item)
    if operator == "*":
        return railroad.ZeroOrMore(item)
    if operator == "+":
        return railroad.OneOrMore(item)
    return railroad.Group(item, " to ".join(counts) + " times")


def _boxed(kind: Any, text: str) -> Any:
    shown = cut(text, _LITERAL_COLUMNS)
    box = kind(shown, title=text if shown != text else None)
    box.width += 8.5 * (columns(shown) - len(shown))
    return box


def _written(tree: Any) -> str:
    """A literal, a range or the use of a template, as the grammar spells it."""
    if not hasattr(tree, "data"):
        return str(getattr(tree, "name", tree))
    parts = [_written(child) for child in tree.children]
    if tree.data == "template_usage":
        return f"{parts[0]}{{{', '.join(parts[1:])}}}"
    return "..".join(parts)
