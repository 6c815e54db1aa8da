"""Which losses there are, what they say, and how they look."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import pytest
import torch

from losses_support import entry, run_source
from torchtwin.emit.expressions import Printer
from torchtwin.errors import UnsupportedError
from torchtwin.training.losses import ALIASES, CLASSES, FUNCTIONS, loss_of
from torchtwin.training.pieces import Output

NOT_LOSSES = {"Loss", "deserialize", "get", "serialize"}


def test_saturated_logits() -> None:
    """Where probabilities leave float32, the loss of the logits goes on."""
    for name, activation, labels in [
        ("sparse_categorical_crossentropy", "softmax", torch.tensor([1])),
        ("categorical_crossentropy", "softmax", torch.tensor([[0.0, 1.0]])),
        ("binary_crossentropy", "sigmoid", torch.tensor([[0.0, 1.0]])),
    ]:
        loss = loss_of(name, Output("y", (None, 2), activation))
        assert loss is not None
        assert loss.logits
        assert any("16.12" in d for d in loss.differences)
        logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
        value = run_source(loss.values, logits, labels).sum()
        assert value.item() == pytest.approx(200 if name[0] == "b" else 400)
        (gradient,) = torch.autograd.grad(value, logits)
        assert gradient.abs().max() > 0.4


def test_logits_behind_the_activation() -> None:
    """from_logits=True behind a softmax has the logits, once, as Keras on TensorFlow does."""
    for name, activation in [
        ("CategoricalCrossentropy", "softmax"),
        ("SparseCategoricalCrossentropy", "softmax"),
        ("BinaryCrossentropy", "sigmoid"),
    ]:
        loss = loss_of(entry(name, from_logits=True), Output("y", (None, 3), activation))
        assert loss is not None
        assert loss.logits
        assert f"second {activation}" in loss.differences[0]


SHOWN = {
    ("mse", ""): 'F.mse_loss(output, target.to(output.dtype), reduction="none").mean(-1)',
    ("sparse_categorical_crossentropy", "softmax"): (
        'F.cross_entropy(output, target.long().flatten(), reduction="none")'
    ),
    ("categorical_crossentropy", "softmax"): (
        'F.cross_entropy(output, target.to(output.dtype), reduction="none")'
    ),
    ("binary_crossentropy", "sigmoid"): (
        "F.binary_cross_entropy_with_logits("
        'output, target.to(output.dtype), reduction="none").mean(-1)'
    ),
}


@pytest.mark.parametrize(("name", "activation"), SHOWN, ids=str)
def test_usual_losses_are_one_line_of_torch(name: str, activation: str) -> None:
    loss = loss_of(name, Output("y", (None, 10), activation))
    assert loss is not None
    text = Printer(str, lambda _: "", lambda _: "")(loss.values)
    assert text.replace("'", '"') == SHOWN[name, activation]


def test_what_counts_can_stand_behind_a_mask() -> None:
    """`mask & valid` must read as it is meant: no comparison at the top."""
    ignoring = entry("SparseCategoricalCrossentropy", ignore_class=7)
    for given, shown in [(ignoring, "target.long().flatten().ne(7)"), ("circle", ".gt(0)")]:
        loss = loss_of(given, Output("y", (None, 10)))
        assert loss is not None
        assert Printer(str, lambda _: "", lambda _: "")(loss.valid).endswith(shown)


def test_all_of_keras_losses() -> None:
    public = {n for n in dir(keras.losses) if not n.startswith("_")} - NOT_LOSSES
    classes = {n for n in public if inspect.isclass(getattr(keras.losses, n))}
    assert set(CLASSES) == classes
    known = keras.src.losses.ALL_OBJECTS_DICT
    functions = {n for n in {*public, *known} if not inspect.isclass(known.get(n, object()))}
    for name in functions - classes:
        assert name in FUNCTIONS or name in ALIASES
        function = known.get(name) or getattr(keras.losses, name)
        assert ALIASES.get(name, name) == function.__name__
    assert {"crossentropy", *(known[n].__name__ for n in functions & set(known))} <= set(FUNCTIONS)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_arguments_and_defaults_are_those_of_keras(name: str) -> None:
    output = Output("y", (None, 4, 3))
    instance = getattr(keras.losses, name)()
    loss = loss_of({"class_name": name, "config": instance.get_config()}, output)
    plain = loss_of({"class_name": name, "config": {}}, output)
    assert loss is not None
    assert plain is not None
    printer = Printer(str, lambda _: "", lambda _: "")
    assert printer(loss.values) == printer(plain.values)
    assert (loss.name, loss.reduction) == (plain.name, plain.reduction) == (
        instance.name, instance.reduction,
    )  # fmt: skip
    rule = inspect.signature(FUNCTIONS[CLASSES[name]]).parameters
    own = inspect.signature(getattr(keras.losses, name)).parameters
    assert set(own) - {"reduction", "name", "dtype"} <= set(rule)
    for argument in set(own) & set(rule) - {"q"}:
        assert rule[argument].default == own[argument].default


def test_wrapped_functions() -> None:
    output = Output("y", (None, 4))
    function = {"class_name": "function", "config": "huber"}
    for fn in ("huber", function):
        loss = loss_of(entry("LossFunctionWrapper", fn=fn, delta=0.3, name="h"), output)
        plain = loss_of(entry("Huber", delta=0.3), output)
        assert loss is not None
        assert plain is not None
        printer = Printer(str, lambda _: "", lambda _: "")
        assert (loss.name, printer(loss.values)) == ("h", printer(plain.values))
    loss = loss_of(function, output)
    assert loss is not None
    assert loss.name == "huber"
    assert loss_of(None, output) is None
    auto = loss_of(entry("MeanSquaredError", reduction="auto"), output)
    assert auto is not None
    assert auto.reduction == "sum_over_batch_size"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("my_loss", "the loss 'my_loss' is not one of keras.losses"),
        (entry("MyLoss"), "the loss 'MyLoss'"),
        (entry("Loss"), "the loss 'Loss'"),
        ({**entry("Huber"), "module": None, "registered_name": "Huber"}, "the loss 'Huber'"),
        ({**entry("Huber"), "registered_name": "mine>Huber"}, "the loss 'Huber'"),
        ({**entry("Huber"), "module": "mine"}, "the loss 'Huber'"),
        (3, "the loss 3"),
        ({"class_name": "function", "config": "my_loss"}, "the loss 'my_loss'"),
        (entry("LossFunctionWrapper", fn={"class_name": "__lambda__"}), "the loss '__lambda__'"),
        (entry("MeanSquaredError", delta=1), "argument 'delta'"),
        (entry("MeanSquaredError", reduction="max"), "reduction 'max'"),
        (entry("Huber", delta=0), "delta 0"),
        (entry("SparseCategoricalCrossentropy", ignore_class="x"), "ignore_class='x'"),
        (entry("CategoricalCrossentropy", axis=5), "axis 5"),
        (entry("CategoricalCrossentropy", axis=True), "axis True"),
        (entry("CategoricalGeneralizedCrossEntropy", q=1.5), "q=1.5"),
        ("ctc", "rank 2"),
    ],
    ids=str,
)
def test_refused(given: Any, problem: str) -> None:
    with pytest.raises(UnsupportedError, match=problem):
        loss_of(given, Output("y", (None, 4)))
