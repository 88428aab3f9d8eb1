"""Does every answer end complete and in time, whatever wants to write it?

Rows: a schema, a budget between its minimum and 2,000 tokens, and an adversary that chooses among the tokens
allowed: one that opens whatever can be opened, one that takes the longest token, one of chance, one that
never ends, one of digits, one of blanks.  Each is followed to its end by the native loop's rules
(`Finishing`, a choice asked for again where it was refused) and, with `--batch`, by mlx-lm's `BatchGenerator`
with the tiny random model and the processor, whose sampler the adversary then is.

    python -m benchmarks.finished --data maskbench.jsonl.xz --schemas 300
    python -m benchmarks.finished --data maskbench.jsonl.xz --schemas 20 --batch

Printed: answers, those that were incomplete, late, or refused by their own schema, and the CPU time of a
token near the end (no more than 64 to spare) and far from it.  `--greedy` instead compares the
greedy tokens of the native loop with those of the processor in mlx-lm's callers, its server over a socket
included, with up to `--most` tokens beyond the minimum, 40 at the most:

    python -m benchmarks.finished --greedy --schemas 100 --data maskbench.jsonl.xz
    python -m benchmarks.finished --greedy --schemas 100 --most 16 --model smollm2
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cpu import load_unpacked
from constrain import LoadedModel, load
from constrain.compiler import compile_json_schema
from constrain.errors import ConstrainError, LimitExceeded
from constrain.finishing import Finishing
from constrain.matcher import CompiledGrammar
from constrain.vocabulary.bitmask import allocate_token_bitmask, unpack_words
from constrain.vocabulary.vocabulary import Vocabulary

BUDGETS = (0, 1, 3, 10, 40, 150, 500, 2_000)
"""Tokens beyond the minimum; the last one is the budget itself."""
NEAR = 64
LONG = 400
"""The cost of tokens is taken of answers with so many to spend."""
ROWS = 8
"""Answers that are written at once, by a batch and by the server."""
SHORT = 80
"""Greedy answers are compared of schemas whose shortest answer takes no more tokens."""
GREETING = "The answer as JSON:"
"""The prompt of the greedy answers."""

Scores = dict[str, np.ndarray]


def adversaries(vocabulary: Vocabulary) -> Scores:
    """What each wants to write: a score for every token, float32 (V,)."""
    texts = [text or b"" for text in vocabulary.tokens]
    lengths = np.array([len(text) for text in texts], dtype=np.float32)

    def likes(wanted: Callable[[bytes], bool]) -> np.ndarray:
        return np.array([wanted(text) for text in texts], dtype=np.float32)

    digits = likes(lambda text: text.isdigit())
    blanks = likes(lambda text: text.isspace())
    opening = likes(lambda text: text[-1:] in b"{[" and text != b"") * 2 + likes(lambda text: b'":' in text)
    return {
        "opens": opening + lengths / 200,
        "longest": lengths,
        "chance": np.zeros(len(texts), dtype=np.float32),
        "never ends": likes(lambda text: text.isalpha()),
        "digits": digits,
        "blanks": blanks,
    }


def read_schemas(path: Path | None, count: int, seed: int) -> list[Any]:
    """Schemas of a MaskBench file, or else random ones."""
    rng = random.Random(seed)
    if path is None:
        return [random_schema(rng, 3) for _ in range(count)]
    with lzma.open(path, "rt") as lines:
        schemas = [json.loads(line)["schema"] for line in lines]
    rng.shuffle(schemas)
    return schemas


def random_schema(rng: random.Random, depth: int) -> Any:
    """A schema of the usual keywords; recursive ones refer to the root."""
    kind = rng.choice(["object", "array", "anyOf", "ref"] if depth else ["scalar"])
    if kind == "object":
        names = ["a", "name", "children", "is_open", "x1"][: rng.randint(1, 5)]
        properties = {name: random_schema(rng, depth - 1) for name in names}
        required = [name for name in names if rng.random() < 0.5 and not _leads_back(properties[name])]
        return {"type": "object", "properties": properties, "required": required}
    if kind == "array":
        low = rng.choice([0, 0, 1, 2])
        item = random_schema(rng, depth - 1)
        return {"type": "array", "items": item, "minItems": 0 if _leads_back(item) else low}
    if kind == "anyOf":
        return {"anyOf": [random_schema(rng, depth - 1), random_schema(rng, 0)]}
    if kind == "ref" and depth < 3:
        return {"$ref": "#"}
    return rng.choice(
        [
            {"type": "string"},
            {"type": "string", "minLength": 3, "maxLength": 40},
            {"type": "integer", "minimum": 10, "maximum": 5_000},
            {"type": "number"},
            {"type": "boolean"},
            {"enum": ["red", "a rather long member", 7, None]},
            {"type": "string", "pattern": "^[a-z]{2,8}-[0-9]{4}$"},
            {},
        ]
    )


def _leads_back(schema: Any) -> bool:
    return '"$ref"' in json.dumps(schema)


def rows(
    schemas: Sequence[Any], count: int, vocabulary: Vocabulary
) -> Iterator[tuple[CompiledGrammar, int, Any]]:
    """The first `count` schemas whose shortest answer is known: compiled, its tokens, and the schema."""
    for schema in schemas:
        try:
            compiled = compile_json_schema(schema, vocabulary)
            completion = compiled.matcher().completion()
            least = None if completion is None else completion.cost
        except ConstrainError:
            continue
        if least is None:
            continue
        yield compiled, least, schema
        count -= 1
        if not count:
            return


class Count:
    """What happened, and the CPU seconds near the end and far from it."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.seconds = {True: 0.0, False: 0.0}
        self.tokens = {True: 0, False: 0}

    def __str__(self) -> str:
        cost = {near: 1e6 * self.seconds[near] / max(1, self.tokens[near]) for near in (True, False)}
        told = ", ".join(f"{number} {what}" for what, number in self.outcomes.most_common())
        ratio = cost[True] / cost[False] if cost[False] else float("nan")
        return f"{told}; {cost[True]:.0f} us a token near the end, {cost[False]:.0f} us far: {ratio:.2f}"


def follow(
    compiled: CompiledGrammar, size: int, scores: np.ndarray, rng: np.random.Generator, count: Count
) -> None:
    """One answer by the native loop's rules, its choices by score and chance."""
    vocabulary = compiled.vocabulary
    finishing = Finishing(compiled, size)
    ends = set(vocabulary.eos_token_ids)
    bitmask = allocate_token_bitmask(1, vocabulary.size)
    wishes = scores + rng.random(vocabulary.size, dtype=np.float32) / 100
    wishes[list(ends)] = -1
    while True:
        near = finishing.left - (finishing.owed or 0) <= NEAR
        start = time.process_time()
        finishing.fill_next_token_bitmask(bitmask, 0)
        spent = time.process_time() - start
        allowed = np.flatnonzero(unpack_words(bitmask[0], vocabulary.size))
        if not len(allowed):
            count.outcomes["stuck"] += 1
            return
        token = int(allowed[np.argmax(wishes[allowed])])
        start = time.process_time()
        accepted = finishing.accept_token(token)
        if size >= LONG:  # else there is nothing far from the end, and near it are the first tokens
            count.seconds[near] += spent + time.process_time() - start
            count.tokens[near] += accepted
        if accepted and token not in ends:
            wishes[token] -= rng.random() / 50  # not the same for ever
        if finishing.is_terminated():
            count.outcomes["complete" if len(finishing.tokens) - 1 <= size else "late"] += 1
            return
        if finishing.left <= 0 and not finishing.is_completed():
            count.outcomes["incomplete"] += 1
            return


def native(schemas: Sequence[Any], number: int, seed: int, most: int) -> None:
    """Every schema, budget and adversary by the native loop's rules."""
    from constrain.engine.lookup import default_vocabulary

    vocabulary, count = default_vocabulary(), Count()
    wishes = adversaries(vocabulary)
    rng = np.random.default_rng(seed)
    started = time.process_time()
    for done, (compiled, least, _) in enumerate(rows(schemas, number, vocabulary)):
        if done and done % 10 == 0:
            print(f"{done} schemas: {count} ({time.process_time() - started:.0f} s)", flush=True)
        if least:
            try:
                Finishing(compiled, least - 1)
                count.outcomes["minimum not refused"] += 1
            except LimitExceeded:
                pass
        for more in BUDGETS:
            size = max(least, more) if more == BUDGETS[-1] else least + more
            for name in wishes:
                if size <= most or name == "opens":
                    follow(compiled, size, wishes[name], rng, count)
    print(f"{count} ({time.process_time() - started:.0f} s)")


def random_model() -> LoadedModel:
    """The tiny model with random weights."""
    from constrain.engine.random_model import write_random_model

    folder = Path(tempfile.mkdtemp()) / "tiny"
    write_random_model(folder, shape="tiny", seed=0)
    return load(folder)


def in_batches(schemas: Sequence[Any], number: int, seed: int, most: int) -> None:
    """The same in mlx-lm's batches, the adversary as the sampler of its row; six rows a batch."""
    import mlx.core as mx
    from mlx_lm.generate import BatchGenerator

    from constrain.engine.processor import GrammarLogitsProcessor

    model = random_model()
    vocabulary, ends, outcomes = model.vocabulary, model.vocabulary.eos_token_ids, Counter[str]()
    rng = np.random.default_rng(seed)
    started = time.process_time()
    for done, (compiled, least, _) in enumerate(rows(schemas, number, vocabulary)):
        if done and done % 10 == 0:
            print(f"{done} schemas: {dict(outcomes)} ({time.process_time() - started:.0f} s)", flush=True)
        for more in BUDGETS:
            size = max(least, more) if more == BUDGETS[-1] else least + more
            if size > most:
                continue
            samplers = [_sampler(wishes, ends, rng) for wishes in adversaries(vocabulary).values()]
            processors = [
                GrammarLogitsProcessor.of(model, compiled, max_tokens=size + 1, sampler=sampler)
                for sampler in samplers
            ]
            batch = BatchGenerator(model.model, stop_tokens=[[end] for end in ends], max_tokens=size + 1)
            uids = batch.insert(
                [[1, 2, 3]] * len(samplers),
                samplers=samplers,
                logits_processors=[[processor] for processor in processors],
            )
            written: dict[int, list[int]] = {uid: [] for uid in uids}
            while responses := batch.next_generated():
                for response in responses:
                    written[response.uid].append(response.token)
            batch.close()
            for uid, processor in zip(uids, processors, strict=True):
                tokens = list(takewhile(lambda token: token not in ends, written[uid]))
                matcher = compiled.matcher()
                is_whole = matcher.validate_tokens(tokens) == len(tokens) and all(
                    map(matcher.accept_token, tokens)
                )
                good = is_whole and matcher.is_completed() and processor.error is None
                outcomes["complete" if good else "incomplete"] += 1
            mx.clear_cache()
    told = ", ".join(f"{number} {what}" for what, number in outcomes.most_common())
    print(f"in batches: {told} ({time.process_time() - started:.0f} s)")


def _sampler(scores: np.ndarray, ends: Sequence[int], rng: np.random.Generator) -> Callable[[Any], Any]:
    import mlx.core as mx

    wishes = scores + rng.random(len(scores), dtype=np.float32) / 10
    wishes[list(ends)] = -1
    wanted = mx.array(wishes)

    def choose(logprobs: Any) -> Any:
        noise = mx.random.uniform(shape=wanted.shape) / 50
        padded = mx.pad(wanted + noise, (0, logprobs.shape[-1] - wanted.shape[0]))
        return mx.argmax(mx.where(logprobs > -mx.inf, padded, -mx.inf), axis=-1)

    return choose


def greedy(model: LoadedModel, schemas: Sequence[Any], number: int, most: int) -> None:
    """How many greedy answers of each of mlx-lm's callers are those of the native loop."""
    from benchmarks.mlx_server import serving

    started, outcomes, written = time.process_time(), Counter[str](), 0
    every = rows(schemas, len(schemas), model.vocabulary)
    short = ((compiled, least, schema) for compiled, least, schema in every if least <= SHORT)
    found = list(islice(short, number))
    with serving(model) as post, ThreadPoolExecutor(ROWS) as threads:
        for first in range(0, len(found), ROWS):
            some = [(schema, least + most) for _, least, schema in found[first : first + ROWS]]
            ours = [by_native_loop(model, *row) for row in some]
            written += sum(map(len, ours))
            theirs = {
                "generate_step": [by_generate_step(model, *row) for row in some],
                "stream_generate": [by_stream_generate(model, *row) for row in some],
                "BatchGenerator": in_one_batch(model, some),
                "server": list(threads.map(partial(by_server, model, post), *zip(*some, strict=True))),
            }
            for caller, answers in theirs.items():
                for expected, tokens, (schema, limit) in zip(ours, answers, some, strict=True):
                    is_same = expected == tokens[:limit]  # an incomplete one has a token for the end
                    outcomes[f"{caller}: {'the same' if is_same else 'different'}"] += 1
                    if not is_same:
                        print(f"{caller}: {difference(model, expected, tokens)}: {schema}", flush=True)
            told = ", ".join(f"{what} {count}" for what, count in sorted(outcomes.items()))
            spent = time.process_time() - started
            print(f"greedy, of {len(found)}: {told}; {written} tokens ({spent:.0f} s)", flush=True)


def prompt_of(model: LoadedModel) -> list[int]:
    """The tokens of GREETING."""
    return [int(token) for token in model.tokenizer.encode(GREETING)]


def by_native_loop(model: LoadedModel, schema: Any, limit: int) -> list[int]:
    """Our own loop."""
    from constrain.engine.decode import decode

    return list(
        decode(
            model.network,
            prompt_of(model),
            Finishing(compile_json_schema(schema, model.vocabulary), limit),
            vocabulary_size=model.vocabulary.size,
            end_tokens=model.vocabulary.eos_token_ids,
            max_tokens=limit,
            forcing=model.forcing,
        )
    )


def mlx_options(model: LoadedModel, schema: Any, limit: int) -> dict[str, Any]:
    """What mlx-lm's loops are given; they count the end token."""
    from constrain.engine.processor import GrammarLogitsProcessor

    processor = GrammarLogitsProcessor.of(model, schema, max_tokens=limit + 1)
    return {"max_tokens": limit + 1, "logits_processors": [processor]}


def until_end(model: LoadedModel, tokens: Iterable[int]) -> list[int]:
    """The tokens before the first end token."""
    return list(takewhile(lambda token: token not in model.vocabulary.eos_token_ids, map(int, tokens)))


def by_generate_step(model: LoadedModel, schema: Any, limit: int) -> list[int]:
    """mlx-lm's plain loop."""
    import mlx.core as mx
    from mlx_lm.generate import generate_step

    steps = generate_step(mx.array(prompt_of(model)), model.model, **mlx_options(model, schema, limit))
    return until_end(model, (token for token, _ in steps))


def by_stream_generate(model: LoadedModel, schema: Any, limit: int) -> list[int]:
    """What `generate` prints."""
    from mlx_lm import stream_generate

    options = mlx_options(model, schema, limit)
    pieces = stream_generate(model.model, model.tokenizer, prompt_of(model), **options)
    return until_end(model, (piece.token for piece in pieces))


def in_one_batch(model: LoadedModel, some: Sequence[tuple[Any, int]]) -> list[list[int]]:
    """All of them as the rows of one batch."""
    from mlx_lm.generate import BatchGenerator

    options = [mlx_options(model, *row) for row in some]
    batch = BatchGenerator(model.model, stop_tokens=[[end] for end in model.vocabulary.eos_token_ids])
    uids = batch.insert(
        [prompt_of(model)] * len(some),
        max_tokens=[each["max_tokens"] for each in options],
        logits_processors=[each["logits_processors"] for each in options],
    )
    written: dict[int, list[int]] = {uid: [] for uid in uids}
    for responses in iter(batch.next_generated, []):
        for response in responses:
            written[response.uid].append(response.token)
    batch.close()
    return [until_end(model, written[uid]) for uid in uids]


def by_server(model: LoadedModel, post: Any, schema: Any, limit: int) -> list[int]:
    """mlx-lm's server, asked over a socket."""
    from benchmarks.mlx_server import asking

    status, answer = post(
        "/v1/completions",
        prompt=GREETING,
        max_tokens=limit + 1,
        logprobs=True,
        response_format=asking(schema),
    )
    if status != 200:
        return [-status]
    return until_end(model, (one["id"] for one in answer["choices"][0]["logprobs"]["content"]))


def difference(model: LoadedModel, ours: Sequence[int], theirs: Sequence[int]) -> str:
    """Where two answers part, and how far apart the two tokens' logits are."""
    import mlx.core as mx

    at = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
    if at is None:
        return f"{len(ours)} tokens, and {len(theirs)} of the same"
    logits = model.model(mx.array([[*prompt_of(model), *ours[:at]]]))[0, -1]
    apart = float(logits[ours[at]] - logits[theirs[at]])
    return f"token {at} is {theirs[at]} instead of {ours[at]}, whose logit is {apart:.2g} more"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, and run one of the three."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="a MaskBench file (.jsonl.xz); random schemas without one")
    parser.add_argument("--schemas", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=2_000, help="no budgets beyond, but for `opens`")
    parser.add_argument("--batch", action="store_true", help="in mlx-lm's BatchGenerator")
    parser.add_argument("--greedy", action="store_true", help="compare greedy tokens in place of that")
    parser.add_argument("--model", help="what `load` takes, for --greedy; default: tiny, with random weights")
    given = parser.parse_args(arguments)
    schemas = read_schemas(given.data, given.schemas * 2, given.seed)
    if given.greedy:
        model = load_unpacked(given.model) if given.model else random_model()
        greedy(model, schemas, given.schemas, min(given.most, 40))
    elif given.batch:
        in_batches(schemas, given.schemas, given.seed, given.most)
    else:
        native(schemas, given.schemas, given.seed, given.most)


if __name__ == "__main__":
    main()
