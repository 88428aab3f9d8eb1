"""What makes a model slow on a CPU, and is mended where it is loaded.

    half precision     MLX's CPU back end computes float16 and bfloat16 element by element: a step of SmolLM2
                       with float16 scales takes 38 times as long as with float32.  So both become float32.
    the BLAS           MLX's wheel for Linux multiplies matrices with the reference BLAS.  OpenBLAS, where the
                       system has it, takes a sixteenth of the time (a prompt's pass is nearly all matrices).

A library can only stand in for another one if it is there first, so OpenBLAS is loaded, for all to see,
before MLX is imported; where MLX has been imported already, nothing is done.  An OpenBLAS that is older than
the CPU takes it for a Prescott of 2004.  That name is asked for in a process of its own, since a library that
is loaded has chosen, and then the nearest kind it knows is named in OPENBLAS_CORETYPE, unless that is set.

Weights in float32 take twice the memory of half precision; packed ones (4 or 8 bits) stay packed.  A pair
from `mlx_lm.load` is taken as it is.  docs/speed.md has the figures.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constrain.errors import Float32Warning

if TYPE_CHECKING:
    from mlx import nn

OPENBLAS: Final = "libopenblas.so.0"
CORE_TYPE: Final = "OPENBLAS_CORETYPE"
FALLBACK: Final = "Prescott"
"""What OpenBLAS takes an x86 CPU for that it does not know."""

_ASK_NAME = f"""
import ctypes
name = ctypes.CDLL({OPENBLAS!r}).openblas_get_corename
name.restype = ctypes.c_char_p
print(name().decode())
"""


def use_openblas() -> bool:
    """Have MLX multiply with OpenBLAS, on Linux, where it is installed; False where nothing was done.

    To be called before MLX is imported.
    """
    if sys.platform != "linux" or "mlx.core" in sys.modules:
        return False
    name = _core_name()
    if not name:
        return False
    given = os.environ.get(CORE_TYPE)
    chosen = given or core_type(name, _cpu_flags())
    if chosen:
        os.environ[CORE_TYPE] = chosen
    try:
        ctypes.CDLL(OPENBLAS, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    finally:
        if given is None:
            os.environ.pop(CORE_TYPE, None)
    return True


def core_type(name: str, flags: frozenset[str]) -> str | None:
    """The kind of CPU to name to an OpenBLAS that takes this one for `name`; None: it may choose.

    >>> core_type("Prescott", frozenset({"avx2", "avx512f"})), core_type("Prescott", frozenset({"avx2"}))
    ('SkylakeX', 'Haswell')
    >>> core_type("Zen", frozenset({"avx2"})), core_type("Prescott", frozenset({"sse3"}))
    (None, None)
    """
    if name != FALLBACK:
        return None
    return "SkylakeX" if "avx512f" in flags else "Haswell" if "avx2" in flags else None


def widen(model: nn.Module, name: str) -> bool:
    """Turn half precision into float32 where the device is a CPU, and warn; False where there was none."""
    import mlx.core as mx
    from mlx.utils import tree_flatten, tree_map

    if mx.default_device() != mx.Device(mx.cpu):
        return False
    half = (mx.float16, mx.bfloat16)
    kinds = {value.dtype for _, value in tree_flatten(model.parameters())}
    found = sorted(str(kind).rpartition(".")[2] for kind in kinds if kind in half)
    if not found:
        return False
    model.update(
        tree_map(lambda value: value.astype(mx.float32) if value.dtype in half else value, model.parameters())
    )
    warnings.warn(
        f"the model `{name}` is in {' and '.join(found)}, which is slow on a CPU: it runs in float32",
        Float32Warning,
        stacklevel=3,
    )
    return True


def _core_name() -> str:
    """What OpenBLAS takes this CPU for; empty where there is no OpenBLAS."""
    command = [sys.executable, "-I", "-S", "-c", _ASK_NAME]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _cpu_flags() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), ()))
