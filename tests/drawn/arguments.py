"""What the arguments of Keras's layers can be, by their names.

Arguments come from the signature of the class that is installed. Keras itself says what fits
together: what it refuses is no example.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from hypothesis import strategies as st

from drawn.draft import Draw

ACTIVATIONS = sorted(
    n
    for n in dir(keras.activations)
    if n[0] != "_" and n not in ("deserialize", "get", "serialize", "threshold")
)

INTERPOLATIONS = ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]
if keras.backend.backend() == "tensorflow":  # which takes the weights of the others from a table
    del INTERPOLATIONS[2:]
SMALLEST = 2 if keras.backend.backend() == "tensorflow" else 1
"""Of AdaptiveMaxPooling1D to one step TensorFlow may die: its window is longer than the input."""


@dataclass(frozen=True)
class Site:
    """Where an argument goes: a layer, and the shape of what it will be called on."""

    name: str
    shape: tuple[int | None, ...]

    @property
    def spatial(self) -> int:
        """How many spatial axes the layer works on."""
        found = re.search(r"([123])D", self.name)
        return int(found[1]) if found else max(len(self.shape) - 2, 1)

    @property
    def rank(self) -> int:
        return len(self.shape)


Strategy = Callable[[Site], st.SearchStrategy[Any]]


def lengths(low: int, high: int) -> Strategy:
    """Return a length for all spatial axes, or one for each."""
    whole = st.integers(low, high)
    return lambda site: whole | st.tuples(*[whole] * site.spatial)


def pairs(low: int, high: int) -> Strategy:
    """Return lengths, or a length before and after each axis: cropping and padding."""
    whole = st.integers(low, high)

    def drawn(site: Site) -> st.SearchStrategy[Any]:
        if site.spatial == 1:
            return whole | st.tuples(whole, whole)
        both = st.tuples(whole, whole)
        return whole | st.tuples(*[whole] * site.spatial) | st.tuples(*[both] * site.spatial)

    return drawn


def one(*values: Any) -> Strategy:
    return lambda _: st.sampled_from(values)


def axis(site: Site) -> st.SearchStrategy[int]:
    return st.integers(-site.rank, site.rank - 1).filter(lambda k: k % site.rank)


def axes(site: Site) -> st.SearchStrategy[Any]:
    return axis(site) | st.lists(axis(site), min_size=1, max_size=3, unique=True)


def order(site: Site) -> st.SearchStrategy[Any]:
    return st.permutations(range(1, site.rank)).map(tuple)


def shared_axes(site: Site) -> st.SearchStrategy[Any]:
    return st.lists(st.integers(1, max(site.rank - 1, 1)), unique=True, min_size=1, max_size=3)


def target_shape(site: Site) -> st.SearchStrategy[Any]:
    """Return another shape of as many elements: axes joined, split, dropped or moved."""
    known = [n for n in site.shape[1:] if n is not None]
    total = functools.reduce(lambda a, b: a * b, known, 1)
    divisors = [n for n in range(1, min(total, 12) + 1) if total % n == 0]
    part = st.sampled_from(divisors)
    return st.one_of(
        st.just((total,)),
        st.just((-1,)),
        st.permutations(known).map(tuple),
        part.map(lambda n: (-1, n)),
        part.map(lambda n: (n, total // n)),
        st.tuples(part, part).map(lambda t: (*t, -1)),
        part.map(lambda n: (n, 1, -1)),
    )


BOOLEAN = one(False, True)
PARAMETERS: dict[str, Strategy] = {
    "units": one(3, 1, 2, 4),
    "filters": one(2, 1, 3, 4, 6),
    "n": one(2, 1, 3),
    "kernel_size": lengths(1, 3),
    "strides": lengths(1, 3),
    "dilation_rate": lengths(1, 3),
    "pool_size": lengths(1, 3),
    "size": lengths(1, 3),
    "output_size": lengths(SMALLEST, 4),
    "padding": one("valid", "same", "causal"),
    "output_padding": lengths(0, 2),
    "data_format": one(None, "channels_last", "channels_first"),
    "groups": one(1, 2, 3),
    "depth_multiplier": one(1, 2, 3),
    "cropping": pairs(0, 2),
    "activation": lambda _: st.none() | st.sampled_from(ACTIVATIONS),
    "recurrent_activation": lambda _: st.none() | st.sampled_from(ACTIVATIONS),
    "axis": axis,
    "axes": axes,
    "dims": order,
    "shared_axes": shared_axes,
    "target_shape": target_shape,
    "score_mode": one("dot", "concat"),
    "interpolation": one(*INTERPOLATIONS),
    "momentum": one(0.9, 0.5),
    "epsilon": one(1e-3, 1e-5, 0.1),
    "rate": one(0.0, 0.3),
    "dropout": one(0.0, 0.3),
    "recurrent_dropout": one(0.0, 0.3),
    "stddev": one(0.0, 0.5),
    "seed": one(None, 7),
    "mask_value": one(0.0, 1.5),
    "input_dim": one(7, 9),
    "output_dim": one(3, 4, 1),
    "num_heads": one(2, 1, 3),
    "key_dim": one(2, 1, 4),
    "value_dim": one(None, 3),
    "head_dim": one(2, 4),
    "num_query_heads": one(2, 4, 6),
    "num_key_value_heads": one(2, 1),
    "negative_slope": one(0.0, 0.2),
    "alpha": one(1.0, 0.3),
    "max_value": one(None, 6.0, 1.0),
    "threshold": one(0.0, 0.5),
    "l1": one(0.0, 0.1),
    "l2": one(0.0, 0.1),
    "power_iterations": one(1, 2),
    "offset": one(0.0, 0.5, [0.1]),
    "lora_rank": one(None, 2),
    "lora_alpha": one(None, 3),
    "use_cudnn": one("auto", False),
    "output_shape": one(None, 3),
    "noise_shape": lambda s: st.just((None, *[1] * (s.rank - 1))),
    "factor": one(0.2, 0.5),
    "height_factor": one(0.2),
    "width_factor": one(0.2),
    "height": one(4, 1, 3),
    "width": one(4, 2, 5),
    "max_number": one(3),
    "logit_soft_cap": one(None, 2.0),
    "merge_mode": one("concat", "sum", "mul", "ave", None),
}
"""By the name of an argument; `EXACT` goes first, and `KINDS` for names not here."""

EXACT: dict[str, Strategy] = {
    "Rescaling.scale": one(0.5, 2, [0.5]),
    "UpSampling2D.data_format": PARAMETERS["data_format"],
    "ZeroPadding1D.padding": pairs(0, 2),
    "ZeroPadding2D.padding": pairs(0, 2),
    "ZeroPadding3D.padding": pairs(0, 2),
    "Conv1D.kernel_size": lengths(1, 5),
    "RandomPosterization.factor": one(4, 8),
    "Embedding.input_dim": one(9),
    "Softmax.axis": axes,
    "LayerNormalization.axis": axes,
    "RMSNormalization.axis": axes,
    "UnitNormalization.axis": axes,
    "GroupNormalization.groups": one(1, 2, 3, -1),
    "Dense.units": one(3, 1, 2, 4, 6),
    "Activation.activation": lambda _: st.sampled_from(ACTIVATIONS),
    "Dot.axes": lambda s: axis(s) | st.tuples(axis(s), axis(s)),
}

KINDS: list[tuple[str, Strategy]] = [
    ("_initializer", one("zeros", "ones", "glorot_uniform", "he_normal")),
    ("_regularizer", one(None, "l2", "l1")),
    ("_constraint", one(None, "non_neg", "unit_norm")),
]

NOT_DRAWN = {
    "name": "names are drawn nowhere",
    "dtype": "test_precision.py",
    "kwargs": "of the base class",
    "args": "of the base class",
    "sparse": "sparse tensors are refused by JAX",
    "quantization_config": "test cases of Dense",
    "gptq_unpacked_column_size": "quantised alone",
    "renorm": "renorm belongs to Keras 1",
    "weights": "given by set_weights",
    "synchronized": "of several devices",
    "vocabulary": "strings: test_text.py",
    "stateful": "needs a batch that is known: drawn in graphs",
}
"""Arguments that stay at their default, and why."""


def strategy(site: Site, name: str, default: Any) -> st.SearchStrategy[Any] | None:
    """Return the strategy of an argument, None where none is known."""
    found = EXACT.get(f"{site.name}.{name}") or PARAMETERS.get(name)
    found = found or next((s for ending, s in KINDS if name.endswith(ending)), None)
    if found is None and isinstance(default, bool):
        found = BOOLEAN
    return found(site) if found else None


@functools.cache
def parameters(name: str) -> dict[str, inspect.Parameter]:
    """Return the parameters of a layer's constructor, without those of its base class."""
    found = inspect.signature(getattr(keras.layers, name).__init__).parameters
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {
        k: p for k, p in found.items() if k not in NOT_DRAWN | {"self": ""} and p.kind not in kinds
    }


def layer_text(draw: Draw, name: str, shape: tuple[int | None, ...], most: int = 4) -> str:
    """Return the construction of a layer for an input of this shape: `kl.Dense(units=3)`."""
    site, known = Site(name, shape), parameters(name)
    strategies = {k: strategy(site, k, p.default) for k, p in known.items()}
    usable = {k: s for k, s in strategies.items() if s is not None}
    required = [k for k in usable if known[k].default is inspect.Parameter.empty]
    optional = sorted(usable.keys() - set(required))
    chosen = (
        draw(st.lists(st.sampled_from(optional), unique=True, max_size=most)) if optional else []
    )
    values = {k: draw(usable[k]) for k in [*required, *chosen]}
    return f"kl.{name}({', '.join(f'{k}={v!r}' for k, v in values.items())})"
