"""Tool calls, constrained and unconstrained side by side: are they well-formed, and are they the right ones?

    python -m benchmarks.tool_calls --cases FILE.json                     the embedded model
    python -m benchmarks.tool_calls --cases FILE.json --model smollm2 --each 3   any other; 3 of each category
    python -m benchmarks.tool_calls --cases FILE.json --random --choice required     weights from a seed
    python -m benchmarks.tool_calls --tools maskbench.jsonl.xz            128 tools at once: how long?

The file of cases holds `tools` (in OpenAI's form) and `cases`, each `{"id", "cat", "messages", "spec"}`.
What a spec asks decides when an answer is right:

    {"tools": [...], "n": 2}            so many calls, of these tools and no others
      "argkeys": [tool, [keys]]         and one of this tool has these arguments
      "intarg": [tool, key, value]      and one has this number
    {"tool": t, "fabricate_field": f}   no call of t with something in f: the request does not say it
    {"next": t}                         the next call is of t; null: there is none
    {"gold": word, "want": ...}         no call, and the word in the text, where there is one
    anything else                       no call

Both runs are greedy, over the same prompts.  Constrained, the answer is written under the grammar and read by
it.  Unconstrained, the model writes what it likes, and the loose grammar reads it: a call that departs from
the form counts as malformed.  Random weights never come to a call by themselves: `--choice required`, which
binds the constrained run only, makes them.  A call is valid when it names an offered tool and its arguments
validate under `jsonschema`, which is not the engine's own validator.  `--run` takes one of the two runs, and
`--show` prints each answer.  Seconds are CPU time of this process.
"""

from __future__ import annotations

import argparse
import json
import lzma
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jsonschema

from benchmarks.cpu import load_unpacked
from constrain import (
    ConstrainError,
    Form,
    LoadedModel,
    Tool,
    allocate_token_bitmask,
    as_tool,
    compile_part,
    generate_tool_calls,
    load,
    read_tool_calls,
    tool_call_grammar,
)
from constrain.engine.random_model import write_random_model
from constrain.engine.tool_prompting import form_of, tool_prompt_tokens
from constrain.tool_calls.forms import as_form
from constrain.tool_calls.plain import is_plain
from constrain.tool_calls.reader import CallEnd, Departure, TextDelta

RUNS = ("constrained", "unconstrained")
MANY = 128


@dataclass
class Answer:
    """One answer: its text, its calls as (name, arguments), and how many calls were begun and left broken."""

    text: str
    calls: list[tuple[str, Any]] = field(default_factory=list)
    malformed: int = 0


@dataclass
class Score:
    """What one run got: right answers and cases by category, and the fate of its calls."""

    right: Counter[str] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def is_right(answer: Answer, spec: Any) -> bool:
    """Whether an answer does what the spec of its case asks; with a call that is broken off it does not."""
    if answer.malformed:
        return False
    spec = spec if isinstance(spec, dict) else {}
    names = [name for name, _ in answer.calls]
    if "tools" in spec:
        return set(names) == set(spec["tools"]) and len(names) == spec["n"] and _has_arguments(answer, spec)
    if "fabricate_field" in spec:
        key = spec["fabricate_field"]
        return not any(name == spec["tool"] and dict(given).get(key) for name, given in answer.calls)
    if "next" in spec:
        return names[:1] == ([spec["next"]] if spec["next"] else [])
    gold = spec.get("gold")
    return not names and (not gold or str(gold).lower() in answer.text.lower())


def _has_arguments(answer: Answer, spec: dict[str, Any]) -> bool:
    if "argkeys" in spec:
        tool, keys = spec["argkeys"]
        if not any(name == tool and set(keys) <= set(given) for name, given in answer.calls):
            return False
    if "intarg" in spec:
        tool, key, value = spec["intarg"]
        return any(name == tool and given.get(key) == value for name, given in answer.calls)
    return True


def constrained(
    model: LoadedModel, case: Any, tools: Sequence[Tool], *, form: Form, limit: int, **options: Any
) -> Answer:
    """The answer written under the grammar."""
    answer = generate_tool_calls(model, case["messages"], tools, form=form, max_tokens=limit, **options)
    return Answer(answer.text, [(call.name, json.loads(call.text)) for call in answer.calls])


def unconstrained(
    model: LoadedModel, case: Any, tools: Sequence[Tool], *, form: Form, limit: int, **_: Any
) -> Answer:
    """The answer written freely by mlx-lm, and read by the loose grammar; no option binds it."""
    import mlx.core as mx
    from mlx_lm.generate import generate_step

    prompt = tool_prompt_tokens(model.tokenizer, case["messages"], tools, form)
    written = bytearray()
    for token, _ in generate_step(mx.array(prompt), model.model, max_tokens=limit):
        if int(token) in model.vocabulary.eos_token_ids:
            break
        shown = model.vocabulary.tokens[int(token)]
        written += shown or str(model.tokenizer.convert_ids_to_tokens(int(token)) or "").encode()
    events = read_tool_calls(bytes(written), tool_call_grammar(tools, form))
    calls = [(event.name, event.arguments) for event in events if isinstance(event, CallEnd)]
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    return Answer(text, calls, sum(isinstance(event, Departure) for event in events))


def first_of_each(cases: Sequence[Any], count: int | None) -> list[Any]:
    """The first `count` cases of each category, or all of them, in the order of the file."""
    seen = Counter[str]()
    return [
        case for case in cases if count is None or seen.update([case["cat"]]) or seen[case["cat"]] <= count
    ]


def judge(
    model: LoadedModel,
    suite: Any,
    runs: Sequence[str],
    *,
    form: Form,
    limit: int,
    each: int | None,
    is_shown: bool,
    **options: Any,
) -> dict[str, Score]:
    """Run the cases in each of the ways; `options` are those of `generate_tool_calls`."""
    tools = [as_tool(tool) for tool in suite["tools"]]
    schemas = {tool.name: tool.parameters for tool in tools}
    scores = {run: Score() for run in runs}
    for run, score in scores.items():
        ask = constrained if run == "constrained" else unconstrained
        start = time.process_time()
        for case in first_of_each(suite["cases"], each):
            answer = ask(model, case, tools, form=form, limit=limit, **options)
            right = is_right(answer, case["spec"])
            score.cases[case["cat"]] += 1
            score.right[case["cat"]] += right
            score.calls["malformed"] += answer.malformed
            if is_shown:
                told = json.dumps([answer.text, *answer.calls], ensure_ascii=False)
                print(f"{run} {case['id']} {'right' if right else 'wrong'} {told}", flush=True)
            for name, given in answer.calls:
                score.calls["well-formed"] += 1
                score.calls["valid"] += name in schemas and _validates(given, schemas[name])
        score.seconds = time.process_time() - start
    return scores


def _validates(given: Any, schema: dict[str, Any]) -> bool:
    try:
        jsonschema.validate(given, schema)
    except jsonschema.ValidationError:
        return False
    return True


def show(scores: dict[str, Score]) -> Iterator[str]:
    """The table: a line for each category, then the sums and the fate of the calls."""
    yield f"{'category':16}" + "".join(f"{run:>16}" for run in scores)
    first = next(iter(scores.values()))
    for category in first.cases:
        cells = [f"{s.right[category]:>9} of {s.cases[category]:>3}" for s in scores.values()]
        yield f"{category:16}" + "".join(f"{cell:>16}" for cell in cells)
    sums = [f"{s.right.total():>9} of {s.cases.total():>3}" for s in scores.values()]
    yield f"{'all':16}" + "".join(f"{cell:>16}" for cell in sums)
    for fate in ("well-formed", "valid", "malformed"):
        yield f"{fate + ' calls':16}" + "".join(f"{s.calls[fate]:>16}" for s in scores.values())
    yield f"{'seconds':16}" + "".join(f"{s.seconds:>16.1f}" for s in scores.values())


def tools_at_once(path: Path) -> Iterator[str]:
    """CPU milliseconds to compile 128 tools, to the first mask, and to the first mask of arguments.

    Also how many are plain (`tool_calls/plain.py`): their schemas are not compiled before they are called.
    """
    opened = lzma.open if path.suffix == ".xz" else open
    schemas: list[Any] = []
    with opened(path, "rt", encoding="utf-8-sig") as lines:
        for line in lines:
            record = json.loads(line)
            if record["name"].startswith(("BFCL", "Glaiveai2K")) and record["schema"].get("type") == "object":
                schemas.append(record["schema"])
    vocabulary = load().vocabulary
    bitmask = allocate_token_bitmask(1, vocabulary.size)
    named = [{"name": f"tool_{number}", "parameters": schema} for number, schema in enumerate(schemas)]
    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn")
    ) as other:  # here nothing is known of them yet
        admitted = list(other.map(_is_admitted, named, chunksize=MANY))
    compilable = [tool for tool, fine in zip(named, admitted, strict=True) if fine]
    yield f"{len(schemas)} tool schemas, {len(schemas) - len(compilable)} refused, {MANY} at once"
    for start in range(0, len(compilable) - MANY + 1, MANY):
        tools = compilable[start : start + MANY]
        began = time.process_time()
        compiled = compile_part(tool_call_grammar(tools, tool_choice="required").written, vocabulary)
        ready = time.process_time()
        matcher = compiled.matcher()
        matcher.fill_next_token_bitmask(bitmask, 0)
        masked = time.process_time()
        opening = as_form("hermes").write([(tools[0]["name"], "{")]).split("{")
        for byte in "{".join(opening[:-1]).encode():
            matcher.accept_token(vocabulary.tokens.index(bytes((byte,))))
        before = time.process_time()
        matcher.fill_next_token_bitmask(bitmask, 0)
        after = time.process_time()
        plain = sum(is_plain(tool["parameters"]) for tool in tools)
        times = {
            "compile": ready - began,
            "first mask": masked - ready,
            "first mask of arguments": after - before,
        }
        spent = "".join(f"{what:>{len(what) + 3}} {took * 1e3:5.1f} ms" for what, took in times.items())
        yield f"{plain:3} plain{spent}"


def _is_admitted(tool: dict[str, Any]) -> bool:
    try:
        tool_call_grammar([tool])
    except ConstrainError:
        return False
    return True


def main() -> None:
    """Read the arguments, run, print, and write the record if asked to."""
    parser = argparse.ArgumentParser(description="tool calls, constrained and unconstrained")
    parser.add_argument("--cases", type=Path, help="a file of tools and cases")
    parser.add_argument("--model", help="what `load` takes; default: the embedded model")
    parser.add_argument("--random", action="store_true", help="a tiny model with weights from a seed")
    parser.add_argument("--choice", choices=["auto", "required"], default="auto", help="may it be text?")
    parser.add_argument("--closed", action="store_true", help="no arguments but those that a tool names")
    parser.add_argument("--form", help="override the form that the chat template shows")
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--each", type=int, help="how many cases of each category; default: all")
    parser.add_argument("--run", choices=RUNS, help="one of the two; default: both")
    parser.add_argument("--show", action="store_true", help="print each answer")
    parser.add_argument("--tools", type=Path, help="MaskBench: 128 of its tool schemas at once")
    parser.add_argument("--json", type=Path, help="write the record here")
    arguments = parser.parse_args()
    if arguments.tools:
        print(*tools_at_once(arguments.tools), sep="\n")
    if arguments.cases:
        suite = json.loads(arguments.cases.read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            if arguments.model:
                model = load_unpacked(arguments.model)
            else:
                model = load(write_random_model(folder) if arguments.random else None)
            form = as_form(arguments.form) if arguments.form else form_of(model.tokenizer)
            scores = judge(
                model,
                suite,
                [arguments.run] if arguments.run else RUNS,
                form=form,
                limit=arguments.max_tokens,
                each=arguments.each,
                is_shown=arguments.show,
                tool_choice=arguments.choice,
                additional_properties=False if arguments.closed else None,
            )
        print(f"{'random weights' if arguments.random else model.name}, form {form.name}")
        print(*show(scores), sep="\n")
        if arguments.json:
            record = {run: asdict(score) for run, score in scores.items()}
            arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
