"""What `unevaluatedProperties` and `unevaluatedItems` leave over: the keys and items nothing beside has seen.

    {"anyOf": [{"properties": {"a": A}}, {"properties": {"b": B}}], "unevaluatedProperties": false}

Which keys count as evaluated depends on which branches hold.  Of one key that can be said outright: it is in
order if its value satisfies the keyword's schema, or if some branch holds that speaks of it.

    a       all({a}, FALSE) or branch 1        each other key        all(not {a, b}, FALSE)
    b       all({b}, FALSE) or branch 2

1. So `unevaluatedProperties` is a conjunction: a clause for each key that only some branch names, and one
   formula about all others.  Where branches evaluate keys by pattern, that one is a disjunction over the sets
   of those that hold.  A set need not deny the others: were they true, more keys would be evaluated, and the
   assertion only weaker.
2. `unevaluatedItems` is such a disjunction over cases, each a list of conditions and the items evaluated
   under them.  Its negation needs exact cases: every branch is in or denied.
3. `not` contributes nothing; `if` counts when it holds, even without `then`; a nested keyword of the same
   name evaluates everything.
4. An option that closes objects says FALSE of what is left over, if anything is evaluated (translate.py).
5. `contains` evaluates the items it matches, in 2020-12 (not in 2019-09): an item is fine if it satisfies
   the keyword's schema or one of the `contains` that apply.

Source: JSON Schema core 2020-12, sections 11.2 and 11.3, and 2019-09, sections 9.3.1.3 and 9.3.2.4.
Cost: linear in the keys that branches name; exponential in the different patterns and, for items, in the
branches of one schema that evaluate something; branches that do not are no cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, product

from constrain.errors import LimitExceeded
from constrain.json_schema.formula import Formula, Formulas
from constrain.json_schema.references import Node
from constrain.json_schema.strings import matches
from constrain.json_schema.translate import CLOSED, Translator, other_keys
from constrain.json_schema.units import single_key
from constrain.json_schema.values import OBJECT, STRING, Value, values_of

MAX_CASES = 1_024


@dataclass(frozen=True, slots=True)
class Case:
    """Under these conditions, this much is evaluated.

    `prefix` is how many leading items are (None: all); `goals` are those of `contains`, whose items are.
    """

    conditions: tuple[Formula, ...] = ()
    goals: tuple[Formula, ...] = ()
    prefix: int | None = 0

    def join(self, other: Case) -> Case:
        """Both at once."""
        return Case(
            tuple(dict.fromkeys((*self.conditions, *other.conditions))),
            tuple(dict.fromkeys((*self.goals, *other.goals))),
            None if self.prefix is None or other.prefix is None else max(self.prefix, other.prefix),
        )

    @property
    def evaluates(self) -> bool:
        """Is anything evaluated?"""
        return bool(self.goals) or self.prefix != 0


NOTHING = Case()

Claim = tuple[tuple[Formula, ...], Formula]
"""Conditions, and the language of keys that are evaluated when all of them hold."""


class Unevaluated:
    """Expands the unevaluated keywords of one grammar."""

    def __init__(self, formulas: Formulas, translator: Translator) -> None:
        self.formulas = formulas
        self.translator = translator

    def expand(self, node: Node, keyword: str, positive: bool) -> Formula:
        """The formula of `keyword` at `node`, or of its negation."""
        if keyword == CLOSED:
            claims = self._claims(node, frozenset(), own=True)
            says = self._says_keys(claims, self.formulas.false) if claims else self.formulas.true
            return says if positive else self.formulas.negate(says)
        rest = self.translator.reference(node.child(keyword))
        if keyword == "unevaluatedProperties":
            says = self._says_keys(self._claims(node, frozenset(), own=True), rest)
            return says if positive else self.formulas.negate(says)
        return self.formulas.disj(
            self.formulas.conj([*case.conditions, self._says_items(case, rest, positive)])
            for case in self._cases(node, not positive, frozenset(), own=True)
        )

    # Keys.

    def _says_keys(self, claims: list[Claim], rest: Formula) -> Formula:
        formulas = self.formulas
        always = dict.fromkeys(language for conditions, language in claims if not conditions)
        sometimes: dict[Formula, dict[Formula, None]] = {}
        for conditions, language in claims:
            if language not in always:
                sometimes.setdefault(language, {})[formulas.conj(conditions)] = None
        names = {name: language for language in sometimes if (name := single_key(language)) is not None}
        wide = [language for language in sometimes if single_key(language) is None]
        parts = []
        for name, language in names.items():
            if not any(_has_key(other, name) for other in always):
                holding = [language, *(other for other in wide if _has_key(other, name))]
                branches = [condition for one in holding for condition in sometimes[one]]
                parts.append(formulas.disj([formulas.all_keys(language, rest), *branches]))
        if 1 << len(wide) > MAX_CASES:
            raise _too_many()
        others = [formulas.not_values(values_of(names)), *map(formulas.negate, always)]
        parts.append(
            formulas.disj(
                formulas.conj(
                    [
                        *(formulas.disj(sometimes[language]) for language in holding),
                        formulas.all_keys(formulas.conj([*others, *map(formulas.negate, holding)]), rest),
                    ]
                )
                for number in range(len(wide) + 1)
                for holding in combinations(wide, number)
            )
        )
        return formulas.conj(parts)

    def _claims(self, node: Node, path: frozenset[Node], *, own: bool = False) -> list[Claim]:
        """Which keys a schema evaluates, and under which conditions."""
        schema = node.contents
        if not isinstance(schema, dict) or node in path:
            return []
        path |= {node}
        if not own and "unevaluatedProperties" in schema:
            return [((), self.formulas.true)]
        found: list[Claim] = [((), language) for language in self._direct_keys(node)]
        for inner in self._always(node):
            found += self._claims(inner, path)
        for branches in self._alternatives(node):
            for condition, nodes in branches:
                claims = [claim for inner in nodes for claim in self._claims(inner, path)]
                found += [((condition, *conditions), language) for conditions, language in claims]
        return found

    def _direct_keys(self, node: Node) -> Iterator[Formula]:
        schema, formulas = node.contents, self.formulas
        for name in schema.get("properties", {}):
            yield formulas.key(name)
        for pattern in schema.get("patternProperties", {}):
            yield formulas.word("pat", pattern)
        if "additionalProperties" in schema:
            yield other_keys(formulas, node)

    # Items.

    def _says_items(self, case: Case, rest: Formula, positive: bool) -> Formula:
        formulas = self.formulas
        says = formulas.true
        if case.prefix is not None:
            says = formulas.item("from", case.prefix, formulas.disj([rest, *case.goals]))
        return says if positive else formulas.negate(says)

    def _cases(self, node: Node, exact: bool, path: frozenset[Node], *, own: bool = False) -> list[Case]:
        schema = node.contents
        if not isinstance(schema, dict) or node in path:
            return [NOTHING]
        path |= {node}
        if not own and "unevaluatedItems" in schema:
            return [Case(prefix=None)]
        groups: list[list[Case]] = [[self._direct_items(node)]]
        for inner in self._always(node):
            groups.append(self._cases(inner, exact, path))
        for branches in self._alternatives(node):
            groups.append(self._any_of(branches, exact, path))
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
        reference = self.translator.joined
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
        for keyword in ("dependentSchemas", "dependencies"):
            for name, needs in schema.get(keyword, {}).items():
                if isinstance(needs, dict | bool):
                    has = formulas.only(OBJECT, formulas.some_key(formulas.key(name), formulas.true))
                    yield [(has, [node.child(keyword, name)])]

    def _any_of(
        self,
        branches: list[tuple[Formula, list[Node]]],
        exact: bool,
        path: frozenset[Node],
    ) -> list[Case]:
        """The cases of one group: a branch is claimed, or it is not."""
        found: list[Case] = []
        evaluates = False
        for condition, nodes in branches:
            inner = _products([self._cases(node, exact, path) for node in nodes])
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

    def _direct_items(self, node: Node) -> Case:
        schema, draft = node.contents, node.dialect.draft
        items = schema.get("items")
        if draft == 2020 and not isinstance(items, list):
            prefix = None if "items" in schema else len(schema.get("prefixItems", ()))
            contains = "contains" in schema
            goals = (self.translator.reference(node.child("contains")),) if contains else ()
            return Case(goals=goals, prefix=prefix)
        if isinstance(items, list):
            return Case(prefix=None if "additionalItems" in schema else len(items))
        return Case(prefix=None if "items" in schema else 0)


def _has_key(language: Formula, name: str) -> bool:
    """Is a key in a language that one schema evaluates by itself?"""
    if language.kind in {"in", "nin"}:
        return (Value(STRING, name) in language.args[0]) == (language.kind == "in")
    if language.kind in {"pat", "npat"}:
        return matches(language.args[0], name) == (language.kind == "pat")
    return language.kind == "true" or all(_has_key(part, name) for part in language.parts)


def _too_many() -> LimitExceeded:
    return LimitExceeded(
        f"an unevaluated keyword has more than MAX_CASES={MAX_CASES} cases",
        hint="fewer anyOf branches beside it, or additionalProperties inside them",
    )


def _products(groups: Iterable[list[Case]]) -> list[Case]:
    groups = list(groups)
    size = 1
    for group in groups:
        size *= len(group)
        if size > MAX_CASES:
            raise _too_many()
    found: dict[Case, None] = {}
    for combination in product(*groups):
        case = NOTHING
        for part in combination:
            case = case.join(part)
        found[case] = None
    return list(found)
