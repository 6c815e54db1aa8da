"""The dtype policy of a layer: in which precision it keeps its weights and computes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Method
from torchtwin.graph import Graph, Layer
from torchtwin.quantization import source_of
from torchtwin.view import Tensor

CASTS = {"float32": "float", "float64": "double", "float16": "half", "bfloat16": "bfloat16"}
"""The floating-point dtypes of Keras, and the methods of PyTorch that cast to them."""

MIXED = {"mixed_bfloat16": "bfloat16", "mixed_float16": "float16"}
"""The policies that keep weights in float32, and the dtype in which they compute."""

FLOATING = re.compile(
    r"(Einsum)?Dense|LSTM|GRU|SimpleRNN|RNN|Bidirectional|LeakyReLU|PReLU|ELU|Softmax"
    r"|(Spectral|Batch|Layer|Group|RMS|Unit)Normalization|.*Conv.*|(.*Average)+Pooling\dD"
)
"""Layers that give floating-point numbers whatever they are given."""

ROUNDING = re.compile(r"(Spectral|Layer|Group|RMS)Normalization")
"""Layers that make whole numbers of what they have computed of whole numbers."""

INNER = ("layer", "backward_layer", "cell", "cells")
NOT_CAST = ("ops.", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")
"""Operations take what they are given; layers cast their inputs to their own dtype."""


def policy_of(layer: Layer) -> str | None:
    """Return the floating-point dtype of a layer, or None where it has none of its own.

    With a mixed policy that is float32, the dtype of the weights: the lower precision is
    autocast's. Raises UnsupportedError for a policy that is quantized, and for a wrapper whose
    inner layer has another.
    """
    if layer.class_name.startswith(NOT_CAST):
        return None
    found = dict.fromkeys("float32" if p in MIXED else p for p in _policies(layer.config))
    for policy in found:
        if not isinstance(policy, str) or policy.startswith("mixed_"):
            raise UnsupportedError(
                f"the dtype policy {policy} is not translated",
                hint="set the policy of the layers to float32 in Keras, and save the model again",
            )
    floats = [policy for policy in found if policy in CASTS]
    if len(floats) > 1:
        raise UnsupportedError(f"layers of several precisions in one: {', '.join(floats)}")
    return floats[0] if floats else None


def policy_is_plain(policy: Any) -> bool:
    """Tell whether a layer's `dtype` means floating-point weights that are not quantized."""
    name = policy.get("class_name") if isinstance(policy, Mapping) else policy
    return name in (None, "DTypePolicy", *CASTS, *MIXED)


def _policies(config: Mapping[str, Any]) -> Iterator[Any]:
    if config.get("dtype") is not None:
        given = source_of(config["dtype"])
        if given is not config["dtype"] and given in MIXED:
            given = "float32"  # a quantized layer computes in the other by itself
        kind = given.get("class_name") if isinstance(given, Mapping) else given
        yield kind if isinstance(kind, str) else "of another kind"
    for key in INNER:
        entries = config.get(key)
        for entry in entries if isinstance(entries, list) else [entries]:
            if isinstance(entry, Mapping) and isinstance(entry.get("config"), Mapping):
                yield from _policies(entry["config"])


def mixed_precision(graph: Graph) -> str | None:
    """Return "bfloat16" or "float16" where the model computes in it with weights in float32.

    Layers of another policy beside those are float32 in the twin, as their weights are. Raises
    UnsupportedError where layers compute in both.
    """
    found = dict.fromkeys(MIXED[p] for p in _all_policies(graph) if p in MIXED)
    if len(found) > 1:
        raise UnsupportedError(f"layers that compute in {' and in '.join(found)} in one model")
    return next(iter(found), None)


def _all_policies(graph: Graph) -> Iterator[Any]:
    for layer in graph.layers.values():
        yield from _policies(layer.config)
        if layer.graph is not None:
            yield from _all_policies(layer.graph)


def cast(tensor: Tensor, policy: str | None, layer: Layer) -> Tensor:
    """Return a tensor in a layer's precision.

    Whole numbers stay whole but where the layer multiplies them with its weights, or averages
    them: Keras promotes both to the dtype of the weights.
    """
    whole = tensor.dtype.startswith(("int", "uint", "bool")) and _computes_in_floats(layer)
    if whole and ROUNDING.fullmatch(layer.class_name):
        raise UnsupportedError(
            f"{layer.class_name} of whole numbers makes whole numbers of its results",
            hint="give it floating-point numbers",
        )
    policy = policy or ("float32" if whole else None)
    if policy is None or tensor.dtype == policy or (tensor.dtype not in CASTS and not whole):
        return tensor
    return replace(tensor, expr=getattr(tensor.expr, CASTS[policy])(), dtype=policy)


def _computes_in_floats(layer: Layer) -> bool:
    inner = layer.config.get("layer")
    kinds = [layer.class_name]
    if layer.class_name == "TimeDistributed" and isinstance(inner, Mapping):
        kinds.append(str(inner.get("class_name")))
    return any(FLOATING.fullmatch(kind) for kind in kinds)


def constructed(constructor: Any, policy: str | None, *, holds: bool) -> Any:
    """Return the constructor of a module whose weights have a layer's precision."""
    if policy in (None, "float32") or not holds or not isinstance(constructor, Call):
        return constructor
    assert policy is not None
    return Method(constructor, CASTS[policy], (), {})
