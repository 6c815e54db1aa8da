"""Checks the arguments of Keras's own layers: of the kind, and within the bounds, that Keras takes.

A file can hold anything. What is refused here by name would otherwise be an error of PyTorch's
that nobody understands, memory asked for in vain, or a program that computes something else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from torchtwin.errors import UnreadableModel
from torchtwin.upgrade.context import Context
from torchtwin.view import defaults

MOST = 1 << 31
LONGEST = 1 << 24
MOST_AXES = 32

Check = Callable[[Any], bool]
"""Tells whether a value is what it must be."""


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def whole(value: Any, least: int = 0, most: int = MOST) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < most


def amount(value: Any) -> bool:
    return number(value) and value >= 0


def numbers(value: Any) -> bool:
    """Tell whether a value is a number, or numbers in lists."""
    return all(map(numbers, value)) if isinstance(value, list) else number(value)


def share(value: Any) -> bool:
    return number(value) and 0 <= value <= 1


def lengths(value: Any) -> bool:
    """Tell whether a value is a length, or one for each axis."""
    listed = value if isinstance(value, list) else [value]
    return 0 < len(listed) <= MOST_AXES and all(whole(n, 1, LONGEST) for n in listed)


def sides(value: Any) -> bool:
    """Tell whether a value is what is added or cut at the ends of axes."""
    listed = value if isinstance(value, list) else [value]
    return 0 < len(listed) <= MOST_AXES and all(
        sides(n) if isinstance(n, list) else whole(n, 0, LONGEST) for n in listed
    )


def axes(value: Any) -> bool:
    listed = value if isinstance(value, list) else [value]
    return all(axes(n) if isinstance(n, list) else whole(n, -MOST_AXES, MOST_AXES) for n in listed)


def shape(value: Any) -> bool:
    fits = isinstance(value, list) and len(value) <= MOST_AXES
    return fits and all(n is None or whole(n, 0, 1 << 48) for n in value)


def target(value: Any) -> bool:
    listed = value if isinstance(value, list) else [value]
    known = all(n is None or whole(n, -1, 1 << 48) for n in listed)
    return known and len(listed) <= MOST_AXES and sum(n in (-1, None) for n in listed) <= 1


def order(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(map(whole, value))
        and (sorted(value) == list(range(1, len(value) + 1)))
    )


def ascending(value: Any) -> bool:
    return isinstance(value, list) and all(map(number, value)) and value == sorted(value)


def layer(value: Any) -> bool:
    """Tell whether a value is a layer inside another: its class and its config."""
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("class_name"), str)
        and isinstance(value.get("config"), Mapping)
    )


def one_of(*names: str) -> Check:
    return lambda value: isinstance(value, str) and value in names


def positive(value: Any) -> bool:
    return whole(value, 1)


KINDS: dict[str, tuple[Check, str]] = {
    **dict.fromkeys(
        ["units", "filters", "input_dim", "output_dim", "n", "num_heads", "key_dim", "value_dim",
         "head_dim", "num_query_heads", "num_key_value_heads", "depth_multiplier", "num_tokens",
         "num_bins", "power_iterations", "fft_length", "frame_length", "frame_step", "height",
         "width", "sequence_length", "sequence_stride", "sampling_rate", "num_mel_bins",
         "max_tokens", "output_sequence_length", "sliding_window", "max_number"],
        (positive, "a whole number above 0"),
    ),
    **dict.fromkeys(
        ["kernel_size", "strides", "dilation_rate", "pool_size", "size", "tile_grid_size"],
        (lengths, "whole numbers above 0"),
    ),
    **dict.fromkeys(["rate", "dropout", "recurrent_dropout"], (share, "a number from 0 to 1")),
    **dict.fromkeys(
        ["negative_slope", "threshold", "alpha", "momentum", "renorm_momentum", "mask_value"],
        (number, "a finite number"),
    ),
    **dict.fromkeys(
        ["epsilon", "stddev", "max_value", "l1", "l2"], (amount, "a number, not negative")
    ),
    **dict.fromkeys(["mean", "variance", "offset", "scale"], (numbers, "numbers")),
    **dict.fromkeys(["axis", "axes", "shared_axes"], (axes, "axes")),
    **dict.fromkeys(["layer", "backward_layer", "cell"], (layer, "a layer")),
    "groups": (lambda v: whole(v, 1) or v == -1, "a whole number above 0"),
    "cropping": (sides, "whole numbers, not negative"),
    "output_padding": (sides, "whole numbers, not negative"),
    "batch_shape": (shape, "a shape: a list of whole numbers and null"),
    "target_shape": (target, "a shape, with one length left open at most"),
    "dims": (order, "the axes from 1 on, each once"),
    "bin_boundaries": (ascending, "finite numbers in ascending order"),
    "data_format": (one_of("channels_last", "channels_first"), "channels_last or channels_first"),
}  # fmt: skip
"""What arguments are, by their names: Keras uses a name for one kind."""

OF_CLASS: tuple[tuple[str, str, tuple[Check, str]], ...] = (
    (r"ZeroPadding\dD", "padding", (sides, "whole numbers, not negative")),
    (r".*Conv.*|STFTSpectrogram", "padding",
     (one_of("valid", "same", "causal"), "valid, same or causal")),
    (r".*Pooling\dD", "padding", (one_of("valid", "same"), "valid or same")),
    (r"Masking", "mask_value", (lambda v: isinstance(v, int | float), "a number")),
    (r"Hashing", "mask_value", (lambda v: isinstance(v, int | str), "a text or a whole number")),
    (r"Random.*|AugMix|MixUp|CutMix|Rand.*", "alpha", (lambda _: True, "")),
    (r"Hashing|StringLookup|IntegerLookup|CategoryEncoding", "axis", (lambda _: True, "")),
    (r"Normalization|Softmax|UnitNormalization", "axis",
     (lambda v: v is None or axes(v), "axes, or null for all")),
)  # fmt: skip
"""Exceptions: (a pattern of class names, the argument, what it is there)."""

NEEDED = frozenset(
    {"units", "filters", "kernel_size", "input_dim", "output_dim", "n", "rate", "axis", "epsilon",
     "dims", "target_shape", "groups", "depth_multiplier", "bin_boundaries", "momentum"}
)  # fmt: skip
"""Arguments that are never null, where a layer has them without a default of null."""

INNER = {
    **dict.fromkeys(["TimeDistributed", "Bidirectional", "SpectralNormalization"], ("layer",)),
    "RNN": ("cell",), "StackedRNNCells": ("cells",),
}  # fmt: skip
"""What wrappers are never without."""

TRAINED = frozenset({"use_bias", "units", "filters", "output_dim", "epsilon", "recurrent_dropout"})
"""Arguments of layers that compute with weights."""

RANKED = ("kernel_size", "strides", "dilation_rate", "pool_size")
NUMBERS = frozenset(
    ["mean", "stddev", "minval", "maxval", "scale", "gain", "l1", "l2", "rate", "max_value",
     "min_value", "seed"]
)  # fmt: skip
"""Arguments of initializers, regularizers and constraints that are numbers."""

OBJECTS = re.compile(r"\w+_(initializer|regularizer|constraint)")
POLICY = re.compile(
    r"(mixed_)?b?float(16|32|64)|u?int(2|4|8|16|32|64)|bool|string|complex(64|128)|half|double|float"
    r"|[\w/-]+_from_(mixed_)?b?float\d+|float8\w*|policy|_infer|infer"
)
"""dtypes and names of policies, quantized ones too, in every Keras."""


def check_layer(cls: str, config: Mapping[str, Any], context: Context) -> None:
    """Raise UnreadableModel for the first argument that is not what Keras takes."""
    known = defaults().get(cls)
    if known is None:
        return
    for name in INNER.get(cls, ()):
        if config.get(name) is None:
            raise UnreadableModel(f"{cls} has no {name}", where=context.where)
    for name, value in config.items():
        wanted = wanted_for(cls, name, value, known)
        if wanted:
            raise UnreadableModel(
                f"{cls} has {name}={shown(value)}, where Keras takes {wanted}",
                where=context.where,
                hint="save the model again with the Keras that made it",
            )


def wanted_for(cls: str, name: str, value: Any, known: Mapping[str, Any]) -> str | None:
    """Return what an argument of a class should be, or None when it is that.

    `value` is as JSON has it, `known` the defaults of the class.
    """
    if name == "dtype":
        no_number = isinstance(value, str) and value.startswith(("string", "complex"))
        if no_number and known.keys() & TRAINED:
            return "a dtype of real numbers"
        return None if _is_policy(value) else "a dtype or its policy"
    if OBJECTS.fullmatch(name):
        return _of_object(value)
    if isinstance(known.get(name), bool):
        return None if value is None or isinstance(value, bool) else "true or false"
    check, wanted = _kind(cls, name)
    if value is None and not check(value):
        return wanted if name in NEEDED and known.get(name, 0) is not None else None
    if not check(value):
        return wanted
    rank = re.search(r"([123])D", cls)
    if rank and name in RANKED and isinstance(value, list) and len(value) != int(rank[1]):
        return f"{rank[1]} lengths"
    return None


def _kind(cls: str, name: str) -> tuple[Check, str]:
    for pattern, argument, kind in OF_CLASS:
        if argument == name and re.fullmatch(pattern, cls):
            return kind
    return KINDS.get(name, (lambda _: True, ""))


def _of_object(value: Any) -> str | None:
    inner = value.get("config") if isinstance(value, Mapping) else None
    for name, given in inner.items() if isinstance(inner, Mapping) else ():
        if name in NUMBERS and given is not None and not number(given):
            if name == "seed" and isinstance(given, Mapping):
                continue  # a SeedGenerator
            return f"a number for its {name}"
    return None


def _is_policy(value: Any) -> bool:
    if isinstance(value, Mapping):
        config, name = value.get("config"), value.get("class_name")
        inner = config.get("name", "") if isinstance(config, Mapping) else None
        return isinstance(name, str) and inner is not None and isinstance(inner, str | None)
    return value is None or (isinstance(value, str) and bool(POLICY.fullmatch(value)))


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:40]}…{text[-40:]}"
