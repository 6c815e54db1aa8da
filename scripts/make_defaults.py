"""Writes src/torchtwin/layers/defaults.json: the default arguments of every Keras layer.

    python scripts/make_defaults.py [--check]

They come from `get_config()` of each layer of the installed Keras, made with nothing but the
arguments that it cannot do without, because signatures say None where configs say a value.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

TARGET = Path(__file__).parents[1] / "src" / "torchtwin" / "layers" / "defaults.json"
REQUIRED: dict[str, Any] = {
    "units": 1, "filters": 1, "kernel_size": 3, "rate": 0.5, "input_dim": 2, "output_dim": 2,
    "axes": 1, "dims": (1,), "n": 2, "target_shape": (1,), "height": 2, "width": 2, "factor": 1,
    "height_factor": 0.5, "width_factor": 0.5, "stddev": 0.5, "scale": 1.0, "num_heads": 2,
    "key_dim": 2, "head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 2,
    "equation": "ab,bc->ac", "output_shape": (2,), "num_bins": 2,
    "bin_boundaries": [0.0], "num_tokens": 2,
    "value_range": (0, 255), "output_size": 2, "max_number": 2, "pool_size": 2,
    "activation": "linear",
}  # fmt: skip


def defaults() -> dict[str, dict[str, Any]]:
    import keras

    found = {}
    for name in sorted(dir(keras.layers)):
        cls = getattr(keras.layers, name)
        if not (inspect.isclass(cls) and issubclass(cls, keras.layers.Layer)):
            continue
        signature = inspect.signature(cls.__init__).parameters
        given = {k: v for k, v in REQUIRED.items() if _needed(signature.get(k))}
        if "RNN" in name and "cell" in signature:
            given["cell"] = keras.layers.LSTMCell(1)
        if "layer" in signature:
            given["layer"] = (
                keras.layers.LSTM(1) if name == "Bidirectional" else keras.layers.Dense(1)
            )
        try:
            config = cls(**given).get_config()
        except Exception:  # a layer that cannot be made without more has no defaults of use
            found[cls.__name__] = {}
            continue
        unset = {"name", "layer", "cell", "backward_layer", *given}
        if "pool_size" in given:
            unset.add("strides")  # they follow pool_size
        kept = {k: v for k, v in config.items() if k not in unset and not _object(k)}
        found[cls.__name__] = json.loads(json.dumps(kept, default=str))
    return found


def _needed(parameter: inspect.Parameter | None) -> bool:
    return parameter is not None and parameter.default is inspect.Parameter.empty


def _object(name: str) -> bool:
    """Tell what is no plain value, or is another one every time."""
    objects = ("_initializer", "_regularizer", "_constraint")
    return name in ("dtype", "seed") or name.endswith(objects)


def main() -> int:
    text = json.dumps(defaults(), indent=1, sort_keys=True) + "\n"
    if "--check" in sys.argv:
        return int(text != TARGET.read_text(encoding="utf-8"))
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
