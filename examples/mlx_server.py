"""mlx-lm's own server, which keeps `response_format` here: an answer is JSON under the schema of its request.

    python examples/mlx_server.py --model smollm2 --port 8080
    curl localhost:8080/v1/chat/completions -d '{
        "messages": [{"role": "user", "content": "I am Anna, 31."}],
        "response_format": {"type": "json_schema", "json_schema": {"schema": {
            "type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}}}}'

All options are those of `mlx_lm.server`, which ignores `response_format`.  Four of its pieces are extended:

    the model       is loaded by `constrain.load`, once; what a request calls it does not matter
    a request       its schema is compiled where it is read: a wrong one is answered with 400
    its options     get a processor, with `max_tokens` and the sampler of the request: answers are complete
    the processors  of a row are mlx-lm's own, and then that one

Several requests at once share a batch, each under its own schema.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from mlx_lm import server
from mlx_lm.models.cache import make_prompt_cache

from constrain import (
    CompiledGrammar,
    GrammarLogitsProcessor,
    InvalidInputError,
    LoadedModel,
    compile_json_schema,
    load,
)

MODEL = server.ModelDescription(model="default_model", draft="default_model", adapter=None)
make_processors = server._make_logits_processors


class Provider(server.ModelProvider):
    """The one model."""

    def __init__(self, cli_args: Any) -> None:
        super().__init__(cli_args)
        if cli_args.draft_model is not None:
            raise InvalidInputError("drafts are not served here", hint="leave --draft-model out")
        self.loaded: LoadedModel = load(cli_args.model, adapter_path=cli_args.adapter_path)
        self.model, self.tokenizer = self.loaded
        self.model_key = (cli_args.model, cli_args.adapter_path, None)
        self.is_batchable = all(hasattr(layer, "merge") for layer in make_prompt_cache(self.model))

    def load(self, *_: Any) -> tuple[Any, Any]:
        """It is there."""
        return self.model, self.tokenizer


class Generator(server.ResponseGenerator):
    """Hands each request its processor; what cannot be complete within `max_tokens` is refused."""

    def generate(self, request: Any, generation_args: Any, progress_callback: Any = None) -> Any:
        """Begin an answer."""
        loaded: LoadedModel = self.model_provider.loaded
        generation_args.model = MODEL
        generation_args.constrained = []
        if request.grammar is not None:
            sampler = server._make_sampler(generation_args, loaded.tokenizer)
            limit = generation_args.max_tokens
            generation_args.constrained = [
                GrammarLogitsProcessor.of(loaded, request.grammar, max_tokens=limit, sampler=sampler)
            ]
        return super().generate(request, generation_args, progress_callback)


class Handler(server.APIHandler):
    """Reads `response_format`."""

    def handle_chat_completions(self) -> Any:
        """A request for the next message."""
        return self._with_grammar(super().handle_chat_completions())

    def handle_text_completions(self) -> Any:
        """A request for what follows a text."""
        return self._with_grammar(super().handle_text_completions())

    def _with_grammar(self, request: Any) -> Any:
        request.grammar = self._grammar(self.body.get("response_format") or {"type": "text"})
        return request

    def _grammar(self, asked: dict[str, Any]) -> CompiledGrammar | None:
        kind = asked.get("type")
        if kind == "text":
            return None
        if kind not in ("json_object", "json_schema"):
            raise InvalidInputError(f"response_format has no type {kind!r}")
        schema = {"type": "object"} if kind == "json_object" else asked["json_schema"]["schema"]
        return compile_json_schema(schema, self.response_generator.model_provider.loaded.vocabulary)


def main() -> None:
    """Serve as `mlx_lm.server` does, with its pieces extended."""
    server.ModelProvider, server.ResponseGenerator = Provider, Generator
    server._make_logits_processors = lambda given: [*make_processors(given), *given.constrained]
    server._run_http_server = partial(server._run_http_server, handler_class=Handler)
    server.main()


if __name__ == "__main__":
    main()
