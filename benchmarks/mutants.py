"""Mutation testing of the core: is there a test that notices when one operator of it changes?

    python -m benchmarks.mutants                                      every module of MODULES, 150 mutants each
    python -m benchmarks.mutants constrain/masks.py --sample 9999     all mutants of one
    python -m benchmarks.mutants constrain/masks.py --only 17 30      two of them again
    python -m benchmarks.mutants --record FILE --share 1/2            verdicts as lines of JSON; one of two processes

A mutant is the core with one change by mutmut's operators: `<` for `<=`, `and` for `or`, an argument that is
None, a number one larger.  It is killed if a test fails.  mutmut's own runner copies the tree without the
packages that are links, and calls every function through a switch; here a mutant costs a fork of the process
that has collected the tests, with the code of one function replaced, so that nothing is known from before.
Which tests reach a function is found out once, unchanged; they run from the quickest to the slowest until one
fails.  Hypothesis draws at most EXAMPLES for each, and does not make smaller what it finds.

By rule no mutant is made of what a text says or what work costs (`ignored_lines`), of decorated functions, of
defaults, and outside functions.  A mutant that runs out of time or memory is killed.  Those in
`equivalent_mutants.toml` do what the original does, each for a reason; they do not count.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import os
import random
import resource
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from time import process_time
from types import CodeType, FrameType
from typing import Any, NamedTuple

import pytest
from mutmut.mutation.file_mutation import create_mutations, deep_replace

EXAMPLES = 25
SECONDS = 8
"""The tests of a mutant, the quickest first, take at most so long, profiled: half of it as they are."""
CPU_SECONDS = 20
MEMORY = 8 << 30
"""Bytes of address space."""

WALKS = tuple(
    f"tests/test_{name}.py" for name in ("masks", "matcher", "position", "promises", "structural", "parts")
)
MATCHER = (*WALKS, *(f"tests/test_{name}.py" for name in ("writable", "arguments", "recipe")))
REGULAR = ("terms", "normal_form", "small_regexes", "syntax", "substrings", "products")
TERMS = ("tests/test_masks.py", *(f"tests/regular/test_{name}.py" for name in REGULAR))
JSON = (
    "schemas",
    "keys",
    "conditions",
    "countable_objects",
    "unique_items",
    "closing",
    "emptiness",
    "values",
    "texts",
)
SCHEMAS = ("tests/test_promises.py", *(f"tests/json_schema/test_{name}.py" for name in JSON))
NUMBERS = tuple(f"tests/json_schema/test_{name}.py" for name in ("numbers", "number_set", "schemas"))
MODULES: dict[str, tuple[str, ...]] = {
    "constrain/matcher.py": MATCHER,
    "constrain/position.py": WALKS,
    "constrain/masks.py": WALKS,
    "constrain/regular/term.py": TERMS,
    "constrain/regular/terms.py": TERMS,
    "constrain/regular/products.py": TERMS,
    "constrain/json_schema/objects.py": SCHEMAS,
    "constrain/json_schema/object_text.py": SCHEMAS,
    "constrain/json_schema/arrays.py": SCHEMAS,
    "constrain/json_schema/array_text.py": SCHEMAS,
    "constrain/json_schema/numbers.py": NUMBERS,
    "constrain/json_schema/number_set.py": NUMBERS,
}
"""Each with the tests that are tried."""
SURVIVED = "survived"
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")


Function = tuple[str, str]
"""A module's path, and a qualified name."""


class Reaching(NamedTuple):
    """A test that reaches a function, and what it takes."""

    seconds: float
    test: pytest.Item


class Mutant(NamedTuple):
    """One change: of which function, where, as `was -> is`, and the code that it makes."""

    number: int
    function: str
    line: int
    change: str
    code: CodeType


def ignored_lines(tree: ast.Module) -> Iterator[int]:
    """The lines of which no mutants are made: errors, reprs, what is spent or forgotten, and sizes of memos."""
    for node in ast.walk(tree):
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        tested = {
            each.id for each in ast.walk(getattr(node, "test", ast.Pass())) if isinstance(each, ast.Name)
        }
        if (
            isinstance(node, ast.Raise | ast.Assert)
            or (isinstance(node, ast.FunctionDef) and node.name in {"__repr__", "forget"})
            or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and "spend" in names)
            or (
                isinstance(node, ast.If) and any(name.startswith(("MAX_", "FEW", "MANY_")) for name in tested)
            )
        ):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def mutants_of(path: str, order: random.Random) -> Iterator[Mutant]:
    """The mutants of a module, as mutmut makes them, in a random order."""
    source = Path(path).read_text("utf-8")
    lines = set(range(1, source.count("\n") + 2)) - set(ignored_lines(ast.parse(source)))
    module, mutations, _, _ = create_mutations(path, source, lines)
    original = dict(functions(compile(source, path, "exec")))
    for number in order.sample(range(len(mutations)), len(mutations)):
        mutation = mutations[number]
        mutated = deep_replace(module, mutation.original_node, mutation.mutated_node).code
        try:
            changed = dict(functions(compile(mutated, path, "exec")))
        except SyntaxError:
            continue
        for name, code in changed.items():
            if code != original[name] and code.co_freevars == original[name].co_freevars:
                yield Mutant(number, name, *difference(source, mutated), code)
                break


def functions(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    """The functions and methods of a module, by qualified name."""
    for each in code.co_consts:
        if isinstance(each, CodeType) and each.co_flags & inspect.CO_NEWLOCALS:
            if not each.co_name.startswith("<"):
                yield each.co_qualname, each
        elif isinstance(each, CodeType):  # the body of a class
            yield from functions(each)


def difference(source: str, mutated: str) -> tuple[int, str]:
    """The first line that differs, and how."""
    old, new = source.splitlines(), mutated.splitlines()
    start = next(at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other)
    same = next(at for at, (one, other) in enumerate(zip(old[::-1], new[::-1], strict=False)) if one != other)
    was, now = (
        [line.strip() for line in text[start : max(start + 1, len(text) - same)]] for text in (old, new)
    )
    return start + 1, f"{' '.join(was)} -> {' '.join(now)}"


def plant(path: str, mutant: Mutant) -> None:
    """Give the function its mutant's code, for everyone who holds it."""
    owner: Any = sys.modules[path.removesuffix(".py").replace("/", ".")]
    *classes, name = mutant.function.split(".")
    for each in classes:
        owner = getattr(owner, each)
    found = inspect.getattr_static(owner, name)
    getattr(found, "__func__", found).__code__ = mutant.code


class Run:
    """A plugin that runs the collected tests on each mutant of some modules, instead of once."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.failed: str | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the first test that failed."""
        if report.failed and self.failed is None:
            self.failed = report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Every module in turn."""
        from hypothesis import Phase, settings  # pytest rewrites it first

        for item in session.items:
            function = getattr(item, "obj", None)
            drawn = getattr(function, "_hypothesis_internal_use_settings", None)
            if function is not None and drawn is not None:
                fewer = min(drawn.max_examples, EXAMPLES)
                quick = settings(
                    drawn, max_examples=fewer, phases=(Phase.explicit, Phase.generate), database=None
                )
                function._hypothesis_internal_use_settings = quick
        paths = self.given.modules or list(MODULES)
        reaching = self.reached(paths, session.items)
        for path in paths:
            self.module(path, reaching)
        return True

    def module(self, path: str, reaching: Mapping[Function, list[Reaching]]) -> None:
        """Every mutant of a module."""
        given = self.given
        part, parts = map(int, given.share.split("/"))
        for count, mutant in enumerate(mutants_of(path, random.Random(given.seed))):
            if count >= given.sample and not given.only:
                break
            if (given.only and mutant.number not in given.only) or count % parts != part - 1:
                continue
            tests = chosen(reaching[path, mutant.function], MODULES[path])
            verdict = forked(partial(self.tried, path, mutant, tests), CPU_SECONDS) or "out of time or memory"
            row = {"module": path, **mutant._asdict(), "verdict": verdict, "tests": len(tests)}
            del row["code"]
            line = json.dumps(row, ensure_ascii=False)
            if verdict == SURVIVED or given.only:
                print(line, file=sys.__stdout__, flush=True)
            if given.record:
                with given.record.open("a", encoding="utf-8") as out:
                    out.write(line + "\n")

    def reached(self, paths: list[str], tests: list[pytest.Item]) -> Mapping[Function, list[Reaching]]:
        """By function, the tests that reach it, the quickest first."""
        files = {str(Path(path).resolve()): path for path in paths}
        found: dict[Function, list[Reaching]] = defaultdict(list)
        for test in tests:
            names, seconds, failed = json.loads(forked(partial(self.profiled, files, test), 600))
            if failed:
                print(f"left out, for it fails unchanged: {test.nodeid}", file=sys.__stdout__)
                continue
            for path, name in names:
                found[path, name].append(Reaching(seconds, test))
        return found

    def profiled(self, files: Mapping[str, str], test: pytest.Item) -> str:
        """As JSON: the functions that a test reaches, the seconds it takes, and whether it fails."""
        codes: set[CodeType] = set()

        def look(frame: FrameType, event: str, _: object) -> None:
            if event == "call":
                codes.add(frame.f_code)

        sys.setprofile(look)
        self.one(test)
        sys.setprofile(None)
        names = {
            (files[c.co_filename], c.co_qualname.split(".<locals>")[0])
            for c in codes
            if c.co_filename in files
        }
        return json.dumps([sorted(names), process_time(), self.failed])

    def tried(self, path: str, mutant: Mutant, tests: Iterable[pytest.Item]) -> str:
        """The first test that kills a mutant."""
        plant(path, mutant)
        for test in tests:
            self.one(test)
            if self.failed:
                return self.failed
        return SURVIVED

    def one(self, test: pytest.Item) -> None:
        """Run one test, with fixtures of its own."""
        test.config.hook.pytest_runtest_protocol(item=test, nextitem=None)


def chosen(reaching: Iterable[Reaching], files: Container[str]) -> list[pytest.Item]:
    """The tests of some files, the quickest first, until they take too long."""
    found, left = [], SECONDS
    for seconds, test in sorted(reaching, key=lambda each: each.seconds):
        if test.nodeid.partition("::")[0] in files:
            left -= seconds
            if left < 0:
                break
            found.append(test)
    return found


def forked(work: Callable[[], str], seconds: int) -> str:
    """What `work()` says in a process of its own; nothing if it ran out of time or memory."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        try:
            os.write(writing, work().encode())
        except BaseException as problem:  # noqa: BLE001
            os.write(writing, f"failed: {type(problem).__name__}".encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as out:
        said = out.read().decode()
    os.waitpid(child, 0)
    return said


def table(rows: Iterable[dict[str, Any]]) -> str:
    """The verdicts by module."""
    equivalent = {
        (one["module"], one["change"]) for one in tomllib.loads(EQUIVALENT.read_text("utf-8"))["mutants"]
    }
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        same = row["verdict"] == SURVIVED and (row["module"], row["change"]) in equivalent
        verdict = "equivalent" if same else "survived" if row["verdict"] == SURVIVED else "killed"
        counts[row["module"]][verdict] += 1
        counts["all"][verdict] += 1
    lines = [
        "| module | mutants | killed | survived | equivalent | score |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for module, each in counts.items():
        score = each["killed"] / max(1, each["killed"] + each["survived"])
        lines.append(
            f"| {module} | {each.total()} | {each['killed']} | {each['survived']} | {each['equivalent']} | {score:.1%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", help=", ".join(MODULES))
    parser.add_argument(
        "--sample", type=int, default=150, help="so many mutants of a module, drawn by chance"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs="*", help="the mutants of these numbers")
    parser.add_argument("--share", default="1/1", help="the first of two processes: 1/2")
    parser.add_argument("--record", type=Path, help="add the verdicts to this file, as lines of JSON")
    parser.add_argument("--table", type=Path, nargs="*", help="of verdicts recorded before, the table alone")
    given = parser.parse_args()
    if given.table:
        print(table(json.loads(line) for file in given.table for line in file.open(encoding="utf-8")))
        return
    tests = sorted({test for path in given.modules or MODULES for test in MODULES[path]})
    options = ["-n", "0", "-q", "-p", "no:cacheprovider", "--tb=no", "--no-header", "--show-capture=no"]
    pytest.main([*options, *tests], plugins=[Run(given)])


if __name__ == "__main__":
    main()
