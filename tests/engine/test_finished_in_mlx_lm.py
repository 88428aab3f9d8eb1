"""mlx-lm's loops with the processor: the native loop's tokens, and complete within `max_tokens`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any

import jsonschema
import mlx.core as mx
import mlx_lm
import pytest
from mlx_lm.generate import BatchGenerator, generate_step
from mlx_lm.sample_utils import make_sampler

import constrain
from constrain.compiler import compile_json_schema
from constrain.engine.decode import decode
from constrain.engine.model import LoadedModel
from constrain.engine.processor import GrammarLogitsProcessor
from constrain.errors import LimitExceeded
from constrain.finishing import Finishing

PROMPT = [9906, 11, 1917]
RECORD = {
    "type": "object",
    "properties": {"surname": {"type": "string"}, "level": {"type": "integer"}, "stars": {"enum": [1, 2, 3]}},
    "required": ["surname", "level", "stars"],
}
TREE: dict[str, Any] = {
    "type": "object",
    "properties": {"children": {"type": "array", "items": {"$ref": "#"}}, "name": {"type": "string"}},
    "required": ["children", "name"],
}
SCHEMAS: list[dict[str, Any]] = [
    RECORD,
    TREE,
    {"type": "array", "items": {"type": "string", "minLength": 2}, "minItems": 1},
    {"anyOf": [{"const": "a long constant text"}, {"type": "array", "items": RECORD}]},
]

Sampler = Callable[[mx.array], mx.array]


def by_native_loop(model: LoadedModel, schema: object, limit: int) -> list[int]:
    """The greedy tokens of our own loop, with room for an end token beside them."""
    vocabulary = model.vocabulary
    return list(
        decode(
            model.network,
            PROMPT,
            Finishing(compile_json_schema(schema, vocabulary), limit - 1),  # type: ignore[arg-type]
            vocabulary_size=vocabulary.size,
            end_tokens=vocabulary.eos_token_ids,
            max_tokens=limit - 1,
            forcing=model.forcing,
        )
    )


def in_a_batch(
    model: LoadedModel,
    schemas: Sequence[object],
    limit: int,
    sampler: Sampler | None = None,
) -> list[list[int]]:
    """What each row of one batch writes, under its own schema; each must stop by itself."""
    ends = model.vocabulary.eos_token_ids
    rows = [GrammarLogitsProcessor.of(model, s, max_tokens=limit, sampler=sampler) for s in schemas]
    batch = BatchGenerator(
        model.model, stop_tokens=[[end] for end in ends], max_tokens=limit, sampler=sampler
    )
    prompts = [PROMPT + list(range(40, 40 + row)) if sampler else PROMPT for row in range(len(schemas))]
    uids = batch.insert(prompts, logits_processors=[[row] for row in rows])
    written: dict[int, list[int]] = {uid: [] for uid in uids}
    reasons = set()
    while responses := batch.next_generated():
        for response in responses:
            written[response.uid].append(response.token)
            reasons.add(response.finish_reason)
    batch.close()
    assert reasons <= {None, "stop"}
    assert [row.error for row in rows] == [None] * len(rows)
    return [until_end(model, written[uid]) for uid in uids]


def until_end(model: LoadedModel, tokens: Iterable[int]) -> list[int]:
    return list(takewhile(lambda token: token not in model.vocabulary.eos_token_ids, tokens))


@pytest.mark.parametrize("limit", [24, 40, 200])
@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_each_of_mlx_lm_s_loops_writes_the_native_loop_s_tokens(
    random_model: LoadedModel, lookup_model: LoadedModel, schema: dict[str, Any], limit: int
) -> None:
    """Forced text is spelled alike, and what no longer fits refused alike."""
    model, tokenizer = random_model
    expected = by_native_loop(random_model, schema, limit)
    processors: list[GrammarLogitsProcessor] = []

    def options() -> dict[str, Any]:
        processors.append(GrammarLogitsProcessor.of(random_model, schema, max_tokens=limit))
        return {"max_tokens": limit, "logits_processors": [processors[-1]]}

    drafting = {"draft_model": lookup_model.model, "num_draft_tokens": 3}
    stream = mlx_lm.stream_generate
    written = [
        [token for token, _ in generate_step(mx.array(PROMPT), model, **options())],
        [r.token for r in stream(model, tokenizer, PROMPT, **options())],
        [r.token for r in stream(model, tokenizer, PROMPT, **drafting, **options())],
        *in_a_batch(random_model, [schema, schema], limit),
    ]

    assert [until_end(random_model, tokens) for tokens in written] == [expected] * 5
    assert [processor.error for processor in processors] == [None] * 3
    jsonschema.validate(json.loads(random_model.vocabulary.decode(expected)), schema)


@pytest.mark.parametrize("blind", [4, 9, 14, 19])
@pytest.mark.parametrize("schema", [TREE, {"type": "array", "items": {"$ref": "#"}}], ids=["tree", "nest"])
def test_the_tokens_are_the_same_where_an_end_is_found_too_late(
    random_model: LoadedModel, monkeypatch: pytest.MonkeyPatch, schema: dict[str, Any], blind: int
) -> None:
    """They may be no whole answer; but no caller stops earlier, or takes what another one refuses."""
    look = Finishing._look

    def late(self: Finishing, left: int) -> Any:
        return None if 0 < len(self.matcher.tokens) < blind else look(self, left)

    monkeypatch.setattr(Finishing, "_look", late)
    limit, (model, _) = 22, random_model
    processor = GrammarLogitsProcessor.of(random_model, schema, max_tokens=limit)
    options: dict[str, Any] = {"max_tokens": limit - 1, "logits_processors": [processor]}
    written = [token for token, _ in generate_step(mx.array(PROMPT), model, **options)]

    assert until_end(random_model, written) == by_native_loop(random_model, schema, limit)
    assert processor.error is None


@pytest.mark.parametrize("limit", [30, 45, 90])
def test_each_row_of_a_batch_is_complete_whatever_is_sampled(random_model: LoadedModel, limit: int) -> None:
    """Random weights at temperature 1 never wish to end."""
    mx.random.seed(limit)
    written = in_a_batch(random_model, SCHEMAS * 2, limit, sampler=make_sampler(temp=1.0))

    for schema, tokens in zip(SCHEMAS * 2, written, strict=True):
        assert len(tokens) < limit
        jsonschema.validate(json.loads(random_model.vocabulary.decode(tokens)), schema)


def test_what_stands_for_a_grammar_makes_a_processor(random_model: LoadedModel) -> None:
    """A type, a schema as a dict or as text, a pattern, a part and a compiled grammar."""
    model, tokenizer = random_model
    expected: list[tuple[object, str]] = [
        (bool, "true|false"),
        ({"const": 17}, "17"),
        ('{"const": 17}', "17"),
        (re.compile("a{3}|b"), "a{3}|b"),
        (constrain.lark('start: "x" | "yy"'), "x|yy"),
        (compile_json_schema({"const": 17}, random_model.vocabulary), "17"),
    ]
    for constraint, pattern in expected:
        processor = GrammarLogitsProcessor.of((model, tokenizer), constraint, max_tokens=8)
        text = mlx_lm.generate(model, tokenizer, PROMPT, max_tokens=8, logits_processors=[processor])

        assert re.fullmatch(pattern, text)


def test_an_end_token_counts_as_mlx_lm_counts_it(random_model: LoadedModel) -> None:
    with pytest.raises(LimitExceeded) as error:
        GrammarLogitsProcessor.of(random_model, {"const": 17}, max_tokens=1)

    assert str(error.value) == "the shortest answer takes 2 tokens, and max_tokens=1\nhint: raise max_tokens"
