"""`reset_parameters` of model.py beside the initialisers of Keras.

Exactly: with random draws replaced, on both sides, by the edge of what they draw from, a Keras
model and a twin start from the same numbers. And by draws: their widths, cuts and shapes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras
import torch
from keras import initializers as ki
from keras import layers as kl
from torch import nn

import torchtwin
from torchtwin.emit.reset import resets_of
from torchtwin.training.initializers import ARGUMENTS
from torchtwin.training.variables import weights_of
from variable_layers import KINDS, every, model_of

SAMPLES = {
    "Zeros": ki.Zeros, "Ones": ki.Ones, "Constant": lambda: ki.Constant(0.3),
    "RandomUniform": lambda: ki.RandomUniform(-0.1, 0.4),
    "RandomNormal": lambda: ki.RandomNormal(0.2, 0.3),
    "TruncatedNormal": lambda: ki.TruncatedNormal(-0.1, 0.7),
    "GlorotUniform": ki.GlorotUniform, "GlorotNormal": ki.GlorotNormal,
    "HeUniform": ki.HeUniform, "HeNormal": ki.HeNormal,
    "LecunUniform": ki.LecunUniform, "LecunNormal": ki.LecunNormal,
}  # fmt: skip

SCALES = [
    ki.HeUniform, ki.HeNormal, lambda: ki.VarianceScaling(3.0, "fan_in", "uniform"),
    lambda: ki.VarianceScaling(2.0, "fan_out"),
    lambda: ki.VarianceScaling(1.0, "fan_out", "uniform"),
    lambda: ki.VarianceScaling(0.5, "fan_avg", "untruncated_normal"),
    lambda: ki.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
]  # fmt: skip
"""One of these for each kind of layer, and Keras's defaults for all."""


@pytest.fixture
def edges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace draws by their edge: the upper bound, or one width above the mean."""
    from keras.src.initializers import random_initializers

    def of_keras(spread: Callable[..., float]) -> Callable[..., Any]:
        def draw(shape: Any, *args: Any, dtype: Any = None, **kw: Any) -> Any:
            kw.pop("seed")
            return keras.ops.full(shape, spread(*args, **kw), dtype=dtype)

        return draw

    class Random:
        uniform = staticmethod(of_keras(lambda minval, maxval: maxval + minval / 8))
        normal = staticmethod(of_keras(lambda mean, stddev: mean + stddev))
        truncated_normal = staticmethod(of_keras(lambda mean, stddev: mean + 1.5 * stddev))
        make_default_seed = staticmethod(lambda: 1)
        SeedGenerator = keras.random.SeedGenerator

    def truncated(x: torch.Tensor, mean: float, std: float, a: float, b: float) -> torch.Tensor:
        assert (a, b) == (mean - 2 * std, mean + 2 * std)
        with torch.no_grad():
            return x.fill_(mean + 1.5 * std)

    monkeypatch.setattr(random_initializers, "random", Random)
    monkeypatch.setattr(nn.init, "trunc_normal_", truncated)
    monkeypatch.setattr(torch.Tensor, "uniform_", lambda x, a, b, **_: x.fill_(b + a / 8))
    monkeypatch.setattr(torch.Tensor, "normal_", lambda x, mean, std, **_: x.fill_(mean + std))


def fresh(model: keras.Model) -> tuple[nn.Module, dict[str, torch.Tensor]]:
    """Return a twin whose weights were all lost, then drawn anew, and those that it had."""
    module = torchtwin.convert(model).module
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.fill_(77)
    module.reset_parameters()
    return module, before


def same_start(model: keras.Model, tolerance: float = 1e-6) -> None:
    module, wanted = fresh(model)
    for name, value in module.state_dict().items():
        assert value.shape == wanted[name].shape
        assert value.dtype == wanted[name].dtype
        torch.testing.assert_close(value, wanted[name], rtol=tolerance, atol=0)


def check_exactly(kind: str, **arguments: Any) -> None:
    same_start(model_of(KINDS[kind], random=False, **arguments), 1e-12)


@pytest.mark.usefixtures("edges")
@pytest.mark.parametrize("name", KINDS)
def test_every_variable_of_every_layer(name: str) -> None:
    kind = KINDS[name]
    scale = SCALES[list(KINDS).index(name) % len(SCALES)]
    check_exactly(name, **every(kind, "initializer", scale))
    without = {"recurrent_initializer": "ones"} if "recurrent" in kind.keys else {}
    check_exactly(name, **without)  # orthogonal by default, which has a test of its own


@pytest.mark.usefixtures("edges")
@pytest.mark.parametrize("initializer", SAMPLES)
@pytest.mark.parametrize("name", ["Conv2D", "DepthwiseConv2D", "Bidirectional LSTM"])
def test_every_initializer(name: str, initializer: str) -> None:
    check_exactly(name, **every(KINDS[name], "initializer", SAMPLES[initializer]))


def check_matrix(name: str, keys: list[str], dtype: str, gain: float) -> None:
    """Draws of Orthogonal have orthogonal rows or columns, in Keras's shape."""
    kind = KINDS[name]
    model = model_of(kind, dtype, **{f"{key}_initializer": ki.Orthogonal(gain) for key in keys})
    program = torchtwin.convert(model).program
    state = fresh(model)[0].state_dict()
    checked = [weight for weight in weights_of(program) if weight.key in keys]
    assert {weight.key for weight in checked} == set(keys)
    for weight in checked:
        value = weight.notation.invert(state[weight.path].double().numpy())
        matrix = value.reshape(-1, weight.keras_shape[-1])
        matrix = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
        tolerance = {"float64": 1e-12, "float32": 1e-5, "bfloat16": 0.05}[dtype]
        wanted = gain**2 * np.eye(matrix.shape[1])
        np.testing.assert_allclose(matrix.T @ matrix, wanted, atol=tolerance)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what Keras would draw: it takes long, and JAX cannot in half precision."""
    zeros = ki.Zeros()
    monkeypatch.setattr(ki.Orthogonal, "__call__", lambda _, shape, dtype: zeros(shape, dtype))


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", KINDS)
def test_orthogonal(name: str) -> None:
    matrices = ("kernel", "recurrent", "embeddings", "depthwise", "pointwise")
    if keys := [key for key in KINDS[name].keys if key in matrices]:
        check_matrix(name, keys, "float64", 1.5)


@pytest.mark.usefixtures("undrawn")
def test_orthogonal_in_single_and_half_precision() -> None:
    check_matrix("Dense", ["kernel"], "float32", 1.0)
    check_matrix("MultiHeadAttention", ["kernel"], "float32", 1.0)
    check_matrix("Dense", ["kernel"], "bfloat16", 1.0)
    check_matrix("GRU", ["recurrent"], "bfloat16", 1.0)


@pytest.mark.usefixtures("edges")
@pytest.mark.parametrize("name", ["Dense", "Dense behind Flatten", "Embedding", "LSTM", "GRU",
                                  "SimpleRNN with dropout", "EinsumDense as Dense"])  # fmt: skip
def test_identity(name: str) -> None:
    """Without its gain, which Keras 3 does not save."""
    keys = [key for key in KINDS[name].keys if key in ("kernel", "recurrent", "embeddings")]
    ones = {"recurrent_initializer": "ones"} if "recurrent" in keys else {}
    for key in keys:
        check_exactly(name, **{**ones, f"{key}_initializer": ki.Identity()})


def test_identity_of_a_size() -> None:
    dense = tf_keras.layers.Dense(3, kernel_initializer=tf_keras.initializers.Identity(0.5))
    model = tf_keras.Sequential([tf_keras.Input((4,)), dense])
    same_start(model)


@pytest.mark.usefixtures("edges")
def test_a_short_array() -> None:
    values = np.arange(5.0)
    check_exactly("Dense", kernel_initializer=ki.Constant(values.tolist()))
    check_exactly("Conv2D", bias_initializer=ki.Constant([1.0, 2.0, 3.0, 4.0]))


@pytest.mark.usefixtures("edges")
@pytest.mark.parametrize("kind", ["GlorotUniform", "Constant", "RandomNormal"])
@pytest.mark.parametrize("open_at_first", [True, False])
@pytest.mark.parametrize("name", ["LSTM", "LSTM, hard", "Bidirectional LSTM", "ConvLSTM2D"])
def test_the_forget_gate(name: str, open_at_first: bool, kind: str) -> None:
    check_exactly(
        name, recurrent_initializer="ones", unit_forget_bias=open_at_first,
        bias_initializer=SAMPLES[kind](),
    )  # fmt: skip


FIXED: dict[str, Callable[[Any], Any]] = {
    "RMSNormalization": kl.RMSNormalization(),
    "Attention": lambda x: kl.Attention(use_scale=True, score_mode="concat")([x, x]),
    "AdditiveAttention": lambda x: kl.AdditiveAttention()([x, x]),
    "BatchNormalization without gamma": kl.BatchNormalization(scale=False),
    "BatchNormalization from others": kl.BatchNormalization(
        gamma_initializer="zeros", moving_mean_initializer=ki.Constant(0.5), trainable=False
    ),
    "LayerNormalization without beta": kl.LayerNormalization(center=False),
    "no initialisers at all": kl.Dense(3, kernel_initializer=None, bias_initializer=None),
    "einsum over several axes": kl.EinsumDense("abc,bcd->ad", (5,)),
    "einsum with axes given": kl.EinsumDense(
        "abc,cde->abde", (None, 3, 2),
        kernel_initializer=ki.GlorotUniform(input_axes=[0, 1], output_axes=[2]),
    ),
    "scaled by axes": kl.Dense(3, kernel_initializer=ki.HeNormal(input_axes=[1], output_axes=[0])),
}  # fmt: skip


@pytest.mark.usefixtures("edges")
@pytest.mark.parametrize("name", FIXED)
def test_variables_without_an_argument(name: str) -> None:
    given = keras.Input((4, 6))
    layer = FIXED[name]
    if isinstance(layer, kl.Layer):  # made once for all tests: its weights are not
        layer = layer.__class__.from_config(layer.get_config())
    x = layer(given)
    same_start(keras.Model(given, x))


@pytest.mark.parametrize("name", [n for n in ARGUMENTS if n not in ("Orthogonal", "Identity")])
def test_draws(name: str) -> None:
    """As wide, cut where Keras cuts, and as even or as peaked: 160 000 draws of each."""
    keras.utils.set_random_seed(1)
    initializer = getattr(ki, name)()
    layer = kl.Dense(400, kernel_initializer=initializer, name="dense")
    model = keras.Sequential([keras.Input((400,)), layer])
    torch.manual_seed(1)
    got = fresh(model)[0].dense.weight.detach().numpy()
    wanted = keras.ops.convert_to_numpy(layer.kernel)
    width = max(float(wanted.std()), 1e-9)
    assert abs(got.mean() - wanted.mean()) < 0.02 * width
    for power in (1, 2, 4):
        moment = (np.abs(wanted) ** power).mean()
        assert abs((np.abs(got) ** power).mean() - moment) <= 0.02 * moment
    assert np.abs(got).max() == pytest.approx(np.abs(wanted).max(), rel=0.15)
    if name.endswith("Uniform") or "Trunc" in name or name in ("HeNormal", "GlorotNormal"):
        assert np.abs(got).max() == pytest.approx(np.abs(wanted).max(), rel=2e-3)


def blocks(count: int, **special: Any) -> keras.Model:
    """Return a chain of convolutions and normalisations, as in a ResNet."""
    x = given = keras.Input((4, 4, 3))
    for k in range(count):
        odd = k == count // 2
        more: dict[str, Any] = special if odd else {}
        x = kl.Conv2D(3, 3, padding="same", use_bias=k % 3 == 0, **more)(x)
        x = kl.BatchNormalization(gamma_initializer="zeros" if odd else "ones")(x)
        x = kl.ReLU()(x)
    return keras.Model(given, kl.Dense(2)(kl.Flatten()(x)))


def method(model: keras.Model) -> str:
    source = torchtwin.convert(model).source
    return source.partition("def reset_parameters(self):")[2].partition("    def forward")[0]


@pytest.mark.usefixtures("edges")
def test_a_deep_model_is_reset_in_a_few_lines() -> None:
    for special in ({}, {"kernel_initializer": "he_normal"}):
        model = blocks(12, **special)
        same_start(model)
        assert method(model).count("\n") < 17


@pytest.mark.usefixtures("edges")
def test_layers_of_one_kind_that_start_otherwise() -> None:
    x = given = keras.Input((4, 4, 3))
    for k in range(10):
        own = {"kernel_initializer": "he_uniform"} if k < 7 else {}
        x = kl.Conv2D(3, 3, padding="same", name=f"a_long_name_{k}", **own)(x)
    x = kl.Flatten()(x)
    for k in range(8):
        x = kl.Dense(4, name=f"another_long_name_{k}")(x)
    model = keras.Model(given, x)
    same_start(model)
    assert "isinstance(layer, nn.Conv2d):" in method(model)
    assert "isinstance(layer, nn.Linear):" in method(model)


@pytest.mark.parametrize("layer", [kl.GRU, kl.LSTM])
@pytest.mark.parametrize("every", [1, 3])
def test_many_recurrent_layers(layer: Any, every: int) -> None:
    x = inputs = keras.Input((5, 4))
    for k in range(14):
        name = f"recurrent_layer_{k}"
        x = layer(4, return_sequences=True, use_bias=k % every == 0, name=name)(x)
    module = torchtwin.convert(keras.Model(inputs, kl.Dense(3)(x))).module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    torch.manual_seed(1)
    module.reset_parameters()
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]) == ("bias" in name), name


@pytest.mark.usefixtures("edges")
def test_nested_frozen_and_shared_layers_start_as_in_keras() -> None:
    """Keras draws the weights of a frozen layer too."""
    inner = keras.Sequential([keras.Input((4,)), kl.Dense(4), kl.Dense(4, "relu")], name="inner")
    empty = keras.Sequential([keras.Input((4,)), kl.Dropout(0.5)], name="empty")
    shared = kl.Dense(4, kernel_initializer="he_uniform", trainable=False)
    given = keras.Input((4,))
    model = keras.Model(given, inner(shared(empty(inner(shared(given))))))
    same_start(model)
    assert torchtwin.convert(model).source.count("def reset_parameters") == 2


def test_what_is_trained_changes_and_what_comes_from_data_stays() -> None:
    scale = kl.Normalization(mean=[1.0, 2.0], variance=[3.0, 4.0])
    adapted = kl.Normalization()
    adapted.adapt(np.random.default_rng(0).normal(3, 2, (50, 2)))
    given = keras.Input((2,))
    x = kl.Dense(3)(kl.Concatenate()([scale(given), adapted(given)]))
    model = keras.Model(given, x)
    module = torchtwin.convert(model).module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.reset_parameters()
    trained = {name for name, p in module.named_parameters() if p.requires_grad}
    for name, value in module.state_dict().items():
        same = torch.equal(value, before[name])
        assert same != (name in trained and "weight" in name), name


@keras.saving.register_keras_serializable("tests")
class Stripes(ki.Initializer):
    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return keras.ops.ones(shape, dtype)

    def get_config(self) -> dict[str, Any]:
        return {}


def refused() -> Iterator[tuple[str, kl.Layer, str]]:
    table = np.random.default_rng(0).normal(size=(9, 8))
    yield "author's", kl.Dense(3, kernel_initializer=Stripes()), "tests>Stripes of kernel"
    yield "table", kl.Dense(8, kernel_initializer=ki.Constant(table[0])), ""
    yield "large", kl.Dense(70, bias_initializer=ki.Constant([0.5] * 70)), "by an array"
    yield "rows", kl.GRU(3, bias_initializer=ki.Orthogonal()), "of which it is a row"
    yield "waves", kl.Conv1D(3, 4, kernel_initializer=ki.STFT()), "STFT"


@pytest.mark.parametrize(("name", "layer", "reason"), refused(), ids=lambda v: str(v)[:12])
def test_what_cannot_be_drawn_converts_without_reset(
    name: str, layer: kl.Layer, reason: str
) -> None:
    first = kl.Dense(1) if name == "waves" else kl.Dense(4)
    model = keras.Sequential([keras.Input((5, 4)), first, layer])
    twin = torchtwin.convert(model)
    resets = resets_of(twin.program)
    if not reason:
        assert resets.reason == ""
        return
    assert "def reset_parameters" not in twin.source
    assert reason in resets.reason
    assert resets.reason.startswith("It cannot start from scratch: ")


def test_all_of_keras_initializers() -> None:
    public = {c.__name__ for _, c in inspect.getmembers(ki, inspect.isclass)}
    # The base class draws nothing; STFT is the kernel of one preprocessing layer.
    assert public - {"Initializer", "RandomInitializer", "STFT"} == set(ARGUMENTS)
    for name, arguments in ARGUMENTS.items():
        signature = inspect.signature(getattr(ki, name).__init__).parameters
        given = {k: p.default for k, p in signature.items()}
        for extra in ("self", "seed", "input_axes", "output_axes", "args", "kwargs"):
            given.pop(extra, None)
        assert given == arguments
