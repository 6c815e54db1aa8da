"""Weights of Keras's layers put into modules: orders, choices, first calls, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import keras
import numpy as np
import pytest
import torch
from torch import nn

from torchtwin import UnreadableModel, UnsupportedError, load_keras_weights
from torchtwin.nn.lazy import LazyModule
from torchtwin.nn.masked import MaskedLSTM
from torchtwin.translate.parts.metrics import Mean

pytestmark = pytest.mark.filterwarnings("ignore:`build..` was called on layer:UserWarning")


def drawn(layer: keras.Layer, x: Any) -> list[np.ndarray]:
    """Build a layer of Keras, and give it weights that differ from each other."""
    layer(x)
    random = np.random.default_rng(3)
    layer.set_weights([random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return layer.get_weights()


def agree(module: nn.Module, layer: keras.Layer, x: np.ndarray, *, last: bool = True) -> None:
    """Compare what both give; a module that wants channels in front gets them there."""
    given = torch.from_numpy(x)
    result = module(given if last else given.movedim(-1, 1))
    result = result if last else result.movedim(1, -1)
    wanted = np.asarray(layer(x))
    assert tuple(result.shape) == wanted.shape
    np.testing.assert_allclose(result.detach().numpy(), wanted, rtol=1e-4, atol=1e-4)


X = np.random.default_rng(0).standard_normal((2, 7, 6, 4)).astype("float32")
ROWS = X[:, :, 0]
K = keras.layers


@pytest.mark.parametrize(
    ("module", "layer", "x"),
    [
        (nn.Linear(4, 4), K.Dense(4), ROWS),
        (nn.LazyLinear(3, bias=False), K.Dense(3, use_bias=False), ROWS),
        (nn.Conv1d(4, 4, 4), K.Conv1D(4, 4), ROWS),
        (nn.Conv2d(4, 4, (4, 2), groups=2), K.Conv2D(4, (4, 2), groups=2), X),
        (nn.Conv2d(4, 4, 3, groups=4), K.Conv2D(4, 3, groups=4), X),
        (nn.Conv2d(4, 8, 3, groups=4), K.DepthwiseConv2D(3, depth_multiplier=2), X),
        (nn.LazyConv2d(5, 3), K.Conv2D(5, 3), X),
        (nn.LazyConv2d(6, 3, groups=2), K.Conv2D(6, 3, groups=2), X),
        (nn.ConvTranspose2d(4, 4, 3), K.Conv2DTranspose(4, 3), X),
        (nn.LazyConvTranspose2d(5, 3), K.Conv2DTranspose(5, 3), X),
        (nn.BatchNorm2d(4, eps=1e-3), K.BatchNormalization(), X),
        (nn.LazyBatchNorm2d(eps=1e-3), K.BatchNormalization(), X),
        (nn.LayerNorm(4, eps=1e-3), K.LayerNormalization(), ROWS),
        (nn.GroupNorm(2, 4, eps=1e-3), K.GroupNormalization(2), X),
    ],
    ids=lambda value: type(value).__name__,
)
def test_torch_s_modules(module: nn.Module, layer: keras.Layer, x: np.ndarray) -> None:
    load_keras_weights(module, drawn(layer, x))
    agree(module.eval(), layer, x, last=isinstance(module, nn.Linear | nn.LayerNorm))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_modules_of_torch(kind: str) -> None:
    layer = getattr(K, kind.replace("RNN", "SimpleRNN"))(4, return_sequences=True)
    module = getattr(nn, kind)(4, 4, batch_first=True)
    load_keras_weights(module, drawn(layer, ROWS))
    result = module(torch.from_numpy(ROWS))[0].detach().numpy()
    np.testing.assert_allclose(result, np.asarray(layer(ROWS)), rtol=1e-4, atol=1e-5)
    both = getattr(nn, kind)(4, 4, batch_first=True, bidirectional=True)
    layer = K.Bidirectional(getattr(K, kind.replace("RNN", "SimpleRNN"))(4, return_sequences=True))
    load_keras_weights(both, drawn(layer, ROWS))
    result = both(torch.from_numpy(ROWS))[0].detach().numpy()
    np.testing.assert_allclose(result, np.asarray(layer(ROWS)), rtol=1e-4, atol=1e-5)


def test_embedding_is_not_transposed() -> None:
    module, layer = nn.Embedding(4, 4), K.Embedding(4, 4)
    load_keras_weights(module, drawn(layer, np.array([[1]])))
    assert torch.equal(module(torch.tensor([2])), torch.from_numpy(layer.get_weights()[0][2:3]))


class KerasScale(keras.layers.Layer):
    """Variables, trained or not, made in `build` in a mixed order."""

    def build(self, shape: Any) -> None:
        size = (shape[-1],)
        self.count = self.add_weight(shape=size, initializer="ones", trainable=False)
        self.gain = self.add_weight(shape=size, initializer="ones")
        self.parts = [self.add_weight(shape=size, initializer="ones") for _ in range(2)]
        self.shift = self.add_weight(shape=size, initializer="zeros")

    def call(self, x: Any) -> Any:
        return (x * self.gain + self.parts[0]) * self.parts[1] + self.shift * self.count


class Scale(LazyModule):
    def build(self, shape: Any) -> None:
        size = shape[-1]
        self.register_buffer("count", torch.ones(size))
        self.register_buffer("places", torch.arange(size), persistent=False)
        self.gain = nn.Parameter(torch.ones(size))
        self.parts = nn.ParameterList([nn.Parameter(torch.ones(size)) for _ in range(2)])
        self.shift = nn.Parameter(torch.zeros(size))

    def forward(self, x: Any) -> Any:
        return (x * self.gain + self.parts[0]) * self.parts[1] + self.shift * self.count


class KerasNet(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.scale = KerasScale()
        self.norm = K.BatchNormalization(epsilon=1e-5)
        self.layer = K.Dense(4)
        self.heads = [K.Dense(4), self.layer, K.Dense(3)]
        self.never = K.Dense(4)

    def call(self, x: Any) -> Any:
        x = self.norm(self.scale(self.layer(x)))
        for head in self.heads:
            x = head(x)
        return x


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = Scale()
        self.norm = nn.BatchNorm1d(4)
        self.layer = nn.LazyLinear(4)
        self.heads = nn.ModuleList([nn.LazyLinear(4), self.layer, nn.LazyLinear(3)])
        self.never = nn.LazyLinear(4)
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Any) -> Any:
        x = self.drop(self.norm(self.scale(self.layer(x))))
        for head in self.heads:
            x = head(x)
        return x


FLAT = ROWS[:, 0]


def test_first_call_builds_and_changes_nothing_else() -> None:
    """The first call in training mode does what the second does, in state and random numbers."""
    layer = KerasNet()
    weights = drawn(layer, FLAT)
    waiting, ready = Net(), Net()
    load_keras_weights(waiting, weights)
    load_keras_weights(ready, weights, torch.from_numpy(FLAT))
    assert waiting.training
    assert all(m.training for m in ready.modules())
    results = []
    for module in (waiting, ready):
        torch.manual_seed(5)
        results.append(module(torch.from_numpy(FLAT)))
    assert torch.equal(*results)
    assert all(m.training for m in waiting.modules())
    for name, value in ready.state_dict().items():
        if not name.startswith("never"):
            assert torch.equal(value, waiting.state_dict()[name]), name
    load_keras_weights(waiting, weights)
    agree(waiting.eval(), layer, FLAT)


def test_a_building_call_counts_for_no_metric() -> None:
    """A layer may measure what passes; the call that only builds is not among it."""

    class Measured(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.mean = nn.LazyLinear(2), Mean(name="mean")

        def forward(self, x: Any) -> Any:
            self.mean.update_state(x)
            return self.layer(x)

    module, weights = Measured(), [np.ones((3, 2), "float32"), np.ones(2, "float32")]
    module.mean.update_state(torch.zeros(2))
    load_keras_weights(module, weights, torch.ones(4, 3))
    assert module.mean.result() == 0
    alone = Mean()
    for values in (torch.zeros(2), torch.ones(1, 3)):
        alone.update_state(values)
    module(torch.ones(1, 3))
    assert module.mean.result() == alone.result() > 0


def test_waiting_weights_are_not_forgotten() -> None:
    weights = drawn(KerasNet(), FLAT)
    module = Net()
    load_keras_weights(module, weights)
    with pytest.raises(UnreadableModel, match="first call of Net"):
        module.layer(torch.from_numpy(FLAT))
    with pytest.raises(UnreadableModel, match="first call of Net"):
        module.state_dict()
    twin = copy.deepcopy(module)
    for one in (module, twin):
        one.eval()(torch.from_numpy(FLAT))
        agree(one, _filled(weights), FLAT)
    assert torch.equal(module.state_dict()["scale.gain"], twin.state_dict()["scale.gain"])


def _filled(weights: list[np.ndarray]) -> keras.Layer:
    layer = KerasNet()
    layer(FLAT)
    layer.set_weights(weights)
    return layer


def test_a_first_call_that_fails_fails_again() -> None:
    weights = drawn(KerasNet(), FLAT)
    module = Net()
    load_keras_weights(module, weights[1:])
    for _ in range(2):
        with pytest.raises(UnreadableModel, match="14 weights are given, the module takes 15"):
            module(torch.from_numpy(FLAT))


def test_order_of_tf_keras() -> None:
    """All that is trained comes first there; a model's own variables come last."""
    layer = KerasNet()
    weights = drawn(layer, FLAT)
    trained = [id(w) for w in layer.trainable_weights]
    order = sorted(range(len(weights)), key=lambda k: id(layer.weights[k]) not in trained)
    assert order != sorted(order)
    module = Net().eval()
    load_keras_weights(module, [weights[k] for k in order], torch.from_numpy(FLAT))
    agree(module, layer, FLAT)


def test_copies_are_known_by_what_they_say() -> None:
    """A class of torchtwin.nn that was copied into a program may have another name there."""

    class Renamed(nn.Module):
        __doc__ = MaskedLSTM.__doc__
        __init__ = nn.Module.__init__

        def forward(self, x: Any) -> Any:
            return MaskedLSTM.forward(self, x)  # type: ignore[arg-type]

    module = Renamed()
    for name, value in MaskedLSTM(4, 4).named_parameters():
        module.register_parameter(name, value)
    layer = K.LSTM(4, return_sequences=True)
    load_keras_weights(module, drawn(layer, ROWS))
    result = module(torch.from_numpy(ROWS))[0].detach().numpy()
    np.testing.assert_allclose(result, np.asarray(layer(ROWS)), rtol=1e-4, atol=1e-5)


def test_refusals() -> None:
    module = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    weights = [np.zeros(s) for s in [(3, 5), (5,), (5, 2), (2,)]]
    load_keras_weights(module, weights)
    with pytest.raises(UnreadableModel) as caught:
        load_keras_weights(module, [*weights[:2], weights[2].T, weights[3]])
    assert "weight 2 of 4 has the shape (2, 5), kernel takes (5, 2)" in str(caught.value)
    assert caught.value.where == "2"
    assert caught.value.hint
    with pytest.raises(UnreadableModel, match="5 weights are given, the module takes 4"):
        load_keras_weights(module, [*weights, weights[3]])
    with pytest.raises(UnreadableModel, match="3 weights are given") as caught:
        load_keras_weights(module, weights[:3])
    assert caught.value.where == "2.bias"
    with pytest.raises(UnsupportedError, match="Bilinear"):
        load_keras_weights(nn.Bilinear(2, 2, 2), [np.zeros((2, 2, 2)), np.zeros(2)])


class Shifted(nn.Module):
    """A module whose first weight is not trained: Keras has it behind the others."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(3), requires_grad=False)
        self.scale = nn.Parameter(torch.ones(3))


def test_own_weights_that_are_not_trained_come_last() -> None:
    module, (scale, shift) = Shifted(), (np.full(3, 2.0), np.full(3, 5.0))
    load_keras_weights(module, [scale, shift])
    assert module.scale.tolist() == scale.tolist()
    assert module.shift.tolist() == shift.tolist()
