"""Models with classes of their author's, converted with the Python source of these."""

from __future__ import annotations

import contextlib
import importlib.util
import types
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

import torchtwin
from cases import FLOAT32, compare, outputs, randomize, run
from torchtwin.errors import TorchTwinError, UnreadableModel, UnsupportedError

TEXT = (Path(__file__).parent / "custom" / "own_layers.txt").read_text(encoding="utf-8")
FORMS = ["keras", "h5"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "layers.py"
    path.write_text(f"import keras\n{TEXT}", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def own(source: Path) -> types.ModuleType:
    return executed(source, "own_layers")


def executed(path: Path, name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with contextlib.redirect_stdout(None):
        spec.loader.exec_module(module)
    return module


def saved(model: keras.Model, folder: Path, form: str = "keras") -> Path:
    path = folder / f"model.{form}"
    model.save(path)
    return path


def check(
    model: keras.Model, path: Path, source: Path, *, layout: str = "torch", like: Any = None
) -> torchtwin.Twin:
    """Compare the twin of a saved model with the model; `like` gives the inputs."""
    twin = torchtwin.convert(path, custom=source, layout=layout)
    rng = np.random.default_rng(3)
    given = like or [
        rng.normal(size=(3, *(n or 5 for n in x.shape[1:]))).astype("float32") for x in model.inputs
    ]
    compare(run(twin, given), outputs(model, given), FLOAT32)
    return twin


def dense_model(own: types.ModuleType) -> keras.Model:
    x = inputs = keras.Input((4,))
    x = keras.layers.Dense(5, name="first")(x)
    x = own.Factor(4, name="factor")(x)
    x = own.Stacked([6, 5, 6], name="stacked")(x)
    model = keras.Model(inputs, own.Factor(2, name="last")(x))
    randomize(model)
    return model


@pytest.mark.parametrize("form", FORMS)
def test_layers_with_layers_inside(
    own: types.ModuleType, source: Path, tmp_path: Path, form: str
) -> None:
    model = dense_model(own)
    twin = check(model, saved(model, tmp_path, form), source)
    assert "class Factor(" in twin.source
    assert "# one factor for each feature" in twin.source
    assert "Blurred" not in twin.source
    assert "never executed" not in twin.source
    names = dict(twin.module.named_parameters())
    assert names["factor.factor"].requires_grad
    assert not names["factor.count"].requires_grad
    twin.save(tmp_path / "twin")
    module = torchtwin.twin.executed(twin.source)["load"](tmp_path / "twin" / "model.safetensors")
    for name, value in twin.module.state_dict().items():
        assert torch.equal(module.state_dict()[name], value), name


@pytest.mark.parametrize("layout", ["torch", "keras"])
def test_images(own: types.ModuleType, source: Path, tmp_path: Path, layout: str) -> None:
    x = inputs = keras.Input((6, 5, 3))
    x = keras.layers.Conv2D(4, 3)(x)
    x = own.Blurred(4)(x)
    x = keras.layers.BatchNormalization()(x)
    model = keras.Model(inputs, own.Blurred(2)(x))
    randomize(model)
    check(model, saved(model, tmp_path), source, layout=layout)


@pytest.mark.parametrize("form", FORMS)
def test_several_inputs_and_results(
    own: types.ModuleType, source: Path, tmp_path: Path, form: str
) -> None:
    a, b = keras.Input((4,)), keras.Input((4,))
    mixed, gate = own.Gate()([a, keras.layers.Dense(4)(b)])
    model = keras.Model([a, b], [keras.layers.Dense(2)(mixed), gate])
    randomize(model)
    check(model, saved(model, tmp_path, form), source)


def test_masks_go_in_and_through(own: types.ModuleType, source: Path, tmp_path: Path) -> None:
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, 4, mask_zero=True)(inputs)
    model = keras.Model(inputs, keras.layers.LSTM(3)(own.Average()(x)))
    randomize(model)
    given = [np.array([[1, 2, 0, 0], [3, 0, 4, 1], [2, 2, 2, 0]], "int32")]
    check(model, saved(model, tmp_path), source, like=given)


def test_a_name_that_keras_has_too(own: types.ModuleType, source: Path, tmp_path: Path) -> None:
    inputs = keras.Input((3, 4))
    x = keras.layers.Attention()([inputs, inputs])
    model = keras.Model(inputs, own.Attention()(x))
    twin = check(model, saved(model, tmp_path), source)
    assert "scaled_dot_product" in twin.source or "DotAttention" in twin.source


@pytest.mark.parametrize("form", FORMS)
def test_functions_and_objects_as_arguments(
    own: types.ModuleType, source: Path, tmp_path: Path, form: str
) -> None:
    x = inputs = keras.Input((5, 6, 3))
    x = keras.layers.Conv2D(4, 3, activation=own.squashed)(x)  # its axis is that of the channels
    x = keras.layers.Lambda(own.shifted)(keras.layers.Flatten()(x))
    x = own.Projected(3, activation=own.squashed)(x)
    normal = keras.initializers.RandomNormal(stddev=2.0)
    model = keras.Model(inputs, own.Projected(2, kernel_initializer=normal)(x))
    randomize(model)
    twin = check(model, saved(model, tmp_path, form), source)
    assert "def squashed(x)" in twin.source
    assert "get_config" not in twin.source


@pytest.mark.parametrize("form", FORMS)
def test_layers_that_come_from_keras_own_and_layers_in_wrappers(
    own: types.ModuleType, source: Path, tmp_path: Path, form: str
) -> None:
    x = inputs = keras.Input((2, 3, 4))
    x = keras.layers.TimeDistributed(own.Attending(3))(x)
    x = keras.layers.TimeDistributed(own.Louder(3, activation="tanh", use_bias=False))(x)
    x = keras.layers.Flatten()(x)
    options = {"kernel_initializer": own.Small(0.2), "kernel_regularizer": "l2"}
    model = keras.Model(inputs, own.Louder(2, 0.5, name="last", **options)(x))
    randomize(model)
    twin = check(model, saved(model, tmp_path, form), source, layout="keras")
    assert "kernel_initializer=Small(value=0.2), kernel_regularizer=L2()" in twin.source
    twin.module.reset_parameters()
    assert bool((twin.module.last.kernel == 0.2).all())
    assert "activation='tanh'" in twin.source.replace('"', "'")


@pytest.mark.parametrize("form", FORMS)
def test_cells(own: types.ModuleType, source: Path, tmp_path: Path, form: str) -> None:
    inputs = keras.Input((4,), dtype="int32")
    x = keras.layers.Embedding(5, 3, mask_zero=True)(inputs)
    x = keras.layers.RNN(own.Cell(4), return_sequences=True, go_backwards=True)(x)
    x, state = keras.layers.RNN(own.Cell(3), return_state=True)(x)
    y = keras.layers.RNN([own.Cell(3), own.Cell(2)])(keras.layers.RepeatVector(3)(x))
    model = keras.Model(inputs, [x, state, y])
    randomize(model)
    given = [np.array([[1, 2, 0, 0], [3, 0, 4, 1], [2, 2, 2, 0]], "int32")]
    check(model, saved(model, tmp_path, form), source, like=given)


def test_a_lambda_that_is_not_understood_is_found_by_its_layers_name(
    source: Path, tmp_path: Path
) -> None:
    inputs = keras.Input((4,))
    strange = keras.layers.Lambda(lambda x: 1 + sum(2 * y for y in [x]), name="shifted")
    model = keras.Model(inputs, strange(inputs))
    check(model, saved(model, tmp_path), source)


def test_a_model_that_is_a_class(own: types.ModuleType, source: Path, tmp_path: Path) -> None:
    model = own.Network(3)
    given = np.random.default_rng(3).normal(size=(3, 4)).astype("float32")
    model(given)
    randomize(model)
    path = saved(model, tmp_path)
    twin = torchtwin.convert(path, custom=source)
    compare(run(twin, [given]), outputs(model, [given]), FLOAT32)
    assert "--custom" in refusal(path, None)


def test_files_of_tf_keras(tmp_path: Path) -> None:
    legacy = pytest.importorskip("tf_keras")
    source = tmp_path / "layers.py"
    source.write_text(f"import tf_keras as keras\n{TEXT.replace('keras.ops', 'keras.backend')}")
    text = source.read_text().replace("keras.saving.register", "keras.utils.register")
    source.write_text(text, encoding="utf-8")
    own = executed(source, "own_legacy_layers")
    x = inputs = legacy.Input((4,))
    x = own.Factor(4, name="factor")(x)
    model = legacy.Model(inputs, own.Stacked([6, 5, 6], name="stacked")(x))
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(size=w.shape).astype("float32") for w in model.get_weights()])
    given = rng.normal(size=(3, 4)).astype("float32")
    for form in FORMS:
        path = tmp_path / f"model.{form}"
        model.save(path)
        twin = torchtwin.convert(path, custom=source)
        compare(run(twin, [given]), [model(given).numpy()], FLOAT32)


def test_verification_executes_what_the_model_needs(
    own: types.ModuleType, source: Path, tmp_path: Path
) -> None:
    """A loss and metrics of the author's are trained with too, and what a layer adds to the loss
    and how it bounds its weights: the curve is Keras's."""
    inputs = keras.Input((4,))
    tenth = keras.initializers.Constant(0.1)
    bounded = own.Restrained(tenth, "l2", activity_regularizer="l1", name="bounded")
    model = keras.Model(inputs, bounded(own.Factor(3, name="factor")(inputs)))
    randomize(model)
    model.compile("adam", own.Uneven(3.0), metrics=[own.Largest(), own.rmse])
    path = saved(model, tmp_path)
    twin = torchtwin.convert(path, custom=source)
    assert twin.untrained is None, twin.untrained
    report = torchtwin.verify(path, twin, judge="tensorflow")
    assert report.ok, str(report)
    assert report.training is not None
    assert not report.training.problem
    assert report.training.steps > 0
    twin.module.reset_parameters()
    assert torch.equal(twin.module.bounded.gamma.data, torch.full((3,), 0.1))


@pytest.mark.parametrize("form", FORMS)
def test_losses_and_metrics(own: types.ModuleType, source: Path, tmp_path: Path, form: str) -> None:
    """train.py has them as they are in the source, and gives the figures that Keras gives."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    kinds = {"keras": (own.Uneven(3.0), [own.Largest(), own.rmse]), "h5": (own.rmse, [own.rmse])}
    loss, metrics = kinds[form]
    model.compile("sgd", loss, metrics=metrics)
    twin = torchtwin.convert(saved(model, tmp_path, form), custom=source)
    training = twin.training
    rng = np.random.default_rng(8)
    x, y = (rng.normal(size=(6, n)).astype("float32") for n in (4, 2))
    wanted = model.evaluate(x, y, return_dict=True, verbose=0) if form == "h5" else None
    output = twin.module(torch.from_numpy(x))
    value = training.loss(twin.module, torch.from_numpy(x), torch.from_numpy(y)).item()
    figures = training.make_metrics()
    training.update_metrics(figures, (output,), (torch.from_numpy(y),), None, ())
    got = {"loss": value} | {name: float(metric.compute()) for name, metric in figures.items()}
    if wanted is None:  # on JAX, Keras itself does not run this metric inside `evaluate`
        kept = own.Largest()
        kept.update_state(y, model(x))
        errors = np.asarray(own.rmse(y, model(x)))
        wanted = {"loss": float(own.Uneven(3.0)(y, model(x))), "largest": float(kept.result())}
        wanted["rmse"] = float(errors.mean())
        assert "Uneven(factor=3.0)" in twin.train
        assert "# too little weighs more" in twin.train
    assert got == pytest.approx(wanted, rel=1e-5)


def test_losses_and_metrics_that_are_not_translated(
    own: types.ModuleType, source: Path, tmp_path: Path
) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", own.rmse, metrics=[own.Largest()])
    path, other = saved(model, tmp_path), tmp_path / "other.py"
    assert "--custom" in str(torchtwin.convert(path).untrained)
    text = source.read_text()
    other.write_text(text.replace("keras.ops.sqrt(", "keras.ops.unheard_of("))
    assert "unheard_of" in str(torchtwin.convert(path, custom=other).untrained)
    text = text.replace("return keras.ops.sqrt(", "return world_size() + keras.ops.sqrt(")
    other.write_text(text + "\n\ndef world_size():\n    return 1\n")
    assert "world_size: train.py itself" in str(torchtwin.convert(path, custom=other).untrained)


def refusal(path: Path, source: Path | None) -> str:
    with pytest.raises(TorchTwinError) as raised:
        torchtwin.convert(path, custom=source)
    return str(raised.value)


def test_refusals(own: types.ModuleType, source: Path, tmp_path: Path) -> None:
    model = dense_model(own)
    path = saved(model, tmp_path)
    assert "--custom" in refusal(path, None)
    other = tmp_path / "other.py"
    other.write_text("class Elsewhere: pass\n", encoding="utf-8")
    said = refusal(path, other)
    assert "Own>Scaled" in said
    assert "Stacked" in said
    assert "--custom" in said
    other.write_text("def half(:\n", encoding="utf-8")
    with pytest.raises(UnreadableModel, match="not Python 3"):
        torchtwin.convert(path, custom=other)
    changed = source.read_text().replace("x * self.factor", "keras.ops.unheard_of(self.factor)")
    other.write_text(changed, encoding="utf-8")
    said = refusal(path, other)
    line = changed[: changed.index("unheard_of(self")].count("\n") + 1
    assert "Factor" in said
    assert f"line {line}" in said
    assert "unheard_of" in said
    fewer = source.read_text().replace("self.norm(x)", "x")
    other.write_text(fewer.replace("        self.norm = keras.layers.LayerNormalization()\n", ""))
    said = refusal(path, other)
    assert "norm" in said
    assert "belongs to no layer" in said


def test_arguments_that_the_class_does_not_take(
    own: types.ModuleType, source: Path, tmp_path: Path
) -> None:
    path = saved(dense_model(own), tmp_path)
    other = tmp_path / "other.py"
    other.write_text(source.read_text().replace("units=3, rate=0.5", "units=3, speed=0.5"))
    with pytest.raises(UnsupportedError, match=r"rate=0\.5"):
        torchtwin.convert(path, custom=other)
