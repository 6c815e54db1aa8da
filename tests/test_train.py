"""train.py beside Keras's fit, on the same batches: the same curves and the same weights."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras import layers as kl

import torchtwin
from train_support import Record, check_curves, check_weights, precision, run_of

RNG = np.random.default_rng(7)
CLASSES = RNG.integers(0, 10, 200)
ONE_HOT = np.eye(10)[CLASSES]


def mlp() -> keras.Model:
    """The first example of this project."""
    model = keras.Sequential(
        [
            keras.Input((784,)),
            kl.Dense(128, activation="relu", name="hidden"),
            kl.Dense(10, activation="softmax", name="digit"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def cnn(**more: Any) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((9, 8, 2)),
            kl.Conv2D(4, 3, padding="same", use_bias=False),
            kl.BatchNormalization(momentum=0.8),
            kl.ReLU(),
            kl.Dropout(0.0),
            kl.MaxPooling2D(2),
            kl.Flatten(),
            kl.Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **more)
    return model


def masked_lstm() -> keras.Model:
    model = keras.Sequential(
        [keras.Input((6, 3)), kl.Masking(), kl.LSTM(5), kl.Dense(1, activation="sigmoid")]
    )
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy", "AUC"])
    return model


def tagger() -> keras.Model:
    """Its output has a mask, which counts in the loss."""
    model = keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            kl.Embedding(9, 4, mask_zero=True),
            kl.GRU(5, return_sequences=True),
            kl.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def two_outputs() -> keras.Model:
    given = keras.Input((8,), name="given")
    x = kl.Dense(6, activation="tanh", kernel_regularizer="l2", activity_regularizer="l1")(given)
    kind = kl.Dense(10, activation="softmax", name="kind")(x)
    size = kl.Dense(2, name="size", kernel_constraint=keras.constraints.MaxNorm(0.7))(x)
    model = keras.Model(given, [kind, size])
    model.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.9), global_clipnorm=0.5
        ),
        loss={"kind": "categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.25},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    return model


def sequences() -> np.ndarray:
    x = RNG.normal(size=(200, 6, 3))
    x[::3, 4:] = 0.0
    return x


MODELS: dict[str, tuple[Callable[[], keras.Model], Any, Any]] = {
    "mlp": (mlp, RNG.normal(size=(200, 784)), ONE_HOT),
    "cnn": (cnn, RNG.normal(size=(200, 9, 8, 2)), CLASSES),
    "masked_lstm": (masked_lstm, sequences(), RNG.integers(0, 2, (200, 1)).astype("float32")),
    "tagger": (tagger, RNG.integers(0, 9, (200, 6)), RNG.integers(0, 3, (200, 6))),
    "two_outputs": (two_outputs, RNG.normal(size=(200, 8)), [ONE_HOT, RNG.normal(size=(200, 2))]),
}


@pytest.mark.parametrize("name", MODELS)
def test_curves_in_float64(name: str, tmp_path: Path) -> None:
    make, x, y = MODELS[name]
    with precision("float64"):
        check_curves(make(), x, y, tmp_path)


@pytest.mark.parametrize("name", ["mlp", "cnn", "masked_lstm", "two_outputs"])
def test_the_first_epoch_in_float32(name: str, tmp_path: Path) -> None:
    make, x, y = MODELS[name]
    x = x.astype("float32")
    check_curves(make(), x, y, tmp_path, dtype="float32", epochs=1)


def test_channels_last_twins_train_alike(tmp_path: Path) -> None:
    _, x, y = MODELS["cnn"]
    with precision("float64"):
        check_curves(cnn(), x, y, tmp_path, layout="keras", epochs=2)


def test_images_out(tmp_path: Path) -> None:
    """The loss of an image runs along Keras's last axis, which is the second here."""
    x, y = RNG.normal(size=(70, 6, 5, 2)), RNG.integers(0, 3, (70, 6, 5))
    with precision("float64"):
        model = keras.Sequential(
            [keras.Input((6, 5, 2)), kl.Conv2D(3, 3, padding="same", activation="softmax")]
        )
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        check_curves(model, x, y, tmp_path)
        model.compile("adam", "mse", metrics=["mae"])
        check_curves(model, x, np.eye(3)[y], tmp_path)


def test_sample_weights(tmp_path: Path) -> None:
    make, x, y = MODELS["mlp"]
    with precision("float64"):
        model = make()
        model.compile("adam", "mse", weighted_metrics=["mae", "accuracy"])
        check_curves(model, x, y, tmp_path, sample_weight=RNG.uniform(0, 2, 200))


def test_epochs_of_some_steps(tmp_path: Path) -> None:
    """They go on in the data; an epoch ends where the data ends. Keras on JAX loses a batch when
    a model begins with them, so both begin with a whole epoch."""
    make, x, y = MODELS["masked_lstm"]
    with precision("float64"):
        model = make()
        training = torchtwin.convert(model).training
        run, record = run_of(training, tmp_path), Record()
        run.callbacks = [record]
        data = training.Arrays([x], [y])
        training.fit(run, data, epochs=1)
        training.fit(run, data, epochs=5, steps_per_epoch=5)
        history = model.fit(x, y, epochs=1, shuffle=False, verbose=0).history["loss"]
        some = {"epochs": 4, "steps_per_epoch": 5, "batch_size": 32}
        more = model.fit(x, y, shuffle=False, verbose=0, **some)
    np.testing.assert_allclose(
        [r["loss"] for r in record.logs], history + more.history["loss"], rtol=1e-9
    )


def test_class_weights_are_sample_weights(tmp_path: Path) -> None:
    _, x, y = MODELS["cnn"]
    table = {k: 0.3 + 0.2 * k for k in range(9)}  # class 9 has none: 1
    with precision("float64"):
        model = cnn()
        training = torchtwin.convert(model).training
        run, record = run_of(training, tmp_path), Record()
        run.callbacks = [record]
        weights = training.class_weights(y, table)
        np.testing.assert_array_equal(weights, training.class_weights(y[:, None], table))
        np.testing.assert_array_equal(weights, training.class_weights(ONE_HOT, table))
        data = training.Arrays([np.moveaxis(x, -1, 1)], [y], [weights.astype("float64")])
        training.fit(run, data, epochs=2)
        history = model.fit(x, y, class_weight=table, epochs=2, shuffle=False, verbose=0).history
    # Keras keeps class weights in float32 or its floatx; ours are float32.
    np.testing.assert_allclose([r["loss"] for r in record.logs], history["loss"], rtol=1e-7)


def test_validation_is_the_end_of_the_data(tmp_path: Path) -> None:
    make, x, y = MODELS["cnn"]
    with precision("float64"):
        model = make()
        training = torchtwin.convert(model).training
        run, record = run_of(training, tmp_path), Record()
        run.callbacks = [record]
        (x1, x2), (y1, y2) = (training.split(a, 0.23) for a in (np.moveaxis(x, -1, 1), y))
        data, held = training.Arrays([x1], [y1]), training.Arrays([x2], [y2])
        training.fit(run, data, epochs=2, validation=held)
        history = model.fit(x, y, validation_split=0.23, epochs=2, shuffle=False, verbose=0).history
        assert history.keys() == record.logs[0].keys()
        for name, values in history.items():
            close = 1e-7 if name == "val_accuracy" else 1e-9  # which is in float32
            np.testing.assert_allclose([r[name] for r in record.logs], values, rtol=close)
        wanted = model.predict(x[:45], verbose=0)
    [got] = training.predict(run, [np.moveaxis(x[:45], -1, 1)])
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


def test_a_loader_is_as_good_as_arrays(tmp_path: Path) -> None:
    make, x, y = MODELS["masked_lstm"]
    twin = torchtwin.convert(make())
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors), batch_size=32)
    found = []
    for data in (loader, twin.training.Arrays([x], [y])):
        run = run_of(twin.training, tmp_path)
        found.append((run, twin.training.fit(run, data, epochs=2)))
    assert found[0][1] == found[1][1]
    check_weights(found[0][0].module, found[1][0].module, "float64")


@pytest.mark.parametrize("name", ["cnn", "tagger", "two_outputs"])
def test_a_loop_of_one_s_own(name: str) -> None:
    """Its loss is that of Keras, and its optimizer goes where Keras's goes."""
    make, x, y = MODELS[name]
    x, y = x[:32], [part[:32] for part in y] if isinstance(y, list) else y[:32]
    targets = [torch.from_numpy(part) for part in (y if isinstance(y, list) else [y])]
    with precision("float64"):
        model = make()
        training = torchtwin.convert(model).training
        module, wanted = training.load().double().train(), []
        if name == "cnn":
            training.keep_biased_variance(module)
        optimizer, got = training.make_optimizer(module), []
        inputs = torch.from_numpy(np.moveaxis(x, -1, 1).copy() if x.ndim > 3 else x)
        for step in range(4):
            loss = training.loss(module, inputs, targets)
            assert loss.shape == ()
            assert loss.dtype == torch.float64
            got.append(loss.item())
            training.update(loss, module, optimizer, step)
            wanted.append(model.train_on_batch(x, y, return_dict=True)["loss"])
            model.reset_metrics()
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


def test_shuffling_depends_on_seed_and_pass() -> None:
    training = torchtwin.convert(mlp()).training
    x, y = np.arange(100, dtype="float32")[:, None], np.arange(100)
    orders = []
    for seed in (1, 1, 2):
        data = training.Arrays([x], [y], batch_size=30, shuffle=True, seed=seed)
        passes = [[data.batch(k + turn * len(data))[0] for k in range(4)] for turn in range(2)]
        for batches in passes:
            for (given,), (target,), weights in batches:
                assert weights == ()
                torch.testing.assert_close(given[:, 0], target.to(torch.float32))
        orders.append([torch.cat([b[1][0] for b in batches]).tolist() for batches in passes])
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][0] != orders[0][1]
    assert all(sorted(order) == list(range(100)) for turns in orders for order in turns)


def test_frozen_layers_stay(tmp_path: Path) -> None:
    _, x, y = MODELS["cnn"]
    with precision("float64"):
        model = cnn()
        model.layers[0].trainable = False
        model.layers[1].trainable = False
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        before = [w.numpy().copy() for layer in model.layers[:2] for w in layer.weights]
        check_curves(model, x, y, tmp_path, epochs=2)
        after = [w.numpy() for layer in model.layers[:2] for w in layer.weights]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


def test_from_scratch_starts_anew() -> None:
    module = torchtwin.convert(mlp()).training.load()
    old = {name: value.clone() for name, value in module.state_dict().items()}
    torch.manual_seed(0)
    module.reset_parameters()
    assert not torch.equal(module.hidden.weight, old["hidden.weight"])
    assert module.hidden.weight.abs().max() < (6 / (784 + 128)) ** 0.5
    assert not module.hidden.bias.any()


def test_names_of_the_file_stay_text(tmp_path: Path) -> None:
    """What a file calls its outputs cannot become code, nor break the text."""
    name = 'kind""" + 1\\'
    given = keras.Input((4,), name="given")
    outputs = [kl.Dense(3, name=name)(given), kl.Dense(2, name="losses")(given)]
    model = keras.Model(given, outputs)
    model.compile("sgd", "mse", metrics=[["mae"], ["mae"]])
    twin = torchtwin.convert(model)
    assert twin.train is not None, twin.untrained
    assert ast.get_docstring(ast.parse(twin.train)).startswith("Trains the module")
    run = run_of(twin.training, tmp_path)
    data = [np.zeros((5, n)) for n in (4, 3, 2)]
    logs = twin.training.fit(run, twin.training.Arrays(data[:1], data[1:]), epochs=1)
    assert {f"{name}_loss", f"{name}_mae", "losses_loss", "losses_mae", "loss"} == set(logs)
