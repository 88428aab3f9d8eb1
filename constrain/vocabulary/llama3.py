"""Where does Llama-3's tokenizer come from, without a network and without a copy of it in this repository?

From the registry package `llama-models`, which Meta publishes under the Llama 3 Community License, and
which we depend on and never copy.  It has the *ranks* (`tokenizer.model`: 128,000 byte strings, most
mergeable first) and the names of the special tokens (`tokenizer.py`, which we read without running it:
it would import tiktoken).  A fast tokenizer wants *merges*, and those follow from the ranks.  With

    ranks    a 0    b 1    c 2    ab 3    bc 4    abc 5

`abc` may be made as a + bc or ab + c, both halves being tokens, so both are merges, at the place of `abc`:

    merges   a b,   b c,   a bc,   ab c

and a text is cut the same way by either, because a merge applies earlier exactly when its result ranks lower.
That makes 280,147 merges, written with the rest to a tokenizer folder in the user's cache: once, in about a
second.  The template is ChatML with Hermes tool calls, for which two of Llama's reserved special tokens
become `<|im_start|>` and `<|im_end|>`; a model trained otherwise has its own folder, and its own ids.

Source: merges are recovered from ranks as transformers' `TikTokenConverter` does.  We depart in one way:
1. Merges of one result are ordered by the ranks of their halves alone, with no vocabulary look-up per pair.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from constrain.errors import ModelError
from constrain.extras import need
from constrain.vocabulary.cache import cache_folder, write_whole
from constrain.vocabulary.fast_tokenizer import byte_level_bpe
from constrain.vocabulary.token_bytes import byte_level_text

_VERSION = 1
_RESERVED = ("<|reserved_special_token_0|>", "<|reserved_special_token_1|>")
_CHATML = ("<|im_start|>", "<|im_end|>")

CHATML_TEMPLATE = """\
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages and messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- 'You may call these functions:\\n<tools>' }}
    {%- for tool in tools %}
        {{- '\\n' }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- '\\n</tools>\\n\\nTo call one, answer with its name and arguments:\\n' }}
    {{- '<tool_call>\\n{"name": ..., "arguments": {...}}\\n</tool_call><|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'system' and loop.first and tools %}
    {%- elif message.role == 'tool' %}
        {{- '<|im_start|>user\\n<tool_response>\\n' }}
        {{- message.content + '\\n</tool_response><|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' }}
        {%- if message.content %}
            {{- message.content }}
        {%- endif %}
        {%- for call in message.tool_calls or [] %}
            {%- set tool_call = call.function if call.function else call %}
            {%- if message.content or not loop.first %}
                {{- '\\n' }}
            {%- endif %}
            {{- '<tool_call>\\n{"name": "' + tool_call.name + '", "arguments": ' }}
            {%- if tool_call.arguments is string %}
                {{- tool_call.arguments }}
            {%- else %}
                {{- tool_call.arguments | tojson }}
            {%- endif %}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


@dataclass(frozen=True, slots=True)
class Llama3:
    """What `llama-models` says: the ranked tokens, the special ones after them, the split pattern."""

    tokens: tuple[bytes, ...]
    special: tuple[str, ...]
    pattern: str

    @classmethod
    def read(cls, folder: Path | None = None) -> Self:
        """Read the installed package, or `folder` laid out like its `llama3`."""
        folder = folder or _package_folder()
        try:
            lines = (folder / "tokenizer.model").read_bytes().splitlines()
            source = (folder / "tokenizer.py").read_text(encoding="utf-8")
        except OSError as error:
            raise ModelError(f"the Llama-3 tokenizer cannot be read: {error}", where=str(folder)) from error
        ranked = sorted((int(rank), base64.b64decode(text)) for text, rank in map(bytes.split, lines))
        constants = _constants(source)
        names: list[str] = constants["special_tokens"]
        reserved = constants["num_reserved_special_tokens"] - len(names)
        names += [f"<|reserved_special_token_{2 + index}|>" for index in range(reserved)]
        return cls(tuple(token for _, token in ranked), tuple(names), constants["pat_str"])

    def merges(self) -> list[tuple[str, str]]:
        """Every way to make a token of two others, in the order in which they apply."""
        rank = {token: index for index, token in enumerate(self.tokens)}
        text = [byte_level_text(token) for token in self.tokens]
        merges: list[tuple[str, str]] = []
        for token in self.tokens:
            halves = []
            for cut in range(1, len(token)):
                left = rank.get(token[:cut])
                if left is not None and (right := rank.get(token[cut:])) is not None:
                    halves.append((left, right))
            merges += [(text[left], text[right]) for left, right in sorted(halves)]
        return merges

    def fast_tokenizer(self, special: tuple[str, ...]) -> dict[str, Any]:
        """The contents of tokenizer.json."""
        vocab = {byte_level_text(token): index for index, token in enumerate(self.tokens)}
        split = {"type": "Split", "pattern": {"Regex": self.pattern}, "behavior": "Isolated", "invert": False}
        added = dict(enumerate(special, start=len(vocab)))
        return byte_level_bpe(vocab, self.merges(), added, split, splits_words=False, ignore_merges=True)


def llama3_tokenizer_folder(*, chatml: bool = True, cache: Path | None = None) -> Path:
    """The folder of a Llama-3 tokenizer that transformers and mlx-lm load; built on the first call.

    With `chatml`, `<|im_end|>` is end and padding; without, `<|eot_id|>` ends, and there is no template.
    """
    source = _package_folder()
    digest = hashlib.blake2b(f"{_VERSION} {chatml}".encode(), digest_size=8)
    for name in ("tokenizer.model", "tokenizer.py"):
        path = source / name
        if not path.is_file():
            raise ModelError("llama-models is installed without its tokenizer", where=str(path))
        digest.update(path.read_bytes())
    folder = (cache or cache_folder()) / "llama3" / digest.hexdigest()
    if not (folder / "tokenizer_config.json").is_file():
        write_tokenizer(folder, chatml=chatml)
    return folder


def write_tokenizer(folder: Path, *, chatml: bool = True) -> None:
    """Write tokenizer.json into `folder`, then tokenizer_config.json, whose presence says all is there."""
    llama3 = Llama3.read()
    special = llama3.special
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 131_072,
        "eos_token": "<|eot_id|>",
        "pad_token": "<|finetune_right_pad_id|>",
        "bos_token": "<|begin_of_text|>",
    }
    if chatml:
        renamed = dict(zip(_RESERVED, _CHATML, strict=True))
        special = tuple(renamed.get(name, name) for name in special)
        config |= {"eos_token": "<|im_end|>", "pad_token": "<|im_end|>", "chat_template": CHATML_TEMPLATE}
    for name, content in (
        ("tokenizer.json", json.dumps(llama3.fast_tokenizer(special), ensure_ascii=False)),
        ("tokenizer_config.json", json.dumps(config, ensure_ascii=False, indent=2)),
    ):
        if not write_whole(folder / name, content.encode()):
            raise ModelError(
                f"the Llama-3 tokenizer cannot be written: {name}",
                where=str(folder),
                hint="set CONSTRAIN_CACHE_DIR to a folder that can be written",
            )


def _package_folder() -> Path:
    need("embedded", "the Llama-3 tokenizer of the embedded model")
    found = importlib.util.find_spec("llama_models")
    if found is None or not found.submodule_search_locations:
        raise ModelError("llama-models is installed without its files")
    return Path(next(iter(found.submodule_search_locations))) / "llama3"


def _constants(source: str) -> dict[str, Any]:
    """The first literal assigned to each name in a Python source, read and never run."""
    constants: dict[str, Any] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                constants.setdefault(node.targets[0].id, ast.literal_eval(node.value))
            except ValueError:
                continue
    return constants
