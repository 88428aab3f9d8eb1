"""Finite sets of strings, which are trie nodes: how are they made, what are their union and their difference?

The union of some nodes has, by each byte, the union of their children, and the difference of two the
difference of the two children.  So only the part that they share is walked, and all else is shared:

    {id, name, next} - {id, nil}     by i: {d} - {d}, which is nothing;  by n: {ame, ext} - {il}, which
                                     is the same node as before

Beside a complement of a finite set, a finite set could also stay an intersection, but then each of its states
would be looked into for whether anything is left of it.

All keep a stack of their own, for shared beginnings may be thousands of bytes long.  `terms.py` says how a
node is made (`make`: does a string end here, and the children), and what its children are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constrain.regular.term import Term

Children = Callable[["Term"], Mapping[int, "Term"]]
Make = Callable[[bool, dict[int, "Term"]], "Term"]


def build(texts: Iterable[bytes], make: Make) -> Term:
    """The node that holds `texts`; each node is made when all below it are."""
    open_nodes: list[tuple[int, dict[int, Term], bool]] = [(-1, {}, False)]
    path: list[int] = []
    for text in sorted(set(texts), reverse=True):
        shared = 0
        while shared < len(path) and shared < len(text) and path[shared] == text[shared]:
            shared += 1
        _close(open_nodes, path, shared, make)
        for byte in text[shared:]:
            path.append(byte)
            open_nodes.append((byte, {}, False))
        byte, children, _ = open_nodes[-1]
        open_nodes[-1] = (byte, children, True)
    _close(open_nodes, path, 0, make)
    _, children, here = open_nodes[0]
    return make(here, children)


def _close(
    open_nodes: list[tuple[int, dict[int, Term], bool]], path: list[int], depth: int, make: Make
) -> None:
    while len(path) > depth:
        byte, children, here = open_nodes.pop()
        path.pop()
        open_nodes[-1][1][byte] = make(here, children)


def union(tries: list[Term], children: Children, make: Make) -> Term:
    """The strings of any of the nodes."""
    root: dict[int, Term] = {}
    work: list[tuple[list[Term], dict[int, Term], int, dict[int, Term] | None]] = [(tries, root, 0, None)]
    while work:
        nodes, goes, byte, made = work.pop()
        distinct = dict.fromkeys(nodes)
        if made is not None:
            goes[byte] = make(any(node.nullable for node in nodes), made)
        elif len(distinct) == 1:
            goes[byte] = nodes[0]
        else:
            groups: dict[int, list[Term]] = {}
            for node in distinct:
                for label, child in children(node).items():
                    groups.setdefault(label, []).append(child)
            made = {}
            work.append((nodes, goes, byte, made))
            work.extend((group, made, label, None) for label, group in groups.items())
    return root[0]


def subtract(trie: Term, without: Term, children: Children, make: Make) -> Term:
    """The strings of `trie` that `without` does not hold."""
    root: dict[int, Term] = {}
    work: list[tuple[Term, Term, dict[int, Term], int, dict[int, Term] | None]] = [
        (trie, without, root, 0, None)
    ]
    while work:
        node, other, goes, byte, made = work.pop()
        if made is not None:
            here = node.nullable and not other.nullable
            if here or made:
                goes[byte] = make(here, made)
            continue
        if node is other:
            continue
        common, beside = children(node), children(other)
        made = {label: child for label, child in common.items() if label not in beside}
        work.append((node, other, goes, byte, made))
        work.extend(
            (child, beside[label], made, label, None) for label, child in common.items() if label in beside
        )
    return root.get(0) or make(False, {})
