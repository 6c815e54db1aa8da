"""Initializers: from which distributions Keras draws a model's first weights.

keras/src/initializers/random_initializers.py and constant_initializers.py. `nn.init` is used
wherever it draws from the same distribution for the shape that a weight has in PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.training.fans import Fans, fans_of, torch_fans
from torchtwin.training.parts.initializers import scaled_normal_, truncated_normal_
from torchtwin.training.rearranged import rearranged, same_matrix
from torchtwin.training.variables import Weight, described

DEFAULTS = {
    "kernel": "GlorotUniform", "depthwise": "GlorotUniform", "pointwise": "GlorotUniform",
    "recurrent": "Orthogonal", "bias": "Zeros", "beta": "Zeros", "gamma": "Ones",
    "alpha": "Zeros", "embeddings": "RandomUniform", "moving_mean": "Zeros",
    "moving_variance": "Ones",
}  # fmt: skip
"""Keras's initializer of a variable where a config does not name one; they agree in all layers."""

FIXED = {
    ("AdditiveAttention", "scale"): "GlorotUniform",
    ("Attention", "scale"): "Ones",
    ("Attention", "concat_score_weight"): "Ones",
    ("RMSNormalization", "scale"): "Ones",
}
"""Variables for whose initializer a layer has no argument."""

FROM_DATA = frozenset({("Normalization", "mean"), ("Normalization", "variance"),
                       ("TextVectorization", "idf_weights")})  # fmt: skip
"""Variables that are adapted to data, not trained: they are kept."""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "Zeros": {},
    "Ones": {},
    "Constant": {"value": 0.0},
    "Identity": {"gain": 1.0},
    "Orthogonal": {"gain": 1.0},
    "RandomUniform": {"minval": -0.05, "maxval": 0.05},
    "RandomNormal": {"mean": 0.0, "stddev": 0.05},
    "TruncatedNormal": {"mean": 0.0, "stddev": 0.05},
    "VarianceScaling": {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"},
    **{name: {} for name in ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal",
                             "LecunUniform", "LecunNormal")},
}  # fmt: skip
"""The arguments of Keras's initializers, with their defaults; those that scale take axes too."""

SCALING = {
    "GlorotUniform": (1.0, "fan_avg", "uniform"),
    "GlorotNormal": (1.0, "fan_avg", "truncated_normal"),
    "HeUniform": (2.0, "fan_in", "uniform"),
    "HeNormal": (2.0, "fan_in", "truncated_normal"),
    "LecunUniform": (1.0, "fan_in", "uniform"),
    "LecunNormal": (1.0, "fan_in", "truncated_normal"),
}
"""Scale, mode and distribution of the initializers that have a name of their own."""

MOST_WRITTEN = 64
"""An array of more numbers than these is data, not something to write into a program."""

AXES, SEED = ("input_axes", "output_axes"), "seed"


def kept(weight: Weight) -> bool:
    """Tell whether a weight comes from data, so that starting from scratch does not touch it."""
    return (weight.class_name, weight.variable) in FROM_DATA


def drawn(weight: Weight, x: Expr) -> list[tuple[Expr, str]]:
    """Return the calls that give a weight, whose expression is `x`, its first value.

    Each comes with a comment or "". Raises UnsupportedError for what cannot be said.
    """
    name, config = initializer_of(weight)
    try:
        if weight.variable == "bias" and weight.config.get("unit_forget_bias", _gated(weight)):
            return list(_forgetful(weight, x, name, config))
        return [(line, "") for line in _calls(weight, x, name, config, weight.keras_shape)]
    except UnsupportedError as error:
        error.where = error.where or weight.where
        raise


def initializer_of(weight: Weight) -> tuple[str, dict[str, Any]]:
    """Return the initializer's class and arguments, defaults included."""
    if weight.class_name == "LayerScale":  # of keras.applications
        return "Constant", {"value": weight.config["init_values"]}
    fixed = FIXED.get((weight.class_name, weight.variable))
    argument = f"{weight.key}_initializer"
    # None is Keras's default for a variable (keras/src/layers/layer.py, add_weight).
    name = "GlorotUniform"
    given: Mapping[str, Any] = dict.fromkeys(AXES)
    if fixed is None and argument in weight.config:
        name, given = described(weight.config[argument]) or (name, given)
    else:
        name = fixed or DEFAULTS.get(weight.key, "")
        given = given if name in SCALING else {}
    allowed = {SEED, *ARGUMENTS.get(name, ()), *(AXES if "scale" in ARGUMENTS.get(name, ()) or
                                                 name in SCALING else ())}  # fmt: skip
    if name not in ARGUMENTS or set(given) - allowed:
        raise UnsupportedError(
            f"the initializer {name or 'unknown'} of {weight.variable} is not translated",
            where=weight.where,
            hint="use one of keras.initializers",
        )
    return name, {**ARGUMENTS[name], **{k: v for k, v in given.items() if k != SEED}}


def _gated(weight: Weight) -> bool:
    """LSTMs open their forget gate at first unless they are told not to."""
    return weight.class_name.startswith(("LSTM", "ConvLSTM"))


def _forgetful(
    weight: Weight, x: Expr, name: str, config: Mapping[str, Any]
) -> Iterator[tuple[Expr, str]]:
    """Keras draws the input gate's share, then ones, then that of cell and output gate together."""
    sides = weight.notation.sides
    assert sides is not None
    gates, units = sides[1][0].names, weight.shape[0] // 4
    assert gates == ("i", "f", "c", "o"), "the forget gate is not where Keras has it"
    if name in SCALING or name == "VarianceScaling":  # their fans are the lengths of the shares
        for share in (slice(None, units), slice(2 * units, None)):
            length = units * (2 if share.stop is None else 1)
            yield from ((line, "") for line in _calls(weight, x[share], name, config, (length,)))
    else:
        yield from ((line, "") for line in _calls(weight, x, name, config, weight.keras_shape))
    yield call(nn.init.ones_, x.chunk(4)[1]), "the forget gate"


def _calls(
    weight: Weight, x: Expr, name: str, config: Mapping[str, Any], shape: tuple[int, ...]
) -> Iterator[Expr]:
    match name:
        case "Zeros" | "Ones" | "Constant":
            value = config.get("value", 1.0 if name == "Ones" else 0.0)
            yield _constant(weight, x, value)
        case "RandomUniform":
            yield call(nn.init.uniform_, x, _number(config, "minval"), _number(config, "maxval"))
        case "RandomNormal" | "TruncatedNormal":
            function = nn.init.normal_ if name == "RandomNormal" else truncated_normal_
            mean, std = _number(config, "mean"), _number(config, "stddev")
            yield call(function, x, **({"mean": mean} if mean else {}), std=std)
        case "Identity":
            yield from _identity(weight, x, _number(config, "gain"))
        case "Orthogonal":
            yield _orthogonal(weight, x, _number(config, "gain"))
        case _:
            named = SCALING.get(name)
            scale, mode, kind = named or (config["scale"], config["mode"], config["distribution"])
            fans = fans_of(weight, shape, config)
            yield scaled(x, weight, scale, (mode, kind), fans, whole=shape == weight.keras_shape)


def _constant(weight: Weight, x: Expr, value: Any) -> Expr:
    if isinstance(value, bool | int | float):
        plain = {0.0: nn.init.zeros_, 1.0: nn.init.ones_}.get(float(value))
        return call(plain, x) if plain else call(nn.init.constant_, x, float(value))
    numbers = torch.as_tensor(value, dtype=torch.float64) if isinstance(value, list) else None
    if numbers is None or numbers.numel() > MOST_WRITTEN:
        raise UnsupportedError(f"{weight.variable} is initialised by an array")
    array = call(torch.tensor, value).expand(*weight.keras_shape)
    return x.copy_(rearranged(array, weight))


def _identity(weight: Weight, x: Expr, gain: float) -> Iterator[Expr]:
    if len(weight.keras_shape) != 2:
        raise UnsupportedError(f"Identity for {weight.variable}, which is no matrix")
    if same_matrix(weight, ordered=True):
        yield call(nn.init.eye_, x)
    else:
        yield x.copy_(rearranged(call(torch.eye, *weight.keras_shape), weight))
    if gain != 1:
        yield x.mul_(gain)


def _orthogonal(weight: Weight, x: Expr, gain: float) -> Expr:
    """Keras's matrix has the last axis of its shape as columns, PyTorch's the first as rows."""
    if len(weight.keras_shape) < 2:
        raise UnsupportedError(f"Orthogonal for {weight.variable}, which is no matrix")
    gained = {} if gain == 1 else {"gain": gain}
    half = weight.dtype in ("float16", "bfloat16")  # for which torch has no decomposition
    images = len(weight.shape) == 4  # `load` may have laid their channels last: no view is a matrix
    if same_matrix(weight) and not half and not images:
        return call(nn.init.orthogonal_, x, **gained)
    columns = weight.keras_shape[-1]
    empty = call(
        torch.empty, math.prod(weight.keras_shape) // columns, columns,
        **({"dtype": torch.float64} if weight.dtype == "float64" else {}),
    )  # fmt: skip
    return x.copy_(rearranged(call(nn.init.orthogonal_, empty, **gained), weight))


def scaled(
    x: Expr, weight: Weight, scale: Any, kind: Sequence[Any], fans: Fans, *, whole: bool
) -> Expr:
    """Return the call that draws with the variance scale / fan (VarianceScaling)."""
    mode, distribution = kind[0], str(kind[1]).lower()
    if mode not in ("fan_in", "fan_out", "fan_avg") or not isinstance(scale, int | float):
        raise UnsupportedError(f"VarianceScaling(scale={scale!r}, mode={mode!r})")
    own = fans.mode_of(torch_fans(weight.shape), mode) if whole else None
    variance = scale / max(1.0, fans.of(mode))
    match distribution:
        case "truncated_normal" | "normal":
            if own is None:
                return call(truncated_normal_, x, std=math.sqrt(variance) / 0.87962566103423978)
            return call(scaled_normal_, x, **({} if scale == 1 else {"scale": scale}), mode=own)
        case "untruncated_normal":
            known = _by_fan(x, scale, own, nn.init.xavier_normal_, nn.init.kaiming_normal_)
            return known or call(nn.init.normal_, x, std=math.sqrt(variance))
        case "uniform":
            known = _by_fan(x, scale, own, nn.init.xavier_uniform_, nn.init.kaiming_uniform_)
            bound = math.sqrt(3.0 * variance)
            return known or call(nn.init.uniform_, x, -bound, bound)
    raise UnsupportedError(f"VarianceScaling(distribution={distribution!r})")


def _by_fan(x: Expr, scale: float, mode: str | None, average: Any, one: Any) -> Expr | None:
    """Return the call of `nn.init` for this scale and mode, where it has one."""
    if mode == "fan_avg":
        return call(average, x, gain=math.sqrt(scale))
    gains = {2: "relu", 1: "linear"}  # nn.init squares its gain
    if mode is None or scale not in gains:
        return None
    return call(one, x, mode=mode, nonlinearity=gains[int(scale)])


def _number(config: Mapping[str, Any], name: str) -> float:
    value = config[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnsupportedError(f"{name}={value!r} of an initializer")
    return float(value)
