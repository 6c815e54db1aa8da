"""TimeDistributed: the layer inside sees every step as a sample of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torchtwin.apply import piece_of
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, call, shape_of
from torchtwin.graph import Layout
from torchtwin.nn.normalization import EachStep, FrozenBatchNorm
from torchtwin.rule import ANY, Case, Piece, channels_first, rule, rule_of
from torchtwin.view import LayerView, Tensor

ON_LAST_AXIS = (
    "Dense",
    "Dropout",
    "Activation",
    "ReLU",
    "LeakyReLU",
    "ELU",
    "LayerNormalization",
    "GaussianNoise",
    "Rescaling",
)
"""Layers whose PyTorch does not care how many axes come before the last."""


def _layout(config: Mapping[str, Any], rank: int) -> Layout | None:
    """Return the layout that the inner rule wants, for one axis more."""
    inner = config["layer"]
    wanted = rule_of(inner["class_name"]).wanted(inner["config"], rank - 1)
    return lifted(channels_first(rank - 1) if wanted == ANY else wanted)


def lifted(layout: Layout | None) -> Layout | None:
    """Return a layout for values that have the steps behind the batch."""
    return None if layout is None else (0, 1, *(k + 1 for k in layout[1:]))


def lowered(layout: Layout | None) -> Layout | None:
    """Return the layout of one step."""
    return None if layout is None else (0, *(k - 1 for k in layout[2:]))


def _inner(kind: str, **config: Any) -> dict[str, Any]:
    return {"layer": {"class_name": kind, "config": config}}


_IMAGES = (2, 3, 6, 5, 4)


@rule(
    "TimeDistributed",
    layout=_layout,
    mask="pass",
    takes_mask=True,
    cases=[
        Case(_inner("Dense", units=3, activation="softmax"), (2, 5, 4)),
        Case(_inner("Dense", units=3), (2, 5, 4), "masked", mask=True),
        Case(_inner("Dense", units=3), _IMAGES, "on images"),
        Case(_inner("Conv2D", filters=2, kernel_size=3, padding="same"), _IMAGES, "Conv2D"),
        Case(_inner("Conv1D", filters=2, kernel_size=3, strides=2), (2, 3, 7, 4), "Conv1D"),
        Case(_inner("MaxPooling2D"), _IMAGES, "pooling"),
        Case(_inner("BatchNormalization"), _IMAGES, "BatchNormalization"),
        Case(_inner("BatchNormalization"), (2, 5, 4), "of masked steps", mask=True),
        Case(_inner("BatchNormalization", trainable=False), _IMAGES, "frozen"),
        Case(_inner("GlobalAveragePooling2D"), _IMAGES, "global pooling"),
        Case(_inner("Activation", activation="tanh"), _IMAGES, "activation"),
        Case(_inner("Flatten"), _IMAGES, "flatten"),
        Case(_inner("LSTM", units=3), (2, 3, 5, 4), "LSTM"),
        Case(_inner("Embedding", input_dim=7, output_dim=3), (2, 3, 4), "ints", inputs="int:7"),
        Case(_inner("TimeDistributed", layer=_inner("Dense", units=2)["layer"]), (2, 3, 5, 4)),
    ],
)
def time_distributed(layer: LayerView) -> Piece:
    entry, given = layer["layer"], layer.input
    if given.rank < 3:
        raise UnsupportedError(f"TimeDistributed of a value of rank {given.rank}")
    direct = entry["class_name"] in ON_LAST_AXIS and given.layout is None
    x = layer.x if direct else layer.x.flatten(0, 1)
    shape = given.shape if direct else (None, *given.shape[2:])
    tensor = Tensor(x, shape, given.dtype, lowered(given.layout))
    inner = layer.inner(entry, [tensor], masks=[_mask_of_a_step(layer, entry["class_name"])])
    piece = piece_of(inner)
    if inner.class_name == "BatchNormalization" and not _is_frozen(piece):
        return _each_step(layer, piece)
    result = piece.expr if direct else _steps(piece.expr, layer)
    weights = {k: n.prefixed("layer/") for k, n in piece.notations().items()}
    return replace(
        piece,
        expr=result,
        weights=weights,
        untrained=[f"layer/{name}" for name in piece.untrained],
        layout=... if piece.layout is ... else lifted(piece.layout),
    )


def _mask_of_a_step(layer: LayerView, inner_class: str) -> Tensor | None:
    """Return the mask that the layer inside sees, where it uses one."""
    given = layer.masks[0]
    if given is None or not rule_of(inner_class).takes_mask:
        return None
    if inner_class != "BatchNormalization" and given.rank < 3:  # a step has one number of it
        raise UnsupportedError(f"a mask for TimeDistributed({inner_class})")
    return replace(given, expr=given.expr.flatten(0, 1), shape=(None, *given.shape[2:]))


def _is_frozen(piece: Piece) -> bool:
    return isinstance(piece.module, Call) and piece.module.function is FrozenBatchNorm


def _each_step(layer: LayerView, piece: Piece) -> Piece:
    """Return the piece of a batch normalisation, whose statistics are those of one step in Keras.

    The moving ones are updated at every step.
    """
    mask = () if layer.mask is None else (layer.mask[..., None],)
    return replace(
        piece,
        expr=layer.module(layer.x, *mask),
        module=call(EachStep, piece.module),
        weights={f"norm.{k}": n.prefixed("layer/") for k, n in piece.notations().items()},
        frozen=tuple(f"norm.{name}" for name in piece.frozen),
        untrained=[f"layer/{name}" for name in piece.untrained],
    )


def _steps(result: Any, layer: LayerView) -> Expr:
    if isinstance(result, tuple):
        raise UnsupportedError("TimeDistributed around a layer with several results")
    steps: Expr = result.unflatten(0, shape_of(layer.x)[:2])
    return steps


def _samples(config: Mapping[str, Any], rank: int) -> Layout | None:
    """Images inside a model, and around it, are channels-first."""
    if rank == config["rank"]:
        return lifted(channels_first(rank - 1)) if rank > IMAGES else None
    return channels_first(rank) if rank >= IMAGES else None


IMAGES = 4
"""The rank of a batch of images."""


@rule("steps.ToSamples", layout=_samples, takes_mask=True)
def steps_to_samples(layer: LayerView) -> Piece:
    layer.ignore("rank")
    if layer.mask is not None:
        raise UnsupportedError("a mask for a model inside TimeDistributed")
    return Piece(layer.x.flatten(0, 1), layout=lowered(layer.input.layout))


@rule("steps.FromSamples", layout=_samples)
def samples_to_steps(layer: LayerView) -> Piece:
    layer.ignore("rank")
    given = layer.inputs[1].expr
    steps = layer.x.unflatten(0, shape_of(given)[:2])
    return Piece(steps, layout=lifted(layer.input.layout))
