"""Initialisers: the first value of a weight that keeps Keras's order of axes.

keras/src/initializers. Where a weight is as wide as it is deep in `nn.init`, that draws it;
elsewhere `nn/initial.py` counts what comes in and out as Keras does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, call
from torchtwin.nn.initial import (
    Eye,
    Filled,
    Normal,
    Orthogonal,
    ScaledVariance,
    TruncatedNormal,
    Uniform,
    drawn,
    glorot_uniform,
    initializer_of,
)
from torchtwin.training.initializers import ARGUMENTS, SCALING

OTHER_NAMES = {
    "zero": "Zeros", "one": "Ones", "uniform": "RandomUniform", "normal": "RandomNormal",
    "identityinitializer": "Identity", "orthogonalinitializer": "Orthogonal",
    "zerosinitializer": "Zeros", "onesinitializer": "Ones", "constantinitializer": "Constant",
    "randomuniforminitializer": "RandomUniform", "randomnormalinitializer": "RandomNormal",
    "truncatednormalinitializer": "TruncatedNormal",
}  # fmt: skip
NAMES = {name.lower(): name for name in ARGUMENTS} | OTHER_NAMES
"""Keras's class by a name in lower case without underscores."""

RENAMED = {"low": "minval", "high": "maxval", "seed": "", "dtype": ""}


def class_of(name: str) -> str | None:
    """Return the class of an initialiser by any of its names, None where Keras has none such."""
    return NAMES.get(name.rpartition(".")[2].replace("_", "").lower())


def entry_of(given: Any) -> tuple[str, dict[str, Any]] | None:
    """Return class and arguments, in full, of an initialiser of Keras's; None for all others."""
    config: Mapping[str, Any] = {}
    if isinstance(given, Mapping):
        given, config = given.get("class_name"), given.get("config") or {}
    name = class_of(given) if isinstance(given, str) else None
    if name is None:
        if isinstance(given, str):
            raise UnsupportedError(f"the initializer {given!r} is not one of Keras's")
        return None
    full = dict(ARGUMENTS[name])
    for key, value in config.items():
        if key in ("seed", "dtype"):
            continue
        if key in ("input_axes", "output_axes") and value is None:
            continue
        if key not in full:
            raise UnsupportedError(f"the initializer {name}({key}=...) is not translated")
        full[key] = value
    return name, full


def initial_function(given: Any) -> Any:
    """Return an initialiser as an expression: a function of a shape and a dtype.

    `given` is a name, an entry as in configs, None for Keras's default, or an expression: then it
    may be any of these when the program runs.
    """
    if given is None:
        return glorot_uniform
    if isinstance(given, Call):
        return given
    if isinstance(given, Expr):
        return call(initializer_of, given)
    if isinstance(given, Mapping) and isinstance(given.get("class_name"), Expr):
        return call(initializer_of, given["class_name"])
    entry = entry_of(given)
    if entry is None:
        raise UnsupportedError(f"the initializer {given!r} is not translated")
    return _made(*entry)


def _made(name: str, config: Mapping[str, Any]) -> Any:
    """Return the function for an initialiser of Keras's and its arguments."""
    match name:
        case "Zeros":
            return torch.zeros
        case "Ones":
            return torch.ones
        case "Constant":
            return call(Filled, _array(config["value"]))
        case "RandomUniform":
            return call(Uniform, config["minval"], config["maxval"])
        case "RandomNormal":
            return call(Normal, **_moments(config))
        case "TruncatedNormal":
            return call(TruncatedNormal, **_moments(config))
        case "Identity":
            return call(Eye, **_gain(config))
        case "Orthogonal":
            return call(Orthogonal, **_gain(config))
        case "GlorotUniform":
            return glorot_uniform
    scale, mode, kind = SCALING.get(name) or (
        config["scale"], config["mode"], config["distribution"]
    )  # fmt: skip
    return scaled(scale, mode, kind)


def scaled(scale: Any, mode: Any, kind: Any) -> Expr:
    """Return the initialiser of a variance over a fan, keras's VarianceScaling."""
    if isinstance(mode, str) and mode.lower() not in ("fan_in", "fan_out", "fan_avg"):
        raise UnsupportedError(f"VarianceScaling(mode={mode!r})")
    if isinstance(kind, str):
        kind = "truncated_normal" if kind.lower() == "normal" else kind.lower()
        if kind not in ("uniform", "truncated_normal", "untruncated_normal"):
            raise UnsupportedError(f"VarianceScaling(distribution={kind!r})")
    mode = mode.lower() if isinstance(mode, str) else mode
    given = [scale, mode, kind]
    defaults = [1.0, "fan_in", "truncated_normal"]
    while given and not isinstance(given[-1], Expr) and given[-1] == defaults[len(given) - 1]:
        given.pop()
    return call(ScaledVariance, *given)


def _moments(config: Mapping[str, Any]) -> dict[str, Any]:
    mean = config["mean"]
    return {**({"mean": mean} if isinstance(mean, Expr) or mean else {}), "std": config["stddev"]}


def _gain(config: Mapping[str, Any]) -> dict[str, Any]:
    gain = config["gain"]
    return {"gain": gain} if isinstance(gain, Expr) or gain != 1 else {}


def _array(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def initial_tensor(given: Any, shape: Any, dtype: Any = "float32") -> Expr:
    """Return the first value of a weight of this shape, in Keras's order of axes.

    `given` is Keras's initialiser, None for that of `add_weight`; `shape` an expression or a
    tuple of numbers and expressions; `dtype` a name or an expression of torch's.
    """
    kind = {} if dtype in ("float32", None) else {"dtype": _dtype(dtype)}
    if given is None:
        floating = dtype is None or str(dtype).startswith(("float", "bfloat"))
        given = "glorot_uniform" if floating or isinstance(dtype, Expr) else "zeros"
    lengths = shape if isinstance(shape, Expr) else tuple(shape)
    made = initial_function(given)
    if made in (torch.zeros, torch.ones):
        return _filled(made, lengths, kind)
    if isinstance(made, Call) and isinstance(made.function, type):
        plain = _plain(made, lengths, kind)
        if plain is not None:
            return plain
    if made is glorot_uniform and isinstance(lengths, tuple) and len(lengths) == 2:
        return call(nn.init.xavier_uniform_, _empty(lengths, kind))  # the same either way round
    return call(drawn, made, lengths, **kind)


def _plain(made: Call, shape: Any, kind: Mapping[str, Any]) -> Expr | None:
    """Return the call of nn.init, or of torch, that does what an initialiser does."""
    bound = inspect.signature(made.function).bind(*made.args, **made.kwargs)
    bound.apply_defaults()  # `call` leaves them out, and those of nn.init are others
    options = bound.arguments
    if made.function is Filled and not isinstance(options["value"], Expr | list):
        return call(torch.full, shape, float(options["value"]), **kind)
    if made.function is Uniform:
        return call(nn.init.uniform_, _empty(shape, kind), options["low"], options["high"])
    if made.function is Normal:
        return call(nn.init.normal_, _empty(shape, kind), **options)
    if made.function is Eye and isinstance(shape, tuple) and not made.kwargs:
        return call(torch.eye, *shape, **kind) if len(shape) == 2 else None
    return None


def _filled(function: Callable[..., Any], shape: Any, kind: Mapping[str, Any]) -> Expr:
    if isinstance(shape, tuple) and shape:
        return Call(function, shape, kind)
    return Call(function, (shape,), kind)


def _empty(shape: Any, kind: Mapping[str, Any]) -> Expr:
    return _filled(torch.empty, shape, kind)


def _dtype(dtype: Any) -> Any:
    if isinstance(dtype, Expr):
        return dtype
    found = getattr(torch, str(dtype).rpartition(".")[2], None)
    if not isinstance(found, torch.dtype):
        raise UnsupportedError(f"PyTorch has no dtype {dtype}")
    return found
