"""One mask, made in each of the ways that masks.py grew out of: what did every step buy?

    python -m benchmarks.steps

For a few states of terminals over the Llama-3 vocabulary, milliseconds of CPU time, the best of some rounds:

    every token    each of the 128,256 tokens is read byte by byte: the definition
    by nodes       trie and automaton walked together, from node to node
    at once        the whole trie, depth by depth, in numpy
    signatures     either over tokens that agree block by block
    table          all that a new state costs, its rows included
    again          the table is there; the mask is made of it and copied
"""

from __future__ import annotations

import time
from collections.abc import Callable

from constrain import Vocabulary, allocate_token_bitmask
from constrain.compiler import term_continuation
from constrain.json_schema.strings import string_space
from constrain.matcher import CompiledGrammar
from constrain.regular.automaton import Automaton
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term, complement, concat, intersect, literal, literals
from constrain.vocabulary.remainders import EVERYTHING
from constrain.vocabulary.tables import Table, Tables
from constrain.vocabulary.walks import Rows, walk_all, walk_few

ROUNDS = 3


def states() -> dict[str, Term]:
    """The terminals, by what they are."""
    space = string_space("canonical")
    quote = literal(b'"')
    keys = literals(f"key_{number}".encode() for number in range(20))
    return {
        "an integer, [0-9]+": regex_term("[0-9]+"),
        "a date": regex_term(r"\d{4}-\d{2}-\d{2}"),
        "inside a JSON string": concat(space.universe, quote),
        "... of at most 40 characters": concat(space.length(0, 40), quote),
        "... that is none of 20 keys": concat(intersect(space.universe, complement(keys)), quote),
        "a pattern, ^[A-Z][a-z]+( [a-z]+)*$": regex_term("[A-Z][a-z]+( [a-z]+)*"),
    }


def best(work: Callable[[], object]) -> float:
    """Milliseconds of CPU time, the least of some rounds."""
    took = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        took.append((time.process_time() - start) * 1_000)
    return min(took)


def every_token(tables: Tables, state: int) -> int:
    """Read each token byte by byte."""
    alive = 0
    for text in tables.vocabulary.tokens:
        at = state
        for byte in text or b"":
            at = tables.step(at, byte)
            if not at:
                break
        alive += bool(at)
    return alive


def main() -> None:
    """Print the table."""
    from mlx_lm.tokenizer_utils import load

    from constrain.vocabulary.llama3 import llama3_tokenizer_folder

    vocabulary = Vocabulary.from_tokenizer(load(llama3_tokenizer_folder()))
    trie, (coarse, _) = vocabulary.trie, vocabulary.signatures
    head = ("every token", "by nodes", "at once", "signatures", "table", "again")
    print(f"{'':38}" + "".join(f"{name:>12}" for name in head))
    for what, term in states().items():
        tables = Tables(vocabulary, Automaton())
        tables.vocabulary.prepare()
        state, steps = tables.automaton.state(term), tables.steps
        took = [
            best(lambda tables=tables, state=state: every_token(tables, state)),  # type: ignore[misc]
            best(lambda steps=steps, state=state: walk_few(steps, trie, ((0, state),), len(trie))),  # type: ignore[misc]
            best(lambda steps=steps, state=state: walk_all(Rows(steps), trie, state)),  # type: ignore[misc]
            best(
                lambda tables=tables, steps=steps, state=state: (  # type: ignore[misc]
                    tables.walker.few(state) or walk_all(Rows(steps), coarse, state)
                )
            ),
            best(lambda term=term: new_table(vocabulary, term)),  # type: ignore[misc]
        ]
        matcher = CompiledGrammar(term_continuation(term, what=what), vocabulary).matcher()
        bitmask = allocate_token_bitmask(1, vocabulary.size)
        matcher.fill_next_token_bitmask(bitmask)
        took.append(best(lambda matcher=matcher, bitmask=bitmask: matcher.fill_next_token_bitmask(bitmask)))  # type: ignore[misc]
        print(f"{what:38}" + "".join(f"{milliseconds:>12.3f}" for milliseconds in took))


def new_table(vocabulary: Vocabulary, term: Term) -> Table:
    """The table of a state that nobody has asked for before, nor for another one of its language."""
    tables = Tables(vocabulary, Automaton())
    return tables.table(EVERYTHING, tables.automaton.state(term))


if __name__ == "__main__":
    main()
