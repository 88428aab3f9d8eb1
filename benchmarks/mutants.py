"""Mutation testing of the core: is there a test that notices when one operator of it changes?

    python -m benchmarks.mutants --processes 2                            100 mutants of each module
    python -m benchmarks.mutants constrain/masks.py --sample 9999         all mutants of one
    python -m benchmarks.mutants --sample 0                               the table of what is recorded

A mutant is a module with one change by mutmut's operators: `<` for `<=`, `and` for `or`, an argument that is
None, a number one larger.  It is killed if a test fails.  mutmut's own runner copies the tree without the
packages that are links, and calls every function through a switch; here a mutant costs a fork of the process
that has collected the tests, with the code of one function replaced, so that nothing is known from before.

Which tests reach a function is found out once; they run from the quickest to the slowest, until one fails or
SECONDS are over.  Hypothesis draws at most EXAMPLES of each, and does not make smaller what it finds.

1. By rule no mutant is made of errors, reprs, what work costs, and when memos are emptied (`ignored_lines`);
   of texts with a space in them, which are messages; of decorated functions, defaults, and outside functions.
2. One that runs out of time or memory is killed.
3. Those in `equivalent_mutants.toml` do what the original does, each for a reason; they do not count.

Verdicts are lines of JSON in a file (`--record`); what it has is not tried again.
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
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import process_time
from types import CodeType, FrameType
from typing import Any, NamedTuple

import pytest
from libcst import SimpleString
from mutmut.mutation.file_mutation import create_mutations, deep_replace

EXAMPLES = 15
SECONDS = 8
"""Of tests for one mutant, as long as they take profiled: they take half of it."""
CPU_SECONDS = 10
MEMORY = 8 << 30
"""Bytes of address space."""

WALKS = tuple(f"tests/test_{name}.py" for name in ("masks", "matcher", "position", "promises"))
LIMITS = "tests/test_limits.py::test_every_compile_function_has_both_limits"
MATCHER = (*WALKS, "tests/test_writable.py", "tests/test_arguments.py", LIMITS)
TERMS = tuple(f"tests/regular/test_{name}.py" for name in ("terms", "normal_form", "small_regexes"))
PRODUCTS = ("tests/regular/test_products.py", "tests/json_schema/test_strings.py")
JSON = ("schemas", "small_documents", "keys", "countable_objects", "unique_items", "closing")
SCHEMAS = ("tests/test_promises.py", *(f"tests/json_schema/test_{name}.py" for name in JSON))
ARRAYS = tuple(f"tests/json_schema/test_{name}.py" for name in ("schemas", "small_documents", "unique_items"))
NUMBERS = tuple(f"tests/json_schema/test_{name}.py" for name in ("numbers", "number_set"))
MODULES: dict[str, tuple[str, ...]] = {
    "constrain/matcher.py": MATCHER,
    "constrain/position.py": WALKS,
    "constrain/masks.py": (
        *WALKS,
        "tests/json_schema/test_keys.py",
        "tests/json_schema/test_unique_items.py",
    ),
    "constrain/regular/term.py": (*TERMS, "tests/regular/test_products.py"),
    "constrain/regular/terms.py": TERMS,
    "constrain/regular/products.py": PRODUCTS,
    "constrain/json_schema/objects.py": SCHEMAS,
    "constrain/json_schema/object_text.py": SCHEMAS,
    "constrain/json_schema/arrays.py": ARRAYS,
    "constrain/json_schema/array_text.py": ARRAYS,
    "constrain/json_schema/numbers.py": NUMBERS,
    "constrain/json_schema/number_set.py": NUMBERS,
}
"""Each with the tests that are tried."""
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")


class Mutant(NamedTuple):
    """One change: mutmut's number, of which function, where, as `was -> is`, and the code that it makes."""

    number: int
    function: str
    line: int
    change: str
    code: CodeType


def ignored_lines(tree: ast.Module) -> Iterator[int]:
    """The lines of which no mutants are made: rule 1."""
    for node in ast.walk(tree):
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        tested = {each.id for each in ast.walk(getattr(node, "test", node)) if isinstance(each, ast.Name)}
        if (
            isinstance(node, ast.Raise | ast.Assert)
            or (isinstance(node, ast.FunctionDef) and node.name in {"__repr__", "forget"})
            or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and "spend" in names)
            or (
                isinstance(node, ast.If) and any(name.startswith(("MAX_", "FEW", "MANY_")) for name in tested)
            )
        ):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def mutants_of(path: str) -> Iterator[Mutant]:
    """The mutants of a module, as mutmut makes them, in an order by chance that is always the same."""
    source = Path(path).read_text("utf-8")
    lines = set(range(1, source.count("\n") + 2)) - set(ignored_lines(ast.parse(source)))
    module, mutations, _, _ = create_mutations(path, source, lines)
    original = dict(functions(compile(source, path, "exec")))
    for number in random.Random(0).sample(range(len(mutations)), len(mutations)):
        mutation = mutations[number]
        if isinstance(mutation.original_node, SimpleString) and " " in mutation.original_node.value:
            continue
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
        " ".join(map(str.strip, text[start : max(start + 1, len(text) - same)])) for text in (old, new)
    )
    return start + 1, f"{was} -> {now}"


def forked(work: Callable[[], str]) -> str:
    """What `work()` says in a process of its own; nothing if that runs out of time or memory."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        try:
            os.write(writing, work().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as out:
        said = out.read().decode()
    os.waitpid(child, 0)
    return said


class Run:
    """A plugin of pytest that runs the collected tests on each mutant of some modules, instead of once."""

    def __init__(self, paths: list[str], sample: int, processes: int, record: Path) -> None:
        self.paths, self.sample, self.processes, self.record = paths, sample, processes, record
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the first test that failed."""
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Find out what reaches what, then try the mutants."""
        from hypothesis import Phase, settings  # pytest rewrites it first

        for test in session.items:
            function = getattr(test, "obj", None)
            drawn = getattr(function, "_hypothesis_internal_use_settings", None)
            if function is not None and drawn is not None:
                examples, phases = min(drawn.max_examples, EXAMPLES), (Phase.explicit, Phase.generate)
                quick = settings(drawn, max_examples=examples, phases=phases, database=None)
                function._hypothesis_internal_use_settings = quick
        reaching = self.reaching(session.items)
        for share in range(self.processes):
            if not os.fork():
                for path in self.paths:
                    self.module(path, reaching, share)
                os._exit(0)
        for _ in range(self.processes):
            os.wait()
        return True

    def reaching(self, tests: list[pytest.Item]) -> dict[tuple[str, str], list[tuple[float, pytest.Item]]]:
        """By module and function, the tests that reach it, with what they take, the quickest first."""
        found = defaultdict(list)
        for test in tests:
            names, seconds, failed = json.loads(forked(partial(self.profiled, test)) or '[[], 0, "too slow"]')
            for path, name in names if not failed else []:
                if test.nodeid.startswith(MODULES[path]):
                    found[path, name].append((seconds, test))
        return {where: sorted(those, key=lambda each: each[0]) for where, those in found.items()}

    def profiled(self, test: pytest.Item) -> str:
        """As JSON: the functions that a test reaches, the seconds it takes, and whether it fails."""
        files = {str(Path(path).resolve()): path for path in self.paths}
        codes: set[CodeType] = set()

        def look(frame: FrameType, event: str, _: object) -> None:
            if event == "call":
                codes.add(frame.f_code)

        sys.setprofile(look)
        test.config.hook.pytest_runtest_protocol(item=test, nextitem=None)
        sys.setprofile(None)
        names = {(files.get(code.co_filename), code.co_qualname.split(".<locals>")[0]) for code in codes}
        return json.dumps([[each for each in names if each[0]], process_time(), self.failed])

    def module(self, path: str, reaching: Any, share: int) -> None:
        """Every so many-th of a module's mutants that are not recorded."""
        known = {row["number"] for row in recorded(self.record) if row["module"] == path}
        for count, mutant in enumerate(mutants_of(path)):
            if count >= self.sample:
                break
            if count % self.processes == share and mutant.number not in known:
                tests = reaching.get((path, mutant.function), [])
                killer = forked(partial(self.tried, path, mutant, tests)) or "out of time or memory"
                for _, test in tests:
                    if test.nodeid == killer and forked(partial(self.profiled, test))[-3:-1] != '""':
                        sys.exit(f"{killer} fails unchanged")
                row = {"module": path, **mutant._asdict(), "killer": killer, "tests": len(tests)}
                del row["code"]
                with self.record.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")

    def tried(self, path: str, mutant: Mutant, tests: list[tuple[float, pytest.Item]]) -> str:
        """The first test that kills a mutant, whose code is given to everyone who holds the function."""
        owner: Any = sys.modules[path.removesuffix(".py").replace("/", ".")]
        *classes, name = mutant.function.split(".")
        for each in classes:
            owner = getattr(owner, each)
        found = inspect.getattr_static(owner, name)
        getattr(found, "__func__", found).__code__ = mutant.code
        left = float(SECONDS)
        for seconds, test in tests:
            left -= seconds
            if left < 0:
                break
            test.config.hook.pytest_runtest_protocol(item=test, nextitem=None)
            if self.failed:
                return self.failed
        return "none"


def recorded(file: Path) -> list[dict[str, Any]]:
    """The verdicts in a file."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def table(rows: list[dict[str, Any]]) -> str:
    """The verdicts by module."""
    known = tomllib.loads(EQUIVALENT.read_text("utf-8"))
    equivalent = {
        (module, change)
        for module, reasons in known.items()
        for those in reasons.values()
        for change in those
    }
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        verdict = "killed" if row["killer"] != "none" else "survived"
        if verdict == "survived" and (row["module"], row["change"]) in equivalent:
            verdict = "equivalent"
        counts[row["module"]][verdict] += 1
        counts["all"][verdict] += 1
    lines = [
        "| module | mutants | killed | survived | equivalent | score |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for module in (*MODULES, "all"):
        each = counts[module]
        numbers = (each.total(), *(each[verdict] for verdict in ("killed", "survived", "equivalent")))
        score = each["killed"] / max(1, each["killed"] + each["survived"])
        lines.append(f"| {module} | {' | '.join(map(str, numbers))} | {score:.1%} |")
    return "\n".join(lines)


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", help=", ".join(MODULES))
    parser.add_argument(
        "--sample", type=int, default=100, help="so many mutants of a module, drawn by chance"
    )
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--record", type=Path, default=Path("mutants.jsonl"))
    given = parser.parse_args()
    paths = given.modules or list(MODULES)
    if given.sample:
        tests = sorted({test for path in paths for test in MODULES[path]})
        options = ["-n", "0", "-q", "-p", "no:cacheprovider", "--tb=no", "--show-capture=no"]
        pytest.main([*options, *tests], plugins=[Run(paths, given.sample, given.processes, given.record)])
    print(table(recorded(given.record)))


if __name__ == "__main__":
    main()
