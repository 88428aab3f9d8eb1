"""One mask, made in each of the ways that masks.py grew out of: what did every step buy?

    python -m benchmarks.steps

For a few states of terminals over the Llama-3 vocabulary, milliseconds of CPU time, the best of some rounds:

    every token    each of the 128,256 tokens is read byte by byte: the definition
    trie, sparse   trie and automaton walked together
    trie, wide    the whole trie at once, depth by depth, in numpy
    neighbour      a table that is made from another one (counted strings, excluded keys)
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
from constrain.vocabulary.tables import Tables
from constrain.vocabulary.walks import walk_sparse, walk_wide

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
    trie = vocabulary.trie
    head = ("every token", "trie, sparse", "trie, wide", "neighbour", "again")
    print(f"{'':38}" + "".join(f"{name:>14}" for name in head))
    for what, term in states().items():
        tables = Tables(vocabulary, Automaton())
        state = tables.automaton.state(term)
        naive = best(lambda tables=tables, state=state: every_token(tables, state))  # type: ignore[misc]
        sparse = best(lambda tables=tables, state=state: walk_sparse(tables, EVERYTHING, state, None))  # type: ignore[misc]
        wide = best(lambda tables=tables, state=state: walk_wide(tables.automaton, trie, (0,), state))  # type: ignore[misc]
        derived = "-"
        for way in (tables.counted.plain_table, tables.counted.table, tables.exclusions.table):
            if way(EVERYTHING, state) is not None:
                derived = f"{best(lambda way=way, state=state: way(EVERYTHING, state)):.3f}"  # type: ignore[misc]
                break
        matcher = CompiledGrammar(term_continuation(term, what=what), vocabulary).matcher()
        bitmask = allocate_token_bitmask(1, vocabulary.size)
        matcher.fill_next_token_bitmask(bitmask)
        again = best(lambda matcher=matcher, bitmask=bitmask: matcher.fill_next_token_bitmask(bitmask))  # type: ignore[misc]
        print(f"{what:38}{naive:>14.1f}{sparse:>14.3f}{wide:>14.3f}{derived:>14}{again:>14.4f}")


if __name__ == "__main__":
    main()
