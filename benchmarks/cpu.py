"""What does a real model cost on a CPU, in each form of its weights, with OpenBLAS and without?

    python -m benchmarks.cpu [--model smollm2] [--without-openblas] [--half]

CPU milliseconds of this process, the best of some runs: a step, and a token of a prompt of 64.

    packed      as `load` gives it: what was packed stays packed, the rest in float32
    float32     all weights in float32
    half        packed, with scales in float16, as files of the hub are; with `--half`, for it takes minutes
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from constrain import LoadedModel, load

PROMPT = 64
STEPS = 4


def measure(model: Any, prompt: int, steps: int) -> tuple[float, float]:
    """CPU milliseconds of a step, and of a token of the prompt."""
    import mlx.core as mx
    from mlx_lm.models.cache import make_prompt_cache

    cache = make_prompt_cache(model)
    before = time.process_time()
    mx.eval(model(mx.array([[1 + index for index in range(prompt)]]), cache=cache))
    read = time.process_time() - before
    took = []
    for index in range(steps):
        before = time.process_time()
        mx.eval(model(mx.array([[5 + index]]), cache=cache))
        took.append(time.process_time() - before)
    return min(took) * 1e3, read / prompt * 1e3


def load_unpacked(name: str) -> LoadedModel:
    """What `load` gives; on a CPU with its weights unpacked, which reads prompts seven times as fast.

    If it is called before MLX is imported, OpenBLAS is used where the system has it.
    """
    loaded = load(name)
    import mlx.core as mx
    from mlx_lm.utils import dequantize_model

    if mx.default_device() != mx.cpu:
        return loaded
    unpacked = dequantize_model(loaded.model)
    mx.eval(unpacked)  # what is lazy belongs to the thread that made it
    return LoadedModel(unpacked, loaded.tokenizer, loaded.name)


def cast(parameters: Any, before: Any, after: Any) -> Any:
    """The parameters, those of one dtype in another."""
    from mlx.utils import tree_map

    return tree_map(lambda each: each.astype(after) if each.dtype == before else each, parameters)


def main() -> None:
    """Print a row for each form."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="smollm2", help="what `load` takes")
    parser.add_argument(
        "--without-openblas", action="store_true", help="import MLX first: then it is not loaded"
    )
    parser.add_argument("--half", action="store_true", help="measure half precision too")
    arguments = parser.parse_args()
    if arguments.without_openblas:
        import mlx.core  # noqa: F401
    model = load(arguments.model).model
    import mlx.core as mx
    from mlx_lm.utils import dequantize_model

    print("| form | step, ms | prompt, ms a token |\n|---|---:|---:|")
    print("| packed | {:.0f} | {:.0f} |".format(*measure(model, PROMPT, STEPS)), flush=True)
    if arguments.half:
        model.update(cast(model.parameters(), mx.float32, mx.float16))
        print("| half | {:.0f} | {:.0f} |".format(*measure(model, 1, 1)), flush=True)
        model.update(cast(model.parameters(), mx.float16, mx.float32))
    wide_model = dequantize_model(model)
    print("| float32 | {:.0f} | {:.0f} |".format(*measure(wide_model, PROMPT, STEPS)), flush=True)


if __name__ == "__main__":
    main()
