"""Every loss of keras.losses beside its twin, on JAX: values and gradients."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import keras
import numpy as np
import pytest
import torch

from losses_support import LossCase, check, entry, keras_loss, run_source, twin_of
from torchtwin.errors import UnsupportedError
from torchtwin.training.losses import loss_of
from torchtwin.training.pieces import Output
from train_support import set_precision

POINTWISE = [
    "MeanSquaredError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError",
    "Huber",
    "LogCosh",
    "CosineSimilarity",
    "KLDivergence",
    "Poisson",
    "CategoricalHinge",
    "Hinge",
    "SquaredHinge",
]
RANKS: list[tuple[tuple[int, ...], tuple[int, ...] | None]] = [
    ((6, 4), None),
    ((6, 1), (6,)),
    ((6, 1), (6, 1)),
    ((3, 4, 1), (3, 4)),
    ((3, 4, 2), None),
]


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    set_precision("float64")
    yield
    set_precision("float32")


@pytest.mark.parametrize(("shape", "target_shape"), RANKS, ids=str)
@pytest.mark.parametrize("name", POINTWISE)
def test_pointwise(name: str, shape: tuple[int, ...], target_shape: tuple[int, ...] | None) -> None:
    activation = "positive" if name in ("Poisson", "KLDivergence") else ""
    target = "labels" if "Hinge" in name else ""
    check(LossCase(entry(name), shape, target, target_shape, activation))


SETTINGS = [
    LossCase(entry("Huber", delta=0.3), (6, 4)),
    LossCase(entry("Huber", delta=0.3), (6, 1), "", (6,)),
    LossCase(entry("CosineSimilarity", axis=1), (3, 4, 2)),
    LossCase(entry("CosineSimilarity", axis=[1, 2]), (3, 4, 2)),
    LossCase(entry("CosineSimilarity", axis=None), (3, 4, 2)),
    LossCase(entry("Hinge"), (6, 4), "signs"),
    LossCase(entry("Hinge"), (6, 4)),
    LossCase(entry("SquaredHinge"), (6, 1), "signs", (6,)),
    LossCase("mse", (6,), "", (6, 1)),
    LossCase("mae", (6,)),
    LossCase("mse", (6, 4), "", (6, 4, 1), known=True),
    LossCase("mae", (6, 4), "", (6, 4), known=True),
    LossCase("mse", (6, 1), "", (6, 3)),  # Keras broadcasts
    LossCase("mse", (6, 4), "labels"),
    LossCase("mean_absolute_percentage_error", (6, 4), "labels"),
    LossCase("log_cosh", (6, 4)),
    LossCase("poisson", (6, 4), "labels", activation="positive"),
    LossCase("kl_divergence", (6, 4), "rows", activation="hidden softmax"),
]


@pytest.mark.parametrize("case", SETTINGS, ids=str)
def test_settings(case: LossCase) -> None:
    check(case)


BINARY = [
    LossCase(e, shape, target, target_shape, activation)
    for e in (
        "binary_crossentropy",
        entry("BinaryCrossentropy", from_logits=True),
        entry("BinaryCrossentropy", label_smoothing=0.2),
        entry("BinaryFocalCrossentropy"),
        entry("BinaryFocalCrossentropy", from_logits=True, label_smoothing=0.1),
        entry("BinaryFocalCrossentropy", apply_class_balancing=True, alpha=0.3, gamma=1.5),
    )
    for shape, target_shape in [*RANKS, ((6,), (6, 1))]
    for target in ("labels",)
    for activation in ([""] if "from_logits" in str(e) else ["sigmoid", "hidden sigmoid"])
] + [
    LossCase(entry("BinaryCrossentropy", axis=1), (3, 4, 2), "labels", activation="sigmoid"),
    LossCase(entry("BinaryCrossentropy", axis=[1, 2]), (3, 4, 2), "labels", activation="sigmoid"),
    LossCase(entry("BinaryCrossentropy", axis=None), (3, 4, 2), "labels", activation="sigmoid"),
    LossCase(entry("BinaryCrossentropy", axis=-2), (3, 4, 2), "rows", activation="positive"),
    LossCase(entry("BinaryFocalCrossentropy", axis=1), (3, 4, 2), "rows", activation="sigmoid"),
    LossCase("binary_crossentropy", (6, 4), "", activation="sigmoid"),  # targets of any number
    LossCase("binary_crossentropy", (6, 4), "", activation="hidden softmax"),
    LossCase("binary_crossentropy", (6, 4), "labels", activation="softmax"),
    LossCase(entry("BinaryCrossentropy", from_logits=True), (6, 4), "rows", activation="softmax"),
    LossCase("bce", (6, 1), "labels", (6,), "sigmoid", known=True),
]


@pytest.mark.parametrize("case", BINARY, ids=str)
def test_binary(case: LossCase) -> None:
    check(case)


ROWS = [
    LossCase(e, shape, "rows", None, activation)
    for e in (
        "categorical_crossentropy",
        entry("CategoricalCrossentropy", from_logits=True),
        entry("CategoricalCrossentropy", label_smoothing=0.2),
        entry("CategoricalFocalCrossentropy"),
        entry("CategoricalFocalCrossentropy", from_logits=True, gamma=1.5, alpha=0.3),
        entry("CategoricalFocalCrossentropy", label_smoothing=0.1),
    )
    for shape in ((6, 4), (3, 2, 4), (2, 3, 2, 4))
    for activation in (
        [""] if "from_logits" in str(e) else ["softmax", "hidden softmax", "positive"]
    )
] + [
    LossCase(entry("CategoricalCrossentropy", axis=1), (3, 4, 2), "rows", activation="positive"),
    LossCase(
        entry("CategoricalCrossentropy", axis=1, from_logits=True, label_smoothing=0.1),
        (3, 4, 2),
        "rows",
    ),
    LossCase(entry("CategoricalCrossentropy", axis=1), (3, 4, 2), "rows", activation="softmax"),
    LossCase(
        entry("CategoricalFocalCrossentropy", axis=1, alpha=[0.1, 0.2]),
        (3, 4, 2),
        "rows",
        activation="positive",
    ),
    LossCase(
        entry("CategoricalFocalCrossentropy", alpha=[0.1, 0.2, 0.3, 0.4]),
        (6, 4),
        "rows",
        activation="softmax",
    ),
    LossCase("categorical_crossentropy", (6, 4), "labels", activation="softmax"),
    LossCase("categorical_crossentropy", (6, 4), "rows", activation="sigmoid"),
    LossCase("categorical_crossentropy", (3, 4, 1), "rows", (3, 4), "positive"),
    LossCase("categorical_crossentropy", (3, 4), "rows", (3, 4, 1), "softmax", known=True),
]


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_categorical(case: LossCase) -> None:
    check(case)


CLASS_NUMBERS = [
    LossCase(e, shape, "classes", target_shape, activation)
    for e in (
        "sparse_categorical_crossentropy",
        entry("SparseCategoricalCrossentropy", from_logits=True),
        entry("SparseCategoricalCrossentropy", ignore_class=2),
        entry("SparseCategoricalCrossentropy", from_logits=True, ignore_class=0),
    )
    for shape, target_shape in [
        ((6, 4), (6,)),
        ((6, 4), (6, 1)),
        ((3, 5, 4), (3, 5)),
        ((3, 5, 4), (3, 5, 1)),
        ((2, 3, 2, 4), (2, 3, 2)),
    ]
    for activation in (
        [""] if "from_logits" in str(e) else ["softmax", "hidden softmax", "positive"]
    )
] + [
    LossCase(
        entry("SparseCategoricalCrossentropy", axis=1), (3, 4, 4), "classes", (3, 4), "positive"
    ),
    LossCase(entry("SparseCategoricalCrossentropy", axis=1), (3, 1), "classes", (3,), "positive"),
    LossCase("sparse_categorical_crossentropy", (6, 4), "classes", (6,), "sigmoid"),
    LossCase("sparse_categorical_crossentropy", (6, 4), "classes", (6, 1), "softmax", known=True),
    LossCase("sparse_categorical_crossentropy", (6, 4), "classes", (6,), "softmax", known=True),
    LossCase(entry("CategoricalGeneralizedCrossEntropy"), (6, 4), "classes", None, "softmax"),
    LossCase(
        entry("CategoricalGeneralizedCrossEntropy", q=0.2), (6, 4), "classes", (6, 1), "softmax"
    ),
    LossCase(entry("CategoricalGeneralizedCrossEntropy"), (3, 5, 4), "classes", None, "softmax"),
]


@pytest.mark.parametrize("case", CLASS_NUMBERS, ids=str)
def test_class_numbers(case: LossCase) -> None:
    check(case)


OTHERS = [
    LossCase(entry("Dice"), (3, 4, 2), "labels", activation="sigmoid"),
    LossCase(entry("Dice", axis=[1, 2]), (3, 4, 2), "labels", activation="sigmoid"),
    LossCase(entry("Dice", axis=-1), (3, 4, 2), "labels", activation="softmax"),
    LossCase("dice", (3, 4, 1), "labels", (3, 4), "sigmoid"),
    LossCase(entry("Tversky"), (3, 4, 2), "labels", activation="sigmoid"),
    LossCase(
        entry("Tversky", alpha=0.3, beta=0.6, axis=[1, 2]), (3, 4, 2), "labels", None, "sigmoid"
    ),
    LossCase("tversky", (3, 4), "labels", activation="sigmoid"),
    LossCase(entry("Circle"), (8, 4), "pairs", (8,), "unit"),
    LossCase(entry("Circle", gamma=20, margin=0.2), (8, 4), "pairs", (8, 1), "unit"),
    LossCase(entry("Circle", remove_diagonal=False), (8, 4), "pairs", (8,), "unit"),
    LossCase("circle", (8, 4), "lonely", (8,), "unit"),
    LossCase("ctc", (3, 9, 5), "padded", (3, 4)),
    LossCase(entry("CTC", reduction="sum"), (3, 9, 5), "padded", (3, 4), "softmax"),
]


@pytest.mark.parametrize("case", OTHERS, ids=str)
def test_others(case: LossCase) -> None:
    check(case)


@pytest.mark.parametrize("name", ["crossentropy", "CE"])
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    ("shape", "target", "target_shape", "activation"),
    [
        ((6, 1), "labels", (6, 1), "sigmoid"),
        ((6, 1), "labels", (6,), "hidden sigmoid"),
        ((6, 4), "classes", (6,), "softmax"),
        ((6, 4), "classes", (6, 1), "positive"),
        ((6, 4), "rows", None, "softmax"),
        ((6, 4), "rows", None, "positive"),
        ((3, 5, 4), "classes", (3, 5), "softmax"),
        ((3, 5, 4), "rows", None, "softmax"),
    ],
)
def test_crossentropy_goes_by_shapes(
    *,
    name: str,
    known: bool,
    shape: tuple[int, ...],
    target: str,
    target_shape: tuple[int, ...] | None,
    activation: str,
) -> None:
    check(LossCase(name, shape, target, target_shape, activation, known))


def test_dtype() -> None:
    """A loss of a dtype of its own computes in that, and gives it."""
    for dtype in ("float32", "float16"):
        case = LossCase(entry("MeanSquaredError", dtype=dtype), (6, 4))
        (x, y), loss = case.arrays(), twin_of(case)
        got = run_source(loss.values, torch.from_numpy(x), torch.from_numpy(y))
        wanted = keras_loss(case.entry, y, x).call(
            keras.ops.convert_to_tensor(y, dtype), keras.ops.convert_to_tensor(x, dtype)
        )
        assert got.numpy().dtype == np.asarray(wanted).dtype
        np.testing.assert_allclose(
            got.numpy(), np.asarray(wanted), rtol=1e-6 if dtype == "float32" else 1e-2
        )
    policy = {"class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}}
    loss = loss_of(entry("Hinge", dtype=policy), Output("y", (None, 3)))
    assert loss is not None
    assert run_source(loss.values, torch.ones(2, 3), torch.ones(2, 3)).dtype == torch.bfloat16
    with pytest.raises(UnsupportedError, match="dtype 'int8'"):
        loss_of(entry("Hinge", dtype="int8"), Output("y", (None, 3)))


def test_float32() -> None:
    set_precision("float32")
    for case in [SETTINGS[0], BINARY[0], ROWS[1], CLASS_NUMBERS[0]]:
        check(dataclasses.replace(case, dtype="float32"), tolerance=1e-4)
