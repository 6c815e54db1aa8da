"""What layers do in training alone: batch statistics, dropout, noise, frozen layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras import layers as L

import torchtwin
from cases import randomize
from training_support import assert_same_weights

STEPS = 6


pytestmark = pytest.mark.usefixtures("float64")


def chain(*layers: Any) -> keras.Model:
    """Return a Sequential model, compiled; the first is the shape of a sample."""
    model = keras.Sequential([keras.Input(layers[0]), *layers[1:]])
    randomize(model)
    model.compile(keras.optimizers.SGD(0.05), "mse")
    return model


def sequences(shape: Sequence[int], seed: int = 1) -> np.ndarray:
    """Return samples with steps of zeros, which Masking hides, one of them hidden as a whole."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) + 0.5
    x[rng.random(x.shape[:2]) < 0.4] = 0.0
    x[0] = 0.0
    return x


def beside_keras(model: keras.Model, x: np.ndarray, layout: str = "torch") -> torchtwin.Twin:
    """Train both on the same batches; compare the losses, and all variables in the end."""
    twin = torchtwin.convert(model, layout=layout)
    training = twin.training
    run = training.Run(twin.module)
    rng = np.random.default_rng(0)
    orders = [twin.program.inputs[0].layout, twin.program.outputs[0].layout]
    for _ in range(STEPS):
        given = rng.permutation(x)
        target = rng.normal(size=(len(x), *model.output_shape[1:]))
        model.reset_metrics()
        wanted = model.train_on_batch(given, target)
        batch = [
            torch.from_numpy(array.transpose(order) if order else array)
            for array, order in zip((given, target), orders, strict=True)
        ]
        run.train_batch(batch, len(x))
        got = run.figures.compute()["loss"]
        run.figures.reset()
        assert got == pytest.approx(float(wanted), rel=1e-9)
    assert_same_weights(twin, model, 1e-9)
    return twin


@pytest.mark.parametrize(
    ("shape", "options"),
    [((5, 3), {}), ((5, 3), {"axis": 1, "scale": False}), ((2, 5, 3), {"center": False}),
     ((2, 5, 3), {"axis": 2, "momentum": 0.8}), ((3,), {"scale": False, "center": False})],
)  # fmt: skip
def test_masked_steps_are_not_in_the_batch_statistics(shape: Any, options: Any) -> None:
    norm = L.BatchNormalization(**{"momentum": 0.9, **options})
    twin = beside_keras(chain(shape, L.Masking(), norm, L.Dense(2)), sequences((6, *shape)))
    assert "MaskedBatchNorm(" in twin.source


def test_a_batch_of_masked_steps_alone() -> None:
    model = chain((4, 3), L.Masking(), L.BatchNormalization(momentum=0.9), L.Dense(2))
    beside_keras(model, np.zeros((3, 4, 3)))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4, 4, 2)])
def test_each_step_has_statistics_of_its_own(shape: Any) -> None:
    norm = L.TimeDistributed(L.BatchNormalization(momentum=0.9, scale=False))
    x = np.random.default_rng(0).normal(size=(5, *shape))
    beside_keras(chain(shape, norm, L.Dense(2)), x)
    frozen = L.TimeDistributed(L.BatchNormalization(trainable=False))
    beside_keras(chain(shape, frozen, L.Dense(2)), x)


def test_each_step_may_be_masked() -> None:
    norm = L.TimeDistributed(L.BatchNormalization(momentum=0.9))
    beside_keras(chain((4, 3), L.Masking(), norm, L.Dense(2)), sequences((6, 4, 3)))


class Draws:
    """Makes Keras and PyTorch drop the same: what Keras draws is drawn again, gate by gate."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, order: Sequence[int]) -> None:
        self.kept: list[np.ndarray] = []
        self.order, self.count = order, 0
        self.rng = np.random.default_rng(0)
        monkeypatch.setattr(keras.src.backend.random, "dropout", self.keras)
        monkeypatch.setattr(torch.nn.functional, "dropout", self.torch)
        monkeypatch.setattr(torch.nn.functional, "dropout1d", self.torch)

    def keras(self, x: Any, rate: float, **_: Any) -> Any:
        self.kept.append((self.rng.random(x.shape) >= rate) / (1 - rate))
        return x * self.kept[-1]

    def torch(self, x: torch.Tensor, p: float, training: bool = True) -> torch.Tensor:
        assert training
        first = self.count - self.count % len(self.order)
        mask = self.kept[first + self.order[self.count % len(self.order)]]
        self.count += 1
        if mask.ndim > 2:
            mask, lengths = np.moveaxis(mask, -1, 1), [*x.shape]
        else:  # where x is (batch, features, steps), all steps share it
            lengths = [*mask.shape, 1] if x.dim() == 3 and x.shape[1] > 1 else [*x.shape]
        assert {0.0, 1 / (1 - p)} == set(np.unique(mask))
        return x * torch.from_numpy(mask).reshape(lengths)


def cells(**options: Any) -> Any:
    return L.StackedRNNCells([L.LSTMCell(4, **options), L.LSTMCell(3, **options)])


BOTH = {"dropout": 0.3, "recurrent_dropout": 0.4}
GRU_ORDER = (1, 0, 2)
DROPPING: list[tuple[Callable[[], Any], Sequence[int]]] = [
    (lambda: L.LSTM(4, **BOTH), (0,)),
    (lambda: L.LSTM(4, recurrent_dropout=0.4, return_sequences=True), (0,)),
    (lambda: L.LSTM(4, dropout=0.3), (0,)),
    (lambda: L.GRU(4, **BOTH), GRU_ORDER),
    (lambda: L.GRU(4, **BOTH, reset_after=False), GRU_ORDER),
    (lambda: L.GRU(4, dropout=0.3, return_sequences=True), (0,)),
    (lambda: L.GRU(4, dropout=0.3, reset_after=False), (0,)),
    (lambda: L.SimpleRNN(4, **BOTH), (0,)),
    (lambda: L.Bidirectional(L.LSTM(4, **BOTH)), (0,)),
    (lambda: L.Bidirectional(L.GRU(4, dropout=0.3)), (0,)),
    (lambda: L.RNN(L.LSTMCell(4, **BOTH)), (0,)),
    (lambda: L.RNN(cells(**BOTH)), (0,)),
    (lambda: L.ConvLSTM1D(3, 2, **BOTH), (0,)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "order", "masked"),
    [(*given, masked) for masked in (False, True) for given in DROPPING[: 2 if masked else None]],
)
def test_recurrent_layers_drop_as_keras_does(
    make: Callable[[], Any], order: Sequence[int], masked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same inputs and states at every step, other ones for each gate where Keras does so."""
    layer = make()
    shape = (3, 5, 2) if "Conv" in type(layer).__name__ else (5, 3)
    model = chain(shape, *[L.Masking()] * masked, layer)
    twin = torchtwin.convert(model, layout="keras")
    draws = Draws(monkeypatch, order)
    x = sequences((4, *shape))
    wanted = np.asarray(model(x, training=True))
    got = twin.module.train()(torch.from_numpy(x)).detach().numpy()
    assert draws.count == len(draws.kept) > 0
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-9)


def test_steps_of_a_model_with_batch_statistics_are_refused() -> None:
    inner = keras.Sequential([keras.Input((3,)), L.Dense(4), L.BatchNormalization()])
    twin = torchtwin.convert(chain((5, 3), L.TimeDistributed(inner)))
    assert twin.train is None
    assert "batch statistics" in str(twin.untrained)
    inner.layers[1].trainable = False
    assert torchtwin.convert(chain((5, 3), L.TimeDistributed(inner))).train is not None


SAMPLES, FEATURES = 64, 200
NOISES: list[tuple[Callable[[], Any], tuple[int, ...], tuple[int, ...]]] = [
    (lambda: L.Dropout(0.3), (FEATURES,), ()),
    (lambda: L.Dropout(0.3, noise_shape=(None, 1, None)), (7, FEATURES), (1,)),
    (lambda: L.Dropout(0.3, noise_shape=(1, None, None, 1)), (25, 40, 3), (0, 3)),
    (lambda: L.SpatialDropout1D(0.3), (7, FEATURES), (1,)),
    (lambda: L.SpatialDropout2D(0.3), (3, 2, FEATURES), (1, 2)),
    (lambda: L.SpatialDropout2D(0.3, data_format="channels_first"), (FEATURES, 3, 2), (2, 3)),
    (lambda: L.SpatialDropout3D(0.3), (2, 3, 2, FEATURES), (1, 2, 3)),
    (lambda: L.AlphaDropout(0.3), (FEATURES,), ()),
    (lambda: L.AlphaDropout(0.3, noise_shape=(None, 1, None)), (7, FEATURES), (1,)),
    (lambda: L.GaussianDropout(0.3), (FEATURES,), ()),
    (lambda: L.GaussianNoise(0.3), (FEATURES,), ()),
    (lambda: L.TimeDistributed(L.Dropout(0.3)), (7, FEATURES), ()),
]


@pytest.mark.parametrize(("make", "shape", "shared"), NOISES)
def test_noise_has_the_statistics_of_keras(
    make: Callable[[], Any], shape: tuple[int, ...], shared: tuple[int, ...]
) -> None:
    """Mean, deviation and the share of each value; what shares its fate is equal."""
    model = keras.Sequential([keras.Input(shape), make()])
    twin = torchtwin.convert(model)
    x = np.full((SAMPLES, *shape), 1.5)
    theirs = np.asarray(model(x, training=True))
    order = twin.program.inputs[0].layout or tuple(range(x.ndim))
    torch.manual_seed(0)
    mine = twin.module.train()(torch.from_numpy(x.transpose(order))).numpy()
    mine = mine.transpose(np.argsort(order))
    assert mine.shape == theirs.shape
    for axis in shared:
        assert (np.ptp(mine, axis) == 0).all()
        assert (np.ptp(theirs, axis) == 0).all()
        mine, theirs = mine.take([0], axis), theirs.take([0], axis)
    error = 5 * theirs.std() * (2 / mine.size) ** 0.5
    assert abs(mine.mean() - theirs.mean()) < error
    assert abs(mine.std() - theirs.std()) < error
    values, counts = np.unique(mine.round(9), return_counts=True)
    if len(values) == 2:
        np.testing.assert_allclose(values, np.unique(theirs.round(9)), rtol=0, atol=1e-8)
        dropped = np.sum(theirs.round(9) == theirs.round(9).min())
        assert abs(counts[0] - dropped) / mine.size < 5 * (2 * 0.21 / mine.size) ** 0.5
    else:  # normal noise has no mass anywhere, and thin tails
        assert len(values) > 0.99 * mine.size
        got, wanted = (np.quantile(a, [0.05, 0.25, 0.75, 0.95]) for a in (mine, theirs))
        np.testing.assert_allclose(got, wanted, rtol=0, atol=2 * error)


@pytest.mark.parametrize("where", ["layer", "nested", "inside", "wrapped"])
def test_frozen_layers_stay_and_the_rest_is_trained(where: str, tmp_path: Any) -> None:
    """A frozen BatchNormalization normalises by its moving statistics."""
    part: Any = keras.Sequential([keras.Input((4,)), L.Dense(4), L.BatchNormalization()])
    if where == "wrapped":
        part = L.TimeDistributed(L.BatchNormalization())
    layers = [L.Dense(4, trainable=where != "layer"), L.BatchNormalization(momentum=0.9), part]
    if where == "layer":
        layers[1].trainable = False
    elif where == "inside":
        part.layers[1].trainable = False
    else:
        part.trainable = False
    shape = (3, 4) if where == "wrapped" else (4,)
    model = chain(shape, *layers, L.Dropout(0.0), L.Dense(2))
    before = [w.copy() for w in model.get_weights()]
    x = np.random.default_rng(3).normal(size=(6, *shape))
    model.save(tmp_path / "model.keras")
    twin = beside_keras(model, x)
    assert sum(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    trained = sum(p.numel() for p in twin.module.parameters() if p.requires_grad)
    assert trained == sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    stored = torchtwin.convert(tmp_path / "model.keras")
    assert stored.source.count("requires_grad_(False)") == twin.source.count(
        "requires_grad_(False)"
    )


def test_a_model_frozen_as_a_whole_has_nothing_to_train() -> None:
    model = chain((4,), L.Dense(3), L.BatchNormalization())
    model.trainable = False
    model.compile("sgd", "mse")
    twin = torchtwin.convert(model)
    assert twin.train is None
    assert "nothing to train" in str(twin.untrained)


@pytest.mark.parametrize(
    ("shape", "layers", "layout"),
    [((6, 3), [L.BatchNormalization, L.Flatten], "torch"),
     ((6, 5, 3), [lambda: L.BatchNormalization(axis=1, momentum=0.5), L.Flatten], "torch"),
     ((6, 5, 3), [L.BatchNormalization, L.Flatten], "keras"),
     ((3, 4, 2, 3), [lambda: L.BatchNormalization(scale=False), L.Flatten], "torch"),
     ((4,), [L.UnitNormalization], "torch"),
     ((3, 4), [lambda: L.UnitNormalization(axis=1), L.Flatten], "torch"),
     ((4,), [L.Normalization, L.Dense], "torch"),
     ((4, 5, 6), [lambda: L.GroupNormalization(3), L.Flatten], "torch"),
     ((4, 5, 6), [lambda: L.GroupNormalization(3), L.Flatten], "keras")],
)  # fmt: skip
def test_normalisation_in_training(
    shape: tuple[int, ...], layers: list[Callable[[], Any]], layout: str
) -> None:
    made = [layer(5) if layer is L.Dense else layer() for layer in layers]
    model = chain(shape, *made, L.Dense(2))
    x = np.random.default_rng(3).normal(size=(5, *shape))
    x[0] = 0.0
    constant = [w.numpy() for w in model.layers[0].weights if "Norm" in str(type(made[0]))]
    beside_keras(model, x, layout)
    if isinstance(made[0], L.Normalization):
        now = [w.numpy() for w in made[0].weights]
        assert all(np.array_equal(a, b) for a, b in zip(constant, now, strict=True))


def test_one_sample_is_a_batch() -> None:
    model = chain((4,), L.Dense(3), L.BatchNormalization(momentum=0.5), L.Dense(2))
    beside_keras(model, np.random.default_rng(3).normal(size=(1, 4)))


@pytest.mark.parametrize("iterations", [1, 3])
def test_spectral_normalisation(iterations: int) -> None:
    """A layer changes its weight in training; Keras on JAX keeps that outside `fit` only."""
    layer = L.SpectralNormalization(L.Dense(3), power_iterations=iterations)
    model = chain((4,), layer, L.Activation("tanh"), L.Dense(2))
    twin = torchtwin.convert(model)
    assert "a spectral norm divided the weight" in " ".join(twin.train.split())
    module = twin.module.train()
    x = np.random.default_rng(3).normal(size=(5, 4))
    for _ in range(3):
        wanted = np.asarray(model(x, training=True))
        np.testing.assert_allclose(module(torch.from_numpy(x)).detach(), wanted, rtol=1e-9)
    assert_same_weights(twin, model, 1e-9)


def test_the_masked_module_trains_alike_without_train_py() -> None:
    model = chain((5, 3), L.Masking(), L.BatchNormalization(momentum=0.9), L.Dense(2))
    twin = torchtwin.convert(model)
    x = torch.from_numpy(sequences((6, 5, 3)))
    got, again = twin.module.train()(x), dict(twin.module.state_dict())
    again = {name: value.clone() for name, value in again.items()}
    module = twin.training.load().double()
    twin.training.Run(module).forward.train()
    wanted = module(x)
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-12)
    for name, value in module.state_dict().items():
        if "running" in name:
            torch.testing.assert_close(value, again[name], rtol=0, atol=1e-12)
