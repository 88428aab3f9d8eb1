"""Does any text break a front end?  Coverage says which texts to change next.

    python -m benchmarks.fuzz --what patterns --seconds 60
    python -m benchmarks.fuzz --what schemas --seconds 60 --by hypothesis
    python -m benchmarks.fuzz --what tools --adopt FOLDER     what a run has found, into the corpus
    python -m benchmarks.fuzz --what all --cover              lines that the corpus reaches

The front ends are those of `front_ends.py`.  A source is opened, and what comes of it walked: no mask may be
empty, one of them is compared with trying every token, and every law of the proof kit must hold
(`proof/laws.py`): whole texts are taken by its judges, budgets are kept.  A source ends as "answered", in an
error of the documented classes, or as a FAULT, which is anything else that is raised, or an answer that takes
more than `--limit` seconds of CPU time.  A fault is made smaller for as long as it stays the same, and
printed; the exit status is 1 if there was any.

Who makes the sources:

    atheris      changes those that reached something new in the modules of `constrain`, by bytes and in the
                 ways of the front end; `pip install "atheris<3.1"` (wheels for Linux; 3.0 is the last
                 for Python 3.11).  With `--found FOLDER` they are kept.
    hypothesis   changes those of the corpus, and shrinks; needs nothing more than the tests do

The corpus (`tests/corpus/`, a file of JSON lines for each front end) has what once found a fault, which
stays, with a word on what it was; and the fewest texts, of those found, that reach the same lines.
`tests/test_fuzzing.py` looks at every one of them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from constrain.matcher import CompiledGrammar
    from constrain.position import Position

MAX_SIZE = 2_000
"""Bytes of a source."""
STEPS = 4
OUTPUTS = 2
KEPT = 50
"""Sources that find what the process remembers of others, before it forgets."""
ROUND = 100
MAX_SMALLER = 100
MAX_TRIED = 150
"""The shortest of what was found, which are looked at line by line: many times slower."""
ROOT = Path(__file__).parent.parent
CORPUS = ROOT / "tests" / "corpus"


def corpus(what: str) -> list[dict[str, str]]:
    """The entries of a front end: a `source`, and `was`, what it found, where it found something."""
    file = corpus_file(what)
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def corpus_file(what: str) -> Path:
    """Where the corpus of a front end is."""
    return CORPUS / f"{what.replace(' ', '_')}.jsonl"


class Look:
    """Looks at the sources of one front end, and counts how they end."""

    def __init__(self, what: str, limit: float) -> None:
        from benchmarks.front_ends import FRONT_ENDS

        self.front_end = FRONT_ENDS[what]
        self.counts: Counter[str] = Counter()
        self.unjudged = 0
        self._limit = limit

    def outcome(self, source: str) -> tuple[str, str]:
        """How a source ends, and what there is to say of it."""
        from benchmarks.front_ends import NoSource
        from benchmarks.hostile import outcome_of

        def answer() -> str:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # `re` and the validators have opinions on patterns
                    return self._answer(source)
            except NoSource:
                return "no source"

        return outcome_of(answer, self._limit)

    def _answer(self, source: str) -> str:
        from benchmarks.front_ends import chance
        from benchmarks.hostile import JUDGING, OutOfTime, limited
        from constrain.proof.proving import prove
        from tests.oracle import by_trying
        from tests.walks import exact_walk

        rng = chance(source)
        with limited(self._limit):
            subject = self.front_end.opened(source, rng)
        if subject is None:
            return "answered"
        step, tried = count(), rng.randrange(STEPS)

        def trying(compiled: CompiledGrammar, position: Position) -> list[int] | None:
            return by_trying(compiled, position) if next(step) == tried else None

        exact_walk(subject.compiled, rng, STEPS, trying=trying, bounded=lambda: limited(self._limit))
        try:
            with limited(2 * JUDGING if self._limit else 0):  # `re` goes back and forth for hours
                proof = prove(subject, OUTPUTS, seed=rng.randrange(1 << 20), budgets=(rng.randrange(20),))
        except OutOfTime:
            self.unjudged += 1
            return "answered"
        assert not proof.failures, f"unsound: {proof.failures[0]}"
        return "answered"

    def look(self, source: str, say: Callable[[str], None]) -> str:
        """The same, counted; a fault is made smaller and said, the first of its kind."""
        from constrain.regular.keeping import forget

        if self.counts.total() % KEPT == 0:
            forget()
        outcome, detail = self.outcome(source)
        self.counts[outcome] += 1
        if outcome.startswith("FAULT") and self.counts[outcome] == 1:
            small = self.smaller(source, outcome) if " over " not in outcome else source
            say(f"{outcome}\n    {self.outcome(small)[1] or detail}\n    {json.dumps(small)}"[:3_000])
        return outcome

    def smaller(self, source: str, outcome: str) -> str:
        """The smallest source found that ends in the same fault."""
        left, progress = MAX_SMALLER, True
        while progress and left > 0:
            progress = False
            for candidate in _simpler(source):
                left -= 1
                if left <= 0:
                    break
                if self.outcome(candidate)[0] == outcome:
                    source, progress = candidate, True
                    break
        return source


def _simpler(source: str) -> Iterator[str]:
    from benchmarks.hostile import simpler

    try:
        data = json.loads(source)
    except (ValueError, RecursionError):
        yield from simpler(source)
    else:
        yield from map(json.dumps, simpler(data))


def near(what: str, rng: random.Random) -> str:
    """A source of the corpus, changed in up to three places."""
    from benchmarks.front_ends import FRONT_ENDS

    source = rng.choice(corpus(what))["source"]
    for _ in range(rng.randrange(4)):
        source = FRONT_ENDS[what].changed(rng, source)
    return source[:MAX_SIZE]


# Who makes the sources


def by_hypothesis(what: str, seconds: float, look: Look, seed: int) -> None:
    """Examples, a round after the other, until the time is over."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import seed as seeded
    from hypothesis import strategies as st

    @given(st.randoms(use_true_random=False))
    @settings(max_examples=ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def round_of(rng: random.Random) -> None:
        look.look(near(what, rng), _say)

    end = time.process_time() + seconds
    while time.process_time() < end:
        seeded(seed)(round_of)()
        seed += 1


def by_atheris(what: str, seconds: float, look: Look, seed: int, found: Path) -> None:
    """libFuzzer's loop, which never returns: the process ends when the time is over."""
    import atheris

    from benchmarks.front_ends import FRONT_ENDS

    changed = FRONT_ENDS[what].changed
    end = time.process_time() + seconds

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.randrange(4) == 0:
            return bytes(atheris.Mutate(data, max_size))
        return _bytes(changed(rng, _text(data)))[:max_size]

    def one(data: bytes) -> None:
        if time.process_time() > end:
            _finish(look)
        look.look(_text(data), _say)

    for number, entry in enumerate(corpus(what)):
        (found / f"seed-{number}").write_bytes(_bytes(entry["source"]))
    options = [f"-seed={seed}", f"-max_len={MAX_SIZE}", "-len_control=0", "-rss_limit_mb=0"]
    options += ["-timeout=600", "-report_slow_units=600"]  # `limited` is who looks at the time
    atheris.Setup([sys.argv[0], str(found), *options], one, custom_mutator=mutate)
    atheris.Fuzz()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(source: str) -> bytes:
    return source.encode("utf-8", "replace") if _is_odd(source) else source.encode("utf-8", "surrogateescape")


def _is_odd(source: str) -> bool:
    """Whether there are halves of pairs that stand for no byte."""
    return any("\ud800" <= letter <= "\udc7f" or "\udd00" <= letter <= "\udfff" for letter in source)


def _finish(look: Look) -> None:
    """Say how the sources ended, and end."""
    total = look.counts.total()
    print(f"{total:,} sources, {time.process_time():,.0f} s of CPU time")
    for outcome, times in look.counts.most_common():
        print(f"{times:>9,} {outcome}")
    print(f"{look.unjudged:>9,} of them judged in part: a judge took too long", flush=True)
    os._exit(any(outcome.startswith("FAULT") for outcome in look.counts))  # libFuzzer has its own way to exit


# What is reached


class Lines:
    """The lines of `constrain` that run while `noting` does, as (file, line)."""

    def __init__(self) -> None:
        self._folders = tuple(str(ROOT / name) + os.sep for name in ("constrain", "engine", "grammars"))
        self.reached: set[tuple[str, int]] = set()

    def noting(self, run: Callable[[], object]) -> set[tuple[str, int]]:
        """Those that one call reaches."""
        self.reached = set()
        before = sys.gettrace()
        sys.settrace(self._entered)
        try:
            run()
        finally:
            sys.settrace(before)
        return self.reached

    def _entered(self, frame: FrameType, event: str, argument: object) -> Any:
        return self._noted if frame.f_code.co_filename.startswith(self._folders) else None

    def _noted(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            self.reached.add((frame.f_code.co_filename, frame.f_lineno))
        return self._noted


def lines_of(file: str) -> set[tuple[str, int]]:
    """The lines of functions in a file: what runs on import is no front end's doing."""
    found: set[tuple[str, int]] = set()
    pending = [compile(Path(file).read_text("utf-8"), file, "exec")]
    while pending:
        code = pending.pop()
        inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        pending += inner
        if code.co_flags & 0x2:  # CO_NEWLOCALS: a function
            found |= {(file, line) for _, _, line in code.co_lines() if line and line != code.co_firstlineno}
    return found


def reached_by(look: Look, source: str) -> set[tuple[str, int]]:
    """The lines that a source reaches in a process that remembers nothing."""
    from constrain.regular.keeping import forget

    forget()
    return Lines().noting(lambda: look.outcome(source))


def cover(what: str, look: Look) -> None:
    """Print what the corpus of a front end reaches, in the files that it reaches at all."""
    entries = corpus(what)
    start = time.process_time()
    reached: set[tuple[str, int]] = set()
    for entry in entries:
        reached |= reached_by(look, entry["source"])
    there = set().union(*(lines_of(file) for file in {file for file, _ in reached}))
    share = len(reached & there) / max(1, len(there))
    print(
        f"{what:14} {len(entries):4} sources, {len(reached & there):6,} of {len(there):6,} lines "
        f"({share:.0%}), {time.process_time() - start:.0f} s",
        flush=True,
    )


def adopt(what: str, look: Look, found: Path, most: int) -> None:
    """Put into the corpus what was found and reaches lines that nothing there does, the shortest first."""
    entries = corpus(what)
    known: set[tuple[str, int]] = set()
    for entry in entries:
        known |= reached_by(look, entry["source"])
    texts = sorted({_text(file.read_bytes()) for file in found.iterdir()}, key=len)[:MAX_TRIED]
    reaches = {text: reached_by(look, text) for text in texts if look.outcome(text)[0] != "no source"}
    while len(entries) < most:
        best = max(reaches, key=lambda text: (len(reaches[text] - known), -len(text)), default="")
        new = reaches.pop(best, set()) - known
        if len(new) < 3:  # a line or two more is not worth an entry
            break
        known |= new
        entries.append({"source": best})
    CORPUS.mkdir(exist_ok=True)
    corpus_file(what).write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")
    print(f"{what}: {len(entries)} sources, of the {len(texts)} shortest found")


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--what", required=True, help="a front end; all, with --cover")
    parser.add_argument("--seconds", type=float, default=60, help="of CPU time")
    parser.add_argument("--by", choices=["atheris", "hypothesis"], default="atheris")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=10, help="CPU seconds for one answer; 0 for none")
    parser.add_argument("--found", type=Path, help="keep what reaches something new here")
    parser.add_argument(
        "--adopt", type=Path, metavar="FOLDER", help="put what was found there into the corpus"
    )
    parser.add_argument("--most", type=int, default=40, help="sources in the corpus of a front end")
    parser.add_argument("--cover", action="store_true", help="only say what the corpus reaches")
    given = parser.parse_args()
    is_fuzzing = given.adopt is None and not given.cover
    if is_fuzzing and given.by == "atheris":
        _instrument()
    from benchmarks.front_ends import FRONT_ENDS

    names = list(FRONT_ENDS) if given.what == "all" and not is_fuzzing else [given.what]
    if not {*names} <= {*FRONT_ENDS}:
        parser.error(f"the front ends are {', '.join(FRONT_ENDS)}")
    for what in names:
        look = Look(what, given.limit)
        if given.cover:
            cover(what, look)
        elif given.adopt is not None:
            adopt(what, look, given.adopt, given.most)
        elif given.by == "hypothesis":
            by_hypothesis(what, given.seconds, look, given.seed)
            _finish(look)
        else:
            with tempfile.TemporaryDirectory() as folder:
                found = given.found or Path(folder)
                found.mkdir(parents=True, exist_ok=True)
                by_atheris(what, given.seconds, look, given.seed, found)


def _instrument() -> None:
    """Import the modules of `constrain` so that libFuzzer sees which of their branches are taken."""
    try:
        import atheris
    except ImportError:
        sys.exit('atheris is not installed: pip install "atheris<3.1", or --by hypothesis')
    with atheris.instrument_imports(include=["constrain"]):
        import benchmarks.front_ends  # noqa: F401


if __name__ == "__main__":
    main()
