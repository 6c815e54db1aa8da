"""Cross-entropies: on logits where the output's activation is the one that they undo.

Keras on TensorFlow does that inside (keras/src/backend/tensorflow/nn.py, _get_logits); on JAX and
PyTorch it takes the logarithm of clipped probabilities, which is the same but for saturation.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call, shape_of
from torchtwin.training.losses.given import Given, Values
from torchtwin.training.parts import losses_crossentropy as parts

CLIPPED = (
    "Keras on JAX or PyTorch clips the probabilities in this loss to [1e-7, 1 - 1e-7], which caps "
    "it at 16.12 and stops its gradient beyond; on TensorFlow it has the logits, as here."
)
ALWAYS_CLIPPED = (
    "Keras clips the probabilities in this loss to [1e-7, 1 - 1e-7], which caps it at 16.12 and "
    "stops its gradient beyond; here it has the logits."
)
TWICE = (
    "The loss was told from_logits=True of an output that has its {0}: it has what comes before "
    "the {0}, as in Keras on TensorFlow; Keras on JAX or PyTorch applies a second {0}."
)
OTHER_ROWS = (
    "For targets whose rows do not sum to 1, Keras on TensorFlow takes softmax - target for the "
    "gradient; here, as on JAX or PyTorch, it is the derivative of the loss."
)
FOREIGN = (
    "Keras on TensorFlow takes what comes before the {0} for the logits of this loss; here, as "
    "with Keras on JAX or PyTorch, the loss has the output as it is."
)
UNNORMALISED = (
    "The outputs are made to sum to 1 and then clipped to [1e-7, 1 - 1e-7], as in Keras on JAX or "
    "PyTorch; Keras on TensorFlow clips first, which differs by less than 1e-7 for each class "
    "where they sum to 1, and at will where they do not."
)


def _source(
    given: Given, undone: str, axis: Any, from_logits: bool
) -> tuple[bool, bool, tuple[str, ...]]:
    """Return whether the loss has logits, whether those of the model, and what to say of it."""
    activation = given.output.activation
    if activation == undone and given.is_last(axis):
        return True, True, (TWICE.format(activation) if from_logits else CLIPPED,)
    return from_logits, False, (FOREIGN.format(activation),) if activation else ()


def categorical_crossentropy(
    given: Given, from_logits: bool = False, label_smoothing: float = 0.0, axis: Any = -1
) -> Values:
    dim = given.dim(axis)
    logits, before, differences = _source(given, "softmax", axis, from_logits)
    differences += ((OTHER_ROWS,) if logits else ()) + given.couples(dim)
    if logits and dim == -1 and given.alike and given.rank > 1:
        values: Expr = call(
            F.cross_entropy,
            _classes_second(given, given.x), _classes_second(given, given.y_float),
            reduction="none", label_smoothing=float(label_smoothing),
        )  # fmt: skip
    else:
        values = call(
            parts.categorical_crossentropy,
            given.x, given.y,
            dim=dim, label_smoothing=float(label_smoothing), from_logits=logits,
        )  # fmt: skip
    return Values(values, before, differences=differences)


def sparse_categorical_crossentropy(
    given: Given, from_logits: bool = False, ignore_class: Any = None, axis: Any = -1
) -> Values:
    dim = given.dim(axis)
    logits, before, differences = _source(given, "softmax", axis, from_logits)
    x = given.x if dim == -1 else given.x.movedim(dim, -1)
    labels = given.y.long()
    if given.target is None or len(given.target) == given.rank:
        labels = labels.flatten() if given.rank == 2 else labels.reshape(shape_of(x)[:-1])
    ignored = {} if ignore_class is None else {"ignore_index": _whole(ignore_class)}
    if logits:
        values = call(
            F.cross_entropy, _classes_second(given, x), labels, reduction="none", **ignored
        )
    else:
        values = call(parts.sparse_categorical_crossentropy, x, labels, **ignored)
        differences += () if given.output.activation else (UNNORMALISED,)
    if ignored and before:  # Keras on TensorFlow loses sight of the softmax, too
        differences = tuple(ALWAYS_CLIPPED if d == CLIPPED else d for d in differences)
    valid = labels.ne(ignored["ignore_index"]) if ignored else None
    return Values(values, before, valid, differences + given.couples(dim))


def _classes_second(given: Given, x: Expr) -> Expr:
    """PyTorch has classes on the second axis, Keras on the last."""
    return x if given.rank <= 2 else x.movedim(-1, 1)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise UnsupportedError(f"ignore_class={value!r}", hint="the number of a class")
    return int(value)


def binary_crossentropy(
    given: Given, from_logits: bool = False, label_smoothing: float = 0.0, axis: Any = -1
) -> Values:
    dim = given.dim(axis)
    logits, before, differences = _source(given, "sigmoid", -1, from_logits)
    column = given.rank == 2 and given.classes == 1
    if logits and (given.alike or column):
        target = given.y_float
        if not given.alike:
            target = target.view_as(given.x)  # Keras compares (n,) with (n, 1)
        if label_smoothing:
            target = target * (1.0 - label_smoothing) + 0.5 * label_smoothing
        each = call(F.binary_cross_entropy_with_logits, given.x, target, reduction="none")
        values: Expr = each.mean() if dim is None else each.mean(dim)
    else:
        values = call(
            parts.binary_crossentropy,
            given.x, given.y,
            dim=dim, label_smoothing=float(label_smoothing), from_logits=logits,
        )  # fmt: skip
    return Values(values, before, differences=differences + given.couples(dim))


def binary_focal_crossentropy(
    given: Given,
    *,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Any = -1,
) -> Values:
    dim = given.dim(axis)
    logits, before, differences = _source(given, "sigmoid", -1, from_logits)
    values = call(
        parts.binary_focal_crossentropy,
        given.x, given.y,
        alpha=float(alpha) if apply_class_balancing else None, gamma=float(gamma), dim=dim,
        label_smoothing=float(label_smoothing), from_logits=logits,
    )  # fmt: skip
    if logits and not before:
        differences += (CLIPPED,)  # Keras takes the sigmoid, and on TensorFlow undoes it again
    return Values(values, before, differences=differences + given.couples(dim))


def categorical_focal_crossentropy(
    given: Given,
    *,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Any = -1,
) -> Values:
    """Every backend of Keras clips the probabilities here, so that they are taken as they are."""
    dim = given.dim(axis)
    x = call(F.softmax, given.x, dim=dim) if from_logits else given.x
    values = call(
        parts.categorical_focal_crossentropy,
        x, given.y,
        alpha=tuple(alpha) if isinstance(alpha, list | tuple) else float(alpha),
        gamma=float(gamma), dim=dim, label_smoothing=float(label_smoothing),
    )  # fmt: skip
    return Values(values, differences=given.couples(dim))


def crossentropy(given: Given) -> Values:
    """ "crossentropy", which Keras resolves by shapes (keras/src/trainers/compile_utils.py)."""
    if given.classes == 1:
        return binary_crossentropy(given)
    if given.target is not None:
        sparse = len(given.target) < given.rank or given.target[-1] == 1
        return (sparse_categorical_crossentropy if sparse else categorical_crossentropy)(given)
    if given.classes is None:
        raise UnsupportedError(
            "the loss 'crossentropy' of an output whose last length is free",
            hint="name binary_, categorical_ or sparse_categorical_crossentropy",
        )
    logits, before, differences = _source(given, "softmax", -1, False)
    values = call(parts.crossentropy, given.x, given.y, from_logits=logits)
    differences += () if given.output.activation else (UNNORMALISED,)
    return Values(values, before, differences=differences)
