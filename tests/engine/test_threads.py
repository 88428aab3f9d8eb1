"""The first use of a process may be in any of its threads.

MLX computes an array on the streams of the thread that made it.  One that is made when a module is imported
or a model is loaded, and not computed there and then, is of no use to any other thread; and a test that runs
after another never sees it, for by then it has been computed.  So each way to generate is tried here in a
process of its own: the main thread imports everything, and a second thread is the first to generate.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

IN_A_THREAD = """
import importlib, json, os, pkgutil, sys, threading, traceback
import constrain, engine, constrain.engine.lookup, mlx.core as mx, mlx_lm
from mlx_lm.generate import BatchGenerator
for package in (engine, constrain.engine.lookup):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
from constrain.engine.processor import GrammarLogitsProcessor

SHORT = {"type": "string", "minLength": 1, "maxLength": 3}

def say(text: str) -> str:
    "Say a text."
    return text

def run_tools(model):
    return constrain.run_tools(model, 'say "ab"', [say], tool_choice="required").messages[2]["content"]

def processors(model):
    compiled = constrain.compile_json_schema(SHORT, model.vocabulary)
    return [GrammarLogitsProcessor(compiled.matcher())]

def batch(model):
    with_ends = [[end] for end in model.tokenizer.eos_token_ids]
    generator, written = BatchGenerator(model.model, stop_tokens=with_ends, max_tokens=9), []
    generator.insert([[9906, 11, 1917]], logits_processors=[processors(model)])
    while responses := generator.next_generated():
        written += [r.token for r in responses if r.token not in model.tokenizer.eos_token_ids]
    return json.loads(model.tokenizer.decode(written))

def generate(model, **options):
    options["logits_processors"] = processors(model)
    return json.loads(mlx_lm.generate(model.model, model.tokenizer, "x", max_tokens=9, **options))

def work():
    try:
        answer = ANSWER(constrain.load(*sys.argv[1:]))
        print(repr(answer), flush=True)
    except BaseException:
        traceback.print_exc()
        os._exit(1)

MAIN
thread = threading.Thread(target=work)
thread.start()
thread.join()
# Not `exit`: MLX may abort where a process ends at the moment at which one of its threads does.
os._exit(0)
"""

SAMPLED = "temp=1.0, top_p=0.9, min_p=0.01, top_k=50, seed=1"
ENTRIES = {
    "generate_json": f"constrain.generate_json(model, 'x', SHORT, {SAMPLED})",
    "stream_json": "json.loads(''.join(constrain.stream_json(model, 'x', SHORT)))",
    "generate_regex": f"constrain.generate_regex(model, 'x', '.{{1,3}}', {SAMPLED})",
    "generate_choice": "constrain.generate_choice(model, 'x', ['ab', 'abc'], with_logprobs=True).text",
    "generate_lark": "constrain.generate_lark(model, 'x', 'start: /.{1,3}/')",
    "generate_text": "constrain.generate_text(model, 'x', constrain.parts.regex('.{1,3}'))",
    "run_tools": "run_tools(model)",
    "extract": "next(constrain.extract(model, ['ab'], pattern='.{1,3}')).value",
    "generate with a processor": "generate(model)",
    "speculative decoding with a processor": "generate(model, draft_model=model.model, num_draft_tokens=2)",
    "a batch with a processor": "batch(model)",
}
"""Where a choice is to be made, nearly all tokens are allowed: such a mask is applied on the device."""


def first_in_a_thread(answer: str, *model: str, main: str = "") -> str:
    """What a second thread prints, as the first to generate; `main` is what the main thread does before."""
    code = IN_A_THREAD.replace("ANSWER(", f"(lambda model: {answer})(").replace("MAIN", main)
    done = subprocess.run(
        [sys.executable, "-c", code, *model], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return str(ast.literal_eval(done.stdout))


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_first_generation_may_be_in_any_thread(entry: str) -> None:
    assert 1 <= len(first_in_a_thread(ENTRIES[entry])) <= 3


def test_a_model_loaded_in_one_thread_serves_another(random_folder: Path, tmp_path: Path) -> None:
    """Llama 3's rotary embedding keeps an array that is no parameter, which mlx-lm does not compute."""
    for file in random_folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    config = json.loads((random_folder / "config.json").read_text())
    config |= {"max_position_embeddings": 16_384, "rope_scaling": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8_192,
    }}  # fmt: skip
    (tmp_path / "config.json").unlink()
    (tmp_path / "config.json").write_text(json.dumps(config))

    written = first_in_a_thread(
        "constrain.generate_json(loaded, 'x', SHORT)", main=f"loaded = constrain.load({str(tmp_path)!r})"
    )

    assert 1 <= len(written) <= 3
