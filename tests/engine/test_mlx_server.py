"""mlx-lm's own server, over a socket: the native loop's tokens, under each request's schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest

from benchmarks.mlx_server import Post, asking, serving
from constrain.engine.model import LoadedModel
from tests.engine.test_finished_in_mlx_lm import PROMPT, SCHEMAS, TREE, by_native_loop, until_end

pytestmark = pytest.mark.filterwarnings("ignore:mlx_lm.server is not recommended")
LIMIT = 40


@pytest.fixture(scope="module")
def post(random_model: LoadedModel) -> Iterator[Post]:
    """Sends a request to `examples/mlx_server.py`: its status and its answer."""
    with serving(random_model) as send:
        yield send


@pytest.mark.parametrize("options", [{}, {"seed": 7}], ids=["in a batch", "alone"])
def test_the_server_writes_the_native_loop_s_tokens(
    random_model: LoadedModel, post: Post, options: dict[str, Any]
) -> None:
    """With a seed each request is served alone; the second round finds its prompts in the server's cache."""
    prompt = random_model.tokenizer.decode(PROMPT)
    assert [int(token) for token in random_model.tokenizer.encode(prompt)] == PROMPT

    def ask(schema: object) -> tuple[int, Any]:
        return post(
            "/v1/completions",
            prompt=prompt,
            max_tokens=LIMIT,
            logprobs=True,
            response_format=asking(schema),
            **options,
        )

    with ThreadPoolExecutor(len(SCHEMAS)) as threads:
        answers = [*threads.map(ask, SCHEMAS), *threads.map(ask, SCHEMAS)]

    for schema, (status, answer) in zip(SCHEMAS * 2, answers, strict=True):
        (choice,) = answer["choices"]
        assert (status, choice["finish_reason"]) == (200, "stop")
        tokens = [int(one["id"]) for one in choice["logprobs"]["content"]]
        assert until_end(random_model, tokens) == by_native_loop(random_model, schema, LIMIT)
        jsonschema.validate(json.loads(choice["text"]), schema)


CHAT = {"messages": [{"role": "user", "content": "Anna is 31."}], "max_tokens": 24, "temperature": 1.0}


def test_a_message_is_of_the_type_that_its_request_asks_for(post: Post) -> None:
    for asked, schema in (({"type": "json_object"}, {"type": "object"}), (asking(TREE), TREE)):
        status, answer = post("/v1/chat/completions", response_format=asked, model="any name", **CHAT)

        assert status == 200
        jsonschema.validate(json.loads(answer["choices"][0]["message"]["content"]), schema)


def test_what_cannot_be_answered_is_refused_and_the_server_goes_on(post: Post) -> None:
    """A schema that is none, one that does not fit into `max_tokens`, and a format that is unknown."""
    long = {"const": "a text of rather many tokens, which are more than twenty-four in any vocabulary" * 3}
    refused = [
        ({"response_format": asking({"type": "nothing"})}, 400, "nothing"),
        ({"response_format": {"type": "xml"}}, 400, "response_format has no type 'xml'"),
        ({"response_format": asking(long)}, 404, "max_tokens=24"),
    ]
    for options, code, said in refused:
        status, answer = post("/v1/chat/completions", **CHAT, **options)
        assert status == code
        assert said in answer["error"]

    status, answer = post("/v1/chat/completions", **CHAT)
    assert (status, answer["choices"][0]["finish_reason"]) == (200, "length")
