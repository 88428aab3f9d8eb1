"""The MLX side: models, decoding under a mask, mlx-lm's logits processor, and the command line.

    cli ─▶ generate ─▶ decode ─▶ masking, sampling          (uses constrain.matcher)
              │
              └─▶ model ─▶ lookup                            (uses constrain.vocabulary)
    processor                                                (for mlx-lm's own loops)

Nothing is imported here: mlx takes 40 ms to load and mlx-lm a second, and each module loads them when
it first needs them.  The public names are offered by `constrain`.  It is an extra: a plain installation makes
masks, and has none of this.
"""

from constrain.extras import need

need("mlx", "`constrain.engine`")
