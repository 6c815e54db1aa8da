"""What changed between Keras 2 and 3: arguments that went, defaults, and forms of values."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from torchtwin.upgrade import recurrent
from torchtwin.upgrade.context import Context

MEANINGLESS = {
    *("implementation", "input_length", "input_shape", "build_input_shape"),
    *("dynamic", "autocast", "quantization_config", "query_shape", "key_shape", "value_shape"),
    *("fused", "virtual_batch_size", "adjustment"),
}
"""Arguments that change nothing that a layer computes once it is built."""

OFF = {
    *("time_major", "ragged", "sparse", "optional", "causal", "reverse_state_order"),
    *("rms_scaling", "renorm"),
}
"""Arguments that mean nothing while they are False."""

UNUSED_KERNEL = {"kernel_initializer", "kernel_regularizer", "kernel_constraint"}
GROUPED = frozenset({"Conv1D", "Conv2D", "Conv3D"})
LENGTHS = ("kernel_size", "strides", "dilation_rate", "pool_size")
RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}}


def settle(cls: str, config: dict[str, Any], context: Context) -> str:
    """Bring a layer's config to Keras 3's form, in place; return its class there."""
    for old, new in RENAMED.get(cls, {}).items():
        if old in config and new not in config:
            config[new] = config.pop(old)
    if cls == "InputLayer":
        _input_layer(config)
    else:
        config.pop("batch_shape", None)
        config.pop("batch_input_shape", None)
    for key in MEANINGLESS & set(config):
        if context.major < 3 or config[key] is None:
            del config[key]
    for key in OFF & set(config):
        if not config[key]:
            del config[key]
    if "Conv" in cls and cls not in GROUPED and config.get("groups") == 1:
        del config["groups"]
    if cls.startswith(("SeparableConv", "DepthwiseConv")) and context.major < 3:
        for key in UNUSED_KERNEL & set(config):  # their kernels are named for what they do
            del config[key]
    if found := re.search(r"([123])D", cls):
        _lengths(config, int(found[1]))
        _sides(cls, config, int(found[1]))
    _axis(cls, config)
    if cls == "Bidirectional":
        _bidirectional(config)
    return recurrent.settle(cls, config, context)


def _input_layer(config: dict[str, Any]) -> None:
    if "batch_input_shape" in config:
        config["batch_shape"] = config.pop("batch_input_shape")
    if not config.get("batch_shape") and config.get("input_shape") is not None:
        config["batch_shape"] = [None, *config["input_shape"]]
    for key in set(config) - {"name", "batch_shape", "dtype", "sparse", "ragged", "optional"}:
        del config[key]
    config["dtype"] = config.get("dtype") or "float32"


def causal_calls(config: dict[str, Any], calls: Any) -> Any:
    """Move Attention's old argument `causal` into its calls, where Keras has it since 2.11."""
    if not config.pop("causal", False) or not calls:
        return calls
    calls = copy.deepcopy(calls)
    for call in calls:
        if isinstance(call, list) and call and isinstance(call[0], list):
            call[0][3:] = [{**(call[0][3] if len(call[0]) > 3 else {}), "use_causal_mask": True}]
    return calls


def _lengths(config: dict[str, Any], rank: int) -> None:
    """Write lengths along the axes as lists, as Keras 3 does."""
    for key in LENGTHS:
        if isinstance(config.get(key), int):
            config[key] = [config[key]] * rank
    if config.get("strides", ...) is None and "pool_size" in config:
        config["strides"] = list(config["pool_size"])


def _sides(cls: str, config: dict[str, Any], rank: int) -> None:
    """Write what is added or cut at each end as pairs, one pair an axis."""
    key = "cropping" if cls.startswith("Cropping") else "padding"
    value = config.get(key)
    if not cls.startswith(("Cropping", "ZeroPadding")) or value is None:
        return
    if isinstance(value, Mapping):  # Keras 1 named the ends
        names = ("left", "right") if rank == 1 else ("top", "bottom", "left", "right")
        value = [value.get(f"{name}_pad", 0) for name in names]
    if isinstance(value, int):
        value = [value] * rank
    if rank == 1:
        value = value * 2 if len(value) == 1 else value
    elif len(value) == 2 * rank:
        value = [value[k : k + 2] for k in range(0, 2 * rank, 2)]
    else:
        value = [[v, v] if isinstance(v, int) else v for v in value]
    config[key] = value


def _axis(cls: str, config: dict[str, Any]) -> None:
    axis = config.get("axis")
    if cls == "Normalization":
        if isinstance(axis, int):
            config["axis"] = [axis]
    elif isinstance(axis, list) and len(axis) == 1 and "Normalization" in cls:
        config["axis"] = axis[0]


def _bidirectional(config: dict[str, Any]) -> None:
    """Write the backward layer out and name both as Keras 3 does."""
    forward = config["layer"]
    if config.get("backward_layer") is None:
        backward = copy.deepcopy(forward)
        backward["config"]["go_backwards"] = not forward["config"].get("go_backwards", False)
        config["backward_layer"] = _prefixed(backward, "backward_")
    config["layer"] = _prefixed(forward, "forward_")


def _prefixed(entry: dict[str, Any], prefix: str) -> dict[str, Any]:
    name = entry["name"]
    if not name.startswith(prefix):
        name = prefix + name
    entry["name"] = entry["config"]["name"] = name
    return entry
