"""What `unevaluatedProperties` and `unevaluatedItems` leave over: the keys and items nothing beside has seen.

    {"anyOf": [{"properties": {"a": A}}, {"properties": {"b": B}}], "unevaluatedProperties": false}

Which keys count as evaluated depends on which branches hold.  So the keyword becomes a disjunction over
cases, each a list of conditions and the keys evaluated under them:

    branch 1 holds            {a}       every other key is refused
    branch 2 holds            {b}
    both hold                 {a, b}

1. Positively, a case need not deny the branches it does not claim: were they true, more keys would be
   evaluated, and the assertion only weaker.  So no negations arise, and every subset of `anyOf` is a case.
2. Negatively (`not`, `oneOf`) the cases must be exact: every branch is in or denied.
3. `not` contributes nothing; `if` counts when it holds, even without `then`; a nested keyword of the same
   name evaluates everything.
4. `contains` evaluates the items it matches, in 2020-12 (not in 2019-09): an item is fine if it satisfies
   the keyword's schema or one of the `contains` that apply.

Source: JSON Schema core 2020-12, sections 11.2 and 11.3, and 2019-09, sections 9.3.1.3 and 9.3.2.4.
Cost: exponential in the branches of one schema that evaluate something; branches that do not are no cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from constrain.errors import LimitExceeded
from constrain.json_schema.formula import Formula, Formulas
from constrain.json_schema.references import Node
from constrain.json_schema.translate import Translator, other_keys
from constrain.json_schema.values import OBJECT

MAX_CASES = 1_024


@dataclass(frozen=True, slots=True)
class Case:
    """Under these conditions, this much is evaluated.

    For properties `keys` are languages.  For items `prefix` is how many leading items are evaluated (None:
    all of them), and `keys` the goals whose items `contains` evaluates.
    """

    conditions: tuple[Formula, ...] = ()
    keys: tuple[Formula, ...] = ()
    prefix: int | None = 0

    def join(self, other: Case) -> Case:
        """Both at once."""
        return Case(
            tuple(dict.fromkeys((*self.conditions, *other.conditions))),
            tuple(dict.fromkeys((*self.keys, *other.keys))),
            None if self.prefix is None or other.prefix is None else max(self.prefix, other.prefix),
        )

    @property
    def evaluates(self) -> bool:
        """Is anything evaluated?"""
        return bool(self.keys) or self.prefix != 0


NOTHING = Case()


class Unevaluated:
    """Expands the unevaluated keywords of one grammar."""

    def __init__(self, formulas: Formulas, translator: Translator) -> None:
        self.formulas = formulas
        self.translator = translator

    def expand(self, node: Node, keyword: str, positive: bool) -> Formula:
        """The formula of `keyword` at `node`, or of its negation."""
        formulas = self.formulas
        rest = self.translator.reference(node.child(keyword))
        properties = keyword == "unevaluatedProperties"
        parts = []
        for case in self._cases(node, keyword, not positive, frozenset(), own=True):
            says = self._says_keys(case, rest) if properties else self._says_items(case, rest)
            parts.append(formulas.conj([*case.conditions, says if positive else formulas.negate(says)]))
        return formulas.disj(parts)

    def _says_keys(self, case: Case, rest: Formula) -> Formula:
        others = self.formulas.conj(self.formulas.negate(language) for language in case.keys)
        return self.formulas.all_keys(others, rest)

    def _says_items(self, case: Case, rest: Formula) -> Formula:
        if case.prefix is None:
            return self.formulas.true
        return self.formulas.item("from", case.prefix, self.formulas.disj([rest, *case.keys]))

    # Cases.

    def _cases(
        self, node: Node, keyword: str, exact: bool, path: frozenset[Node], *, own: bool = False
    ) -> list[Case]:
        schema = node.contents
        if not isinstance(schema, dict) or node in path:
            return [NOTHING]
        path |= {node}
        if not own and keyword in schema:
            return [_everything(keyword, self.formulas)]
        groups: list[list[Case]] = [[self._direct(node, keyword)]]
        for inner in self._always(node):
            groups.append(self._cases(inner, keyword, exact, path))
        for branches in self._alternatives(node):
            groups.append(self._any_of(branches, keyword, exact, path))
        return _products(groups)

    def _always(self, node: Node) -> Iterator[Node]:
        """The subschemas that apply to the same value whatever it is."""
        schema, draft = node.contents, node.dialect.draft
        references = {"$ref": True, "$dynamicRef": draft == 2020, "$recursiveRef": draft == 2019}
        for keyword, known in references.items():
            if known and keyword in schema:
                yield node.refer(keyword, schema[keyword])
        for index in range(len(schema.get("allOf", ()))):
            yield node.child("allOf", index)

    def _alternatives(self, node: Node) -> Iterator[list[tuple[Formula, list[Node]]]]:
        """Groups of branches: the condition under which each counts, and the schemas that then apply."""
        schema, formulas = node.contents, self.formulas
        reference = self.translator.reference
        for keyword in ("anyOf", "oneOf"):
            for index in range(len(schema.get(keyword, ()))):
                branch = node.child(keyword, index)
                yield [(reference(branch), [branch])]
        if "if" in schema:
            condition = node.child("if")
            then = [node.child("then")] if "then" in schema else []
            otherwise = [node.child("else")] if "else" in schema else []
            yield [
                (reference(condition), [condition, *then]),
                (formulas.negate(reference(condition)), otherwise),
            ]
        for name in schema.get("dependentSchemas", {}):
            has = formulas.only(OBJECT, formulas.some_key(formulas.key(name), formulas.true))
            yield [(has, [node.child("dependentSchemas", name)])]

    def _any_of(
        self,
        branches: list[tuple[Formula, list[Node]]],
        keyword: str,
        exact: bool,
        path: frozenset[Node],
    ) -> list[Case]:
        """The cases of one group: a branch is claimed, or it is not."""
        found: list[Case] = []
        evaluates = False
        for condition, nodes in branches:
            inner = _products([self._cases(node, keyword, exact, path) for node in nodes])
            evaluates = evaluates or any(case.evaluates for case in inner)
            found += [Case((condition,)).join(case) for case in inner]
        if not evaluates:
            return [NOTHING]
        if exact:
            denied = tuple(self.formulas.negate(condition) for condition, _ in branches)
            found.append(Case(denied))
        else:
            found.insert(0, NOTHING)
        return found

    # What one schema evaluates by itself.

    def _direct(self, node: Node, keyword: str) -> Case:
        if keyword == "unevaluatedProperties":
            return self._direct_keys(node)
        return self._direct_items(node)

    def _direct_keys(self, node: Node) -> Case:
        schema, formulas = node.contents, self.formulas
        keys = [formulas.key(name) for name in schema.get("properties", {})]
        keys += [formulas.word("pat", pattern) for pattern in schema.get("patternProperties", {})]
        if "additionalProperties" in schema:
            keys.append(other_keys(formulas, node))
        return Case(keys=(formulas.disj(keys),) if keys else ())

    def _direct_items(self, node: Node) -> Case:
        schema, draft = node.contents, node.dialect.draft
        items = schema.get("items")
        if draft == 2020 and not isinstance(items, list):
            prefix = None if "items" in schema else len(schema.get("prefixItems", ()))
            contains = "contains" in schema
            keys = (self.translator.reference(node.child("contains")),) if contains else ()
            return Case(keys=keys, prefix=prefix)
        if isinstance(items, list):
            return Case(prefix=None if "additionalItems" in schema else len(items))
        return Case(prefix=None if "items" in schema else 0)


def _everything(keyword: str, formulas: Formulas) -> Case:
    if keyword == "unevaluatedProperties":
        return Case(keys=(formulas.true,))
    return Case(prefix=None)


def _products(groups: Iterable[list[Case]]) -> list[Case]:
    groups = list(groups)
    size = 1
    for group in groups:
        size *= len(group)
        if size > MAX_CASES:
            raise LimitExceeded(
                f"an unevaluated keyword has more than MAX_CASES={MAX_CASES} cases",
                hint="fewer anyOf branches beside it, or additionalProperties inside them",
            )
    found: dict[Case, None] = {}
    for combination in product(*groups):
        case = NOTHING
        for part in combination:
            case = case.join(part)
        found[case] = None
    return list(found)
