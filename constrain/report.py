"""What will this engine do with a schema, and does a text conform to a grammar?

`check_schema` answers before anything is generated, and raises nothing about the schema itself: every finding
is in the report.

    >>> report = check_schema({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}},
    ...                        "unevaluatedProperties": False, "dependencies": {}})
    >>> print(report)
    satisfiable: yes
    dialect: draft 2020-12
    shortest completion: 7 bytes: {"a":0}
    recursion: none
    keywords:
      exact       5  type, required, properties, unevaluatedProperties
      ignored     1
        #/dependencies: not a keyword of this draft; it is one of 4, 6, 7

`check_text` follows a text byte by byte through a compiled grammar, and says where it stops conforming and
what was expected there.  `explain_text` says why: which keyword, which part of a pattern (`explanations/`).
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from constrain.arguments import as_text, kind_of
from constrain.errors import ConstrainError, InvalidInputError, UnsatisfiableError, printable
from constrain.explanations.explain import expected_bytes, explain, followed
from constrain.explanations.explanation import Explanation
from constrain.json_schema.admission import REFERENCES, Admission, Note
from constrain.json_schema.describe import DRAFT_NAMES
from constrain.json_schema.grammar import scan_schema
from constrain.json_schema.options import Compiling, JsonOptions
from constrain.json_schema.references import Node
from constrain.matcher import CompiledGrammar
from constrain.regular.automaton import start_grammar
from constrain.shortest import shortest_text
from constrain.spelling import fewest_tokens
from constrain.target import as_schema
from constrain.vocabulary.vocabulary import VocabularyLike, as_vocabulary

_STATUSES = ("exact", "older form", "annotation", "ignored", "refused")
_SHOWN_TEXT = 200


@dataclass(frozen=True, slots=True, repr=False)
class SchemaReport:
    """The answer of `check_schema`.

    `satisfiable` is None where that was not decided, because something is refused or too large; `problems`
    then says what.  `shortest` is a shortest text in bytes, None if there is none or the limits did not
    suffice; `shortest_tokens` is the least number of tokens that spell it, None without a vocabulary.
    `recursion` are the references (JSON pointers) by which a schema comes to contain itself.
    """

    dialect: str
    satisfiable: bool | None
    problems: tuple[ConstrainError, ...]
    keywords: tuple[Note, ...]
    recursion: tuple[str, ...]
    shortest: bytes | None
    shortest_tokens: int | None

    def __repr__(self) -> str:
        found = {True: "satisfiable", False: "not satisfiable", None: "not decided"}[self.satisfiable]
        count = len(self.problems)
        more = f"{count} problem{'s' * (count > 1)}" if count else self.dialect
        return f"<SchemaReport: {found}, {more}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return f"<pre>{html.escape(str(self))}</pre>"

    def as_json(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {
            "dialect": self.dialect,
            "satisfiable": self.satisfiable,
            "problems": [problem.as_json() for problem in self.problems],
            "keywords": [
                {
                    "pointer": printable(note.pointer),
                    "keyword": printable(note.keyword),
                    "status": note.status,
                    "detail": printable(note.detail),
                }
                for note in self.keywords
            ],
            "recursion": [printable(pointer) for pointer in self.recursion],
            "shortest": None if self.shortest is None else self.shortest.decode(),
            "shortest_bytes": None if self.shortest is None else len(self.shortest),
            "shortest_tokens": self.shortest_tokens,
        }

    def __str__(self) -> str:
        answer = {True: "yes", False: "no", None: "not decided"}[self.satisfiable]
        lines = [f"satisfiable: {answer}", f"dialect: {self.dialect}"]
        if self.shortest is not None:
            tokens = "" if self.shortest_tokens is None else f", {self.shortest_tokens} tokens"
            text = self.shortest[:_SHOWN_TEXT].decode(errors="ignore")
            more = " ..." if len(self.shortest) > _SHOWN_TEXT else ""
            lines.append(f"shortest completion: {len(self.shortest)} bytes{tokens}: {text}{more}")
        lines.append(f"recursion: {', '.join(self.recursion) or 'none'}")
        lines.append("keywords:" if self.keywords else "keywords: none")
        for status in _STATUSES:
            notes = [note for note in self.keywords if note.status == status]
            if notes:
                plain = Counter(note.keyword for note in notes if not note.detail)
                lines.append(f"  {status:10}{len(notes):3}  {', '.join(plain)}".rstrip())
                lines += [f"    {note.pointer}: {note.detail}" for note in notes if note.detail]
        for problem in self.problems:
            lines += [f"{type(problem).__name__}:", *("  " + line for line in str(problem).splitlines())]
        return printable("\n".join(lines))


@dataclass(frozen=True, slots=True)
class TextVerdict:
    """The answer of `check_text`: does the text conform, or from which byte not, and what may stand there?"""

    conforms: bool
    offset: int
    expected: str

    def __str__(self) -> str:
        if self.conforms:
            return "the text conforms"
        return f"the text stops conforming at byte {self.offset}: expected {self.expected}"


def check_schema(
    schema: object,
    vocabulary: VocabularyLike | None = None,
    *,
    registry: Mapping[str, Any] | None = None,
    **options: Unpack[Compiling],
) -> SchemaReport:
    """Report on a JSON Schema, or a type's; `options` are those of `JsonOptions`.

    Raises InvalidInputError for an option that does not exist; all else is in the report.
    """
    chosen = JsonOptions.of(options)
    known = None if vocabulary is None else as_vocabulary(vocabulary)
    start_grammar()
    try:
        scanned = scan_schema(as_schema(schema), options=chosen, registry=registry)
    except ConstrainError as problem:
        return SchemaReport("unknown", None, (problem,), (), (), None, None)
    admission, shortest = scanned.admission, None
    problems, satisfiable = admission.problems, None
    if not problems:
        try:
            grammar = scanned.compile()
            satisfiable = True
            with chosen.limits.budget("finding the shortest completion"):
                shortest = shortest_text(grammar.start)
        except UnsatisfiableError as problem:
            satisfiable, problems = False, (problem,)
        except ConstrainError as problem:
            problems = (problem,)
    tokens = None if shortest is None or known is None else fewest_tokens(shortest, known)
    dialect = f"draft {DRAFT_NAMES[scanned.root.dialect.draft]}"
    recursion = _recursive_references(admission)
    return SchemaReport(dialect, satisfiable, problems, admission.notes, recursion, shortest, tokens)


def check_text(compiled: CompiledGrammar, text: bytes | str) -> TextVerdict:
    """Follow a text through a grammar, byte by byte.

    Raises InvalidInputError for anything but a grammar and a text, LimitExceeded for too much work.
    """
    written = _checked(compiled, text)
    positions = compiled.positions
    with compiled.lock:
        threads, offset = followed(compiled, positions.start, written)
        if offset == len(written) and positions.intern(threads).can_end:
            return TextVerdict(conforms=True, offset=offset, expected="")
        return TextVerdict(conforms=False, offset=offset, expected=expected_bytes(compiled, threads))


def explain_text(compiled: CompiledGrammar, text: bytes | str) -> Explanation:
    """Why a whole text does not conform; `Matcher.explain` does so where a generation stands.

    Raises what `check_text` raises.
    """
    return explain(compiled, compiled.positions.start, (), _checked(compiled, text), is_whole=True)


def _checked(compiled: CompiledGrammar, text: bytes | str) -> bytes:
    if not isinstance(compiled, CompiledGrammar):
        raise InvalidInputError(
            f"a compiled grammar is needed here, not {kind_of(compiled)}",
            hint="make one with compile_json_schema, compile_regex, compile_lark or compile_part",
        )
    return text if isinstance(text, bytes) else as_text(text, "the text").encode()


def _recursive_references(admission: Admission) -> tuple[str, ...]:
    """The references that close a cycle: their schema can be reached from where they lead."""
    links = admission.links
    component = _components({node: [link.to for link in out] for node, out in links.items()})
    return tuple(
        dict.fromkeys(
            link.pointer
            for node, out in links.items()
            for link in out
            if link.keyword in REFERENCES and component[node] == component[link.to]
        )
    )


def _components(graph: dict[Node, list[Node]]) -> dict[Node, int]:
    """The strongly connected component of each node: Kosaraju's two passes (Sharir 1981)."""
    order: list[Node] = []
    seen: set[Node] = set()
    backward: dict[Node, list[Node]] = {node: [] for node in graph}
    for start, out in graph.items():
        stack = [(start, iter(out))] if start not in seen else []
        seen.add(start)
        while stack:
            node, rest = stack[-1]
            for to in rest:
                backward[to].append(node)
                if to not in seen:
                    seen.add(to)
                    stack.append((to, iter(graph[to])))
                    break
            else:
                order.append(node)
                stack.pop()
    component: dict[Node, int] = {}
    for root in reversed(order):
        pending = [root]
        while pending:
            node = pending.pop()
            if node not in component:
                component[node] = id(root)
                pending += [before for before in backward[node] if before not in component]
    return component
