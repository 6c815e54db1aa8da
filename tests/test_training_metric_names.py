"""Which metric an entry of `compile` means: names, the choice of "accuracy", masks, refusals."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras.src import backend
from keras.src.metrics import ALL_OBJECTS_DICT
from keras.src.trainers.compile_utils import get_metric

from metric_cases import CASES, batches, scores, weights
from torchtwin.emit.expressions import Printer
from torchtwin.errors import UnsupportedError
from torchtwin.evaluate import evaluate
from torchtwin.expr import Call
from torchtwin.training.metrics import metric_of
from torchtwin.training.metrics.classes import CLASSES
from torchtwin.training.metrics.functions import FUNCTIONS, LOSSES, MEANS
from torchtwin.training.pieces import Output

CLASSIFIER = Output("y", (None, 4))
REFUSED = {
    "Metric": "it is abstract",
    "Mean": "Keras calls a metric with targets, which it does not take",
    "Sum": "Keras calls a metric with targets, which it does not take",
    "MeanMetricWrapper": "the class is that of a function, see test_functions",
}
"""Classes of keras.metrics that are no entry of `compile` as they are."""


def text(entry: Any, output: Output = CLASSIFIER, loss: str | None = None) -> str:
    return Printer(str, str, str)(metric_of(entry, output, loss).constructor)


def made(entry: Any, output: Output = CLASSIFIER, loss: str | None = None) -> Any:
    return evaluate(metric_of(entry, output, loss).constructor, {}, {})


def public(kind: type | None) -> set[str]:
    """Return the public names of keras.metrics: of classes, or of functions."""
    found = {k: v for k, v in vars(keras.metrics).items() if not k.startswith("_")}
    classes = {k for k, v in found.items() if inspect.isclass(v)}
    functions = {k for k, v in found.items() if inspect.isfunction(v)}
    return classes if kind else functions - {"get", "serialize", "deserialize"}


def test_every_class_is_known() -> None:
    assert public(type) == {*MEANS, *CLASSES, *REFUSED}
    assert {c.name for c in CASES} == {*MEANS, *CLASSES}


def test_every_function_is_known() -> None:
    assert public(None) <= {*FUNCTIONS}


@pytest.mark.parametrize("name", sorted({*MEANS, *CLASSES}))
def test_every_argument_is_known(name: str) -> None:
    given = set(inspect.signature(getattr(keras.metrics, name)).parameters) - {"name", "dtype"}
    table = FUNCTIONS[MEANS[name]] if name in MEANS else CLASSES[name]
    assert given <= {*table[1]}


NAMES = sorted(
    name
    for name, cls in ALL_OBJECTS_DICT.items()
    if name.lower() != "accuracy" and cls.__name__ not in REFUSED  # chosen by shapes
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_its_class_and_its_own_name(name: str) -> None:
    keras_class = ALL_OBJECTS_DICT[name].__name__
    try:
        wanted = text({"class_name": keras_class, "config": {}})
    except UnsupportedError:
        with pytest.raises(TypeError):  # Keras misses an argument, too
            get_metric(name, np.zeros((2, 4)), np.zeros((2, 4)))
        with pytest.raises(UnsupportedError):
            metric_of(name, CLASSIFIER)
        return
    assert text(name) == wanted
    assert metric_of(name, CLASSIFIER).name == name


@pytest.mark.parametrize("name", sorted({*MEANS, *CLASSES}))
def test_an_object_has_the_name_that_keras_has(name: str) -> None:
    case = next(c for c in CASES if c.name == name)
    for extra in ({}, {"name": "mine"}):
        theirs = getattr(keras.metrics, name)(**case.config, **extra)
        output = Output("y", (None, *batches(case.kind, "float32")[0][0].shape[1:]))
        mine = metric_of({"class_name": name, "config": theirs.get_config()}, output)
        assert mine.name == get_metric(theirs, None, None).name


def test_an_object_without_a_name_has_that_of_its_class() -> None:
    keras.utils.clear_session()
    for name in ("AUC", "LogCoshError", "FBetaScore", "R2Score", "MeanSquaredError", "Precision"):
        theirs = getattr(keras.metrics, name)()
        assert metric_of({"class_name": name, "config": {}}, CLASSIFIER).name == theirs.name


GIVEN = [
    None, "mse", "categorical_crossentropy", "CategoricalCrossentropy", "binary_crossentropy",
    "sparse_categorical_crossentropy", "SparseCategoricalCrossentropy", "bce", "hinge",
    "categorical_generalized_cross_entropy", "CategoricalFocalCrossentropy",
]  # fmt: skip
SHAPES = [
    ((4,), ()), ((4,), (1,)), ((4,), (4,)), ((1,), (1,)), ((1,), ()), ((5, 4), (5,)),
    ((5, 4), (5, 1)), ((5, 4), (5, 4)), ((5, 1), (5, 1)), ((5, 1), (5,)),
]  # fmt: skip


def fits(loss: str | None, output: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Tell whether Keras computes the loss of such targets."""
    numbers = "parse" in str(loss) or "generalized" in str(loss)
    alike = (loss is not None and "rossentropy" in loss) or loss == "bce"
    if numbers:
        return output[-1] > 1 and target in (output[:-1], (*output[:-1], 1))
    return not alike or output == target


@pytest.mark.parametrize("loss", GIVEN)
def test_accuracy_is_chosen_as_keras_chooses(loss: str | None) -> None:
    rng = np.random.default_rng(1)
    tried = 0
    for output, target in SHAPES:
        if not fits(loss, output, target):
            continue
        prediction = rng.random((6, *output)).astype("float32")
        truth = rng.integers(0, 2, (6, *target)).astype("float32")
        for name in ("accuracy", "acc", "Accuracy"):
            theirs = get_metric(name, truth, prediction)
            theirs.update_state(truth, prediction)
            mine = made(name, Output("y", (None, *output)), loss)
            mine.update(torch.from_numpy(prediction), torch.from_numpy(truth))
            assert float(mine.compute()) == pytest.approx(float(theirs.result()), abs=1e-6)
            assert metric_of(name, Output("y", (None, *output)), loss).name == theirs.name
            tried += 1
    assert tried


@pytest.mark.parametrize(
    ("output", "loss", "function"),
    [
        ((None, 1), None, "binary_accuracy"),
        ((None, 4), "sparse_categorical_crossentropy", "sparse_categorical_accuracy"),
        ((None, 4), "categorical_crossentropy", "categorical_accuracy"),
        ((None, 4), "binary_crossentropy", "categorical_accuracy"),
        ((None, 4), "mse", "accuracy"),
        ((None, 4), None, "accuracy"),
        ((None, None), "categorical_crossentropy", "accuracy"),
    ],
)
def test_accuracy_is_definite_where_the_loss_tells(
    output: tuple[int | None, ...], loss: str | None, function: str
) -> None:
    assert text("acc", Output("y", output), loss) == f"SampleMean({function})"


def wrapper(name: str, **options: Any) -> dict[str, Any]:
    """Return what Keras writes of a metric that is the mean of a function."""
    function = getattr(keras.metrics, name, None) or getattr(keras.losses, name)
    metric = keras.metrics.MeanMetricWrapper(function, **options)
    return keras.saving.serialize_keras_object(metric)


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        *((name, {}, "one-hot") for name in sorted(public(None)) if "sparse" not in name),
        ("sparse_categorical_crossentropy", {"ignore_class": 1}, "numbers"),
        ("sparse_categorical_accuracy", {}, "numbers"),
        ("sparse_top_k_categorical_accuracy", {"k": 1}, "numbers"),
        ("huber", {"delta": 0.3}, "regression"),
        ("cosine_similarity", {}, "regression"),
        ("cosine_similarity", {"axis": 0}, "regression"),
        ("binary_focal_crossentropy", {"alpha": 0.4, "gamma": 3.0}, "labels"),
        ("binary_focal_crossentropy", {"apply_class_balancing": True}, "labels"),
        ("binary_focal_crossentropy", {"from_logits": True, "axis": 0}, "labels"),
        ("categorical_focal_crossentropy", {"alpha": 0.5, "label_smoothing": 0.1}, "one-hot"),
        ("categorical_generalized_cross_entropy", {"q": 0.6}, "numbers"),
    ],
)
def test_functions(name: str, options: dict[str, Any], kind: str) -> None:
    entry = wrapper(name, **options)
    theirs = keras.saving.deserialize_keras_object(entry)
    mine = made(entry)
    for output, target in batches(kind, "float32"):
        theirs.update_state(target, output)
        mine.update(torch.from_numpy(output), torch.from_numpy(target))
    wanted = float(theirs.result())
    assert float(mine.compute()) == pytest.approx(
        wanted, abs=1e-5 * max(1, abs(wanted)), nan_ok=True
    )
    assert metric_of(entry, CLASSIFIER).name == theirs.name


@pytest.mark.parametrize("name", sorted(set(keras.losses.__dict__) & set(LOSSES)))
def test_a_loss_as_a_metric_is_a_mean_over_batches(name: str) -> None:
    case = next((c for c in CASES if c.name == name), None)
    kind = "numbers" if "Generalized" in name else case.kind if case else "one-hot"
    if name == "CTC":
        kind = "ctc"
    options = {"q": 0.4} if "Generalized" in name else {}
    loss = getattr(keras.losses, name)(**options)
    entry = keras.saving.serialize_keras_object(loss)
    theirs, mine = get_metric(loss, None, None), made(entry)
    for output, target in batches(kind, "float32"):
        theirs.update_state(target, output)
        mine.update(torch.from_numpy(output), torch.from_numpy(target))
    wanted = float(theirs.result())
    assert float(mine.compute()) == pytest.approx(wanted, rel=1e-4)
    assert metric_of(entry, CLASSIFIER).name == theirs.name


def test_a_compiled_model_gives_back_what_it_was_given() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    metrics = [
        "acc", keras.metrics.mean_squared_error, keras.metrics.AUC(label_weights=[1.0, 2, 3, 4]),
        keras.metrics.MeanMetricWrapper(keras.metrics.huber, delta=2.0, name="far"), "AUC",
        keras.metrics.F1Score(average="macro"), keras.metrics.OneHotMeanIoU(4),
    ]  # fmt: skip
    model.compile(loss="mse", metrics=metrics)
    model.evaluate(np.ones((2, 3)), np.ones((2, 4)), verbose=0)
    written = model.get_compile_config()["metrics"]
    theirs = [m.name for m in model._compile_metrics.metrics]
    assert [metric_of(e, CLASSIFIER).name for e in written] == theirs
    assert "label_weights=[1.0, 2.0, 3.0, 4.0]" in text(written[2])
    assert text(written[3]) == "SampleMean(huber, delta=2.0)"


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "entry",
    [
        ("SparseCategoricalAccuracy", {}),
        ("SparseCategoricalCrossentropy", {"ignore_class": 1}),
        ("SparseTopKCategoricalAccuracy", {"k": 2}),
    ],
)
def test_a_mask_hides_steps(entry: tuple[str, dict[str, Any]], weighted: bool) -> None:
    name, config = entry
    theirs = getattr(keras.metrics, name)(**config)
    mine = made({"class_name": name, "config": config}, Output("y", (None, 5, 4)))
    for k, (output, target) in enumerate(batches("numbers of steps", "float32")):
        mask = weights(target.shape, "float32", 100 + k) > 1
        weight = weights(target.shape, "float32", k) if weighted else None
        given = backend.convert_to_tensor(output)
        backend.set_keras_mask(given, backend.convert_to_tensor(mask))
        theirs.update_state(target, given, weight)
        mine.update(
            torch.from_numpy(output),
            torch.from_numpy(target),
            None if weight is None else torch.from_numpy(weight),
            mask=torch.from_numpy(mask),
        )
        assert float(mine.compute()) == pytest.approx(float(theirs.result()), abs=1e-5)


@pytest.mark.parametrize("case", {c.name: c for c in CASES}.values(), ids=str)
def test_only_means_look_at_masks(case: Any) -> None:
    output, target = batches(case.kind, "float32")[0]
    mine = metric_of(
        {"class_name": case.name, "config": case.config}, Output("y", (None, *output.shape[1:]))
    )
    assert mine.masked == (case.name in MEANS)
    constructor = mine.constructor
    while not isinstance(constructor, Call):
        constructor = constructor.subject
    assert mine.masked == ("mask" in inspect.signature(constructor.function.update).parameters)
    if mine.masked:
        return
    figures = []
    for masked in (False, True):
        theirs = getattr(keras.metrics, case.name)(**case.config)
        given = backend.convert_to_tensor(output)
        if masked:
            mask = np.arange(len(output)).reshape(-1, *[1] * (output.ndim - 1)) > 1
            backend.set_keras_mask(given, backend.convert_to_tensor(mask))
        theirs.update_state(target, given)
        figures.append(np.asarray(theirs.result()))
    np.testing.assert_array_equal(*figures)


def test_what_is_not_a_number_does_not_stop_the_training() -> None:
    rng = np.random.default_rng(2)
    output, target = scores(rng, 6).astype("float32"), np.eye(4)[rng.integers(0, 4, 6)]
    output[1] = np.nan
    for name in ("AUC", "Precision", "F1Score", "categorical_crossentropy", "acc", "mse"):
        theirs, mine = get_metric(name, target, output), made(name)
        theirs.update_state(target, output)
        mine.update(torch.from_numpy(output), torch.from_numpy(target))
        np.testing.assert_allclose(mine.compute().numpy(), np.asarray(theirs.result()), atol=1e-6)


SOMEWHERE = {"module": "my.metrics", "registered_name": "Custom>Precision"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("my_metric", "my_metric"),
        ("mean", "mean"),
        ("io_u", "num_classes"),
        ({"class_name": "Precision", "config": {}, **SOMEWHERE}, "Custom>Precision"),
        ({"class_name": "Precision", "config": {}, "module": "my.metrics"}, "Precision"),
        ({"class_name": "MyMetric", "config": {}}, "MyMetric"),
        ({"class_name": "function", "config": "my_function", "module": "builtins"}, "my_function"),
        ({"class_name": "function", "config": "accuracy", "module": "builtins"}, "accuracy"),
        (
            {
                "class_name": "Huber",
                "config": {"name": "h", "reduction": "sum"},
                "module": "keras.losses",
            },
            "Huber",
        ),
        ({"class_name": "Dice", "config": {"name": "d"}, "module": "keras.losses"}, "Dice"),
        ({"class_name": "Precision", "config": {"beta": 2}}, "beta"),
        ({"class_name": "AUC", "config": {"curve": "round"}}, "ROUND"),
        ({"class_name": "F1Score", "config": {"average": "best"}}, "best"),
        ({"class_name": "MeanSquaredError", "config": {"dtype": "float8"}}, "float8"),
        ({"class_name": "MeanIoU", "config": {"num_classes": 2, "axis": 1}}, "axis=1"),
        ({"class_name": "SparseCategoricalCrossentropy", "config": {"axis": 1}}, "axis"),
        ({"class_name": "Mean", "config": {}}, "Mean"),
        ({"config": {}}, "not understood"),
    ],
)
def test_what_is_not_known_is_refused(entry: Any, said: str) -> None:
    with pytest.raises(UnsupportedError, match=said):
        metric_of(entry, CLASSIFIER)


def test_scores_want_features() -> None:
    for shape in ((None, 5, 4), (None, None)):
        for name in ("F1Score", "R2Score"):
            with pytest.raises(UnsupportedError, match="batch, features"):
                metric_of(name, Output("y", shape))
