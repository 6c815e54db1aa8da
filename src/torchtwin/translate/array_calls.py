"""How many axes the results of functions of NumPy have, and of methods of arrays."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torchtwin.translate.values import text_of

DATASETS = {"mnist": 3, "fashion_mnist": 3, "cifar10": 4, "cifar100": 4, "boston_housing": 2,
            "california_housing": 2}  # fmt: skip
"""Axes of the arrays of keras.datasets."""
LABELS = {"cifar10": 2, "cifar100": 2}
SAME = frozenset({
    "array", "asarray", "ascontiguousarray", "astype", "copy", "clip", "abs", "exp", "log", "sqrt",
    "square", "sin", "cos", "tanh", "power", "float32", "float64", "cast", "constant", "numpy",
    "convert_to_tensor", "flip", "fliplr", "flipud", "roll", "pad", "transpose", "nan_to_num",
    "round", "log1p", "sort", "zeros_like", "ones_like", "sign", "swapaxes", "moveaxis",
})  # fmt: skip
"""What gives as many axes as its first argument has."""
FITTED = frozenset({"fit_transform", "transform", "inverse_transform"})
"""Methods of scalers and encoders, which give as many axes as they are given."""
FIRST = frozenset({"zeros", "ones", "empty", "full", "random", "random_sample", "standard_normal"})
THIRD = frozenset({"normal", "uniform", "integers", "randint", "binomial"})
REDUCING = frozenset({"mean", "sum", "max", "min", "std", "var", "argmax", "argmin", "prod",
                      "median", "amax", "amin"})  # fmt: skip
KNOWN = {"arange": 1, "linspace": 1, "flatten": 1, "ravel": 1, "eye": 2, "pad_sequences": 2,
         "float": 0, "int": 0, "len": 0}  # fmt: skip
ENDED = -1
"""Stands for an unknown number of axes behind which the program has put a last one."""


def called(
    node: cst.Call, name: str, values: list[Any], args: list[Any], keys: dict[str, Any]
) -> Any:
    """Return the axes of what a call gives, from those of its arguments.

    None is unknown, a number 0; a tuple is a tuple or list of values. `values` has a method's
    subject before the arguments.
    """
    first = as_array(values[0]) if values else None
    if name in SAME:
        return first
    if name in FITTED:
        return as_array(args[0]) if args else None
    if name == "reshape":
        given = values[1] if len(values) == 2 else tuple(values[1:]) or None
        return _of_shape(keys.get("shape", keys.get("newshape", given)))
    if name in FIRST or name in THIRD or name in ("rand", "randn", "choice"):
        return _drawn(name, args, keys)
    if name == "expand_dims":
        return _expanded(node, first)
    if name in REDUCING:
        return _reduced(values, first, keys)
    if name == "load_data":
        return _dataset(text_of(node.func))
    if name in ("concatenate", "concat", "vstack", "stack"):
        least = 2 if name == "vstack" else 1
        return first if name == "stack" or first is None else max(first - 1, least)
    if name == "train_test_split":
        return tuple(axes for axes in args for _ in range(2))
    if name == "shuffle":
        return tuple(args) if len(args) > 1 else first
    if name == "permutation":
        return 1 if first == 0 else first
    if name == "to_categorical":
        return 2 if first == 1 else None
    return KNOWN.get(name)


def as_array(value: Any) -> int | None:
    """Return the axes of an array made of a value: a list of arrays has one more than each."""
    if not isinstance(value, tuple):
        return value if isinstance(value, int) else None
    found = {as_array(part) for part in value}
    inner = found.pop() if len(found) == 1 else None
    return inner + 1 if inner is not None and inner >= 0 else None


def _of_shape(shape: Any) -> int | None:
    if isinstance(shape, tuple):
        return ENDED if shape == (ENDED,) else len(shape)
    return 1 if shape == 0 else None


def _drawn(name: str, args: list[Any], keys: dict[str, Any]) -> int | None:
    """Return the axes of what is drawn, or filled, in a shape."""
    if "size" in keys or "shape" in keys:
        return _of_shape(keys.get("size", keys.get("shape")))
    if name in ("rand", "randn"):
        return len(args) or None
    at = 0 if name in FIRST else 1 if name == "choice" else 2
    return _of_shape(args[at]) if len(args) > at else None


def _expanded(node: cst.Call, inner: int | None) -> int | None:
    if inner is not None and inner >= 0:
        return inner + 1
    axis = next((a.value for a in node.args if a.keyword and a.keyword.value == "axis"),
                node.args[-1].value if node.args else None)  # fmt: skip
    return ENDED if axis is not None and text_of(axis) == "-1" else None


def _reduced(values: list[Any], inner: int | None, keys: dict[str, Any]) -> int | None:
    """A reduction over all axes gives a number, one over the first leaves the others."""
    if "keepdims" in keys or len(values) > 1:
        return None
    if "axis" not in keys:
        return 0
    return inner - 1 if keys["axis"] == 0 and inner is not None and inner > 0 else None


def _dataset(func: str) -> Any:
    parts = func.split(".")
    name = parts[-2] if len(parts) > 1 else ""
    if name not in DATASETS:
        return None
    pair = (DATASETS[name], LABELS.get(name, 1))
    return (pair, pair)
