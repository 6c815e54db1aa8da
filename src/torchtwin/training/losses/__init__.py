"""The losses of keras.losses, as expressions of PyTorch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.training.losses import batchwise, crossentropy, pointwise
from torchtwin.training.losses.given import Given, Values, dtype_of
from torchtwin.training.own import own_loss
from torchtwin.training.pieces import Loss, Output
from torchtwin.upgrade.values import is_own

_RULES: tuple[Callable[..., Values], ...] = (
    pointwise.mean_squared_error,
    pointwise.mean_absolute_error,
    pointwise.mean_absolute_percentage_error,
    pointwise.mean_squared_logarithmic_error,
    pointwise.huber,
    pointwise.log_cosh,
    pointwise.cosine_similarity,
    pointwise.kl_divergence,
    pointwise.poisson,
    pointwise.hinge,
    pointwise.squared_hinge,
    pointwise.categorical_hinge,
    crossentropy.binary_crossentropy,
    crossentropy.binary_focal_crossentropy,
    crossentropy.categorical_crossentropy,
    crossentropy.categorical_focal_crossentropy,
    crossentropy.sparse_categorical_crossentropy,
    crossentropy.crossentropy,
    batchwise.categorical_generalized_cross_entropy,
    batchwise.ctc,
    batchwise.dice,
    batchwise.tversky,
    batchwise.circle,
)
FUNCTIONS: Mapping[str, Callable[..., Values]] = {rule.__name__: rule for rule in _RULES}
"""The rule of each function of keras.losses: its arguments and defaults are Keras's."""

ALIASES = {
    "bce": "binary_crossentropy",
    "BCE": "binary_crossentropy",
    "kld": "kl_divergence",
    "KLD": "kl_divergence",
    "mae": "mean_absolute_error",
    "MAE": "mean_absolute_error",
    "mse": "mean_squared_error",
    "MSE": "mean_squared_error",
    "mape": "mean_absolute_percentage_error",
    "MAPE": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "MSLE": "mean_squared_logarithmic_error",
    "huber_loss": "huber",  # and the names of Keras 2
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
}
CLASSES = {
    "MeanSquaredError": "mean_squared_error",
    "MeanAbsoluteError": "mean_absolute_error",
    "MeanAbsolutePercentageError": "mean_absolute_percentage_error",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error",
    "Huber": "huber",
    "LogCosh": "log_cosh",
    "CosineSimilarity": "cosine_similarity",
    "KLDivergence": "kl_divergence",
    "Poisson": "poisson",
    "Hinge": "hinge",
    "SquaredHinge": "squared_hinge",
    "CategoricalHinge": "categorical_hinge",
    "BinaryCrossentropy": "binary_crossentropy",
    "BinaryFocalCrossentropy": "binary_focal_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "CategoricalFocalCrossentropy": "categorical_focal_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
    "CategoricalGeneralizedCrossEntropy": "categorical_generalized_cross_entropy",
    "CTC": "ctc",
    "Dice": "dice",
    "Tversky": "tversky",
    "Circle": "circle",
}
REDUCTIONS = {
    "auto": "sum_over_batch_size",  # Keras 2's word for it
    "sum_over_batch_size": "sum_over_batch_size",
    "mean": "sum_over_batch_size",
    "mean_with_sample_weight": "mean_with_sample_weight",
    "sum": "sum",
    "none": "none",
    None: "none",
}
UNREDUCED = (
    "The loss is not reduced: its sum over the batch is minimised, as in Keras on TensorFlow, "
    "where the log shows its mean; Keras on JAX or PyTorch refuses to train with it."
)


def loss_of(
    entry: Any, output: Output, target: tuple[int | None, ...] | None = None
) -> Loss | None:
    """Return the loss of `output`, from its entry in the compile config; None for no loss.

    `target` is the shape of the targets, where it is known. Raises UnsupportedError for a loss
    that is not Keras's, or an argument that it does not have.
    """
    if entry is None:
        return None
    if (own := own_loss(entry, REDUCTIONS)) is not None:
        return own
    function, config = _read(entry)
    name = config.pop("name", None)
    reduction = config.pop("reduction", "sum_over_batch_size")
    if reduction not in REDUCTIONS:
        raise UnsupportedError(f"the reduction {reduction!r} of a loss")
    given = Given(output, target, dtype_of(config.pop("dtype", None)))
    rule = FUNCTIONS[function]
    unknown = [k for k in config if k not in inspect.signature(rule).parameters or k == "given"]
    if unknown:
        raise UnsupportedError(f"the argument {unknown[0]!r} of the loss {function}")
    made = rule(given, **config)
    more = (UNREDUCED,) if REDUCTIONS[reduction] == "none" else ()
    return Loss(
        made.values,
        name or function,
        REDUCTIONS[reduction],
        made.logits,
        made.valid,
        made.differences + more,
    )


def function_of(entry: Any) -> str:
    """Return the function of keras.losses that an entry names."""
    return _read(entry)[0]


def _read(entry: Any) -> tuple[str, dict[str, Any]]:
    """Return the function of keras.losses that an entry names, and its arguments."""
    if isinstance(entry, str):
        return _named(entry)
    if not isinstance(entry, Mapping) or not _is_keras(entry):
        raise _not_keras(entry.get("class_name") if isinstance(entry, Mapping) else entry)
    class_name, config = entry.get("class_name"), entry.get("config")
    if class_name == "function":  # how Keras writes down a function
        return _named(str(config))
    if class_name == "LossFunctionWrapper" and isinstance(config, Mapping):
        function, own = _read(config.get("fn"))
        return function, {**own, **{k: v for k, v in config.items() if k != "fn"}}
    if class_name in CLASSES:
        function, own = _named(str(class_name))
        config = dict(config or {})
        if config.get("fn") == function:  # some tf.keras wrote it down beside the class
            del config["fn"]
        return function, {**own, **config}
    raise _not_keras(class_name)


def _is_keras(entry: Mapping[str, Any]) -> bool:
    """Tell Keras's losses from their authors': those come without a module, but registered."""
    return is_own(entry) and (bool(entry.get("module")) or not entry.get("registered_name"))


def _named(name: str) -> tuple[str, dict[str, Any]]:
    if name.lower() in ("crossentropy", "ce"):
        return "crossentropy", {"name": name}
    if name in CLASSES:
        defaults: Mapping[str, dict[str, Any]] = {
            "Huber": {"name": "huber_loss"},
            "CategoricalGeneralizedCrossEntropy": {"q": 0.5},
        }
        return CLASSES[name], {"name": CLASSES[name], **defaults.get(name, {})}
    function = ALIASES.get(name, name)
    if function not in FUNCTIONS:
        raise _not_keras(name)
    return function, {"name": name}


def _not_keras(name: Any) -> UnsupportedError:
    return UnsupportedError(
        f"the loss {name!r} is not one of keras.losses",
        hint="give the Python source that defines it (--custom FILE), or name one of Keras's "
        "with --loss",
    )
